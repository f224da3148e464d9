"""A GeoJSON file looked at as bytes: one object of a GeoJSON type and nothing else, within bounds.

The text is read in blocks and never built into objects: brackets, strings and keys are found by their places
(numpy), so that a file of the largest size takes seconds and little memory.
"""

import codecs
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.faults import FaultReport
from data.ingest.cells import shown
from data.ingest.reading import VectorLimits, fatal
from data.registry.limit_models import MEGABYTE, exceeded

_BLOCK_BYTES = 4_000_000
_BOM = b"\xef\xbb\xbf"
_GEOMETRIES = (
    "Point",
    "LineString",
    "Polygon",
    "MultiPoint",
    "MultiLineString",
    "MultiPolygon",
    "GeometryCollection",
)
_TYPES = {"FeatureCollection", "Feature", *_GEOMETRIES}
# The words of the format itself are no fields of a person's.
_OWN_WORDS = {
    f'"{word}"'.encode()
    for word in ("type", "features", "geometry", "geometries", "coordinates", "properties", "crs", "bbox")
}
_MOST_MEMBERS = 200
_FEATURE_DEPTH, _FIELD_DEPTH = 3, 4
_CRS_BYTES = 64_000
_CRS_NAME = re.compile(r"(https?://(www\.)?opengis\.net/def/crs/)?[A-Za-z0-9:._-]+(/[A-Za-z0-9:._-]+)*")
_ESCAPED = re.compile(rb"\\.", re.DOTALL)
_OTHER, _OPEN, _CLOSE, _COMMA, _COLON, _SPACE, _QUOTE = range(7)
_CLASS = np.zeros(256, dtype=np.uint8)
for _kind, _signs in ((_OPEN, b"{["), (_CLOSE, b"}]"), (_COMMA, b","), (_COLON, b":"), (_SPACE, b" \t\r\n")):
    _CLASS[list(_signs)] = _kind
_CLASS[ord('"')] = _QUOTE
_EXPORT_AGAIN = "在 GIS 软件中重新导出为 GeoJSON（RFC 7946）"
_MORE_THAN_ONE = "内容不止一个 JSON 对象"


