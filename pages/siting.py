"""选址优化: where new facilities reach most people, what a plan changes, and for whom."""

from __future__ import annotations

from typing import Any

import streamlit as st

from data.store import open_store
from layers.assets import own_folder
from layers.model import Layer
from pages import components, coverage_words, siting_map, siting_plan, state, study_frame
from pages.coverage_store import store_meta
from pages.siting_choice import SitingChoice, choose_siting
from pages.siting_data import SitingAnswers, siting_of
from pages.siting_method import show_method
from pages.siting_panels import show_figures, show_panels, show_sites
from pages.siting_tables import regions_table, sites_table

TITLE = "选址优化"
_HEIGHT = 640


def page() -> None:
    """Draw the page."""
    st.html(own_folder() / "coverage.css")
    store = open_store()
    head = st.container(key="page_head")
    choice = choose_siting(store)
    answers = study_frame.solved(lambda tell: siting_of(store, choice.request, tell))
    if answers is None:
        with head:
            components.header(TITLE, note=choice.kind.name)
        siting_plan.show_plan({}, choice.tool)
        return
    analysis = answers.analysis
    warning = coverage_words.banner(analysis.before) if len(analysis.before.facilities) else None
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
    study_frame.show_notes([*analysis.notes, store_meta(store).get("population_note", "")])
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
            name = f"{choice.kind.name}{TITLE}_{state.LEVELS[choice.level]}"
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
