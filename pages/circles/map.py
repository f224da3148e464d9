"""The map of the page 15分钟服务圈: how complete the circle is, cell by cell or by region; a click asks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from analysis.circles import PointAnswer
from analysis.palettes import ramp
from data.store.store import Store
from layers.charts.coverage import percent
from layers.model import Layer, Provenance, format_number
from layers.overlays import ImageLayer, OverlayTheme, RankedPlace, overlay_theme
from layers.surface import score_legend
from layers.themes import choropleth
from pages.circles.answers import CircleAnswers
from pages.circles.choice import TIER_NAMES, CircleChoice, put_place
from pages.shared.cached import region_frame, region_labels, store_meta
from pages.shared.components import clicked_region, draw_map, look_at
from reports.provenance import provenance

KEY = "circles_map"
TITLE = "15分钟服务圈完整度"
YEAR = "2020"


def show(
    store: Store, choice: CircleChoice, answers: CircleAnswers, place: PointAnswer | None, *, height: int
) -> Layer:
    """Draw the map; a click asks what is missing there and chooses the region. Return the regions' layer."""
    layer = region_layer(store, choice, answers)

    def clicked() -> None:
        said, adcode = st.session_state.get(KEY) or {}, clicked_region(KEY, layer)
        if adcode is not None:
            look_at(adcode)
            if "lon" in said and "lat" in said:
                put_place(float(said["lon"]), float(said["lat"]))

    draw_map(_theme(store, choice, answers, layer, place), KEY, height=height, on_change=clicked)
    return layer


def origin_of(store: Store, answers: CircleAnswers) -> Provenance:
    """Return the sources of the figures: facilities and people."""
    frame, meta = answers.facilities(), store_meta(store)
    found = provenance(store, frame["source"].dropna().unique() if len(frame) else ())
    people = meta.get("population_source", "")
    modelled = meta.get("population_pattern") == "modelled"
    return replace(
        found,
        sources=(*found.sources, *((f"人口 {people}",) if people else ())),
        remarks=("人口格网为模型推算",) if modelled else (),
    )


def region_layer(store: Store, choice: CircleChoice, answers: CircleAnswers) -> Layer:
    """Return the regions of the level shown with their score in per cent."""
    frame = region_frame(store, choice.request.within, choice.level)
    rows = answers.table(choice.level, choice.tier, choice.group).set_index("adcode")
    return choropleth(
        frame,
        rows["score"] * 100.0,
        title=TITLE,
        unit="%",
        year=YEAR,
        direction="higher_better",
        scheme="equal_interval" if len(frame) > 1 else "quantiles",
        palette=ramp("sequential"),
        reasons=rows["reason"],
        provenance=origin_of(store, answers),
    )


def subtitle(choice: CircleChoice, answers: CircleAnswers) -> str:
    """Return the line beside the map's title."""
    total, unknown = len(answers.analysis.services), len(answers.analysis.undefined)
    parts = [TIER_NAMES[choice.tier], choice.group_name, f"{total} 项服务中有 {total - unknown} 项有设施数据"]
    if any(one.network is None for one in answers.analysis.coverages.values()):
        parts.append("直线距离估算")
    if answers.analysis.implied:
        parts.append("含推定点位")
    return " · ".join(parts)


def _theme(
    store: Store, choice: CircleChoice, answers: CircleAnswers, layer: Layer, place: PointAnswer | None
) -> OverlayTheme:
    images: tuple[ImageLayer, ...] = ()
    legend = None
    if choice.view == "surface" and answers.analysis.coverages:
        people = answers.analysis.cells["population"].to_numpy(dtype="float64")
        images = (ImageLayer("score", answers.image(choice.tier), answers.grid().bounds),)
        legend = score_legend(
            "够得着的服务占比（%）", answers.scores(choice.tier), people, ramp("sequential")
        )
    here = [] if place is None else [RankedPlace("点", place.lon, place.lat, _tip_here(place), "here")]
    rows = answers.table(choice.level, choice.tier, choice.group)
    names = {key: service.name for key, service in answers.analysis.services.items()}
    return overlay_theme(
        layer,
        subtitle=subtitle(choice, answers),
        images=images,
        points=answers.points(),
        places=here,
        legend=legend,
        tips={row["adcode"]: _tip(row, names) for row in rows.to_dict("records")},
        selected=choice.region,
        labels=region_labels(store, choice.request.within, choice.level),
    )


def _tip(row: dict[Any, Any], names: dict[str, str]) -> list[str]:
    if row["reason"]:
        return [f"无数据：{row['reason']}"]
    lines = [f"完整度 {percent(row['score'])}", f"各项齐全的人口 {percent(row['complete_share'])}"]
    if not pd.isna(row["missing"]):
        lines.append(f"最缺{names[row['missing']]}：{format_number(row['missing_population'], 0)} 人")
    return lines


def _tip_here(place: PointAnswer) -> tuple[str, ...]:
    missing = "、".join(one.name for one in place.missing) or "不缺（在有数据的服务中）"
    return (f"{place.county}（{TIER_NAMES[place.tier]}）", f"缺：{missing}")
