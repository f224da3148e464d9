"""``sutu gaps``: how unequal the regions are in one indicator, and where the gap sits."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Annotated, Any

import pandas as pd
import typer

from analysis.gaps import GapSource, compare_years, gap_levels, load_gap
from commands.app import errors, examples
from commands.console import Format, print_json, print_rows
from commands.indicators import find_indicator, year_span
from data.registry.rule_models import load_statistics_rules
from data.store.store import Store, open_store
from geo.gaps import MEASURES, GapAnalysis, GapComparison
from geo.region_tree import LEVEL_NAMES
from geo.spatial import HIGH_HIGH, HIGH_LOW, LOW_HIGH, LOW_LOW, LocalMoran, contiguity, local_moran
from layers.model import format_number
from layers.words.gap import gap_sentences, moran_words, spot_words

_MEASURE_COLUMNS = {"name": "差距", "value": "数值", "before": "前期", "reason": "无定义的原因"}
_REGION_COLUMNS = {
    "short_name": "区域",
    "value": "区域数值",
    "n": "有数值",
    "low": "最低",
    "median": "中位",
    "high": "最高",
    "cv": "内部变异系数",
    "max_min": "内部极值比",
}


class GapLevel(StrEnum):
    """The levels whose regions can be compared."""

    county = "county"
    prefecture = "prefecture"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(
        "gaps",
        epilog=examples(
            "sutu gaps gdp_per_head --year 2023 --before 2005",
            "sutu gaps population_65_plus_share --year 2020 --level county --spots",
            "sutu gaps 城镇化率 --year 2020 --level county --json",
        ),
    )(gaps)


def gaps(  # noqa: PLR0917 - a command
    indicator: Annotated[str, typer.Argument(help="指标代号或名称，见 sutu indicators。", metavar="指标")],
    year: Annotated[int | None, typer.Option(help="年份；不写则取最近的一年。")] = None,
    level: Annotated[
        GapLevel | None, typer.Option(help="比较哪一级地区；不写则取该指标有的最高一级。")
    ] = None,
    before: Annotated[int | None, typer.Option(help="与哪一年比较；不写则不比较。")] = None,
    spots: Annotated[bool, typer.Option("--spots", help="另算莫兰指数、热点和冷点。")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON。")] = False,
) -> None:
    """一个指标的区域差距。

    极值比、苏南与苏北之比、变异系数、基尼系数、泰尔指数及其分解；没有定义的量写明原因，不以零代替。
    区域的数值是分子之和除以分母之和，不是所辖各市的平均。
    """
    store = open_store()
    row = find_indicator(store, indicator)
    source = load_gap(store, str(row["id"]), _level(row, level))
    found = compare_years(source, *_years(source, year, before))
    local = _spots(store, found.now) if spots else None
    if as_json:
        print_json(_as_json(store, found, local))
        return
    _print(store, found, local)


def _level(row: pd.Series, wanted: GapLevel | None) -> str:
    levels = gap_levels(row)
    if not levels:
        raise typer.BadParameter(f"“{row['name']}”没有设区市或县一级的数据", param_hint="指标")
    if wanted is None:
        return levels[0]
    if wanted.value not in levels:
        raise typer.BadParameter(
            f"“{row['name']}”没有{LEVEL_NAMES[wanted.value]}一级的数据；有：{'、'.join(levels)}",
            param_hint="--level",
        )
    return wanted.value


def _years(source: GapSource, year: int | None, before: int | None) -> tuple[int, int | None]:
    """Return the year and the earlier one; the years there are when one of them is not among them."""
    there = source.years
    if not there:
        raise typer.BadParameter(f"“{source.subject.name}”没有数据", param_hint="指标")
    for wanted, option in ((year, "--year"), (before, "--before")):
        if wanted is not None and wanted not in there:
            raise typer.BadParameter(
                f"“{source.subject.name}”在{source.subject.level_word}一级没有 {wanted} 年的数据；"
                f"有：{year_span(there)}",
                param_hint=option,
            )
    if year is None:
        errors().print(f"未写年份，取最近的 {there[-1]} 年。")
        year = there[-1]
    if before is not None and before >= year:
        raise typer.BadParameter(f"用来比较的 {before} 年应早于 {year} 年", param_hint="--before")
    return year, before


def _spots(store: Store, now: GapAnalysis) -> LocalMoran:
    frame = store.regions(now.subject.level)
    return local_moran(
        now.frame["value"].reindex(frame.index),
        contiguity(frame),
        false_discovery=load_statistics_rules().false_discovery,
    )


def _sentences(found: GapComparison, local: LocalMoran | None) -> dict[str, str]:
    said = gap_sentences(found)
    if local is not None:
        said["moran"] = moran_words(
            local,
            found.now.subject,
            found.now.year,
            significant_p=load_statistics_rules().significant_p,
        )
        said["spots"] = spot_words(local, found.now.frame["name"])
    return said


def _as_json(store: Store, found: GapComparison, local: LocalMoran | None) -> dict[str, Any]:
    result = found.now.as_dict()
    if found.then is not None:
        result["before"] = found.then.as_dict()
    if found.common_now is not None and found.common_then is not None and not found.same_regions:
        result["common"] = {
            "n": len(found.common_now.defined),
            "now": {name: one.value for name, one in found.common_now.measures.items()},
            "before": {name: one.value for name, one in found.common_then.measures.items()},
        }
    if local is not None:
        moran = local.moran
        result["moran"] = {
            "i": moran.i,
            "expected": moran.expected,
            "p_value": moran.p_value,
            "n": moran.n,
            "permutations": moran.permutations,
            "reason": moran.reason,
        }
        result["spots"] = {
            kind: [{"adcode": code, "name": found.now.frame["name"][code]} for code in local.cluster(kind)]
            for kind in (HIGH_HIGH, LOW_LOW, HIGH_LOW, LOW_HIGH)
        }
    result["sentences"] = _sentences(found, local)
    result["data_version"] = store.data_version
    return result


def _print(store: Store, found: GapComparison, local: LocalMoran | None) -> None:
    now, subject = found.now, found.now.subject
    title = f"{subject.name}（{subject.unit}），{now.year} 年，{len(now.defined)} 个{subject.level_word}"
    print_rows(_measure_rows(found), _measure_columns(found), Format.table, title=title)
    numbers = {"value": subject.decimals, "low": subject.decimals, "median": subject.decimals}
    numbers |= {"high": subject.decimals, "cv": 3, "max_min": 2}
    regions = [
        {
            str(key): _number(value, numbers[str(key)]) if key in numbers else value
            for key, value in row.items()
        }
        for row in now.regional.to_dict("records")
    ]
    print_rows(regions, _REGION_COLUMNS, Format.table, title="三大区域")
    for sentence in _sentences(found, local).values():
        typer.echo(sentence)
    typer.echo(f"数据版本 {store.data_version}")


def _measure_columns(found: GapComparison) -> dict[str, str]:
    columns = dict(_MEASURE_COLUMNS)
    if found.then is None:
        del columns["before"]
    else:
        columns["before"] = f"{found.then.year} 年"
    return columns


def _measure_rows(found: GapComparison) -> list[dict[str, Any]]:
    now, then = found.now, found.then
    rows = []
    for name, word in MEASURES.items():
        decimals = 2 if name.endswith("ratio") else 4
        rows.append(
            {
                "name": word,
                "value": _number(now.measures[name].value, decimals),
                "before": None if then is None else _number(then.measures[name].value, decimals),
                "reason": now.measures[name].reason,
            }
        )
        if name.startswith("theil"):
            rows += _part_rows(now, then, name, decimals)
    return rows


def _part_rows(now: GapAnalysis, then: GapAnalysis | None, name: str, decimals: int) -> list[dict[str, Any]]:
    """Return the rows of the index's parts; the reason stands in the row of the whole."""

    def part(of: GapAnalysis | None, which: str) -> str | None:
        return None if of is None else _number(getattr(getattr(of, name), which), decimals)

    return [
        {"name": f"　其中{word}", "value": part(now, which), "before": part(then, which), "reason": None}
        for which, word in (("between", "区域之间"), ("within", "区域内部"))
    ]


def _number(value: float, decimals: int) -> str:
    return "—" if math.isnan(value) else format_number(value, decimals)
