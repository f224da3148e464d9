"""The map of the page 选址优化: what the plan changes, its sites, and clicks that change the plan."""

from __future__ import annotations

import os

import streamlit as st
from streamlit_folium import st_folium

from data.store import Store
from layers.model import Layer
from layers.overlays import ImageLayer, OverlayTheme, overlay_theme
from layers.themes import choropleth
from layers.webmap import TIANDITU_KEY, base_map
from pages import coverage_words, siting_plan, state
from pages.coverage_store import region_frame, region_labels
from pages.palettes import ramp
from pages.siting_choice import SitingChoice
from pages.siting_data import SitingAnswers, Which
from pages.siting_places import legend_of, plan_places, region_tip

KEY = "siting_map"
YEAR = coverage_words.POPULATION_YEAR


def show(store: Store, choice: SitingChoice, answers: SitingAnswers, *, height: int) -> Layer:
    """Draw the map; a click looks at a region or changes the plan. Return the layer of the regions."""
    layer = region_layer(store, choice, answers)

    def clicked() -> None:
        said = st.session_state.get(KEY) or {}
        adcode = said.get("adcode")
        if not isinstance(adcode, str) or adcode not in layer.frame.index:
            return
        if choice.tool == "look" or not {"lon", "lat", "zoom"} <= said.keys():
            state.put("region", adcode)
            return
        shown = answers.analysis.planned.facilities
        siting_plan.click(choice.tool, float(said["lon"]), float(said["lat"]), float(said["zoom"]), shown)

    st_folium(
        base_map(height=height, tianditu_key=os.environ.get(TIANDITU_KEY)),
        key=KEY,
        height=height,
        use_container_width=True,
        returned_objects=[],
        feature_group_to_add=_theme(store, choice, answers, layer),
        on_change=clicked,
    )
    return layer


def region_layer(store: Store, choice: SitingChoice, answers: SitingAnswers) -> Layer:
    """Return the regions of the level shown with the coverage of the plan in per cent."""
    frame = region_frame(store, choice.request.coverage.within, choice.level)
    rows = answers.comparison(choice.level, choice.request.group).set_index("adcode")
    known = answers.analysis.after if answers.analysis.no_existing else answers.analysis.before
    return choropleth(
        frame,
        rows["coverage_after"] * 100.0,
        title=title(choice),
        unit="%",
        year=YEAR,
        direction="higher_better",
        scheme="equal_interval" if len(frame) > 1 else "quantiles",
        palette=ramp("sequential"),
        reasons=rows["reason"].where(rows["coverage_after"].isna()),
        provenance=coverage_words.origin_of(store, known),
    )


def title(choice: SitingChoice) -> str:
    """Return what the map shows."""
    what = {"change": "方案前后的变化", "before": "现状通行时间", "after": "方案后通行时间"}
    return f"{choice.kind.name}{what[choice.view]}"


def subtitle(choice: SitingChoice, answers: SitingAnswers) -> str:
    """Return the line beside the map's title."""
    analysis = answers.analysis
    parts = [
        coverage_words.travel_words(analysis.before),
        f"阈值 {choice.request.minutes:g} 分钟",
        choice.group_name,
        f"人口 {YEAR} 年",
    ]
    if analysis.before.implied:
        parts.append("设施为推定点位")
    return " · ".join(parts)


def _theme(store: Store, choice: SitingChoice, answers: SitingAnswers, layer: Layer) -> OverlayTheme:
    bounds = answers.grid().bounds
    which: Which = "before" if choice.view == "before" else "after"
    if choice.view == "change":
        images: tuple[ImageLayer, ...] = (ImageLayer("change", answers.change_png(), bounds),)
    else:
        images = (
            ImageLayer("minutes", answers.minutes_png(which), bounds),
            ImageLayer("threshold", answers.threshold_png(which), bounds),
        )
    rows = answers.comparison(choice.level, choice.request.group)
    return overlay_theme(
        layer,
        subtitle=subtitle(choice, answers),
        images=images,
        points=answers.points(which),
        places=[] if choice.view == "before" else plan_places(choice, answers),
        places_label="建议新增（次序）与方案改动",
        legend=legend_of(choice, answers, which),
        tips={row["adcode"]: region_tip(row) for row in rows.to_dict("records")},
        selected=choice.region,
        labels=region_labels(store, choice.request.coverage.within, choice.level),
    )
