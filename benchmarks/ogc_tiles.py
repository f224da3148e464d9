"""Vector tiles by URL from ``/ogc`` beside GDAL's MVT writer making the same tiles.

``python -m benchmarks ogc_tiles [--tiles 12] [--zoom 8] [--store FOLDER] [--json]``. The real server runs on
a loopback port. At each zoom so many tiles of the population grid, spread over the province, are fetched over
one kept connection, twice: the first time the server makes them, the second time it has them. All tiles of
one zoom are fetched from a server that has none of them, and GDAL of the pyogrio wheel writes the same
squares with the same attributes as tiles of that zoom (no size limit, not compressed). Both give every square
with its people, which is compared by id before the ratio is printed. Seconds are those of the whole zoom; the
ratio is GDAL / ours.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import geopandas as gpd
import mapbox_vector_tile
import numpy as np
import pyogrio
import shapely

from benchmarks.build import build
from benchmarks.maps import serving
from benchmarks.table import Row, beside, show
from geo.tiles import MATRIX_SET, MAX_ZOOM, MERCATOR, MIN_ZOOM, tile_range
from server.ogc.config import EXTENT, PREFIX
from server.ogc.tiling import LAYER, tiling_of

COLLECTION = "population_grid"
Place = tuple[int, int]
_NO_LIMITS = {"MAX_SIZE": str(2**30), "MAX_FEATURES": str(10**7), "COMPRESS": "NO", "FORMAT": "DIRECTORY"}


def places(zoom: int) -> list[Place]:
    """Return columns and rows of the tiles that hold the centre of any square."""
    squares = tiling_of(COLLECTION).squares(zoom)
    centres = squares.rings(np.arange(len(squares.column))).mean(axis=1)
    frame = gpd.GeoSeries.from_xy(*centres.T, crs=MERCATOR).to_crs("EPSG:4490")
    found = {tile_range((lon, lat, lon, lat), zoom)[:2] for lon, lat in zip(frame.x, frame.y, strict=True)}
    west, north, east, south = tile_range(EXTENT, zoom)
    return [
        (column, row)
        for row in range(north, south + 1)
        for column in range(west, east + 1)
        if (column, row) in found
    ]


def fetched(connection: HTTPConnection, zoom: int, place: Place) -> tuple[bytes, float]:
    """Return a tile and the seconds until it was there."""
    path = f"{PREFIX}/collections/{COLLECTION}/tiles/{MATRIX_SET}/{zoom}/{place[1]}/{place[0]}?f=mvt"
    begin = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    content = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{path}：{answer.status}")
    return content, time.perf_counter() - begin


def people(tiles: list[bytes], key: str) -> dict[int, int]:
    """Return the people of each square by its id, which is the feature's or the attribute ``key``."""
    found: dict[int, int] = {}
    for content in tiles:
        for one in mapbox_vector_tile.decode(content)[LAYER]["features"]:
            told = one["properties"]
            found[int(told[key] if key else one["id"])] = int(told["population"])
    return found


def by_gdal(zoom: int, folder: Path) -> tuple[list[bytes], float]:
    """Return the tiles that GDAL writes of the squares of a zoom, and the seconds it took."""
    squares = tiling_of(COLLECTION).squares(zoom)
    names = [name for name in tiling_of(COLLECTION).always if name in squares.frame]
    shapes = shapely.polygons(squares.rings(np.arange(len(squares.column))))
    frame = gpd.GeoDataFrame(
        squares.frame[names].assign(square=squares.ids, side_m=int(squares.side_m)),
        geometry=shapes,
        crs=MERCATOR,
    )
    frame["people_per_km2"] = frame["population"] / frame["land_km2"]
    out = folder / f"gdal-{zoom}"
    begin = time.perf_counter()
    options = {**_NO_LIMITS, "MINZOOM": str(zoom), "MAXZOOM": str(zoom)}
    pyogrio.write_dataframe(frame, out, driver="MVT", layer=LAYER, dataset_options=options)
    seconds = time.perf_counter() - begin
    return [path.read_bytes() for path in sorted(out.glob("*/*/*.pbf"))], seconds


def run(count: int, whole: int, data_dir: Path | None = None) -> dict[str, Any]:
    """Return the rows and notes."""
    load = os.getloadavg()[0]
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="sutu-bench-") as name:
        folder = Path(name)
        data = data_dir or folder / "data"
        if data_dir is None:
            build(data)
        os.environ["SUTU_DATA_DIR"] = str(data)
        # Beforehand: the server closes a connection on which nobody asks for some seconds.
        held = {zoom: places(zoom) for zoom in range(MIN_ZOOM, MAX_ZOOM + 1)}
        with serving(data) as (address, _):
            connection = HTTPConnection(urlsplit(address).netloc, timeout=120)
            opening = fetched(connection, MIN_ZOOM, held[MIN_ZOOM][0])[1]
            rows.append(Row("第一块瓦片，连同读格网", "s", opening))
            for zoom, found in held.items():
                if zoom != whole:
                    rows += _zoom(connection, zoom, found, count)
            begin = time.perf_counter()
            ours = [fetched(connection, whole, place)[0] for place in held[whole]]
            seconds = time.perf_counter() - begin
            connection.close()
        theirs, peer = by_gdal(whole, folder)
        if people(ours, "") != people(theirs, "square"):
            raise RuntimeError(f"{whole} 级：两种瓦片的方格或人口不同")
        squares = len(people(ours, ""))
        what = f"{whole} 级全部瓦片（{len(held[whole])} 块，{squares:,} 个方格）；对照为 GDAL 的 MVT"
        rows.append(beside(what, "s", seconds, peer))
        rows.append(
            beside(f"{whole} 级全部瓦片的大小", "MB", sum(map(len, ours)) / 1e6, sum(map(len, theirs)) / 1e6)
        )
    notes = [
        f"每级至多 {count} 块，散布全省；中位数；同一连接逐块",
        f"处理器 {os.cpu_count()} 核，运行前后 1 分钟平均负载 {load:.1f}、{os.getloadavg()[0]:.1f}",
    ]
    return {"rows": rows, "notes": notes}


def _zoom(connection: HTTPConnection, zoom: int, found: list[Place], count: int) -> list[Row]:
    chosen = found[:: max(1, len(found) // count)][:count]
    first = [fetched(connection, zoom, place) for place in chosen]
    again = [fetched(connection, zoom, place)[1] for place in chosen]
    size = median(len(content) for content, _ in first) / 1e3
    what = f"{zoom} 级一块瓦片（{size:.0f} kB）：第一次；对照为再次"
    return [beside(what, "ms", median(seconds for _, seconds in first) * 1e3, median(again) * 1e3)]


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(prog="benchmarks ogc_tiles", description=__doc__)
    parser.add_argument("--tiles", type=int, default=12, help="how many tiles of each zoom")
    parser.add_argument("--zoom", type=int, default=8, help="the zoom that GDAL writes too")
    parser.add_argument("--store", type=Path, help="data directory of a built store, instead of building one")
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args()
    report = run(max(1, asked.tiles), min(max(MIN_ZOOM, asked.zoom), MAX_ZOOM), asked.store)
    if asked.json:
        data = report | {"rows": [row.as_dict() for row in report["rows"]]}
        print(json.dumps(data, ensure_ascii=False, indent=2))
    else:
        show({"ogc_tiles": report["rows"]}, report["notes"])


if __name__ == "__main__":
    main()
