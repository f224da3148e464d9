"""The controls of the page 设施覆盖, and the question they put."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from analysis.coverage import CoverageRequest, covered_types
from data.registry.facility_models import FacilityType, load_facility_types
from data.registry.rule_models import load_coverage_rules
from data.store.store import Store
from geo.region_tree import Level
from pages.shared import cached
from pages.shared.cached import facility_counts
from pages.shared.study import (
    PLACES,
    choose,
    choose_facilities,
    choose_question,
    choose_shown_regions,
    choose_threshold,
    group_name,
    offered_types,
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
        return group_name(self.group)


def choose_coverage(store: Store) -> CoverageChoice | None:
    """Draw the controls and return what is chosen; None when the store has no facilities at all."""
    counts = facility_counts(store)
    types = load_facility_types()
    offered = offered_types(counts, types)
    if not offered:
        return None
    with st.container(key="coverage_controls"):
        asked = choose_question(types, offered, cached.region_table(store))
        minutes, view = choose_threshold(asked.kind)
    level, region = choose_shown_regions(store, asked.within)
    with st.sidebar.expander("设施与图层", icon=":material/tune:"):
        origin, levels = choose_facilities(counts, asked.kind)
        places = choose("places", "图上的未覆盖片区", list(PLACES), 10, format_func=PLACES.__getitem__)
    request = CoverageRequest(
        types=covered_types([asked.kind.id]),
        mode=asked.mode,
        levels=levels,
        origin=origin,
        within=asked.within,
        search_minutes=max(load_coverage_rules().search_minutes, float(minutes)),
    )
    return CoverageChoice(request, asked.kind, float(minutes), asked.group, level, region, view, int(places))
