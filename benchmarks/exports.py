"""Layers out beside GDAL's own ogr2ogr doing the same conversion.

Two times of ours: ``whole`` makes the rows from the store and writes them; ``writing`` starts, as ogr2ogr
does, from rows that are made already. The ratio is the time of ogr2ogr over that of the writing alone (goal:
at least 0.67, that is, at most 1.5 times as long); the ratio of the whole job stands beside it. ``ogr2ogr``
comes with Debian's ``gdal-bin``, which has no driver for Parquet: there the peer is geopandas copying the
same file.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import xlsxwriter

from data.builder.build import build_store
from data.store.store import data_dir, open_store
from exports.catalogue import make_layer
from exports.formats import FORMATS, Options
from exports.package import export
from exports.vector import write_geopackage, write_shapefile
from geo.crs import TARGETS
from geo.errors import ExportError
from geo.export_table import ExportTable

DRIVERS = {
    "gpkg": ("GPKG",),
    "fgb": ("FlatGeobuf",),
    "geojson": ("GeoJSON", "-lco", "RFC7946=YES"),
    "shp": ("ESRI Shapefile", "-lco", "ENCODING=UTF-8"),
    "kml": ("KML",),
    "dxf": ("DXF",),
    "csv": ("CSV",),
    "xlsx": ("XLSX",),
}
_STORE = TARGETS["EPSG:4490"]


def seconds(work: Callable[[], object]) -> float:
    """Return how long a piece of work takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _write(table: ExportTable, form: str, path: Path) -> None:
    path.unlink(missing_ok=True)
    if form == "shp":
        write_shapefile(table, path, _STORE)
    else:
        export([table], path, Options(form, _STORE, "name"))


def _peer(form: str, source: Path, layer: str, path: Path) -> None:
    path.unlink(missing_ok=True)
    if form == "parquet":
        gpd.read_file(source, layer=layer, use_arrow=True).to_parquet(path, compression="zstd")
        return
    driver, *more = DRIVERS[form]
    # A drawing has no columns: ogr2ogr needs to be told to leave them.
    kept = ["-select", ""] if form == "dxf" else []
    command = ["ogr2ogr", "-f", driver, *more, *kept, str(path), str(source), layer]
    subprocess.run(command, check=True, capture_output=True)


def compare(table: ExportTable, name: str, folder: Path, formats: list[str]) -> list[dict[str, Any]]:
    """Return a row for each format: our seconds (whole, writing), those of the peer, and the ratios."""
    source = folder / f"{name}-source.gpkg"
    write_geopackage([table], source, _STORE, naming="name", approval=None)
    chunks = list(table.chunks())
    made = replace(table, chunks=lambda: chunks)
    rows = []
    for form in formats:
        ours = folder / f"ours{FORMATS[form].suffix}"
        theirs = folder / f"theirs{FORMATS[form].suffix}"
        what = f"{name}（{table.rows:,} 行）写成 {form}"
        try:
            whole = seconds(lambda form=form, path=ours: _write(table, form, path))  # type: ignore[misc]
        except ExportError as fault:
            rows.append({"what": f"{what}：不导出，{fault}", "unit": "s"})
            continue
        writing = seconds(lambda form=form, path=ours: _write(made, form, path))  # type: ignore[misc]
        peer = seconds(lambda form=form, path=theirs: _peer(form, source, table.title, path))  # type: ignore[misc]
        rows.append(
            {
                "what": what,
                "unit": "s",
                "whole": round(whole, 2),
                "ours": round(writing, 2),
                "peer": round(peer, 2),
                "ratio": round(peer / writing, 2),
                "whole_ratio": round(peer / whole, 2),
            }
        )
        for path in (ours, theirs):
            path.unlink(missing_ok=True)
    return rows


def xlsxwriter_alone(table: ExportTable, folder: Path) -> float:
    """Return what XlsxWriter takes for the same columns when nothing else is done (see decision 0009)."""
    rows = [
        row
        for part in table.chunks()
        for row in part[[one.name for one in table.fields]].itertuples(index=False)
    ]

    def write() -> None:
        options = {"constant_memory": True, "nan_inf_to_errors": True}
        with xlsxwriter.Workbook(str(folder / "alone.xlsx"), options) as book:
            sheet = book.add_worksheet()
            for number, row in enumerate(rows):
                for place, cell in enumerate(row):
                    (sheet.write_string if isinstance(cell, str) else sheet.write_number)(number, place, cell)

    return seconds(write)


def main() -> None:
    """Read the options, run, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--no-grid", action="store_true", help="only the counties")
    parser.add_argument("--formats", default="gpkg,parquet,fgb,geojson,shp,kml,dxf,csv,xlsx")
    asked = parser.parse_args()
    formats = asked.formats.split(",")
    build_store(data_dir(), only_if_stale=True)
    store, rows, notes = open_store(), [], []
    if shutil.which("ogr2ogr") is None:
        notes.append("没有 ogr2ogr（Debian 包 gdal-bin），未作比较")
    else:
        with tempfile.TemporaryDirectory(prefix="sutu-") as name:
            folder = Path(name)
            counties = make_layer(store, data_dir(), "population_density")
            rows += compare(counties, "counties", folder, formats)
            if not asked.no_grid:
                grid = make_layer(store, data_dir(), "population_grid")
                rows += compare(grid, "grid", folder, formats)
                if "xlsx" in formats:
                    notes.append(f"XlsxWriter 单独写同样的格子：{xlsxwriter_alone(grid, folder):.2f} s")
    if asked.json:
        print(json.dumps({"rows": rows, "notes": notes}, ensure_ascii=False))
        return
    heads = ("项目", "单位", "含生成行", "只写", "ogr2ogr", "对照 / 只写", "对照 / 含生成行")
    print("| " + " | ".join(heads) + " |\n|" + "---|" * len(heads))
    for row in rows:
        print("| " + " | ".join(str(value) for value in row.values()) + " |")
    for note in notes:
        print(note)


if __name__ == "__main__":
    main()
