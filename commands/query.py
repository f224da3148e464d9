"""``sutu indicators`` and ``sutu query``: what is in the store, and its figures."""

from __future__ import annotations

import difflib
from enum import StrEnum
from typing import Annotated, Any

import pandas as pd
import typer

from commands.app import errors, examples
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
_FACT_COLUMNS = {
    "adcode": "代码",
    "name": "地区",
    "level": "级别",
    "indicator": "指标",
    "year": "年份",
    "value": "数值",
    "unit": "单位",
    "status": "状态",
    "quality": "质量",
    "source": "来源",
    "flag": "提示",
    "note": "备注",
    "reason": "原因",
}
_TABLE_COLUMNS = ("adcode", "name", "year", "value", "quality", "source", "flag", "reason")
_WORDS = {
    "higher_better": "正向",
    "lower_better": "逆向",
    "neutral": "中性",
    "official": "官方",
    "secondary": "二手",
    "derived": "推算",
    "imported": "导入",
    **SHORT_LEVEL_NAMES,
}


class Level(StrEnum):
    """The levels of region one can ask for."""

    province = "province"
    economic_region = "economic_region"
    prefecture = "prefecture"
    county = "county"
    unallocated = "unallocated"


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("indicators", epilog=examples("sutu indicators", "sutu indicators --json"))(indicators)
    app.command(
        "query",
        epilog=examples(
            "sutu query population --year 2020 --level prefecture",
            "sutu query population_60_plus_share --year 2020 --level county --format csv > 老龄化.csv",
            "sutu query gdp --level prefecture --format json",
        ),
    )(query)


def indicators(
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON 列表。")] = False,
) -> None:
    """列出全部指标。

    代号、名称、单位、方向、有数据的级别和年份、质量、来源。
    """
    rows = _records(open_store().indicators()[list(_LIST_COLUMNS)])
    if as_json:
        print_json(rows)
        return
    shown = [
        {
            **row,
            "direction": _WORDS.get(row["direction"], row["direction"]),
            "quality": _WORDS.get(row["quality"], row["quality"]),
            "levels": [_WORDS.get(level, level) for level in row["levels"]],
            "years": year_span(row["years"]),
        }
        for row in rows
    ]
    print_rows(shown, _LIST_COLUMNS, Format.table, title=f"指标 {len(rows)} 个")


def query(
    indicator: Annotated[str, typer.Argument(help="指标代号，见 sutu indicators。", metavar="指标")],
    year: Annotated[int | None, typer.Option(help="年份；不写则取该级别最近的一年。")] = None,
    level: Annotated[Level, typer.Option(help="地区级别。")] = Level.county,
    form: Annotated[Format, typer.Option("--format", help="输出格式。")] = Format.table,
) -> None:
    """查询一个指标的数值。

    给出某年、某级别各地区的数值；没有数值的地区写明原因，不以零代替。指标写代号或名称都可以。
    """
    store = open_store()
    entry = find_indicator(store, indicator)
    facts = store.facts(entry["id"], level=level.value)
    chosen = _year(facts, year, entry["name"], level)
    rows = facts[facts["year"] == chosen].assign(unit=entry["unit"])
    records = _records(rows[list(_FACT_COLUMNS)])
    decimals = int(entry["decimals"])
    for record in records:
        # A number of people is a whole number, in JSON and CSV too.
        if decimals == 0 and float(record["value"]).is_integer():
            record["value"] = int(record["value"])
    if form is not Format.table:
        print_rows(records, _FACT_COLUMNS, form)
        return
    for record in records:
        record["value"] = "—" if pd.isna(record["value"]) else f"{record['value']:,.{decimals}f}"
        record["quality"] = _WORDS.get(record["quality"], record["quality"])
    title = f"{entry['name']}（{entry['unit']}），{chosen} 年，{_WORDS[level.value]}"
    print_rows(records, {key: _FACT_COLUMNS[key] for key in _TABLE_COLUMNS}, Format.table, title=title)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
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


def _year(facts: pd.DataFrame, wanted: int | None, name: str, level: Level) -> int:
    """Return the year to show; the years there are when the wanted one is not among them."""
    years = sorted({int(year) for year in facts["year"]})
    where = f"“{name}”在{_WORDS[level.value]}一级"
    if not years:
        raise typer.BadParameter(f"{where}没有数据", param_hint="--level")
    if wanted is None:
        errors().print(f"未写年份，取最近的 {years[-1]} 年。")
        return years[-1]
    if wanted not in years:
        raise typer.BadParameter(
            f"{where}没有 {wanted} 年的数据；有：{year_span(years)}", param_hint="--year"
        )
    return wanted


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
