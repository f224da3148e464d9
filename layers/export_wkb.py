"""Shapes as WKB, areas and lines as collections throughout, without making a collection of each first."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from geo.export_table import GeometryKind

_POLYGON, _LINE = 3, 1
_COLLECTION = {"line": (_LINE, 5), "polygon": (_POLYGON, 6)}
_SQUARE = 5
# A collection of one area with one ring of five points: two heads, the number of rings, the number of points.
_SQUARE_HEAD = np.frombuffer(
    b"\x01\x06\x00\x00\x00\x01\x00\x00\x00\x01\x03\x00\x00\x00\x01\x00\x00\x00\x05\x00\x00\x00",
    dtype=np.uint8,
)
_COORDINATES_BYTES = _SQUARE * 2 * 8


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
