"""Where the people live whom nobody reaches: connected uncovered cells, ranked by population."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from geo.errors import CoverageError
from geo.modes import quantise_minutes
from geo.points import metric_points
from geo.travel import TravelResult

IntArray = NDArray[np.int32]

COLUMNS = (
    "rank",
    "population",
    "cells",
    "area_km2",
    "x",
    "y",
    "adcode",
    "nearest_minutes",
    "farthest_minutes",
    "unreachable_population",
)


@dataclass(frozen=True, eq=False)
class ClusterResult:
    """Clusters of uncovered cells. ``table``: one row per cluster, columns ``COLUMNS``, most populous
    first.

    ``x``, ``y``: centre of the population in metres of ``ALBERS``; ``adcode``: county with most of its
    people; ``nearest_minutes`` / ``farthest_minutes``: of the cells that reach a facility, NaN where none
    does. ``label``: int32 per cell, the rank of its cluster; 0 where covered, or empty of people.
    """

    table: pd.DataFrame
    label: IntArray


def uncovered_clusters(
    cells: pd.DataFrame,
    travel: TravelResult,
    threshold_minutes: float,
    *,
    cell_size_m: float,
    group: str = "population",
    connectivity: int = 8,
) -> ClusterResult:
    """Return the connected parts of what is not covered and not empty, ranked by people of ``group``.

    ``cells``: ``adcode``, ``x``, ``y`` (cell centres, metres of ``ALBERS``), ``area_km2`` and the group's
    column, in the order of ``travel``. Cells touch by their sides (``connectivity`` 4) or by corners too
    (8). Several cells in one place of the grid (parts of different counties) count as touching. Equal
    populations rank by position, west to east, then south to north. Raises ``CoverageError`` for a bad
    threshold, cell size or connectivity.
    """
    if not threshold_minutes >= 0.0 or not cell_size_m > 0.0 or connectivity not in (4, 8):
        raise CoverageError(
            f"参数不对：阈值 {threshold_minutes} 应不小于 0，格网边长 {cell_size_m} 应大于 0，"
            f"连通方式 {connectivity} 应为 4 或 8。"
        )
    points = metric_points(cells[["x", "y"]].to_numpy(dtype=np.float64), "人口格网")
    people = cells[group].to_numpy(dtype=np.float64)
    covered = travel.reachable & (travel.minutes <= quantise_minutes(threshold_minutes))
    rows = np.flatnonzero(~covered & (people > 0.0))
    label = np.zeros(len(cells), dtype=np.int32)
    if len(rows) == 0:
        return ClusterResult(pd.DataFrame(columns=list(COLUMNS)), label)
    column = np.floor((points[rows, 0] - points[rows, 0].min()) / cell_size_m + 0.5).astype(np.int64)
    line = np.floor((points[rows, 1] - points[rows, 1].min()) / cell_size_m + 0.5).astype(np.int64)
    raster = np.zeros((int(line.max()) + 1, int(column.max()) + 1), dtype=bool)
    raster[line, column] = True
    structure = ndimage.generate_binary_structure(2, 1 if connectivity == 4 else 2)
    part = ndimage.label(raster, structure=structure)[0][line, column]
    part_people = np.bincount(part, weights=people[rows])
    part_x = np.bincount(part, weights=people[rows] * points[rows, 0])
    part_y = np.bincount(part, weights=people[rows] * points[rows, 1])
    parts = np.unique(part)
    order = np.lexsort(
        (part_y[parts] / part_people[parts], part_x[parts] / part_people[parts], -part_people[parts])
    )
    rank_of = np.zeros(int(part.max()) + 1, dtype=np.int32)
    rank_of[parts[order]] = np.arange(1, len(parts) + 1)
    label[rows] = rank_of[part]
    return ClusterResult(_describe(cells, travel, rows, label[rows], group), label)


def _describe(
    cells: pd.DataFrame, travel: TravelResult, rows: NDArray[np.int64], rank: IntArray, group: str
) -> pd.DataFrame:
    """Return the table of the clusters."""
    part = pd.DataFrame(
        {
            "rank": rank,
            "population": cells[group].to_numpy(dtype=np.float64)[rows],
            "area_km2": cells["area_km2"].to_numpy(dtype=np.float64)[rows],
            "adcode": cells["adcode"].to_numpy()[rows],
            "minutes": travel.minutes[rows],
        }
    )
    for axis in ("x", "y"):
        part[axis] = cells[axis].to_numpy(dtype=np.float64)[rows] * part["population"]
    part["unreachable_population"] = part["population"].where(~travel.reachable[rows], 0.0)
    by_rank = part.groupby("rank", sort=True)
    table = by_rank[["population", "area_km2", "x", "y", "unreachable_population"]].sum()
    table["x"], table["y"] = table["x"] / table["population"], table["y"] / table["population"]
    table["cells"] = by_rank.size()
    table["nearest_minutes"], table["farthest_minutes"] = by_rank["minutes"].min(), by_rank["minutes"].max()
    by_county = part.groupby(["rank", "adcode"], sort=True)["population"].sum().reset_index()
    most = by_county.sort_values(["rank", "population", "adcode"], ascending=[True, False, True])
    table["adcode"] = most.drop_duplicates("rank").set_index("rank")["adcode"]
    return table.reset_index()[list(COLUMNS)]
