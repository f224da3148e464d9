"""Profiles and composite indices in sentences: every word and figure from the values given.

What is compared is compared as printed: figures that read the same are called equal. What is undefined is
said with its reason.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from geo.rounding import equal, more
from layers.model import format_number, signed
from layers.words.gap import listed

_PERCENT = {"%", "百分点"}


@dataclass(frozen=True)
class Standing:
    """One region on one indicator: its value, its rank among its peers, and the value of the province.

    ``rank`` is NaN without a value, ``tied`` tells whether others share it; ``level_word`` names the peers
    (设区市). ``reason`` says why there is no value.
    """

    region: str
    indicator: str
    unit: str
    decimals: int
    direction: str
    year: int
    value: float
    rank: float
    among: int
    level_word: str
    tied: bool = False
    province: float = math.nan
    reason: str = ""


@dataclass(frozen=True)
class Point:
    """A value of a year."""

    year: int
    value: float
    reason: str = ""


def short(name: str) -> str:
    """Return an indicator's name without its remark in brackets."""
    return name.partition("（")[0]


def amount(value: float, unit: str, decimals: int) -> str:
    """Return a value with its unit as people write it."""
    number = format_number(value, decimals)
    return f"{number}%" if unit == "%" else f"{number} {unit}"


def difference(value: float, unit: str, decimals: int) -> str:
    """Return a difference with its unit; of percentages in 个百分点."""
    return f"{format_number(value, decimals)} {'个百分点' if unit in _PERCENT else unit}"


def standing_sentence(one: Standing) -> str:
    """Return value, rank and distance from the province of one region on one indicator."""
    what = f"{one.year} 年{one.region}{short(one.indicator)}"
    if math.isnan(one.value):
        return f"{what}没有数值：{one.reason or '没有数据'}。"
    text = f"{what}为 {amount(one.value, one.unit, one.decimals)}"
    place = rank_words(one)
    text += f"，{place}" if place else ""
    return f"{text}{_against_province(one)}。"


def rank_words(one: Standing) -> str:
    """Return the rank among the peers; neutral indicators are counted from the highest, and say so."""
    if math.isnan(one.rank) or one.among < 2:
        return ""
    order = "从高到低" if one.direction == "neutral" else ""
    tied = "并列" if one.tied else ""
    return f"在 {one.among} 个{one.level_word}中{order}{tied}居第 {int(one.rank)} 位"


def _against_province(one: Standing) -> str:
    if math.isnan(one.province):
        return ""
    gap = round(one.value, one.decimals) - round(one.province, one.decimals)
    if round(gap, one.decimals) == 0:
        return "，与全省持平"
    word = "高" if gap > 0 else "低"
    return f"，比全省{word} {difference(abs(gap), one.unit, one.decimals)}"


def change_sentence(
    region: str, indicator: str, before: Point, after: Point, *, unit: str, decimals: int, share: bool = True
) -> str:
    """Return how a value moved between two years: risen, fallen, level, or not comparable with the reason.

    ``share`` adds the change in per cent; leave it out for amounts in prices of their year.
    """
    what = f"{before.year}—{after.year} 年{region}{short(indicator)}"
    for point in (before, after):
        if math.isnan(point.value):
            return f"{what}的变化无法判断：{point.year} 年没有数值（{point.reason or '没有数据'}）。"
    first, last = (amount(point.value, unit, decimals) for point in (before, after))
    gap = round(after.value, decimals) - round(before.value, decimals)
    if round(gap, decimals) == 0:
        return f"{what}持平，都是 {first}。"
    word = "上升" if gap > 0 else "下降"
    told = ""
    if share and unit not in _PERCENT and before.value > 0:
        told = f"（{'增' if gap > 0 else '减'} {format_number(abs(gap) / before.value * 100, 1)}%）"
    return f"{what}由 {first}{word}到 {last}，{word} {difference(abs(gap), unit, decimals)}{told}。"


def part_words(share: float) -> str:
    """Return a part of a whole as people say it: 四分之一, and what is no such part in percent."""
    number = round(1 / share)
    if 2 <= number <= 10 and math.isclose(number * share, 1.0):
        return f"{'二三四五六七八九十'[number - 2]}分之一"
    return f"{share * 100:g}%"


def strengths_sentence(
    region: str, strong: Sequence[Standing], weak: Sequence[Standing], share: float
) -> str:
    """Return in what a region is among the best and the last ``share`` of its peers."""
    part = part_words(share)
    if not strong and not weak:
        return f"{region}没有居于同级前{part}或后{part}的指标。"
    parts = []
    for word, found in ((f"前{part}", strong), (f"后{part}", weak)):
        if found:
            named = "、".join(f"{short(one.indicator)}（第 {int(one.rank)} 位）" for one in found[:6])
            rest = f"等 {len(found)} 项" if len(found) > 6 else f"，共 {len(found)} 项"
            parts.append(f"居同级{word}的有：{named}{rest}")
        else:
            parts.append(f"没有居同级{word}的指标")
    return f"{region}{'；'.join(parts)}。"


def similar_sentence(region: str, level_word: str, names: Sequence[str], indicators: Sequence[str]) -> str:
    """Return which regions are nearest in structure, and by which indicators."""
    if not names:
        return f"{region}缺少结构指标，无法判断与哪些{level_word}相近。"
    by = "、".join(short(name) for name in indicators)
    return f"按{by}等 {len(indicators)} 项结构指标，与{region}最相近的{level_word}依次是{'、'.join(names)}。"


