"""The ground of a build: what stands whatever values and facilities people import.

Regions, the population grid, plans and corridors take most of a build's time. An import makes them while its
file is read by another process; a build takes them over when nothing they rest on has changed since.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import geopandas as gpd
import pandas as pd

from data.builder.corridor_table import CorridorTables
from data.builder.corridor_tracks import build_corridors
from data.builder.plans import PlanTables, build_plan_tables
from data.regions.boundaries import Boundaries, build_region_table, load_boundaries, simplify_regions
from data.regions.census import FactTables, build_facts, census_counts
from data.regions.population import PopulationGrid, make_population_grid
from data.registry import load_registry
from data.store.versions import ZOOMS, input_version
from geo.errors import StoreError

STEPS: Final = ("读取登记表", "读取边界", "汇总地区", "推算人口格网", "整理规划", "整理通道走廊")
_BUILT_UPON: Final = ("indicators", "facilities")
"""Folders of imports that the ground does not depend on."""


@dataclass(frozen=True)
class Ground:
    """What a build begins with; ``version`` tells the inputs that it was made of (`ground_version`).

    ``facts`` are those that travel with the program.
    """

    version: str
    boundaries: Boundaries
    regions: gpd.GeoDataFrame
    files: dict[str, gpd.GeoDataFrame]
    facts: FactTables
    people: PopulationGrid
    plans: PlanTables
    corridors: CorridorTables

    def table(self) -> pd.DataFrame:
        """Return the regions without their shapes."""
        return pd.DataFrame(self.regions.drop(columns="geometry"))


def ground_version(data_dir: Path) -> str:
    """Return what the ground of ``data_dir`` would be made of now; raises as `input_version`."""
    return input_version(data_dir, without=_BUILT_UPON)


def make_ground(data_dir: Path, begin: Callable[[str], None] | None = None) -> Ground:
    """Return the ground for ``data_dir``; ``begin`` is told each of `STEPS`. Raises as `build_store`."""
    tell = begin or _silent
    version = ground_version(data_dir)
    tell(STEPS[0])
    registry = load_registry()
    tell(STEPS[1])
    boundaries = load_boundaries(data_dir)
    tell(STEPS[2])
    regions = build_region_table(boundaries.frame)
    files = _region_files(regions)
    table = pd.DataFrame(regions.drop(columns="geometry"))
    census = census_counts(registry, table.sort_values("adcode", ignore_index=True))
    facts = build_facts(registry, table, census)
    if facts.problems:
        raise StoreError("随程序发布的数据不自洽，没有构建：\n" + "\n".join(facts.problems))
    tell(STEPS[3])
    people = make_population_grid(registry, regions, data_dir, counts=census)
    tell(STEPS[4])
    plans = build_plan_tables(registry)
    tell(STEPS[5])
    corridors = build_corridors(data_dir, regions, files["regions_province"])
    return Ground(version, boundaries, regions, files, facts, people, plans, corridors)


def _silent(_step: str) -> None:
    """Hear the steps, for those whom nobody asked."""


def _region_files(regions: gpd.GeoDataFrame) -> dict[str, gpd.GeoDataFrame]:
    """Return the geometry of every region that has one, in full and for each zoom class."""
    frames = {"full": regions, **{zoom: simplify_regions(regions, zoom) for zoom in ZOOMS}}
    columns = ["adcode", "name", "level", "geometry"]
    return {
        f"regions_{zoom}": frame.loc[~frame.geometry.isna(), columns].reset_index(drop=True)
        for zoom, frame in frames.items()
    }


class GroundAhead:
    """The ground being made in a thread of its own, for a build that will want it."""

    def __init__(self, data_dir: Path) -> None:
        """Begin."""
        self._data_dir = data_dir
        self._made: Ground | None = None
        self._thread = threading.Thread(target=self._make, daemon=True, name="sutu-ground")
        self._thread.start()

    def _make(self) -> None:
        try:
            self._made = make_ground(self._data_dir)
        except Exception:
            # Whatever it is, the build meets it again, where it can be told.
            self._made = None

    def take(self) -> Ground | None:
        """Return the ground when it is made, None where it could not be."""
        self._thread.join()
        return self._made
