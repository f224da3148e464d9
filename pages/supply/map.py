"""The map of the page 供需匹配: access of every cell as an image, or the mean of every region."""

from __future__ import annotations

import pandas as pd

from analysis.palettes import ramp
from data.store.store import Store
from layers.model import Layer, format_number
from layers.overlays import ImageLayer, OverlayTheme, overlay_theme
from layers.surface import access_legend
from layers.themes import choropleth
from pages.shared import study
from pages.shared.cached import region_frame, region_labels
from pages.shared.components import draw_region_map
from pages.supply.answers import SupplyAnswers
from pages.supply.choice import SupplyChoice

KEY = "supply_map"


def show(store: Store, choice: SupplyChoice, answers: SupplyAnswers, layer: Layer, *, height: int) -> None:
    """Draw the map; a click on a region chooses it."""
    draw_region_map(map_theme(store, choice, answers, layer), KEY, layer, height=height)


def region_layer(store: Store, choice: SupplyChoice, answers: SupplyAnswers) -> Layer:
    """Return the regions of the level shown with the access of their people."""
    analysis = answers.analysis
    rows = analysis.table(level=choice.level).set_index("adcode")
    frame = region_frame(store, choice.request.within, choice.level)
    return choropleth(
        frame,
        rows["access"],
        title=f"{choice.kind.name}可及性",
        unit=analysis.unit,
        year=study.POPULATION_YEAR,
        direction="higher_better",
        scheme="quantiles",
        palette=ramp("sequential"),
        reasons=rows["reason"],
        decimals=answers.decimals,
        provenance=study.origin_of(store, analysis.base),
    )


def subtitle(choice: SupplyChoice, answers: SupplyAnswers) -> str:
    """Return the line beside the map's title."""
    analysis = answers.analysis
    parts = [
        study.travel_words(analysis.base, analysis.straight),
        f"服务范围 {choice.request.minutes:g} 分钟",
        f"需求 {choice.demand_name}",
        f"人口 {study.POPULATION_YEAR} 年",
    ]
    return " · ".join([*parts, "设施为推定点位"] if analysis.implied else parts)


def map_theme(store: Store, choice: SupplyChoice, answers: SupplyAnswers, layer: Layer) -> OverlayTheme:
    """Return what the map shows."""
    surface = choice.view == "surface"
    title = f"可及性（{answers.analysis.unit}），各级上限"
    legend = access_legend(answers.classes, answers.people, title=title, decimals=answers.decimals)
    image = ImageLayer("access", answers.png, answers.grid.bounds)
    return overlay_theme(
        layer,
        subtitle=subtitle(choice, answers),
        images=(image,) if surface else (),
        points=answers.points,
        legend=legend if surface else None,
        tips=_tips(choice, answers),
        selected=choice.region,
        labels=region_labels(store, choice.request.within, choice.level),
    )


def _tips(choice: SupplyChoice, answers: SupplyAnswers) -> dict[str, list[str]]:
    rows = answers.analysis.table(level=choice.level)
    return {str(row["adcode"]): _tip(row, answers) for _, row in rows.iterrows()}


def _tip(row: pd.Series, answers: SupplyAnswers) -> list[str]:
    if pd.isna(row["access"]):
        return [f"无数据：{row['reason']}"]
    return [
        f"可及性 {format_number(row['access'], answers.decimals)} {row['unit']}",
        f"无服务人口 {format_number(row['unserved_population'], 0)} 人（{row['unserved_share']:.1%}）",
    ]
