"""The plans' standards set against the store: what every region must have, has, and lacks.

One analysis for the page and the command: `prepare_standards` reads people, townships and facilities once;
`StandardsAnalysis` answers every standard and level.
"""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from typing import Any

import pandas as pd

from analysis.coverage import IMPLIED, Origin
from analysis.given import Given, require_region
from analysis.repeats import find_repeats
from data.regions.population import CENSUS_YEAR
from data.registry.facility_models import GROUPS, Standard, load_facility_types, load_standards
from data.store.store import Store
from geo.region_tree import (
    COUNTY_CITY_KINDS,
    LEVELS,
    PROVINCE,
    Level,
    inside,
    prefectures_of,
    region_hierarchy,
)
from geo.standards import (
    COLUMNS,
    METHOD,
    NO_CAPACITY,
    NO_FACILITIES,
    NOT_KEPT,
    compare,
    contradictions,
    growth_factors,
    project,
    require_known,
    required,
    roll_up,
)

YEARBOOK = "yearbook_population"
ENDINGS = ("镇", "乡", "街道")
SUMMARY_COLUMNS = (
    "standard",
    "name",
    "doc_no",
    "plan",
    "seed_line",
    "rule",
    "required",
    "required_most",
    "provided",
    "surveyed",
    "implied",
    "shortfall",
    "unit",
    "regions",
    "regions_short",
    "met_share",
    "share_required",
    "contradicted_by",
    "reason",
)


@dataclass(frozen=True, eq=False)
class StandardsAnalysis:
    """Standards with what they are held against.

    ``units``: by region level, index adcode, what ``geo.standards.required`` needs besides people;
    ``people``: by region level, a column per group; ``facilities`` those that may count. ``year``: of the
    people; ``projected`` whether that is an estimate. ``notes``: sentences the reader must see (Chinese).
    """

    standards: dict[str, Standard]
    units: dict[str, pd.DataFrame]
    people: dict[str, pd.DataFrame]
    facilities: pd.DataFrame
    regions: pd.DataFrame
    within: str
    year: int
    projected: bool
    notes: tuple[str, ...]
    _tables: dict[tuple[str, Level], pd.DataFrame] = field(init=False, default_factory=dict, repr=False)
    _repeated: dict[str | None, list[str]] = field(init=False, default_factory=dict, repr=False)

    @cached_property
    def _hierarchy(self) -> pd.DataFrame:
        return region_hierarchy(self.regions)

    @cached_property
    def _inside(self) -> list[str]:
        return inside(self.regions, self.within)

    @property
    def population_text(self) -> str:
        """The population that the standards are applied to, in words."""
        return f"{self.year} 年推算人口" if self.projected else f"{self.year} 年人口普查"

    def table(self, standard: str, *, level: Level = "county") -> pd.DataFrame:
        """Return what a standard requires of every region of ``level``, beside what is there.

        Columns ``geo.standards.COLUMNS``. A level below the one the plan speaks of answers with that one.
        Raises ``StandardError`` for a standard nobody knows.
        """
        require_known([standard], list(self.standards))
        entry = self.standards[standard]
        at: Level = max(level, entry.region_level, key=LEVELS.index)
        if (standard, at) not in self._tables:
            self._tables[standard, at] = self._table(entry, at)
        return self._tables[standard, at].copy()

    def _table(self, entry: Standard, level: Level) -> pd.DataFrame:
        units = self.units[entry.region_level]
        people = self.people[entry.region_level][entry.group]
        asked = required(entry.as_rule(), units.assign(people=people.reindex(units.index)))
        rows = compare(asked, self._provided(entry, units.index))
        hierarchy = self._hierarchy
        if level != entry.region_level:
            rows = roll_up(rows, hierarchy[level])
        rows = rows[rows.index.isin(self._inside)]
        rows = rows.assign(adcode=rows.index, name=hierarchy["name"].reindex(rows.index), level=level)
        return rows[list(COLUMNS)].sort_values("adcode").reset_index(drop=True)

    def counted(self, standard: str) -> pd.DataFrame:
        """Return the facilities that count for a standard."""
        entry = self.standards[standard]
        frame = self.facilities[self.facilities["type"].isin(entry.types)]
        if entry.words:
            named = frame["name"].fillna("")
            frame = frame[named.map(lambda name: any(word in name for word in entry.words)).astype(bool)]
        if entry.level_words:
            levels = frame["level"].fillna("")
            frame = frame[levels.map(lambda one: any(word in one for word in entry.level_words)).astype(bool)]
        return frame

    def repeat_notes(self, standard: str | None = None) -> list[str]:
        """Return what must be said of facilities that may be one and the same.

        With a ``standard`` of those that count for it, and what is provided without the repeated ones; kept.
        """
        if standard not in self._repeated:
            self._repeated[standard] = self._repeat_notes(standard)
        return list(self._repeated[standard])

    def _repeat_notes(self, standard: str | None) -> list[str]:
        counted = self.facilities if standard is None else self.counted(standard)
        home = counted["adcode"].isin(self._inside)
        repeats = find_repeats(counted[home], self.regions)
        if standard is None or not repeats.extra:
            return repeats.words(int(home.sum()))
        once = dataclasses.replace(self, facilities=repeats.once(self.facilities))
        level = self.standards[standard].region_level
        now, then = (float(one.table(standard, level=level)["provided"].sum()) for one in (self, once))
        unit = self.standards[standard].unit
        return repeats.words(int(home.sum()), f"，已配合计 {then:,.6g} {unit}（现计 {now:,.6g}）")

    def _known(self, entry: Standard) -> bool:
        """Return whether the store can tell: names and levels of implied facilities say nothing."""
        frame = self.facilities[self.facilities["type"].isin(entry.types)]
        if entry.words or entry.level_words:
            frame = frame[frame["precision"] == "surveyed"]
        return len(frame) > 0

    def _provided(self, entry: Standard, codes: pd.Index) -> pd.DataFrame:
        """Return what every region has: facilities, or their capacity; NaN where the store cannot know."""
        reason = None
        frame = self.counted(entry.id)
        if not entry.types:
            reason = NOT_KEPT
        elif not self._known(entry):
            reason = NO_FACILITIES
        elif entry.measure == "capacity":
            frame = frame[frame["capacity"].notna()]
            reason = None if len(frame) else NO_CAPACITY
        if reason is not None:
            unknown = pd.DataFrame(index=codes, columns=["provided", "surveyed", "implied"], dtype="float64")
            return unknown.assign(reason=reason)
        home = frame["adcode"].astype(str)
        if entry.region_level == "prefecture":
            home = pd.Series(prefectures_of(home), index=home.index)
        amount = frame["capacity"] if entry.measure == "capacity" else pd.Series(1.0, index=frame.index)
        placed = frame["precision"].isin(IMPLIED)
        sums = {
            "surveyed": amount[~placed].groupby(home[~placed]).sum(),
            "implied": amount[placed].groupby(home[placed]).sum(),
        }
        found = pd.DataFrame({key: part.reindex(codes).fillna(0.0) for key, part in sums.items()})
        return found.assign(provided=found["surveyed"] + found["implied"], reason=None)

    def summary(self, within: str | None = None) -> pd.DataFrame:
        """Return one row per standard for the whole of the request's region, columns ``SUMMARY_COLUMNS``.

        ``within``: only this part of it (adcode). ``regions``: how many regions the standard binds,
        ``regions_short`` how many of them lack something; ``met_share`` the part that lacks nothing,
        ``share_required`` the part that the plan wants.
        """
        against = {one: group for group in self.contradictions() for one in group}
        codes = self._inside if within is None else inside(self.regions, require_region(self.regions, within))
        rows = []
        for key, entry in self.standards.items():
            table = self.table(key)
            others = "、".join(one for one in against.get(key, []) if one != key)
            rows.append(_summary_row(entry, table[table["adcode"].isin(codes)], others or None))
        found = pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))
        return found.astype({"contradicted_by": object, "reason": object})

    def contradictions(self) -> list[list[str]]:
        """Return the ids of standards that ask different things of the same regions."""
        return contradictions(entry.as_rule() for entry in self.standards.values())


