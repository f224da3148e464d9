"""Regions as a coverage: which one holds a point, what they add up to, and where they fail to tile."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj import CRS

from geo.crs import is_store_crs, require_metric, to_albers
from geo.errors import CrsError, GeometryError

REPORTED_AREA_M2 = 1.0
"""Gaps and overlaps up to this area are digitising noise and not reported."""

_MOST_DECIMALS = 10
_PROBE_M = 10.0


def assign_regions(points: gpd.GeoDataFrame, regions: gpd.GeoDataFrame) -> pd.Series:
    """Return the adcode of the region that covers each point, aligned to the index of ``points``; None
    where none.

    A point on a shared edge or corner is covered by several regions and goes to the lowest code, so it
    belongs to exactly one. Empty and missing points belong to none. ``regions`` has the adcode as a column
    or as its index; both frames must be in the same CRS (``CrsError`` otherwise; CGCS2000 and WGS 84 count
    as the same).
    """
    _require_same_crs(points, regions)
    codes = adcodes(regions).to_numpy()
    order = np.argsort(codes, kind="stable")
    tree = shapely.STRtree(points.geometry.to_numpy())
    # From the highest code to the lowest: the last writer, the lowest code, wins.
    region_at, point_at = tree.query(regions.geometry.to_numpy()[order[::-1]], predicate="covers")
    found = np.full(len(points), None, dtype=object)
    found[point_at] = codes[order[::-1]][region_at]
    return pd.Series(found, index=points.index, name="adcode", dtype=object)


def locate(lon: ArrayLike, lat: ArrayLike, regions: gpd.GeoDataFrame, *, crs: object) -> NDArray[np.object_]:
    """Return the adcode of the region that covers each position, as an array of text, None where none.

    ``lon`` and ``lat`` are x and y in ``crs``, NaN for no position. As ``assign_regions``, for so many points
    that a shape for each of them would weigh too much.
    """
    x, y = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    _require_same_crs(gpd.GeoSeries([], crs=crs), regions)
    codes = adcodes(regions).to_numpy()
    shapes = regions.geometry.to_numpy()
    found = np.full(len(x), None, dtype=object)
    # In order of x, the points between west and east of a region are one stretch.
    order = np.argsort(x, kind="stable")
    x, y = x[order], y[order]
    # From the highest code to the lowest: the last writer, the lowest code, wins.
    for at in np.argsort(codes, kind="stable")[::-1]:
        shape = shapes[at]
        if shape is None or shape.is_empty:
            continue
        west, south, east, north = shape.bounds
        first, last = np.searchsorted(x, west, "left"), np.searchsorted(x, east, "right")
        near = first + np.flatnonzero((y[first:last] >= south) & (y[first:last] <= north))
        shapely.prepare(shape)
        found[order[near[shapely.intersects_xy(shape, x[near], y[near])]]] = codes[at]
    return found


def adcodes(regions: gpd.GeoDataFrame) -> pd.Series:
    """Return the adcodes of a region frame (text, aligned to its index), from the column or the index of
    that name.
    """
    codes = regions["adcode"] if "adcode" in regions.columns else regions.index.to_series()
    found: pd.Series = codes.astype(object)
    return found


def dissolve(counties: gpd.GeoDataFrame, by: pd.Series) -> gpd.GeoDataFrame:
    """Return the unions of ``counties`` grouped by ``by`` (aligned to their index), with adcode = the
    group, sorted.

    The counties must be a valid coverage, so inner edges vanish exactly and no sliver stays. Geometry is
    Polygon or MultiPolygon in the CRS of the input. ``GeometryError`` when a county has no group.
    """
    group = by.reindex(counties.index)
    if group.isna().any():
        missing = "、".join(adcodes(counties)[group.isna()].astype(str)[:10])
        raise GeometryError(f"有 {int(group.isna().sum())} 个县（市、区）没有上级区域，无法合并：{missing}。")
    shapes = counties.geometry.to_numpy()
    codes = sorted(group.unique())
    merged = [shapely.coverage_union_all(shapes[(group == code).to_numpy()]) for code in codes]
    merged = [shapely.normalize(_polygonal(shape)) for shape in merged]
    return gpd.GeoDataFrame({"adcode": codes}, geometry=merged, crs=counties.crs)


def simplify_coverage(
    regions: gpd.GeoDataFrame, tolerance_m: float, *, decimals: int | None = None
) -> gpd.GeoDataFrame:
    """Return ``regions`` simplified together, so that shared edges stay shared; CRS and columns as given.

    The tolerance is the square root of the area (m²) of the corners that are cut away (Visvalingam–Whyatt
    as in ``shapely.coverage_simplify``), measured in ``ALBERS``. ``decimals`` rounds the coordinates, in
    units of the CRS given; where that would break the coverage one more decimal is kept, and so on.
    ``regions`` must be a valid coverage. ``GeometryError`` when a region vanishes or the result is no valid
    coverage.
    """
    metric = to_albers(regions)
    simplified = shapely.coverage_simplify(metric.geometry.to_numpy(), tolerance_m)
    back = gpd.GeoSeries(simplified, crs=metric.crs).to_crs(regions.crs).to_numpy()
    if decimals is not None:
        back = _rounded_coverage(back, decimals)
    lost = shapely.is_empty(back) | ~shapely.is_valid(back)
    if lost.any():
        raise GeometryError(
            f"边界化简到 {tolerance_m:g} 米时丢失或损坏了 {int(lost.sum())} 个区域，请减小容差。"
        )
    if not shapely.coverage_is_valid(back):
        raise GeometryError(f"边界化简到 {tolerance_m:g} 米后不再无缝，请减小容差。")
    result = regions.copy()
    return result.set_geometry(gpd.GeoSeries(back, index=regions.index, crs=regions.crs))


def coverage_problems(regions: gpd.GeoDataFrame) -> list[str]:
    """Return what keeps ``regions`` from tiling their union, in Chinese, largest first; empty when they do.

    Named are: missing, empty and invalid geometry, each pair that overlaps by more than
    ``REPORTED_AREA_M2``, and each gap (a hole of the union that touches two regions or more) larger than
    that, with areas in m². Looked for in the plane of the CRS given, where straight edges are straight;
    measured in ``ALBERS``.
    """
    codes = adcodes(regions).to_numpy()
    shapes = regions.geometry.to_numpy()
    problems = _invalid_shapes(codes, shapes)
    if problems:
        return problems
    return _overlaps(codes, regions.geometry) + _gaps(codes, regions.geometry)


def area_km2(regions: gpd.GeoDataFrame) -> pd.Series:
    """Return the area of each geometry in km², measured in ``ALBERS`` whatever the CRS given; NaN where
    there is none.
    """
    metric = to_albers(regions)
    require_metric(metric)
    area = metric.geometry.area / 1e6
    found: pd.Series = area.where(~metric.geometry.isna()).rename("area_km2")
    return found


def _polygonal(shape: shapely.Geometry) -> shapely.Geometry:
    """Return the union of the polygons in ``shape``: a coverage union may come as a collection."""
    return (
        shape
        if shape.geom_type in ("Polygon", "MultiPolygon")
        else shapely.union_all(shapely.get_parts(shape))
    )


def _rounded_coverage(shapes: NDArray[np.object_], decimals: int) -> NDArray[np.object_]:
    """Return the shapes with rounded coordinates, repeated points removed, with as few decimals as keep
    them valid.
    """
    for kept in range(decimals, _MOST_DECIMALS):
        rounded = shapely.transform(shapes, lambda xy, n=kept: np.round(xy, n))
        if shapely.is_valid(rounded).all() and shapely.coverage_is_valid(rounded):
            return np.asarray(shapely.remove_repeated_points(rounded))
    return shapes


def _require_same_crs(points: gpd.GeoDataFrame | gpd.GeoSeries, regions: gpd.GeoDataFrame) -> None:
    if points.crs is None or regions.crs is None:
        raise CrsError("点位或区域没有坐标系，无法判断点落在哪个区域。请先声明坐标系。")
    if points.crs != regions.crs and not (is_store_crs(points.crs) and is_store_crs(regions.crs)):
        raise CrsError(
            f"点位（{points.crs.name}）与区域（{regions.crs.name}）坐标系不同，请先换算到同一坐标系。"
        )


def _invalid_shapes(codes: NDArray[np.object_], shapes: NDArray[np.object_]) -> list[str]:
    problems = []
    for code, shape in zip(codes, shapes, strict=True):
        if shape is None or shape.is_empty:
            problems.append(f"{code} 没有图形")
        elif not shape.is_valid:
            problems.append(f"{code} 的图形无效：{shapely.is_valid_reason(shape)}")
    return problems


def _areas_m2(shapes: NDArray[np.object_], crs: CRS) -> NDArray[np.float64]:
    """Return areas (m²) of slivers: their area in the plane of ``crs``, scaled by what ``ALBERS`` makes of
    a small square there.

    Projecting the sliver itself would not do: the two sides of a long thin one bend apart.
    """
    result: NDArray[np.float64] = shapely.area(shapes)
    drawn = result > 0
    half = _PROBE_M if crs.is_projected else _PROBE_M / 1e5
    x, y = shapely.get_coordinates(shapely.point_on_surface(shapes[drawn])).T
    probes = gpd.GeoDataFrame(geometry=shapely.box(x - half, y - half, x + half, y + half), crs=crs)
    result[drawn] *= to_albers(probes).geometry.area.to_numpy() / (4 * half * half)
    return result


def _overlaps(codes: NDArray[np.object_], regions: gpd.GeoSeries) -> list[str]:
    shapes = regions.to_numpy()
    left, right = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    left, right = left[left < right], right[left < right]
    area = _areas_m2(shapely.intersection(shapes[left], shapes[right]), regions.crs)
    order = np.argsort(-area, kind="stable")
    return [
        f"{codes[left[i]]} 与 {codes[right[i]]} 重叠 {area[i]:,.1f} m²"
        for i in order
        if area[i] > REPORTED_AREA_M2
    ]


def _gaps(codes: NDArray[np.object_], regions: gpd.GeoSeries) -> list[str]:
    """Return the holes of the union that no single region has as a hole of its own (a lake left out is no
    gap).
    """
    shapes = regions.to_numpy()
    rings = [ring for part in shapely.get_parts(shapely.union_all(shapes)) for ring in part.interiors]
    if not rings:
        return []
    holes = shapely.polygons(rings)
    tree = shapely.STRtree(shapes)
    found = []
    for hole, area in zip(holes, _areas_m2(holes, regions.crs), strict=True):
        touching = tree.query(hole, predicate="intersects")
        if area > REPORTED_AREA_M2 and len(touching) > 1:
            found.append((float(area), sorted(codes[touching])))
    found.sort(key=lambda gap: (-gap[0], gap[1]))
    return [f"{'、'.join(neighbours)} 之间有缝隙 {area:,.1f} m²" for area, neighbours in found]
