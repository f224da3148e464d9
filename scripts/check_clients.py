"""Have real clients read what is exported: ogrinfo, ogr2ogr, DuckDB, QGIS and LibreOffice.

``python -m scripts.check_clients FOLDER`` exports the counties with an indicator and the facilities in each
format into FOLDER and compares what each client reads with the layer: rows, CRS, types and every cell. Then
it starts the server and has ogrinfo read layers by URL, page by page, by box and by year, and a vector tile;
QGIS draws the tiles of the population grid by URL, and the colours of all classes must be there. QGIS
(Debian's ``python3-qgis``) opens the GeoPackage without being told a style and renders it; the colours of the
picture are compared with those of the legend. The exit code is 1 when a client disagrees or is not there.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
import shutil
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import shapely

from benchmarks.maps import serving
from data.builder.build import build_store
from data.store.store import Store, data_dir, open_store
from exports.catalogue import make_layer
from exports.formats import FORMATS, Options
from exports.package import export
from exports.style import symbols_of
from geo.crs import target_crs
from geo.export_table import ExportTable
from geo.tiles import MATRIX_SET, tile_box
from server.ogc.tiling import tiling_of

CRS = {"gpkg": "4490", "fgb": "4490", "shp": "4490", "parquet": "4490", "geojson": "4326", "kml": "4326"}
"""What a file must say of itself: GeoJSON and KML are WGS 84 by their standards, a drawing says nothing."""

_NUMBER = {"Integer", "Integer64", "Real"}
_SRS = re.compile(r'^    ID\["EPSG",(\d+)\]\]', re.MULTILINE)
_FIELD = re.compile(r"^(.+): ([A-Za-z0-9]+)(?:\((\w+)\))? \(\d+\.\d+\)", re.MULTILINE)
_DBF_BYTES = 254
_TRUE = {"1", "true", "True", "TRUE"}
# Seventh and eighth: texts not all quoted, cells as they are and not as they are shown.
_OFFICE_CSV = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false"


def by_gdal(path: Path, form: str, table: ExportTable) -> list[str]:
    """Return what ogrinfo and ogr2ogr read otherwise than the layer has it: rows, CRS, types, values."""
    told = _run(["ogrinfo", "-so", "-al", str(path)])
    found = re.search(r"^Feature Count: (\d+)", told, re.MULTILINE)
    count = int(found.group(1)) if found else 0
    crs = "".join(_SRS.findall(told)[:1])
    print(f"ogrinfo {form:8} {table.title}：{count} 行，{f'EPSG:{crs}' if crs else '没有坐标系'}")
    if form == "dxf":
        # Rings and names are objects of their own.
        return [] if count >= table.rows and not crs else [f"{path.name}：{count} 个对象，坐标系“{crs}”"]
    faults = [] if count == table.rows else [f"{path.name}：{count} 行，应为 {table.rows}"]
    faults += [] if crs == CRS[form] else [f"{path.name}：坐标系“{crs}”，应为 {CRS[form]}"]
    names = [one.short if form == "shp" else one.title for one in table.fields]
    kinds = {name: kind for name, kind, _ in _FIELD.findall(told)}
    frame = table.frame()
    for one, name in zip(table.fields, names, strict=True):
        if form == "geojson" and frame[one.name].isna().all():
            # JSON has no type for a column of nulls.
            continue
        number = not _is_text(frame[one.name])
        if (kinds.get(name) in _NUMBER) != number:
            faults.append(f"{path.name}：字段“{name}”的类型是 {kinds.get(name)}")
    # A GeoPackage has the table of its styles too.
    layer = [table.title] if form == "gpkg" else []
    rows = list(csv.reader(io.StringIO(_run(["ogr2ogr", "-f", "CSV", "/vsistdout/", str(path), *layer]))))
    return faults + compared(path.name, rows, names, table, limit=_DBF_BYTES if form == "shp" else None)


def by_duckdb(path: Path, table: ExportTable) -> list[str]:
    """Return what DuckDB reads otherwise in a GeoParquet: CRS and values."""
    connection = duckdb.connect()
    keys = connection.execute("SELECT key, value FROM parquet_kv_metadata(?)", [str(path)]).fetchall()
    told = json.loads(next(value for key, value in keys if key == b"geo"))
    crs = str(told["columns"][told["primary_column"]]["crs"]["id"]["code"])
    names = [one.title for one in table.fields]
    found = connection.execute("SELECT * FROM read_parquet(?)", [str(path)])
    head = [column[0] for column in found.description or []]
    rows = [["" if cell is None else str(cell) for cell in row] for row in found.fetchall()]
    print(f"DuckDB  parquet  {table.title}：{len(rows)} 行，EPSG:{crs}")
    faults = [] if crs == CRS["parquet"] else [f"{path.name}：坐标系“{crs}”，应为 {CRS['parquet']}"]
    return faults + compared(path.name, [head, *rows], names, table)


def by_libreoffice(path: Path, table: ExportTable) -> list[str]:
    """Return what LibreOffice reads otherwise in a workbook's first sheet."""
    out = path.parent / "office"
    _run(["soffice", "--headless", "--convert-to", _OFFICE_CSV, "--outdir", str(out), str(path)])
    made = out / f"{path.stem}.csv"
    if not made.is_file():
        return [f"LibreOffice 打不开 {path.name}"]
    rows = list(csv.reader(io.StringIO(made.read_text(encoding="utf-8-sig"))))
    print(f"LibreOffice {table.title}：{len(rows) - 1} 行，表头 {'、'.join(rows[0][:4])}…")
    return compared(path.name, rows, [one.title for one in table.fields], table)


