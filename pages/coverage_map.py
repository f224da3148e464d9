"""The map of the page 设施覆盖: travel times as an image, facilities, uncovered clusters, borders."""

from __future__ import annotations

import os

import streamlit as st
from streamlit_folium import st_folium

from data.coverage import CoverageAnalysis
from data.store import Store
from layers.model import Layer
from layers.overlays import ImageLayer, OverlayTheme, SurfaceLegend, overlay_theme
from layers.surface import MINUTE_LIMITS, minute_legend
from layers.themes import choropleth
from layers.webmap import TIANDITU_KEY, base_map
from pages import coverage_words, state
from pages.coverage_answers import Answers
from pages.coverage_choice import CoverageChoice
from pages.coverage_store import region_frame, region_labels
from pages.coverage_tips import ranked_places, region_tips
from pages.palettes import ramp

KEY = "coverage_map"


def show(store: Store, choice: CoverageChoice, answers: Answers, *, height: int) -> Layer:
    """Draw the map; a click on a region chooses it. Return the layer of the regions."""
    layer = region_layer(store, choice, answers)

    def clicked() -> None:
        adcode = (st.session_state.get(KEY) or {}).get("adcode")
        if isinstance(adcode, str) and adcode in layer.frame.index:
            state.put("region", adcode)

    st_folium(
        base_map(height=height, tianditu_key=os.environ.get(TIANDITU_KEY)),
        key=KEY,
        height=height,
        use_container_width=True,
        returned_objects=[],
        feature_group_to_add=map_theme(store, choice, answers, layer),
        on_change=clicked,
    )
    return layer


def region_layer(store: Store, choice: CoverageChoice, answers: Answers) -> Layer:
    """Return the regions of the level shown with their population coverage in per cent."""
    frame = region_frame(store, choice.request.within, choice.level)
    rows = answers.table(choice.minutes, choice.level, choice.group).set_index("adcode")
    return choropleth(
        frame,
        rows["population_coverage"] * 100.0,
        title=title(choice),
        unit="%",
        year=coverage_words.POPULATION_YEAR,
        direction="higher_better",
        scheme="equal_interval" if len(frame) > 1 else "quantiles",
        palette=ramp("sequential"),
        reasons=rows["reason"],
        provenance=coverage_words.origin_of(store, answers.analysis),
    )


def map_theme(store: Store, choice: CoverageChoice, answers: Answers, layer: Layer) -> OverlayTheme:
    """Return what the map shows."""
    images: tuple[ImageLayer, ...] = ()
    if choice.view == "surface":
        bounds = answers.grid().bounds
        images = (
            ImageLayer("minutes", answers.minutes_png(), bounds),
            ImageLayer("threshold", answers.threshold_png(choice.minutes), bounds),
        )
    places = ranked_places(store, choice, answers)
    return overlay_theme(
        layer,
        subtitle=subtitle(choice, answers.analysis),
        images=images,
        points=answers.points(),
        places=places,
        places_label=f"未覆盖人口最多的 {len(places)} 个片区",
        legend=_legend(choice, answers) if images else None,
        tips=region_tips(choice, answers),
        selected=choice.region,
        labels=region_labels(store, choice.request.within, choice.level),
    )


def _legend(choice: CoverageChoice, answers: Answers) -> SurfaceLegend:
    analysis = answers.analysis
    people = analysis.cells[choice.group].to_numpy(dtype="float64")
    entries = minute_legend(analysis.travel, people, ramp=ramp("sequential_reversed"))
    classes = sum(entry.class_index >= 0 for entry in entries)
    ticks = tuple(f"{limit:g}" for limit in (*MINUTE_LIMITS, analysis.travel.max_minutes)[:classes])
    return SurfaceLegend("到最近设施的分钟数", entries, ticks, f"泛白：{choice.minutes:g} 分钟内到不了")


def title(choice: CoverageChoice) -> str:
    """Return what the map shows."""
    if choice.view == "regions":
        return f"{choice.kind.name}{choice.minutes:g}分钟人口覆盖率"
    return f"到最近{choice.kind.name}的通行时间"


def subtitle(choice: CoverageChoice, analysis: CoverageAnalysis) -> str:
    """Return the line beside the map's title."""
    parts = [
        coverage_words.travel_words(analysis),
        f"阈值 {choice.minutes:g} 分钟",
        choice.group_name,
        f"人口 {coverage_words.POPULATION_YEAR} 年",
    ]
    if analysis.implied:
        parts.append("设施为推定点位")
    return " · ".join(parts)
