"""``sutu coverage``: who is within reach of facilities."""

from __future__ import annotations

import time
from typing import Any

import typer

from analysis.coverage import COLUMNS, CoverageAnalysis, prepare_coverage, require_group
from analysis.run_kinds import COVERAGE, coverage_asked
from commands import study
from commands.app import examples
from commands.study import By, Engine, Mode, Origin, Output, write_geopackage
from data.store.store import open_store
from geo.region_tree import PROVINCE

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
    "straight_population": "按直线估算人口",
    "edge_population": "省界附近人口",
    "edge": "近省界",
    "reason": "无法计算的原因",
}
assert tuple(HEADERS) == COLUMNS  # noqa: S101 - the table and its headings name the same columns


SHOWN = {
    key: text
    for key, text in HEADERS.items()
    if key not in {"level", "median_minutes", "straight_population", "edge_population"}
}
"""What fits on a screen."""

_AS_SHOWN = {
    "population": "{:,.0f}",
    "covered_population": "{:,.0f}",
    "unreachable_population": "{:,.0f}",
    "straight_population": "{:,.0f}",
    "edge_population": "{:,.0f}",
    "population_coverage": "{:.2%}",
    "area_coverage": "{:.2%}",
    "area_km2": "{:,.0f}",
    "covered_area_km2": "{:,.0f}",
    "mean_minutes": "{:.1f}",
}


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(
        "coverage",
        epilog=examples(
            "sutu coverage --type general_hospital --mode straight --minutes 30 --by county --format json",
            "sutu coverage --type elder_care_home --mode walk --minutes 15 --group age_60_plus",
        ),
    )(coverage)


def coverage(  # noqa: PLR0917 - a command's options are its documented inputs
    types: study.Types,
    minutes: study.Minutes,
    mode: study.ModeOption = Mode.straight,
    levels: study.Levels = None,
    group: study.Group = "all",
    by: study.ByOption = By.county,
    within: study.Within = PROVINCE,
    origin: study.OriginOption = Origin.auto,
    facilities: study.FacilityFile = None,
    datum: study.DatumOption = None,
    population: study.PopulationFile = None,
    network: study.NetworkFile = None,
    search_minutes: study.SearchMinutes = study.SEARCH_MINUTES,
    form: study.Form = Output.table,
    out: study.OutFile = None,
    engine: study.EngineOption = Engine.local,
    scheduler: study.Scheduler = None,
) -> None:
    """计算设施覆盖：多少人在给定时间内到得了最近的设施。"""
    study.require_usage(form, out, datum=datum, files=[facilities], engine=engine, scheduler=scheduler)
    group = require_group(group)
    reach = max(search_minutes, minutes)
    request = study.coverage_request(
        types, mode, levels, origin=origin, within=within, reach=reach, engine=engine, scheduler=scheduler
    )
    store, started = open_store(), time.perf_counter()
    given = study.read_given(
        store, facilities=facilities, datum=datum, kind=types[0], population=population, network=network
    )
    analysis = prepare_coverage(given, request)
    rows = analysis.table(minutes, level=by.value, group=group)
    study.say_notes([*analysis.notes, *analysis.edge_notes(minutes, group), _method(analysis)])
    if given.of_the_store:
        asked = coverage_asked(request, minutes=minutes, group=group, level=by.value)
        study.record(store, COVERAGE, asked, rows, started)
    study.write_rows(
        rows, _SHEET, form, out, package=lambda path: write_geopackage(rows, store, analysis, path)
    )


def _method(analysis: CoverageAnalysis) -> str:
    return f"{analysis.method}，{len(analysis.facilities)} 个设施"


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row for reading: rounded, ratios in percent; what has no value stays missing."""
    return {**row, **study.formatted(row, _AS_SHOWN), "edge": "是" if row["edge"] else ""}


_SHEET = study.Sheet("设施覆盖", HEADERS, tuple(SHOWN), _readable)
