"""DXF for people who work in CAD: outlines and places on a layer for each class, names as texts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ezdxf
import ezdxf.units
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.errors import ExportError
from geo.export_crs import TargetCrs
from geo.export_table import ExportTable
from layers.dxf_stream import XDATA_BYTES, DrawingFile, xdata_numbers, xdata_text
from layers.export_arrow import Seen, column_names, frames, is_text
from layers.export_style import Symbols, symbols_of
from layers.export_vector import writing
from layers.export_words import summary_lines

MAX_ROWS = 1_000_000
"""More than the grid of the province has; a drawing of it is 250 MB already."""

APPLICATION = "SUTU"
_NAMED_UP_TO = 5_000
_FORBIDDEN = re.compile(r'[<>/\\":;?*|=`,]')
_STYLE = "SUTU"
_BYTES_PER_CHARACTER = 4


def write_dxf(
    table: ExportTable, path: Path, target: TargetCrs, *, naming: str, approval: str | None
) -> Seen:
    """Write a drawing (DXF R2018, UTF-8) in the coordinates of the target, row by row.

    Areas are closed polylines, places are points, with every value as extended data of the application
    ``SUTU`` (``name=value``, long ones in parts); up to 5,000 names stand beside them as texts. Raises
    ``ExportError`` for more than ``MAX_ROWS`` rows.
    """
    if table.rows > MAX_ROWS:
        raise ExportError(
            f"图层 {table.title} 有 {table.rows:,} 行，DXF 最多 {MAX_ROWS:,} 行；"
            "请裁剪到一个地区，或改用 GeoPackage。"
        )
    seen, symbols, names = Seen(), symbols_of(table), column_names(table, naming)
    document = ezdxf.new("R2018", setup=["linetypes"])
    document.units = 0 if target.is_geographic else ezdxf.units.M
    document.appids.add(APPLICATION)
    document.styles.add(_STYLE, font="simsun.ttf")
    for line in summary_lines(table, target, approval=approval):
        document.header.custom_vars.append("sutu", line)
    layers = _add_layers(document, table, symbols)
    with writing(path, seen), DrawingFile(document, path, APPLICATION) as drawing:
        for chunk in frames(table, target, seen, xml=True):
            before = seen.rows - len(chunk)
            look = _Look(symbols, layers)
            drawing.write(list(_objects(drawing, chunk, table, names, look, before=before)))
    return seen


def layer_name(text: str) -> str:
    """Return a text as the name of a CAD layer: without the characters that CAD forbids there."""
    return _FORBIDDEN.sub("_", text).strip()[:80] or "图层"


def _add_layers(document: Any, table: ExportTable, symbols: Symbols) -> dict[str, str]:
    """Make a CAD layer for each class and return its name by colour."""
    out: dict[str, str] = {}
    entries = [*symbols.entries, *([symbols.undefined] if symbols.undefined else [])]
    for one in entries:
        text = table.title if symbols.shading.kind == "plain" else f"{table.title} {one.label}"
        name, number = layer_name(text), 1
        while name in document.layers:
            number += 1
            name = f"{layer_name(text)[:76]}_{number}"
        red, green, blue = (int(one.colour[at : at + 2], 16) for at in (1, 3, 5))
        document.layers.add(name, true_color=ezdxf.colors.rgb2int((red, green, blue)))
        out.setdefault(one.colour, name)
    fallback = next(iter(out.values()), layer_name(table.title))
    return _WithDefault(out, fallback)


class _WithDefault(dict[str, str]):
    """Names of layers by colour, and the first of them for a colour without one."""

    def __init__(self, names: dict[str, str], fallback: str) -> None:
        super().__init__(names)
        self._fallback = fallback

    def __missing__(self, key: str) -> str:
        return self._fallback


class _Look:
    """The CAD layer of a row, by the value it is shaded by."""

    def __init__(self, symbols: Symbols, layers: dict[str, str]) -> None:
        self.column = symbols.shading.column
        self._symbols, self._layers = symbols, layers

    def of(self, chunk: gpd.GeoDataFrame) -> list[str]:
        """Return the layer of each row."""
        if self.column not in chunk:
            return [self._layers[self._symbols.colour_of(None)]] * len(chunk)
        return [self._layers[self._symbols.colour_of(value)] for value in chunk[self.column].tolist()]


def _objects(
    drawing: DrawingFile,
    chunk: gpd.GeoDataFrame,
    table: ExportTable,
    names: list[str],
    look: _Look,
    *,
    before: int,
) -> Iterator[str]:
    """Give the objects of a chunk: the parts of each row's shape, and beside few rows their names.

    ``before`` rows came in earlier chunks.
    """
    named = table.rows <= _NAMED_UP_TO
    height = _text_height(chunk.total_bounds, table.rows)
    shapes = chunk.geometry.to_numpy()
    titles = chunk[table.name_field].tolist() if named and table.name_field in chunk else [None] * len(chunk)
    rows = zip(shapes, look.of(chunk), _data(chunk, table, names), titles, strict=True)
    for number, (shape, layer, texts, title) in enumerate(rows, start=before + 1):
        if len(texts) * _BYTES_PER_CHARACTER > XDATA_BYTES and len(texts.encode()) > XDATA_BYTES:
            raise ExportError(
                f"第 {number} 行的属性共 {len(texts.encode()):,} 字节，"
                f"CAD 里一个对象最多 {XDATA_BYTES:,} 字节；请改用 GeoPackage。"
            )
        if shape is None or shape.is_empty:
            continue
        data = drawing.xdata(texts)
        if shape.geom_type == "Point":
            yield drawing.point(shape.x, shape.y, layer, data)
        else:
            for points, closed in _lines(shape):
                yield drawing.polyline(points, layer, data, closed=closed)
        if title is not None and not pd.isna(title):
            plain = str(title).replace("\n", " ").replace("\r", " ").replace("%%", "% %")
            place = shape if shape.geom_type == "Point" else shape.representative_point()
            yield drawing.text(plain[:200], (place.x, place.y), height, layer, _STYLE)


def _data(chunk: gpd.GeoDataFrame, table: ExportTable, names: list[str]) -> list[str]:
    """Return each row's values as extended data; what has no value is left out."""
    columns = []
    for one, name in zip(table.fields, names, strict=True):
        column = chunk[one.name]
        values = column.tolist()
        texts = (
            [xdata_text(name, value) for value in values] if is_text(column) else xdata_numbers(name, values)
        )
        for place in np.flatnonzero(column.isna()):
            texts[place] = ""
        columns.append(texts)
    return list(map("".join, zip(*columns, strict=True))) if columns else [""] * len(chunk)


def _lines(shape: shapely.Geometry) -> Iterator[tuple[np.ndarray, bool]]:
    """Give each line or ring of a shape as its corners (n × 2), and whether it is closed."""
    for part in getattr(shape, "geoms", [shape]):
        if part.geom_type != "Polygon":
            yield shapely.get_coordinates(part), False
            continue
        for ring in (part.exterior, *part.interiors):
            yield shapely.get_coordinates(ring)[:-1], True


def _text_height(bounds: np.ndarray, rows: int) -> float:
    """Return a height at which the names of so many rows fit side by side."""
    width = float(bounds[2] - bounds[0])
    return width / 25.0 / max(np.sqrt(rows), 1.0) if np.isfinite(width) and width > 0 else 1.0
