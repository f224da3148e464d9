"""The figures of the page 总览: one value with its change, its year and how far to trust it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from data.store import Store
from layers.model import format_number
from pages import cached
from pages.numbers import AMOUNTS, readable, scale, short_name, signed

PROVINCE = "320000"
KEY_FIGURES = (
    "population",
    "urbanisation_rate",
    "population_60_plus_share",
    "population_65_plus_share",
    "mean_years_schooling",
    "gdp",
    "gdp_per_head",
    "gdp_tertiary_share",
)
BREAK = "口径断点"


@dataclass(frozen=True)
class Figure:
    """One indicator of one region: the latest value, and the one before it when the two may be compared."""

    indicator: str
    name: str
    unit: str
    decimals: int
    direction: str
    value: float
    year: int
    source: str
    quality: str
    flag: str | None
    note: str | None
    reason: str | None
    earlier_year: int | None
    earlier: float
    no_change_reason: str | None

    @property
    def text(self) -> str:
        """The value in the unit people speak in: 8,474.80 万人."""
        return readable(self.value, self.unit, self.decimals)

    @property
    def exact(self) -> str:
        """The value in the indicator's own unit where `text` shows it in a larger one, else nothing."""
        if pd.isna(self.value) or scale(self.value, self.unit, self.decimals)[1] == 1:
            return ""
        return f"{format_number(self.value, self.decimals)} {self.unit}"

    @property
    def difference(self) -> float:
        """The value less the earlier one; NaN when they may not be compared."""
        return self.value - self.earlier

    @property
    def trend(self) -> int:
        """1 when the value rose, -1 when it fell, 0 when it stayed or may not be compared."""
        return 0 if pd.isna(self.difference) else int(np.sign(self.difference))

    @property
    def change(self) -> str:
        """The change in words: percentage points for shares, per cent for amounts, else the difference."""
        if pd.isna(self.difference):
            return ""
        if self.unit == "%":
            return f"{signed(self.difference, self.decimals)} 个百分点"
        if self.unit in AMOUNTS:
            return f"{signed(self.difference / self.earlier * 100, 2)}%"
        return f"{signed(self.difference, self.decimals)} {self.unit}"


def key_figures(store: Store, names: Sequence[str] = KEY_FIGURES, adcode: str = PROVINCE) -> list[Figure]:
    """Return the figures of a region for those of ``names`` that the store knows, in that order."""
    indicators = cached.indicators(store)
    titles = store.sources().set_index("id")["title"]
    figures = []
    for name in names:
        if name not in indicators.index:
            continue
        facts = cached.facts(store, name)
        series = facts[facts["adcode"] == adcode]
        if len(series):
            figures.append(figure_of(indicators.loc[[name]].iloc[0], series, titles))
    return figures


def figure_of(indicator: pd.Series, series: pd.DataFrame, titles: pd.Series) -> Figure:
    """Return the figure of a series: its latest defined year (or its latest) against the year before that."""
    defined = series[series["value"].notna()]
    latest = (defined if len(defined) else series).iloc[-1]
    before = defined[defined["year"] < latest["year"]]
    flags = series.loc[series["year"].eq(latest["year"]), "flag"].fillna("")
    broken = flags.str.contains(BREAK, regex=False).any()
    comparable = len(before) > 0 and not broken
    return Figure(
        indicator=str(indicator["id"]),
        name=short_name(str(indicator["name"])),
        unit=str(indicator["unit"]),
        decimals=int(indicator["decimals"]),
        direction=str(indicator["direction"]),
        value=float(latest["value"]),
        year=int(latest["year"]),
        source=str(titles.get(latest["source"], latest["source"])),
        quality=str(latest["quality"]),
        flag=_text(latest["flag"]),
        note=_text(latest["note"]) or _text(indicator["note"]),
        reason=_text(latest["reason"]),
        earlier_year=int(before["year"].iloc[-1]) if comparable else None,
        earlier=float(before["value"].iloc[-1]) if comparable else float("nan"),
        no_change_reason=None if comparable else (BREAK if broken else "没有更早的数值"),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
