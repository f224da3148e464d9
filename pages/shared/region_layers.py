"""What maps of regions share: shapes and names of a level, the palette of an indicator, what must be said."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd

from analysis.palettes import ramp
from data.registry import Registry
from data.store.store import Store
from geo.region_tree import parent_names
from layers.themes import Ramp
from pages.shared import cached

DEFAULT_PALETTE = "auto"
_REMARKS = {
    "derived": "数值为推算",
    "secondary": "数据为二手转录，未与原书逐年核对",
    "imported": "数值由用户导入",
}


def region_frame(store: Store, level: str) -> gpd.GeoDataFrame:
    """Return the regions of a level for the whole province on screen, with ``parent_name``."""
    frame = cached.regions(store, level)
    parents = parent_names(cached.region_table(store)).reindex(frame.index).fillna("")
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
