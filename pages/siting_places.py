"""What stands on the map of the page 选址优化: sites, changes, the key, and the tips of regions."""

from __future__ import annotations

from typing import Any

import pandas as pd

from data.siting_edits import PLANNED
from layers.coverage_charts import percent
from layers.model import format_number
from layers.overlays import RankedPlace, SurfaceLegend
from layers.score_surface import change_legend, change_rows
from layers.surface import MINUTE_LIMITS, minute_legend
from pages.palettes import ramp
from pages.siting_choice import SitingChoice
from pages.siting_data import SitingAnswers, Which


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
    for row in gone.to_dict("records"):
        places.append(RankedPlace("关", row["lon"], row["lat"], (str(row["name"]), "方案关闭"), "closed"))
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
    entries = minute_legend(travel, people, ramp=ramp("sequential_reversed"))
    classes = sum(entry.class_index >= 0 for entry in entries)
    ticks = tuple(f"{limit:g}" for limit in (*MINUTE_LIMITS, travel.max_minutes)[:classes])
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
