"""Layers as spatial files, written row by row through GDAL: GeoPackage, FlatGeobuf, GeoJSON, shapefile."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyarrow as pa
import pyarrow.compute as pc
import pyogrio
import shapely
from pyarrow import parquet
from pyogrio.raw import write_arrow
from pyproj import CRS

from exports.arrow import GEOMETRY, Seen, column_names, is_text, layer_geometry, stream, text_array
from exports.package_texts import field_rows, metadata_xml, summary_lines
from exports.style import qml, sld, symbols_of
from geo.crs import TargetCrs
from geo.errors import ExportWriteError, SutuError
from geo.export_table import ExportTable
from geo.spreadsheet import write_rows
from layers.geopackage import add_field_titles, add_metadata, add_styles

DBF_TEXT_BYTES = 254
_ELLIPSIS = "…"
_FEATURE_LINE = b'\n{ "type": "Feature", '
_PART_BYTES = 1 << 22
GEOJSON_DECIMALS = 7
# GDAL takes five nines before the last digit for a fault of rounding and moves 118.8999991 to 118.9: with
# two digits more, which are zeros and left out, it has nothing to mend.
_SPARE_DECIMALS = 2


@contextlib.contextmanager
def writing(path: Path, *seen: Seen) -> Iterator[None]:
    """Turn what goes wrong while a file is written into an error of the house; the rows' own goes first."""
    try:
        yield
    except SutuError:
        raise
    except (OSError, RuntimeError, sqlite3.Error, pa.ArrowException) as fault:
        for own in (one.fault for one in seen):
            if own is not None and not isinstance(own, OSError):
                raise own from fault
        raise ExportWriteError(
            f"写不出 {path.name}：{fault}。请检查磁盘空间和目录权限；没有留下不完整的文件。"
        ) from fault


def write_layer(
    table: ExportTable,
    path: Path,
    target: TargetCrs,
    *,
    driver: str,
    naming: str = "title",
    layer: str = "",
    append: bool = False,
    dataset_options: dict[str, str] | None = None,
    layer_options: dict[str, str] | None = None,
    crs: str | None = None,
    change: Any = None,
) -> Seen:
    """Write one layer through GDAL and return what passed; raises ``ExportError`` or ``ExportWriteError``."""
    seen = Seen()
    known = crs or (None if target.crs is None else CRS(target.crs).to_wkt("WKT2_2019"))
    with writing(path, seen), warnings.catch_warnings():
        # Without a CRS pyogrio warns; GCJ-02 and BD-09 have none.
        warnings.filterwarnings("ignore", message=".*crs.*was not provided.*")
        warnings.filterwarnings(
            "ignore", message="Value .* of field .* of feature .* not successfully written"
        )
        write_arrow(
            stream(table, target, seen, naming=naming, change=change),
            str(path),
            layer=layer or table.title,
            driver=driver,
            geometry_name=GEOMETRY,
            geometry_type="Polygon"
            if driver == "ESRI Shapefile" and table.geometry == "polygon"
            else _kind(driver, table),
            crs=known,
            encoding="UTF-8",
            append=append,
            dataset_options=dataset_options or {},
            layer_options=layer_options or {},
        )
        _require_whole(path, layer or table.title, seen)
    return seen


def _kind(driver: str, table: ExportTable) -> str:
    if driver == "ESRI Shapefile" and table.geometry == "line":
        return "LineString"
    return layer_geometry(table)


def _require_whole(path: Path, layer: str, seen: Seen) -> None:
    """Read the file's count of rows back: a full disk does not stop every driver."""
    if path.suffix == ".geojson" and _features_of(path) == seen.rows:
        return
    single = path.suffix != ".gpkg"
    found = pyogrio.read_info(path, layer=None if single else layer, force_feature_count=True)["features"]
    if found != seen.rows:
        raise ExportWriteError(f"{path.name} 只写进了 {found} 行，应有 {seen.rows} 行；请检查磁盘空间。")


def _features_of(path: Path) -> int:
    """Return how many features a GeoJSON of GDAL has, one a line; -1 when it does not end as it should.

    Parsing it again would take as long as a third of writing it.
    """
    found, last = 0, b""
    with path.open("rb") as file:
        while part := file.read(_PART_BYTES):
            joined = last + part
            found += joined.count(_FEATURE_LINE)
            last = joined[-(len(_FEATURE_LINE) - 1) :]
    return found if last.split()[-2:] == [b"]", b"}"] else -1


def write_geopackage(
    tables: list[ExportTable], path: Path, target: TargetCrs, *, naming: str, approval: str | None
) -> dict[str, Seen]:
    """Write layers into one GeoPackage, each with its look (QML, SLD), titles of columns and metadata."""
    out: dict[str, Seen] = {}
    for number, (table, name) in enumerate(zip(tables, layer_names(tables), strict=True)):
        notice = summary_lines(table, target, approval=approval)
        out[table.id] = write_layer(
            table,
            path,
            target,
            driver="GPKG",
            naming=naming,
            layer=name,
            append=number > 0,
            dataset_options={} if number else {"VERSION": "1.3", "ADD_GPKG_OGR_CONTENTS": "YES"},
            layer_options={
                "GEOMETRY_NAME": "geom",
                "IDENTIFIER": name,
                "DESCRIPTION": "\n".join(notice),
            },
        )
        symbols = symbols_of(table)
        columns = dict(zip((one.name for one in table.fields), column_names(table, naming), strict=True))
        column = columns.get(symbols.shading.column, "")
        with writing(path, out[table.id]):
            add_styles(path, name, table.title, qml(symbols, column), sld(symbols, column, name))
            other = "name" if naming == "title" else "label"
            titles = {columns[one.name]: (str(getattr(one, other)), one.definition) for one in table.fields}
            add_field_titles(path, name, titles)
            add_metadata(path, name, metadata_xml(table, target, approval=approval))
    return out


