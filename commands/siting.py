"""``sutu siting``: where new facilities would reach most people, and what a plan changes."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from analysis.coverage import require_group
from analysis.runs import save_scenario
from analysis.siting import SitingAnalysis, SitingRequest, prepare_siting
from analysis.siting_inputs import Edit
from commands import study
from commands.app import errors, examples
from commands.circles import lon_lat
from commands.console import Format, print_json, print_rows
from commands.study import By, Datum, Engine, Mode, Origin, Output, given_sites, site_points, write_regions
from data.registry.rule_models import load_siting_rules
from data.store.store import Store, data_dir, open_store
from geo.region_tree import PROVINCE

_SITE_HEADERS = {
    "rank": "次序",
    "name": "位置",
    "adcode": "代码",
    "lon": "经度",
    "lat": "纬度",
    "gain": "新增效益",
    "share": "占可增效益",
    "straight": "依据",
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


Add = Annotated[int, typer.Option("--add", help="新增几处；0 表示只看 --open、--move、--close 的效果。")]
Objective = Annotated[Goal, typer.Option(help="coverage 覆盖的人最多，minutes 人均分钟最少。")]
Exact = Annotated[bool, typer.Option("--exact", help="求精确解（规模过大时退回贪心并注明）。")]
TimeLimit = Annotated[float, typer.Option(min=1.0, max=3600.0, help="求精确解最多用多少秒。")]
CandidateSource = Annotated[Candidates, typer.Option(help="候选点：townships 乡镇驻地，cells 人口格网。")]
Spacing = Annotated[float, typer.Option(help="格网候选点的间距（公里）。")]
SiteFile = Annotated[Path | None, typer.Option(help="候选点取自此文件，坐标基准用 --datum。")]
Opened = Annotated[list[str] | None, typer.Option("--open", help="在经度,纬度处新增，可重复。")]
Moved = Annotated[list[str] | None, typer.Option("--move", help="编号@经度,纬度：移动，可重复。")]
Closed = Annotated[list[str] | None, typer.Option("--close", help="关闭此编号的设施，可重复。")]
ComparedBy = Annotated[By, typer.Option(help="按哪一级地区比较前后。")]
FileDatum = Annotated[Datum | None, typer.Option(help="设施文件、候选点文件的坐标基准。")]
SaveAs = Annotated[str | None, typer.Option("--save", help="把方案存为此名称，可重算。")]
SitingForm = Annotated[
    Output, typer.Option("--format", help="输出格式；csv 给出分区比较，gpkg 另有新增位置和设施。")
]

_RULES = load_siting_rules()


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
    types: study.Types,
    minutes: study.Minutes,
    add: Add = 0,
    objective: Objective = Goal.coverage,
    exact: Exact = False,
    time_limit: TimeLimit = _RULES.time_limit_s,
    candidates: CandidateSource = Candidates.cells,
    spacing_km: Spacing = float(_RULES.spacing_km),
    sites: SiteFile = None,
    opened: Opened = None,
    moved: Moved = None,
    closed: Closed = None,
    mode: study.ModeOption = Mode.straight,
    levels: study.Levels = None,
    group: study.Group = "all",
    by: ComparedBy = By.county,
    within: study.Within = PROVINCE,
    origin: study.OriginOption = Origin.auto,
    facilities: study.FacilityFile = None,
    datum: FileDatum = None,
    population: study.PopulationFile = None,
    network: study.NetworkFile = None,
    search_minutes: study.SearchMinutes = study.SEARCH_MINUTES,
    engine: study.EngineOption = Engine.local,
    scheduler: study.Scheduler = None,
    out: study.OutFile = None,
    save: SaveAs = None,
    form: SitingForm = Output.table,
    as_json: study.AsJson = False,
) -> None:
    """选址优化：新增几处设施放在哪里最好，或方案改动前后有多少人够得着。"""
    form = Output.json if as_json else form
    placed = [facilities, sites]
    study.require_usage(form, out, datum=datum, files=placed, engine=engine, scheduler=scheduler)
    _require_savable(save, (facilities, population, network))
    store, started, reach = open_store(), time.perf_counter(), max(search_minutes, minutes)
    coverage = study.coverage_request(
        types, mode, levels, origin=origin, within=within, reach=reach, engine=engine, scheduler=scheduler
    )
    request = SitingRequest(
        coverage=coverage,
        minutes=minutes,
        group=require_group(group),
        add=add,
        objective=objective.value,
        method="exact" if exact else "greedy",
        candidates="file" if sites is not None else candidates.value,
        spacing_km=spacing_km,
        cap_minutes=min(_RULES.cap_minutes, reach),
        time_limit_s=time_limit,
        edits=_edits(opened or [], moved or [], closed or []),
        sites=given_sites(store, sites, datum and datum.value),
    )
    given = study.read_given(
        store, facilities=facilities, datum=datum, kind=types[0], population=population, network=network
    )
    analysis = prepare_siting(given, request)
    _save(store, analysis, save, started)
    _write(store, analysis, by, form, out)


def _require_savable(name: str | None, files: tuple[Path | None, ...]) -> None:
    """Refuse a name for a scenario that rests on files the store does not hold."""
    if name is not None and any(path is not None for path in files):
        raise typer.BadParameter("用临时文件算的方案不能保存，请先导入", param_hint="--save")


def _save(store: Store, analysis: SitingAnalysis, name: str | None, started: float) -> None:
    """Write the scenario down and say its number, when it has been given a name."""
    if name is None:
        return
    kept = save_scenario(data_dir(), store, analysis, name, seconds=time.perf_counter() - started)
    errors().print(f"方案“{kept.name}”，运行编号 {kept.run.id}（sutu replay 可重算）", markup=False)


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


def _write(store: Store, analysis: SitingAnalysis, by: By, form: Output, out: Path | None) -> None:
    """Write the answer: JSON has all of it, CSV the regions, a GeoPackage regions, sites and facilities."""
    study.say_notes([*analysis.notes, analysis.before.method])
    if form is Output.json:
        if out is None:
            print_json(siting_dict(analysis, by))
        else:
            study.write_json(out, siting_dict(analysis, by))
        return
    rows = analysis.comparison(by.value)
    if form is Output.table and len(analysis.sites()):
        _print_sites(analysis)

    def package(path: Path) -> None:
        sites = {"sites": site_points(analysis.sites())} if len(analysis.sites()) else {}
        write_regions(rows, store, analysis.after.facilities, path, layer="siting", more=sites)

    study.write_rows(rows, _SHEET, form, out, package=package)
    if form is Output.table:
        for line in summary_lines(analysis):
            errors().print(line, markup=False)


def _print_sites(analysis: SitingAnalysis) -> None:
    unit = "{:,.0f} 人" if analysis.request.objective == "coverage" else "{:,.0f} 人·分钟"
    forms = {"lon": "{:.4f}", "lat": "{:.4f}", "gain": unit, "share": "{:.2%}"}
    chosen = [
        row | study.formatted(row, forms) | {"straight": "直线估算" if row["straight"] else "路网"}
        for row in study.records(analysis.sites())
    ]
    print_rows(chosen, _SITE_HEADERS, Format.table, title="新增位置")


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    people = dict.fromkeys(("population", "covered_before", "covered_after", "gained"), "{:,.0f}")
    shares = dict.fromkeys(("coverage_before", "coverage_after"), "{:.2%}")
    return row | study.formatted(row, people | shares)


_SHEET = study.Sheet("分区比较", _REGION_HEADERS, tuple(_REGION_HEADERS), _readable)


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
