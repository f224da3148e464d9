"""The one place where fuzzer and hostile files meet the program: every door for files as one function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import geopandas as gpd
import pandas as pd

from data.ingest.boundaries import read_boundaries
from data.ingest.facilities import read_facilities
from data.ingest.indicators import check_indicators
from data.ingest.osm import read_extract
from data.ingest.population import read_population
from data.ingest.sites import read_sites
from data.reader import files
from data.registry import load_registry
from data.store.store import open_store

_FEW = ("320000", "320100", "320102", "320104")
"""Two counties are enough for a raster to be read over; all of them would take a second for every mutant."""


@dataclass(frozen=True)
class _Known:
    """What the doors know of the store: each reads a file in this process, as that of a reader does."""

    data_dir: Path
    regions: gpd.GeoDataFrame

    def indicators(self, path: Path) -> None:
        table = pd.DataFrame(self.regions.drop(columns="geometry"))
        check_indicators(path, self.data_dir, load_registry(), table)

    def facilities(self, path: Path) -> None:
        read_facilities(path, facility_type="hospital", datum="wgs84", regions=self.regions)

    def boundaries(self, path: Path) -> None:
        read_boundaries(path, "cgcs2000")

    def population(self, path: Path) -> None:
        few = self.regions[self.regions["adcode"].isin(_FEW)].reset_index(drop=True)
        read_population(path, load_registry(), few)

    def osm(self, path: Path) -> None:
        read_extract(path, self.data_dir, self.regions[self.regions["level"] == "county"])

    def sites(self, path: Path) -> None:
        read_sites(path, datum="wgs84", regions=self.regions)


@dataclass(frozen=True)
class _Apart(_Known):
    """The same doors as pages and commands have them: a process for each file."""

    def indicators(self, path: Path) -> None:
        files.read_indicators(path, self.data_dir, self.regions)

    def facilities(self, path: Path) -> None:
        files.read_facility_file(path, None, self.regions, datum="wgs84", facility_type="hospital")

    def boundaries(self, path: Path) -> None:
        files.read_boundary_file(path, "cgcs2000")

    def population(self, path: Path) -> None:
        few = self.regions[self.regions["adcode"].isin(_FEW)].reset_index(drop=True)
        files.read_population_file(path, few)

    def osm(self, path: Path) -> None:
        files.read_osm_file(path, self.data_dir, self.regions[self.regions["level"] == "county"])

    def sites(self, path: Path) -> None:
        files.read_site_file(path, self.regions, datum="wgs84")


@cache
def _known(data_dir: Path, *, apart: bool) -> _Known:
    kind = _Apart if apart else _Known
    return kind(data_dir, open_store(data_dir).regions(zoom="full").reset_index(drop=True))


DOORS = ("indicators", "facilities", "boundaries", "population", "osm", "sites")


def read_file(door: str, path: Path, data_dir: Path, *, apart: bool = False) -> None:
    """Read a file the way ``door`` does, with the store of ``data_dir``; nothing is written there.

    ``apart``: in a process of its own, as pages and commands do. There an exception that nobody foresaw
    becomes a sentence; here it passes through, which is what a fuzzer looks for. Raises what the program
    raises: an error of the house for a file that it refuses.
    """
    read: Callable[[Path], None] = getattr(_known(data_dir, apart=apart), door)
    read(path)
