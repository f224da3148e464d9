"""The panels below the map of the page 设施覆盖; only the one chosen is computed."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from data.store import Store
from layers.coverage_charts import (
    cumulative_curve_chart,
    distribution_chart,
    minute_marks,
    minutes_bins,
)
from layers.model import format_number
from pages import cached, components, state
from pages.coverage_answers import Answers
from pages.coverage_choice import CoverageChoice
from pages.coverage_equity import show_equity, show_sensitivity
from pages.coverage_figures import focus, row_of
from pages.coverage_record import figures_table

_LINES = 5


def show_panels(store: Store, choice: CoverageChoice, answers: Answers) -> None:
    """Draw the panel that is chosen."""
    panels: dict[str, tuple[str, Callable[[Store, CoverageChoice, Answers], None]]] = {
        "curve": ("累计曲线", _curve),
        "people": ("人口分布", _distribution),
        "gaps": ("未覆盖片区", _clusters),
        "equity": ("均衡", show_equity),
        "sensitivity": ("敏感性", show_sensitivity),
        "table": ("数据表", _table),
    }
    panel = state.choose(
        "coverage_panel",
        "下方显示",
        list(panels),
        "curve",
        widget=st.segmented_control,
        format_func=lambda name: panels[name][0],
        label_visibility="collapsed",
    )
    panels[panel][1](store, choice, answers)


def compared(store: Store, choice: CoverageChoice) -> list[str]:
    """Return the regions whose curves are drawn: the one looked at, those above it, or those below."""
    table = cached.region_table(store)
    chosen, within = focus(store, choice), choice.request.within
    codes = [chosen]
    while codes[-1] != within:
        codes.append(str(table.loc[codes[-1], "parent"]))
    if chosen == within:
        below = table.index[table["parent"] == within].tolist()
        codes += [code for code in below if table.loc[code, "level"] != "unallocated"]
    return codes[:_LINES]


def curves(store: Store, choice: CoverageChoice, answers: Answers) -> dict[str, pd.DataFrame]:
    """Return the cumulative curve of each region drawn, by name."""
    names = cached.region_table(store)["name"]
    return {str(names[code]): answers.curve(code, choice.group) for code in compared(store, choice)}


def _curve(store: Store, choice: CoverageChoice, answers: Answers) -> None:
    made = ("curves", tuple(compared(store, choice)), choice.group)
    picture = answers.once(made, lambda: cumulative_curve_chart(curves(store, choice, answers)))
    components.chart(picture.at(threshold=choice.minutes), key="coverage_curve")


def _distribution(store: Store, choice: CoverageChoice, answers: Answers) -> None:
    adcode = focus(store, choice)
    analysis = answers.analysis
    marks = minute_marks(analysis.travel.max_minutes, choice.minutes)
    curve = answers.curve(adcode, choice.group)
    curve = curve[curve["minutes"].isin(marks)].reset_index(drop=True)
    row = row_of(store, choice, answers, adcode)
    if pd.isna(row["population"]):
        st.info(components.plain(f"{row['name']}：{row['reason']}"), icon=":material/info:")
        return
    rest = float(row["unreachable_population"])
    components.chart(distribution_chart(minutes_bins(curve, rest), choice.minutes), key="coverage_people")
    st.caption(
        components.plain(
            f"{row['name']}，{choice.group_name} {format_number(float(row['population']), 0)} 人，"
            f"其中 {format_number(rest, 0)} 人在 {analysis.travel.max_minutes:g} 分钟内到不了任何设施"
            "，不在图中。"
        )
    )


def clusters_table(store: Store, choice: CoverageChoice, answers: Answers) -> pd.DataFrame:
    """Return the uncovered clusters as people read them, the most populous first."""
    rows = answers.clusters(choice.minutes, choice.group).table
    table = cached.region_table(store)
    names, parents = table["name"], table["parent"].map(table["name"])
    return pd.DataFrame(
        {
            "位次": rows["rank"].astype("int64"),
            f"未覆盖人口（{choice.group_name}）": rows["population"].astype("float64"),
            "主要所在县（市、区）": rows["adcode"].map(names),
            "设区市": rows["adcode"].map(parents),
            "面积（平方公里）": rows["area_km2"].astype("float64"),
            "最近分钟": rows["nearest_minutes"].astype("float64"),
            "最远分钟": rows["farthest_minutes"].astype("float64"),
            "不可达人口": rows["unreachable_population"].astype("float64"),
        }
    )


def _clusters(store: Store, choice: CoverageChoice, answers: Answers) -> None:
    rows = clusters_table(store, choice, answers)
    if rows.empty:
        st.success(
            f"{choice.minutes:g} 分钟内全部覆盖：没有未覆盖的人口片区。", icon=":material/check_circle:"
        )
        return
    people = float(rows.iloc[:, 1].sum())
    st.caption(
        components.plain(
            f"相连的未覆盖人口格合为一片，共 {len(rows)} 片、{format_number(people, 0)} 人，按人口排序；"
            "图上的数字是位次，位置是片内人口的中心。"
        )
    )
    _frame(rows, {"位次": 0, rows.columns[1]: 0, "面积（平方公里）": 1, "不可达人口": 0}, "coverage_clusters")


def _table(store: Store, choice: CoverageChoice, answers: Answers) -> None:
    rows = figures_table(store, choice, answers)
    _frame(rows, {name: 0 for name in rows.columns if name.endswith("人口")}, "coverage_table")


def _frame(rows: pd.DataFrame, decimals: dict[str, int], key: str) -> None:
    """Draw a table; numbers have one decimal unless ``decimals`` says otherwise."""
    config = {
        str(name): st.column_config.NumberColumn(format=f"%,.{decimals.get(str(name), 1)}f")
        for name in rows.select_dtypes("number").columns
    }
    st.dataframe(rows, hide_index=True, height=min(38 + 35 * len(rows), 520), column_config=config, key=key)
