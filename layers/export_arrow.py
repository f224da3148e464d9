"""A layer as a stream of Arrow batches in the CRS it leaves in: what every writer of files reads."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely

from geo.errors import ExportError
from geo.export_crs import TargetCrs, reproject, zone_warning
from geo.export_table import ExportTable, Field

GEOMETRY = "geometry"
_FLAT = {"point": "Point", "line": "MultiLineString", "polygon": "MultiPolygon"}
_MERGE: dict[str, Callable[..., object]] = {
    "line": shapely.multilinestrings,
    "polygon": shapely.multipolygons,
}
# What XML cannot hold at all, and what no text should: these files are refused rather than silently changed.
_CONTROL = re.compile(r"[\x01-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


@dataclass
class Seen:
    """What passed through a stream: rows, bounds in the CRS of the file and in degrees, kinds of geometry."""

    rows: int = 0
    bounds: tuple[float, float, float, float] = (np.inf, np.inf, -np.inf, -np.inf)
    degrees: tuple[float, float, float, float] = (np.inf, np.inf, -np.inf, -np.inf)
    kinds: set[str] = field(default_factory=set)
    fault: Exception | None = None

    def add(self, frame: gpd.GeoDataFrame, moved: gpd.GeoDataFrame) -> None:
        """Note one chunk before and after its conversion."""
        self.rows += len(frame)
        self.kinds |= set(moved.geometry.geom_type.dropna())
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
    table: ExportTable, target: TargetCrs, seen: Seen, *, xml: bool = False
) -> Iterator[gpd.GeoDataFrame]:
    """Give the rows in the CRS asked for, chunk by chunk, columns as in the table.

    Areas and lines are multi-part throughout, as files want them. Raises ``ExportError`` naming row and
    column for a text that no file format holds: one with NUL, half a surrogate pair or, for ``xml``, a
    control character.
    """
    for chunk in table.chunks():
        _require_text(chunk, table.fields, seen.rows, xml=xml)
        moved = reproject(chunk, target)
        if table.geometry in _MERGE:
            shapes = gpd.GeoSeries(
                _multi(moved.geometry.to_numpy(), table.geometry), index=moved.index, crs=moved.crs
            )
            moved = moved.set_geometry(shapes)
        seen.add(chunk, moved)
        yield moved


def _multi(shapes: np.ndarray, kind: str) -> np.ndarray:
    """Return each single area or line as a collection of one; what is missing stays missing."""
    out = np.array(shapes, dtype=object)
    single = np.isin(shapely.get_type_id(out), (1, 2, 3))
    if single.any():
        out[single] = _MERGE[kind](out[single], indices=np.arange(int(single.sum())))
    return out


def _require_text(chunk: gpd.GeoDataFrame, fields: Iterable[Field], before: int, *, xml: bool) -> None:
    for one in fields:
        column = chunk[one.name]
        if not _is_text(column):
            continue
        texts = [str(text) for text in column.dropna()]
        if not texts:
            continue
        joined = "\0\0".join(texts)
        if joined.count("\0") == 2 * (len(texts) - 1) and _is_clean(joined, xml=xml):
            continue
        for row, text in zip(np.flatnonzero(column.notna()), texts, strict=True):
            if "\0" in text or not _is_clean(text, xml=xml):
                raise ExportError(
                    f"第 {before + int(row) + 1} 行“{one.title}”含有不能写入文件的控制字符或残缺字符："
                    f"{text[:20]!a}。请先在数据里删去它。"
                )


def _is_clean(text: str, *, xml: bool) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return not xml or _CONTROL.search(text) is None


def _is_text(column: pd.Series) -> bool:
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


def stream(
    table: ExportTable,
    target: TargetCrs,
    seen: Seen,
    *,
    naming: str = "title",
    xml: bool = False,
    change: Callable[[gpd.GeoDataFrame], gpd.GeoDataFrame] | None = None,
) -> pa.RecordBatchReader:
    """Return the rows as Arrow batches, geometry as WKB in the column ``geometry``.

    An error while rows are made is kept in ``seen.fault``: the reader of a stream would hide it. ``change``
    may alter each chunk (not its columns) on the way.
    """
    chunks = frames(table, target, seen, xml=xml)
    try:
        first = next(chunks, None)
    except Exception as fault:
        seen.fault = fault
        raise
    names = column_names(table, naming)
    types = [pa.string() if first is None else arrow_type(first[one.name]) for one in table.fields]
    geometry = pa.field(GEOMETRY, pa.binary(), metadata={"ARROW:extension:name": "geoarrow.wkb"})
    schema = pa.schema([*(pa.field(name, kind) for name, kind in zip(names, types, strict=True)), geometry])

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            if first is not None:
                yield _batch(first if change is None else change(first), table, schema)
            for chunk in chunks:
                yield _batch(chunk if change is None else change(chunk), table, schema)
        except Exception as fault:
            seen.fault = fault
            raise

    return pa.RecordBatchReader.from_batches(schema, batches())


def _batch(chunk: gpd.GeoDataFrame, table: ExportTable, schema: pa.Schema) -> pa.RecordBatch:
    arrays = [
        pa.array(
            chunk[one.name].astype(object).where(chunk[one.name].notna(), None)
            if kind == pa.string()
            else chunk[one.name],
            type=kind,
            from_pandas=True,
        )
        for one, kind in zip(table.fields, schema.types[:-1], strict=True)
    ]
    shapes = chunk.geometry.to_numpy()
    return pa.record_batch([*arrays, pa.array(shapely.to_wkb(shapes), type=pa.binary())], schema=schema)


def layer_geometry(table: ExportTable) -> str:
    """Return the name GDAL has for the layer's geometry."""
    return _FLAT[table.geometry]
