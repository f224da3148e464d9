"""The controls of the page 区域差距, and what they amount to."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from data.gaps import GapSource, gap_levels
from data.registry import Registry
from data.store import Store
from pages import cached, state
from pages.gaps_data import gap_source

NONE = "none"
DEFAULT = "gdp_per_head"


@dataclass(frozen=True)
class GapChoice:
    """Everything the page shows: indicator (row of `Store.indicators`), years, level, region, panel aside."""

    row: pd.Series
    source: GapSource
    year: int
    before: int | None
    region: str | None


def choose_gap(store: Store, registry: Registry) -> GapChoice:
    """Draw the controls and return what is chosen."""
    indicators = cached.indicators(store)
    indicators = indicators[[bool(gap_levels(row)) for _, row in indicators.iterrows()]]
    ids = list(indicators.index)
    names = {key: f"{row['domain']} ｜ {row['name']}" for key, row in indicators.iterrows()}
    left, right = st.columns([5, 3], vertical_alignment="bottom")
    with left:
        chosen = state.choose(
            "gap_indicator",
            "指标",
            ids,
            DEFAULT if DEFAULT in ids else ids[0],
            format_func=lambda key: names[key],
        )
    row = indicators[indicators["id"] == chosen].iloc[0]
    view = state.shared(
        row["years"],
        gap_levels(row),
        _regions(store),
        default_year=max(row["years"]),
        default_level="prefecture",
    )
    source = gap_source(store, str(chosen), view.level)
    year = state.nearest_year(view.year, source.years)
    with right:
        before = _before(source.years, year)
    return GapChoice(row, source, year, before, view.region)


def _before(years: list[int], year: int) -> int | None:
    """Draw the list of years to compare with, and return the one chosen; the first there is by default."""
    earlier = [one for one in years if one < year]
    options = [*(str(one) for one in reversed(earlier)), NONE]
    chosen = state.choose(
        "before",
        "与哪一年比较",
        options,
        str(earlier[0]) if earlier else NONE,
        format_func=lambda text: "不比较" if text == NONE else f"{text} 年",
    )
    return None if chosen == NONE else int(chosen)


def _regions(store: Store) -> dict[str, str]:
    """Return the regions that can be marked, with the prefecture of a county."""
    table = cached.region_table(store)
    names = table["name"]
    rows = table[table["level"].isin(["prefecture", "county"])]
    return {
        str(adcode): f"{name}（{names[parent]}）" if level == "county" else str(name)
        for adcode, name, level, parent in zip(
            rows.index, rows["name"], rows["level"], rows["parent"], strict=True
        )
    }
