"""``sutu standards``: what the plans' standards require, what is there, what is lacking."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from commands.chinese import examples
from commands.console import Format as Shown
from commands.console import csv_text, errors, plain, print_json, print_rows
from commands.coverage import By, Datum, Origin, Output
from commands.coverage_files import given_facilities, write_regions
from data.registry.standard_models import load_standards
from data.standards import SUMMARY_COLUMNS, StandardsAnalysis, prepare_standards
from data.store import open_store
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
    by: Annotated[By, typer.Option(help="按哪一级地区列出。")] = By.county,
    year: Annotated[int | None, typer.Option(help="推算到这一年的人口；不写用 2020 年普查。")] = None,
    within: Annotated[str, typer.Option(help="只列此地区（行政区划代码）。")] = "320000",
    origin: Annotated[Origin, typer.Option(help="用导入的设施、推定的设施，或自动选择。")] = Origin.auto,
    facilities: Annotated[Path | None, typer.Option(help="用此文件的设施，不导入。")] = None,
    datum: Annotated[Datum | None, typer.Option(help="设施文件的坐标基准。")] = None,
    kind: Annotated[str | None, typer.Option("--type", help="设施文件未写类型的行属于此类。")] = None,
    listing: Annotated[bool, typer.Option("--list", help="只列出标准，不计算。")] = False,
    conflicts: Annotated[bool, typer.Option("--contradictions", help="只列出相互矛盾的标准。")] = False,
    form: Annotated[Output, typer.Option("--format", help="输出格式。")] = Output.table,
    as_json: Annotated[bool, typer.Option("--json", help="等同 --format json。")] = False,
    out: Annotated[Path | None, typer.Option(help="写入文件；gpkg 必须给出。")] = None,
) -> None:
    """应配与缺口：规划自己的配置标准要求多少、已有多少、还缺多少。"""
    form = Output.json if as_json else form
    _require_usage(form, out, standard, facilities, datum, kind)
    if listing or conflicts:
        _list(form, out, conflicts)
        return
    if standard is not None:
        require_known([standard], list(load_standards()))
    store = open_store()
    analysis = prepare_standards(
        store,
        year=year,
        origin=origin.value,
        within=within,
        facilities=given_facilities(store, facilities, datum and datum.value, kind or ""),
    )
    for note in (f"人口：{analysis.population_text}", *analysis.notes):
        errors().print(f"说明：{note}", markup=False)
    if standard is None:
        _write(analysis.summary(), SUMMARY, form, out)
        return
    entry = analysis.standards[standard]
    errors().print(f"说明：{entry.doc_no}（{entry.seed_line}）：{entry.text}", markup=False)
    if entry.note:
        errors().print(f"说明：{entry.note}", markup=False)
    rows = analysis.table(standard, level=by.value)
    if form is Output.gpkg and out is not None:
        write_regions(rows, store, _counted(analysis, standard), out, layer="standards")
        errors().print(f"已写入 {out}", markup=False)
        return
    _write(rows, HEADERS, form, out)


def _counted(analysis: StandardsAnalysis, standard: str) -> pd.DataFrame:
    return analysis.counted(standard).reset_index(drop=True)


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
    if form is Output.table and out is not None:
        raise typer.BadParameter(
            "表格只能显示在屏幕上；写入文件请用 json、csv 或 gpkg", param_hint="--format"
        )
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
            "kinds": KIND_NAMES[known[key].kinds] if known[key].region_level == "county" else "设区市",
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
    _write(pd.DataFrame(rows), headers, form, out, screen=tuple(headers)[:-1])


def _write(
    rows: pd.DataFrame,
    headers: dict[str, str],
    form: Output,
    out: Path | None,
    *,
    screen: tuple[str, ...] | None = None,
) -> None:
    records = [{str(key): value for key, value in row.items()} for row in rows.to_dict("records")]
    if out is None and form is Output.table:
        keys = screen or (_ON_SCREEN if "standard" in headers else tuple(headers))
        shown = {key: headers[key] for key in keys if key != "level"}
        print_rows([_readable(row) for row in records], shown, Shown.table, title="应配与缺口")
    elif out is None and form is Output.json:
        print_json([{key: row.get(key) for key in headers} for row in records])
    elif out is None:
        print_rows(records, headers, Shown(form.value))
    elif form is Output.csv:
        out.write_text("\ufeff" + csv_text(records, list(headers)), encoding="utf-8")
    else:
        out.write_text(json.dumps(plain(records), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row for reading: whole numbers without decimals, 是 and nothing for flags."""
    shown = {key: f"{row[key]:,.0f}" for key in _NUMBERS if key in row and pd.notna(row[key])}
    if "applies" in row:
        shown["applies"] = "是" if row["applies"] else ""
    return {**row, **shown}
