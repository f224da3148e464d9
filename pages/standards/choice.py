"""The controls of the page 应配与缺口."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from analysis.coverage import Origin
from analysis.given import gather
from analysis.standards import StandardsAnalysis, prepare_standards
from data.registry.facility_models import Standard, load_standards
from data.store.store import Store
from geo.region_tree import LEVEL_CHOICES, Level
from pages.shared import cached, choices
from pages.shared.cached import kept_by_version, regions_inside
from pages.shared.study import (
    ORIGINS,
    choose_region,
    choose_within,
)

CENSUS = 2020


@kept_by_version(12, spinner="正在核对配置标准…")
def standards_analysis(store: Store, *, year: int, origin: Origin, within: str) -> StandardsAnalysis:
    """Return the analysis of the choices; its tables are kept with it."""
    given = gather(cached.store_tables(store))
    found = prepare_standards(given, year=None if year == CENSUS else year, origin=origin, within=within)
    found.summary()
    return found


ALL = "all"
YEARS = (CENSUS, 2025, 2030, 2035)
VIEWS = {"shortfall": "缺口", "required": "应配", "provided": "已配"}


@dataclass(frozen=True)
class StandardsChoice:
    """What the page shows. ``standard`` is an id, or ``ALL`` for the overview; ``level`` at least its own."""

    standard: str
    year: int
    origin: Origin
    within: str
    level: Level
    region: str | None
    view: str

    @property
    def population(self) -> str:
        """The people the standards are applied to, in words."""
        return "2020 年人口普查" if self.year == CENSUS else f"{self.year} 年推算人口（估计）"


def choose_standards(store: Store) -> StandardsChoice:
    """Draw the controls and return what is chosen."""
    known = load_standards()
    table = cached.region_table(store)
    with st.container(key="coverage_controls"):
        standard = str(
            choices.choose(
                "standard",
                "标准",
                [ALL, *known],
                ALL,
                format_func=lambda key: "全部标准一览" if key == ALL else _label(known[key]),
            )
        )
        columns = st.columns([2, 2, 2], vertical_alignment="bottom")
        with columns[0]:
            year = choices.choose(
                "standard_year",
                "人口",
                list(YEARS),
                CENSUS,
                format_func=lambda one: "2020 年普查" if one == CENSUS else f"{one} 年推算",
            )
        with columns[1]:
            origin: Origin = choices.choose(
                "origin", "设施来源", list(ORIGINS), "auto", format_func=ORIGINS.__getitem__
            )
        with columns[2]:
            within = choose_within(table)
    entry = known.get(standard)
    level: Level = "county"
    region, view = None, "shortfall"
    if entry:
        with st.sidebar.container(key="shared_controls"):
            level = _choose_level(entry, str(table.loc[within, "level"]))
            region = choose_region(table, regions_inside(store, within, level))
        view = choices.choose(
            "standards_view",
            "地图",
            list(VIEWS),
            "shortfall",
            widget=st.segmented_control,
            format_func=VIEWS.__getitem__,
            label_visibility="collapsed",
        )
    return StandardsChoice(standard, int(year), origin, within, level, region, str(view))


def _label(entry: Standard) -> str:
    return f"{entry.name} ｜ {entry.doc_no}"


def _choose_level(entry: Standard, highest: str) -> Level:
    """Draw the list of levels from the standard's own up to that of the region chosen."""
    levels = list(LEVEL_CHOICES)
    lowest = levels.index(entry.region_level)
    offered = levels[lowest : max(levels.index(highest), lowest) + 1]
    level: Level = choices.choose("level", "层级", offered, offered[0], format_func=LEVEL_CHOICES.__getitem__)
    return level
