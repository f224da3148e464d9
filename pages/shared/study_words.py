"""How pages that study access put things: how people travel, where figures come from, what to know."""

from __future__ import annotations

from dataclasses import replace

from analysis.coverage import IMPLIED, CoverageAnalysis
from data.store.store import Store
from layers.model import Provenance
from layers.points import PRECISIONS
from pages.shared.regions import store_meta
from reports.provenance import provenance

POPULATION_YEAR = "2020"


def travel_words(analysis: CoverageAnalysis) -> str:
    """Return how the times were found: over roads or as the crow flies, and at which speed.

    A time over a straight line is never called walking or driving: it is an estimate, and says so.
    """
    mode = analysis.mode
    if analysis.network is not None:
        speeds = sorted({road.speed_kmh for road in mode.classes.values()})
        span = f"{speeds[0]:g}" if len(speeds) == 1 else f"{speeds[0]:g}–{speeds[-1]:g}"
        return f"{mode.name}，路网，{span} 公里/小时"
    how = f"直线距离 × {mode.detour_factor:g}，{mode.straight_kmh:g} 公里/小时"
    return f"按{mode.name}速度估算，{how}" if mode.has_network else how


def origin_of(store: Store, analysis: CoverageAnalysis) -> Provenance:
    """Return the sources of the figures: facilities, roads, people."""
    meta = store_meta(store)
    found = provenance(store, analysis.facilities["source"].dropna().unique())
    roads = () if analysis.network_source is None else (f"路网 {analysis.network_source.name}",)
    people = meta.get("population_source", "")
    modelled = meta.get("population_pattern") == "modelled"
    return replace(
        found,
        sources=(*found.sources, *roads, *((f"人口 {people}",) if people else ())),
        remarks=("人口格网为模型推算",) if modelled else (),
    )


def notes(store: Store, analysis: CoverageAnalysis) -> list[str]:
    """Return what a reader must know before using the figures."""
    unplaced = len(analysis.travel.unplaced)
    said = [*analysis.notes, store_meta(store).get("population_note", "")]
    said += [f"{unplaced} 个设施离路网太远，未计入"] if unplaced else []
    return list(dict.fromkeys(note for note in said if note))


def banner(analysis: CoverageAnalysis) -> str | None:
    """Return what must be said when facilities stand at places nobody surveyed; None when none does."""
    frame = analysis.facilities
    counts = frame["precision"].value_counts()
    parts = [f"{PRECISIONS[kind]} {counts[kind]} 处" for kind in IMPLIED if kind in counts]
    if not parts:
        return None
    rules = frame.loc[frame["precision"].isin(IMPLIED), "note"].dropna().str.partition("（原文")[0].unique()
    why = f"（{'；'.join(rules[:2])}）" if len(rules) else ""
    real = len(frame) - int(frame["precision"].isin(IMPLIED).sum())
    beside = f"，另有实测点位 {real} 处" if real else ""
    return (
        f"{'、'.join(parts)}{beside}。依规划的配置标准放置{why}，不是实测位置：结果用来演示方法，不能作为结论。"
        "导入真实设施：左侧“数据导入”页，或命令 sutu import facilities。"
    )
