"""Datums and coordinate reference systems: which are the same, which measure, and which a layer may leave in.

The store keeps CGCS2000 longitude and latitude (EPSG:4490). WGS 84 and CGCS2000 differ by centimetres and
are one and the same here by policy. GCJ-02 (Amap, Tencent, most Chinese web maps) and BD-09 (Baidu) are
deliberate distortions, some 500 m in Jiangsu; their formulas are the ones in general circulation since
2010, with the Krasovsky axis.

EPSG:4490 is what is stored. The Gauss–Krüger zones are offered by their numbers with a warning for what
lies outside the zone: there the scale grows as half the square of the distance from the meridian (radians
times the cosine of the latitude). GCJ-02 and BD-09 are for the developers of web maps only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj import CRS
from pyproj.crs import GeographicCRS, ProjectedCRS
from pyproj.crs.coordinate_operation import AlbersEqualAreaConversion

from geo.errors import CrsError, DatumError, ExportError

Datum = Literal["wgs84", "cgcs2000", "gcj02", "bd09"]
FloatArray = NDArray[np.float64]

STORE_CRS: str = "EPSG:4490"
"""CRS of everything stored: CGCS2000, longitude first."""

ALBERS: CRS = ProjectedCRS(
    name="CGCS2000 / Jiangsu Albers (31.5, 34.5, 119)",
    conversion=AlbersEqualAreaConversion(
        latitude_first_parallel=31.5,
        latitude_second_parallel=34.5,
        latitude_false_origin=0.0,
        longitude_false_origin=119.0,
    ),
    geodetic_crs=GeographicCRS.from_user_input(STORE_CRS),
)
"""The measuring CRS of the whole province, in metres: area exact, length within 0.042 %."""

EXPORT_CRS: dict[int, str] = {
    4548: "CGCS2000 三度带，中央经线 117°E",
    4549: "CGCS2000 三度带，中央经线 120°E",
    4550: "CGCS2000 三度带，中央经线 123°E",
}
"""Gauss–Krüger zones that cover Jiangsu: metric, but each only near its own meridian."""

# EPSG:4326 and CRS84 are WGS 84, EPSG:4490 is CGCS2000: one datum by policy.
_STORE_ALIKE = tuple(CRS.from_user_input(code) for code in ("EPSG:4490", "EPSG:4326", "OGC:CRS84"))

_DATUM_WORDS: dict[str, Datum] = {
    "wgs84": "wgs84",
    "epsg:4326": "wgs84",
    "gps": "wgs84",
    "cgcs2000": "cgcs2000",
    "epsg:4490": "cgcs2000",
    "2000国家大地坐标系": "cgcs2000",
    "gcj02": "gcj02",
    "火星坐标": "gcj02",
    "高德": "gcj02",
    "bd09": "bd09",
    "bd09ll": "bd09",
    "百度坐标": "bd09",
}

_AXIS_M = 6378245.0
_ECCENTRICITY_SQUARED = 0.00669342162296594323
_BD_PI = np.pi * 3000.0 / 180.0
_BD_LON, _BD_LAT = 0.0065, 0.006
# The rectangle in which GCJ-02 is distorted; outside it equals WGS 84.
_GCJ_WEST, _GCJ_EAST, _GCJ_SOUTH, _GCJ_NORTH = 72.004, 137.8347, 0.8293, 55.8271
# Each step shrinks the error by a factor of about 1,000 (GCJ-02) and 100 (BD-09): this many reach the last
# digit of both.
_INVERSE_STEPS = 12


def parse_datum(text: object) -> Datum:
    """Return the datum a person wrote ("GCJ-02", "wgs84", "EPSG:4490", "百度坐标" …).

    Raises ``DatumError`` with the reason and the choices for anything else, "unknown" and nothing included:
    a guess would be some 500 m wrong and nobody would see it.
    """
    word = (
        "".join(str(text if text is not None else "").strip().lower().split())
        .replace("-", "")
        .replace("_", "")
    )
    known = _DATUM_WORDS.get(word)
    if known is not None:
        return known
    choices = "、".join(get_args(Datum))
    said = f"“{text}”" if word else "没有写明"
    raise DatumError(
        f"坐标基准{said}，无法采用：同一地点在 WGS84、GCJ-02、BD-09 下的坐标在江苏相差约 500 米至 1 公里，"
        f"不能猜测。请向数据提供方问明，再从 {choices} 中选定一个。"
    )


def is_store_crs(crs: Any) -> bool:
    """Return whether a CRS (anything pyproj reads) counts as the store's: CGCS2000 or WGS 84
    longitude/latitude.

    ``CRS(4490) == CRS(4326)`` is False in pyproj; this is the one place that says they are the same here.
    ``None`` and unreadable CRS are not.
    """
    if crs is None:
        return False
    given = CRS.from_user_input(crs)
    return any(given.equals(alike, ignore_axis_order=True) for alike in _STORE_ALIKE)


def to_cgcs2000(lon: ArrayLike, lat: ArrayLike, datum: Datum) -> tuple[FloatArray, FloatArray]:
    """Return CGCS2000 longitude and latitude (degrees, float64, shape of the broadcast input) of points in
    ``datum``.

    The inverses of GCJ-02 and BD-09 are iterated to the last digit: ``from_cgcs2000`` of the result gives
    the input back within a micrometre, except within a kilometre of the edge of GCJ-02's rectangle. NaN
    stays NaN. Raises ``DatumError`` for an unknown datum and for coordinates that are no longitude or
    latitude.
    """
    datum = parse_datum(datum)
    x, y = _checked(lon, lat)
    if datum == "bd09":
        x, y = _gcj02_from_bd09(x, y)
    if datum in ("gcj02", "bd09"):
        x, y = _wgs84_from_gcj02(x, y)
    return x, y


def from_cgcs2000(lon: ArrayLike, lat: ArrayLike, datum: Datum) -> tuple[FloatArray, FloatArray]:
    """Return longitude and latitude in ``datum`` (degrees, float64) of CGCS2000 points.

    Outside the rectangle of GCJ-02 (72.004–137.8347°E, 0.8293–55.8271°N) that datum equals WGS 84; BD-09
    keeps its own offset everywhere. NaN stays NaN. Raises ``DatumError`` as ``to_cgcs2000`` does.
    """
    datum = parse_datum(datum)
    x, y = _checked(lon, lat)
    if datum in ("gcj02", "bd09"):
        x, y = _gcj02_from_wgs84(x, y)
    if datum == "bd09":
        x, y = _bd09_from_gcj02(x, y)
    return x, y


def convert_geometry(geoms: ArrayLike, source: Datum, target: Datum) -> NDArray[np.object_]:
    """Return the geometries (object array, shape of the input) with every vertex converted; Z is dropped.

    Each distinct vertex is converted once, so vertices that were shared stay shared to the last bit, and a
    coverage stays a coverage. Straight edges stay straight between converted vertices.
    """
    source, target = parse_datum(source), parse_datum(target)

    def convert(coordinates: FloatArray) -> FloatArray:
        distinct, place = np.unique(coordinates, axis=0, return_inverse=True)
        lon, lat = to_cgcs2000(distinct[:, 0], distinct[:, 1], source)
        lon, lat = from_cgcs2000(lon, lat, target)
        return np.column_stack([lon, lat])[place.ravel()]

    return np.asarray(shapely.transform(shapely.force_2d(np.asarray(geoms, dtype=object)), convert))


def require_metric(frame: gpd.GeoDataFrame | gpd.GeoSeries) -> None:
    """Raise ``CrsError`` unless the frame is in ``ALBERS`` or one of the Gauss–Krüger zones of
    ``EXPORT_CRS``.

    Web Mercator is refused with the rest: at 33°N its 1,000 m are 839 m.
    """
    if frame.crs is None:
        raise CrsError("数据没有坐标系，无法量算。请先声明坐标系，再投影到江苏 Albers 等积坐标系。")
    given = CRS.from_user_input(frame.crs)
    if given.equals(ALBERS, ignore_axis_order=True) or given.to_epsg() in EXPORT_CRS:
        return
    raise CrsError(
        f"坐标系“{given.name}”不能用于量算长度和面积。"
        "请先投影到江苏 Albers 等积坐标系（标准纬线 31.5°、34.5°，中央经线 119°）。"
    )


def to_albers(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the frame projected to ``ALBERS`` (metres); ``CrsError`` when it has no CRS.

    WGS 84 frames are taken as CGCS2000 first, so that no datum operation of pyproj's choosing slips in
    between.
    """
    if frame.crs is None:
        raise CrsError("数据没有坐标系，无法投影。请先声明坐标系。")
    if is_store_crs(frame.crs):
        frame = frame.set_crs(STORE_CRS, allow_override=True)
    return frame.to_crs(ALBERS)


