"""Layers out beside GDAL's own ogr2ogr doing the same conversion.

Both write the same rows: ours made from the store, those of ogr2ogr read from a GeoPackage written before.
The ratio is the time of ogr2ogr over ours (goal: at least 0.67, that is, at most 1.5 times as long).
``ogr2ogr`` comes with Debian's ``gdal-bin``; without it the comparison says so.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from data.build import build_store
from data.catalogue import make_layer
from data.store import data_dir, open_store
from geo.export_crs import TARGETS
from geo.export_table import ExportTable
from layers.export_formats import FORMATS, Options
from layers.export_package import export
from layers.export_vector import write_geopackage, write_shapefile

DRIVERS = {
    "gpkg": ("GPKG",),
    "fgb": ("FlatGeobuf",),
    "geojson": ("GeoJSON", "-lco", "RFC7946=YES"),
    "shp": ("ESRI Shapefile", "-lco", "ENCODING=UTF-8"),
    "kml": ("KML",),
    "csv": ("CSV",),
    "xlsx": ("XLSX",),
}
_STORE = TARGETS["EPSG:4490"]


def seconds(work: Callable[[], object]) -> float:
    """Return how long a piece of work takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def compare(table: ExportTable, name: str, folder: Path, formats: list[str]) -> list[dict[str, Any]]:
    """Return a row for each format: our seconds, those of ogr2ogr, and the ratio."""
    source = folder / f"{name}-source.gpkg"
    write_geopackage([table], source, _STORE, naming="name", approval=None)
    rows = []
    for form in formats:
        ours = folder / f"ours{FORMATS[form].suffix}"
        theirs = folder / f"theirs{FORMATS[form].suffix}"
        if form == "shp":
            taken = seconds(lambda path=ours: write_shapefile(table, path, _STORE))  # type: ignore[misc]
        else:
            options = Options(form, _STORE, "name")
            taken = seconds(lambda path=ours, how=options: export([table], path, how))  # type: ignore[misc]
        driver, *more = DRIVERS[form]
        command = ["ogr2ogr", "-f", driver, *more, str(theirs), str(source), table.title]
        peer = seconds(lambda words=command: subprocess.run(words, check=True, capture_output=True))  # type: ignore[misc]
        rows.append(
            {
                "what": f"{name}（{table.rows:,} 行）写成 {form}，对比 ogr2ogr",
                "unit": "s",
                "ours": round(taken, 2),
                "peer": round(peer, 2),
                "ratio": round(peer / taken, 2),
            }
        )
        for path in (ours, theirs):
            path.unlink(missing_ok=True)
    return rows


def main() -> None:
    """Read the options, run, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--no-grid", action="store_true", help="only the counties")
    parser.add_argument("--formats", default="gpkg,fgb,geojson,shp,kml,csv,xlsx")
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
    if asked.json:
        print(json.dumps({"rows": rows, "notes": notes}, ensure_ascii=False))
        return
    print("| 项目 | 单位 | 本项目 | ogr2ogr | 比值（对照 / 本项目） |\n|---|---|---|---|---|")
    for row in rows:
        print("| " + " | ".join(str(value) for value in row.values()) + " |")
    for note in notes:
        print(note)


if __name__ == "__main__":
    main()