def check_geojson(path: Path, limits: VectorLimits) -> None:
    """Refuse what is not one GeoJSON object in UTF-8 within ``limits``; raises ``FaultReport``."""
    look = _Look(path.name, limits)
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as handle:
            while block := handle.read(_BLOCK_BYTES):
                decoder.decode(block)
                look.take(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError as fault:
        raise fatal(path.name, "GeoJSON 不是 UTF-8 编码", "另存为 UTF-8 编码后再导入") from fault
    look.close()
    if look.crs_at is not None:
        _check_crs(path, look.crs_at)


@dataclass(frozen=True)
class _Marks:
    """Where things stand in a piece of text: string ends, classes of bytes (strings as quotes)."""

    starts: NDArray[np.intp]
    stops: NDArray[np.intp]
    kinds: NDArray[np.uint8]


class _Look:
    """One text under way; every piece taken begins and ends outside strings."""

    def __init__(self, file: str, limits: VectorLimits) -> None:
        self.file, self.limits = file, limits
        self.crs_at: int | None = None
        self._rest = b""
        self._first, self._ended = True, False
        self._depth = self._at = 0
        self._features = self._vertices = self._text = 0
        self._last_open_list = False
        self._fields: set[bytes] = set()
        self._members: dict[str, str] = {}

    def take(self, block: bytes) -> None:
        """Look at the next block as far as its last comma or bracket; the rest waits for what follows."""
        if self._first:
            self._first = False
            if block.startswith(_BOM):
                block, self._at = block[len(_BOM) :], len(_BOM)
        if b"\x00" in block:
            raise fatal(self.file, "内容里有空字节，不是文本", _EXPORT_AGAIN)
        text = self._rest + block
        marks, whole = _marks(text)
        ends = np.flatnonzero((marks.kinds[:whole] >= _OPEN) & (marks.kinds[:whole] <= _COMMA))
        cut = int(ends[-1]) + 1 if len(ends) else 0
        if len(text) - cut > self.limits.text_chars + _CRS_BYTES:
            raise FaultReport([exceeded("vector.text_chars", self.file, most=self.limits.text_chars)])
        self._piece(text[:cut], _upto(marks, cut))
        self._rest = text[cut:]

    def close(self) -> None:
        """Look at the end: nothing may be left open, the object must be of a GeoJSON type."""
        if self._ended and self._rest.strip(b" \t\r\n"):
            raise fatal(self.file, _MORE_THAN_ONE, _EXPORT_AGAIN)
        if not self._ended:
            raise fatal(
                self.file, "无法读取：内容不完整，末尾的括号或引号没有写完", "重新导出或重新取得该文件"
            )
        kind = self._members.get("type")
        if kind not in _TYPES:
            raise fatal(self.file, self._what(kind), _EXPORT_AGAIN)
        fields = len(self._fields - _OWN_WORDS)
        if fields * self._features > self.limits.cells:
            found = fields * self._features
            raise FaultReport([exceeded("vector.cells", self.file, found, most=self.limits.cells)])

    def _what(self, kind: str | None) -> str:
        if kind == "Topology":
            return "这是 TopoJSON，不是 GeoJSON"
        if {"geometryType", "spatialReference", "fieldAliases", "rings", "paths"} & set(self._members):
            return "这是 Esri JSON，不是 GeoJSON"
        if not kind:
            return "无法读取：是 JSON，但没有 GeoJSON 的 type"
        return f"type 是“{shown(kind)}”，不是 GeoJSON 的类型"

    def _piece(self, text: bytes, marks: _Marks) -> None:
        kinds = marks.kinds
        self._bound_tokens(marks)
        brackets = np.flatnonzero((kinds == _OPEN) | (kinds == _CLOSE))
        after = self._depth + np.cumsum(np.where(kinds[brackets] == _OPEN, 1, -1))
        self._check_end(text, brackets, after)
        if len(after) and int(after.max()) > self.limits.depth:
            raise FaultReport([exceeded("vector.depth", self.file, most=self.limits.depth)])
        self._count(text, brackets, after)
        self._keys(text, marks, brackets, after)
        self._depth = int(after[-1]) if len(after) else self._depth
        self._at += len(text)

    def _check_end(self, text: bytes, brackets: NDArray[np.intp], after: NDArray[np.intp]) -> None:
        """Refuse anything but white space behind the end of the first object."""
        ends = np.flatnonzero(after <= 0)
        if self._ended or len(ends):
            rest = text if self._ended else text[int(brackets[ends[0]]) + 1 :]
            self._ended = True
            if rest.strip(b" \t\r\n"):
                raise fatal(self.file, _MORE_THAN_ONE, _EXPORT_AGAIN)

    def _bound_tokens(self, marks: _Marks) -> None:
        limits = self.limits
        if len(marks.starts):
            lengths = marks.stops - marks.starts - 1
            longest = int(lengths.max())
            if longest > limits.text_chars:
                fault = exceeded("vector.text_chars", self.file, longest, most=limits.text_chars)
                raise FaultReport([fault])
            self._text += int(lengths.sum())
            if self._text > limits.text_bytes:
                fault = exceeded("vector.text_mb", self.file, most=limits.text_bytes / MEGABYTE)
                raise FaultReport([fault])
        between = np.flatnonzero(marks.kinds != _OTHER)
        run = int(np.diff(between, prepend=-1, append=len(marks.kinds)).max()) - 1 if len(between) else 0
        if run > limits.number_chars:
            raise FaultReport([exceeded("vector.number_chars", self.file, run, most=limits.number_chars)])

    def _count(self, text: bytes, brackets: NDArray[np.intp], after: NDArray[np.intp]) -> None:
        """Count features and positions: an innermost list is a position."""
        if not len(brackets):
            return
        signs = np.frombuffer(text, dtype=np.uint8)[brackets]
        opened = signs == ord("[")
        before = np.concatenate([[self._last_open_list], opened[:-1]])
        self._vertices += int((before & (signs == ord("]"))).sum())
        self._last_open_list = bool(opened[-1])
        self._features += int(((signs == ord("{")) & (after == _FEATURE_DEPTH)).sum())
        for name, found, most in (
            ("vector.features", self._features, self.limits.features),
            ("vector.vertices", self._vertices, self.limits.vertices),
        ):
            if found > most:
                raise FaultReport([exceeded(name, self.file, most=most)])

    def _keys(self, text: bytes, marks: _Marks, brackets: NDArray[np.intp], after: NDArray[np.intp]) -> None:
        """Take the members of the object itself, and the distinct keys of fields."""
        colons = np.flatnonzero(marks.kinds == _COLON)
        strings = np.searchsorted(marks.starts, colons) - 1
        strings, colons = strings[strings >= 0], colons[strings >= 0]
        starts, stops = marks.starts[strings], marks.stops[strings] + 1
        inside = np.searchsorted(brackets, starts)
        depths = np.concatenate([[self._depth], after])[inside]
        for at in np.flatnonzero(depths == 1):
            self._member(text, marks, int(strings[at]), int(colons[at]))
        near = depths <= _FIELD_DEPTH
        pairs = zip(starts[near].tolist(), stops[near].tolist(), strict=True)
        self._fields.update({text[a:b] for a, b in pairs})
        found = len(self._fields - _OWN_WORDS)
        if found > self.limits.fields:
            raise FaultReport([exceeded("vector.fields", self.file, most=self.limits.fields)])

    def _member(self, text: bytes, marks: _Marks, string: int, colon: int) -> None:
        name = _decoded(text[marks.starts[string] : marks.stops[string] + 1])
        if name in self._members or len(self._members) > _MOST_MEMBERS:
            raise fatal(self.file, f"最外层的“{shown(name)}”写了两次，或成员太多", _EXPORT_AGAIN)
        value = ""
        if name == "type" and string + 1 < len(marks.starts):
            following = int(marks.starts[string + 1])
            if not text[colon + 1 : following].strip(b" \t\r\n"):
                value = _decoded(text[following : marks.stops[string + 1] + 1])
        self._members[name] = value
        if name == "crs":
            self.crs_at = self._at + colon + 1


def _marks(text: bytes) -> tuple[_Marks, int]:
    """Return the marks of a text that begins outside strings, and where an unfinished string begins."""
    # An escaped sign is no quote and ends nothing; two signs stand in its place.
    plain = _ESCAPED.sub(b"__", text) if b"\\" in text else text
    values = np.frombuffer(plain, dtype=np.uint8)
    quotes = np.flatnonzero(values == ord('"'))
    whole = len(text)
    if len(quotes) % 2:
        whole, quotes = int(quotes[-1]), quotes[:-1]
    starts, stops = quotes[::2], quotes[1::2]
    turns = np.zeros(len(text), dtype=np.int8)
    turns[starts], turns[stops] = 1, -1
    kinds = _CLASS[values]
    kinds[np.cumsum(turns, dtype=np.int8) > 0] = _QUOTE
    return _Marks(starts, stops, kinds), whole


def _upto(marks: _Marks, cut: int) -> _Marks:
    return _Marks(marks.starts[marks.starts < cut], marks.stops[marks.stops < cut], marks.kinds[:cut])


def _decoded(quoted: bytes) -> str:
    try:
        return str(json.loads(quoted))
    except ValueError:
        return quoted.decode("utf-8", errors="replace")


def _check_crs(path: Path, at: int) -> None:
    """Refuse a CRS that is no plain name: a link would be fetched."""
    with path.open("rb") as handle:
        handle.seek(at)
        text = handle.read(_CRS_BYTES).decode("utf-8", errors="ignore").lstrip()
    try:
        crs: Any = json.JSONDecoder().raw_decode(text)[0]
        named = crs is None or (crs["type"] == "name" and set(crs["properties"]) == {"name"})
        name = None if crs is None else crs["properties"]["name"]
        plain = name is None or _CRS_NAME.fullmatch(name) is not None
    except (ValueError, TypeError, KeyError, RecursionError):
        named = plain = False
    if not (named and plain):
        problem = "crs 不是一个坐标系的名称"
        raise fatal(path.name, problem, "按 RFC 7946 导出为 WGS84 经纬度，或写成 EPSG 编号的名称")
