"""The figures around the map of the page 选址优化, and its scenarios: saved, opened, compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pandas as pd
import streamlit as st

from analysis.runs import MAX_NAME, Scenario, compare_scenarios, list_scenarios, save_scenario
from data.registry.rule_models import load_siting_rules
from data.store.store import Store, data_dir
from geo.coverage import GROUPS
from geo.errors import SutuError
from geo.region_tree import Level
from layers.charts.coverage import percent
from layers.charts.services import before_after_chart, budget_chart, scenario_chart
from layers.model import readable
from pages.shared import cached, choices, components
from pages.shared.choices import choose_panel
from pages.shared.components import plain
from pages.shared.study import thresholds
from pages.siting.answers import SitingAnswers
from pages.siting.choice import SitingChoice, put_edits
from pages.siting.site_file import put_sites

_HEADERS = {
    "adcode": "代码",
    "name": "地区",
    "population": "人口",
    "covered_before": "现状覆盖人口",
    "covered_after": "方案覆盖人口",
    "gained": "新增覆盖人口",
    "coverage_before": "现状覆盖率（%）",
    "coverage_after": "方案覆盖率（%）",
    "reason": "说明",
}


def regions_table(choice: SitingChoice, answers: SitingAnswers) -> pd.DataFrame:
    """Return before and after of the level shown, most people gained first, ratios in per cent."""
    rows = answers.comparison(choice.level, choice.request.group)
    return _shown(rows.sort_values(["gained", "adcode"], ascending=[False, True], na_position="last"))


def groups_table(answers: SitingAnswers) -> pd.DataFrame:
    """Return before and after of every population group of the whole."""
    rows = answers.groups()
    return (
        _shown(rows.assign(name=rows["group"].map(GROUPS)))
        .drop(columns="代码")
        .rename(columns={"地区": "人群"})
    )


def _shown(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows.assign(
        coverage_before=rows["coverage_before"] * 100.0,
        coverage_after=rows["coverage_after"] * 100.0,
        reason=rows["reason"].fillna(""),
    )
    return rows[list(_HEADERS)].rename(columns=_HEADERS).reset_index(drop=True)


def sites_table(choice: SitingChoice, answers: SitingAnswers) -> pd.DataFrame:
    """Return the proposed sites in order of choice."""
    rows = answers.analysis.sites()
    gain = "新增覆盖（人）" if choice.request.objective == "coverage" else "节省（人·分钟）"
    return pd.DataFrame(
        {
            "次序": rows["rank"].astype("int64"),
            "位置": rows["name"],
            gain: rows["gain"].astype("float64"),
            "依据": ["直线估算" if one else "路网" for one in rows["straight"]],
            "经度": rows["lon"].map("{:.4f}".format),
            "纬度": rows["lat"].map("{:.4f}".format),
        }
    )


_FEW = 20
"""So many regions are drawn even where nothing changes."""


def show_figures(store: Store, choice: SitingChoice, answers: SitingAnswers) -> None:
    """Draw before and after of the region looked at, or of all that was asked for."""
    code = choice.region or choice.request.coverage.within
    level = cast(Level, cached.region_table(store).loc[code, "level"])
    rows = answers.comparison(level, choice.request.group)
    row: dict[Any, Any] = rows[rows["adcode"] == code].to_dict("records")[0]
    with st.container(key="coverage_figures"):
        st.markdown(
            f"**{plain(row['name'])}**　{plain(choice.group_name)}，{choice.request.minutes:g} 分钟内"
        )
        left, right = st.columns(2)
        left.metric("现状覆盖率", percent(row["coverage_before"]))
        gain = (row["coverage_after"] - row["coverage_before"]) * 100.0
        right.metric(
            "方案后覆盖率",
            percent(row["coverage_after"]),
            delta=None if pd.isna(gain) or gain == 0.0 else f"{gain:+.1f} 个百分点",
        )
        left, right = st.columns(2)
        left.metric("现状覆盖人口", readable(row["covered_before"], "人", 0))
        gained = row["gained"]
        right.metric("新增覆盖人口", "无数据" if pd.isna(gained) else f"{gained:+,.0f} 人")
        if isinstance(row["reason"], str):
            st.caption(plain(row["reason"]))


def show_sites(choice: SitingChoice, answers: SitingAnswers) -> None:
    """Draw the proposed sites with what each adds, and how good the choice is."""
    result = answers.analysis.result
    st.markdown("**建议新增**")
    if result is None and choice.request.candidates == "file" and not choice.request.sites:
        st.caption("先选好候选点文件，再从中选出新增覆盖最多的位置。")
        return
    if result is None:
        st.caption("在“建议新增（处）”里选数量，就从候选点中选出新增覆盖最多的位置。")
        return
    total = answers.analysis.summary()
    words = f"{total['candidates']:,} 个候选点中选出 {total['proposed']} 处；{result.status}，"
    st.caption(plain(f"{words}与上界相差不超过 {result.gap:.1%}。"))
    if result.reason:
        st.warning(plain(result.reason), icon=":material/info:")
    rows = sites_table(choice, answers)
    if len(rows):
        config = {
            str(name): st.column_config.NumberColumn(format="%,.0f") for name in rows.select_dtypes("number")
        }
        height = min(38 + 35 * len(rows), 318)
        st.dataframe(rows, hide_index=True, height=height, column_config=config, key="siting_sites")


def show_panels(store: Store, choice: SitingChoice, answers: SitingAnswers) -> None:
    """Draw the panel that is chosen."""
    panels: dict[str, tuple[str, Callable[[Store, SitingChoice, SitingAnswers], None]]] = {
        "regions": ("分区前后", _regions),
        "groups": ("人群前后", _groups),
        "curve": ("投入曲线", _curve),
        "scenarios": ("方案存取与比较", show_scenarios),
        "table": ("数据表", _table),
    }
    panel = choose_panel("siting_panel", panels, "regions")
    panels[panel][1](store, choice, answers)


def _regions(_store: Store, choice: SitingChoice, answers: SitingAnswers) -> None:
    rows = answers.comparison(choice.level, choice.request.group)
    rows = rows.sort_values("gained", ascending=False, key=abs, kind="stable")
    changed = rows[rows["gained"].ne(0.0)]
    if len(rows) > _FEW and len(changed) < len(rows):
        st.caption(f"{len(rows)} 个地区中有 {len(changed)} 个变化，只画有变化的；全部见“数据表”。")
        rows = changed
    if rows.empty:
        st.info("方案与现状相同：没有地区发生变化。", icon=":material/info:")
        return
    components.chart(before_after_chart(rows), key="siting_regions")


def _groups(_store: Store, _choice: SitingChoice, answers: SitingAnswers) -> None:
    rows = answers.groups()
    components.chart(before_after_chart(rows.assign(name=rows["group"].map(GROUPS))), key="siting_groups")
    _frame(groups_table(answers), "siting_group_table")


def _curve(_store: Store, choice: SitingChoice, answers: SitingAnswers) -> None:
    curve = answers.analysis.curve
    if curve.empty:
        st.info("先在“建议新增（处）”里选一个数量。", icon=":material/info:")
        return
    components.chart(budget_chart(curve, choice.request.add, choice.request.objective), key="siting_curve")
    st.caption("逐个新增时的效益：每一处都是在前面各处之后增加最多的一处，越往后增加得越少。")


def _table(_store: Store, choice: SitingChoice, answers: SitingAnswers) -> None:
    _frame(regions_table(choice, answers), "siting_table")


def _frame(rows: pd.DataFrame, key: str) -> None:
    config = {
        str(name): st.column_config.NumberColumn(format="%,.1f" if "%" in str(name) else "%,.0f")
        for name in rows.select_dtypes("number")
    }
    st.dataframe(rows, hide_index=True, height=min(38 + 35 * len(rows), 520), column_config=config, key=key)


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
    rules = load_siting_rules()
    offered = {"minutes": thresholds(), "add": rules.added, "spacing": rules.spacings_km}
    if any(wanted[name] not in values for name, values in offered.items()):
        st.session_state[_SAID] = (
            f"方案“{scenario.name}”的阈值、新增数量或间距在页面上没有这一档，"
            f"请用 sutu replay {scenario.run.id} 重算。"
        )
        return
    for name, value in wanted.items():
        choices.put(name, int(value) if name in offered else value)
    choices.put_many("facility_level", asked.coverage.levels)
    put_edits(asked.edits)
    put_sites(asked.sites)
