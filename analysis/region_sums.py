"""An indicator over several regions together: sums added, ratios Σ numerator / Σ denominator."""

from __future__ import annotations

import math
from collections.abc import Collection
from functools import cached_property, lru_cache

import pandas as pd

from data.regions.census import census_counts, economy_counts
from data.regions.counts import YearCounts
from data.registry import Registry, load_registry
from data.registry.models import Indicator
from data.store.store import Store
from geo.region_tree import counties_by_prefecture

_ADDITIVE = ("count", "amount")


class RegionSums:
    """Adds up indicators over sets of counties; safe to share between readers of one store."""

    def __init__(self, store: Store, registry: Registry | None = None) -> None:
        """Read from ``store``; the counts behind its ratios are those of the packaged census and yearbook."""
        self.store = store
        self._registry = registry or load_registry()
        self.regions = store.region_table()
        # What the store answers, kept: figures of all corridors ask the same few hundred times.
        self.indicator = lru_cache(maxsize=256)(store.indicator)
        self._facts = lru_cache(maxsize=256)(self._read_facts)
        self._values = lru_cache(maxsize=4096)(self._value)
        self._latest = lru_cache(maxsize=256)(self._read_latest)
        self._entries: dict[str, Indicator] = {entry.id: entry for entry in self._registry.indicators}
        self.counties_of = counties_by_prefecture(self.regions)

    @cached_property
    def _counts(self) -> tuple[dict[int, YearCounts], dict[int, YearCounts]]:
        frame = self.regions[["adcode", "name", "level", "parent", "area_km2"]].sort_values("adcode")
        frame = frame.reset_index(drop=True)
        return census_counts(self._registry, frame).years, economy_counts(self._registry, frame)

    def units(self, counties: Collection[str]) -> list[str]:
        """Return the regions that a set of counties is made of: whole prefectures (with what is not allocated
        to their counties), then the single counties.
        """
        chosen = set(counties)
        whole = [code for code, own in sorted(self.counties_of.items()) if own and own <= chosen]
        rest = chosen - {county for code in whole for county in self.counties_of[code]}
        return [*whole, *sorted(rest)]

    def latest(self, indicator: str, level: str | None = None) -> int | None:
        """Return the last year with a value (on a level), None when there is none."""
        return self._latest(indicator, level)

    def _read_latest(self, indicator: str, level: str | None) -> int | None:
        facts = self.store.facts(indicator, level=level)
        years = facts.loc[facts["value"].notna(), "year"]
        return int(years.max()) if len(years) else None

    def value(self, indicator: str, year: int, counties: Collection[str]) -> tuple[float, str]:
        """Return an indicator over a set of counties taken together, and ``""``; or NaN and the reason.

        Raises ``UnknownIndicatorError``.
        """
        return self._values(indicator, year, frozenset(counties))

    def _value(self, indicator: str, year: int, counties: frozenset[str]) -> tuple[float, str]:
        row = self.indicator(indicator)
        units = self.units(counties)
        if not units:
            return math.nan, "没有地区"
        if row["kind"] in _ADDITIVE:
            return self._sum_of_facts(indicator, year, units)
        entry = self._entries.get(indicator)
        if entry is None or row["kind"] not in {"ratio", "mean", "density"}:
            return math.nan, "没有分子和分母，不能对几个地区合并计算"
        top, why = self._sum_of_counts(entry.compute.numerator, year, units)
        if row["kind"] == "density":
            bottom = float(self.regions.loc[units, "area_km2"].astype("float64").sum())
        else:
            bottom, other = self._sum_of_counts(entry.compute.denominator, year, units)
            why = why or other
        if why:
            return math.nan, why
        return (entry.scale * top / bottom, "") if bottom else (math.nan, "分母为 0，比值无意义")

    def _sum_of_facts(self, indicator: str, year: int, units: list[str]) -> tuple[float, str]:
        facts = self._facts(indicator, year)
        held = facts["value"].reindex(units)
        if held.isna().any():
            lost = [code for code in units if pd.isna(held[code])]
            return math.nan, self._lost(facts, lost)
        return float(held.sum()), ""

    def _read_facts(self, indicator: str, year: int) -> pd.DataFrame:
        return self.store.facts(indicator, year=year).set_index("adcode")

    def _lost(self, facts: pd.DataFrame, lost: list[str]) -> str:
        if not any(code in facts.index for code in lost):
            levels = set(self.regions.loc[[c for c in facts.index if c in self.regions.index], "level"])
            if "county" not in levels and "prefecture" in levels:
                return "只有设区市一级的数据，不能合计到县（市、区）"
        names = "、".join(str(self.regions.loc[code, "name"]) for code in lost[:3])
        return f"{names}{'等' if len(lost) > 3 else ''}没有数据"

    def _sum_of_counts(self, count: str | None, year: int, units: list[str]) -> tuple[float, str]:
        for years in self._counts:
            if year in years and count in years[year].numbers.columns:
                held = years[year].numbers[count].reindex(units)
                if held.isna().any():
                    lost = [code for code in units if pd.isna(held[code])]
                    return math.nan, self._lost(years[year].numbers[[count]].dropna(), lost)
                return float(held.sum()), ""
        return math.nan, f"{year} 年没有分子或分母"
