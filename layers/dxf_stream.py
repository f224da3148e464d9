"""A drawing (DXF) on its way to disk: what ezdxf writes of one object, filled in for as many as there are.

ezdxf keeps a drawing in memory and writes it object by object; hundreds of thousands of squares would take
gigabytes and minutes. Here it writes one polyline and one point with marks in place of what differs, and
those texts are filled in and go to the file at once.
"""

from __future__ import annotations

import io
import itertools
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from ezdxf.addons import iterdxf
from ezdxf.entities import DXFEntity, LWPolyline, Point, Text
from ezdxf.entities.lwpolyline import LWPolylinePoints
from ezdxf.lldxf.tagwriter import TagWriter
from ezdxf.lldxf.types import TAG_STRING_FORMAT

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
