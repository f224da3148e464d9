"""The figures beside and below the map of the page 15分钟服务圈."""

from __future__ import annotations

from typing import cast

import pandas as pd
import streamlit as st

from analysis.circles import PointAnswer
from data.store.store import Store
from geo.region_tree import Level
from layers.charts.coverage import percent
from layers.charts.services import service_bars
from layers.model import format_number, readable
from pages.circles.answers import CircleAnswers
from pages.circles.choice import TIER_NAMES, CircleChoice, put_place
from pages.shared import cached, components
from pages.shared.cached import mode_names
from pages.shared.choices import choose_panel
from pages.shared.components import plain

COLUMNS = {
    "adcode": "代码",
    "name": "地区",
    "population": "人口",
    "score": "完整度（%）",
    "complete_population": "各项齐全人口",
    "complete_share": "齐全占比（%）",
    "missing": "最缺的服务",
    "missing_population": "缺此服务的人口",
    "straight_population": "按直线估算人口",
    "edge_population": "省界附近人口",
    "services": "计入的服务数",
    "reason": "说明",
}


def place_table(place: PointAnswer) -> pd.DataFrame:
    """Return the measured services of a place as people read them, the missing first."""
    modes = mode_names()
    order = sorted(place.measured, key=lambda one: bool(one.met))
    return pd.DataFrame(
        {
            "服务": [one.name for one in order],
            "结论": ["够得着" if one.met else "缺" for one in order],
            "分钟": ["—" if pd.isna(one.minutes) else format_number(one.minutes, 1) for one in order],
            "阈值": [f"{modes[one.mode]} {one.threshold_minutes:g}" for one in order],
            "最近的设施": [one.facility or one.reason or "" for one in order],
            "依据": ["直线估算" if one.straight else "路网" for one in order],
        }
    )


def figures_table(choice: CircleChoice, answers: CircleAnswers) -> pd.DataFrame:
    """Return the circles of the level shown as people read them, the most complete first."""
    rows = answers.table(choice.level, choice.tier, choice.group)
    rows = rows.sort_values(["score", "adcode"], ascending=[False, True], na_position="last")
    names = {key: service.name for key, service in answers.analysis.services.items()}
    shown = rows.assign(
        score=rows["score"] * 100.0,
        complete_share=rows["complete_share"] * 100.0,
        missing=rows["missing"].map(names).fillna(""),
        reason=rows["reason"].fillna(""),
    )
    return shown[list(COLUMNS)].rename(columns=COLUMNS).reset_index(drop=True)


def matrix_table(choice: CircleChoice, answers: CircleAnswers) -> pd.DataFrame:
    """Return one row per region and one column per measured service: people in reach, in per cent."""
    rows = answers.services(choice.level, choice.tier, choice.group)
    rows = rows[~rows["service"].isin(answers.analysis.undefined)]
    wide = rows.assign(coverage=rows["coverage"] * 100.0).pivot_table(
        index="adcode", columns="service_name", values="coverage"
    )
    order = [one.name for one in answers.analysis.services.values() if one.name in wide]
    regions = rows.drop_duplicates("adcode").set_index("adcode")["name"]
    wide = wide.reindex(index=regions.index, columns=order)
    wide.insert(0, "地区", regions)
    return wide.reset_index(names="代码").rename_axis(columns=None)


def focus(choice: CircleChoice) -> str:
    """Return the region the figures are of: the one looked at, or all that was asked for."""
    return choice.region or choice.request.within


def focus_level(store: Store, choice: CircleChoice) -> Level:
    """Return the level of `focus`."""
    return cast(Level, cached.region_table(store).loc[focus(choice), "level"])


def show_region(store: Store, choice: CircleChoice, answers: CircleAnswers) -> None:
    """Draw the figures of the region looked at."""
    rows = answers.table(focus_level(store, choice), choice.tier, choice.group).set_index("adcode")
    row = rows.loc[[focus(choice)]].iloc[0]
    score, share = float(row["score"]), float(row["complete_share"])
    people, lacking = float(row["complete_population"]), float(row["missing_population"])
    everything = f"有数据的 {row['services']} 项服务全都够得着的人：{readable(people, '人', 0)}"
    with st.container(key="coverage_figures"):
        st.markdown(f"**{plain(row['name'])}**　{plain(TIER_NAMES[choice.tier])}，{plain(choice.group_name)}")
        left, right = st.columns(2)
        left.metric("完整度", percent(score), help="够得着的服务 ÷ 有数据的服务，按人口合计")
        right.metric("各项齐全的人口", percent(share), help=everything)
        if isinstance(row["reason"], str):
            st.caption(plain(f"无法计算：{row['reason']}"))
        elif isinstance(row["missing"], str):
            name = answers.analysis.services[row["missing"]].name
            st.markdown(f"最缺**{plain(name)}**：{plain(readable(lacking, '人', 0))}够不着")


def show_place(place: PointAnswer | None) -> None:
    """Draw what is missing at the place clicked, or say how to ask."""
    st.markdown("**此处缺什么**")
    if place is None:
        st.caption("在地图上点一处，就列出那里每项服务最近的设施和分钟数。")
        return
    met = len(place.measured) - len(place.missing)
    st.markdown(
        f"{plain(place.county)}，按{plain(TIER_NAMES[place.tier])}阈值：有数据的 {len(place.measured)} 项中"
        f"够得着 {met} 项"
    )
    rows = place_table(place)
    if len(rows):
        st.dataframe(rows, hide_index=True, height=38 + 35 * len(rows), key="circles_place")
    unknown = "、".join(one.name for one in place.services if one.met is None)
    if unknown:
        st.caption(plain(f"没有设施数据，不能判断：{unknown}"))
    st.button("清除此点", on_click=put_place, args=(None,), icon=":material/close:", key="circles_clear")


def show_panels(store: Store, choice: CircleChoice, answers: CircleAnswers) -> None:
    """Draw the panel that is chosen."""
    panels = {"services": ("各项服务",), "table": ("分区数据",), "matrix": ("分区 × 服务",)}
    panel = choose_panel("circles_panel", panels, "services")
    if panel == "services":
        rows = answers.services(focus_level(store, choice), choice.tier, choice.group)
        rows = rows[rows["adcode"] == focus(choice)]
        components.chart(service_bars(rows), key="circles_services")
    elif panel == "table":
        _frame(figures_table(choice, answers), {"完整度（%）": 1, "齐全占比（%）": 1}, "circles_table")
    else:
        _frame(matrix_table(choice, answers), None, "circles_matrix")


def _frame(rows: pd.DataFrame, decimals: dict[str, int] | None, key: str) -> None:
    config = {
        str(name): st.column_config.NumberColumn(
            format=f"%,.{1 if decimals is None else decimals.get(str(name), 0)}f"
        )
        for name in rows.select_dtypes("number").columns
    }
    st.dataframe(rows, hide_index=True, height=min(38 + 35 * len(rows), 520), column_config=config, key=key)
