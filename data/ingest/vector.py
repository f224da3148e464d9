"""The door for spatial files: GeoPackage, GeoJSON and zipped shapefile become a checked frame, or a list of
faults.
"""

import re
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from pyogrio.errors import CRSError as PyogrioCRSError
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError

from data.faults import Fault, FaultReport, raise_if_any
from data.ingest.cells import shown
from data.ingest.gpkg_check import check_layer
from data.ingest.reading import FaultList, VectorLimits
from data.ingest.vector_source import VectorSource, prepare, refuse
from data.registry.limit_models import exceeded
from geo.crs import STORE_CRS, Datum, is_store_crs, parse_datum, to_cgcs2000

__all__ = ["VectorLimits", "list_layers", "read_vector", "to_store_datum"]

T = TypeVar("T")

_LARGE_TOLD = 50
_WITHOUT_CRS = ("gcj02", "bd09")
_PRIVATE = re.compile(r"(?:\w+:)?/[^\s'\"]*/input\.\w+")
_EXPORT_AGAIN = "在原软件中修复后重新导出"


def list_layers(path: Path, *, limits: VectorLimits | None = None) -> list[str]:
    """Return the names of the layers a person may choose from; one unnamed layer gives an empty list.

    Raises ``FaultReport`` as ``read_vector`` does.
    """
    with tempfile.TemporaryDirectory(prefix="sutu-") as folder:
        return list(prepare(path, Path(folder), limits or VectorLimits(), None).layers)


def read_vector(
    path: Path,
    *,
    layer: str | None = None,
    limits: VectorLimits | None = None,
    datum: Datum | None = None,
) -> gpd.GeoDataFrame:
    """Return the features of a spatial file: its columns, geometry (2D) and CRS as they stand in it, index
    0…n−1.

    ``layer`` is needed only where the file has several. Text is decoded (DBF: UTF-8 or GBK, told by
    content). Raises ``FaultReport`` with every fault: unknown format, too big, no CRS, and by feature
    (``row`` counts features from 1) missing, empty, non-finite and invalid geometry. A GeoJSON without CRS
    is WGS 84, as its standard says. GCJ-02 and BD-09 have no CRS that a file could name: with one of them
    as ``datum`` a file without CRS holds degrees.
    """
    bounds = limits or VectorLimits()
    with tempfile.TemporaryDirectory(prefix="sutu-") as folder:
        source = prepare(path, Path(folder), bounds, layer)
        frame = _read(path, source, layer, bounds)
    if frame.crs is None and datum in _WITHOUT_CRS:
        frame = frame.set_crs(STORE_CRS)
    if frame.crs is None:
        raise refuse(
            path.name, "文件没有坐标系信息", "在 GIS 软件中定义坐标系（shapefile 需带 .prj）后重新导出"
        )
    _require_convertible(path.name, frame.crs)
    raise_if_any(_geometry_faults(path.name, frame, bounds))
    return frame


def _require_convertible(file: str, crs: object) -> None:
    """Refuse a CRS that can be read but not computed with: a projection that nobody knows."""
    given = CRS.from_user_input(crs)
    try:
        if given.geodetic_crs is not None:
            Transformer.from_crs(given, given.geodetic_crs, always_xy=True)
    except ProjError as fault:
        problem = f"文件的坐标系“{shown(given.name, 60)}”无法换算成经纬度"
        raise refuse(file, problem, "在 GIS 软件中重新定义坐标系后导出") from fault


def to_store_datum(frame: gpd.GeoDataFrame, datum: Datum, file: str) -> gpd.GeoDataFrame:
    """Return the frame in the store's CRS (EPSG:4490), its coordinates taken as being in ``datum``.

    The file's CRS says how coordinates are written (degrees, or a projection of WGS 84 or CGCS2000),
    ``datum`` what they are: GCJ-02 and BD-09 have no CRS of their own and travel as WGS 84. Shared vertices
    stay shared. Raises ``FaultReport`` when the CRS rests on another datum (Beijing 1954, Xi'an 1980) or
    degrees are out of range.
    """
    datum = parse_datum(datum)
    given = CRS.from_user_input(frame.crs)
    if given.geodetic_crs is None or not is_store_crs(given.geodetic_crs):
        name = given.geodetic_crs.name if given.geodetic_crs is not None else given.name
        problem = (
            f"文件的坐标系“{shown(given.name, 60)}”建立在 {shown(name, 40)} 之上，不是 WGS84 或 CGCS2000"
        )
        raise refuse(file, problem, "用测绘部门的转换参数换算到 CGCS2000 后再导入")
    if is_store_crs(given):
        degrees = frame.set_crs(STORE_CRS, allow_override=True)
    else:
        degrees = frame.to_crs(given.geodetic_crs).set_crs(STORE_CRS, allow_override=True)
    shapes = degrees.geometry.to_numpy()
    raise_if_any(_range_faults(file, shapes))
    distinct, place = np.unique(shapely.get_coordinates(shapes), axis=0, return_inverse=True)
    lon, lat = to_cgcs2000(distinct[:, 0], distinct[:, 1], datum)
    converted = shapely.set_coordinates(shapes.copy(), np.column_stack([lon, lat])[place.ravel()])
    return degrees.set_geometry(gpd.GeoSeries(converted, index=frame.index, crs=STORE_CRS))


