"""Corridors: counties along every line and people beside every corridor, beside a loop of geopandas overlays.

Ours: `geo.corridors.strip` and `geo.corridors.CellPeople`. The peer, per corridor: `geopandas.overlay` of
the line with the counties, and per distance a buffer of 64 sides to a quarter joined with the cells
(`geopandas.sjoin`). Both start from the same axes, counties and cells in memory.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import geopandas as gpd
import shapely

from analysis.corridors import Corridors
from benchmarks.table import Row, beside, show
from data.builder.build import build_store
from data.registry.corridor_models import load_corridor_rules
from data.store.store import data_dir, open_store
from geo.corridors import CellPeople, strips
from geo.crs import ALBERS, STORE_CRS, to_albers

_QUADRANT = 64


def main() -> None:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks corridors", description=__doc__)
    parser.add_argument("--peer-corridors", type=int, default=20, help="corridors the peer is run on")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    build_store(data_dir(), only_if_stale=True)
    rows = compare(Corridors(open_store()), options.peer_corridors)
    if options.json:
        print(json.dumps({"rows": [row.as_dict() for row in rows]}, ensure_ascii=False))
    else:
        show({"corridors": rows})


def compare(corridors: Corridors, few: int) -> list[Row]:
    """Return the rows: everything with ours, and both on the same ``few`` corridors."""
    counties = to_albers(corridors.store.regions("county", zoom="province"))
    cells = corridors.cells
    xy, people = cells[["x", "y"]].to_numpy(), cells["population"].to_numpy()
    points = gpd.GeoDataFrame({"people": people}, geometry=gpd.points_from_xy(*xy.T), crs=ALBERS)
    shapes = {
        str(key): corridors.metric_shape(str(key)) for key in corridors.table.index[corridors.table["drawn"]]
    }
    some = list(corridors.axes)[:few]

    def along(keys: list[str]) -> dict[str, set[str]]:
        rows = strips({key: corridors.axes[key] for key in keys}, counties)
        return {key: set(part["adcode"].dropna()) for key, part in rows.groupby("corridor")}

    def near(keys: list[str]) -> dict[str, dict[float, float]]:
        cells_ready = CellPeople(xy, people)
        return {key: cells_ready.within(shapes[key], load_corridor_rules().beside_km) for key in keys}

    all_strips, _ = timed(along, list(corridors.axes))
    all_near, _ = timed(near, list(shapes))
    fresh = Corridors(corridors.store)
    all_figures, _ = timed(lambda keys: [fresh.figures(key) for key in keys], list(shapes))
    our_strips, ours = timed(along, some)
    our_near, beside_ours = timed(near, some)
    peer_strips, theirs = timed(lambda keys: overlay(corridors, counties, keys), some)
    peer_near, beside_theirs = timed(lambda keys: joined(shapes, points, keys), some)
    same = sum(ours[key] == theirs[key] for key in some)
    apart = max(
        abs(beside_ours[key][distance] - beside_theirs[key][distance])
        / max(beside_theirs[key][distance], 1.0)
        for key in some
        for distance in load_corridor_rules().beside_km
    )
    return [
        beside(f"counties along all {len(corridors.axes)} lines", "s", all_strips),
        beside(f"people within 4 distances of all {len(shapes)} corridors", "s", all_near),
        beside(f"figures of all {len(shapes)} corridors", "s", all_figures),
        beside(f"counties along {few} lines / geopandas.overlay", "s", our_strips, peer_strips),
        beside(f"people beside {few} lines / buffer and sjoin", "s", our_near, peer_near),
        Row(f"lines of {few} with the same counties as the peer", ours=float(same)),
        Row("largest relative difference of people (the peer's buffer is a polygon)", ours=apart),
    ]


def timed(work: Any, keys: list[str]) -> tuple[float, Any]:
    """Return the seconds that ``work`` takes on ``keys``, and its result."""
    begin = time.perf_counter()
    result = work(keys)
    return time.perf_counter() - begin, result


def overlay(corridors: Corridors, counties: gpd.GeoDataFrame, keys: list[str]) -> dict[str, set[str]]:
    """Return the counties along lines as a planner would: one overlay per corridor."""
    found = {}
    right = counties[["adcode", "geometry"]]
    for key in keys:
        line = gpd.GeoDataFrame(geometry=[shapely.LineString(corridors.axes[key])], crs=STORE_CRS).to_crs(
            ALBERS
        )
        met = gpd.overlay(line, right, how="intersection", keep_geom_type=True)
        found[key] = set(met.loc[met.length > 0.5, "adcode"])
    return found


def joined(
    shapes: dict[str, shapely.Geometry], points: gpd.GeoDataFrame, keys: list[str]
) -> dict[str, dict[float, float]]:
    """Return the people beside corridors by buffer and spatial join, one per corridor and distance."""
    found: dict[str, dict[float, float]] = {}
    for key in keys:
        found[key] = {}
        for distance in load_corridor_rules().beside_km:
            area = shapely.buffer(shapes[key], distance * 1000.0, quad_segs=_QUADRANT)
            frame = gpd.GeoDataFrame(geometry=[area], crs=ALBERS)
            found[key][distance] = float(gpd.sjoin(points, frame, predicate="intersects")["people"].sum())
    return found


if __name__ == "__main__":
    main()
