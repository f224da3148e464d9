"""Straight lines that stop at water beside the same lines without any, over the province's own cells.

``python -m benchmarks water [--json] [--minutes 30] [--repeats 3]``.

Ours goes round the Yangtze and the lakes, or over their crossings; the peer is the straight line itself, a
KD-tree's distance, which crosses them. The nearest general hospital of every cell by car, the access of every
cell to all of them, and what a candidate on every fiftieth cell reaches. Building the graph of corners and
crossings, once for a store, is given apart. Medians; seconds exclude imports and the building of the store.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from analysis.coverage import CoverageRequest, prepare_coverage
from analysis.given import StoreTables, gather
from benchmarks.table import Row, beside, show
from data.builder.build import build_store
from data.store.store import open_store
from geo.catchment import floating_catchment
from geo.decay import make_decay
from geo.modes import TravelMode
from geo.reach import grid_reach
from geo.site_reach import reach_straight
from geo.travel import nearest_facility_straight


def run(minutes: float, repeats: int) -> list[Row]:
    """Return the rows of one run on a store of its own."""
    with tempfile.TemporaryDirectory() as folder:
        build_store(Path(folder))
        store = open_store(Path(folder))
        asked = CoverageRequest(types=("general_hospital",), mode="drive")
        analysis = prepare_coverage(gather(store), asked)
        cells = analysis.cells[["x", "y"]].to_numpy(dtype=float)
        hospitals = analysis.facilities[["x", "y"]].to_numpy(dtype=float)
        people = analysis.cells["population"].to_numpy(dtype=float)
        size_m = StoreTables(store).cell_size_m
        decay = make_decay("none", minutes)

        def nearest(mode: TravelMode) -> object:
            return nearest_facility_straight(hospitals, cells, mode=mode, max_minutes=minutes)

        def access(mode: TravelMode) -> object:
            reach = grid_reach(hospitals, cells, cell_size_m=size_m, mode=mode, decay=decay)
            return floating_catchment(reach, people, [1.0] * len(hospitals))

        def candidates(mode: TravelMode) -> object:
            return reach_straight(cells[::50], cells, mode=mode, max_minutes=minutes)

        on_land, dry = analysis.mode, replace(analysis.mode, waters=None)
        rows = []
        for name, work in (("最近设施", nearest), ("供需匹配", access), ("候选点可达范围", candidates)):
            ours, peer = (median_seconds(lambda w=work, m=mode: w(m), repeats) for mode in (on_land, dry))
            rows.append(beside(f"{name}，{minutes:g} 分钟，对比不计水面的直线", "s", ours, peer))
        fresh = median_seconds(lambda: StoreTables(store).on_land(dry), 1)
        return [*rows, Row("岸线和过江设施的可见图（每个数据库一次）", "s", ours=fresh)]


def median_seconds(work: Callable[[], object], repeats: int) -> float:
    """Return the median of how long some work takes."""
    taken = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken)


def main() -> None:
    """Run the comparison and print a table, or JSON."""
    parser = argparse.ArgumentParser(prog="benchmarks water", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    rows = run(options.minutes, options.repeats)
    if options.json:
        print(json.dumps({"rows": [row.as_dict() for row in rows]}, ensure_ascii=False))
        return
    show({"water": rows}, [])