def _run(command: Sequence[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300).stdout


def _is_text(column: pd.Series) -> bool:
    return not (pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column))


def compared(
    file: str, rows: list[list[str]], names: list[str], table: ExportTable, *, limit: int | None = None
) -> list[str]:
    """Return how the cells under ``names`` differ from the layer's; rows go by their first column.

    ``limit``: so many bytes of a text are kept.
    """
    if not rows or any(name not in rows[0] for name in names):
        return [f"{file}：缺少字段 {[name for name in names if not rows or name not in rows[0]]}"]
    at = [rows[0].index(name) for name in names]
    key = table.fields[0].name
    wanted = table.frame().sort_values(key, ignore_index=True)
    found = sorted(([row[place] for place in at] for row in rows[1:]), key=lambda row: row[0])
    if len(found) != len(wanted):
        return [f"{file}：读到 {len(found)} 行数值，应为 {len(wanted)}"]
    faults, cells = [], 0
    for place, one in enumerate(table.fields):
        column = wanted[one.name]
        for number, (cell, value) in enumerate(zip((row[place] for row in found), column, strict=True)):
            cells += 1
            if not _same(cell, value, limit):
                said = f"第 {number + 1} 行“{names[place]}”是“{cell[:40]}”"
                faults.append(f"{file}：{said}，应为“{value!s:.40}”")
                break
    print(f"  {file}：{len(found)} 行 {len(names)} 个字段，比较了 {cells:,} 格，{len(faults)} 个字段有出入")
    return faults


def _same(cell: str, value: object, limit: int | None) -> bool:
    """Return whether a cell is what a value looks like in text; counts to the last digit."""
    if pd.api.types.is_scalar(value) and pd.isna(value):  # type: ignore[call-overload]
        return cell == ""
    if isinstance(value, bool | np.bool_):
        return (cell in _TRUE) == bool(value)
    if isinstance(value, int | np.integer):
        return cell in {str(value), f"{value}.0"}
    if isinstance(value, float | np.floating):
        return _is_number(cell) and math.isclose(float(cell), float(value), rel_tol=1e-12, abs_tol=1e-12)
    text = str(value)
    if limit is not None and len(text.encode()) > limit:
        return cell.endswith("…") and text.startswith(cell[:-1])
    return cell == text


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


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
