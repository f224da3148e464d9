"""The controls of the page 设施覆盖, and the question they put."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from analysis.coverage import SEARCH_MINUTES, CoverageRequest, covered_types
from data.registry.facility_models import FacilityType, load_facility_types
from data.store.store import Store
from geo.region_tree import PROVINCE, Level
from pages.shared import cached
from pages.shared.regions import facility_counts, mode_names, regions_inside
from pages.shared.study_controls import (
    GROUP_NAMES,
    PLACES,
    choose,
    choose_facilities,
    choose_level,
    choose_region,
    choose_threshold,
    choose_type,
    region_names,
)


@dataclass(frozen=True)
class CoverageChoice:
    """Everything the page shows: the request (what is solved), and how its answer is read and drawn.

    ``group`` is a key of ``geo.coverage.GROUPS``; ``region`` the adcode looked at, inside the request's
    region, or None; ``places`` how many uncovered clusters stand on the map.
    """

    request: CoverageRequest
    kind: FacilityType
    minutes: float
    group: str
    level: Level
    region: str | None
    view: str
    places: int

    @property
    def group_name(self) -> str:
        """The population group as people read it."""
        return GROUP_NAMES["all" if self.group == "population" else self.group]


def choose_all(store: Store) -> CoverageChoice | None:
    """Draw the controls and return what is chosen; None when the store has no facilities at all."""
    counts = facility_counts(store)
    types = load_facility_types()
    offered = [key for key in types if counts["type"].isin(covered_types([key])).any()]
    if not offered:
        return None
    table = cached.region_table(store)
    with st.container(key="coverage_controls"):
        columns = st.columns([3, 2, 2, 2], vertical_alignment="bottom")
        with columns[0]:
            kind = types[choose_type(types, offered)]
        with columns[1]:
            modes = mode_names()
            mode = choose("mode", "出行方式", list(modes), kind.mode, format_func=modes.__getitem__)
        with columns[2]:
            group = choose("group", "人群", list(GROUP_NAMES), "all", format_func=GROUP_NAMES.__getitem__)
        with columns[3]:
            names = region_names(table)
            within = str(choose("within", "范围", list(names), PROVINCE, format_func=names.__getitem__))
        minutes, view = choose_threshold(kind)
    with st.sidebar.container(key="shared_controls"):
        level = choose_level(table, within)
        region = choose_region(table, regions_inside(store, within, level))
    with st.sidebar.expander("设施与图层", icon=":material/tune:"):
        origin, levels = choose_facilities(counts, kind)
        places = choose("places", "图上的未覆盖片区", list(PLACES), 10, format_func=PLACES.__getitem__)
    request = CoverageRequest(
        types=covered_types([kind.id]),
        mode=str(mode),
        levels=levels,
        origin=origin,
        within=within,
        search_minutes=max(SEARCH_MINUTES, float(minutes)),
    )
    column = "population" if group == "all" else str(group)
    return CoverageChoice(request, kind, float(minutes), column, level, region, view, int(places))
