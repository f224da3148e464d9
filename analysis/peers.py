"""The profile of the regions of a level, the same for the pages, the command line and the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from data.registry.index_models import load_profile_rules
from data.store.store import Store
from geo.errors import CompareError, UnknownRegionError
from geo.peers import Spine, distinct, similar_regions, spines, strengths
from geo.region_tree import PROVINCE

PROFILE_LEVELS = ("economic_region", "prefecture", "county")


@dataclass(frozen=True, eq=False)
class ProfileSet:
    """Every region of a level on every indicator of the profile.

    ``indicators``: index id; columns name, unit, direction, decimals, group, year, quality, source (ids, of
    all values), definition. ``matrix``: regions (those of the level, the economic regions, the province) by
    indicators, NaN where undefined; ``reasons`` and ``remarks`` the same with texts. ``spines`` by indicator,
    over the regions of the level. ``structure``: regions of the level by the indicators of their structure.
    """

    level: str
    regions: pd.DataFrame
    indicators: pd.DataFrame
    matrix: pd.DataFrame
    reasons: pd.DataFrame
    remarks: pd.DataFrame
    spines: dict[str, Spine]
    structure: pd.DataFrame
    structure_names: tuple[str, ...]

    def value(self, adcode: str, indicator: str) -> float:
        """Return one value, NaN when undefined."""
        return float(self.matrix[indicator].to_dict()[adcode])

    def row(self, adcode: str) -> dict[str, float]:
        """Return all values of one region by indicator, NaN where undefined."""
        return {str(name): self.value(adcode, str(name)) for name in self.matrix.columns}

    def decimals(self, indicator: str) -> int:
        """Return with how many decimals an indicator is written."""
        return int(self.indicators["decimals"].to_dict()[indicator])

    def similar(self, adcode: str, count: int | None = None) -> pd.DataFrame:
        """Return the regions nearest in structure (``count`` of them, by default as the registry says).

        Columns adcode, distance, name.
        """
        found = similar_regions(self.structure, adcode, count or load_profile_rules().similar_regions)
        return found.assign(name=found["adcode"].map(self.regions["name"]))

    def strengths(self, adcode: str) -> tuple[list[str], list[str]]:
        """Return the indicators a region is strong in, and those it lags in (see `geo.peers`)."""
        return strengths(self.spines, adcode, load_profile_rules().end_share)

    def economic_region(self, adcode: str) -> str | None:
        """Return the economic region of a region; None for an economic region itself."""
        found = self.regions.loc[adcode, "economic_region"]
        return str(found) if isinstance(found, str) and found != adcode else None


def require_comparable(store: Store, adcodes: Sequence[str]) -> tuple[str, list[str]]:
    """Return the level of the regions, and their codes without repetitions.

    Raises `UnknownRegionError` for a code that names none, `CompareError` for none, more than
    the registry allows, or regions of different levels or a level without a profile.
    """
    codes = distinct(adcodes)
    table = store.region_table()
    unknown = [code for code in codes if code not in table.index]
    if unknown:
        raise UnknownRegionError(f"没有行政区划代码为{'、'.join(f'“{code}”' for code in unknown)}的地区")
    most = load_profile_rules().most_regions
    if not codes or len(codes) > most:
        raise CompareError(f"一次比较 1 至 {most} 个地区，给出了 {len(codes)} 个。")
    levels = list(dict.fromkeys(table.loc[codes, "level"]))
    if len(levels) > 1:
        told = "、".join(table.loc[codes, "name"].astype(str))
        raise CompareError(f"只能比较同一层级的地区；{told}不在同一层级。")
    if levels[0] not in PROFILE_LEVELS:
        raise CompareError(
            f"{table.loc[codes, 'name'].iloc[0]}没有可比较的同级地区；请选经济区、设区市或县。"
        )
    return str(levels[0]), codes


def load_profiles(store: Store, level: str) -> ProfileSet:
    """Return the profile of every region of ``level`` (economic_region, prefecture or county).

    Each indicator is taken in the latest year in which the level has it.
    """
    table = store.region_table()
    regions = table[table["level"] == level]
    wanted = list(
        dict.fromkeys([*regions.index, *table.index[table["level"] == "economic_region"], PROVINCE])
    )
    entries = store.indicators()
    rows: list[dict[str, Any]] = []
    columns: dict[str, pd.DataFrame] = {}
    chosen = [one for one in load_profile_rules().indicators if one.id in entries.index]
    for one in chosen:
        facts = store.facts(one.id)
        years = facts.loc[(facts["level"] == level) & facts["value"].notna(), "year"]
        if years.empty:
            continue
        year = int(years.max())
        now = facts[facts["year"] == year].set_index("adcode").reindex(wanted)
        entry = entries.loc[one.id]
        columns[one.id] = now
        rows.append(
            {
                "id": one.id,
                **{key: entry[key] for key in ("name", "unit", "direction", "quality", "definition")},
                "decimals": int(str(entry["decimals"])),
                "group": one.group,
                "year": year,
                "source": tuple(sorted(set(now["source"].dropna()))),
                "shown": one.shown,
                "structure": one.structure,
            }
        )
    indicators = pd.DataFrame(rows).set_index("id", drop=False).rename_axis(None)
    values = pd.DataFrame({name: now["value"] for name, now in columns.items()}, index=wanted)
    own = values.loc[regions.index]
    shown = indicators[indicators["shown"]]
    made_of = list(indicators.index[indicators["structure"]])
    return ProfileSet(
        level=level,
        regions=table[table["level"].isin([level, "economic_region", "province"])],
        indicators=shown,
        matrix=values[list(shown.index)],
        reasons=_texts(columns, "reason", shown.index),
        remarks=_texts(columns, "flag", shown.index),
        spines=spines(own[list(shown.index)], dict(shown["direction"])),
        structure=own[made_of],
        structure_names=tuple(indicators.loc[made_of, "name"].astype(str)),
    )


def _texts(columns: dict[str, pd.DataFrame], name: str, indicators: pd.Index) -> pd.DataFrame:
    return pd.DataFrame({key: columns[key][name].fillna("").astype(str) for key in indicators})


def comparison_rows(profiles: ProfileSet, adcodes: Sequence[str]) -> list[dict[str, Any]]:
    """Return the comparison as plain values: one entry per indicator, with the regions' standing in it."""
    found = []
    for name, one in profiles.spines.items():
        entry = profiles.indicators.loc[name]
        found.append(
            {
                **{key: entry[key] for key in ("id", "name", "unit", "direction", "quality")},
                "year": int(str(entry["year"])),
                "worst": one.worst,
                "best": one.best,
                "median": one.median,
                "province": profiles.value(PROVINCE, name),
                "among": one.among,
                "reason": one.reason,
                "regions": [_standing(profiles, one, code) for code in adcodes],
            }
        )
    return found


def _standing(profiles: ProfileSet, one: Spine, adcode: str) -> dict[str, Any]:
    name = one.indicator
    above = profiles.economic_region(adcode)
    value = profiles.value(adcode, name)
    return {
        "adcode": adcode,
        "name": str(profiles.regions.loc[adcode, "name"]),
        "value": value,
        "rank": float(one.ranks[adcode]),
        "position": float(one.positions[adcode]),
        "economic_region": profiles.value(above, name) if above else float("nan"),
        "reason": (str(profiles.reasons.loc[adcode, name]) or "没有数值") if pd.isna(value) else "",
        "remark": str(profiles.remarks.loc[adcode, name]),
    }
