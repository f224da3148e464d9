"""``sutu coverage``, ``sutu runs`` and ``sutu replay``: who is within reach, and the same answer again."""

from __future__ import annotations

import json
import math
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from commands.chinese import examples
from commands.console import Format as Shown
from commands.console import csv_text, errors, plain, print_json, print_rows
from commands.coverage_files import given_facilities, given_network, given_population, write_geopackage
from data.coverage import CoverageAnalysis, CoverageRequest, covered_types, prepare, require_group
from data.replay import again
from data.runs import list_runs, read_result, read_run, record_run, result_digest
from data.store import Store, data_dir, open_store
from geo.coverage import COLUMNS
from geo.errors import CoverageError, StoreError

HEADERS = {
    "adcode": "代码",
    "name": "名称",
    "level": "级别",
    "population": "人口",
    "covered_population": "覆盖人口",
    "population_coverage": "人口覆盖率",
    "area_km2": "面积（平方公里）",
    "covered_area_km2": "覆盖面积（平方公里）",
    "area_coverage": "面积覆盖率",
    "mean_minutes": "平均分钟",
    "median_minutes": "中位分钟",
    "unreachable_population": "不可达人口",
    "edge": "近省界",
    "reason": "无法计算的原因",
}
assert tuple(HEADERS) == COLUMNS  # noqa: S101 - the table and its headings name the same columns


SHOWN = {key: text for key, text in HEADERS.items() if key not in {"level", "median_minutes"}}
"""What fits on a screen."""

_AS_SHOWN = {
    "population": "{:,.0f}",
    "covered_population": "{:,.0f}",
    "unreachable_population": "{:,.0f}",
    "population_coverage": "{:.2%}",
    "area_coverage": "{:.2%}",
    "area_km2": "{:,.0f}",
    "covered_area_km2": "{:,.0f}",
    "mean_minutes": "{:.1f}",
}


class Mode(StrEnum):
    """How people travel."""

    straight = "straight"
    walk = "walk"
    ebike = "ebike"
    drive = "drive"


class By(StrEnum):
    """The regions of the answer."""

    county = "county"
    prefecture = "prefecture"
    economic_region = "economic_region"
    province = "province"


class Output(StrEnum):
    """How the answer is written."""

    table = "table"
    json = "json"
    csv = "csv"
    gpkg = "gpkg"


class Origin(StrEnum):
    """Which facilities of the store count."""

    auto = "auto"
    imported = "imported"
    implied = "implied"


class Engine(StrEnum):
    """Where it runs."""

    local = "local"
    dask = "dask"


class Datum(StrEnum):
    """The datum of a file's coordinates."""

    wgs84 = "wgs84"
    cgcs2000 = "cgcs2000"
    gcj02 = "gcj02"
    bd09 = "bd09"


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command(
        "coverage",
        epilog=examples(
            "sutu coverage --type general_hospital --mode straight --minutes 30 --by county --format json",
            "sutu coverage --type elder_care_home --mode walk --minutes 15 --group age_60_plus",
        ),
    )(coverage)
    app.command("runs", epilog=examples("sutu runs"))(runs)
    app.command("replay", epilog=examples("sutu replay 20250101-080000-1a2b3c"))(replay)


def coverage(  # noqa: PLR0917 - a command's options are its documented inputs
    types: Annotated[list[str], typer.Option("--type", help="设施类型，可重复；任一类型可达即算覆盖。")],
    minutes: Annotated[float, typer.Option("--minutes", help="时间阈值（分钟），恰好等于也算覆盖。")],
    mode: Annotated[Mode, typer.Option(help="出行方式；没有路网时按直线距离估算并注明。")] = Mode.straight,
    levels: Annotated[list[str] | None, typer.Option("--level", help="只计这些等级的设施，可重复。")] = None,
    group: Annotated[str, typer.Option(help="人群：all、under_3、age_65_plus、urban、rural 等。")] = "all",
    by: Annotated[By, typer.Option(help="按哪一级地区汇总。")] = By.county,
    within: Annotated[str, typer.Option(help="只计此地区的居民（行政区划代码）。")] = "320000",
    origin: Annotated[Origin, typer.Option(help="用导入的设施、推定的设施，或自动选择。")] = Origin.auto,
    facilities: Annotated[Path | None, typer.Option(help="用此文件的设施，不导入。")] = None,
    datum: Annotated[Datum | None, typer.Option(help="设施文件的坐标基准。")] = None,
    population: Annotated[Path | None, typer.Option(help="用此栅格（GeoTIFF）的人口分布。")] = None,
    network: Annotated[Path | None, typer.Option(help="用此 OSM 文件（.osm.pbf）的路网。")] = None,
    search_minutes: Annotated[float, typer.Option(help="搜索半径（分钟），阈值不能超过它。")] = 120.0,
    form: Annotated[Output, typer.Option("--format", help="输出格式。")] = Output.table,
    out: Annotated[Path | None, typer.Option(help="写入文件；gpkg 必须给出。")] = None,
    engine: Annotated[Engine, typer.Option(help="本机计算，或 dask 分区计算。")] = Engine.local,
    scheduler: Annotated[str | None, typer.Option(help="dask 调度器地址，如 tcp://127.0.0.1:8786。")] = None,
) -> None:
    """计算设施覆盖：多少人在给定时间内到得了最近的设施。"""
    _require_usage(form=form, out=out, facilities=facilities, datum=datum, engine=engine, scheduler=scheduler)
    group = require_group(group)
    request = CoverageRequest(
        types=covered_types(types),
        mode=mode.value,
        levels=tuple(levels or ()),
        origin=origin.value,
        within=within,
        search_minutes=max(search_minutes, minutes),
        engine=engine.value,
        scheduler=scheduler,
    )
    store = open_store()
    started = time.perf_counter()
    analysis = prepare(
        store,
        data_dir(),
        request,
        facilities=given_facilities(store, facilities, datum and datum.value, types[0]),
        cells=given_population(store, population),
        network=given_network(network),
        progress=errors().print,
    )
    rows = analysis.table(minutes, level=by.value, group=group)
    for note in (*analysis.notes, _method(analysis)):
        errors().print(f"说明：{note}", markup=False)
    if facilities is None and population is None and network is None:
        asked = {"request": request.as_dict(), "minutes": minutes, "group": group, "level": by.value}
        run = record_run(
            data_dir(),
            kind="coverage",
            parameters=asked,
            data_version=store.data_version,
            result=rows,
            seconds=time.perf_counter() - started,
        )
        errors().print(f"运行编号 {run.id}（sutu replay {run.id} 可重算）", markup=False)
    _write(rows, form, out, store, analysis)


