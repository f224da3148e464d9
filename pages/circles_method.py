"""The definition behind the page 15分钟服务圈, one click away."""

from __future__ import annotations

import streamlit as st

from data.circles import CircleAnalysis
from geo.circles import TIERS
from pages.components import plain
from pages.coverage_store import mode_names


def show_method(analysis: CircleAnalysis) -> None:
    """Draw the button that opens how the figures come about, with the threshold of every service."""
    rows = {
        "够得着": "到最近一处设施的时间不超过该服务在本层级的阈值，恰好等于也算。",
        "层级": "城镇、乡村各有阈值和出行方式，分开计算；一个格网里的城镇人口和乡村人口各按各的算。",
        "完整度": "够得着的服务 ÷ 有数据的服务，按权重；地区的完整度是按人合计后相除，不是各格网的平均。",
        "各项齐全": "有数据的服务全都够得着的人口。",
        "没有数据": "数据里没有设施的服务不计入，既不算有也不算缺，另行列出。",
    }
    modes = mode_names()
    with st.popover("口径", icon=":material/menu_book:"):
        for name, text in rows.items():
            st.markdown(f"**{name}**　{plain(text)}")
        for service in analysis.services.values():
            parts = []
            for tier, name in TIERS.items():
                rule, mode = service.rule(tier), analysis.mode(service.id, tier)
                parts.append(
                    f"{name}不要求"
                    if rule is None or mode is None
                    else f"{name}{modes[mode]} {rule.minutes:g} 分钟"
                )
            st.markdown(f"**{plain(service.name)}**　{plain('，'.join(parts))}。{plain(service.basis)}")
