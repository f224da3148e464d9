"""The facts of the store: the censuses of 2010 and 2020 by region, and with them the yearbook series.

`build_facts` turns the packaged tables and the registry into frames with the columns of the store. How a
figure comes about is documented in docs/methods/census.md and docs/methods/economy.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import resources

import numpy as np
import pandas as pd

from data.regions.census_tables import (
    CENSUS_YEARS,
    POPULATION,
    adding_up_problems,
    memberships,
    region_counts,
    unit_counts,
    unmatched_units,
)
from data.regions.counts import (
    ALL_COUNTS,
    IndicatorValues,
    Mark,
    YearCounts,
    evaluate_counts,
    indicator_values,
    stack_counts,
    total_counts,
)
from data.registry import Registry
from data.registry.models import Entry, Indicator
from data.store.schema import TABLES
from geo.region_tree import inside

_ADDITIVE = ("count", "amount")


@dataclass(frozen=True)
class FactTables:
    """Frames with the columns of the store's tables of the same names, in a fixed order.

    ``problems`` lists what does not add up in the source itself (Chinese); it is empty when all does.
    """

    fact: pd.DataFrame
    indicator: pd.DataFrame
    zone: pd.DataFrame
    census_change: pd.DataFrame
    source: pd.DataFrame
    unmatched: pd.DataFrame
    problems: list[str] = field(default_factory=list)


@dataclass
class CensusCounts:
    """The census counts of every region by year, the units no region took in, and what does not add up."""

    years: dict[int, YearCounts]
    unmatched: list[dict[str, str]]
    problems: list[str]


def census_counts(registry: Registry, regions: pd.DataFrame) -> CensusCounts:
    """Return the census counts of both years on the regions of ``regions`` (adcode, name, level, parent)."""
    result = CensusCounts({}, [], [])
    counties = sorted(regions.loc[regions["level"] == "county", "adcode"])
    for year in CENSUS_YEARS:
        units, counts = unit_counts(registry, year)
        made = memberships(registry, year, set(units.index), counties)
        by_region = region_counts(counts, regions, made, _names(units))
        result.years[year] = by_region
        result.problems += adding_up_problems(registry, year, counts, by_region, regions)
        for code, reason in unmatched_units(registry, year, units, regions, made):
            result.unmatched.append(
                {
                    "table_name": f"census_{year}",
                    "source": f"census_{year}",
                    "row": str(units.loc[code, "row"]),
                    "code": code,
                    "name": str(units.loc[code, "name"]),
                    "value": str(counts.numbers[POPULATION].map("{:.0f}".format)[code]),
                    "reason": reason,
                }
            )
    return result


def _names(units: pd.DataFrame) -> dict[str, str]:
    return {str(code): str(name) for code, name in units["name"].items()}


def build_facts(registry: Registry, regions: pd.DataFrame, counts: CensusCounts | None = None) -> FactTables:
    """Return the fact tables of the store.

    ``regions`` has the columns adcode (text; or the index), name, level, parent and area_km2. Facts hold one
    row per (adcode, indicator, year, source), in registry order of indicators, then year, then adcode; an
    undefined value is NaN with status ``undefined`` and a reason. Raises ``RegistryError`` when a correction
    no longer fits the table. ``counts`` are the census counts on ``regions``, where the caller has them.
    """
    frame = regions.reset_index() if "adcode" not in regions.columns else regions
    frame = frame[["adcode", "name", "level", "parent", "area_km2"]].sort_values("adcode", ignore_index=True)
    census = counts or census_counts(registry, frame)
    economy = economy_counts(registry, frame)
    area = frame.set_index("adcode")["area_km2"].astype(float)
    yearly = [entry for entry in registry.indicators if SOURCE in entry.source]
    counted = [entry for entry in registry.indicators if SOURCE not in entry.source]
    levels = dict(zip(frame["adcode"], frame["level"], strict=True))
    estimated = {count.id for count in registry.counts if count.status == "estimated"}
    rows: list[dict[str, object]] = []
    for entries, years in ((counted, census.years), (yearly, economy)):
        for made in indicator_values(entries, years, area):
            rows += _fact_rows(made, years, levels, estimated)
    return FactTables(
        fact=_in_order(pd.DataFrame(rows, columns=list(TABLES["fact"].columns)), registry),
        indicator=indicator_frame(registry),
        zone=_entry_frame(registry.zones, ["zone_code", "name", "county", "year", "reason"]),
        census_change=_entry_frame(
            registry.census_changes,
            ["code_2010", "name_2010", "county", "name_2020", "change", "comparable", "effective", "reason"],
        ),
        source=_entry_frame(registry.sources, list(TABLES["source"].columns)),
        unmatched=pd.DataFrame(
            census.unmatched + unmatched_rows(frame), columns=list(TABLES["unmatched"].columns)
        ),
        problems=census.problems,
    )


def _fact_rows(
    made: IndicatorValues, years: dict[int, YearCounts], levels: dict[str, str], estimated: set[str]
) -> list[dict[str, object]]:
    """Return the rows of an indicator in a year; a residual has counts only, for it is no place."""
    indicator, rows = made.indicator, []
    status = "estimated" if made.counts & estimated else "observed"
    cells = zip(made.numbers.index, made.numbers.to_numpy(), made.reasons.to_numpy(), strict=True)
    for code, value, reason in cells:
        if levels[code] == "unallocated" and indicator.kind not in _ADDITIVE:
            continue
        undefined = bool(np.isnan(value))
        marks = made.marks(code, years)
        rows.append(
            {
                "adcode": code,
                "indicator": indicator.id,
                "year": made.year,
                "source": _source(indicator, made.year),
                "value": value,
                "status": "undefined" if undefined else status,
                "quality": indicator.quality,
                "flag": "；".join(mark.flag for mark in marks) or None,
                "note": "；".join(dict.fromkeys(mark.reason for mark in marks)) or None,
                "reason": reason if undefined else None,
            }
        )
    return rows


def _source(indicator: Indicator, year: int) -> str:
    """Return the source of the indicator's value of a year: one census, or what the registry names."""
    name = f"census_{year}"
    return name if name in indicator.source else indicator.source[0]


