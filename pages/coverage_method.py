"""The definition behind the page 设施覆盖, one click away."""

from __future__ import annotations

import streamlit as st

from data.coverage import CoverageAnalysis
from pages.components import plain
from pages.coverage_choice import CoverageChoice
from pages.coverage_words import travel_words


def show_method(choice: CoverageChoice, analysis: CoverageAnalysis) -> None:
    """Draw the button that opens how the figures come about."""
    mode, kind = analysis.mode, choice.kind
    rows = {
        "通行时间": f"每个人口格到最近一处设施的时间。{travel_words(analysis)}。",
        "覆盖": "通行时间不超过阈值即算覆盖，恰好等于也算；多处设施都到得了，人口也只计一次。",
        "人口覆盖率": "覆盖人口 ÷ 该人群的全部人口。",
        "面积覆盖率": "覆盖的陆地面积 ÷ 全部陆地面积。两个覆盖率是两个数，不可互换。",
        "不可达": f"{analysis.travel.max_minutes:g} 分钟内到不了任何设施；计入未覆盖，另行列出。",
        "缺省阈值": f"{kind.name} {kind.minutes:g} 分钟：{kind.basis}",
        "省界以外": "省外的设施和道路在数据里有就计入；没有时，靠近省界的地区标 *。",
    }
    if analysis.network is not None:
        rows["接入路网"] = f"离路网 {mode.snap_limit_m:g} 米以内，按步行 {mode.access_kmh:g} 公里/小时接入。"
    with st.popover("口径", icon=":material/menu_book:"):
        for name, text in rows.items():
            st.markdown(f"**{name}**　{plain(text)}")
