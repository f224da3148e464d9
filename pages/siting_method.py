"""The definition behind the page 选址优化, one click away."""

from __future__ import annotations

import streamlit as st

from data.siting import SitingAnalysis
from pages.components import plain
from pages.coverage_words import travel_words
from pages.siting_choice import SitingChoice


def show_method(choice: SitingChoice, analysis: SitingAnalysis) -> None:
    """Draw the button that opens how the figures come about."""
    rows = {
        "通行时间": f"每个人口格到最近一处设施的时间。{travel_words(analysis.before)}。",
        "最大覆盖": "从候选点中选出若干处，使阈值内够得着任一设施的人最多；现有设施已覆盖的人不重复计。",
        "p-中位": f"使全体居民到最近设施的人·分钟最少；{choice.request.cap_minutes:g} 分钟以外按此计。",
        "贪心": "每次选增加最多的一处。效益不低于最优的 1 − 1/e（约 63%），实际差距以给出的上界为准。",
        "精确": "整数规划（HiGHS）。给出与上界的差距；规模过大或超过时限时说明，并给出已有的最好解。",
        "候选点": "人口格网：每个见方里该人群最多的一格；乡镇驻地：只有已知位置的乡镇（街道）。",
        "前后比较": "现状是数据里的设施；方案是改动之后再加上建议新增。分区和人群都按人合计后相除。",
        "没有数据": "数据里没有此类设施时，现状覆盖未知，不当作零。",
    }
    with st.popover("口径", icon=":material/menu_book:"):
        for name, text in rows.items():
            st.markdown(f"**{name}**　{plain(text)}")
