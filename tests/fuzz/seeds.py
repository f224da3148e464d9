"""Small files without a fault, one for every format that a door takes. A new one is a function and a line."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import geopandas as gpd
import openpyxl
import shapely

from data.regions.boundaries import load_packaged_boundaries
from tests.data.osm_files import World, ring, square
from tests.hostile import gpkg_files, raster_files, vector_files
from tests.hostile.case import Scene

_INDICATORS = (
    ("行政区划代码", "指标", "年份", "数值", "来源", "备注"),
    ("320102", "常住人口", "2021", "540000", "某局统计公报 2021", ""),
    ("320104", "population", "2022", "730,000", "某局统计公报 2021", "“初步”"),
    ("320105", "城镇化率", "2021", "98.5", "某局统计公报 2021", "初步"),
)
_FACILITIES = (
    ("名称", "类型", "等级", "规模", "经度", "纬度", "行政区划代码", "数据日期"),
    ("鼓楼医院", "hospital", "三级", "3,800", "118.7826", "32.0583", "320106", "2023-06"),
    ("第二药店", "pharmacy", "", "", "118.80", "32.06", "", "2023"),
    ("市图书馆", "library", "", "12", "117.2", "34.26", "320303", ""),
)
_NOWHERE = Scene(Path("none"), Path("none"), "http://127.0.0.1:9")


@dataclass(frozen=True)
class Seed:
    """A kind of file: its ending, how it is made, and the doors that take it."""

    name: str
    ending: str
    make: Callable[[Path], object]
    doors: tuple[str, ...]


def _csv(
    rows: tuple[tuple[str, ...], ...], encoding: str = "utf-8", mark: str = ","
) -> Callable[[Path], object]:
    text = "".join(mark.join(f'"{cell}"' if "," in cell else cell for cell in row) + "\r\n" for row in rows)
    return lambda path: path.write_bytes(text.encode(encoding))


def _book(rows: tuple[tuple[str, ...], ...]) -> Callable[[Path], object]:
    def make(path: Path) -> None:
        book = openpyxl.Workbook()
        sheet = book.active
        sheet.title = "填报"
        for row in rows:
            sheet.append(
                [float(cell) if cell.replace(".", "", 1).isdigit() and "." in cell else cell for cell in row]
            )
        book.create_sheet("说明").append(["x"])
        book.save(path)

    return make


def _points(path: Path) -> None:
    features = (
        vector_files.feature(
            f'{{"name":"{row[0]}","type":"{row[1]}","capacity":{number}.5,"as_of":"2023-01-01","a":[1,{{"b":null}}]}}',
            f'{{"type":"Point","coordinates":[{row[4]},{row[5]}]}}',
        )
        for number, row in enumerate(_FACILITIES[1:])
    )
    vector_files.geojson(path, features)


def _package(path: Path) -> None:
    gpkg_files.geopackage(path)


def _shapes(path: Path) -> None:
    vector_files.shapefile(path, {})


@cache
def _counties() -> gpd.GeoDataFrame:
    frame = load_packaged_boundaries().reset_index()
    frame = frame[frame["level"] == "county"] if "level" in frame.columns else frame
    simple = shapely.coverage_simplify(frame.geometry.to_numpy(), 0.003)
    return gpd.GeoDataFrame({"adcode": frame["adcode"].to_numpy()}, geometry=simple, crs=frame.crs)


def _county_json(path: Path) -> None:
    path.write_text(shapely_text(_counties()), encoding="utf-8")


def shapely_text(frame: gpd.GeoDataFrame) -> str:
    """Return a frame as GeoJSON."""
    return str(frame.to_json())


def _county_package(path: Path) -> None:
    _counties().to_file(path, driver="GPKG", engine="pyogrio")


def _county_shapes(path: Path) -> None:
    import zipfile

    folder = path.with_suffix("")
    folder.mkdir(exist_ok=True)
    _counties().to_file(folder / "a.shp", driver="ESRI Shapefile", engine="pyogrio")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in sorted(folder.iterdir()):
            archive.writestr(zipfile.ZipInfo(part.name), part.read_bytes(), zipfile.ZIP_DEFLATED)


def _raster(path: Path) -> None:
    raster_files.small(path, _NOWHERE)


def _tiled_raster(path: Path) -> None:
    import numpy as np
    import rasterio

    profile = {
        "driver": "GTiff", "width": 256, "height": 256, "count": 1, "dtype": "float32", "crs": "EPSG:4326",
        "transform": rasterio.Affine(0.026, 0, 116, 0, -0.026, 36), "tiled": True, "blockxsize": 128,
        "blockysize": 128, "compress": "deflate", "nodata": -1.0,
    }  # fmt: skip
    with io.BytesIO() as memory, rasterio.MemoryFile(memory) as holder:
        with holder.open(**profile) as raster:
            raster.write(np.arange(65_536, dtype="float32").reshape(256, 256), 1)
        path.write_bytes(holder.read())


def _extract(path: Path) -> None:
    nodes: dict[int, tuple] = dict(square(1, 118.78, 32.05, 0.002))  # type: ignore[type-arg]
    nodes |= {
        10: (118.79, 32.06, {"amenity": "hospital", "name": "甲医院", "beds": "120"}),
        11: (118.80, 32.07, {"amenity": "pharmacy"}),
        20: (118.70, 32.00),
        21: (118.71, 32.01),
        22: (118.72, 32.00),
    }
    ways = {
        100: (ring(1), {"amenity": "school", "name": "乙小学"}),
        101: ([20, 21, 22], {"highway": "primary", "maxspeed": "60", "oneway": "yes"}),
        102: ([22, 10], {"railway": "rail", "name": "沪宁线"}),
        103: ([20, 22, 99], {"waterway": "river", "name": "秦淮河"}),
    }
    relations = {200: ([("w", 100, "outer")], {"type": "multipolygon", "natural": "water"})}
    path.unlink(missing_ok=True)
    World(nodes, ways, relations).write(path, timestamp="2024-05-01T00:00:00Z")


_VECTOR: Final = ("facilities", "sites")
SEEDS: Final = (
    Seed("indicators_csv", ".csv", _csv(_INDICATORS), ("indicators",)),
    Seed("indicators_gbk", ".txt", _csv(_INDICATORS, "gb18030", "\t"), ("indicators",)),
    Seed("indicators_xlsx", ".xlsx", _book(_INDICATORS), ("indicators",)),
    Seed("facilities_csv", ".csv", _csv(_FACILITIES), _VECTOR),
    Seed("facilities_xlsx", ".xlsx", _book(_FACILITIES), _VECTOR),
    Seed("points_geojson", ".geojson", _points, _VECTOR),
    Seed("points_gpkg", ".gpkg", _package, _VECTOR),
    Seed("points_shapefile", ".zip", _shapes, _VECTOR),
    Seed("counties_geojson", ".geojson", _county_json, ("boundaries",)),
    Seed("counties_gpkg", ".gpkg", _county_package, ("boundaries",)),
    Seed("counties_shapefile", ".zip", _county_shapes, ("boundaries",)),
    Seed("people_tif", ".tif", _raster, ("population",)),
    Seed("people_tiled_tif", ".tif", _tiled_raster, ("population",)),
    Seed("extract_pbf", ".osm.pbf", _extract, ("osm",)),
)


def seeds_of(door: str) -> list[Seed]:
    """Return the kinds of files that a door takes."""
    return [seed for seed in SEEDS if door in seed.doors]


def written(seed: Seed, folder: Path) -> bytes:
    """Return the bytes of a seed, made in ``folder`` when it is not there yet."""
    path = folder / f"{seed.name}{seed.ending}"
    if not path.exists():
        seed.make(path)
    return path.read_bytes()
