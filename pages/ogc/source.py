"""The rows behind a collection, kept between requests; cells of a grid become squares only when sent."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import Transformer

from data.catalogue import layer_list, make_layer
from data.layer_kinds import LayerInfo
from data.layers_grid import CELL_FIELDS, cell_size_m, squares
from data.store import Store, data_dir, open_store
from geo.crs import ALBERS, STORE_CRS
from geo.export_crs import TARGETS
from geo.export_table import Field
from layers.export_words import summary_lines

GRID = "population_grid"
LEFT_OUT = ("coverage.cells", "catchment", "circles", "siting")
"""Layers too heavy to be computed for whoever asks."""

_KEPT, _KEPT_BOXES = 24, 32
_DEGREES_PER_M = 1.2e-5
"""A degree of longitude at 35°N is some 91 km: a metre is never more degrees than this."""

_lock = threading.Lock()
_sources: dict[tuple[str, str], Source] = {}


@dataclass(frozen=True, eq=False)
class Source:
    """The rows of one collection.

    ``rows``: the columns of ``fields``, one row per item, the id of an item being its row number from 0.
    ``hits`` gives the rows that a box (degrees) meets; ``shapes`` the geometries of some rows (EPSG:4490).
    """

    rows: pd.DataFrame
    fields: tuple[Field, ...]
    hits: Callable[[tuple[float, float, float, float]], NDArray[np.intp]]
    shapes: Callable[[NDArray[np.intp]], NDArray[np.object_]]
    words: tuple[str, ...]


def collections(store: Store) -> dict[str, tuple[LayerInfo, dict[str, str], str]]:
    """Return the collections by id: the layer, its settings and a title.

    An indicator has one collection for each level, of its latest year; other layers one with their defaults.
    """
    out: dict[str, tuple[LayerInfo, dict[str, str], str]] = {}
    for info in layer_list(store):
        if info.id in LEFT_OUT:
            continue
        levels = next((one for one in info.parameters if one.name == "level"), None)
        if levels is None:
            out[info.id] = (info, {}, info.title)
            continue
        for level, name in levels.options.items():
            out[f"{info.id}.{level}"] = (info, {"level": level}, f"{info.title}（{name}）")
    return out


def source_of(collection: str) -> Source:
    """Return the rows of a collection of the current version of the data. Raises ``KeyError`` for none."""
    store = open_store()
    key = (store.data_version, collection)
    with _lock:
        if key in _sources:
            return _sources[key]
    made = _grid(store) if collection == GRID else _layer(store, collection)
    with _lock:
        while len(_sources) >= _KEPT:
            _sources.pop(next(iter(_sources)))
        _sources[key] = made
    return made


def _layer(store: Store, collection: str) -> Source:
    info, settings, _ = collections(store)[collection]
    table = make_layer(store, data_dir(), info.id, settings)
    frame = table.frame()
    shapes = frame.geometry.to_numpy()
    tree = shapely.STRtree(shapes)

    def hits(box: tuple[float, float, float, float]) -> NDArray[np.intp]:
        return np.sort(tree.query(shapely.box(*box), predicate="intersects"))

    words = summary_lines(table, TARGETS[STORE_CRS], approval=None)
    return Source(
        pd.DataFrame(frame.drop(columns="geometry")),
        table.fields,
        hits,
        lambda rows: shapes[rows],
        tuple(words),
    )


def _grid(store: Store) -> Source:
    """Return the grid without a single geometry: which cells a box meets follows from their centres."""
    table = make_layer(store, data_dir(), GRID)
    size = cell_size_m(store)
    cells = store.population_grid().rename(columns={"area_km2": "land_km2"})[list(CELL_FIELDS)]
    xs, ys = cells["x"].to_numpy(), cells["y"].to_numpy()
    measure = Transformer.from_crs(STORE_CRS, ALBERS, always_xy=True)
    back = Transformer.from_crs(ALBERS, STORE_CRS, always_xy=True)

    def shapes(rows: NDArray[np.intp]) -> NDArray[np.object_]:
        return squares(cells.iloc[rows], size).geometry.to_numpy()

    def hits(box: tuple[float, float, float, float]) -> NDArray[np.intp]:
        west, south, east, north = measure.transform_bounds(*box, densify_pts=21)
        near = (xs >= west - size) & (xs <= east + size) & (ys >= south - size) & (ys <= north + size)
        found = np.flatnonzero(near)
        lon, lat = back.transform(xs[found], ys[found])
        margin = size * _DEGREES_PER_M
        west, south, east, north = box[0] + margin, box[1] + margin, box[2] - margin, box[3] - margin
        certain = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
        # Only cells near the edge of the box need a look at their corners.
        doubtful = np.flatnonzero(~certain)
        certain[doubtful] = shapely.intersects(shapes(found[doubtful]), shapely.box(*box))
        return found[certain]

    return Source(
        cells,
        table.fields,
        functools.lru_cache(_KEPT_BOXES)(hits),
        shapes,
        tuple(summary_lines(table, TARGETS[STORE_CRS], approval=None)),
    )


def as_frame(source: Source, rows: NDArray[np.intp]) -> gpd.GeoDataFrame:
    """Return some rows with their geometry."""
    return gpd.GeoDataFrame(source.rows.iloc[rows], geometry=source.shapes(rows), crs=STORE_CRS)
