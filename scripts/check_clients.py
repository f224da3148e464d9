"""Have real clients read what is exported: ogrinfo, ogr2ogr, DuckDB, QGIS and LibreOffice.

``python -m scripts.check_clients FOLDER`` exports the counties with an indicator and the facilities in each
format into FOLDER and compares what each client reads with the layer: rows, CRS, types and every cell. Then
it starts the server and has ogrinfo read layers by URL, page by page, by box and by year, and a vector tile;
QGIS draws the tiles of the population grid by URL, and the colours of all classes must be there. QGIS
(Debian's ``python3-qgis``) opens the GeoPackage without being told a style and renders it; the colours of the
picture are compared with those of the legend. The exit code is 1 when a client disagrees or is not there.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

import shapely

from benchmarks.maps import serving
from data.builder.build import build_store
from data.store.store import Store, data_dir, open_store
from exports.catalogue import make_layer
from exports.formats import FORMATS, Options
from exports.package import export
from exports.style import symbols_of
from geo.export_crs import target_crs
from geo.export_table import ExportTable
from geo.tiles import MATRIX_SET, tile_box
from scripts.client_values import by_duckdb, by_gdal, by_libreoffice
from server.ogc.tiling import tiling_of

INDICATOR = "indicator.population_65_plus_share"
VECTOR = ("gpkg", "fgb", "geojson", "shp", "kml", "parquet")
CLIENTS = ("ogrinfo", "ogr2ogr", "soffice", "/usr/bin/python3")
QGIS = Path(__file__).with_name("qgis_client.py")
TILE_STEPS = ((0, "#deebf7"), (400, "#6baed6"), (1000, "#2171b5"), (5000, "#08306b"))
"""Classes of people per km² from their lower end, and their colours."""


def main(folder: Path) -> int:
    """Export, ask every client that is there, and return 1 when one of them disagrees."""
    missing = [name for name in CLIENTS if shutil.which(name) is None]
    if missing:
        print(f"没有安装 {'、'.join(missing)}，不能核对（gdal-bin、libreoffice-calc、python3-qgis）")
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    build_store(data_dir(), only_if_stale=True)
    store = open_store()
    tables = [
        make_layer(store, data_dir(), INDICATOR, {"year": "2020"}),
        make_layer(store, data_dir(), "facilities"),
    ]
    faults: list[str] = []
    for form in (*VECTOR, "dxf", "xlsx"):
        target = target_crs("4549" if form == "dxf" else "4490")
        for number, table in enumerate(tables):
            path = _written(table, form, folder / f"{number}", target_crs(target.id))
            faults += _asked(path, form, table)
    package = folder / "both.gpkg"
    export(tables, package, Options("gpkg", target_crs("4490")))
    faults += _in_qgis(package, tables[0], folder)
    faults += _by_url(store, folder)
    for fault in faults:
        print(f"不一致：{fault}")
    return 1 if faults else 0


def _written(table: ExportTable, form: str, stem: Path, target: object) -> Path:
    options = Options(form, target)  # type: ignore[arg-type]
    if form != "shp":
        path = stem.with_suffix(FORMATS[form].suffix)
        export([table], path, options)
        return path
    package = stem.with_suffix(".zip")
    export([table], package, options)
    opened = stem.with_name(f"{stem.name}_shp")
    with zipfile.ZipFile(package) as file:
        file.extractall(opened)
    return next(opened.glob("*.shp"))


def _asked(path: Path, form: str, table: ExportTable) -> list[str]:
    """Ask the client of a format: LibreOffice, DuckDB (Debian 12's GDAL has no Parquet driver) or GDAL."""
    if form == "xlsx":
        return by_libreoffice(path, table)
    return by_duckdb(path, table) if form == "parquet" else by_gdal(path, form, table)


def _by_url(store: Store, folder: Path) -> list[str]:
    """Start the server and have ogrinfo count what it reads from ``/ogc``."""
    box = (120.0, 31.0, 121.0, 32.0)
    counties = store.regions("county", zoom="full")
    inside = int(counties.intersects(shapely.box(*box)).sum())
    everywhere = len(counties)
    prefectures = len(store.region_table("prefecture"))
    wanted = [
        ("regions.county", "", (), everywhere),
        ("regions.county", "", box, inside),
        ("indicator.population.county", "", (), everywhere),
        ("indicator.gdp.prefecture", "?datetime=2010", (), prefectures),
        ("indicator.gdp.prefecture", "?datetime=2010/2012", (), 3 * prefectures),
        ("facilities", "", (), len(store.facilities())),
        ("catchment.prefecture", "", (), prefectures),
        ("circles.prefecture", "", (), prefectures),
        ("siting", "", (), 5),
    ]
    faults = []
    with serving(data_dir()) as (address, _):
        for name, query, area, count in wanted:
            # Every item is fetched, in pages of seven hundred, and counted as it comes.
            window = ["-spat", *map(str, area)] if area else []
            source = f"OAPIF:{address}/ogc/{query}"
            command = ["ogrinfo", "-al", "-oo", "PAGE_SIZE=700", *window, source, name]
            told = subprocess.run(command, capture_output=True, text=True, check=False)
            found = sum(line.startswith("OGRFeature(") for line in told.stdout.splitlines())
            print(f"ogrinfo OAPIF {name}{query} {area or ''}：{found} 个要素")
            if found != count:
                faults.append(f"{name}{query}：ogrinfo 由网址读到 {found} 个，应为 {count}")
        faults += _tiles(f"{address}/ogc/collections/population_grid/tiles/{MATRIX_SET}", folder)
    return faults


def _tiles(address: str, folder: Path) -> list[str]:
    """Have ogrinfo count the squares of a tile, and QGIS draw the province and a town from tiles."""
    zoom, column, row = 8, 212, 103
    path = folder / f"{row}.mvt"
    with urllib.request.urlopen(f"{address}/{zoom}/{row}/{column}?f=mvt") as answer:
        path.write_bytes(answer.read())
    place = ["-oo", f"X={column}", "-oo", f"Y={row}", "-oo", f"Z={zoom}", "-oo", "CLIP=NO"]
    told = subprocess.run(
        ["ogrinfo", "-al", *place, f"MVT:{path}"], capture_output=True, text=True, check=False
    )
    found = sum(line.startswith("OGRFeature(") for line in told.stdout.splitlines())
    wanted = len(tiling_of("population_grid").squares(zoom).within(tile_box(zoom, column, row)))
    print(f"ogrinfo MVT {zoom}/{row}/{column}：{found} 个方格")
    faults = [] if found == wanted else [f"瓦片：ogrinfo 读到 {found} 个方格，应为 {wanted}"]
    boxes = {"province": (12940e3, 3590e3, 13590e3, 4200e3), "town": (13190e3, 3720e3, 13280e3, 3810e3)}
    for name, box in boxes.items():
        source = f"{address}/{{z}}/{{y}}/{{x}}?f%3Dmvt"
        words = ["tiles", source, json.dumps(TILE_STEPS), json.dumps(box), str(folder / f"tiles-{name}.png")]
        drawn = _qgis(words, folder)
        print(f"QGIS 矢量瓦片 {name} {json.dumps(drawn)}")
        missing = {colour for _, colour in TILE_STEPS} - set(drawn["colours"])
        if missing or not drawn["valid"]:
            faults.append(f"QGIS 没有从瓦片画出颜色 {sorted(missing)}")
    return faults


def _qgis(words: list[str], folder: Path) -> dict[str, Any]:
    """Return what QGIS says of a layer; raises ``RuntimeError`` where it does not run."""
    told = subprocess.run(
        ["/usr/bin/python3", str(QGIS), *words],
        capture_output=True,
        text=True,
        check=False,
        env={"QT_QPA_PLATFORM": "offscreen", "PATH": "/usr/bin:/bin", "HOME": str(folder)},
    )
    if told.returncode != 0:
        raise RuntimeError(f"QGIS 没有运行：{told.stderr.strip().splitlines()[-1:]}")
    answer: dict[str, Any] = json.loads(told.stdout.strip().splitlines()[-1])
    return answer


def _in_qgis(path: Path, table: ExportTable, folder: Path) -> list[str]:
    words = ["file", f"{path}|layername={table.title}", str(folder / "qgis.png")]
    answer = _qgis(words, folder)
    symbols = symbols_of(table)
    wanted = {one.colour for one in symbols.entries}
    found = set(answer["colours"])
    print(f"QGIS {json.dumps(answer, ensure_ascii=False)}")
    faults = [] if wanted <= found else [f"QGIS 没有画出颜色 {sorted(wanted - found)}"]
    if answer["rows"] != table.rows or answer["crs"] != "EPSG:4490":
        faults.append(f"QGIS 读到 {answer['rows']} 行，{answer['crs']}")
    return faults


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m scripts.check_clients FOLDER")
    sys.exit(main(Path(sys.argv[1])))
