"""选址优化: where new facilities reach most people, what a plan changes, and for whom."""

from __future__ import annotations

from typing import Any

import streamlit as st

from analysis.siting import SitingAnalysis
from data.store.store import open_store
from geo.region_tree import LEVEL_CHOICES
from layers.assets import own_folder
from layers.model import Layer
from pages.shared import components, study
from pages.shared.cached import store_meta
from pages.shared.components import plain
from pages.shared.study import travel_words
from pages.siting import choice as siting_plan
from pages.siting import map as siting_map
from pages.siting.answers import SitingAnswers, siting_answers
from pages.siting.choice import SitingChoice, choose_siting
from pages.siting.panels import regions_table, show_figures, show_panels, show_sites, sites_table


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


TITLE = "选址优化"
_HEIGHT = 640


def page() -> None:
    """Draw the page."""
    st.html(own_folder() / "coverage.css")
    store = open_store()
    head = st.container(key="page_head")
    choice = choose_siting(store)
    answers = study.solved_with_steps(lambda tell: siting_answers(store, choice.request, tell))
    if answers is None:
        with head:
            components.header(TITLE, note=choice.kind.name)
        siting_plan.show_plan({}, choice.tool)
        return
    analysis = answers.analysis
    warning = study.banner(analysis.before) if len(analysis.before.facilities) else None
    if warning:
        st.warning(components.plain(warning), icon=":material/science:")
    left, right = st.columns([17, 10], gap="medium")
    with left:
        layer = siting_map.show(store, choice, answers, height=_HEIGHT)
    with right:
        show_figures(store, choice, answers)
        known = {**_names(analysis.before.facilities), **_names(analysis.planned.facilities)}
        siting_plan.show_plan(known, choice.tool)
        show_sites(choice, answers)
    study.show_notes([*analysis.notes, store_meta(store).get("population_note", "")])
    show_panels(store, choice, answers)
    components.footer(layer.provenance, data_version=store.data_version)
    with head:
        _head(choice, answers, layer)


def _names(facilities: Any) -> dict[str, str]:
    return dict(zip(facilities["id"].astype(str), facilities["name"].astype(str), strict=True))


def _head(choice: SitingChoice, answers: SitingAnswers, layer: Layer) -> None:
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    words = siting_map.subtitle(choice, answers)
    with left:
        components.header(f"{choice.kind.name}{TITLE}", source=layer.provenance.source_text, note=words)
    with right, st.container(horizontal=True, horizontal_alignment="right", key="page_tools"):
        show_method(choice, answers.analysis)
        with st.popover("下载", icon=":material/download:"):
            origin = layer.provenance
            name = f"{choice.kind.name}{TITLE}_{LEVEL_CHOICES[choice.level]}"
            lines = [name, words, f"来源：{origin.source_text}", *answers.analysis.notes, origin.permission]
            components.download(name, lambda: regions_table(choice, answers), notes=lines, key="siting")
            if answers.analysis.result is not None:
                st.caption("建议新增的位置")
                components.download(
                    f"{choice.kind.name}建议位置",
                    lambda: sites_table(choice, answers),
                    notes=lines,
                    key="siting_places",
                )