def coverage_sentence(
    region: str, facility: str, minutes: float, *, share: float, left: float, method: str
) -> str:
    """Return how many people reach a facility in time, by which method."""
    if math.isnan(share):
        return f"{region}的{facility}覆盖率无法计算。"
    told = f"{method}，{minutes:g} 分钟内能到{facility}的常住人口占 {format_number(share * 100, 1)}%"
    rest = "，没有未覆盖的人口" if round(left) == 0 else f"，未覆盖 {people(left)}"
    return f"{told}{rest}。"


def people(count: float) -> str:
    """Return a number of people as people say it."""
    return f"{count / 1e4:,.1f} 万人" if count >= 1e4 else f"{count:,.0f} 人"


def residents_sentence(
    region: str, level_word: str, count: Point, *, rank: float, among: int, share: float, tied: bool = False
) -> str:
    """Return how many people live in a region, its rank by number, and its share of the province."""
    if math.isnan(count.value):
        return f"{count.year} 年{region}常住人口没有数值：{count.reason or '没有数据'}。"
    text = f"{count.year} 年{region}常住人口 {people(count.value)}"
    if not math.isnan(rank) and among > 1:
        text += f"，在 {among} 个{level_word}中{'并列' if tied else ''}居第 {int(rank)} 位"
    if not math.isnan(share):
        text += f"，占全省 {format_number(share * 100, 1)}%"
    return f"{text}。"


NORMALISATIONS = {"min_max": "极差法", "z": "标准分法", "target": "目标法"}
WEIGHTINGS = {"equal": "等权", "expert": "专家权重", "entropy": "熵权", "critic": "CRITIC"}
AGGREGATIONS = {"arithmetic": "算术平均", "geometric": "几何平均"}


def method_words(normalisation: str, weighting: str, aggregation: str) -> str:
    """Return the three methods in words."""
    return f"{NORMALISATIONS[normalisation]}、{WEIGHTINGS[weighting]}、{AGGREGATIONS[aggregation]}"


def leaders_sentence(table: pd.DataFrame, level_word: str) -> str:
    """Return who is first and last; ``table``: columns name, score, rank, reason, any order."""
    known = table.dropna(subset=["rank"]).sort_values(["rank", "name"])
    missing = len(table) - len(known)
    if known.empty:
        reasons = table["reason"][table["reason"] != ""]
        why = reasons.mode().iloc[0] if len(reasons) else "没有数值"
        return f"{len(table)} 个{level_word}都没有指数：{why}。"
    if len(known) == 1:
        return f"只有{known['name'].iloc[0]}有指数，无法排序。"
    first = known[known["rank"] == 1]
    last = known[known["rank"] == known["rank"].max()]
    text = (
        f"{len(known)} 个{level_word}中，得分最高的是{'、'.join(first['name'])}"
        f"（{format_number(first['score'].iloc[0], 1)} 分），最低的是{'、'.join(last['name'])}"
        f"（{format_number(last['score'].iloc[0], 1)} 分）"
    )
    if first["name"].tolist() == last["name"].tolist():
        return f"{len(known)} 个{level_word}得分相同，都是 {format_number(first['score'].iloc[0], 1)} 分。"
    return f"{text}{f'；{missing} 个没有指数' if missing else ''}。"


def firmness_sentence(table: pd.DataFrame, combinations: int, *, firm_share: float) -> str:
    """Return how far ranks hang on the methods; ``table``: columns name, best, worst.

    A rank that moves by at most ``firm_share`` of the regions counts as firm.
    """
    known = table.dropna(subset=["best", "worst"])
    if known.empty or combinations == 0:
        return "没有可用的方法组合，无法判断位次是否稳定。"
    span = known["worst"] - known["best"]
    firm = int((span <= firm_share * len(known)).sum())
    if span.max() == 0:
        return f"换用 {combinations} 种方法组合，所有地区的位次都不变。"
    widest = known[span == span.max()]
    most = widest.iloc[0]
    moved = (
        f"{most['name']}（第 {int(most['best'])} 至第 {int(most['worst'])} 位）"
        if len(widest) == 1
        else f"{listed(widest['name'], 3)}（并列，都变动 {int(span.max())} 位）"
    )
    return (
        f"换用 {combinations} 种方法组合，{len(known)} 个地区中有 {firm} 个位次变动不超过"
        f"{format_number(firm_share * 100, 0)}%的名次；变动最大的是{moved}。"
    )


def equalisation_sentence(value: float, reason: str) -> str:
    """Return how even the regions are."""
    if math.isnan(value):
        return f"均等化指数无法计算：{reason}。"
    return f"均等化指数 {format_number(value, 1)}（100 为各地区完全相同）。"


def progress_sentence(table: pd.DataFrame, year: int, base_year: int) -> str:
    """Return how the index moved; ``table``: columns name, progress (NaN where not comparable)."""
    known = table.dropna(subset=["progress"])
    if known.empty:
        return f"没有地区能与 {base_year} 年比较。"
    # Scores are sums of parts of 100 points.
    gained = known["progress"].to_numpy(dtype="float64")
    up, down = int(more(gained, 0.0, beside=100.0).sum()), int(more(0.0, gained, beside=100.0).sum())
    best = known[equal(gained, gained.max(), beside=100.0)]
    tied = "并列，" if len(best) > 1 else ""
    rest = len(table) - len(known)
    if up == down == 0:
        return f"同一尺度下，{year} 年与 {base_year} 年都没有变化{f'；{rest} 个不能比较' if rest else ''}。"
    text = (
        f"同一尺度下，{year} 年比 {base_year} 年上升的有 {up} 个、下降的有 {down} 个；"
        f"变化最好的是{listed(best['name'], 3)}（{tied}"
        f"{signed(float(best['progress'].iloc[0]), 1)} 分）"
    )
    return f"{text}{f'；{rest} 个不能比较' if rest else ''}。"
