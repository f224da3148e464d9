"""``sutu compare``: regions of one level side by side."""

from __future__ import annotations

from typing import Annotated, Any

import pandas as pd
import typer

from analysis.peers import ProfileSet, comparison_rows, load_profiles, require_comparable
from commands.app import examples
from commands.console import Format, errors, print_json, print_rows
from data.registry.index_models import load_profile_rules
from data.store.store import open_store
from layers.model import format_number


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(
        "compare",
        epilog=examples("sutu compare 320500 320300", "sutu compare 320682 320685 --json"),
    )(compare)


def compare(
    adcodes: Annotated[
        list[str],
        typer.Argument(
            metavar="代码…", help=f"1 至 {load_profile_rules().most_regions} 个同级地区的行政区划代码。"
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="以 JSON 输出。")] = False,
) -> None:
    """并列比较几个设区市、几个县（市、区）或几个经济区域。

    每个指标给出各地区的数值、位次、在最差与最优之间的位置、全省和所在经济区域的数值，以及结构最相近的地区。
    """
    store = open_store()
    level, codes = require_comparable(store, adcodes)
    if len(codes) < len(adcodes):
        errors().print("说明：重复的地区只算一次。", markup=False)
    profiles = load_profiles(store, level)
    rows = comparison_rows(profiles, codes)
    if as_json:
        similar = {code: profiles.similar(code).to_dict("records") for code in codes}
        regions = [{"adcode": code, "name": profiles.regions["name"][code]} for code in codes]
        print_json({"level": level, "regions": regions, "indicators": rows, "similar": similar})
        return
    headers = {"what": "指标", "year": "年份"}
    headers |= {code: str(profiles.regions["name"][code]) for code in codes}
    headers |= {"province": "全省", "best": "最优", "worst": "最差"}
    print_rows(
        [_shown(profiles, row) for row in rows], headers, Format.table, title="地区对比（括号内为位次）"
    )
    for code in codes:
        names = "、".join(profiles.similar(code)["name"]) or "无法判断（缺结构指标）"
        errors().print(f"与{profiles.regions['name'][code]}结构最相近：{names}", markup=False)


def _shown(profiles: ProfileSet, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row for reading."""
    decimals = profiles.decimals(row["id"])
    cells = {key: number_or_none(row[key], decimals) for key in ("province", "best", "worst")}
    for one in row["regions"]:
        rank = f"（{int(one['rank'])}）" if pd.notna(one["rank"]) else ""
        cells[one["adcode"]] = f"{number_or_none(one['value'], decimals)}{rank}"
    return {"what": f"{row['name']}（{row['unit']}）", "year": row["year"], **cells}


def number_or_none(value: float, decimals: int) -> str:
    """Return a number for a table; NaN in words."""
    return "无数据" if pd.isna(value) else format_number(value, decimals)
