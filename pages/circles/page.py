"""15分钟服务圈: which services people reach in time, which are missing, and what is missing right here."""

from __future__ import annotations

import streamlit as st

from analysis.circles import CircleAnalysis, PointAnswer
from data.store.store import open_store
from geo.circles import TIERS
from geo.errors import SutuError
from geo.region_tree import LEVEL_CHOICES
from layers.assets import own_folder
from layers.model import Layer
from pages.circles import map as circles_map
from pages.circles.answers import CircleAnswers, circle_answers
from pages.circles.choice import CircleChoice, choose_circles
from pages.circles.panels import figures_table, matrix_table, show_panels, show_place, show_region
from pages.shared import components, study
from pages.shared.cached import mode_names, store_meta
from pages.shared.components import plain


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


TITLE = "15分钟服务圈"
_HEIGHT, _RANKING_HEIGHT = 640, 300


def page() -> None:
    """Draw the page."""
    st.html(own_folder() / "coverage.css")
    store = open_store()
    head = st.container(key="page_head")
    choice = choose_circles(store)
    answers = study.solved_with_steps(lambda tell: circle_answers(store, choice.request, tell))
    if answers is None:
        with head:
            components.header(TITLE)
        return
    place = _place(choice, answers)
    if answers.analysis.implied:
        names = "、".join(answers.analysis.services[key].name for key in answers.analysis.implied)
        st.warning(
            components.plain(
                f"{names}用的是推定点位，不是实测位置：结果用来演示方法，导入真实设施后再作结论。"
            ),
            icon=":material/science:",
        )
    left, right = st.columns([17, 10], gap="medium")
    with left:
        layer = circles_map.show(store, choice, answers, place, height=_HEIGHT)
    with right:
        show_region(store, choice, answers)
        show_place(place)
        if place is None:
            study.ranking(
                layer, "按完整度", region=choice.region, height=_RANKING_HEIGHT, key="circles_ranking"
            )
    study.show_notes([*answers.analysis.notes, store_meta(store).get("population_note", "")])
    show_panels(store, choice, answers)
    components.footer(layer.provenance, data_version=store.data_version)
    with head:
        _head(choice, answers, layer)


def _place(choice: CircleChoice, answers: CircleAnswers) -> PointAnswer | None:
    """Return what is missing at the place chosen; a place elsewhere is told to the reader."""
    if choice.at is None:
        return None
    try:
        return answers.at(*choice.at, choice.tier)
    except SutuError as fault:
        st.warning(components.plain(str(fault)), icon=":material/location_off:")
        return None


def _head(choice: CircleChoice, answers: CircleAnswers, layer: Layer) -> None:
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    words = circles_map.subtitle(choice, answers)
    with left:
        components.header(TITLE, source=layer.provenance.source_text, note=words)
    with right, st.container(horizontal=True, horizontal_alignment="right", key="page_tools"):
        show_method(answers.analysis)
        with st.popover("下载", icon=":material/download:"):
            name = f"{TITLE}_{LEVEL_CHOICES[choice.level]}"
            origin = layer.provenance
            lines = [name, words, f"来源：{origin.source_text}", *answers.analysis.notes, origin.permission]
            components.download(name, lambda: figures_table(choice, answers), notes=lines, key="circles")
            st.caption("各项服务的可达率")
            components.download(
                f"{name}_各项服务", lambda: matrix_table(choice, answers), notes=lines, key="circles_each"
            )
            if choice.view == "regions":
                components.download_figure(layer, layer.frame, key="circles_figure")
