"""Numbers as people say them: large ones in 万 or 万亿, changes with their sign."""

from __future__ import annotations

import pandas as pd

from layers.model import format_number

_LARGE = {"人": ("万人", 1e4), "户": ("万户", 1e4), "亿元": ("万亿元", 1e4)}

AMOUNTS = (*_LARGE, "万人", "元", "元/人", "人/平方公里")
"""Units whose changes people read in per cent."""


def readable(value: float, unit: str, decimals: int) -> str:
    """Return a value with its unit, large ones in 万 or 万亿; 无数据 for NaN."""
    if pd.isna(value):
        return "无数据"
    shown, factor, places = scale(value, unit, decimals)
    number = format_number(value / factor, places)
    return f"{number}{shown}" if shown == "%" else f"{number} {shown}"


def scale(value: float, unit: str, decimals: int) -> tuple[str, float, int]:
    """Return the unit people would say a value in, the factor to divide by, and the decimals."""
    larger, factor = _LARGE.get(unit, (unit, float("inf")))
    return (larger, factor, 2) if abs(value) >= factor else (unit, 1.0, decimals)


def signed(value: float, decimals: int) -> str:
    """Return a number that always carries its sign, except zero."""
    text = format_number(value, decimals)
    return text if text.startswith("−") or float(text.replace(",", "")) == 0 else f"+{text}"


def short_name(name: str) -> str:
    """Return an indicator's name without its remark in brackets."""
    return name.partition("（")[0]
