"""What Debian's GDAL, DuckDB and LibreOffice read of an exported layer, compared with it cell by cell."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from geo.export_table import ExportTable

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
