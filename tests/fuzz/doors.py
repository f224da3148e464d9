"""The one place where fuzzer and hostile files meet the program: every door for files as one function."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import geopandas as gpd
import pandas as pd

from data.ingest.boundaries import stage_boundaries
from data.ingest.facilities import read_facilities
from data.ingest.indicators import check_indicators
from data.ingest.osm import import_osm
from data.ingest.population import import_population_raster
from data.ingest.site_file import read_sites
from data.registry import load_registry
from data.store import open_store

_FEW = ("320000", "320100", "320102", "320104")
"""Two counties are enough for a raster to be read over; all of them would take a second for every mutant."""


@dataclass(frozen=True)
class _Known:
    """What the doors know of the store."""

    data_dir: Path
    table: pd.DataFrame
    regions: gpd.GeoDataFrame

    def indicators(self, path: Path, _folder: Path) -> None:
        check_indicators(path, self.data_dir, load_registry(), self.table)

    def facilities(self, path: Path, _folder: Path) -> None:
        read_facilities(path, facility_type="hospital", datum="wgs84", regions=self.regions)

    def boundaries(self, path: Path, folder: Path) -> None:
        stage_boundaries(path, folder, "cgcs2000").rollback()

    def population(self, path: Path, folder: Path) -> None:
        regions = self.regions.reset_index()
        few = regions[regions["adcode"].isin(_FEW)].reset_index(drop=True)
        import_population_raster(path, folder, load_registry(), few)

    def osm(self, path: Path, folder: Path) -> None:
        regions = self.regions.reset_index()
        import_osm(path, folder, regions[regions["level"] == "county"].reset_index(drop=True))

    def sites(self, path: Path, _folder: Path) -> None:
        read_sites(path, datum="wgs84", regions=self.regions)


@cache
def _known(data_dir: Path) -> _Known:
    store = open_store(data_dir)
    regions = store.regions(zoom="full")
    if "adcode" in regions.columns:
        regions = regions.set_index("adcode", drop=True)
    return _Known(data_dir, store.region_table(), regions)


DOORS = ("indicators", "facilities", "boundaries", "population", "osm", "sites")


def read_file(door: str, path: Path, data_dir: Path) -> None:
    """Read a file the way ``door`` does, with the store of ``data_dir``; nothing is written there.

    Raises what the program raises: an error of the house for a file that it refuses.
    """
    read: Callable[[Path, Path], None] = getattr(_known(data_dir), door)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        read(path, Path(folder))
