"""``sutu catchment``: supply against demand, access per region and group."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from analysis.catchment import TABLE_COLUMNS, CatchmentAnalysis, CatchmentRequest, prepare_catchment
from analysis.coverage import covered_types, require_group
from analysis.run_kinds import CATCHMENT, catchment_asked
from commands import study
from commands.app import examples
from commands.console import errors
from commands.study import By, Engine, Mode, Origin, Output, write_regions
from data.store.store import Store, open_store
from geo.errors import CatchmentError
from geo.region_tree import PROVINCE
from geo.spreadsheet import write_rows

HEADERS = {
    "adcode": "代码",
    "name": "名称",
    "level": "级别",
    "population": "人口",
    "access": "可及性",
    "unit": "单位",
    "unserved_population": "无服务人口",
    "unserved_share": "无服务占比",
    "straight_population": "按直线估算人口",
    "lowest_access": "最低十分之一",
    "median_access": "中位",
    "gini": "基尼系数",
    "edge_population": "省界附近人口",
    "edge": "近省界",
    "reason": "无法计算的原因",
}
assert tuple(HEADERS) == TABLE_COLUMNS  # noqa: S101 - the table and its headings name the same columns

_AS_SHOWN = {
    "population": "{:,.0f}",
    "access": "{:,.3f}",
    "unserved_population": "{:,.0f}",
    "unserved_share": "{:.2%}",
    "straight_population": "{:,.0f}",
    "lowest_access": "{:,.3f}",
    "median_access": "{:,.3f}",
    "gini": "{:.3f}",
    "edge_population": "{:,.0f}",
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


MeasureOption = Annotated[Measure, typer.Option(help="供给按设施数，或按规模（床位、学位等）。")]
Steps = Annotated[list[str] | None, typer.Option("--step", help="分级衰减的一级，写作 分钟:权重，可重复。")]
CellFile = Annotated[Path | None, typer.Option(help="另把每个人口格的可及性写入此文件（.parquet 或 .csv）。")]


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
    measure: MeasureOption = Measure.count,
    decay: Annotated[DecayName, typer.Option(help="衰减：none 即 2SFCA，其余为 E2SFCA。")] = DecayName.step,
    steps: Steps = None,
    width: Annotated[float | None, typer.Option(help="高斯的 σ 或指数的均值（分钟）。")] = None,
    method: Annotated[MethodName, typer.Option(help="两步或三步移动搜索法。")] = MethodName.two,
    demand: Annotated[str, typer.Option(help="争用供给的人群，可选值同 --group。")] = "all",
    group: Annotated[str | None, typer.Option(help="看哪一人群的可及性；不写则同 --demand。")] = None,
    mode: study.ModeOption = Mode.straight,
    levels: study.Levels = None,
    by: study.ByOption = By.county,
    within: Annotated[str, typer.Option(help="只列此地区（行政区划代码）；区外供需照样参与。")] = PROVINCE,
    origin: study.OriginOption = Origin.auto,
    facilities: study.FacilityFile = None,
    datum: study.DatumOption = None,
    population: study.PopulationFile = None,
    network: study.NetworkFile = None,
    engine: study.EngineOption = Engine.local,
    scheduler: study.Scheduler = None,
    form: study.Form = Output.table,
    as_json: study.AsJson = False,
    out: study.OutFile = None,
    cells: CellFile = None,
) -> None:
    """供需匹配：每人可及的设施数或规模（2SFCA、E2SFCA、3SFCA），及其公平程度。"""
    form = Output.json if as_json else form
    study.require_usage(form, out, datum=datum, files=[facilities], engine=engine, scheduler=scheduler)
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
        engine=engine.value,
        scheduler=scheduler,
    )
    store, started = open_store(), time.perf_counter()
    given = study.read_given(
        store, facilities=facilities, datum=datum, kind=types[0], population=population, network=network
    )
    analysis = prepare_catchment(given, request)
    whom = request.demand if group is None else require_group(group)
    rows = analysis.table(level=by.value, group=whom)
    if given.of_the_store:
        asked = catchment_asked(request, group=whom, level=by.value)
        study.record(store, CATCHMENT, asked, rows, started)
    _write(store, analysis, rows, form, out, cells=cells)


def _write(
    store: Store,
    analysis: CatchmentAnalysis,
    rows: pd.DataFrame,
    form: Output,
    out: Path | None,
    *,
    cells: Path | None,
) -> None:
    """Write what must be known, the cells where they are asked for, and the rows."""
    study.say_notes([*analysis.notes, *_words(analysis)])
    if cells is not None:
        _write_cells(analysis.cell_table(), cells)

    def package(path: Path) -> None:
        write_regions(rows, store, analysis.facilities, path, layer="catchment")

    study.write_rows(rows, _SHEET, form, out, package=package)


def _write_cells(rows: pd.DataFrame, path: Path) -> None:
    """Write the cells; ``CatchmentError`` when the file cannot be written."""
    try:
        if path.suffix.lower() == ".csv":
            plain = rows.astype(object).where(rows.notna(), None)
            with path.open("w", encoding="utf-8-sig", newline="") as out:
                write_rows(out, [rows.columns, *plain.itertuples(index=False, name=None)], ending="\n")
        else:
            rows.to_parquet(path, index=False)
    except OSError as fault:
        raise CatchmentError(f"无法写入 {path}（{fault.strerror}）。请检查目录和权限。") from fault
    errors().print(f"已写入 {path}：{len(rows):,} 格", markup=False)


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
    lost = result.supply_lost
    words = [
        f"{analysis.method_text}；{len(analysis.facilities)} 处设施",
        f"供给合计 {result.supply.sum():,.0f} {analysis.supply_unit}，"
        f"其中有人可及 {result.supply_used:,.0f}；Σ（可及性 × 需求）= {result.access_given:,.6f}",
    ]
    return words + ([f"{lost:,.0f} {analysis.supply_unit}的供给无人可及"] if lost > 0 else [])


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, **study.formatted(row, _AS_SHOWN), "edge": "是" if row["edge"] else ""}


_SHEET = study.Sheet(
    "供需匹配",
    HEADERS,
    [key for key in HEADERS if key not in {"level", "straight_population", "edge_population"}],
    _readable,
)
