"""``sutu standards``: what the plans' standards require, what is there, what is lacking."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from analysis.run_kinds import STANDARDS, standards_asked
from analysis.standards import SUMMARY_COLUMNS, StandardsRequest, prepare_standards
from commands import study
from commands.app import examples
from commands.study import By, Datum, Origin, Output, write_regions
from data.registry.facility_models import load_standards
from data.store.store import open_store
from geo.region_tree import LEVEL_NAMES, PROVINCE
from geo.standards import COLUMNS, KIND_NAMES, RULE_NAMES, contradictions, require_known

HEADERS = {
    "adcode": "代码",
    "name": "名称",
    "level": "级别",
    "applies": "适用",
    "base": "计算基数",
    "required": "应配",
    "required_most": "应配上限",
    "provided": "已配",
    "surveyed": "其中实测",
    "implied": "其中推定",
    "shortfall": "缺口",
    "regions_short": "有缺口的地区数",
    "reason": "无法判断的原因",
}
assert tuple(HEADERS) == COLUMNS  # noqa: S101 - the table and its headings name the same columns

SUMMARY = {
    "standard": "编号",
    "name": "标准",
    "doc_no": "文号",
    "plan": "规划",
    "seed_line": "原文行",
    "rule": "规则",
    "required": "应配",
    "required_most": "应配上限",
    "provided": "已配",
    "surveyed": "其中实测",
    "implied": "其中推定",
    "shortfall": "缺口",
    "unit": "单位",
    "regions": "适用地区数",
    "regions_short": "有缺口的地区数",
    "met_share": "达标地区占比",
    "share_required": "要求占比",
    "contradicted_by": "与之矛盾",
    "reason": "无法判断的原因",
}
assert tuple(SUMMARY) == SUMMARY_COLUMNS  # noqa: S101 - as above

_ON_SCREEN = ("standard", "name", "doc_no", "required", "provided", "implied", "shortfall", "unit", "reason")
_NUMBERS = ("base", "required", "required_most", "provided", "surveyed", "implied", "shortfall")


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(
        "standards",
        epilog=examples(
            "sutu standards --json",
            "sutu standards --standard township_health_centre_85 --by county --json",
            "sutu standards --standard kindergarten_98 --year 2030 --within 320300",
        ),
    )(standards)


def standards(  # noqa: PLR0917 - a command's options are its documented inputs
    standard: Annotated[str | None, typer.Option(help="标准编号；不写则列出每条标准的全省合计。")] = None,
    by: study.ByOption = By.county,
    year: Annotated[int | None, typer.Option(help="推算到这一年的人口；不写用 2020 年普查。")] = None,
    within: Annotated[str, typer.Option(help="只列此地区（行政区划代码）。")] = PROVINCE,
    origin: study.OriginOption = Origin.auto,
    facilities: study.FacilityFile = None,
    datum: study.DatumOption = None,
    kind: Annotated[str | None, typer.Option("--type", help="设施文件未写类型的行属于此类。")] = None,
    listing: Annotated[bool, typer.Option("--list", help="只列出标准，不计算。")] = False,
    conflicts: Annotated[bool, typer.Option("--contradictions", help="只列出相互矛盾的标准。")] = False,
    form: study.Form = Output.table,
    as_json: study.AsJson = False,
    out: study.OutFile = None,
) -> None:
    """应配与缺口：规划自己的配置标准要求多少、已有多少、还缺多少。"""
    form = Output.json if as_json else form
    _require_usage(form, out, standard, facilities, datum, kind)
    if listing or conflicts:
        _list(form, out, conflicts)
        return
    if standard is not None:
        require_known([standard], list(load_standards()))
    request = StandardsRequest(standard, by.value, year, origin.value, within)
    store, started = open_store(), time.perf_counter()
    given = study.read_given(store, facilities=facilities, datum=datum, kind=kind or "")
    analysis = prepare_standards(given, year=year, origin=origin.value, within=within)
    rows = request.rows(analysis)
    study.say_notes([f"人口：{analysis.population_text}", *analysis.notes, *analysis.repeat_notes(standard)])
    if given.of_the_store:
        study.record(store, STANDARDS, standards_asked(request), rows, started)
    if standard is None:
        study.write_rows(rows, _SUMMARY_SHEET, form, out)
        return
    entry = analysis.standards[standard]
    study.say_notes(
        [f"{entry.doc_no}（{entry.seed_line}）：{entry.text}", *([entry.note] if entry.note else [])]
    )
    places = analysis.counted(standard).reset_index(drop=True)
    study.write_rows(
        rows, _SHEET, form, out, package=lambda at: write_regions(rows, store, places, at, layer="standards")
    )


def _require_usage(  # noqa: PLR0917 - what the options say together
    form: Output,
    out: Path | None,
    standard: str | None,
    facilities: Path | None,
    datum: Datum | None,
    kind: str | None,
) -> None:
    if form is Output.gpkg and (out is None or standard is None):
        raise typer.BadParameter("gpkg 格式要用 --out 指明文件、--standard 指明标准", param_hint="--out")
    study.require_usage(form, out)
    if facilities is not None and (datum is None or kind is None):
        raise typer.BadParameter(
            "请用 --datum 指明坐标基准（wgs84、cgcs2000、gcj02 或 bd09），用 --type 指明设施类型",
            param_hint="--datum",
        )


def _list(form: Output, out: Path | None, conflicts: bool) -> None:
    """Write the standards themselves, or those that contradict each other."""
    known = load_standards()
    keys = list(known)
    groups = {}
    if conflicts:
        found = contradictions(entry.as_rule() for entry in known.values())
        groups = {one: number for number, group in enumerate(found, start=1) for one in group}
        keys = [one for group in found for one in group]
    rows = [
        {
            "group": groups.get(key),
            "standard": key,
            "name": known[key].name,
            "doc_no": known[key].doc_no,
            "seed_line": known[key].seed_line,
            "rule": RULE_NAMES[known[key].rule],
            "kinds": KIND_NAMES[known[key].kinds]
            if known[key].region_level == "county"
            else LEVEL_NAMES["prefecture"],
            "quantity": known[key].quantity,
            "unit": known[key].unit,
            "text": known[key].text,
        }
        for key in keys
    ]
    headers = {
        **({"group": "组"} if conflicts else {}),
        "standard": "编号",
        "name": "标准",
        "doc_no": "文号",
        "seed_line": "原文行",
        "rule": "规则",
        "kinds": "地区",
        "quantity": "数量",
        "unit": "单位",
        "text": "原文",
    }
    sheet = study.Sheet("配置标准", headers, tuple(headers)[:-1], lambda row: row)
    study.write_rows(pd.DataFrame(rows), sheet, form, out)


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row for reading: whole numbers without decimals, 是 and nothing for flags."""
    shown = {key: f"{row[key]:,.0f}" for key in _NUMBERS if key in row and pd.notna(row[key])}
    if "applies" in row:
        shown["applies"] = "是" if row["applies"] else ""
    return {**row, **shown}


_SHEET = study.Sheet("应配与缺口", HEADERS, [key for key in HEADERS if key != "level"], _readable)
_SUMMARY_SHEET = study.Sheet("应配与缺口", SUMMARY, _ON_SCREEN, _readable)
