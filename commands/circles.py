"""``sutu circles``: how complete the 15-minute life circle is, and what is missing at one place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

import pandas as pd
import typer

from analysis.circles import CircleAnalysis, CircleRequest, PointAnswer, PointService, prepare_circles
from analysis.coverage import require_group
from commands import study
from commands.app import examples
from commands.console import print_json
from commands.study import By, Engine, Mode, Origin, Output, write_regions
from data.store.store import Store, open_store
from exports.layers.grid import cell_size_m, squares
from geo.circles import TIERS, TierView
from geo.region_tree import PROVINCE, Level

HEADERS = {
    "adcode": "代码",
    "name": "名称",
    "level": "级别",
    "tier": "层级",
    "population": "人口",
    "score": "完整度",
    "complete_population": "齐全人口",
    "complete_share": "齐全人口占比",
    "missing": "最缺的服务",
    "missing_population": "缺此服务的人口",
    "straight_population": "按直线估算人口",
    "edge_population": "省界附近人口",
    "edge": "近省界",
    "services": "计入的服务数",
    "undefined": "没有数据的服务",
    "reason": "无法计算的原因",
}
_SHOWN = {
    key: text
    for key, text in HEADERS.items()
    if key not in {"level", "tier", "straight_population", "edge_population", "undefined"}
}
_SERVICE_HEADERS = {
    "adcode": "代码",
    "name": "名称",
    "level": "级别",
    "tier": "层级",
    "service": "服务代号",
    "service_name": "服务",
    "population": "人口",
    "covered_population": "可达人口",
    "coverage": "可达率",
    "reason": "无法计算的原因",
}
_POINT_HEADERS = {
    "name": "服务",
    "threshold_minutes": "阈值（分钟）",
    "mode": "出行方式",
    "minutes": "最近（分钟）",
    "facility": "最近的设施",
    "state": "结论",
}

_PEOPLE = (
    "population",
    "covered_population",
    "complete_population",
    "missing_population",
    "straight_population",
    "edge_population",
)
_SHARES = ("score", "complete_share", "coverage")


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(
        "circles",
        epilog=examples(
            "sutu circles --within 320300 --origin imported",
            "sutu circles --at 117.20,34.26 --json",
            "sutu circles --service 小学 --service 公园绿地 --by prefecture --tier urban",
            "sutu circles --within 320300 --format gpkg --out 服务圈.gpkg",
        ),
    )(circles)


def circles(  # noqa: PLR0917 - a command's options are its documented inputs
    services: Annotated[
        list[str] | None, typer.Option("--service", help="只看这些服务（代号或名称），可重复；不写为全部。")
    ] = None,
    at: Annotated[str | None, typer.Option("--at", help="此处缺什么：经度,纬度（CGCS2000，度）。")] = None,
    tier: Annotated[str, typer.Option(help="层级：all、urban（城镇）、rural（乡村）。")] = "all",
    mode: Annotated[Mode | None, typer.Option(help="各项服务都用此出行方式；不写则按登记表。")] = None,
    group: study.Group = "all",
    by: study.ByOption = By.county,
    within: study.Within = PROVINCE,
    origin: study.OriginOption = Origin.auto,
    facilities: Annotated[Path | None, typer.Option(help="用此文件的设施（须有类型一列），不导入。")] = None,
    datum: study.DatumOption = None,
    population: study.PopulationFile = None,
    network: study.NetworkFile = None,
    search_minutes: Annotated[
        float, typer.Option(help="搜索半径（分钟），不能短于各项服务的阈值。")
    ] = study.SEARCH_MINUTES,
    engine: study.EngineOption = Engine.local,
    scheduler: study.Scheduler = None,
    each: Annotated[bool, typer.Option("--each", help="每个地区每项服务一行。")] = False,
    form: study.Form = Output.table,
    out: study.OutFile = None,
    as_json: study.AsJson = False,
) -> None:
    """15分钟服务圈：各地有多少服务在规定时间内到得了，缺哪一项；--at 查一处缺什么。"""
    chosen = Output.json if as_json else form
    study.require_usage(chosen, out, datum=datum, files=[facilities], engine=engine, scheduler=scheduler)
    if tier not in {"all", *TIERS}:
        raise typer.BadParameter(f"没有“{tier}”这一层级；可选：all、{'、'.join(TIERS)}", param_hint="--tier")
    if at is not None and chosen is Output.gpkg:
        raise typer.BadParameter("--at 的结果是一个点，不能写成 gpkg", param_hint="--format")
    place = None if at is None else lon_lat(at, "--at")
    column = require_group(group)
    request = CircleRequest(
        services=tuple(services or ()),
        mode=mode and mode.value,
        origin=origin.value,
        within=within,
        search_minutes=search_minutes,
        engine=engine.value,
        scheduler=scheduler,
    )
    store = open_store()
    given = study.read_given(
        store,
        facilities=facilities,
        datum=datum,
        kind="community_centre",
        population=population,
        network=network,
    )
    analysis = prepare_circles(given, request)
    study.say_notes(analysis.notes)
    view = cast(TierView, tier)
    if place is None:
        _write_table(store, analysis, by.value, view, column, chosen, out, each=each)
    else:
        _write_point(analysis.at(*place, tier=None if view == "all" else view), chosen, out)


def lon_lat(text: str, option: str) -> tuple[float, float]:
    """Return longitude and latitude of ``117.20,34.26``; a usage fault for anything else."""
    parts = text.replace("，", ",").split(",")
    try:
        lon, lat = (float(part) for part in parts)
    except ValueError:
        raise typer.BadParameter(
            f"应为“经度,纬度”，如 117.20,34.26；收到“{text}”", param_hint=option
        ) from None
    return lon, lat


def _write_table(  # noqa: PLR0917 - what is asked and how it is written
    store: Store,
    analysis: CircleAnalysis,
    level: Level,
    tier: TierView,
    group: str,
    form: Output,
    out: Path | None,
    *,
    each: bool,
) -> None:
    """Write one row per region, or per region and service; as GeoPackage with the cells."""
    rows = (analysis.service_table if each else analysis.table)(level, tier, group)
    names = {key: service.name for key, service in analysis.services.items()}
    headers = _SERVICE_HEADERS if each else HEADERS
    sheet = study.Sheet(
        "15分钟服务圈", headers, tuple(headers if each else _SHOWN), lambda row: _readable(row, names)
    )

    def package(path: Path) -> None:
        plain_rows = rows.assign(
            **{name: rows[name].map(_joined) for name in ("services", "undefined") if name in rows}
        )
        cells = squares(analysis.cell_table(tier, group), cell_size_m(store)).drop(columns=["x", "y"])
        places = analysis.facilities()
        write_regions(plain_rows, store, places, path, layer="circles", more={"cells": cells})

    study.write_rows(rows, sheet, form, out, package=package)


def _joined(value: object) -> object:
    """Return a list as one text, which a table of a GeoPackage can hold."""
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else value


def _readable(row: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """Return a row for reading: rounded, ratios in percent, services by name."""
    shown: dict[str, str | None] = {}
    for keys, form in ((_PEOPLE, "{:,.0f}"), (_SHARES, "{:.2%}")):
        shown |= {key: form.format(row[key]) if pd.notna(row[key]) else None for key in keys if key in row}
    tier = next((name for key, name in TIERS.items() if key == row["tier"]), "全部")
    edge = {"edge": "是" if row["edge"] else ""} if "edge" in row else {}
    return {**row, **shown, **edge, "tier": tier, "missing": names.get(str(row.get("missing")))}


def point_dict(answer: PointAnswer) -> dict[str, Any]:
    """Return what is missing at a place as JSON gives it."""
    return {
        "lon": answer.lon,
        "lat": answer.lat,
        "adcode": answer.adcode,
        "county": answer.county,
        "tier": answer.tier,
        "measured": len(answer.measured),
        "met": len(answer.measured) - len(answer.missing),
        "missing": [one.service for one in answer.missing],
        "services": [vars(one) for one in answer.services],
    }


def _write_point(answer: PointAnswer, form: Output, out: Path | None) -> None:
    """Write what is missing at a place."""
    if form is Output.json:
        if out is None:
            print_json(point_dict(answer))
        else:
            study.write_json(out, point_dict(answer))
        return
    title = f"{answer.county}（{TIERS[answer.tier]}）{answer.lon:.4f},{answer.lat:.4f}"
    sheet = study.Sheet(title, _POINT_HEADERS, tuple(_POINT_HEADERS), lambda row: row)
    study.write_rows(pd.DataFrame([_point_row(one) for one in answer.services]), sheet, form, out)


def _point_row(one: PointService) -> dict[str, Any]:
    """Return one service of a place as people read it."""
    if one.met is None:
        state = str(one.reason)
    else:
        state = "够" if one.met else f"缺{'：' + one.reason if one.reason else ''}"
    return {
        **vars(one),
        "minutes": None if pd.isna(one.minutes) else f"{one.minutes:.1f}{'（直线）' if one.straight else ''}",
        "state": state,
    }
