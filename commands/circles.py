"""``sutu circles``: how complete the 15-minute life circle is, and what is missing at one place."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from commands.chinese import errors, examples
from commands.console import Format, print_json, print_rows
from commands.coverage import By, Datum, Engine, Mode, Origin
from commands.coverage_files import given_facilities, given_network, given_population
from data.circles import CircleAnalysis, CircleRequest, PointAnswer, prepare_circles
from data.coverage import require_group
from data.store import data_dir, open_store
from geo.circles import TIERS, TierView
from geo.errors import CircleError
from geo.profile import Level

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
    "services": "计入的服务数",
    "undefined": "没有数据的服务",
    "reason": "无法计算的原因",
}
_SHOWN = {key: text for key, text in HEADERS.items() if key not in {"level", "tier", "undefined"}}
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

_PEOPLE = ("population", "covered_population", "complete_population", "missing_population")
_SHARES = ("score", "complete_share", "coverage")


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(
        "circles",
        epilog=examples(
            "sutu circles --within 320300 --origin imported",
            "sutu circles --at 117.20,34.26 --json",
            "sutu circles --service 小学 --service 公园绿地 --by prefecture --tier urban",
        ),
    )(circles)


def circles(  # noqa: PLR0917 - a command's options are its documented inputs
    services: Annotated[
        list[str] | None, typer.Option("--service", help="只看这些服务（代号或名称），可重复；不写为全部。")
    ] = None,
    at: Annotated[str | None, typer.Option("--at", help="此处缺什么：经度,纬度（CGCS2000，度）。")] = None,
    tier: Annotated[str, typer.Option(help="层级：all、urban（城镇）、rural（乡村）。")] = "all",
    mode: Annotated[Mode | None, typer.Option(help="各项服务都用此出行方式；不写则按登记表。")] = None,
    group: Annotated[str, typer.Option(help="人群：all、under_3、age_65_plus、urban、rural 等。")] = "all",
    by: Annotated[By, typer.Option(help="按哪一级地区汇总。")] = By.county,
    within: Annotated[str, typer.Option(help="只计此地区的居民（行政区划代码）。")] = "320000",
    origin: Annotated[Origin, typer.Option(help="用导入的设施、推定的设施，或自动选择。")] = Origin.auto,
    facilities: Annotated[Path | None, typer.Option(help="用此文件的设施（须有类型一列），不导入。")] = None,
    datum: Annotated[Datum | None, typer.Option(help="设施文件的坐标基准。")] = None,
    population: Annotated[Path | None, typer.Option(help="用此栅格（GeoTIFF）的人口分布。")] = None,
    network: Annotated[Path | None, typer.Option(help="用此 OSM 文件（.osm.pbf）的路网。")] = None,
    search_minutes: Annotated[float, typer.Option(help="搜索半径（分钟），不能短于各项服务的阈值。")] = 120.0,
    engine: Annotated[Engine, typer.Option(help="本机计算，或 dask 分区计算。")] = Engine.local,
    scheduler: Annotated[str | None, typer.Option(help="dask 调度器地址，如 tcp://127.0.0.1:8786。")] = None,
    each: Annotated[bool, typer.Option("--each", help="每个地区每项服务一行。")] = False,
    form: Annotated[Format, typer.Option("--format", help="输出格式。")] = Format.table,
    out: Annotated[Path | None, typer.Option(help="写入文件（csv 或 json）。")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="以 JSON 输出，同 --format json。")] = False,
) -> None:
    """15分钟服务圈：各地有多少服务在规定时间内到得了，缺哪一项；--at 查一处缺什么。"""
    if facilities is not None and datum is None:
        raise typer.BadParameter(
            "请用 --datum 指明坐标基准：wgs84、cgcs2000、gcj02 或 bd09", param_hint="--datum"
        )
    if tier not in {"all", *TIERS}:
        raise typer.BadParameter(f"没有“{tier}”这一层级；可选：all、{'、'.join(TIERS)}", param_hint="--tier")
    chosen = Format.json if as_json else form
    require_out(out, chosen)
    if scheduler is not None and engine is not Engine.dask:
        raise typer.BadParameter("--scheduler 只与 --engine dask 合用", param_hint="--scheduler")
    place = None if at is None else lon_lat(at, "--at")
    column = require_group(group)
    store = open_store()
    request = CircleRequest(
        services=tuple(services or ()),
        mode=mode and mode.value,
        origin=origin.value,
        within=within,
        search_minutes=search_minutes,
        engine=engine.value,
        scheduler=scheduler,
    )
    analysis = prepare_circles(
        store,
        data_dir(),
        request,
        facilities=given_facilities(store, facilities, datum and datum.value, "community_centre"),
        cells=given_population(store, population),
        network=given_network(network),
        progress=errors().print,
    )
    for note in analysis.notes:
        errors().print(f"说明：{note}", markup=False)
    with written(out):
        if place is not None:
            given = None if tier == "all" else tier
            _print_point(analysis.at(*place, tier=given), chosen)  # type: ignore[arg-type]
        else:
            _print_table(analysis, by.value, tier, column, chosen, each=each)  # type: ignore[arg-type]


def require_out(out: Path | None, form: Format) -> None:
    """Refuse to write a table for reading into a file."""
    if out is not None and form is Format.table:
        raise typer.BadParameter("表格只能显示在屏幕上；写入文件请用 json 或 csv", param_hint="--format")


@contextmanager
def written(out: Path | None) -> Iterator[None]:
    """Send what is printed on stdout into a file instead, whole or not at all; None leaves it on stdout."""
    if out is None:
        yield
        return
    text = io.StringIO()
    with redirect_stdout(text):
        yield
    mark = "\ufeff" if out.suffix.lower() == ".csv" else ""
    try:
        out.write_text(mark + text.getvalue(), encoding="utf-8")
    except OSError as fault:
        raise CircleError(f"无法写入 {out}：{fault.strerror}。请检查目录和权限。") from fault
    errors().print(f"已写入 {out}", markup=False)


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


def _print_table(
    analysis: CircleAnalysis, level: Level, tier: TierView, group: str, form: Format, *, each: bool
) -> None:
    table = analysis.service_table if each else analysis.table
    rows = [
        {str(key): value for key, value in row.items()}
        for row in table(level, tier, group).to_dict("records")
    ]
    headers = _SERVICE_HEADERS if each else HEADERS
    if form is not Format.table:
        print_rows(rows, headers, form)
        return
    names = {key: service.name for key, service in analysis.services.items()}
    shown = headers if each else _SHOWN
    print_rows([_readable(row, names) for row in rows], shown, form, title="15分钟服务圈")


def _readable(row: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """Return a row for reading: rounded, ratios in percent, services by name."""
    shown: dict[str, str | None] = {}
    for keys, form in ((_PEOPLE, "{:,.0f}"), (_SHARES, "{:.2%}")):
        shown |= {key: form.format(row[key]) if pd.notna(row[key]) else None for key in keys if key in row}
    tier = next((name for key, name in TIERS.items() if key == row["tier"]), "全部")
    return {**row, **shown, "tier": tier, "missing": names.get(str(row.get("missing")))}


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


def _print_point(answer: PointAnswer, form: Format) -> None:
    if form is Format.json:
        print_json(point_dict(answer))
        return
    rows = [
        {
            **vars(one),
            "minutes": None if pd.isna(one.minutes) else f"{one.minutes:.1f}",
            "state": one.reason
            if one.met is None
            else ("够" if one.met else f"缺{'：' + one.reason if one.reason else ''}"),
        }
        for one in answer.services
    ]
    title = f"{answer.county}（{TIERS[answer.tier]}）{answer.lon:.4f},{answer.lat:.4f}"
    print_rows(rows, _POINT_HEADERS, form, title=title)