def _in_order(fact: pd.DataFrame, registry: Registry) -> pd.DataFrame:
    """Return the facts in registry order of indicators, then year, then adcode."""
    rank = {entry.id: number for number, entry in enumerate(registry.indicators)}
    fact = fact.assign(rank=fact["indicator"].map(rank), value=fact["value"].astype(float))
    fact = fact.sort_values(["rank", "year", "adcode", "source"], kind="stable", ignore_index=True)
    return fact.drop(columns="rank")


def indicator_frame(registry: Registry) -> pd.DataFrame:
    """Return the table ``indicator``: what people read of each registry entry; sources joined by commas."""
    columns = list(TABLES["indicator"].columns)
    rows = [{**entry.model_dump(), "source": ",".join(entry.source)} for entry in registry.indicators]
    frame = pd.DataFrame(rows)[columns]
    texts = ["denominator", "note"]
    return frame.assign(**{name: frame[name].where(frame[name] != "", None) for name in texts})


def _entry_frame(entries: tuple[Entry, ...], columns: list[str]) -> pd.DataFrame:
    """Return registry entries as a frame of the named fields, in file order."""
    return pd.DataFrame([entry.model_dump() for entry in entries], columns=columns)


SOURCE = "jiangsu_yearbook"
YEARBOOK_TABLES = ("prefecture_gdp.csv", "prefecture_population.csv")


def load_yearbook(file: str) -> pd.DataFrame:
    """Return a packaged yearbook table: adcode, name (text), year, ``row`` (line in the file), values."""
    with resources.files("data.facts").joinpath(file).open(encoding="utf-8") as stream:
        frame = pd.read_csv(stream, dtype={"adcode": str, "name": str})
    return frame.assign(row=range(2, len(frame) + 2))


def economy_counts(registry: Registry, regions: pd.DataFrame) -> dict[int, YearCounts]:
    """Return the economic quantities by year: prefectures as printed, economic regions and province as sums.

    A prefecture that the yearbook table leaves out in a year is undefined there, and so is every sum over it.
    """
    merged = _merge([load_yearbook(file) for file in YEARBOOK_TABLES])
    counts = [count for count in registry.counts if count.table == "economy"]
    names = dict(zip(regions["adcode"], regions["name"], strict=True))
    prefectures = sorted(regions.loc[regions["level"] == "prefecture", "adcode"])
    result = {}
    for year in sorted({year for count in counts for year in count.years}):
        table = merged[merged["year"] == year].set_index("adcode").drop(columns="year").reindex(prefectures)
        printed = evaluate_counts(table, counts, year)
        printed.reasons = printed.reasons.where(printed.numbers.notna(), f"年鉴数列缺{year}年")
        rows = [(code, printed.numbers.loc[code], printed.reasons.loc[code]) for code in prefectures]
        for level in ("economic_region", "province"):
            rows += [
                (code, *total_counts(printed, sorted(inside(regions, code, "prefecture")), names))
                for code in regions.loc[regions["level"] == level, "adcode"]
            ]
        result[year] = stack_counts(rows, printed.numbers.columns)
    _mark_series(registry, regions, result)
    return result


def _merge(tables: list[pd.DataFrame]) -> pd.DataFrame:
    keyed = [table.drop(columns=["name", "row"]).set_index(["adcode", "year"]) for table in tables]
    return pd.concat(keyed, axis=1).sort_index().reset_index()


def _mark_series(registry: Registry, regions: pd.DataFrame, years: dict[int, YearCounts]) -> None:
    """Put the remarks of ``series_flags.yaml`` on their values, and on the sums that contain them."""
    for entry in registry.series_flags:
        counts = years.get(entry.year)
        if counts is None:
            continue
        mark = Mark(entry.flag, entry.reason)
        if entry.adcode == ALL_COUNTS:
            for code in counts.numbers.index:
                counts.add_mark(str(code), entry.series, mark)
            continue
        counts.add_mark(entry.adcode, entry.series, mark)
        for code in regions.loc[regions["level"].isin(["economic_region", "province"]), "adcode"]:
            if entry.adcode in inside(regions, code, "prefecture"):
                counts.add_mark(str(code), entry.series, mark)


def unmatched_rows(regions: pd.DataFrame) -> list[dict[str, str]]:
    """Return the yearbook rows whose code is no prefecture, as rows of the table ``unmatched``."""
    known = set(regions.loc[regions["level"] == "prefecture", "adcode"])
    lost = []
    for file in YEARBOOK_TABLES:
        table = load_yearbook(file)
        value = next(column for column in table.columns if column not in {"adcode", "name", "year", "row"})
        lost += [
            {
                "table_name": file.removesuffix(".csv"),
                "source": SOURCE,
                "row": str(row["row"]),
                "code": str(row["adcode"]),
                "name": str(row["name"]),
                "value": str(row[value]),
                "reason": "代码不是地区表中的设区市",
            }
            for row in table[~table["adcode"].isin(known)].to_dict("records")
        ]
    return lost
