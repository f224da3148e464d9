"""``sutu siting``: where new facilities would reach most people, and what a plan changes."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from commands.chinese import errors, examples
from commands.circles import lon_lat, require_out, written
from commands.console import Format, print_json, print_rows
from commands.coverage import By, Datum, Engine, Mode, Origin
from commands.coverage_files import given_facilities, given_network, given_population
from data.coverage import CoverageRequest, covered_types, require_group
from data.scenarios import save_scenario
from data.siting import SitingAnalysis, SitingRequest, prepare_siting
from data.siting_edits import Edit
from data.store import data_dir, open_store

_SITE_HEADERS = {
    "rank": "次序",
    "name": "位置",
    "adcode": "代码",
    "lon": "经度",
    "lat": "纬度",
    "gain": "新增效益",
    "share": "占可增效益",
}
_REGION_HEADERS = {
    "adcode": "代码",
    "name": "地区",
    "population": "人口",
    "covered_before": "现状覆盖人口",
    "covered_after": "方案覆盖人口",
    "gained": "新增覆盖人口",
    "coverage_before": "现状覆盖率",
    "coverage_after": "方案覆盖率",
    "reason": "说明",
}


class Candidates(StrEnum):
    """Where candidates come from."""

    townships = "townships"
    cells = "cells"


class Goal(StrEnum):
    """What the sites shall do."""

    coverage = "coverage"
    minutes = "minutes"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(
        "siting",
        epilog=examples(
            "sutu siting --type hospital --mode ebike --minutes 15 --add 10 --within 320300",
            "sutu siting --type park --minutes 15 --add 5 --exact --json",
            "sutu siting --type hospital --minutes 30 --open 117.20,34.26 --close 编号 --save 方案一",
        ),
    )(siting)


def siting(  # noqa: PLR0917 - a command's options are its documented inputs
    types: Annotated[list[str], typer.Option("--type", help="设施类型，可重复；任一类型可达即算覆盖。")],
    minutes: Annotated[float, typer.Option("--minutes", help="时间阈值（分钟），恰好等于也算覆盖。")],
    add: Annotated[
        int, typer.Option("--add", help="新增几处；0 表示只看 --open、--move、--close 的效果。")
    ] = 0,
    objective: Annotated[
        Goal, typer.Option(help="coverage 覆盖的人最多，minutes 人均分钟最少。")
    ] = Goal.coverage,
    exact: Annotated[bool, typer.Option("--exact", help="求精确解（规模过大时退回贪心并注明）。")] = False,
    time_limit: Annotated[float, typer.Option(min=1.0, max=3600.0, help="求精确解最多用多少秒。")] = 60.0,
    candidates: Annotated[
        Candidates, typer.Option(help="候选点：townships 乡镇驻地，cells 人口格网。")
    ] = Candidates.cells,
    spacing_km: Annotated[float, typer.Option(help="格网候选点的间距（公里）。")] = 5.0,
    sites: Annotated[Path | None, typer.Option(help="候选点取自此文件，坐标基准用 --datum。")] = None,
    opened: Annotated[list[str] | None, typer.Option("--open", help="在经度,纬度处新增，可重复。")] = None,
    moved: Annotated[list[str] | None, typer.Option("--move", help="编号@经度,纬度：移动，可重复。")] = None,
    closed: Annotated[list[str] | None, typer.Option("--close", help="关闭此编号的设施，可重复。")] = None,
    mode: Annotated[Mode, typer.Option(help="出行方式；没有路网时按直线距离估算并注明。")] = Mode.straight,
    levels: Annotated[list[str] | None, typer.Option("--level", help="只计这些等级的设施，可重复。")] = None,
    group: Annotated[str, typer.Option(help="人群：all、under_3、age_65_plus、urban、rural 等。")] = "all",
    by: Annotated[By, typer.Option(help="按哪一级地区比较前后。")] = By.county,
    within: Annotated[str, typer.Option(help="只计此地区的居民（行政区划代码）。")] = "320000",
    origin: Annotated[Origin, typer.Option(help="用导入的设施、推定的设施，或自动选择。")] = Origin.auto,
    facilities: Annotated[Path | None, typer.Option(help="用此文件的设施，不导入。")] = None,
    datum: Annotated[Datum | None, typer.Option(help="设施文件、候选点文件的坐标基准。")] = None,
    population: Annotated[Path | None, typer.Option(help="用此栅格（GeoTIFF）的人口分布。")] = None,
    network: Annotated[Path | None, typer.Option(help="用此 OSM 文件（.osm.pbf）的路网。")] = None,
    search_minutes: Annotated[float, typer.Option(help="搜索半径（分钟），阈值不能超过它。")] = 120.0,
    engine: Annotated[Engine, typer.Option(help="本机计算，或 dask 分区计算。")] = Engine.local,
    scheduler: Annotated[str | None, typer.Option(help="dask 调度器地址，如 tcp://127.0.0.1:8786。")] = None,
    out: Annotated[Path | None, typer.Option(help="写入文件（csv 或 json）。")] = None,
    save: Annotated[str | None, typer.Option("--save", help="把方案存为此名称，可重算。")] = None,
    form: Annotated[Format, typer.Option("--format", help="输出格式；csv 给出分区比较。")] = Format.table,
    as_json: Annotated[bool, typer.Option("--json", help="以 JSON 输出，同 --format json。")] = False,
) -> None:
    """选址优化：新增几处设施放在哪里最好，或方案改动前后有多少人够得着。"""
    if (facilities is not None or sites is not None) and datum is None:
        raise typer.BadParameter(
            "请用 --datum 指明坐标基准：wgs84、cgcs2000、gcj02 或 bd09", param_hint="--datum"
        )
    chosen = Format.json if as_json else form
    require_out(out, chosen)
    if scheduler is not None and engine is not Engine.dask:
        raise typer.BadParameter("--scheduler 只与 --engine dask 合用", param_hint="--scheduler")
    kinds = covered_types(types)
    request = SitingRequest(
        coverage=CoverageRequest(
            types=kinds,
            mode=mode.value,
            levels=tuple(levels or ()),
            origin=origin.value,
            within=within,
            search_minutes=max(search_minutes, minutes),
            engine=engine.value,
            scheduler=scheduler,
        ),
        minutes=minutes,
        group=require_group(group),
        add=add,
        objective=objective.value,
        method="exact" if exact else "greedy",
        candidates="file" if sites is not None else candidates.value,
        spacing_km=spacing_km,
        cap_minutes=min(60.0, max(search_minutes, minutes)),
        time_limit_s=time_limit,
        edits=_edits(opened or [], moved or [], closed or []),
    )
    store = open_store()
    started = time.perf_counter()
    analysis = prepare_siting(
        store,
        data_dir(),
        request,
        facilities=given_facilities(store, facilities, datum and datum.value, types[0]),
        cells=given_population(store, population),
        network=given_network(network),
        candidates=given_facilities(store, sites, datum and datum.value, kinds[0]),
        progress=errors().print,
    )
    for note in (*analysis.notes, analysis.before.method):
        errors().print(f"说明：{note}", markup=False)
    if save is not None:
        if facilities is not None or population is not None or network is not None:
            raise typer.BadParameter("用临时文件算的方案不能保存，请先导入", param_hint="--save")
        kept = save_scenario(data_dir(), store, analysis, save, seconds=time.perf_counter() - started)
        errors().print(f"方案“{kept.name}”，运行编号 {kept.run.id}（sutu replay 可重算）", markup=False)
    with written(out):
        _write(analysis, by, chosen)


def _edits(opened: list[str], moved: list[str], closed: list[str]) -> tuple[Edit, ...]:
    edits = [Edit("add", None, *lon_lat(text, "--open")) for text in opened]
    for text in moved:
        who, _, where = text.rpartition("@")
        if not who:
            raise typer.BadParameter(f"应为“编号@经度,纬度”，收到“{text}”", param_hint="--move")
        edits.append(Edit("move", who, *lon_lat(where, "--move")))
    return (*edits, *(Edit("close", who) for who in closed))


def siting_dict(analysis: SitingAnalysis, by: By) -> dict[str, Any]:
    """Return the whole answer as JSON gives it."""
    return {
        "summary": analysis.summary(),
        "sites": analysis.sites().to_dict("records"),
        "curve": analysis.curve.to_dict("records"),
        "regions": analysis.comparison(by.value).to_dict("records"),
    }


def _write(analysis: SitingAnalysis, by: By, form: Format) -> None:
    if form is Format.json:
        print_json(siting_dict(analysis, by))
        return
    rows = [
        {str(key): value for key, value in row.items()}
        for row in analysis.comparison(by.value).to_dict("records")
    ]
    if form is Format.csv:
        print_rows(rows, _REGION_HEADERS, form)
        return
    unit = "{:,.0f} 人" if analysis.request.objective == "coverage" else "{:,.0f} 人·分钟"
    chosen = [
        {**row, "lon": f"{row['lon']:.4f}", "lat": f"{row['lat']:.4f}", "gain": unit.format(row["gain"])}
        | {"share": None if pd.isna(row["share"]) else f"{row['share']:.2%}"}
        for row in _records(analysis.sites())
    ]
    if chosen:
        print_rows(chosen, _SITE_HEADERS, form, title="新增位置")
    print_rows([_readable(row) for row in rows], _REGION_HEADERS, form, title="分区比较")
    for line in summary_lines(analysis):
        errors().print(line, markup=False)


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    people = ("population", "covered_before", "covered_after", "gained")
    shown = {key: f"{row[key]:,.0f}" if pd.notna(row[key]) else None for key in people}
    shares = ("coverage_before", "coverage_after")
    return row | shown | {key: f"{row[key]:.2%}" if pd.notna(row[key]) else None for key in shares}


def summary_lines(analysis: SitingAnalysis) -> list[str]:
    """Return the figures of the whole in sentences."""
    total = analysis.summary()
    lines = []
    if analysis.no_existing:
        lines.append(str(total["reason"]))
    else:
        lines.append(
            f"覆盖人口 {total['covered_before']:,.0f} → {total['covered_after']:,.0f}，"
            f"变化 {total['gained']:+,.0f} 人"
        )
    if analysis.result is not None:
        lines.append(
            f"{total['candidates']} 个候选点中选出 {total['proposed']} 处；{total['status']}，"
            f"与上界相差不超过 {total['gap']:.2%}"
        )
        if analysis.result.reason:
            lines.append(analysis.result.reason)
    return lines
