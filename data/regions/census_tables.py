"""The census tables as transcribed and corrected, and the way from their units to today's regions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib import resources

import numpy as np
import pandas as pd

from data.regions.counts import (
    ALL_COUNTS,
    Mark,
    YearCounts,
    evaluate_counts,
    stack_counts,
    total_counts,
    undefined_row,
)
from data.registry import Registry
from data.registry.models import CensusChange, CensusCorrection, CountGroup
from geo.errors import RegistryError
from geo.region_tree import children, inside

CENSUS_YEARS = (2010, 2020)


def load_census(year: int) -> pd.DataFrame:
    """Return the packaged census table of a year, as transcribed.

    Index ``code`` (6-character text), column ``name`` (text), ``row`` (line in the file, the header being 1),
    and one float64 column per count, NaN where the cell is empty.
    """
    text = resources.files("data.facts").joinpath(f"census_{year}.csv")
    with text.open(encoding="utf-8") as stream:
        frame = pd.read_csv(stream, dtype={"code": str, "name": str}).set_index("code")
    counts = frame.drop(columns="name").astype(float)
    return pd.concat(
        [frame[["name"]], pd.Series(range(2, len(frame) + 2), frame.index, name="row"), counts], axis=1
    )


def correct_cells(
    table: pd.DataFrame, corrections: Iterable[CensusCorrection], year: int
) -> tuple[pd.DataFrame, list[CensusCorrection]]:
    """Return the table with the corrections of ``year`` applied, and those corrections.

    Raises ``RegistryError`` when a cell does not hold what the correction says was transcribed: the table or
    the correction has changed since.
    """
    corrected, applied = table.copy(), []
    for entry in corrections:
        if entry.year != year:
            continue
        known = entry.adcode in table.index and entry.column in table.columns
        if not known or table.loc[entry.adcode, entry.column] != entry.transcribed:
            where = f"census_corrections.yaml，条目 {entry.year}/{entry.adcode}/{entry.column}"
            raise RegistryError(
                f"{where}，字段 transcribed：表中不是 {entry.transcribed}，请核对后修改或删去这条更正"
            )
        corrected.loc[entry.adcode, entry.column] = float(entry.corrected)
        applied.append(entry)
    return corrected, applied


def deduce_zeros(table: pd.DataFrame, groups: Iterable[CountGroup], year: int) -> pd.DataFrame:
    """Return the table with the empty cells filled that can only be zero.

    A cell is zero when the group's other cells already reach the published total; otherwise it stays empty.
    """
    filled = table.copy()
    for group in groups:
        if group.year != year:
            continue
        parts = list(group.parts)
        complete = filled[parts].sum(axis=1) == filled[group.total]
        filled.loc[complete, parts] = filled.loc[complete, parts].fillna(0.0)
    return filled


def unit_counts(registry: Registry, year: int) -> tuple[pd.DataFrame, YearCounts]:
    """Return the census table of a year (``name``, ``row``) and the counts of each of its units.

    Units are the province, its prefectures, counties and zones as the census lists them. A count that reads
    a corrected cell carries a remark.
    """
    raw = load_census(year)
    table, applied = correct_cells(raw, registry.census_corrections, year)
    table = deduce_zeros(table, registry.count_groups, year)
    census = [count for count in registry.counts if count.table == "census"]
    counts = evaluate_counts(table, census, year)
    for entry in applied:
        for count in census:
            if year in count.years and entry.column in count.columns(year):
                counts.add_mark(entry.adcode, count.id, Mark("已更正转录错误", entry.reason))
    return raw[["name", "row"]], counts


def residual_rows(year: YearCounts, parent: str, children: list[str]) -> tuple[pd.Series, pd.Series]:
    """Return what is left of ``parent`` after its children, per count, and the reasons where undefined."""
    rest = year.numbers.loc[parent] - year.numbers.loc[children].sum(axis=0, skipna=False)
    reasons = pd.Series(
        np.where(rest.isna(), "下属县的数字不全，无法求未分配部分", ""), index=rest.index, dtype=object
    )
    return pd.Series(rest).round(6), reasons


POPULATION = "population"


@dataclass
class Membership:
    """What makes up a county in a census: the units to add, why they cannot be (if so), and remarks."""

    units: list[str] = field(default_factory=list)
    reason: str = ""
    marks: list[Mark] = field(default_factory=list)


def memberships(registry: Registry, year: int, codes: set[str], counties: list[str]) -> dict[str, Membership]:
    """Return what makes up each county in a census whose units are ``codes``, by adcode."""
    made = {}
    changes = registry.census_changes if year == 2010 else ()
    for county in counties:
        member = (
            _united_2010(county, changes, codes) if year == 2010 else _folded(county, registry, year, codes)
        )
        if not member.units and not member.reason:
            member.reason = f"{year}年人口普查分县资料中没有该县（市、区）"
        made[county] = member
    for flag in registry.census_flags:
        if flag.year == year and flag.county in made:
            made[flag.county].marks.append(Mark(flag.flag, flag.reason))
    return made


def _folded(county: str, registry: Registry, year: int, codes: set[str]) -> Membership:
    """Return the county's own unit and the zones that lie in it."""
    member = Membership([county] if county in codes else [])
    for zone in registry.zones:
        if zone.county == county and zone.year == year and zone.zone_code in codes:
            member.units.append(zone.zone_code)
            member.marks.append(Mark(f"含{zone.name}", zone.reason))
    return member


