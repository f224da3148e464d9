"""Scenarios on the page 选址优化: saved under a name, opened again, compared side by side."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from analysis.coverage import SEARCH_MINUTES
from analysis.scenarios import MAX_NAME, Scenario, compare_scenarios, list_scenarios, save_scenario
from data.store.store import Store, data_dir
from geo.coverage import GROUPS
from geo.errors import SutuError
from layers.charts.services import scenario_chart
from pages.shared import components, filters, state
from pages.shared.components import plain
from pages.siting.answers import SitingAnswers
from pages.siting.choice import ADDS, SPACINGS, SitingChoice
from pages.siting.plan import put_edits
from pages.siting.site_file import put_sites

_MOST = 50
_SAID = "siting_scenario_said"


def show_scenarios(store: Store, _choice: SitingChoice, answers: SitingAnswers) -> None:
    """Draw the field to save the plan under a name, and the scenarios saved so far."""
    told = st.session_state.pop(_SAID, None)
    if told:
        st.warning(plain(told), icon=":material/info:")
    _save(store, answers)
    scenarios = list_scenarios(data_dir())[:_MOST]
    if not scenarios:
        st.caption("还没有保存的方案。保存后可在此比较，也可用 sutu replay 重算核对。")
        return
    by_id = {one.run.id: one for one in scenarios}
    chosen = st.multiselect(
        "比较哪些方案",
        list(by_id),
        default=list(by_id)[:4],
        format_func=lambda key: f"{by_id[key].name}（{key}）",
        key="siting_compared",
    )
    try:
        rows = compare_scenarios(data_dir(), [by_id[key] for key in chosen])
    except SutuError as fault:
        st.error(plain(str(fault)), icon=":material/error:")
        return
    if len(rows):
        components.chart(scenario_chart(rows), key="siting_scenario_chart")
        table = scenario_table(rows)
        people = [str(name) for name in table if str(name).endswith("人口")]
        config = {name: st.column_config.NumberColumn(format="%,.0f") for name in people}
        st.dataframe(table, hide_index=True, column_config=config, key="siting_scenario_table")
    _open(by_id)


def _save(store: Store, answers: SitingAnswers) -> None:
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    name = left.text_input("方案名称", key="siting_name", max_chars=MAX_NAME, placeholder="如：新增十处医院")
    if right.button("保存方案", icon=":material/save:", key="siting_save", width="stretch"):
        try:
            kept = save_scenario(data_dir(), store, answers.analysis, name, seconds=answers.seconds)
        except SutuError as fault:
            st.error(plain(str(fault)), icon=":material/error:")
        else:
            st.success(
                plain(f"已保存“{kept.name}”，运行编号 {kept.run.id}。"), icon=":material/check_circle:"
            )


def scenario_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the comparison of scenarios as people read it."""
    return pd.DataFrame(
        {
            "方案": rows["name"],
            "阈值（分钟）": rows["minutes"],
            "人群": rows["group"].map(GROUPS),
            "现状覆盖人口": rows["covered_before"].round(),
            "方案覆盖人口": rows["covered_after"].round(),
            "新增覆盖人口": rows["gained"].round(),
            "方案覆盖率（%）": (rows["coverage_after"] * 100.0).round(2),
            "运行编号": rows["id"],
        }
    )


def _open(by_id: dict[str, Scenario]) -> None:
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    wanted = left.selectbox(
        "打开方案",
        list(by_id),
        format_func=lambda key: f"{by_id[key].name}（{key}）",
        key="siting_opened",
    )
    right.button(
        "打开",
        on_click=_restore,
        args=(by_id[wanted],),
        icon=":material/folder_open:",
        key="siting_open",
        width="stretch",
    )


def _restore(scenario: Scenario) -> None:
    """Put every choice of a scenario back; in a callback. What the controls do not offer is said."""
    asked = scenario.request
    wanted: dict[str, Any] = {
        "facility": asked.coverage.types[0],
        "mode": asked.coverage.mode,
        "group": "all" if asked.group == "population" else asked.group,
        "within": asked.coverage.within,
        "origin": asked.coverage.origin,
        "minutes": asked.minutes,
        "add": asked.add,
        "objective": asked.objective,
        "method": asked.method,
        "candidates": asked.candidates,
        "spacing": asked.spacing_km,
    }
    offered = {"minutes": range(1, int(SEARCH_MINUTES) + 1), "add": ADDS, "spacing": SPACINGS}
    if any(wanted[name] not in values for name, values in offered.items()):
        st.session_state[_SAID] = (
            f"方案“{scenario.name}”的阈值、新增数量或间距在页面上没有这一档，"
            f"请用 sutu replay {scenario.run.id} 重算。"
        )
        return
    for name, value in wanted.items():
        state.put(name, int(value) if name in offered else value)
    filters.put_many("facility_level", asked.coverage.levels)
    put_edits(asked.edits)
    put_sites(asked.sites)