@dataclass(frozen=True)
class StandardsRequest:
    """What is asked of one run: a standard by region of ``level``, or (None) the summary of all of them.

    ``year``, ``origin``, ``within`` as for `prepare_standards`.
    """

    standard: str | None = None
    level: Level = "county"
    year: int | None = None
    origin: Origin = "auto"
    within: str = PROVINCE

    def as_dict(self) -> dict[str, Any]:
        """Return plain values that `from_dict` takes back."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> StandardsRequest:
        """Return the request a run recorded."""
        return cls(**values)

    def rows(self, analysis: StandardsAnalysis) -> pd.DataFrame:
        """Return the answer: `StandardsAnalysis.summary` or its ``table``. Raises as these."""
        if self.standard is None:
            return analysis.summary()
        return analysis.table(self.standard, level=self.level)


def _summary_row(entry: Standard, table: pd.DataFrame, contradicted_by: str | None) -> dict[str, object]:
    """Return the sums of one standard over the rows of its table."""
    bound = table[table["applies"]]
    short = bound["regions_short"].sum(skipna=False) if len(bound) else 0.0
    goal = entry.share if entry.rule in {"per_region", "per_region_above"} else None
    told = table[table["applies"] | table["required"].isna()]
    sums = {
        name: told[name].sum(skipna=False)
        for name in ("required", "required_most", "provided", "surveyed", "implied", "shortfall")
    }
    reasons = told["reason"].dropna()
    return {
        "standard": entry.id,
        "name": entry.name,
        "doc_no": entry.doc_no,
        "plan": entry.plan,
        "seed_line": entry.seed_line,
        "rule": entry.rule,
        **sums,
        "unit": entry.unit,
        "regions": float(len(bound)),
        "regions_short": short,
        "met_share": 1.0 - short / len(bound) if len(bound) else float("nan"),
        "share_required": float("nan") if goal is None else goal,
        "contradicted_by": contradicted_by,
        "reason": None if reasons.empty else str(reasons.iloc[0]),
    }


def prepare_standards(
    given: Given,
    *,
    year: int | None = None,
    origin: Origin = "auto",
    within: str = PROVINCE,
    standards: dict[str, Standard] | None = None,
) -> StandardsAnalysis:
    """Return the standards with people, townships and facilities of the store.

    ``year`` None: the census; else people projected to that year (an estimate). ``origin`` as for a
    coverage run, by type: ``auto`` takes the imported facilities of a type where there are any. Raises
    ``StandardError`` for a year that cannot be projected, ``UnknownRegionError`` for an unknown region.
    """
    require_region(given.regions, within)
    people = _people(given.store)
    notes = [_residual(given.tables.residual)]
    if year is not None and year != CENSUS_YEAR:
        factors = growth_factors(
            given.store.facts(YEARBOOK, level="prefecture")[["adcode", "year", "value"]], year
        )
        home = {level: _home(frame.index) for level, frame in people.items()}
        people = {level: project(frame, home[level], factors) for level, frame in people.items()}
        notes.append(METHOD)
    known = load_standards() if standards is None else standards
    chosen, said = _facilities(given, origin, {one for entry in known.values() for one in entry.types})
    units = {level: _units(given.regions, level) for level in ("county", "prefecture")}
    return StandardsAnalysis(
        standards=known,
        units=units,
        people=people,
        facilities=chosen,
        regions=given.regions,
        within=within,
        year=CENSUS_YEAR if year is None else year,
        projected=year is not None and year != CENSUS_YEAR,
        notes=tuple(note for note in (*said, *notes) if note),
    )


def _people(store: Store) -> dict[str, pd.DataFrame]:
    """Return the people of the census by group, for counties and prefectures."""
    return {
        level: store.fact_matrix(list(GROUPS), year=CENSUS_YEAR, level=level)[list(GROUPS)]
        for level in ("county", "prefecture")
    }


def _home(codes: pd.Index) -> pd.Series:
    return pd.Series(prefectures_of(codes), index=codes)


def _residual(rows: pd.DataFrame) -> str:
    total = rows["value"].sum()
    return f"普查未列入任何县的 {total:,.0f} 人不计入县级应配（连云港、镇江）" if total else ""


def _units(regions: pd.DataFrame, level: str) -> pd.DataFrame:
    """Return kind, 涉农 flag and townships by ending of every region of a level."""
    table = regions.loc[regions["level"] == level, ["kind"]].copy()
    counts = _townships()
    if level == "prefecture":
        counts = counts.groupby(_home(counts.index)).sum()
    counts = counts.reindex(table.index).fillna(0.0)
    country = (counts["镇"] + counts["乡"]) > 0
    return table.join(counts).assign(rural=table["kind"].isin(COUNTY_CITY_KINDS) | country)


def _townships() -> pd.DataFrame:
    """Return how many townships of each kind every county has; those marked as abolished do not count."""
    with (resources.files("data.facts") / "townships.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    found = [(row["adcode"], ending) for row in rows for ending in ENDINGS if row["name"].endswith(ending)]
    frame = pd.DataFrame(found, columns=["adcode", "ending"])
    return pd.crosstab(frame["adcode"], frame["ending"]).reindex(columns=list(ENDINGS)).fillna(0.0)


def _facilities(given: Given, origin: Origin, types: set[str]) -> tuple[pd.DataFrame, list[str]]:
    """Return the facilities that count, and what must be said about where they come from."""
    frame = given.facilities
    if given.own_facilities is not None:
        return frame[frame["adcode"].notna()], ["已配按所给文件的设施计"]
    frame = frame[frame["adcode"].notna() & frame["type"].isin(types)]
    surveyed = ~frame["precision"].isin(IMPLIED)
    if origin == "imported":
        frame = frame[surveyed]
    elif origin == "implied":
        frame = frame[~surveyed]
    else:
        real = set(frame.loc[surveyed, "type"])
        frame = frame[surveyed | ~frame["type"].isin(real)]
    if frame.empty:
        return frame, ["库中没有这一来源的设施，已配全部未知；请先导入，或换一个来源"]
    implied = sorted(set(frame.loc[frame["precision"].isin(IMPLIED), "type"]))
    names = load_facility_types()
    notes = []
    if implied:
        listed = "、".join(names[key].name for key in implied)
        notes.append(
            f"{listed}是按规划标准推定或以驻地代替的，不是实测：用它们核对放置所依的标准没有意义；"
            "推定只及能定位的乡镇（街道），其余显示为缺口"
        )
    notes += _partial(given.regions, frame)
    return frame, notes


def _partial(regions: pd.DataFrame, frame: pd.DataFrame) -> Sequence[str]:
    """Say when imported facilities cover some prefectures only: a shortfall elsewhere is then one of data."""
    real = frame[~frame["precision"].isin(IMPLIED)]
    if real.empty:
        return []
    known = set(prefectures_of(real["adcode"]))
    everywhere = regions[regions["level"] == "prefecture"]
    without = [str(row["short_name"]) for code, row in everywhere.iterrows() if code not in known]
    return [f"导入的设施不含{'、'.join(without)}：这些设区市的缺口可能只是缺少数据"] if without else []
