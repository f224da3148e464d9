"""The controls of the page 选址优化, and the question they put."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from analysis.coverage import SEARCH_MINUTES, CoverageRequest, covered_types
from analysis.siting import METHODS, SitingRequest
from analysis.siting_candidates import CANDIDATES
from data.registry.facility_models import FacilityType, load_facility_types
from data.store.store import Store
from geo.region_tree import Level
from geo.siting import OBJECTIVES
from pages.shared import cached
from pages.shared.regions import facility_counts
from pages.shared.study_controls import (
    choose,
    choose_facilities,
    choose_question,
    choose_shown_regions,
    group_name,
)
from pages.siting.plan import choose_map, current_edits
from pages.siting.site_file import choose_sites

ADDS = (*range(0, 11), 15, 20, 30, 50)
SPACINGS = (2, 3, 5, 10, 20)


@dataclass(frozen=True)
class SitingChoice:
    """Everything the page shows: the request, and how its answer is read and drawn.

    ``tool``: what a click on the map does (a key of ``TOOLS``).
    """

    request: SitingRequest
    kind: FacilityType
    level: Level
    region: str | None
    view: str
    tool: str

    @property
    def group_name(self) -> str:
        """The population group as people read it."""
        return group_name(self.request.group)


def choose_siting(store: Store) -> SitingChoice:
    """Draw the controls and return what is chosen."""
    types = load_facility_types()
    with st.container(key="siting_controls"):
        asked = choose_question(types, list(types), cached.region_table(store))
        kind, within = asked.kind, asked.within
        columns = st.columns([2, 1.4, 2, 2, 1.6], vertical_alignment="bottom")
        with columns[0]:
            limits = list(range(1, int(SEARCH_MINUTES) + 1))
            minutes = choose("minutes", "时间阈值（分钟）", limits, int(kind.minutes))
        with columns[1]:
            add = choose("add", "建议新增（处）", list(ADDS), 0)
        with columns[2]:
            objective = choose(
                "objective", "目标", list(OBJECTIVES), "coverage", format_func=OBJECTIVES.__getitem__
            )
        with columns[3]:
            candidates = choose(
                "candidates", "候选点", list(CANDIDATES), "cells", format_func=CANDIDATES.__getitem__
            )
        with columns[4]:
            method = choose("method", "解法", list(METHODS), "greedy", format_func=METHODS.__getitem__)
    sites = choose_sites(store, within) if candidates == "file" else ()
    level, region = choose_shown_regions(store, within)
    with st.sidebar.expander("设施与候选点", icon=":material/tune:"):
        origin, levels = choose_facilities(facility_counts(store), kind)
        spacing = choose("spacing", "格网候选点间距（公里）", list(SPACINGS), 5)
    request = SitingRequest(
        coverage=CoverageRequest(
            types=covered_types([kind.id]),
            mode=asked.mode,
            levels=levels,
            origin=origin,
            within=within,
            search_minutes=SEARCH_MINUTES,
        ),
        minutes=float(minutes),
        group=asked.group,
        add=0 if candidates == "file" and not sites else int(add),
        objective=objective,
        method=method,
        candidates=candidates,
        spacing_km=float(spacing),
        edits=current_edits(),
        sites=sites,
    )
    view, tool = choose_map()
    return SitingChoice(request, kind, level, region, view, tool)
