"""``sutu query``: the figures of an indicator."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import pandas as pd
import typer

from commands.app import errors, examples
from commands.console import Format, print_rows
from commands.indicators import WORDS, find_indicator, records, year_span
from data.store.store import open_store

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


class Level(StrEnum):
    """The levels of region one can ask for."""

    province = "province"
    economic_region = "economic_region"
    prefecture = "prefecture"
    county = "county"
    unallocated = "unallocated"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(
        "query",
        epilog=examples(
            "sutu query population --year 2020 --level prefecture",
            "sutu query population_60_plus_share --year 2020 --level county --format csv > 老龄化.csv",
            "sutu query gdp --level prefecture --format json",
        ),
    )(query)


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
    found = records(rows[list(_FACT_COLUMNS)])
    decimals = int(entry["decimals"])
    for record in found:
        # A number of people is a whole number, in JSON and CSV too.
        if decimals == 0 and float(record["value"]).is_integer():
            record["value"] = int(record["value"])
    if form is not Format.table:
        print_rows(found, _FACT_COLUMNS, form)
        return
    for record in found:
        record["value"] = "—" if pd.isna(record["value"]) else f"{record['value']:,.{decimals}f}"
        record["quality"] = WORDS.get(record["quality"], record["quality"])
    title = f"{entry['name']}（{entry['unit']}），{chosen} 年，{WORDS[level.value]}"
    print_rows(found, {key: _FACT_COLUMNS[key] for key in _TABLE_COLUMNS}, Format.table, title=title)


def _year(facts: pd.DataFrame, wanted: int | None, name: str, level: Level) -> int:
    """Return the year to show; the years there are when the wanted one is not among them."""
    years = sorted({int(year) for year in facts["year"]})
    where = f"“{name}”在{WORDS[level.value]}一级"
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
