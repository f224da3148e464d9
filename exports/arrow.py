"""A layer as a stream of Arrow batches in the CRS it leaves in: what every writer of files reads."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from data.registry.limit_models import exceeded
from geo.crs import TargetCrs, reproject, zone_warning
from geo.errors import ExportError
from geo.export_table import ExportTable, Field, GeometryKind

_POLYGON, _LINE = 3, 1
_COLLECTION = {"line": (_LINE, 5), "polygon": (_POLYGON, 6)}
_SQUARE = 5
# A collection of one area with one ring of five points: two heads, the number of rings, the number of points.
_SQUARE_HEAD = np.frombuffer(
    b"\x01\x06\x00\x00\x00\x01\x00\x00\x00\x01\x03\x00\x00\x00\x01\x00\x00\x00\x05\x00\x00\x00",
    dtype=np.uint8,
)
_COORDINATES_BYTES = _SQUARE * 2 * 8


def too_many(limit_id: str, rows: int, what: str) -> ExportError:
    """Return the error of ``what`` that has more rows than a limit of the table of limits, in its words."""
    fault = exceeded(limit_id, what, rows)
    return ExportError(f"{what}：{fault.problem}；{fault.remedy}。")


def wkb_array(shapes: NDArray[np.object_], kind: GeometryKind) -> pa.Array:
    """Return shapes (point, line or area; None where there is none) as an Arrow array of WKB.

    A single line or area becomes a collection of one; what is a collection already, or empty, is written as
    it is.
    """
    if kind == "polygon" and len(shapes) and _all_squares(shapes):
        return _squares(shapes)
    texts = shapely.to_wkb(shapes)
    if kind in _COLLECTION:
        single, many = _COLLECTION[kind]
        head = b"\x01" + many.to_bytes(4, "little") + (1).to_bytes(4, "little")
        # A linear ring (2) is written as the line it is.
        lone = np.isin(shapely.get_type_id(shapes), (single, 2) if kind == "line" else (single,))
        lone &= ~shapely.is_empty(shapes)
        for place in np.flatnonzero(lone):
            texts[place] = head + texts[place]
    return pa.array(texts, type=pa.binary())


def _all_squares(shapes: NDArray[np.object_]) -> bool:
    """Return whether every shape is an area of one ring with five points in two dimensions."""
    return bool(
        (shapely.get_type_id(shapes) == _POLYGON).all()
        and (shapely.get_num_coordinates(shapes) == _SQUARE).all()
        and (shapely.get_num_interior_rings(shapes) == 0).all()
        and not shapely.has_z(shapes).any()
    )


def _squares(shapes: NDArray[np.object_]) -> pa.Array:
    """Return areas of five points as WKB, all of one length, made in one piece."""
    count, size = len(shapes), len(_SQUARE_HEAD) + _COORDINATES_BYTES
    out = np.empty((count, size), dtype=np.uint8)
    out[:, : len(_SQUARE_HEAD)] = _SQUARE_HEAD
    points = shapely.get_coordinates(shapes).astype("<f8", copy=False)
    out[:, len(_SQUARE_HEAD) :] = points.reshape(count, -1).view(np.uint8)
    offsets = np.arange(count + 1, dtype=np.int32) * size
    return pa.Array.from_buffers(pa.binary(), count, [None, pa.py_buffer(offsets), pa.py_buffer(out)])


GEOMETRY = "geometry"
_FLAT = {"point": "Point", "line": "MultiLineString", "polygon": "MultiPolygon"}
_MERGE: dict[str, Callable[..., object]] = {
    "line": shapely.multilinestrings,
    "polygon": shapely.multipolygons,
}
# Line, linear ring and area by shapely's numbers.
_SINGLE = (1, 2, 3)
# What XML cannot hold at all, and what no text should: these files are refused rather than silently changed.
_CONTROL = re.compile(r"[\x01-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
# The same for the search that Arrow makes in a whole column at once, NUL among them.
_ARROW_NUL = r"\x00"
_ARROW_CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x{fffe}\x{ffff}]"


@dataclass
class Seen:
    """What passed through a stream: rows, bounds in the CRS of the file and in degrees, kinds of geometry."""

    rows: int = 0
    bounds: tuple[float, float, float, float] = (np.inf, np.inf, -np.inf, -np.inf)
    degrees: tuple[float, float, float, float] = (np.inf, np.inf, -np.inf, -np.inf)
    kinds: set[str] = field(default_factory=set)
    fault: Exception | None = None

    def add(self, frame: gpd.GeoDataFrame, moved: gpd.GeoDataFrame, kind: str) -> None:
        """Note one chunk before and after its conversion; a single area counts as a collection."""
        self.rows += len(frame)
        found = np.unique(shapely.get_type_id(moved.geometry.to_numpy()))
        self.kinds |= {
            _FLAT[kind] if one in _SINGLE else shapely.GeometryType(one).name for one in found if one >= 0
        }
        self.degrees = _joined(self.degrees, frame.total_bounds)
        self.bounds = _joined(self.bounds, moved.total_bounds)

    def zone_warning(self, target: TargetCrs) -> str | None:
        """Return what must be said of the zone."""
        west, south, east, north = self.degrees
        if not np.isfinite([west, east]).all():
            return None
        return zone_warning(west, east, (south + north) / 2.0, target)


def _joined(one: tuple[float, float, float, float], other: np.ndarray) -> tuple[float, float, float, float]:
    if not np.isfinite(other).all():
        return one
    low = np.minimum(one[:2], other[:2])
    high = np.maximum(one[2:], other[2:])
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def column_names(table: ExportTable, naming: str) -> list[str]:
    """Return the names of the columns: ``title`` (Chinese), ``name`` (English) or ``short`` (shapefile)."""
    return [str(getattr(one, naming)) for one in table.fields]


def frames(
    table: ExportTable, target: TargetCrs, seen: Seen, *, xml: bool = False, multi: bool = False
) -> Iterator[gpd.GeoDataFrame]:
    """Give the rows in the CRS asked for, chunk by chunk, columns as in the table.

    With ``multi`` areas and lines are multi-part throughout. Raises ``ExportError`` naming row and column
    for a text that no file format holds: one with NUL, half a surrogate pair or, for ``xml``, a control
    character.
    """
    for chunk in table.chunks():
        _require_text(chunk, table.fields, seen.rows, xml=xml)
        moved = reproject(chunk, target)
        if multi and table.geometry in _MERGE:
            shapes = gpd.GeoSeries(
                _multi(moved.geometry.to_numpy(), table.geometry), index=moved.index, crs=moved.crs
            )
            moved = moved.set_geometry(shapes)
        seen.add(chunk, moved, table.geometry)
        yield moved


def _multi(shapes: np.ndarray, kind: str) -> np.ndarray:
    """Return each single area or line as a collection of one; what is missing stays missing."""
    out = np.array(shapes, dtype=object)
    single = np.isin(shapely.get_type_id(out), _SINGLE)
    if single.any():
        out[single] = _MERGE[kind](out[single], indices=np.arange(int(single.sum())))
    return out


def _require_text(chunk: gpd.GeoDataFrame, fields: Iterable[Field], before: int, *, xml: bool) -> None:
    for one in fields:
        column = chunk[one.name]
        if not is_text(column) or _is_plain(column, xml=xml):
            continue
        texts = [str(text) for text in column.dropna()]
        for row, text in zip(np.flatnonzero(column.notna()), texts, strict=True):
            if "\0" in text or not _is_clean(text, xml=xml):
                raise ExportError(
                    f"第 {before + int(row) + 1} 行“{one.title}”含有不能写入文件的控制字符或残缺字符："
                    f"{text[:20]!a}。请先在数据里删去它。"
                )


def _is_plain(column: pd.Series, *, xml: bool) -> bool:
    """Return whether no text of a column needs a second look: judged by Arrow, all rows at once."""
    try:
        texts = text_array(column)
    except (UnicodeEncodeError, pa.ArrowInvalid):
        return False
    risky = pc.match_substring_regex(texts, _ARROW_CONTROL if xml else _ARROW_NUL)
    return not pc.any(risky).as_py()


def text_array(column: pd.Series) -> pa.Array:
    """Return a column of texts as one Arrow array, null where there is none; what is no text by its words."""
    if isinstance(column.dtype, pd.StringDtype) and column.dtype.storage == "pyarrow":
        found = column.array.__arrow_array__(type=pa.string())
        return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
    plain = [None if missing else text for text, missing in zip(column, column.isna(), strict=True)]
    return pa.array([None if text is None else str(text) for text in plain], type=pa.string())


def _is_clean(text: str, *, xml: bool) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return not xml or _CONTROL.search(text) is None


def is_text(column: pd.Series) -> bool:
    """Return whether a column may hold texts."""
    return pd.api.types.is_object_dtype(column) or pd.api.types.is_string_dtype(column)


def arrow_type(column: pd.Series) -> pa.DataType:
    """Return the Arrow type of a column: text, bool, int64 or float64."""
    if pd.api.types.is_bool_dtype(column):
        return pa.bool_()
    if pd.api.types.is_integer_dtype(column):
        return pa.int64()
    if pd.api.types.is_float_dtype(column):
        return pa.float64()
    return pa.string()


@dataclass(frozen=True)
class Ends:
    """The last columns of a stream: their fields, and what makes their arrays from a chunk."""

    fields: tuple[pa.Field, ...]
    arrays: Callable[[gpd.GeoDataFrame], list[pa.Array]]


def _wkb_end(table: ExportTable) -> Ends:
    """Return the one column of the shapes as WKB."""
    shape = pa.field(GEOMETRY, pa.binary(), metadata={"ARROW:extension:name": "geoarrow.wkb"})
    return Ends((shape,), lambda chunk: [wkb_array(chunk.geometry.to_numpy(), table.geometry)])


def stream(
    table: ExportTable,
    target: TargetCrs,
    seen: Seen,
    *,
    naming: str = "title",
    xml: bool = False,
    change: Callable[[gpd.GeoDataFrame], gpd.GeoDataFrame] | None = None,
    ends: Ends | None = None,
) -> pa.RecordBatchReader:
    """Return the rows as Arrow batches, last the ``ends``: the shapes as WKB in the column ``geometry``.

    An error while rows are made is kept in ``seen.fault``: the reader of a stream would hide it. ``change``
    may alter each chunk (not its columns) on the way.
    """
    chunks = frames(table, target, seen, xml=xml)
    try:
        first = next(chunks, None)
    except Exception as fault:
        seen.fault = fault
        raise
    ends = ends or _wkb_end(table)
    names = column_names(table, naming)
    types = [pa.string() if first is None else arrow_type(first[one.name]) for one in table.fields]
    schema = pa.schema(
        [*(pa.field(name, kind) for name, kind in zip(names, types, strict=True)), *ends.fields]
    )

    def batches() -> Iterator[pa.RecordBatch]:
        for chunk in chunks if first is None else itertools.chain([first], chunks):
            yield _batch(chunk if change is None else change(chunk), table, schema, ends)

    return reader(schema, batches(), seen)


def reader(schema: pa.Schema, batches: Iterator[pa.RecordBatch], seen: Seen) -> pa.RecordBatchReader:
    """Return batches as a stream; the first error while they are made is kept in ``seen.fault``."""

    def kept() -> Iterator[pa.RecordBatch]:
        try:
            yield from batches
        except Exception as fault:
            seen.fault = seen.fault or fault
            raise

    return pa.RecordBatchReader.from_batches(schema, kept())


def _batch(chunk: gpd.GeoDataFrame, table: ExportTable, schema: pa.Schema, ends: Ends) -> pa.RecordBatch:
    arrays = [
        text_array(chunk[one.name])
        if kind == pa.string()
        else pa.array(chunk[one.name], type=kind, from_pandas=True)
        for one, kind in zip(table.fields, schema.types, strict=False)
    ]
    return pa.record_batch([*arrays, *ends.arrays(chunk)], schema=schema)


def layer_geometry(table: ExportTable) -> str:
    """Return the name GDAL has for the layer's geometry."""
    return _FLAT[table.geometry]
