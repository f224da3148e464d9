"""What a run is made of, gathered once: tables of the store, files in their place, roads, and who is told.

Coverage, circles, siting, catchments and standards take the same `Given`. Several runs that share it, as the
services of a life circle or the questions of a page do, read a table of the store once between them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely

from analysis.networks import LoadedNetwork, load_network
from data.ingest.osm_store import NetworkSource
from data.regions.population import CENSUS_YEAR
from data.regions.water_lines import crossing_gates, river_line, water_shapes
from data.registry import load_registry
from data.store.store import Store
from geo.crs import to_albers
from geo.edge import Border
from geo.errors import UnknownRegionError
from geo.modes import METRES_PER_MINUTE_PER_KMH, TravelMode
from geo.waters import Waters, build_waters

Progress = Callable[[str], None]
"""Told each step (Chinese) while there is something to wait for."""

POPULATION = "population"
"""The indicator whose residual (未分配) no cell holds."""


@dataclass(frozen=True, eq=False)
class StoreTables:
    """The tables of one store that runs need, each read when it is first asked for, and then kept.

    Safe to share between threads; do not change what it returns.
    """

    store: Store
    _counties: dict[str, gpd.GeoDataFrame] = field(default_factory=dict, repr=False)
    _waters: dict[tuple[str, float], Waters] = field(default_factory=dict, repr=False)

    @cached_property
    def regions(self) -> pd.DataFrame:
        """`Store.region_table` of all levels."""
        return self.store.region_table()

    @cached_property
    def cells(self) -> pd.DataFrame:
        """`Store.population_grid`."""
        return self.store.population_grid()

    @cached_property
    def facilities(self) -> pd.DataFrame:
        """`Store.facilities`."""
        return self.store.facilities()

    @cached_property
    def residual(self) -> pd.DataFrame:
        """The people of the census who belong to no county, and so to no cell: columns of `Store.facts`."""
        return self.store.facts(POPULATION, year=CENSUS_YEAR, level="unallocated")

    @cached_property
    def meta(self) -> Mapping[str, str]:
        """What the build noted about its data, by key."""
        rows = self.store.table("meta")
        return {str(key): str(value) for key, value in zip(rows["key"], rows["value"], strict=True)}

    @property
    def cell_size_m(self) -> float:
        """The side of the population cells in metres."""
        built = self.meta.get("population_resolution_m")
        return float(load_registry().setting("population_resolution_m") if built is None else built)

    @cached_property
    def border(self) -> Border:
        """The outline of the province as fine as the counties are on a county map, in ``ALBERS``."""
        return Border(shapely.boundary(shapely.union_all(self.counties("county").geometry.to_numpy())))

    @cached_property
    def river_parts(self) -> bool:
        """Whether the boundaries tell the banks of the Yangtze apart, so that lines can stop there."""
        return not river_line(self.counties("county")).is_empty

    @cached_property
    def _water_shapes(self) -> list[shapely.Polygon]:
        return water_shapes(self.counties("county"))

    def on_land(self, mode: TravelMode) -> TravelMode:
        """Return a mode whose straight lines stop at the Yangtze and the large lakes.

        They pass by the crossings that the mode may use; a ferry takes its time at ``ferry_kmh``.
        """
        by_line = mode.straight_m_per_minute / METRES_PER_MINUTE_PER_KMH
        slower = by_line / mode.ferry_kmh if mode.ferry_kmh else 1.0
        key = (mode.crosses_as, slower)
        if key not in self._waters:
            self._waters[key] = build_waters(self._water_shapes, crossing_gates(*key))
        return dataclasses.replace(mode, waters=self._waters[key])

    def counties(self, zoom: str) -> gpd.GeoDataFrame:
        """Return the counties with borders as fine as ``zoom`` of `Store.regions`, in ``ALBERS``."""
        if zoom not in self._counties:
            self._counties[zoom] = to_albers(self.store.regions("county", zoom=zoom))
        return self._counties[zoom]


def require_region(regions: pd.DataFrame, adcode: str) -> str:
    """Return the code of a region of the table; ``UnknownRegionError`` when there is none such."""
    if adcode not in regions.index:
        raise UnknownRegionError(f"没有代码为“{adcode}”的地区。请用六位行政区划代码，如 320300。")
    return adcode


def _silent(_step: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, eq=False)
class Given:
    """What a run is made of. ``own_facilities`` (columns of the table ``facility``), ``own_cells`` and
    ``network`` stand in place of what the store and the imports hold, where they are not None.
    """

    tables: StoreTables
    data_dir: Path
    own_facilities: pd.DataFrame | None = None
    own_cells: pd.DataFrame | None = None
    network: NetworkSource | None = None
    progress: Progress = _silent

    @property
    def of_the_store(self) -> bool:
        """Whether everything is the store's own, so that a run can be done again from it."""
        return self.own_facilities is None and self.own_cells is None and self.network is None

    @property
    def store(self) -> Store:
        """The store whose tables these are."""
        return self.tables.store

    @property
    def regions(self) -> pd.DataFrame:
        """The region table of all levels."""
        return self.tables.regions

    @property
    def facilities(self) -> pd.DataFrame:
        """The facilities of all types that may count."""
        return self.tables.facilities if self.own_facilities is None else self.own_facilities

    @property
    def cells(self) -> pd.DataFrame:
        """The people of the whole province."""
        return self.tables.cells if self.own_cells is None else self.own_cells

    def untold(self) -> Given:
        """Return the same for a run that tells nobody of its steps."""
        return dataclasses.replace(self, progress=_silent)

    def roads(self, mode: TravelMode) -> LoadedNetwork | None:
        """Return the roads for a mode, as `load_network`."""
        return load_network(self.data_dir, mode, self.network)


def gather(
    store: Store | StoreTables,
    data_dir: Path | None = None,
    *,
    facilities: pd.DataFrame | None = None,
    cells: pd.DataFrame | None = None,
    network: NetworkSource | None = None,
    progress: Progress | None = None,
) -> Given:
    """Return what a run is made of; nothing is read before the run asks for it.

    ``store`` may be tables that earlier runs have read. ``data_dir`` (default: the one the store lies in) has
    the imported roads and keeps travel times. ``progress`` is told the steps of the run.
    """
    tables = store if isinstance(store, StoreTables) else StoreTables(store)
    return Given(
        tables,
        tables.store.folder.parent if data_dir is None else data_dir,
        facilities,
        cells,
        network,
        progress or _silent,
    )
