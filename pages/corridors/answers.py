"""What the pages 通道走廊 and 铁路时序 keep between views, per version of the store."""

from __future__ import annotations

import pandas as pd

from analysis.corridor_reports import HsrCoverage, StationAccess, hsr_coverage, station_access
from analysis.corridors import Corridors
from data.store.store import Store, data_dir
from layers.corridor_map import CorridorSet, CorridorStyle, corridor_set
from layers.words.corridor import STATUS_NAMES
from pages.shared.cached import kept_by_version

BASIS_NAMES = {
    "plan": "规划原文",
    "project": "走向由本项目按公开资料整理，不是规划原文",
    "name": "由名称中的地名",
}


@kept_by_version(2)
def corridors_of(store: Store) -> Corridors:
    """Return the corridors of a store, shared by everybody."""
    return Corridors(store)


@kept_by_version(2)
def corridor_pieces(store: Store) -> CorridorSet:
    """Return what the map draws of them, made once."""
    found = corridors_of(store)
    return corridor_set(found.shapes, {str(key): style_of(found, str(key)) for key in found.shapes.index})


def style_of(found: Corridors, key: str) -> CorridorStyle:
    """Return how a corridor is drawn, and what its tip says."""
    row = found.table.loc[key]
    family = found.families[str(row["family"])]
    members = found.members_of(key)
    names = list(dict.fromkeys(members.loc[members["role"].isin(["city", "member", "end", "route"]), "text"]))
    shown = "、".join(names[:8]) + ("等" if len(names) > 8 else "")
    lines = (
        family.name,
        f"{row['doc_no']}　{STATUS_NAMES[str(row['status'])]}　{row['precision']}",
        shown,
    )
    return CorridorStyle(
        str(row["name"]), str(row["shape"]), family.colour, family.weight, str(row["status"]), lines
    )


@kept_by_version(2)
def coverage_of_counties(store: Store) -> HsrCoverage:
    """Return the estimate of high-speed coverage."""
    return hsr_coverage(corridors_of(store))


@kept_by_version(128, copied=True)
def access_of(store: Store, key: str) -> StationAccess:
    """Return the people near a corridor's stations."""
    return station_access(corridors_of(store), key, data_dir())


@kept_by_version(256, copied=True)
def beside_of(store: Store, key: str) -> dict[float, float]:
    """Return the people within the distances of a corridor."""
    return corridors_of(store).beside(key)


@kept_by_version(2)
def titles(store: Store) -> dict[str, str]:
    """Return the titles of the plans by id."""
    frame: pd.DataFrame = store.plan_documents().set_index("plan")
    return {str(key): str(title) for key, title in frame["title"].items()}
