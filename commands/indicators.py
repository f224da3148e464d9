"""``sutu indicators``: which indicators there are; how a command finds one, and tells its years."""

from __future__ import annotations

import difflib
from typing import Annotated, Any

import pandas as pd
import typer

from commands.app import examples
from commands.console import Format, print_json, print_rows
from data.store.store import Store, open_store
from geo.region_tree import SHORT_LEVEL_NAMES

_LIST_COLUMNS = {
    "id": "代号",
    "name": "名称",
    "unit": "单位",
    "direction": "方向",
    "levels": "级别",
    "years": "年份",
    "quality": "质量",
    "source": "来源",
}
WORDS = {
    "higher_better": "正向",
    "lower_better": "逆向",
    "neutral": "中性",
    "official": "官方",
    "secondary": "二手",
    "derived": "推算",
    "imported": "导入",
    **SHORT_LEVEL_NAMES,
}


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("indicators", epilog=examples("sutu indicators", "sutu indicators --json"))(indicators)


def indicators(
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON 列表。")] = False,
) -> None:
    """列出全部指标。

    代号、名称、单位、方向、有数据的级别和年份、质量、来源。
    """
    rows = records(open_store().indicators()[list(_LIST_COLUMNS)])
    if as_json:
        print_json(rows)
        return
    shown = [
        {
            **row,
            "direction": WORDS.get(row["direction"], row["direction"]),
            "quality": WORDS.get(row["quality"], row["quality"]),
            "levels": [WORDS.get(level, level) for level in row["levels"]],
            "years": year_span(row["years"]),
        }
        for row in rows
    ]
    print_rows(shown, _LIST_COLUMNS, Format.table, title=f"指标 {len(rows)} 个")


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table by column."""
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def find_indicator(store: Store, wanted: str) -> pd.Series:
    """Return the indicator of that id or name; name near ones when there is none."""
    frame = store.indicators()
    found = frame[(frame["id"] == wanted) | (frame["name"] == wanted)]
    if len(found) == 1:
        return found.iloc[0]
    near = difflib.get_close_matches(wanted, [*frame.index, *frame["name"]], n=5, cutoff=0.5)
    near += [text for text in (*frame["name"], *frame.index) if wanted in text and text not in near][:5]
    hint = f"是不是：{'、'.join(near)}" if near else "用 sutu indicators 查看全部指标"
    raise typer.BadParameter(f"没有指标“{wanted}”。{hint}", param_hint="指标")


def year_span(years: list[int]) -> str:
    """Return years as text, runs of three or more as a span."""
    runs: list[list[int]] = []
    for year in years:
        if runs and year == runs[-1][-1] + 1:
            runs[-1].append(year)
        else:
            runs.append([year])
    return " ".join(
        f"{run[0]}–{run[-1]}" if len(run) > 2 else " ".join(str(year) for year in run) for run in runs
    )
