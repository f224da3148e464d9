"""供需匹配: how much of a supply everybody can reach, and how evenly, by floating catchments."""

from __future__ import annotations

import streamlit as st

from analysis.run_kinds import CATCHMENT, catchment_asked
from data.store.store import Store, open_store
from layers.assets import own_folder
from layers.model import Layer
from pages.shared import choices, components, study
from pages.shared.record_button import show_record
from pages.supply import map as supply_map
from pages.supply.answers import SupplyAnswers, supply_answers
from pages.supply.choice import METHODS, SupplyChoice, choose_supply
from pages.supply.panels import show_downloads, show_figures, show_notes, show_panels

_HEIGHT, _RANKING_HEIGHT = 640, 372
_TITLE = "供需匹配"


def page() -> None:
    """Draw the page."""
    st.html(own_folder() / "coverage.css")
    store = open_store()
    head = st.container(key="page_head")
    choice = choose_supply(store)
    if choice is None:
        with head:
            components.header(_TITLE)
        st.info("库中没有任何设施。请先到“数据导入”页导入设施。", icon=":material/info:")
        return
    answers = study.solved_with_steps(lambda tell: supply_answers(store, choice.request, tell))
    if answers is None:
        with head:
            components.header(_TITLE, note=choice.kind.name)
        return
    warning = study.banner(answers.analysis.base)
    if warning:
        st.warning(components.plain(warning), icon=":material/science:")
    layer = supply_map.region_layer(store, choice, answers)
    left, right = st.columns([17, 10], gap="medium")
    with left:
        supply_map.show(store, choice, answers, layer, height=_HEIGHT)
    with right:
        show_figures(choice, answers)
        heading = f"可及性（{components.plain(layer.unit)}）"
        study.ranking(layer, heading, region=choice.region, height=_RANKING_HEIGHT, key="supply_ranking")
    show_notes(store, answers)
    show_panels(store, choice, answers)
    components.footer(layer.provenance, data_version=store.data_version)
    with head:
        _head(store, choice, answers, layer)


def _head(store: Store, choice: SupplyChoice, answers: SupplyAnswers, layer: Layer) -> None:
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        components.header(
            choice.title, source=layer.provenance.source_text, note=answers.analysis.method_text
        )
    with right, st.container(horizontal=True, horizontal_alignment="right", key="page_tools"):
        _method(answers)
        asked = catchment_asked(choice.request, group=choice.request.demand, level=choice.level)
        show_record(
            store, CATCHMENT, asked, lambda: answers.analysis.table(level=choice.level), answers.seconds
        )
        with st.popover("下载", icon=":material/download:"):
            show_downloads(store, choice, answers, layer)


def _method(answers: SupplyAnswers) -> None:
    """Draw the button that opens how the figures come about."""
    analysis = answers.analysis
    rows = {
        "第一步": "每处设施的供给 ÷ 服务范围内按衰减加权的需求，得到供需比。",
        "第二步": "每个人口格把可及设施的供需比按同样的权重相加，得到可及性。",
        "三步法": "3SFCA 先把每格的需求按权重分给可及的各处设施，避免重复计算需求。",
        "衰减": analysis.decay.text,
        "供给": f"共 {len(analysis.facilities)} 处，单位“{analysis.supply_unit}”；没有规模的另行说明。",
        "没有服务": "服务范围内没有任何供给的人，可及性为 0，计入平均数和基尼系数。",
        "守恒": "Σ（可及性 × 需求）= Σ 有人可及的供给。",
        "地区的数": "Σ（可及性 × 人口）÷ Σ 人口，不是格的平均；区外的供给和需求照样参与。",
        "出行": f"{study.travel_words(analysis.base, analysis.straight)}。",
        "来源": "Luo 与 Wang（2003），Luo 与 Qi（2009），Wan 等（2012）。",
    }
    with st.popover("口径", icon=":material/menu_book:"):
        st.markdown(f"**方法**　{components.plain(METHODS[choices.kept('method', 'e2sfca-step')][0])}")
        for name, text in rows.items():
            st.markdown(f"**{name}**　{components.plain(text)}")
