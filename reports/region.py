"""A region in a briefing: its name, what lies above and within it, its values, and how it compares."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import geopandas as gpd
import pandas as pd

from analysis.coverage import CoverageAnalysis, CoverageRequest, covered_types, prepare_coverage
from analysis.gaps import GapSource, compare_years, load_gap
from analysis.given import Given, gather
from analysis.peers import ProfileSet, load_profiles
from analysis.standards import StandardsAnalysis, prepare_standards
from analysis.tracking import Track, tracks
from data.registry import Registry
from data.registry.facility_models import load_facility_types
from data.registry.index_models import load_profile_rules
from data.store.store import Store
from geo.errors import CoverageError
from geo.gaps import GapComparison
from geo.region_tree import LEVEL_WORDS, PROVINCE, above, inside, listed_names
from layers.words import profile as words
from layers.words.profile import Point, Standing
from reports.document import ReportError
from reports.targets import plan_names

GAP_LEVELS = {
    "prefecture": "prefecture",
    "economic_region": "prefecture",
    "county": "county",
    "province": "prefecture",
}
"""At which level the gaps stand that a briefing on a region speaks of."""


@dataclass(frozen=True)
class FacilityCoverage:
    """One facility type with the threshold and the analysis that answers for every region."""

    name: str
    minutes: float
    analysis: CoverageAnalysis


@dataclass(eq=False)
class BriefingStore:
    """The store and what was read from it: one for all briefings of a run."""

    store: Store
    registry: Registry
    data_dir: Path
    font: Path
    day: str = field(default_factory=lambda: f"{date.today():%Y 年 %m 月 %d 日}")

    @functools.cached_property
    def table(self) -> pd.DataFrame:
        """The region table."""
        return self.store.region_table()

    @functools.cached_property
    def indicators(self) -> pd.DataFrame:
        """The table of indicators."""
        return self.store.indicators()

    @functools.lru_cache(maxsize=256)  # noqa: B019 - lives as long as the run
    def facts(self, indicator: str) -> pd.DataFrame:
        """Return all facts of an indicator."""
        return self.store.facts(indicator)

    @functools.lru_cache(maxsize=4)  # noqa: B019 - lives as long as the run
    def profiles(self, level: str) -> ProfileSet:
        """Return the profiles of a level; the province's row is found in those of the economic regions."""
        return load_profiles(self.store, "economic_region" if level == "province" else level)

    @functools.lru_cache(maxsize=4)  # noqa: B019 - lives as long as the run
    def shapes(self, level: str) -> gpd.GeoDataFrame:
        """Return the regions of a level with the borders for one prefecture on the sheet."""
        return self.store.regions(level, zoom="prefecture")

    @functools.lru_cache(maxsize=16)  # noqa: B019 - lives as long as the run
    def _gap_source(self, indicator: str, level: str) -> GapSource:
        return load_gap(self.store, indicator, level)

    @functools.lru_cache(maxsize=16)  # noqa: B019 - lives as long as the run
    def gap(self, indicator: str, level: str, before: int) -> GapComparison:
        """Return the gap of an indicator in its latest year beside an earlier one."""
        source = self._gap_source(indicator, GAP_LEVELS[level])
        return compare_years(source, source.years[-1], before if before in source.years else None)

    @functools.cached_property
    def _given(self) -> Given:
        """What coverages and standards are made of; tables that both need are read once."""
        return gather(self.store, self.data_dir)

    @functools.cached_property
    def coverages(self) -> list[FacilityCoverage]:
        """The coverage by the facility types of the setting ``report_facilities`` that have any facility."""
        types = load_facility_types()
        found = []
        for one in str(self.registry.setting("report_facilities")).split():
            kind = types[one]
            request = CoverageRequest(types=covered_types([one]), mode=kind.mode)
            try:
                analysis = prepare_coverage(self._given, request)
            except CoverageError:
                continue
            found.append(FacilityCoverage(kind.name, kind.minutes, analysis))
        return found

    @functools.lru_cache(maxsize=64)  # noqa: B019 - lives as long as the run
    def coverage_table(self, number: int, level: str) -> pd.DataFrame:
        """Return the coverage by one of `coverages` for the regions of a level, index adcode."""
        one = self.coverages[number]
        return one.analysis.table(one.minutes, level=level).set_index("adcode")  # type: ignore[arg-type]

    @functools.cached_property
    def standards(self) -> StandardsAnalysis:
        """The plans' standards set against the store, for the whole province."""
        return prepare_standards(self._given)

    @functools.cached_property
    def tracks(self) -> list[Track]:
        """The plan targets that have an observed series."""
        return tracks(self.store)

    @functools.cached_property
    def plan_titles(self) -> dict[str, str]:
        """The short titles of the plans by document number; several of one number together."""
        titles = plan_names(self.store).groupby("doc_no")["short"].agg("、".join)
        return {str(number): str(title) for number, title in titles.items()}


