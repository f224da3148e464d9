"""What briefings are read from: the store, each thing read once and shared by all briefings of a run."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import geopandas as gpd
import pandas as pd

from data.coverage import CoverageAnalysis, CoverageRequest, covered_types, prepare
from data.gaps import GapSource, compare_years, load_gap
from data.profiles import ProfileSet, load_profiles
from data.registry import Registry
from data.registry.facility_models import load_facility_types
from data.standards import StandardsAnalysis, prepare_standards
from data.store import Store
from data.tracking import Track, tracks
from geo.errors import CoverageError
from geo.gaps import GapComparison
from pages.target_parts import plan_names

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
    def coverages(self) -> list[FacilityCoverage]:
        """The coverage by the facility types of the setting ``report_facilities`` that have any facility."""
        types = load_facility_types()
        found = []
        for one in str(self.registry.setting("report_facilities")).split():
            kind = types[one]
            request = CoverageRequest(types=covered_types([one]), mode=kind.mode)
            try:
                analysis = prepare(self.store, self.data_dir, request)
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
        return prepare_standards(self.store)

    @functools.cached_property
    def tracks(self) -> list[Track]:
        """The plan targets that have an observed series."""
        return tracks(self.store)

    @functools.cached_property
    def plan_titles(self) -> dict[str, str]:
        """The short titles of the plans by document number; several of one number together."""
        titles = plan_names(self.store).groupby("doc_no")["short"].agg("、".join)
        return {str(number): str(title) for number, title in titles.items()}
