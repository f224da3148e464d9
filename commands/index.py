"""``sutu index``: a composite index from a person's file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from analysis.composite import IndexAnalysis, compute_index
from commands.app import examples
from commands.compare import number_or_none
from commands.console import Format, errors, print_json, print_rows
from data.registry.index_models import load_index_file
from data.store.store import open_store

_RANK_COLUMNS = ("best", "q1", "median", "q3", "worst")


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("index", epilog=examples("sutu index 指数.yaml", "sutu index 指数.yaml --json"))(index)


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
            table[column] = [number_or_none(value, 2) for value in table[column]]
    for column in ("rank", *_RANK_COLUMNS):
        table[column] = [number_or_none(value, 0) for value in table[column]]
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
