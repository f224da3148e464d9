"""DXF for people who work in CAD: outlines and places on a layer for each class, names as texts."""

from __future__ import annotations

import io
import itertools
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import ezdxf
import ezdxf.units
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from ezdxf.addons import iterdxf
from ezdxf.entities.dxfentity import DXFEntity
from ezdxf.entities.lwpolyline import LWPolyline, LWPolylinePoints
from ezdxf.entities.point import Point
from ezdxf.entities.text import Text
from ezdxf.filemanagement import new as new_drawing
from ezdxf.lldxf.tagwriter import TagWriter
from ezdxf.lldxf.types import TAG_STRING_FORMAT

from data.registry.limit_models import limit
from exports.arrow import Seen, column_names, frames, is_text, too_many
from exports.package_texts import summary_lines
from exports.style import Symbols, symbols_of
from exports.vector import writing
from geo.crs import TargetCrs
from geo.errors import ExportError
from geo.export_table import ExportTable

XDATA_TEXT_BYTES = 250
XDATA_BYTES = 16_383
"""What one object may carry: CAD programs refuse a drawing in which one has more."""

# Marks that ezdxf writes as they are.
_HANDLE, _LAYER = "\x01handle", "\x01layer"
_COUNT = 987_654_321
_CORNERS = "\x01corners"
_X, _Y = 987654321.25, 123456789.75
_CORNER = TAG_STRING_FORMAT % (10, "%s") + TAG_STRING_FORMAT % (20, "%s")
_TEXT_CODE, _APPLICATION_CODE = 1000, 1001
# Where the numbers of objects end that a program may add later: far above any written here.
_NEXT_HANDLE = "40000000"
_CLOSED = 1
_LONGEST_NUMBER = 40


class DrawingFile:
    """A drawing that is being written to ``path``: ``document`` has its layers and no objects yet.

    Objects go into the model space. Used as a context: the file is whole when it is left without an error.
    """

    def __init__(self, document: Any, path: Path, application: str) -> None:
        """Take a document with its layers, and the application whose extended data the objects carry."""
        self.document, self.path, self.application = document, path, application
        self._owner = document.modelspace().layout_key
        self._polylines = {closed: self._polyline_pattern(closed=closed) for closed in (True, False)}
        self._point = self._point_pattern()
        self._handles: Iterator[int] = iter(())

    def __enter__(self) -> Self:
        """Write what stands before the objects."""
        entities = self.document.entitydb.handles
        self._handles = itertools.count(int(str(entities), 16))
        entities.reset(_NEXT_HANDLE)
        with tempfile.TemporaryDirectory(dir=self.path.parent) as folder:
            head = Path(folder) / "head.dxf"
            self.document.saveas(head)
            self._source = iterdxf.opendxf(str(head))
        self._out = self._source.export(str(self.path))
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Write what stands after the objects; after an error only let go of the file."""
        try:
            if kind is None:
                self._out.close()
        finally:
            self._out.file.close()
            self._source.close()

    def write(self, objects: Sequence[str]) -> None:
        """Write objects as the other methods give them."""
        self._out.write_data("".join(objects).encode())

    def polyline(self, points: np.ndarray, layer: str, data: str, *, closed: bool) -> str:
        """Return a polyline through points (n × 2) with extended data (``xdata``)."""
        corners = _CORNER * len(points) % tuple(points.ravel().tolist())
        return self._polylines[closed] % (self._handle(), layer, len(points), corners) + data

    def point(self, x: float, y: float, layer: str, data: str) -> str:
        """Return a point with extended data (``xdata``)."""
        return self._point % (self._handle(), layer, x, y) + data

    def text(self, words: str, place: tuple[float, float], height: float, layer: str, style: str) -> str:
        """Return a text, as high as told in units of the drawing."""
        attributes = {"layer": layer, "style": style, "text": words, "height": height, "insert": place}
        return self._written(self._new(Text, self._handle(), attributes))

    def xdata(self, texts: str) -> str:
        """Return extended data of the application from what ``xdata_text`` gave."""
        return TAG_STRING_FORMAT % (_APPLICATION_CODE, self.application) + texts if texts else ""

    def _handle(self) -> str:
        return f"{next(self._handles):X}"

    def _new(self, kind: type[DXFEntity], handle: str, attributes: dict[str, Any]) -> Any:
        return kind.new(handle=handle, owner=self._owner, dxfattribs=attributes, doc=self.document)

    def _written(self, entity: Any) -> str:
        out = io.StringIO()
        entity.export_dxf(TagWriter(out, dxfversion=self.document.dxfversion))
        return out.getvalue()

    def _polyline_pattern(self, *, closed: bool) -> str:
        line = self._new(LWPolyline, _HANDLE, {"layer": _LAYER, "flags": _CLOSED if closed else 0})
        line.lwpoints = _MarkedCorners()
        return _pattern(self._written(line), (_HANDLE, _LAYER, str(_COUNT), _CORNERS))

    def _point_pattern(self) -> str:
        point = self._new(Point, _HANDLE, {"layer": _LAYER, "location": (_X, _Y)})
        return _pattern(self._written(point), (_HANDLE, _LAYER, str(_X), str(_Y)))


def xdata_text(name: str, value: object) -> str:
    """Return ``name=value`` as extended data: on one line, in parts of at most 250 bytes."""
    text = f"{name}={value}".replace("\r\n", " ").replace("\n", " ").replace("\r", " ")
    parts = []
    while text:
        part = text.encode()[:XDATA_TEXT_BYTES].decode(errors="ignore")
        parts.append(TAG_STRING_FORMAT % (_TEXT_CODE, part))
        text = text[len(part) :]
    return "".join(parts)


def xdata_numbers(name: str, values: list[Any]) -> list[str]:
    """Return ``name=value`` of many numbers."""
    if len(name.encode()) > XDATA_TEXT_BYTES - _LONGEST_NUMBER:
        return [xdata_text(name, value) for value in values]
    head = TAG_STRING_FORMAT % (_TEXT_CODE, f"{name.replace('%', '%%')}=%s")
    return [head % value for value in values]


class _MarkedCorners(LWPolylinePoints):
    """Corners that are written as a mark, and a count that is one."""

    def __len__(self) -> int:
        """Return the mark of the count."""
        return _COUNT

    def dxftags(self) -> Iterator[Any]:
        """Give all corners as one piece of text."""
        yield self

    def dxfstr(self) -> str:
        """Return the mark of the corners."""
        return _CORNERS


def _pattern(text: str, marks: Sequence[str]) -> str:
    """Return a text to fill in: each mark, once and in this order, is a place for a value."""
    pattern = text.replace("%", "%%")
    for mark in marks:
        if pattern.count(mark) != 1:
            raise ValueError(f"{mark!r} stands {pattern.count(mark)} times in what ezdxf wrote")
        pattern = pattern.replace(mark, "%s")
    return pattern


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
    ``ExportError`` for more rows than the limit ``export.dxf_rows``.
    """
    if table.rows > limit("export.dxf_rows"):
        raise too_many("export.dxf_rows", table.rows, f"图层 {table.title}")
    seen, symbols, names = Seen(), symbols_of(table), column_names(table, naming)
    document = new_drawing("R2018", setup=["linetypes"])
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