def layer_names(tables: list[ExportTable]) -> list[str]:
    """Return a name for each layer in one file: its title, numbered where two are alike."""
    names: list[str] = []
    for table in tables:
        name, number = table.title, 1
        while name in names:
            number += 1
            name = f"{table.title}（{number}）"
        names.append(name)
    return names


def write_flatgeobuf(
    table: ExportTable, path: Path, target: TargetCrs, *, naming: str, approval: str | None
) -> Seen:
    """Write a FlatGeobuf, indexed unless a row has no place; title and description are in the file."""
    options = {
        "TITLE": table.title,
        "DESCRIPTION": "\n".join(summary_lines(table, target, approval=approval)),
        "SPATIAL_INDEX": "YES" if table.every_row_placed else "NO",
    }
    return write_layer(table, path, target, driver="FlatGeobuf", naming=naming, layer_options=options)


def write_geojson(
    table: ExportTable, path: Path, target: TargetCrs, *, naming: str, approval: str | None
) -> Seen:
    """Write GeoJSON as RFC 7946 has it: longitude and latitude, seven decimals, outer rings
    counter-clockwise.

    In GCJ-02 or BD-09 the form is the same; file name and description say that it is not WGS 84.
    """
    lines = summary_lines(table, target, approval=approval)
    options = {
        "RFC7946": "YES",
        "WRITE_NAME": "YES",
        "DESCRIPTION": "；".join(lines),
        "COORDINATE_PRECISION": str(GEOJSON_DECIMALS + _SPARE_DECIMALS),
    }
    return write_layer(
        table,
        path,
        target,
        driver="GeoJSON",
        naming=naming,
        layer_options=options,
        crs="EPSG:4326",
        change=_rounded,
    )


def _rounded(chunk: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the rows with their coordinates at the decimals of GeoJSON."""
    shapes = chunk.geometry.to_numpy().copy()
    shapely.set_coordinates(shapes, shapely.get_coordinates(shapes).round(GEOJSON_DECIMALS))
    return chunk.set_geometry(gpd.GeoSeries(shapes, index=chunk.index, crs=chunk.crs))


def write_shapefile(table: ExportTable, path: Path, target: TargetCrs) -> Seen:
    """Write a shapefile with ASCII names and UTF-8 texts; beside it its names, and texts too long for it.

    A text beyond what a DBF holds (254 bytes) is cut at a character and ends in ``…``; the whole of it is in
    ``*_long_texts.csv`` by row (counted from 1) and name.
    """
    long_texts: list[tuple[int, str, str]] = []
    done = 0

    def cut(chunk: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        nonlocal done
        changed = {}
        for one in table.fields:
            column = chunk[one.name]
            if not is_text(column):
                continue
            size = pc.binary_length(text_array(column)).fill_null(0).to_numpy()
            if (size <= DBF_TEXT_BYTES).all():
                continue
            texts = column.astype(object).copy()
            for place in (size > DBF_TEXT_BYTES).nonzero()[0]:
                whole = str(texts.iloc[place])
                long_texts.append((done + int(place) + 1, one.short, whole))
                texts.iloc[place] = cut_bytes(whole)
            changed[one.name] = texts
        done += len(chunk)
        return chunk.assign(**changed) if changed else chunk

    seen = write_layer(
        table,
        path,
        target,
        driver="ESRI Shapefile",
        naming="short",
        layer=path.stem,
        change=cut,
    )
    with writing(path, seen):
        _write_rows(path.with_name(f"{path.stem}_fields.csv"), field_rows(table))
        if long_texts:
            rows: list[tuple[str, ...]] = [
                ("row", "field", "text"),
                *((str(row), name, text) for row, name, text in long_texts),
            ]
            _write_rows(path.with_name(f"{path.stem}_long_texts.csv"), rows)
    return seen


def cut_bytes(text: str) -> str:
    """Return as much of a text as a DBF holds in UTF-8, with ``…`` for the rest."""
    room = DBF_TEXT_BYTES - len(_ELLIPSIS.encode())
    return text.encode()[:room].decode(errors="ignore") + _ELLIPSIS


def _write_rows(path: Path, rows: list[tuple[str, ...]]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as out:
        write_rows(out, rows)


def write_geoparquet(
    table: ExportTable, path: Path, target: TargetCrs, *, naming: str, approval: str | None
) -> Seen:
    """Write GeoParquet 1.1 with its CRS (PROJJSON; null for GCJ-02 and BD-09), bounds and description."""
    seen = Seen()
    with writing(path, seen):
        reader = stream(table, target, seen, naming=naming)
        # The geometry is plain WKB in GeoParquet; what it is stands in the file's own metadata.
        schema = reader.schema.set(len(reader.schema) - 1, reader.schema.field(GEOMETRY).remove_metadata())
        with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
            for batch in reader:
                writer.write_batch(type(batch).from_arrays(batch.columns, schema=schema))
            column: dict[str, Any] = {
                "encoding": "WKB",
                "geometry_types": sorted(seen.kinds),
                "crs": None if target.crs is None else CRS(target.crs).to_json_dict(),
                "edges": "planar",
            }
            if seen.bounds[0] <= seen.bounds[2]:
                column["bbox"] = list(seen.bounds)
            geo = {"version": "1.1.0", "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}
            told = "\n".join(summary_lines(table, target, approval=approval))
            writer.add_key_value_metadata({"geo": json.dumps(geo), "title": table.title, "description": told})
    return seen


__all__ = [
    "layer_names",
    "write_flatgeobuf",
    "write_geojson",
    "write_geopackage",
    "write_geoparquet",
    "write_layer",
    "write_shapefile",
    "writing",
]
