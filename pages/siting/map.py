"""The map of the page 选址优化: what the plan changes, its sites, and clicks that change the plan."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from analysis.palettes import ramp
from analysis.siting_inputs import PLANNED
from data.registry.rule_models import load_coverage_rules
from data.store.store import Store
from layers.charts.coverage import percent
from layers.model import Layer, format_number
from layers.overlays import ImageLayer, OverlayTheme, RankedPlace, SurfaceLegend, overlay_theme
from layers.surface import change_legend, change_rows, minute_legend
from layers.themes import choropleth
from pages.shared import study
from pages.shared.cached import region_frame, region_labels
from pages.shared.components import clicked_region, draw_map, look_at
from pages.siting import choice as siting_plan
from pages.siting.answers import SitingAnswers, Which
from pages.siting.choice import SitingChoice


def plan_places(choice: SitingChoice, answers: SitingAnswers) -> list[RankedPlace]:
    """Return the proposed sites by rank, and the facilities that the planner added, moved and closed."""
    analysis = answers.analysis
    unit = "人" if choice.request.objective == "coverage" else "人·分钟"
    places = [
        RankedPlace(
            int(row["rank"]),
            round(row["lon"], 5),
            round(row["lat"], 5),
            (f"建议第 {row['rank']} 处：{row['name']}", f"新增 {format_number(row['gain'], 0)} {unit}"),
            "site",
        )
        for row in analysis.sites().to_dict("records")
    ]
    planned = analysis.planned.facilities
    known = set(analysis.before.facilities["id"])
    for row in planned[planned["precision"] == PLANNED].to_dict("records"):
        kind, mark = ("moved", "移") if row["id"] in known else ("site", "新")
        places.append(RankedPlace(mark, row["lon"], row["lat"], (str(row["name"]), "方案位置"), kind))
    gone = analysis.before.facilities[~analysis.before.facilities["id"].isin(planned["id"])]
    places += [
        RankedPlace("关", row["lon"], row["lat"], (str(row["name"]), "方案关闭"), "closed")
        for row in gone.to_dict("records")
    ]
    return places


def legend_of(choice: SitingChoice, answers: SitingAnswers, which: Which) -> SurfaceLegend:
    """Return the key of what the map shows."""
    analysis = answers.analysis
    people = analysis.before.cells[choice.request.group].to_numpy(dtype="float64")
    if choice.view == "change":
        rows = change_rows(analysis.covered("before"), analysis.covered("after"), people)
        shown = [row for row in rows if row[2] > 0 or row[1] != "不再覆盖"]
        return change_legend(f"{choice.request.minutes:g} 分钟内（人数）", shown)
    travel = answers.travel(which)
    limits = load_coverage_rules().map_minutes
    entries = minute_legend(travel, people, ramp=ramp("sequential_reversed"), limits=limits)
    classes = sum(entry.class_index >= 0 for entry in entries)
    ticks = tuple(f"{limit:g}" for limit in (*limits, travel.max_minutes)[:classes])
    veil = f"泛白：{choice.request.minutes:g} 分钟内到不了"
    return SurfaceLegend("到最近设施的分钟数", entries, ticks, veil)


def region_tip(row: dict[Any, Any]) -> list[str]:
    """Return what the tip of a region says."""
    if pd.isna(row["coverage_after"]):
        return [f"无数据：{row['reason']}"]
    if pd.isna(row["coverage_before"]):
        return [f"方案后覆盖 {percent(row['coverage_after'])}", str(row["reason"])]
    return [
        f"覆盖率 {percent(row['coverage_before'])} → {percent(row['coverage_after'])}",
        f"变化 {row['gained']:+,.0f} 人",
    ]


KEY = "siting_map"
YEAR = study.POPULATION_YEAR


def show(store: Store, choice: SitingChoice, answers: SitingAnswers, *, height: int) -> Layer:
    """Draw the map; a click looks at a region or changes the plan. Return the layer of the regions."""
    layer = region_layer(store, choice, answers)

    def clicked() -> None:
        said, adcode = st.session_state.get(KEY) or {}, clicked_region(KEY, layer)
        if adcode is None:
            return
        if choice.tool == "look" or not {"lon", "lat", "zoom"} <= said.keys():
            look_at(adcode)
            return
        shown = answers.analysis.planned.facilities
        siting_plan.click(choice.tool, float(said["lon"]), float(said["lat"]), float(said["zoom"]), shown)

    draw_map(_theme(store, choice, answers, layer), KEY, height=height, on_change=clicked)
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
        provenance=study.origin_of(store, known),
    )


def title(choice: SitingChoice) -> str:
    """Return what the map shows."""
    what = {"change": "方案前后的变化", "before": "现状通行时间", "after": "方案后通行时间"}
    return f"{choice.kind.name}{what[choice.view]}"


def subtitle(choice: SitingChoice, answers: SitingAnswers) -> str:
    """Return the line beside the map's title."""
    analysis = answers.analysis
    parts = [
        study.travel_words(analysis.before),
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
