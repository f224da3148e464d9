"""``sutu layers``: which layers can leave, and what can be set of each."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from commands.app import examples
from commands.console import Format, print_json, print_rows
from data.store.store import open_store
from exports.catalogue import layer_list
from exports.layers.kinds import LayerInfo

_COLUMNS = {
    "id": "图层",
    "title": "名称",
    "group": "类别",
    "geometry": "形状",
    "rows": "行数",
    "settings": "可设",
}
_SHAPES = {"point": "点", "line": "线", "polygon": "面"}


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("layers", epilog=examples("sutu layers", "sutu layers --json"))(layers)


def layers(as_json: Annotated[bool, typer.Option("--json", help="输出 JSON 列表。")] = False) -> None:
    """列出可以导出的图层、行数和可设的项。"""
    found = layer_list(open_store())
    if as_json:
        print_json([_described(info) for info in found])
        return
    rows: list[dict[str, Any]] = [
        {
            "id": info.id,
            "title": info.title,
            "group": info.group,
            "geometry": _SHAPES[info.geometry],
            "rows": info.rows,
            "settings": " ".join(one.name for one in info.parameters),
        }
        for info in found
    ]
    print_rows(rows, _COLUMNS, Format.table, title=f"图层 {len(rows)} 个")


def _described(info: LayerInfo) -> dict[str, Any]:
    return {
        "id": info.id,
        "title": info.title,
        "group": info.group,
        "geometry": info.geometry,
        "rows": info.rows,
        "definition": info.definition,
        "parameters": [
            {"name": one.name, "title": one.title, "default": one.default, "options": list(one.options)}
            for one in info.parameters
        ],
    }
