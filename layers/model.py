"""One `Layer`: what is drawn, how, with which legend, from where; and numbers as people say them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import geopandas as gpd
import pandas as pd

from geo.errors import PublicationError

STORE_CRS_TEXT = "2000 国家大地坐标系（EPSG:4490）"


@dataclass(frozen=True)
class Provenance:
    """Where the figures and the borders of a layer come from; every map and figure shows all of it.

    ``sources`` are titles as people read them; ``boundary`` names the origin of the borders with its date;
    ``remarks`` say what a reader must know of the figures (second-hand, boundary changes). Without an
    ``approval`` number (审图号) the ``notice`` stands on the map.
    """

    sources: tuple[str, ...]
    boundary: str
    notice: str
    remarks: tuple[str, ...] = ()
    crs: str = STORE_CRS_TEXT
    approval: str | None = None

    @property
    def source_text(self) -> str:
        """The sources as one text."""
        return "；".join(self.sources)

    @property
    def permission(self) -> str:
        """What the sheet says about publishing: the 审图号, or the notice."""
        return f"审图号：{self.approval}" if self.approval else self.notice


@dataclass(frozen=True)
class Style:
    """How values become colours: class ``breaks`` (inclusive upper limits, ascending) and ``colours``."""

    scheme: str
    breaks: tuple[float, ...]
    colours: tuple[str, ...]
    palette: str
    undefined_colour: str

    @property
    def k(self) -> int:
        """The number of classes."""
        return len(self.colours)


@dataclass(frozen=True)
class LegendEntry:
    """One row of a legend; ``class_index`` is -1 for regions without a value."""

    class_index: int
    colour: str
    label: str
    count: int


@dataclass(frozen=True)
class Legend:
    """The rows of a legend from the highest class down, the undefined last, and a note on how to read it."""

    title: str
    entries: tuple[LegendEntry, ...]
    note: str = ""


@dataclass(frozen=True)
class Layer:
    """A frame with what is needed to draw it.

    ``frame``: index adcode (6-character text), EPSG:4490, with at least ``name``, the value column (float64,
    NaN when undefined), ``class_index`` (int64, -1 when undefined), ``reason`` (text; why undefined),
    ``rank`` (float64, NaN when undefined) and ``geometry``; ``parent_name`` where the regions have one.
    """

    frame: gpd.GeoDataFrame
    value_column: str
    style: Style
    legend: Legend
    provenance: Provenance
    title: str
    unit: str
    year: str
    decimals: int = 1
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def values(self) -> pd.Series:
        """The values by adcode."""
        found: pd.Series = self.frame[self.value_column]
        return found

    @property
    def defined(self) -> gpd.GeoDataFrame:
        """The rows that have a value."""
        return self.frame[self.frame[self.value_column].notna()]

    def text(self, value: float, *, unit: bool = False) -> str:
        """Return a value as people read it: thousands separated, the indicator's decimals, 无数据 for NaN."""
        if pd.isna(value):
            return "无数据"
        number = format_number(value, self.decimals)
        return f"{number} {self.unit}" if unit and self.unit else number


def format_number(value: float, decimals: int) -> str:
    """Return a number with thousands separated and so many decimals, a real minus sign, never ``-0``."""
    text = f"{value:,.{decimals}f}"
    if text.startswith("-"):
        text = text[1:] if float(text.replace(",", "")) == 0 else f"−{text[1:]}"
    return text


_APPROVAL = re.compile(r"[A-Z\u4e00-\u9fff]{1,6}[（(]\d{4}[)）]\d{1,6}号")


def approval_number(text: str) -> str:
    """Return a 审图号 as written, such as ``苏S(2023)5号``; ``PublicationError`` when it cannot be one."""
    number = text.strip()
    if not _APPROVAL.fullmatch(number):
        raise PublicationError(f"“{text[:30]}”不是审图号；审图号如 GS(2019)1822号、苏S(2023)5号。")
    return number


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
