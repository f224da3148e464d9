"""Two panels of the page 设施覆盖: how equal coverage is, and how far it depends on speed and threshold."""

from __future__ import annotations

from typing import cast

import pandas as pd
import streamlit as st

from data.store import Store
from geo.coverage import Level, sensitivity
from geo.equity import region_gap, urban_rural_gap
from layers.coverage_charts import gap_chart, percent, ranking_chart, sensitivity_chart
from layers.model import format_number
from pages import cached, components, state
from pages.coverage_answers import Answers
from pages.coverage_choice import CoverageChoice
from pages.coverage_figures import focus, row_of

SPEED_FACTORS = (0.8, 1.0, 1.2)
_SHARE = 0.2


def equity_levels(store: Store, choice: CoverageChoice) -> list[Level]:
    """Return the levels compared: the economic regions first, then the level shown."""
    top = str(cached.region_table(store).loc[choice.request.within, "level"])
    first: list[Level] = ["economic_region"] if top == "province" else []
    return [*first, *([choice.level] if choice.level not in first else [])]


def gap_words(rows: pd.DataFrame) -> str:
    """Return the widest gap between regions as a sentence."""
    gap = region_gap(rows)
    if gap.highest is None or gap.lowest is None:
        return f"不能比较：{gap.reason}"
    names = rows.set_index("adcode")["name"]
    shares = rows.set_index("adcode")["population_coverage"]
    ratio = f"，最高是最低的 {format_number(gap.ratio, 2)} 倍" if gap.reason is None else f"；{gap.reason}"
    return (
        f"最高 {names[gap.highest]} {percent(shares[gap.highest])}，最低 {names[gap.lowest]} "
        f"{percent(shares[gap.lowest])}，相差 {format_number(gap.gap_points, 1)} 个百分点{ratio}"
    )


def urban_rural(choice: CoverageChoice, answers: Answers, level: Level) -> pd.DataFrame:
    """Return town and country of every region of a level; columns of ``geo.equity.urban_rural_gap``."""
    return urban_rural_gap(
        answers.table(choice.minutes, level, "urban"), answers.table(choice.minutes, level, "rural")
    )


def show_equity(store: Store, choice: CoverageChoice, answers: Answers) -> None:
    """Draw the gaps between regions, and between town and country."""
    levels = equity_levels(store, choice)
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown(f"**地区之间**　{components.plain(choice.group_name)}")
        for level in levels:
            rows = answers.table(choice.minutes, level, choice.group)
            st.caption(components.plain(f"{state.LEVELS[level]}：{gap_words(rows)}"))
        rows = answers.table(choice.minutes, levels[0], choice.group)
        with st.container(height=330, border=False, key="coverage_equity_box"):
            components.chart(ranking_chart(rows, selected=choice.region), key="coverage_equity")
    with right:
        st.markdown("**城镇与乡村**　分别按城镇人口、乡村人口计算")
        whole = row_of(store, choice, answers, choice.request.within)["level"]
        gaps = pd.concat(
            [urban_rural(choice, answers, level) for level in dict.fromkeys([whole, levels[0]])],
            ignore_index=True,
        )
        st.caption(components.plain(_urban_rural_words(gaps.iloc[0])))
        with st.container(height=330, border=False, key="coverage_urban_box"):
            components.chart(gap_chart(gaps), key="coverage_urban")


def _urban_rural_words(row: pd.Series) -> str:
    if pd.isna(row["gap_points"]):
        return f"{row['name']}：不能比较（{row['reason']}）"
    return (
        f"{row['name']}：城镇 {percent(row['urban_coverage'])}，乡村 {percent(row['rural_coverage'])}，"
        f"相差 {format_number(row['gap_points'], 1)} 个百分点"
    )


def sensitivity_rows(store: Store, choice: CoverageChoice, answers: Answers) -> pd.DataFrame:
    """Return the coverage of the region looked at for ±20 % of speed and of the threshold."""
    adcode = focus(store, choice)
    level = cast(Level, cached.region_table(store).loc[adcode, "level"])
    step = choice.minutes * _SHARE
    rows = sensitivity(
        answers.analysis.profile(choice.group),
        choice.minutes,
        level=level,
        speed_factors=SPEED_FACTORS,
        threshold_steps=(-step, 0.0, step),
    )
    return rows[rows["adcode"] == adcode].reset_index(drop=True)


def show_sensitivity(store: Store, choice: CoverageChoice, answers: Answers) -> None:
    """Draw what other speeds and thresholds would give."""
    rows = sensitivity_rows(store, choice, answers)
    st.caption(
        components.plain(
            f"{rows['name'].iloc[0]}，{choice.group_name}：全部速度（道路、轮渡、接驳步行）和阈值"
            "各上下浮动 20% 时的人口覆盖率；红框为当前设定。"
        )
    )
    components.chart(sensitivity_chart(rows, threshold_minutes=choice.minutes), key="coverage_sensitivity")
    why = rows["reason"].dropna().unique()
    for reason in why:
        st.caption(components.plain(reason))
