"""设施覆盖: who is within reach of a facility, who is not, and where they live."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from analysis.coverage import CoverageAnalysis
from analysis.run_kinds import COVERAGE, coverage_asked
from data.store.store import Store, open_store
from layers.assets import own_folder
from layers.charts.coverage import ranking_chart
from layers.model import Layer
from pages.coverage import map as coverage_map
from pages.coverage.answers import CoverageAnswers, coverage_answers
from pages.coverage.choice import CoverageChoice, choose_coverage
from pages.coverage.downloads import show_downloads
from pages.coverage.panels import show_figures, show_notes, show_panels
from pages.shared import components, study
from pages.shared.components import plain
from pages.shared.record_button import show_record
from pages.shared.study import travel_words


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


_HEIGHT, _RANKING_HEIGHT = 640, 372


def page() -> None:
    """Draw the page."""
    st.html(own_folder() / "coverage.css")
    store = open_store()
    head = st.container(key="page_head")
    choice = choose_coverage(store)
    if choice is None:
        with head:
            components.header("设施覆盖")
        st.info("库中没有任何设施。请先到“数据导入”页导入设施。", icon=":material/info:")
        return
    answers = study.solved_with_steps(lambda tell: coverage_answers(store, choice.request, tell))
    if answers is None:
        with head:
            components.header("设施覆盖", note=choice.kind.name)
        return
    _show(store, choice, answers, head)


def _show(store: Store, choice: CoverageChoice, answers: CoverageAnswers, head: DeltaGenerator) -> None:
    """Draw what the answer looks like."""
    warning = study.banner(answers.analysis)
    if warning:
        st.warning(components.plain(warning), icon=":material/science:")
    left, right = st.columns([17, 10], gap="medium")
    with left:
        layer = coverage_map.show(store, choice, answers, height=_HEIGHT)
    with right:
        show_figures(store, choice, answers)
        _ranking(choice, answers)
    show_notes(store, choice, answers)
    show_panels(store, choice, answers)
    components.footer(layer.provenance, data_version=store.data_version)
    with head:
        _head(store, choice, answers, layer)


def _head(store: Store, choice: CoverageChoice, answers: CoverageAnswers, layer: Layer) -> None:
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    how = study.travel_words(answers.analysis)
    with left:
        components.header(
            f"{choice.kind.name}覆盖",
            source=layer.provenance.source_text,
            note=f"{how}　阈值 {choice.minutes:g} 分钟　{choice.group_name}",
        )
    with right, st.container(horizontal=True, horizontal_alignment="right", key="page_tools"):
        show_method(choice, answers.analysis)
        asked = coverage_asked(choice.request, minutes=choice.minutes, group=choice.group, level=choice.level)
        show_record(
            store,
            COVERAGE,
            asked,
            lambda: answers.table(choice.minutes, choice.level, choice.group),
            answers.seconds,
        )
        with st.popover("下载", icon=":material/download:"):
            show_downloads(store, choice, answers, layer)


def _ranking(choice: CoverageChoice, answers: CoverageAnswers) -> None:
    st.markdown("**排名**　按人口覆盖率，竖线为面积覆盖率")
    rows = answers.table(choice.minutes, choice.level, choice.group)
    picture = ranking_chart(rows, selected=choice.region)
    components.region_chart(picture, key="coverage_ranking", height=_RANKING_HEIGHT)
