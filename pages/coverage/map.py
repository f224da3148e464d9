"""The map of the page 设施覆盖: travel times as an image, facilities, uncovered clusters, borders."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import pandas as pd

from analysis.coverage import CoverageAnalysis
from analysis.palettes import ramp
from data.registry.rule_models import load_coverage_rules
from data.store.store import Store
from geo.crs import ALBERS, STORE_CRS
from layers.charts.coverage import percent
from layers.model import Layer, format_number
from layers.overlays import ImageLayer, OverlayTheme, RankedPlace, SurfaceLegend, overlay_theme
from layers.surface import minute_legend
from layers.themes import choropleth
from pages.coverage.answers import CoverageAnswers
from pages.coverage.choice import CoverageChoice
from pages.shared import cached, study
from pages.shared.cached import region_frame, region_labels
from pages.shared.components import draw_region_map


def ranked_places(store: Store, choice: CoverageChoice, answers: CoverageAnswers) -> list[RankedPlace]:
    """Return the uncovered clusters that stand on the map, the most populous first."""
    if not choice.places:
        return []
    rows = answers.clusters(choice.minutes, choice.group).table.head(choice.places)
    if rows.empty:
        return []
    at = gpd.GeoSeries.from_xy(rows["x"], rows["y"], crs=ALBERS).to_crs(STORE_CRS)
    names = cached.region_table(store)["name"]
    return [
        RankedPlace(int(row["rank"]), round(point.x, 4), round(point.y, 4), _place_lines(row, names))
        for row, point in zip(rows.to_dict("records"), at, strict=True)
    ]


def _place_lines(row: dict[Any, Any], names: pd.Series) -> tuple[str, ...]:
    return (
        f"第 {row['rank']} 位：{format_number(row['population'], 0)} 人",
        f"主要在{names.get(row['adcode'], row['adcode'])}",
        f"面积 {format_number(row['area_km2'], 0)} 平方公里",
    )


def region_tips(choice: CoverageChoice, answers: CoverageAnswers) -> dict[str, list[str]]:
    """Return what the tip of each region says."""
    rows = answers.table(choice.minutes, choice.level, choice.group)
    return {row["adcode"]: _tip(row) for row in rows.to_dict("records")}


def _tip(row: dict[Any, Any]) -> list[str]:
    if row["reason"] and pd.isna(row["population_coverage"]):
        return [f"无数据：{row['reason']}"]
    lines = [
        f"人口覆盖率 {percent(row['population_coverage'])}",
        f"面积覆盖率 {percent(row['area_coverage'])}",
    ]
    return [*lines, "近省界：省外没有设施数据"] if row["edge"] else lines


KEY = "coverage_map"


def show(store: Store, choice: CoverageChoice, answers: CoverageAnswers, *, height: int) -> Layer:
    """Draw the map; a click on a region chooses it. Return the layer of the regions."""
    layer = region_layer(store, choice, answers)
    draw_region_map(map_theme(store, choice, answers, layer), KEY, layer, height=height)
    return layer


def region_layer(store: Store, choice: CoverageChoice, answers: CoverageAnswers) -> Layer:
    """Return the regions of the level shown with their population coverage in per cent."""
    frame = region_frame(store, choice.request.within, choice.level)
    rows = answers.table(choice.minutes, choice.level, choice.group).set_index("adcode")
    return choropleth(
        frame,
        rows["population_coverage"] * 100.0,
        title=title(choice),
        unit="%",
        year=study.POPULATION_YEAR,
        direction="higher_better",
        scheme="equal_interval" if len(frame) > 1 else "quantiles",
        palette=ramp("sequential"),
        reasons=rows["reason"],
        provenance=study.origin_of(store, answers.analysis),
    )


def map_theme(store: Store, choice: CoverageChoice, answers: CoverageAnswers, layer: Layer) -> OverlayTheme:
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


def _legend(choice: CoverageChoice, answers: CoverageAnswers) -> SurfaceLegend:
    analysis = answers.analysis
    people = analysis.cells[choice.group].to_numpy(dtype="float64")
    limits = load_coverage_rules().map_minutes
    entries = minute_legend(analysis.travel, people, ramp=ramp("sequential_reversed"), limits=limits)
    classes = sum(entry.class_index >= 0 for entry in entries)
    ticks = tuple(f"{limit:g}" for limit in (*limits, analysis.travel.max_minutes)[:classes])
    return SurfaceLegend("到最近设施的分钟数", entries, ticks, f"泛白：{choice.minutes:g} 分钟内到不了")


def title(choice: CoverageChoice) -> str:
    """Return what the map shows."""
    if choice.view == "regions":
        return f"{choice.kind.name}{choice.minutes:g}分钟人口覆盖率"
    return f"到最近{choice.kind.name}的通行时间"


def subtitle(choice: CoverageChoice, analysis: CoverageAnalysis) -> str:
    """Return the line beside the map's title."""
    parts = [
        study.travel_words(analysis),
        f"阈值 {choice.minutes:g} 分钟",
        choice.group_name,
        f"人口 {study.POPULATION_YEAR} 年",
    ]
    if analysis.implied:
        parts.append("设施为推定点位")
    return " · ".join(parts)
