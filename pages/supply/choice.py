"""The controls of the page 供需匹配, and the question they put."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from analysis.catchment import MEASURES, CatchmentRequest
from analysis.coverage import covered_types
from data.registry.facility_models import FacilityType, load_facility_types
from data.store.store import Store
from geo.catchment import Method
from geo.decay import DecayKind
from geo.region_tree import Level
from pages.shared import cached
from pages.shared.cached import facility_counts
from pages.shared.study import (
    choose,
    choose_facilities,
    choose_minutes,
    choose_question,
    choose_shown_regions,
    group_name,
    offered_types,
)

VIEWS = {"surface": "可及性", "regions": "分区平均"}
METHODS: dict[str, tuple[str, Method, DecayKind]] = {
    "e2sfca-step": ("E2SFCA，分级衰减", "2sfca", "step"),
    "e2sfca-gaussian": ("E2SFCA，高斯衰减", "2sfca", "gaussian"),
    "e2sfca-exponential": ("E2SFCA，指数衰减", "2sfca", "exponential"),
    "2sfca": ("2SFCA，不衰减", "2sfca", "none"),
    "3sfca": ("3SFCA，高斯衰减", "3sfca", "gaussian"),
}


@dataclass(frozen=True)
class SupplyChoice:
    """Everything the page shows: the request (what is solved), and how its answer is read and drawn."""

    request: CatchmentRequest
    kind: FacilityType
    level: Level
    region: str | None
    view: str

    @property
    def focus(self) -> str:
        """The region the figures are of: the one looked at, or all that was asked for."""
        return self.region or self.request.within

    @property
    def demand_name(self) -> str:
        """The people who compete, as people read it."""
        return group_name(self.request.demand)

    @property
    def title(self) -> str:
        """What the page and the map are called."""
        return f"{self.kind.name}供需匹配"


def choose_supply(store: Store) -> SupplyChoice | None:
    """Draw the controls and return what is chosen; None when the store has no facilities at all."""
    counts, types = facility_counts(store), load_facility_types()
    offered = offered_types(counts, types)
    if not offered:
        return None
    with st.container(key="coverage_controls"):
        asked = choose_question(types, offered, cached.region_table(store), people=("demand", "需求人群"))
        method, measure, minutes, view = _choose_method(asked.kind)
    level, region = choose_shown_regions(store, asked.within)
    with st.sidebar.expander("设施", icon=":material/tune:"):
        origin, levels = choose_facilities(counts, asked.kind)
    _, steps, decay = METHODS[method]
    request = CatchmentRequest(
        types=covered_types([asked.kind.id]),
        minutes=float(minutes),
        mode=asked.mode,
        levels=levels,
        origin=origin,
        within=asked.within,
        measure=measure,  # type: ignore[arg-type]
        method=steps,
        decay=decay,
        demand=asked.group,
    )
    return SupplyChoice(request, asked.kind, level, region, view)


def _choose_method(kind: FacilityType) -> tuple[str, str, int, str]:
    """Draw method, measure, catchment and kind of map."""
    columns = st.columns([3, 2, 3, 2], vertical_alignment="bottom")
    with columns[0]:
        method = choose(
            "method", "方法", list(METHODS), "e2sfca-step", format_func=lambda key: METHODS[key][0]
        )
    with columns[1]:
        measure = choose(
            "measure", "供给", list(MEASURES), "count", format_func=lambda key: f"按{MEASURES[key]}"
        )
    with columns[2]:
        minutes = choose_minutes("服务范围（分钟）", kind)
    with columns[3]:
        view = choose(
            "supply_view",
            "地图",
            list(VIEWS),
            "surface",
            widget=st.segmented_control,
            format_func=VIEWS.__getitem__,
        )
    return str(method), str(measure), minutes, str(view)
