"""``sutu compare`` and ``sutu index``: regions side by side, and a composite index from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from analysis.composite import IndexAnalysis, compute_index
from analysis.peers import ProfileSet, comparison_rows, load_profiles, require_comparable
from commands.app import examples
from commands.console import Format, errors, print_json, print_rows
from data.registry.index_models import load_index_file
from data.store.store import open_store
from layers.model import format_number

_RANK_COLUMNS = ("best", "q1", "median", "q3", "worst")


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command(
        "compare",
        epilog=examples("sutu compare 320500 320300", "sutu compare 320682 320685 --json"),
    )(compare)
    app.command("index", epilog=examples("sutu index 指数.yaml", "sutu index 指数.yaml --json"))(index)


def compare(
    adcodes: Annotated[list[str], typer.Argument(metavar="代码…", help="1 至 6 个同级地区的行政区划代码。")],
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
    cells = {key: _number(row[key], decimals) for key in ("province", "best", "worst")}
    for one in row["regions"]:
        rank = f"（{int(one['rank'])}）" if pd.notna(one["rank"]) else ""
        cells[one["adcode"]] = f"{_number(one['value'], decimals)}{rank}"
    return {"what": f"{row['name']}（{row['unit']}）", "year": row["year"], **cells}


def _number(value: float, decimals: int) -> str:
    return "无数据" if pd.isna(value) else format_number(value, decimals)


def index(
    file: Annotated[Path, typer.Argument(metavar="文件", help="综合指数的定义（YAML）。")],
    as_json: Annotated[bool, typer.Option("--json", help="以 JSON 输出。")] = False,
) -> None:
    """按文件计算综合指数：得分、位次、各种方法组合下位次的范围。

    文件写明名称、层级、年份、组成指标与权重、归一化、赋权和合成方法，样板见 data/registry/indices.yaml。
    """
    analysis = compute_index(open_store(), load_index_file(file))
    if as_json:
        print_json(index_report(analysis))
        return
    table = analysis.table()
    for column in ("score", "progress"):
        if column in table:
            table[column] = [_number(value, 2) for value in table[column]]
    for column in ("rank", *_RANK_COLUMNS):
        table[column] = [_number(value, 0) for value in table[column]]
    table["range"] = table["best"] + "–" + table["worst"]
    headers = {
        "adcode": "代码",
        "name": "地区",
        "score": "得分",
        "rank": "位次",
        "range": "位次范围",
        "median": "位次中位数",
    }
    headers |= {"progress": f"较{analysis.spec.base_year}年"} if analysis.progress is not None else {}
    rows = [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]
    print_rows(rows, headers | {"reason": "无法计算的原因"}, Format.table, title=analysis.spec.name)
    errors().print(_weights_told(analysis), markup=False)


def _weights_told(analysis: IndexAnalysis) -> str:
    names = analysis.indicators["name"]
    parts = [f"{names.to_dict()[key]} {weight:.3f}" for key, weight in analysis.result.weights.items()]
    counted = len(analysis.sensitivity.ranks)
    return f"权重：{'、'.join(parts)}。位次范围取自 {counted} 种方法组合。"


def index_report(analysis: IndexAnalysis) -> dict[str, Any]:
    """Return the index as plain values, everything it rests on included."""
    combinations = analysis.sensitivity.combinations
    brought = {str(key): dict(row) for key, row in analysis.result.contributions.iterrows()}
    lost = combinations[combinations["reason"] != ""]
    return {
        "spec": analysis.spec.model_dump(mode="json"),
        "weights": analysis.result.weights.to_dict(),
        "indicators": analysis.indicators.to_dict("records"),
        "equalisation": analysis.equalisation,
        "equalisation_reason": analysis.equalisation_reason,
        "combinations": len(analysis.sensitivity.ranks),
        "combinations_left_out": lost.to_dict("records"),
        "part_reasons": analysis.result.part_reasons,
        "regions": [
            {**row, "contributions": brought[str(row["adcode"])]}
            for row in analysis.table().to_dict("records")
        ],
        "sources": list(analysis.sources),
    }
