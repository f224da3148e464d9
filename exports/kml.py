"""KML: places with their colours, names and every value, for Google Earth and its kin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TextIO
from xml.sax.saxutils import escape, quoteattr

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from exports.arrow import Seen, column_names, frames
from exports.package_texts import summary_lines
from exports.style import BORDER, Symbols, symbols_of
from exports.vector import writing
from geo.crs import TargetCrs
from geo.export_table import ExportTable

_DECIMALS = 8


def write_kml(
    table: ExportTable, path: Path, target: TargetCrs, *, naming: str, approval: str | None
) -> Seen:
    """Write a layer as KML 2.2 (longitude and latitude); texts are escaped, so none of them is markup."""
    seen = Seen()
    symbols, names = symbols_of(table), column_names(table, naming)
    colours = dict.fromkeys([*(one.colour for one in symbols.entries), symbols.nothing])
    styles = {colour: f"s{number}" for number, colour in enumerate(colours)}
    with writing(path, seen), path.open("w", encoding="utf-8") as out:
        out.write(
            '<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="http://www.opengis.net/kml/2.2"><Document>\n'
        )
        told = "\n".join(summary_lines(table, target, approval=approval))
        out.write(f"<name>{escape(table.title)}</name><description>{escape(told)}</description>\n")
        for colour, name in styles.items():
            out.write(_style(name, colour, table.geometry))
        first = True
        for chunk in frames(table, target, seen, xml=True, multi=True):
            if first:
                out.write(_schema(chunk, table, names))
                out.write(f"<Folder><name>{escape(table.title)}</name>\n")
                first = False
            _write_chunk(out, chunk, table, names, (symbols, styles))
        out.write("</Folder>" if not first else "")
        out.write("</Document></kml>\n")
    return seen


def _kml_colour(colour: str, alpha: str) -> str:
    return f"{alpha}{colour[5:7]}{colour[3:5]}{colour[1:3]}"


def _style(name: str, colour: str, geometry: str) -> str:
    if geometry == "point":
        inner = f"<IconStyle><color>{_kml_colour(colour, 'ff')}</color></IconStyle>"
    elif geometry == "line":
        inner = f"<LineStyle><color>{_kml_colour(colour, 'ff')}</color><width>3</width></LineStyle>"
    else:
        inner = (
            f"<LineStyle><color>{_kml_colour(BORDER, 'ff')}</color><width>1</width></LineStyle>"
            f"<PolyStyle><color>{_kml_colour(colour, 'cc')}</color></PolyStyle>"
        )
    return f'<Style id="{name}">{inner}</Style>\n'


def _schema(chunk: gpd.GeoDataFrame, table: ExportTable, names: list[str]) -> str:
    fields = "".join(
        f"<SimpleField name={quoteattr(name)} type={quoteattr(_kind(chunk[one.name]))}/>"
        for one, name in zip(table.fields, names, strict=True)
    )
    return f'<Schema name="layer" id="layer">{fields}</Schema>\n'


def _kind(column: pd.Series) -> str:
    if pd.api.types.is_bool_dtype(column):
        return "bool"
    # What KML calls an int has 32 bits, too few for the numbers of cells.
    return "double" if pd.api.types.is_numeric_dtype(column) else "string"


def _write_chunk(
    out: TextIO,
    chunk: gpd.GeoDataFrame,
    table: ExportTable,
    names: list[str],
    look: tuple[Symbols, dict[str, str]],
) -> None:
    symbols, styles = look
    heads = [f"<SimpleData name={quoteattr(name)}>" for name in names]
    columns = [_texts(chunk[one.name]) for one in table.fields]
    shown = _texts(chunk[table.name_field]) if table.name_field in chunk else [""] * len(chunk)
    shaded = symbols.shading.column
    values = chunk[shaded].tolist() if shaded in chunk else [None] * len(chunk)
    shapes = _shapes(chunk, table.geometry)
    for name, value, shape, cells in zip(shown, values, shapes, zip(*columns, strict=True), strict=True):
        data = "".join(
            f"{head}{text}</SimpleData>" for head, text in zip(heads, cells, strict=True) if text is not None
        )
        out.write(
            f"<Placemark><name>{name or ''}</name><styleUrl>#{styles[symbols.colour_of(value)]}</styleUrl>"
            f'<ExtendedData><SchemaData schemaUrl="#layer">{data}</SchemaData></ExtendedData>'
            f"{shape}</Placemark>\n"
        )


def _texts(column: pd.Series) -> list[str | None]:
    """Return the values as KML writes them, None where there is none."""
    if pd.api.types.is_bool_dtype(column):
        return ["1" if value else "0" for value in column]
    if pd.api.types.is_numeric_dtype(column):
        return [None if pd.isna(value) else repr(value) for value in column.tolist()]
    return [None if pd.isna(value) else escape(str(value)) for value in column]


def _shapes(chunk: gpd.GeoDataFrame, geometry: str) -> Iterator[str]:
    for shape in chunk.geometry:
        if shape is None or shape.is_empty:
            yield ""
        elif geometry == "point":
            yield f"<Point><coordinates>{shape.x:.{_DECIMALS}f},{shape.y:.{_DECIMALS}f}</coordinates></Point>"
        elif geometry == "line":
            lines = (f"<LineString>{_coordinates(part)}</LineString>" for part in shape.geoms)
            yield f"<MultiGeometry>{''.join(lines)}</MultiGeometry>"
        else:
            areas = [_area(part) for part in shape.geoms]
            yield areas[0] if len(areas) == 1 else f"<MultiGeometry>{''.join(areas)}</MultiGeometry>"


def _area(shape: shapely.Polygon) -> str:
    inner = "".join(
        f"<innerBoundaryIs><LinearRing>{_coordinates(ring)}</LinearRing></innerBoundaryIs>"
        for ring in shape.interiors
    )
    outer = f"<outerBoundaryIs><LinearRing>{_coordinates(shape.exterior)}</LinearRing></outerBoundaryIs>"
    return f"<Polygon>{outer}{inner}</Polygon>"


def _coordinates(line: shapely.Geometry) -> str:
    points = np.round(shapely.get_coordinates(line), _DECIMALS).tolist()
    return f"<coordinates>{' '.join(f'{x!r},{y!r}' for x, y in points)}</coordinates>"
