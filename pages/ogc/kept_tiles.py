"""Tiles made when asked for and kept a while, each for one version of the data."""

from __future__ import annotations

import itertools
import threading
import weakref
from collections import OrderedDict

from geo.tiles import MAX_ZOOM, MIN_ZOOM
from pages.ogc.source import Source, source_of
from pages.ogc.tiling import Tiling, tiling_made

KEPT_BYTES = 64 * 2**20
"""So many bytes of tiles are kept in memory; those not asked for longest go first."""

_tilings: weakref.WeakKeyDictionary[Source, tuple[int, Tiling]] = weakref.WeakKeyDictionary()
_numbers = itertools.count()
_kept: OrderedDict[tuple[int, int, int, int], bytes] = OrderedDict()
_lock = threading.Lock()


def tile_of(collection: str, zoom: int, column: int, row: int) -> bytes:
    """Return a tile of a collection of the current version of the data; empty where it has nothing.

    Raises ``KeyError`` for a collection that has no tiles and ``ValueError`` for a tile that there is not.
    """
    if not MIN_ZOOM <= zoom <= MAX_ZOOM:
        raise ValueError(f"no tiles at zoom {zoom}")
    number, tiling = _numbered(source_of(collection))
    key = (number, zoom, column, row)
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    made = tiling.tile(zoom, column, row)
    # What is empty is soon found out again, and there is no end of it.
    if made:
        with _lock:
            _kept[key] = made
            while sum(map(len, _kept.values())) > KEPT_BYTES:
                _kept.popitem(last=False)
    return made


def tiling_of(collection: str) -> Tiling:
    """Return the tiling of a collection. Raises ``KeyError`` for one that has no tiles."""
    return _numbered(source_of(collection))[1]


def _numbered(source: Source) -> tuple[int, Tiling]:
    """Return the tiling of a source and its number: another version of the data has other tiles."""
    if source.cells is None:
        raise KeyError("not cells of the grid")
    with _lock:
        if source not in _tilings:
            _tilings[source] = (next(_numbers), tiling_made(source.rows, source.cells.size_m))
        return _tilings[source]
