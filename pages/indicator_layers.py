"""From the store to layers: the page 指标地图 asks here for what it draws."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import pandas as pd

from data.registry import Registry
from data.store import Store
from layers.classify import Classes
from layers.model import Layer
from layers.themes import Ramp, choropleth, pooled_classes
from pages import cached
from pages.indicator_choice import Subject
from pages.indicator_style import DEFAULT_PALETTE, MapStyle
from pages.origin import provenance
from pages.palettes import ramp

_REMARKS = {
    "derived": "数值为推算",
    "secondary": "数据为二手转录，未与原书逐年核对",
    "imported": "数值由用户导入",
}


def layers_of(
    store: Store, registry: Registry, subjects: Sequence[Subject], style: MapStyle
) -> tuple[Layer, ...]:
    """Return the layer of each subject; the same indicator in two years shares its classes."""
    facts = [
        cached.facts(store, one.id, year=one.year, level=one.level).set_index("adcode") for one in subjects
    ]
    ramps = [ramp_of(registry, one.row, style.palette) for one in subjects]
    like: Classes | None = None
    if len(subjects) == 2 and subjects[0].id == subjects[1].id:
        like = pooled_classes(
            [part["value"] for part in facts],
            style.scheme,
            style.k,
            decimals=int(subjects[0].row["decimals"]),
            split_at_zero=ramps[0].id == "diverging",
        )
    return tuple(
        choropleth(
            region_frame(store, one.level),
            part["value"],
            title=str(one.row["name"]),
            unit=str(one.row["unit"]),
            year=one.year,
            direction=str(one.row["direction"]),
            scheme=style.scheme,
            k=style.k,
            palette=palette,
            reasons=part["reason"],
            provenance=provenance(store, part["source"].dropna(), remarks_on(part)),
            like=like,
            decimals=int(one.row["decimals"]),
        )
        for one, part, palette in zip(subjects, facts, ramps, strict=True)
    )


def region_frame(store: Store, level: str) -> gpd.GeoDataFrame:
    """Return the regions of a level for the whole province on screen, with ``parent_name``."""
    frame = cached.regions(store, level)
    names = cached.region_table(store)["name"]
    parents = frame["parent"].map(names).fillna("")
    return frame.assign(parent_name=parents if level in {"county", "prefecture"} else "")


def labels_for(store: Store, level: str) -> gpd.GeoDataFrame:
    """Return the regions whose names stand on the map: prefectures, and counties when those are shown."""
    if level == "economic_region":
        return cached.regions(store, "economic_region")
    names = cached.regions(store, "prefecture")
    return pd.concat([names, cached.regions(store, "county")]) if level == "county" else names


def ramp_of(registry: Registry, row: pd.Series, palette: str) -> Ramp:
    """Return the palette chosen, or for ``auto`` the one that suits the indicator's kind and direction."""
    if palette == DEFAULT_PALETTE:
        palette = "diverging" if row["kind"] == "change" else registry.palette_towards(row["direction"])
    return ramp(palette, registry)


def remarks_on(facts: pd.DataFrame) -> list[str]:
    """Return what a reader must know of the figures: how good they are, and whether their scope changed."""
    remarks = [_REMARKS[quality] for quality in sorted(set(facts["quality"])) if quality in _REMARKS]
    flagged = int(facts["flag"].notna().sum())
    if flagged:
        remarks.append(f"{flagged} 个地区的范围或口径有说明，见数据表")
    return remarks


def ancestors(table: pd.DataFrame, adcode: str) -> list[str]:
    """Return the codes of the regions above ``adcode``, the nearest first."""
    chain: list[str] = []
    parent = table.loc[adcode, "parent"]
    while isinstance(parent, str) and parent in table.index:
        chain.append(parent)
        parent = table.loc[parent, "parent"]
    return chain