def _read(path: Path, source: VectorSource, layer: str | None, limits: VectorLimits) -> gpd.GeoDataFrame:
    """Open with the one driver meant, look at the size first, then read."""
    file = path.name
    chosen = _chosen_layer(file, source, layer)
    if source.driver == "GPKG" and chosen is not None:
        check_layer(file, Path(source.path), chosen, limits)
    info = _guarded(
        file,
        lambda: pyogrio.read_info(
            source.path, layer=chosen, encoding=source.encoding, force_feature_count=True
        ),
    )
    if info["driver"] != source.driver:
        raise refuse(file, f"内容按 {shown(str(info['driver']))} 打开，与文件类型不符", _EXPORT_AGAIN)
    _check_size(file, int(info["features"]), len(info["fields"]), limits)
    frame = _guarded(
        file,
        lambda: pyogrio.read_dataframe(
            source.path,
            layer=chosen,
            encoding=source.encoding,
            force_2d=True,
            on_invalid="ignore",
            datetime_as_string=True,
        ),
    )
    if not isinstance(frame, gpd.GeoDataFrame) or info["geometry_type"] is None:
        raise refuse(file, "图层没有图形，只有属性", "导出带图形的图层")
    if frame.empty:
        raise refuse(file, "图层里没有要素", "导出时不要只选空的选择集")
    return frame


def _check_size(file: str, features: int, fields: int, limits: VectorLimits) -> None:
    for name, found, most in (
        ("vector.features", features, limits.features),
        ("vector.fields", fields, limits.fields),
        ("vector.cells", features * fields, limits.cells),
    ):
        if found > most:
            raise FaultReport([exceeded(name, file, found, most=most)])


def _guarded(file: str, read: Callable[[], T]) -> T:
    """Return what ``read`` returns; what the reader raises becomes a fault.

    What GDAL only mutters about (open rings, odd field types) shows as a fault of the feature, or not at all.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            return read()
        except UnicodeDecodeError as fault:
            raise refuse(file, "无法读取：属性或字段名里有不是文字的字节", _EXPORT_AGAIN) from fault
        except (CRSError, PyogrioCRSError, UnboundLocalError) as fault:
            # The reader's own slip where a CRS is told but cannot be written out.
            raise refuse(file, "坐标系的写法无法解读", "在 GIS 软件中重新定义坐标系后导出") from fault
        except (FaultReport, MemoryError):
            raise
        except Exception as fault:
            # A damaged file can raise nearly anything inside the libraries.
            # The library names the private copy; people know the file by its own name.
            said = _PRIVATE.sub(file, str(fault))
            raise refuse(file, f"无法读取：{shown(said, 80)}", _EXPORT_AGAIN) from fault


def _chosen_layer(file: str, source: VectorSource, layer: str | None) -> str | None:
    """Return the layer to open; a shapefile was chosen when it was unpacked, GeoJSON has one."""
    if source.driver != "GPKG":
        return None
    if layer is None and len(source.layers) == 1:
        return source.layers[0]
    if layer in source.layers:
        return layer
    names = "、".join(shown(name) for name in source.layers[:10])
    problem = f"文件里有 {len(source.layers)} 个图层" if layer is None else f"文件里没有图层“{shown(layer)}”"
    raise refuse(file, problem, f"指定其中一个图层：{names}")


def _geometry_faults(file: str, frame: gpd.GeoDataFrame, limits: VectorLimits) -> list[Fault]:
    shapes = frame.geometry.to_numpy()
    sizes = shapely.get_num_coordinates(shapes)
    if int(sizes.sum()) > limits.vertices:
        return [exceeded("vector.vertices", file, int(sizes.sum()), most=limits.vertices)]
    most = limits.vertices_per_feature
    large = np.flatnonzero(sizes > most)[:_LARGE_TOLD]
    if len(large):
        # Whether such a shape is valid would take minutes to say.
        return [
            exceeded("vector.vertices_per_feature", file, int(sizes[at]), most=most, row=int(at) + 1)
            for at in large
        ]
    missing = pd.isna(frame.geometry).to_numpy() | shapely.is_empty(shapes)
    finite = np.ones(len(shapes), dtype=bool)
    xy, owner = shapely.get_coordinates(shapes, return_index=True)
    finite[owner[~np.isfinite(xy).all(axis=1)]] = False
    invalid = ~missing & finite & ~shapely.is_valid(shapes)
    found = FaultList(file, None)
    for at in np.flatnonzero(missing | ~finite | invalid):
        if missing[at]:
            found.add(int(at) + 1, None, "没有图形，或图形已损坏", "补上图形，或删去该要素")
        elif not finite[at]:
            found.add(int(at) + 1, None, "图形的坐标不是有限的数", _EXPORT_AGAIN)
        else:
            reason = shown(shapely.is_valid_reason(shapes[at]), 80)
            found.add(int(at) + 1, None, f"图形无效（{reason}）", "用“修复几何”工具修复后重新导出")
    return found.report() if found.faults else []


def _range_faults(file: str, shapes: np.ndarray) -> list[Fault]:
    """Name the features whose degrees are none, with the usual cause."""
    bounds = shapely.bounds(shapes)
    wrong = np.flatnonzero(
        (np.abs(bounds[:, [0, 2]]) > 180).any(axis=1) | (np.abs(bounds[:, [1, 3]]) > 90).any(axis=1)
    )
    found = FaultList(file, None)
    for at in wrong:
        west, south = bounds[at, :2]
        found.add(
            int(at) + 1,
            None,
            f"坐标（{west:.6g}，{south:.6g}）不是经纬度",
            "核对坐标系：可能是投影坐标却标成了经纬度，或经度与纬度颠倒",
        )
    return found.report() if found.faults else []
