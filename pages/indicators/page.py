"""指标地图: an indicator on the map, with its ranking, panels and the card of a region."""

from __future__ import annotations

import streamlit as st

from data.registry import load_registry
from data.store.store import Store, open_store
from geo.region_tree import LEVEL_CHOICES
from layers.model import Layer
from pages.indicators.card import show_card, show_summary
from pages.indicators.choice import Choice, choose_indicator_map
from pages.indicators.layers import layers_of
from pages.indicators.panels import show_downloads, show_panels
from pages.shared import components, study
from pages.shared.cached import labels_for

_HEIGHT, _PAIR_HEIGHT = 660, 500
# What is left beside the map below the card, which is taller with a region on it.
_RANKING_HEIGHT, _RANKING_HEIGHT_CHOSEN = 330, 280


def page() -> None:
    """Draw the page."""
    store = open_store()
    registry = load_registry()
    head = st.container(key="page_head")
    choice = choose_indicator_map(store, registry)
    layers = layers_of(store, registry, choice.subjects, choice.style)
    first = layers[0]
    with head:
        _head(store, choice, layers)
    if len(layers) == 1:
        _single(store, choice, first)
    else:
        _pair(store, choice, layers)
    show_panels(store, choice, layers)
    components.footer(first.provenance, data_version=store.data_version)


def _head(store: Store, choice: Choice, layers: tuple[Layer, ...]) -> None:
    left, right = st.columns([5, 3], vertical_alignment="bottom")
    with left:
        components.header(
            " 与 ".join(dict.fromkeys(layer.title for layer in layers)),
            year="、".join(dict.fromkeys(layer.year for layer in layers)),
            unit="、".join(dict.fromkeys(layer.unit for layer in layers)),
            source="；".join(dict.fromkeys(layer.provenance.source_text for layer in layers)),
            note=LEVEL_CHOICES[choice.main.level],
        )
    with right, st.container(horizontal=True, horizontal_alignment="right", key="page_tools"):
        different = {subject.id: number for number, subject in enumerate(choice.subjects)}.values()
        components.definition(
            *(choice.subjects[number].row for number in different),
            sources=[layers[number].provenance.sources for number in different],
        )
        with st.popover("下载", icon=":material/download:"):
            show_downloads(store, choice, layers[0])
            components.download_figure(layers[0], labels_for(store, "prefecture"), key="figure")


def _single(store: Store, choice: Choice, layer: Layer) -> None:
    left, right = st.columns([17, 10], gap="medium")
    with left:
        _map(store, choice, layer, "indicator_map_1", _HEIGHT)
    with right:
        _card(store, choice, layer)
        _ranking(choice, layer)


def _pair(store: Store, choice: Choice, layers: tuple[Layer, ...]) -> None:
    for number, (column, layer) in enumerate(zip(st.columns(2, gap="small"), layers, strict=True), start=1):
        with column:
            _map(store, choice, layer, f"indicator_map_{number}", _PAIR_HEIGHT, link="indicator_map")
    left, right = st.columns([1, 1], gap="medium")
    with left:
        _card(store, choice, layers[-1] if choice.compare == "years" else layers[0])
    with right:
        _ranking(choice, layers[-1] if choice.compare == "years" else layers[0])


def _map(
    store: Store, choice: Choice, layer: Layer, key: str, height: int, *, link: str | None = None
) -> None:
    components.show_map(
        layer,
        key,
        height=height,
        selected=choice.region,
        labels=labels_for(store, choice.main.level),
        link=link,
        on_click=components.look_at,
    )


def _card(store: Store, choice: Choice, layer: Layer) -> None:
    subject = next(
        one for one in choice.subjects if str(one.year) == layer.year and one.row["name"] == layer.title
    )
    if choice.region is not None:
        show_card(store, subject, choice.region, layer)
    else:
        show_summary(store, subject, layer)


def _ranking(choice: Choice, layer: Layer) -> None:
    height = _RANKING_HEIGHT if choice.region is None else _RANKING_HEIGHT_CHOSEN
    heading = f"{components.plain(layer.year)} 年"
    study.ranking(layer, heading, region=choice.region, height=height, key="ranking")