def _require_usage(
    *,
    form: Output,
    out: Path | None,
    facilities: Path | None,
    datum: Datum | None,
    engine: Engine,
    scheduler: str | None,
) -> None:
    if form is Output.gpkg and out is None:
        raise typer.BadParameter("gpkg 格式要用 --out 指明文件", param_hint="--out")
    if facilities is not None and datum is None:
        raise typer.BadParameter(
            "请用 --datum 指明坐标基准：wgs84、cgcs2000、gcj02 或 bd09", param_hint="--datum"
        )
    if scheduler is not None and engine is not Engine.dask:
        raise typer.BadParameter("--scheduler 只与 --engine dask 合用", param_hint="--scheduler")


def _method(analysis: CoverageAnalysis) -> str:
    travel = analysis.travel
    what = f"{analysis.method}，{len(analysis.facilities)} 个设施"
    unplaced = len(travel.unplaced)
    return what + (f"，其中 {unplaced} 个离路网太远，未计入" if unplaced else "")


def _write(
    rows: pd.DataFrame, form: Output, out: Path | None, store: Store, analysis: CoverageAnalysis
) -> None:
    records = [{str(key): value for key, value in row.items()} for row in rows.to_dict("records")]
    if form is Output.gpkg and out is not None:
        write_geopackage(rows, store, analysis, out)
        errors().print(f"已写入 {out}", markup=False)
    elif out is None and form is Output.table:
        print_rows([_readable(row) for row in records], SHOWN, Shown.table, title="设施覆盖")
    elif out is None:
        print_rows(records, HEADERS, Shown(form.value))
    elif form is Output.csv:
        out.write_text("\ufeff" + csv_text(records, list(HEADERS)), encoding="utf-8")
    elif form is Output.json:
        out.write_text(json.dumps(plain(records), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    else:
        raise typer.BadParameter(
            "表格只能显示在屏幕上；写入文件请用 json、csv 或 gpkg", param_hint="--format"
        )


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row for reading: rounded, ratios in percent; what has no value stays missing."""
    shown = {key: text.format(row[key]) if pd.notna(row[key]) else None for key, text in _AS_SHOWN.items()}
    return {**row, **shown, "edge": "是" if row["edge"] else ""}


def runs(as_json: Annotated[bool, typer.Option("--json", help="以 JSON 输出。")] = False) -> None:
    """列出记录下来的运行。"""
    found = list_runs(data_dir())
    if as_json:
        print_json([run.__dict__ for run in found])
        return
    rows: list[dict[str, Any]] = [run.__dict__ for run in found]
    headers = {
        "id": "编号",
        "kind": "类别",
        "started_at": "时间（UTC）",
        "rows": "行数",
        "seconds": "秒",
        "data_version": "数据版本",
    }
    print_rows(rows, headers, Shown.table, title="运行记录")


def replay(
    run_id: Annotated[str, typer.Argument(metavar="编号", help="运行编号（sutu runs 列出）。")],
    as_json: Annotated[bool, typer.Option("--json", help="以 JSON 输出结果。")] = False,
) -> None:
    """按记录重算一次，并核对数字与当时是否一致；不一致时退出码为 1。"""
    run = read_run(data_dir(), run_id)
    before = read_result(data_dir(), run)
    store = open_store()
    rows = again(store, data_dir(), run)
    if as_json:
        print_json(rows.to_dict("records"))
    if result_digest(rows) == run.digest:
        errors().print(f"重算 {len(rows)} 行，与 {run.started_at} 的结果完全一致。", markup=False)
        return
    changed = "数据已更新" if store.data_version != run.data_version else "数据版本未变"
    raise StoreError(
        f"重算结果与 {run.started_at} 的记录不一致（{changed}：当时 {run.data_version}，现在 "
        f"{store.data_version}）。{_difference(before, rows)}"
    )


def _difference(before: pd.DataFrame, now: pd.DataFrame) -> str:
    if list(before["adcode"]) != list(now["adcode"]):
        return f"地区不同：当时 {len(before)} 行，现在 {len(now)} 行。"
    if "access" in now:
        return f"可及性最多相差 {(before['access'] - now['access']).abs().max():.3g}。"
    figure = "coverage_after" if "coverage_after" in now else "population_coverage"
    gap = (before[figure] - now[figure]).abs().max()
    if math.isnan(gap):
        raise CoverageError("两次结果都没有可比较的覆盖率。")
    return f"人口覆盖率最多相差 {gap * 100:.2f} 个百分点。"