def _checked(lon: ArrayLike, lat: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return both as float64 arrays of one shape; refuse what cannot be degrees."""
    x, y = np.broadcast_arrays(np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64))
    wrong = (np.abs(x) > 180.0) | (np.abs(y) > 90.0) | np.isinf(x) | np.isinf(y)
    if wrong.any():
        first = int(np.flatnonzero(wrong.ravel())[0])
        raise DatumError(
            f"{int(wrong.sum())} 个坐标不是经纬度，"
            f"第一个是经度 {x.ravel()[first]:g}、纬度 {y.ravel()[first]:g}。"
            "请检查是否误用了投影坐标（米），或经度与纬度颠倒。"
        )
    return x.copy(), y.copy()


def _in_gcj_area(lon: FloatArray, lat: FloatArray) -> NDArray[np.bool_]:
    return (lon >= _GCJ_WEST) & (lon <= _GCJ_EAST) & (lat >= _GCJ_SOUTH) & (lat <= _GCJ_NORTH)


def _gcj_offset(lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the GCJ-02 offset in degrees at CGCS2000 points, without regard to the rectangle."""
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    common = (20.0 * np.sin(6.0 * x * np.pi) + 20.0 * np.sin(2.0 * x * np.pi)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + common
    east += (20.0 * np.sin(x * np.pi) + 40.0 * np.sin(x / 3.0 * np.pi)) * 2.0 / 3.0
    east += (150.0 * np.sin(x / 12.0 * np.pi) + 300.0 * np.sin(x / 30.0 * np.pi)) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + common
    north += (20.0 * np.sin(y * np.pi) + 40.0 * np.sin(y / 3.0 * np.pi)) * 2.0 / 3.0
    north += (160.0 * np.sin(y / 12.0 * np.pi) + 320.0 * np.sin(y * np.pi / 30.0)) * 2.0 / 3.0
    phi = np.radians(lat)
    magic = 1.0 - _ECCENTRICITY_SQUARED * np.sin(phi) ** 2
    meridian = _AXIS_M * (1.0 - _ECCENTRICITY_SQUARED) / (magic * np.sqrt(magic))
    parallel = _AXIS_M / np.sqrt(magic) * np.cos(phi)
    return np.degrees(east / parallel), np.degrees(north / meridian)


def _gcj02_from_wgs84(lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    inside = _in_gcj_area(lon, lat)
    east, north = _gcj_offset(np.where(inside, lon, 105.0), np.where(inside, lat, 35.0))
    return np.where(inside, lon + east, lon), np.where(inside, lat + north, lat)


def _wgs84_from_gcj02(lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Fixed-point iteration on the forward formula; a point outside the rectangle is returned as it is."""
    inside = _in_gcj_area(lon, lat)
    goal_x, goal_y = np.where(inside, lon, 105.0), np.where(inside, lat, 35.0)
    x, y = goal_x, goal_y
    for _ in range(_INVERSE_STEPS):
        east, north = _gcj_offset(x, y)
        x, y = goal_x - east, goal_y - north
    return np.where(inside, x, lon), np.where(inside, y, lat)


def _bd09_from_gcj02(lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * _BD_PI)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * _BD_PI)
    return radius * np.cos(angle) + _BD_LON, radius * np.sin(angle) + _BD_LAT


def _gcj02_from_bd09(lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    x, y = lon - _BD_LON, lat - _BD_LAT
    for _ in range(_INVERSE_STEPS):
        forward_x, forward_y = _bd09_from_gcj02(x, y)
        x, y = x + (lon - forward_x), y + (lat - forward_y)
    return x, y


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
