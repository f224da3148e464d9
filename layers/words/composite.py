"""A composite index in sentences: who leads, how firm the ranks are, how even the regions are."""

from __future__ import annotations

import math

import pandas as pd

from layers.model import format_number

NORMALISATIONS = {"min_max": "极差法", "z": "标准分法", "target": "目标法"}
WEIGHTINGS = {"equal": "等权", "expert": "专家权重", "entropy": "熵权", "critic": "CRITIC"}
AGGREGATIONS = {"arithmetic": "算术平均", "geometric": "几何平均"}
FIRM_SHARE = 0.1
"""A rank that moves by at most this share of the regions counts as firm."""


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


def firmness_sentence(table: pd.DataFrame, combinations: int) -> str:
    """Return how far ranks hang on the methods; ``table``: columns name, best, worst."""
    known = table.dropna(subset=["best", "worst"])
    if known.empty or combinations == 0:
        return "没有可用的方法组合，无法判断位次是否稳定。"
    span = known["worst"] - known["best"]
    firm = int((span <= FIRM_SHARE * len(known)).sum())
    most = known.iloc[int(span.to_numpy().argmax())]
    if span.max() == 0:
        return f"换用 {combinations} 种方法组合，所有地区的位次都不变。"
    return (
        f"换用 {combinations} 种方法组合，{len(known)} 个地区中有 {firm} 个位次变动不超过"
        f"{format_number(FIRM_SHARE * 100, 0)}%的名次；变动最大的是{most['name']}"
        f"（第 {int(most['best'])} 至第 {int(most['worst'])} 位）。"
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
    up, down = int((known["progress"] > 0).sum()), int((known["progress"] < 0).sum())
    most = known.iloc[int(known["progress"].to_numpy().argmax())]
    rest = len(table) - len(known)
    text = (
        f"同一尺度下，{year} 年比 {base_year} 年上升的有 {up} 个、下降的有 {down} 个；"
        f"变化最好的是{most['name']}（{'+' if most['progress'] > 0 else ''}"
        f"{format_number(most['progress'], 1)} 分）"
    )
    return f"{text}{f'；{rest} 个不能比较' if rest else ''}。"
