"""The figures of the page 总览: one value with its change, its year and how far to trust it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd
import streamlit as st

from data.store.store import Store
from geo.region_tree import PROVINCE
from layers.model import format_number
from layers.numbers import AMOUNTS, readable, scale, short_name, signed
from pages.overview.data import QUALITY_WORDS
from pages.shared import cached
from pages.shared.components import plain

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


COMPARED = (
    "population",
    "population_density",
    "urbanisation_rate",
    "population_0_14_share",
    "population_65_plus_share",
    "mean_years_schooling",
    "gdp",
    "gdp_per_head",
    "gdp_tertiary_share",
)


def comparison(store: Store, regions: Sequence[str], names: Sequence[str] = COMPARED) -> pd.DataFrame:
    """Return figures side by side as texts: one row per indicator, columns 指标, 年份 and the regions.

    All values of a row are of one year, the latest in which the first region has one, and in one unit, the
    one the first region's value is said in. A region without a value in that year shows 无数据.
    """
    indicators = cached.indicators(store)
    shown = cached.region_table(store)["short_name"]
    rows = []
    for name in names:
        values, year = _latest(store, name, regions) if name in indicators.index else (None, 0)
        if values is None:
            continue
        indicator = indicators.loc[[name]].iloc[0]
        unit, factor, decimals = scale(values[0], str(indicator["unit"]), int(indicator["decimals"]))
        cells = {
            shown[code]: "无数据" if pd.isna(value) else format_number(value / factor, decimals)
            for code, value in zip(regions, values, strict=True)
        }
        rows.append({"指标": f"{short_name(str(indicator['name']))}（{unit}）", "年份": str(year), **cells})
    return pd.DataFrame(rows)


def _latest(store: Store, name: str, regions: Sequence[str]) -> tuple[list[float] | None, int]:
    """Return the regions' values in the latest year of the first one, and that year; None without any."""
    facts = cached.facts(store, name)
    facts = facts[facts["adcode"].isin(regions) & facts["value"].notna()]
    years = facts.loc[facts["adcode"] == regions[0], "year"]
    if years.empty:
        return None, 0
    year = int(years.max())
    values = facts[facts["year"] == year].set_index("adcode")["value"].reindex(list(regions))
    return [float(value) for value in values], year


QUALITY_COLOURS: dict[str, Literal["blue", "violet", "orange", "gray"]] = {
    "official": "blue",
    "derived": "violet",
    "secondary": "orange",
    "imported": "gray",
}
CARDS_PER_ROW = 4


def figure_cards(figures: Sequence[Figure]) -> None:
    """Draw a card per figure: value, change since the earlier year, year, source and quality."""
    for start in range(0, len(figures), CARDS_PER_ROW):
        columns = st.columns(CARDS_PER_ROW, gap="small")
        for column, figure in zip(columns, figures[start : start + CARDS_PER_ROW], strict=False):
            with column.container(
                border=True, height="stretch", gap="xsmall", key=f"figure_{figure.indicator}"
            ):
                _card(figure)


def _card(figure: Figure) -> None:
    note = f"。{figure.note}" if figure.note else ""
    st.metric(plain(figure.name), figure.text, help=plain(f"来源：{figure.source}{note}"))
    if figure.change:
        st.markdown(f":small[:gray[较{figure.earlier_year}年]　{plain(figure.change)}]")
    else:
        st.markdown(f":small[:gray[不作比较：{plain(figure.no_change_reason)}]]")
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        st.badge(QUALITY_WORDS[figure.quality], color=QUALITY_COLOURS[figure.quality])
        parts = [f"{figure.year}年", figure.exact, figure.flag or "", figure.reason or ""]
        st.caption(plain(" · ".join(part for part in parts if part)), width="content")


def comparison_table(store: Store, regions: Sequence[str]) -> None:
    """Draw the comparison of regions, each row one indicator in one year."""
    table = comparison(store, regions)
    widths = {"指标": 162, "年份": 48} | dict.fromkeys(table.columns[2:], 66)
    st.dataframe(
        table,
        hide_index=True,
        height="content",
        column_config={
            name: st.column_config.TextColumn(width=width, alignment="left" if name == "指标" else "right")
            for name, width in widths.items()
        },
    )
    st.caption("各区的比值是区内分子之和除以分母之和，不是各市比值的平均。")
    st.caption("点击地图上的地区，上面的各项数字即改为该地区的。")
