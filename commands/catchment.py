"""``sutu catchment``: supply against demand, access per region and group."""

from __future__ import annotations

import json
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from commands.chinese import examples
from commands.console import Format as Shown
from commands.console import csv_text, errors, plain, print_rows
from commands.coverage import By, Datum, Mode, Origin, Output
from commands.coverage_files import given_facilities, given_network, given_population, write_regions
from data.catchment import TABLE_COLUMNS, CatchmentAnalysis, CatchmentRequest, prepare_catchment
from data.coverage import covered_types, require_group
from data.runs import record_run
from data.store import Store, data_dir, open_store
from geo.errors import CatchmentError

HEADERS = {
    "adcode": "代码",
    "name": "名称",
    "level": "级别",
    "population": "人口",
    "access": "可及性",
    "unit": "单位",
    "unserved_population": "无服务人口",
    "unserved_share": "无服务占比",
    "lowest_access": "最低十分之一",
    "median_access": "中位",
    "gini": "基尼系数",
    "reason": "无法计算的原因",
}
assert tuple(HEADERS) == TABLE_COLUMNS  # noqa: S101 - the table and its headings name the same columns

_AS_SHOWN = {
    "population": "{:,.0f}",
    "access": "{:,.3f}",
    "unserved_population": "{:,.0f}",
    "unserved_share": "{:.2%}",
    "lowest_access": "{:,.3f}",
    "median_access": "{:,.3f}",
    "gini": "{:.3f}",
}


class Measure(StrEnum):
    """What a facility offers."""

    count = "count"  # type: ignore[assignment]  # the name that str.count has too
    capacity = "capacity"


class DecayName(StrEnum):
    """How the pull of a facility fades."""

    none = "none"
    step = "step"
    gaussian = "gaussian"
    exponential = "exponential"


class MethodName(StrEnum):
    """Two steps or three."""

    two = "2sfca"
    three = "3sfca"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(
        "catchment",
        epilog=examples(
            "sutu catchment --type general_hospital --minutes 60 --decay step --by county --json",
            "sutu catchment --type elder_care_home --measure capacity --demand age_60_plus --minutes 30",
        ),
    )(catchment)


def catchment(  # noqa: PLR0917 - a command's options are its documented inputs
    types: Annotated[list[str], typer.Option("--type", help="设施类型，可重复；各类设施合为一种供给。")],
    minutes: Annotated[float, typer.Option("--minutes", help="服务范围（分钟），恰好等于也在范围内。")],
    measure: Annotated[
        Measure, typer.Option(help="供给按设施数，或按规模（床位、学位等）。")
    ] = Measure.count,
    decay: Annotated[DecayName, typer.Option(help="衰减：none 即 2SFCA，其余为 E2SFCA。")] = DecayName.step,
    steps: Annotated[
        list[str] | None, typer.Option("--step", help="分级衰减的一级，写作 分钟:权重，可重复。")
    ] = None,
    width: Annotated[float | None, typer.Option(help="高斯的 σ 或指数的均值（分钟）。")] = None,
    method: Annotated[MethodName, typer.Option(help="两步或三步移动搜索法。")] = MethodName.two,
    demand: Annotated[str, typer.Option(help="争用供给的人群，可选值同 --group。")] = "all",
    group: Annotated[str | None, typer.Option(help="看哪一人群的可及性；不写则同 --demand。")] = None,
    mode: Annotated[Mode, typer.Option(help="出行方式；没有路网时按直线距离估算并注明。")] = Mode.straight,
    levels: Annotated[list[str] | None, typer.Option("--level", help="只计这些等级的设施，可重复。")] = None,
    by: Annotated[By, typer.Option(help="按哪一级地区汇总。")] = By.county,
    within: Annotated[str, typer.Option(help="只列此地区（行政区划代码）；区外供需照样参与。")] = "320000",
    origin: Annotated[Origin, typer.Option(help="用导入的设施、推定的设施，或自动选择。")] = Origin.auto,
    facilities: Annotated[Path | None, typer.Option(help="用此文件的设施，不导入。")] = None,
    datum: Annotated[Datum | None, typer.Option(help="设施文件的坐标基准。")] = None,
    population: Annotated[Path | None, typer.Option(help="用此栅格（GeoTIFF）的人口分布。")] = None,
    network: Annotated[Path | None, typer.Option(help="用此 OSM 文件（.osm.pbf）的路网。")] = None,
    form: Annotated[Output, typer.Option("--format", help="输出格式。")] = Output.table,
    as_json: Annotated[bool, typer.Option("--json", help="等同 --format json。")] = False,
    out: Annotated[Path | None, typer.Option(help="写入文件；gpkg 必须给出。")] = None,
    cells: Annotated[
        Path | None, typer.Option(help="另把每个人口格的可及性写入此文件（.parquet 或 .csv）。")
    ] = None,
) -> None:
    """供需匹配：每人可及的设施数或规模（2SFCA、E2SFCA、3SFCA），及其公平程度。"""
    form = Output.json if as_json else form
    _require_usage(form, out, facilities, datum)
    if cells is not None and cells.suffix.lower() not in {".parquet", ".csv"}:
        raise typer.BadParameter("文件名应以 .parquet 或 .csv 结尾", param_hint="--cells")
    request = CatchmentRequest(
        types=covered_types(types),
        minutes=minutes,
        mode=mode.value,
        levels=tuple(levels or ()),
        origin=origin.value,
        within=within,
        measure=measure.value,
        method=method.value,
        decay=decay.value,
        steps=_steps(steps),
        width=width,
        demand=require_group(demand),
    )
    store, started = open_store(), time.perf_counter()
    analysis = prepare_catchment(
        store,
        data_dir(),
        request,
        facilities=given_facilities(store, facilities, datum and datum.value, types[0]),
        cells=given_population(store, population),
        network=given_network(network),
        progress=errors().print,
    )
    whom = request.demand if group is None else require_group(group)
    rows = analysis.table(level=by.value, group=whom)
    for note in (*analysis.notes, *_words(analysis)):
        errors().print(f"说明：{note}", markup=False)
    if facilities is None and population is None and network is None:
        run = record_run(
            data_dir(),
            kind="catchment",
            parameters={"request": request.as_dict(), "group": whom, "level": by.value},
            data_version=store.data_version,
            result=rows,
            seconds=time.perf_counter() - started,
        )
        errors().print(f"运行编号 {run.id}（sutu replay {run.id} 可重算）", markup=False)
    if cells is not None:
        _write_cells(analysis.cell_table(), cells)
    _write(rows, form, out, store, analysis)


