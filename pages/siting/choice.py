"""The controls of the page 选址优化 and the planner's own changes: the question they put."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from analysis.coverage import CoverageRequest, covered_types
from analysis.siting import METHODS, SitingRequest
from analysis.siting_inputs import CANDIDATES, Edit, edits_text, parse_edits
from data.registry.facility_models import FacilityType, load_facility_types
from data.registry.rule_models import load_coverage_rules, load_siting_rules
from data.store.store import Store
from geo.errors import SitingError
from geo.region_tree import Level
from geo.siting import OBJECTIVES
from pages.shared import cached, choices
from pages.shared.cached import facility_counts
from pages.shared.components import plain
from pages.shared.study import (
    choose,
    choose_facilities,
    choose_question,
    choose_shown_regions,
    group_name,
    thresholds,
)
from pages.siting.site_file import choose_sites


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
            minutes = choose("minutes", "时间阈值（分钟）", thresholds(), int(kind.minutes))
        with columns[1]:
            add = choose("add", "建议新增（处）", list(load_siting_rules().added), 0)
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
        rules = load_siting_rules()
        spacing = choose("spacing", "格网候选点间距（公里）", list(rules.spacings_km), rules.spacing_km)
    request = SitingRequest(
        coverage=CoverageRequest(
            types=covered_types([kind.id]),
            mode=asked.mode,
            levels=levels,
            origin=origin,
            within=within,
            search_minutes=load_coverage_rules().search_minutes,
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


VIEWS = {"change": "变化", "before": "现状", "after": "方案后"}
TOOLS = {"look": "查看", "add": "添加", "move": "移动", "close": "关闭"}
_EDITS, _MOVING, _SAID = "siting_edits", "siting_moving", "siting_said"
_REACH_PX = 14
_METRES_PER_PIXEL = 156_543.03
"""At zoom 0 on the equator of a web map."""


def current_edits() -> tuple[Edit, ...]:
    """Return the changes made so far, or those the address names; and put them into the address."""
    text = choices.from_link("edits")
    if text is not None:
        try:
            st.session_state[_EDITS] = parse_edits(text)
        except SitingError as fault:
            choices.fault(f"链接中的方案改动无效，已略去：{fault}")
    edits: tuple[Edit, ...] = st.session_state.get(_EDITS, ())
    choices.in_link("edits", edits_text(edits))
    return edits


def put_edits(edits: Sequence[Edit]) -> None:
    """Replace the changes; only in a callback."""
    st.session_state[_EDITS] = tuple(edits)
    st.session_state[_MOVING] = None


def undo() -> None:
    """Take the last change back; only in a callback."""
    put_edits(st.session_state.get(_EDITS, ())[:-1])


def moving() -> str | None:
    """Return the id of the facility that the next click moves, if any."""
    held: str | None = st.session_state.get(_MOVING)
    return held


def said() -> str | None:
    """Return what the last click could not do, once."""
    text: str | None = st.session_state.pop(_SAID, None)
    return text


def click(tool: str, lon: float, lat: float, zoom: float, facilities: pd.DataFrame) -> None:
    """Do what a click at a place means; only in a callback.

    ``facilities``: those of the plan as shown (``id, name, lon, lat``). Close and move take the one nearest
    to the click, at most a few pixels away.
    """
    edits: tuple[Edit, ...] = st.session_state.get(_EDITS, ())
    most = load_siting_rules().most_changes
    if len(edits) >= most:
        st.session_state[_SAID] = f"方案改动最多 {most} 处，请先撤销或保存。"
        return
    place = (round(lon, 5), round(lat, 5))
    if tool == "add":
        put_edits((*edits, Edit("add", None, *place)))
        return
    held = moving()
    if tool == "move" and held is not None:
        put_edits((*edits, Edit("move", held, *place)))
        return
    near = nearest(lon, lat, zoom, facilities)
    if near is None:
        st.session_state[_SAID] = "那里没有设施：请点在设施的圆点上（可先放大地图）。"
    elif tool == "close":
        put_edits((*edits, Edit("close", near)))
    else:
        st.session_state[_MOVING] = near


def nearest(lon: float, lat: float, zoom: float, facilities: pd.DataFrame) -> str | None:
    """Return the id of the facility nearest to a click, at most ``_REACH_PX`` away on the screen."""
    if facilities.empty:
        return None
    east = (facilities["lon"] - lon) * 111_320.0 * math.cos(math.radians(lat))
    north = (facilities["lat"] - lat) * 110_950.0
    metres = (east**2 + north**2) ** 0.5
    pixel = _METRES_PER_PIXEL * math.cos(math.radians(lat)) / 2.0**zoom
    row = int(metres.to_numpy().argmin())
    return str(facilities["id"].iloc[row]) if metres.iloc[row] <= _REACH_PX * pixel else None


def choose_map() -> tuple[str, str]:
    """Draw what the map shows, and what a click on it does."""
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        tool = choices.choose(
            "tool",
            "点击地图",
            list(TOOLS),
            "look",
            widget=st.segmented_control,
            format_func=TOOLS.__getitem__,
        )
    with right:
        view = choices.choose(
            "siting_view",
            "地图",
            list(VIEWS),
            "change",
            widget=st.segmented_control,
            format_func=VIEWS.__getitem__,
        )
    return str(view), str(tool)


def show_plan(names: dict[str, str], tool: str) -> None:
    """Draw the list of changes, how to make the next, and the buttons to take them back."""
    hints = {
        "add": "点地图上要新增设施的位置。",
        "close": "点要关闭的设施。",
        "move": "先点要移动的设施，再点新位置。",
        "look": "选“添加、移动、关闭”后在地图上点，即可改动方案；点地区看该地区。",
    }
    held = moving()
    hint = f"再点一处作为“{names.get(held, held)}”的新位置。" if held and tool == "move" else hints[tool]
    st.markdown("**方案改动**")
    st.caption(plain(hint))
    fault = said()
    if fault:
        st.warning(plain(fault), icon=":material/info:")
    edits: tuple[Edit, ...] = st.session_state.get(_EDITS, ())
    if not edits:
        return
    st.markdown("\n".join(f"{number}. {plain(_words(edit, names))}" for number, edit in enumerate(edits, 1)))
    with st.container(horizontal=True):
        st.button("撤销上一处", on_click=undo, icon=":material/undo:", key="siting_undo")
        st.button("全部清除", on_click=put_edits, args=((),), icon=":material/delete:", key="siting_clear")


def _words(edit: Edit, names: dict[str, str]) -> str:
    who = names.get(edit.facility or "", edit.facility or "")
    where = "" if edit.lon is None or edit.lat is None else f"{edit.lon:.4f}, {edit.lat:.4f}"
    return {"add": f"新增：{where}", "move": f"移动：{who} 到 {where}", "close": f"关闭：{who}"}[edit.kind]