def _united_2010(county: str, changes: tuple[CensusChange, ...], codes: set[str]) -> Membership:
    """Return the units of 2010 that became ``county``; the worst comparability of its changes decides."""
    rows = [entry for entry in changes if entry.county == county]
    moved = {entry.code_2010 for entry in changes}
    whole = [entry for entry in rows if entry.change != "part" and entry.code_2010 in codes]
    units = [entry.code_2010 for entry in whole]
    if county in codes and county not in moved:
        units.append(county)
    member = Membership(sorted(units))
    reasons = {level: _reasons(rows, level) for level in ("none", "approximate")}
    if reasons["none"]:
        member.reason = f"2010年与2020年的范围不能对应：{reasons['none']}"
    elif reasons["approximate"]:
        member.marks.append(Mark("范围略有变化", reasons["approximate"]))
    former = [entry.name_2010 for entry in whole if entry.change in {"merged", "renamed"}]
    if former and not member.reason:
        member.marks.append(Mark(f"原{'、'.join(former)}", "；".join(dict.fromkeys(e.reason for e in whole))))
    return member


def _reasons(rows: list[CensusChange], level: str) -> str:
    return "；".join(dict.fromkeys(entry.reason for entry in rows if entry.comparable == level))


def unmatched_units(
    registry: Registry, year: int, units: pd.DataFrame, regions: pd.DataFrame, made: dict[str, Membership]
) -> list[tuple[str, str]]:
    """Return (code, reason) of each census unit that no region takes in."""
    used = {code for member in made.values() for code in member.units}
    known = used | set(regions["adcode"])
    if year == 2010:
        known |= {entry.code_2010 for entry in registry.census_changes if entry.county in made}
    zones = {zone.zone_code: zone.county for zone in registry.zones if zone.year == year}
    lost = []
    for code in units.index:
        if code in zones and zones[code] not in made:
            lost.append((code, f"应归入的 {zones[code]} 不在地区表中；请检查 zones.yaml"))
        elif code not in known:
            file = "census_changes.yaml" if year == 2010 else "zones.yaml"
            lost.append((code, f"代码不在地区表中，{file} 里也没有；请补上它归入哪个县"))
    return lost


def region_counts(
    units: YearCounts, regions: pd.DataFrame, made: dict[str, Membership], names: dict[str, str]
) -> YearCounts:
    """Return the counts of every region: counties, residuals, prefectures, economic regions, province.

    A prefecture is what the census prints for it; what its counties leave over is its ``unallocated``
    region. Economic regions and the province are sums of prefectures.
    """
    columns = units.numbers.columns
    rows = [(code, *_county_row(units, member, names)) for code, member in made.items()]
    marks = {(code, ALL_COUNTS): list(member.marks) for code, member in made.items() if member.marks}
    rows += _prefecture_rows(units, regions)
    lower = stack_counts(rows, columns)
    rows += _residuals(lower, regions)
    for level in ("economic_region", "province"):
        for code in regions.loc[regions["level"] == level, "adcode"]:
            rows.append((code, *total_counts(lower, sorted(inside(regions, code, "prefecture")), names)))
    made_counts = stack_counts(rows, columns)
    made_counts.marks.update(marks)
    for (code, count), held in units.marks.items():
        for county, member in made.items():
            if code in member.units and not member.reason:
                made_counts.marks.setdefault((county, count), []).extend(held)
    return made_counts


def _county_row(units: YearCounts, member: Membership, names: dict[str, str]) -> tuple[pd.Series, pd.Series]:
    if member.reason:
        return undefined_row(units.numbers.columns, member.reason)
    return total_counts(units, member.units, names)


def _prefecture_rows(units: YearCounts, regions: pd.DataFrame) -> list[tuple[str, pd.Series, pd.Series]]:
    rows = []
    for code in regions.loc[regions["level"] == "prefecture", "adcode"]:
        if code in units.numbers.index:
            rows.append((code, units.numbers.loc[code], units.reasons.loc[code]))
        else:
            rows.append((code, *undefined_row(units.numbers.columns, "人口普查分县资料中没有该设区市")))
    return rows


def _residuals(lower: YearCounts, regions: pd.DataFrame) -> list[tuple[str, pd.Series, pd.Series]]:
    """Return a row for each ``unallocated`` region whose prefecture has more people than its counties."""
    rows = []
    for region in regions[regions["level"] == "unallocated"].itertuples():
        counties = inside(regions, str(region.parent), "county")
        values, reasons = residual_rows(lower, str(region.parent), counties)
        if values[POPULATION] != 0 and not pd.isna(values[POPULATION]):
            rows.append((str(region.adcode), values, reasons))
    return rows


def adding_up_problems(
    registry: Registry, year: int, units: YearCounts, made: YearCounts, regions: pd.DataFrame
) -> list[str]:
    """Return a Chinese sentence for every count of the source that does not add up (none is hidden).

    Prefectures against the printed province; counties and residual against the printed prefecture.
    """
    additive = [c.id for c in registry.counts if c.table == "census" and year in c.years and c.sum]
    faults = []
    for region in regions[regions["level"].isin(["province", "prefecture"])].itertuples():
        code = str(region.adcode)
        if region.level == "province":
            parts = sorted(inside(regions, code, "prefecture"))
        else:
            parts = [one for one in children(regions, code) if one in made.numbers.index]
        if code not in units.numbers.index or not parts:
            continue
        difference = units.numbers.loc[code] - made.numbers.loc[parts].sum(axis=0, skipna=False)
        faults += [
            f"{year}年{region.name} {count}：公布数比下级合计多 {difference[count]:g}"
            for count in additive
            if abs(difference[count]) > 1e-3
        ]
    return faults
