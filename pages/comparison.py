"""Figures of several regions side by side."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from data.store import Store
from layers.model import format_number
from pages import cached
from pages.numbers import scale, short_name

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
