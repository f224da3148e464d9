"""The coordinate systems a layer may leave in, the conversion to each, and what must be said about it.

EPSG:4490 is what is stored. The Gauss–Krüger zones are offered by their numbers with a warning for what
lies outside the zone: there the scale grows as half the square of the distance from the meridian (radians
times the cosine of the latitude). GCJ-02 and BD-09 are for the developers of web maps only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import CRS

from geo.crs import ALBERS, STORE_CRS, Datum, convert_geometry, is_store_crs
from geo.errors import CrsError, ExportError

Kind = Literal["geographic", "zone", "equal_area", "web", "datum"]
HALF_ZONE_DEGREES = 1.5
NOT_FOR_PUBLICATION = "加密坐标，仅供网络地图开发对接使用，不得公开出版，不得用于量算"


@dataclass(frozen=True)
class TargetCrs:
    """One choice: ``id`` as people write it, ``name`` as they read it; ``meridian`` of a zone in degrees."""

    id: str
    name: str
    kind: Kind
    meridian: float | None = None
    datum: Datum | None = None

    @property
    def crs(self) -> CRS | None:
        """The CRS as pyproj knows it; None for GCJ-02 and BD-09, which no registry of CRS has."""
        if self.kind == "datum":
            return None
        return ALBERS if self.kind == "equal_area" else CRS.from_user_input(self.id)

    @property
    def is_geographic(self) -> bool:
        """Whether coordinates are degrees."""
        return self.kind in {"geographic", "datum"}

    @property
    def publishable(self) -> bool:
        """Whether a file in it may be published at all."""
        return self.kind != "datum"

    @property
    def suffix(self) -> str:
        """What a file's name says of it: nothing for the CRS of the store."""
        return "" if self.id == STORE_CRS else "_" + self.id.replace("EPSG:", "")


TARGETS: dict[str, TargetCrs] = {
    one.id: one
    for one in (
        TargetCrs("EPSG:4490", "CGCS2000 经纬度（国家大地坐标系，默认）", "geographic"),
        TargetCrs("EPSG:4326", "WGS 84 经纬度", "geographic"),
        TargetCrs("EPSG:4547", "CGCS2000 三度带，中央经线 114°E", "zone", 114.0),
        TargetCrs("EPSG:4548", "CGCS2000 三度带，中央经线 117°E", "zone", 117.0),
        TargetCrs("EPSG:4549", "CGCS2000 三度带，中央经线 120°E", "zone", 120.0),
        TargetCrs("EPSG:4550", "CGCS2000 三度带，中央经线 123°E", "zone", 123.0),
        TargetCrs("albers", "江苏 Albers 等积圆锥（标准纬线 31.5°、34.5°，中央经线 119°）", "equal_area"),
        TargetCrs("EPSG:3857", "Web 墨卡托（仅供网络地图叠加，不可量算）", "web"),
        TargetCrs("gcj02", "GCJ-02 火星坐标（高德、腾讯）", "datum", datum="gcj02"),
        TargetCrs("bd09", "BD-09 百度坐标", "datum", datum="bd09"),
    )
}
"""The coordinate systems offered, by id."""


def target_crs(text: str) -> TargetCrs:
    """Return the target a person wrote (``EPSG:4549``, ``4549``, ``albers``, ``GCJ-02`` …).

    Raises ``CrsError`` naming the choices for anything else.
    """
    word = text.strip().lower().replace("-", "").replace(" ", "")
    for one in TARGETS.values():
        known = one.id.lower()
        if word in {known, known.removeprefix("epsg:")}:
            return one
    raise CrsError(f"不能导出为坐标系“{text[:40]}”；可选：{'、'.join(TARGETS)}。")


def reproject(frame: gpd.GeoDataFrame, target: TargetCrs) -> gpd.GeoDataFrame:
    """Return the frame (EPSG:4490) in the target: shapes converted vertex by vertex, rows unchanged.

    A frame in GCJ-02 or BD-09 has no CRS. Raises ``CrsError`` when the frame is not in the store's CRS and
    ``ExportError`` when a vertex has no finite coordinates in the target.
    """
    if not is_store_crs(frame.crs):
        raise CrsError("只能从 CGCS2000 经纬度（EPSG:4490）导出；请先换算。")
    if target.datum is not None:
        shapes = frame.geometry.to_numpy()
        there = frame.geometry.notna().to_numpy()
        moved = np.array(shapes, dtype=object)
        moved[there] = convert_geometry(moved[there], "cgcs2000", target.datum)
        plain = pd.DataFrame(frame.drop(columns=frame.geometry.name))
        return gpd.GeoDataFrame(plain, geometry=gpd.GeoSeries(moved, index=frame.index))
    if target.kind == "geographic":
        # CGCS2000 and WGS 84 are one datum here by policy (geo.crs): no operation of pyproj's choosing.
        return frame.set_crs(target.crs, allow_override=True)
    moved_frame = frame.set_crs(STORE_CRS, allow_override=True).to_crs(target.crs)
    if not np.isfinite(moved_frame.total_bounds).all() and len(frame) and frame.geometry.notna().any():
        raise ExportError(f"有的坐标在 {target.name} 里没有数值；请换一个坐标系，或裁剪到省内。")
    return moved_frame


def zone_warning(west: float, east: float, latitude: float, target: TargetCrs) -> str | None:
    """Return what must be said of a layer between two longitudes in a Gauss–Krüger zone, None when nothing.

    Names the worst length scale at ``latitude`` in parts per ten thousand.
    """
    if target.meridian is None or not (math.isfinite(west) and math.isfinite(east)):
        return None
    left, right = target.meridian - HALF_ZONE_DEGREES, target.meridian + HALF_ZONE_DEGREES
    if west >= left and east <= right:
        return None
    away = max(abs(west - target.meridian), abs(east - target.meridian))
    stretch = (math.radians(away) * math.cos(math.radians(latitude))) ** 2 / 2.0
    return (
        f"图层范围 {west:.2f}°–{east:.2f}°E 超出 {target.id} 的三度带 {left:g}°–{right:g}°E："
        f"边缘长度变形约万分之 {stretch * 1e4:.1f}。跨带的图层请用 EPSG:4490 或 albers"
    )