def _write_cells(rows: pd.DataFrame, path: Path) -> None:
    """Write the cells; ``CatchmentError`` when the file cannot be written."""
    try:
        if path.suffix.lower() == ".csv":
            rows.to_csv(path, index=False, encoding="utf-8-sig")
        else:
            rows.to_parquet(path, index=False)
    except OSError as fault:
        raise CatchmentError(f"无法写入 {path}（{fault.strerror}）。请检查目录和权限。") from fault
    errors().print(f"已写入 {path}：{len(rows):,} 格", markup=False)


def _require_usage(form: Output, out: Path | None, facilities: Path | None, datum: Datum | None) -> None:
    if form is Output.gpkg and out is None:
        raise typer.BadParameter("gpkg 格式要用 --out 指明文件", param_hint="--out")
    if form is Output.table and out is not None:
        raise typer.BadParameter(
            "表格只能显示在屏幕上；写入文件请用 json、csv 或 gpkg", param_hint="--format"
        )
    if facilities is not None and datum is None:
        raise typer.BadParameter(
            "请用 --datum 指明坐标基准：wgs84、cgcs2000、gcj02 或 bd09", param_hint="--datum"
        )


def _steps(texts: list[str] | None) -> tuple[tuple[float, float], ...] | None:
    """Return the zones written as 分钟:权重; a usage error for anything else."""
    zones = []
    for text in texts or ():
        limit, _, weight = text.partition(":")
        try:
            zones.append((float(limit), float(weight)))
        except ValueError as fault:
            raise typer.BadParameter(f"“{text}”应写作 分钟:权重，如 10:1", param_hint="--step") from fault
    return tuple(zones) or None


def _words(analysis: CatchmentAnalysis) -> list[str]:
    """Return method, balance of supply and demand, and facilities that nobody reaches, as sentences."""
    result = analysis.result
    lost = float(result.supply.sum()) - result.supply_used
    words = [
        f"{analysis.method_text}；{len(analysis.facilities)} 处设施",
        f"供给合计 {result.supply.sum():,.0f} {analysis.supply_unit}，"
        f"其中有人可及 {result.supply_used:,.0f}；Σ（可及性 × 需求）= {result.access_given:,.6f}",
    ]
    return words + ([f"{lost:,.0f} {analysis.supply_unit}的供给无人可及"] if lost > 0 else [])


def _write(
    rows: pd.DataFrame, form: Output, out: Path | None, store: Store, analysis: CatchmentAnalysis
) -> None:
    records = [{str(key): value for key, value in row.items()} for row in rows.to_dict("records")]
    if form is Output.gpkg and out is not None:
        write_regions(rows, store, analysis.facilities, out, layer="catchment")
        errors().print(f"已写入 {out}", markup=False)
    elif out is None and form is Output.table:
        shown = {key: text for key, text in HEADERS.items() if key != "level"}
        print_rows([_readable(row) for row in records], shown, Shown.table, title="供需匹配")
    elif out is None:
        print_rows(records, HEADERS, Shown(form.value))
    elif form is Output.csv:
        out.write_text("\ufeff" + csv_text(records, list(HEADERS)), encoding="utf-8")
    else:
        out.write_text(json.dumps(plain(records), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    shown = {key: text.format(row[key]) if pd.notna(row[key]) else None for key, text in _AS_SHOWN.items()}
    return {**row, **shown}
