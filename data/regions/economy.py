"""Gross domestic product and resident population of prefectures by year, second-hand from the yearbook."""

from __future__ import annotations

from importlib import resources

import pandas as pd

from data.regions.counts import ALL_COUNTS, Mark, YearCounts, evaluate_counts, stack_counts, total_counts
from data.registry import Registry
from geo.region_tree import inside

SOURCE = "jiangsu_yearbook"
TABLES = ("prefecture_gdp.csv", "prefecture_population.csv")


def load_yearbook(file: str) -> pd.DataFrame:
    """Return a packaged yearbook table: adcode, name (text), year, ``row`` (line in the file), values."""
    with resources.files("data.facts").joinpath(file).open(encoding="utf-8") as stream:
        frame = pd.read_csv(stream, dtype={"adcode": str, "name": str})
    return frame.assign(row=range(2, len(frame) + 2))


def economy_counts(registry: Registry, regions: pd.DataFrame) -> dict[int, YearCounts]:
    """Return the economic quantities by year: prefectures as printed, economic regions and province as sums.

    A prefecture that the yearbook table leaves out in a year is undefined there, and so is every sum over it.
    """
    merged = _merge([load_yearbook(file) for file in TABLES])
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
    for file in TABLES:
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
