"""Where the stations of rail corridors stand: at the imported station of the place's name, else at its town.

The plans name towns, not stations. A place takes an imported, surveyed facility of the type railway_station
in its own county (a prefecture: in any of its counties) whose name is the place's name and 站; failing that
the only one whose name adds a direction (如皋南站). Nothing is guessed: of several that fit none is taken.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Hashable
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from data.corridor_analysis import Corridors
from data.corridor_places import without_brackets
from data.coverage import IMPLIED
from geo.crs import ALBERS, STORE_CRS

STATION_TYPE = "railway_station"
RAIL_GROUP = "铁路"
SURVEYED, SCHEMATIC = "实测", "示意"
SAME_STATION_M = 1_000.0
"""Records of one name no further apart than this are one station: maps hold its point and its building."""
# The columns of a table of stations, and what people call them.
STATION_HEADERS = {
    "place": "地点",
    "adcode": "代码",
    "lon": "经度",
    "lat": "纬度",
    "precision": "位置",
    "station": "车站",
    "reason": "示意的原因",
}
NONE_IMPORTED = "没有导入实测的火车站"
NONE_NAMED = "这一地区导入的火车站中没有同名的"
_DIRECTIONS = "东南西北"
_SUFFIX = re.compile(r"(火车|高铁|铁路)?站$")
_KIND = re.compile(r"(?<=..)[市县区]$")


def match_stations(places: pd.DataFrame, facilities: pd.DataFrame) -> pd.DataFrame:
    """Return where the station of every place stands.

    ``places``: columns name, text, adcode (six digits, or None), lon, lat. ``facilities``: columns of the
    table ``facility``; only surveyed railway stations count. Returns ``STATION_HEADERS``, indexed as places:
    ``lon``, ``lat`` of the station (``precision`` 实测, ``station`` its name) or of the place (示意, with
    the ``reason``).
    """
    held = facilities[
        (facilities["type"] == STATION_TYPE)
        & ~facilities["precision"].isin(IMPLIED)
        & facilities["adcode"].notna()
        & facilities[["lon", "lat"]].notna().all(axis=1)
    ]
    stations = _metric(held).assign(base=held["name"].fillna("").astype(str).map(station_base))
    rows = [_found(row, stations) for row in places.to_dict("records")]
    return pd.DataFrame(rows, index=places.index, columns=list(STATION_HEADERS))


def station_base(name: str) -> str:
    """Return a station's name without brackets, spaces and 站: 苏州北站 is 苏州北."""
    text = re.sub(r"\s", "", unicodedata.normalize("NFKC", without_brackets(name)))
    return _SUFFIX.sub("", text)


def stations_of(corridors: Corridors, key: str) -> pd.DataFrame:
    """Return the stations of a corridor: its places in the province, each position once.

    Columns ``STATION_HEADERS``, in the order of the text; empty where nothing is placed.
    """
    members = corridors.members_of(key)
    stops = members[members["adcode"].notna() & members["lon"].notna() & (members["role"] != "node")]
    stops = stops.drop_duplicates(["lon", "lat"])
    found = match_stations(stops, corridors.store.facilities())
    return found.drop_duplicates(["lon", "lat"]).reset_index(drop=True)


def _metric(held: pd.DataFrame) -> pd.DataFrame:
    points = gpd.GeoSeries.from_xy(held["lon"], held["lat"], crs=STORE_CRS).to_crs(ALBERS)
    return held.assign(x=points.x.to_numpy(), y=points.y.to_numpy())


def _found(place: dict[Hashable, Any], stations: pd.DataFrame) -> dict[str, object]:
    """Return the row of one place."""
    chosen, reason = _choose(place, stations)
    spot = place if chosen is None else chosen
    return {
        "place": str(place["name"]),
        "adcode": place["adcode"],
        "lon": float(spot["lon"]),
        "lat": float(spot["lat"]),
        "precision": SCHEMATIC if chosen is None else SURVEYED,
        "station": None if chosen is None else str(chosen["name"]),
        "reason": reason,
    }


def _choose(
    place: dict[Hashable, Any], stations: pd.DataFrame
) -> tuple[dict[Hashable, Any] | None, str | None]:
    """Return the station of a place, or None with the reason."""
    if stations.empty:
        return None, NONE_IMPORTED
    code = str(place["adcode"])
    home = stations["adcode"].astype(str)
    own = stations[home.str[:4] == code[:4]] if code.endswith("00") else stations[home == code]
    said = {station_base(str(place[column])) for column in ("name", "text")} - {""}
    names = said | {_KIND.sub("", name) for name in said}
    turned = {f"{name}{direction}" for name in names for direction in _DIRECTIONS}
    for wanted in (names, turned):
        fits = own[own["base"].isin(wanted)].sort_values("id")
        if fits.empty:
            continue
        bases = list(dict.fromkeys(fits["base"]))
        if len(bases) > 1:
            listed = "、".join(f"{base}站" for base in bases)
            return None, f"有{listed}，原文没有写明是哪一座"
        apart = float(np.hypot(fits["x"] - fits["x"].iloc[0], fits["y"] - fits["y"].iloc[0]).max())
        if apart > SAME_STATION_M:
            return None, f"同名的火车站有 {len(fits)} 处，相距 {apart / 1000:.1f} 公里，无法认定"
        return fits.to_dict("records")[0], None
    return None, NONE_NAMED