_WIDE = (("gdp_per_head", 2005), ("mean_years_schooling", 2010))
GAP_SUBJECTS = {
    "prefecture": _WIDE,
    "economic_region": _WIDE,
    "province": _WIDE,
    "county": (("mean_years_schooling", 2010), ("population_65_plus_share", 2010)),
}


class Briefings(BriefingStore):
    """The store as briefings ask it, region by region."""

    def require(self, adcode: str) -> str:
        """Return the level of a region that a briefing can be made of, else raise `ReportError`."""
        if adcode not in self.table.index:
            raise ReportError(f"没有行政区划代码为“{adcode}”的地区")
        level = str(self.table["level"].to_dict()[adcode])
        if level not in LEVEL_WORDS:
            raise ReportError(f"{self.name(adcode)}没有简报；可为设区市、县（市、区）、经济区域和全省制作。")
        return level

    def name(self, adcode: str) -> str:
        """Return a region's name."""
        return "全省" if adcode == PROVINCE else str(self.table["name"].to_dict()[adcode])

    def names(self, level: str) -> dict[str, str]:
        """Return how the regions of a level are called; counties of one name carry their prefecture."""
        own = self.table[self.table["level"] == level]
        repeated = own["name"].duplicated(keep=False)
        labels = listed_names(self.table, own.index, parent="short_name")
        return {
            code: labels[code] if again else str(name)
            for code, name, again in zip(own.index, own["name"], repeated, strict=True)
        }

    def above(self, adcode: str) -> list[str]:
        """Return the regions above one, the nearest first, the province last."""
        return above(self.table, adcode)

    def inside(self, adcode: str) -> list[str]:
        """Return the counties within a region; a county itself."""
        return inside(self.table, adcode, "county")

    def point(self, indicator: str, adcode: str, year: int) -> Point:
        """Return a value of a year, with the reason when there is none."""
        facts = self.facts(indicator)
        row = facts[(facts["adcode"] == adcode) & (facts["year"] == year)].to_dict("records")
        if not row:
            return Point(year, math.nan)
        reason = row[0]["reason"]
        return Point(year, float(row[0]["value"]), reason if isinstance(reason, str) else "")

    def sources(self, ids: Sequence[str]) -> str:
        """Return the titles of sources as one text."""
        titles = self.store.sources().set_index("id")["title"].to_dict()
        return "；".join(dict.fromkeys(str(titles.get(one, one)) for one in ids))

    def sources_of(self, *indicators: str) -> str:
        """Return where the facts of some indicators come from."""
        found: list[str] = []
        for one in indicators:
            found += list(self.facts(one)["source"].dropna().unique())
        return self.sources(found)


def standing_of(profiles: ProfileSet, adcode: str, indicator: str) -> Standing:
    """Return how a region stands on one indicator of its profile; the province stands among nobody."""
    one = profiles.spines[indicator]
    entry = profiles.indicators[profiles.indicators["id"] == indicator].iloc[0]
    rank = float(one.ranks.to_dict().get(adcode, math.nan))
    return Standing(
        region=str(profiles.regions["name"].to_dict()[adcode]),
        indicator=str(entry["name"]),
        unit=str(entry["unit"]),
        decimals=int(entry["decimals"]),
        direction=one.direction,
        year=int(entry["year"]),
        value=profiles.value(adcode, indicator),
        rank=rank,
        among=one.among,
        level_word=LEVEL_WORDS[profiles.level],
        tied=bool((one.ranks == rank).sum() > 1),
        province=math.nan if adcode == PROVINCE else profiles.value(PROVINCE, indicator),
        reason=str(profiles.reasons[indicator].to_dict()[adcode]),
    )


def strengths_of(profiles: ProfileSet, adcode: str) -> str:
    """Return the sentence on what a region is strong in and where it lags."""
    strong, weak = profiles.strengths(adcode)
    return words.strengths_sentence(
        str(profiles.regions["name"].to_dict()[adcode]),
        [standing_of(profiles, adcode, name) for name in strong],
        [standing_of(profiles, adcode, name) for name in weak],
        load_profile_rules().end_share,
    )


def similar_of(profiles: ProfileSet, adcode: str, names: dict[str, str]) -> str:
    """Return the sentence on the regions nearest in structure; ``names`` is how regions are called."""
    found = profiles.similar(adcode)
    return words.similar_sentence(
        names[adcode],
        LEVEL_WORDS[profiles.level],
        [names[code] for code in found["adcode"]],
        list(profiles.structure_names),
    )


def remarks(profiles: ProfileSet) -> list[str]:
    """Return what a reader must know of the figures of a profile."""
    said = []
    secondary = profiles.indicators[profiles.indicators["quality"] == "secondary"]
    if len(secondary):
        names = "、".join(words.short(str(name)) for name in secondary["name"])
        said.append(
            f"{names}为二手转录，未与原书逐年核对；2020 年起的人口与第七次人口普查衔接，此前各年未修订"
        )
    derived = profiles.indicators[profiles.indicators["quality"] == "derived"]
    if len(derived):
        said.append(f"{len(derived)} 项指标由普查表推算（见口径）")
    return said
