"""The rows behind a collection, made once for each version of the data and kept between requests."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import Transformer

from analysis.coverage import CoverageAnalysis, CoverageRequest, covered_types, prepare_coverage
from analysis.given import gather
from data.registry.export_models import export_field
from data.store.store import Store, data_dir, open_store
from exports.catalogue import make_asked
from exports.layers.coverage import CELL_FIELDS as COVERAGE_FIELDS
from exports.layers.coverage import cell_frame
from exports.layers.grid import CELL_FIELDS, cell_size_m, people_origin, squares
from exports.layers.kinds import LayerRequest
from exports.layers.runs import make_run_layer
from geo.crs import ALBERS, STORE_CRS
from geo.export_table import ExportTable, Field
from server.ogc.collections import COVERAGE_CELLS, GRID, Collection, collections

Box = tuple[float, float, float, float]
Hits = Callable[[Box], NDArray[np.intp]]
Shapes = Callable[[NDArray[np.intp]], NDArray[np.object_]]
_KEPT_BOXES = 8
"""Boxes whose cells are remembered: pages of one answer follow each other. A large one holds some 3 MB."""
_AROUND = (110.0, 25.0, 130.0, 40.0)
"""Far around the province: beyond it the measuring projection says nothing useful, and there are no cells."""
_DEGREES_PER_M = 1.2e-5
"""A degree of longitude at 35°N is some 91 km: a metre is never more degrees than this."""


def grid_of(cells: pd.DataFrame, size: float) -> tuple[Hits, Shapes]:
    """Return which cells a box (degrees) meets, and the squares (EPSG:4490) of some of them.

    ``cells`` has the centres ``x``, ``y`` (metres of ``ALBERS``); ``size`` is the side of a cell. Which cells
    a box meets follows from the centres, but for those near the edge of the box.
    """
    centres = cells[["x", "y"]]
    xs, ys = centres["x"].to_numpy(), centres["y"].to_numpy()
    measure = Transformer.from_crs(STORE_CRS, ALBERS, always_xy=True)
    back = Transformer.from_crs(ALBERS, STORE_CRS, always_xy=True)

    def shapes(rows: NDArray[np.intp]) -> NDArray[np.object_]:
        found: NDArray[np.object_] = squares(centres.iloc[rows], size).geometry.to_numpy()
        return found

    @functools.lru_cache(_KEPT_BOXES)
    def within(box: Box) -> NDArray[np.intp]:
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
        result: NDArray[np.intp] = found[certain]
        return result

    def hits(box: Box) -> NDArray[np.intp]:
        west, south = max(box[0], _AROUND[0]), max(box[1], _AROUND[1])
        east, north = min(box[2], _AROUND[2]), min(box[3], _AROUND[3])
        if west > east or south > north:
            return np.empty(0, dtype=np.intp)
        return within((west, south, east, north))

    return hits, shapes


_KEPT = 24

_lock = threading.Lock()
_making: dict[tuple[str, str], threading.Lock] = {}
_sources: dict[tuple[str, str], Source] = {}


@dataclass(frozen=True)
class Cells:
    """What is known of rows that are cells of the population grid.

    ``size_m``: their side in metres. ``marks``: how good they are (``modelled``, ``implied``), and
    ``remarks`` what must be said of them (Chinese).
    """

    size_m: float
    marks: tuple[str, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Source:
    """The rows of one collection.

    ``rows``: the columns of ``fields`` (and perhaps more), one row per item, the id of an item being its row
    number from 0. ``hits`` gives the rows that a box (degrees) meets; ``shapes`` the geometries of some rows
    (EPSG:4490). ``newest``: the year whose rows are meant when no year is asked for, where rows have years.
    ``cells``: of rows that are cells of the grid.
    """

    rows: pd.DataFrame
    fields: tuple[Field, ...]
    hits: Callable[[Box], NDArray[np.intp]]
    shapes: Callable[[NDArray[np.intp]], NDArray[np.object_]]
    newest: int | None = None
    cells: Cells | None = None

    def named(self) -> pd.DataFrame:
        """Return the columns that may be asked for by name."""
        return self.rows[[one.name for one in self.fields]]


def source_of(collection: str) -> Source:
    """Return the rows of a collection of the current version of the data. Raises ``KeyError`` for none.

    Whoever asks for a collection that another request is making waits for it.
    """
    store = open_store()
    key = (store.data_version, collection)
    with _lock:
        if key in _sources:
            return _sources[key]
        making = _making.setdefault(key, threading.Lock())
    with making:
        with _lock:
            if key in _sources:
                return _sources[key]
        try:
            made = _made(store, collection, collections(store)[collection])
        finally:
            with _lock:
                _making.pop(key, None)
        with _lock:
            while len(_sources) >= _KEPT:
                _sources.pop(next(iter(_sources)))
            _sources[key] = made
    return made


def _made(store: Store, name: str, collection: Collection) -> Source:
    if name == GRID:
        cells = store.population_grid().rename(columns={"area_km2": "land_km2"})[list(CELL_FIELDS)]
        return _cells(store, cells, CELL_FIELDS, ("modelled",), ())
    if name == COVERAGE_CELLS:
        asked = collection.settings
        wanted = CoverageRequest(types=covered_types([asked["type"]]), mode=asked["mode"])
        return _coverage(store, prepare_coverage(gather(store, data_dir()), wanted), float(asked["minutes"]))
    if collection.run is not None and collection.run.part.cells is not None:
        return _coverage(store, *collection.run.part.cells(gather(store, data_dir()), collection.run.run))
    if collection.run is not None:
        return _layers([make_run_layer(store, data_dir(), collection.run)], None)
    request = LayerRequest(store, data_dir(), collection.info, dict(collection.settings))
    if not collection.years:
        return _layers([make_asked(request)], None)
    # The newest year comes first, so that its items keep the lowest ids.
    settings = [{**collection.settings, "year": str(year)} for year in collection.years]
    tables = [make_asked(LayerRequest(store, data_dir(), collection.info, one)) for one in settings]
    return _layers(tables, collection.years[0])


def _coverage(store: Store, analysis: CoverageAnalysis, minutes: float) -> Source:
    marks = ("modelled", "implied") if analysis.implied else ("modelled",)
    remarks = (f"{analysis.method}，阈值 {minutes:g} 分钟", *analysis.notes)
    return _cells(store, cell_frame(analysis, minutes), COVERAGE_FIELDS, marks, remarks)


def _cells(
    store: Store,
    cells: pd.DataFrame,
    names: tuple[str, ...],
    marks: tuple[str, ...],
    remarks: tuple[str, ...],
) -> Source:
    size = cell_size_m(store)
    hits, shapes = grid_of(cells, size)
    fields = tuple(export_field(name) for name in names)
    origins, notes = people_origin(store)
    told = (*(f"人口来源：{one.title}" for one in origins), *notes, *remarks)
    rows = cells[list(names)].reset_index(drop=True)
    return Source(rows, fields, hits, shapes, cells=Cells(size, marks, told))


def _layers(tables: list[ExportTable], newest: int | None) -> Source:
    """Return tables of the same columns, one after the other, as one source."""
    frames = [table.frame() for table in tables]
    shapes = np.concatenate([frame.geometry.to_numpy() for frame in frames])
    rows = [pd.DataFrame(frame.drop(columns="geometry")) for frame in frames]
    tree = shapely.STRtree(shapes)

    def hits(box: Box) -> NDArray[np.intp]:
        return np.sort(tree.query(shapely.box(*box), predicate="intersects"))

    whole = rows[0] if len(rows) == 1 else pd.concat(rows, ignore_index=True)
    return Source(whole, tables[0].fields, hits, lambda wanted: shapes[wanted], newest)
