"""Floating catchments over a province beside pysal ``access``, each in a process of its own.

``python -m benchmarks catchment [--json] [--cells 430000] [--facilities 2000] [--km 30] [--no-growth]``.

Ours is the whole job on a regular grid: windows, the two sums, access of every cell. The peer is
``access.fca.two_stage_fca`` over a table of pairs that it is given: finding the pairs is not counted
against it. Without decay (2SFCA) and with three zones (E2SFCA); the peer applies a
decay pair by pair in Python. Seconds exclude imports; memory is the peak of the whole process. Access is
compared cell by cell, cells that the peer leaves out as 0.
"""

# ruff: noqa: PLC0415 - a worker imports only what it measures
import argparse
import json
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.table import Clock, Row, beside, peak_mb, show

ROOT = Path(__file__).resolve().parents[1]
SIZE_M = 500.0
METRES_PER_MINUTE = 500.0
KINDS = {"none": "2SFCA", "step": "E2SFCA"}
GROWTH = (0.25, 0.5, 1.0, 2.0)
GOAL = 50.0
SEED = 20250101


def make_world(cells: int, facilities: int) -> dict[str, np.ndarray]:
    """Return a grid about as long as twice its width, with people and beds; the same for the same sizes."""
    rng = np.random.default_rng(SEED)
    columns = max(int(np.sqrt(cells / 2)), 1)
    number = np.arange(cells)
    xy = np.column_stack([number % columns, number // columns]) * SIZE_M + (100_000.0, 3_400_000.0)
    low, high = xy.min(axis=0), xy.max(axis=0)
    return {
        "cells": xy.astype(np.float64),
        "facilities": rng.uniform(low, high, (facilities, 2)),
        "demand": rng.integers(1, 800, cells).astype(np.float64),
        "supply": rng.integers(20, 900, facilities).astype(np.float64),
    }


def work_ours(world: dict[str, np.ndarray], kind: Any, minutes: float, clock: Clock) -> np.ndarray:
    """Do the whole job."""
    from data.registry.rule_models import load_catchment_rules
    from geo.catchment import floating_catchment
    from geo.decay import equal_zones, make_decay
    from geo.modes import METRES_PER_MINUTE_PER_KMH, TravelMode
    from geo.reach import grid_reach

    mode = TravelMode("straight", "直线", METRES_PER_MINUTE / METRES_PER_MINUTE_PER_KMH, 1.0, {})
    zones = equal_zones(minutes, load_catchment_rules().step_weights)
    clock.start()
    decay = make_decay(kind, minutes, steps=zones)
    reach = grid_reach(world["facilities"], world["cells"], cell_size_m=SIZE_M, mode=mode, decay=decay)
    access = floating_catchment(reach, world["demand"], world["supply"]).access
    clock.step("solve")
    return access


def work_access(world: dict[str, np.ndarray], kind: Any, minutes: float, clock: Clock) -> np.ndarray:
    """Find the pairs (a step of its own), then have ``access`` solve them."""
    import pandas as pd
    from access import fca, weights

    from benchmarks.straight_pairs import straight_reach
    from data.registry.rule_models import load_catchment_rules
    from geo.decay import equal_zones, make_decay
    from geo.modes import METRES_PER_MINUTE_PER_KMH, TravelMode
    from geo.reach import straight_minutes

    mode = TravelMode("straight", "直线", METRES_PER_MINUTE / METRES_PER_MINUTE_PER_KMH, 1.0, {})
    decay = make_decay(kind, minutes, steps=equal_zones(minutes, load_catchment_rules().step_weights))
    pairs = straight_reach(world["facilities"], world["cells"], mode=mode, decay=make_decay("none", minutes))
    offset = world["cells"][pairs.cell] - world["facilities"][pairs.facility]
    costs = pd.DataFrame(
        {
            "origin": pairs.cell.astype(np.int64),
            "dest": pairs.facility.astype(np.int64),
            "cost": straight_minutes(*offset.T, METRES_PER_MINUTE),
        }
    )
    del pairs, offset
    demand = pd.DataFrame({"demand": world["demand"]}).rename_axis("geoid")
    supply = pd.DataFrame({"supply": world["supply"]}).rename_axis("geoid")
    weight = None if kind == "none" else weights.step_fn(dict(decay.steps))
    clock.start()
    found = fca.two_stage_fca(demand, supply, costs, minutes, demand_index=True, weight_fn=weight)
    clock.step("solve")
    return np.append(found.reindex(range(len(demand))).fillna(0.0).to_numpy(), float(len(costs)))


def run_worker(arguments: list[str]) -> None:
    """Measure one program in this process; the answer goes to ``out``, the figures to stdout."""
    program, kind, cells, facilities, km, out = arguments
    warnings.simplefilter("ignore")
    world, clock = make_world(int(cells), int(facilities)), Clock()
    work = work_ours if program == "ours" else work_access
    minutes = float(km) * 1000.0 / METRES_PER_MINUTE
    answer = work(world, kind, minutes, clock)
    pairs = float(answer[-1]) if program == "access" else float("nan")
    np.save(out, answer[: int(cells)])
    figures = {"seconds": clock.seconds["solve"], "cpu": clock.cpu_seconds["solve"], "peak_mb": peak_mb()}
    print(json.dumps(figures | {"pairs": None if np.isnan(pairs) else pairs}))


def measure(
    program: str, kind: str, cells: int, facilities: int, km: float
) -> tuple[dict[str, Any], np.ndarray]:
    """Run one program in a process of its own; return its figures and its answer."""
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "answer.npy")
        options = [program, kind, str(cells), str(facilities), str(km), out]
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.catchment", "--worker", *options],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
        return json.loads(done.stdout.splitlines()[-1]), np.load(out)


def compare(cells: int, facilities: int, km: float) -> list[Row]:
    """Return the rows of both methods at one size."""
    rows = []
    for kind, name in KINDS.items():
        ours, mine = measure("ours", kind, cells, facilities, km)
        peer, theirs = measure("access", kind, cells, facilities, km)
        gap = float(np.max(np.abs(mine - theirs) / np.maximum(np.abs(theirs), 1e-300)))
        rows += [
            beside(
                f"{name}，{peer['pairs'] / 1e6:.1f} 百万对，秒",
                "s",
                ours["seconds"],
                peer["seconds"],
                goal=peer["seconds"] / GOAL,
            ),
            beside(f"{name}，处理器时间", "s", ours["cpu"], peer["cpu"]),
            beside(f"{name}，内存峰值", "MB", ours["peak_mb"], peer["peak_mb"]),
            Row(f"{name}，与 access 的最大相对差", ours=gap, goal=1e-9),
        ]
    return rows


def growth(cells: int, facilities: int, km: float) -> list[Row]:
    """Return how ours grows with the number of cells and facilities."""
    rows = []
    for factor in GROWTH:
        figures, _ = measure("ours", "step", int(cells * factor), int(facilities * factor), km)
        rows.append(Row(f"规模 ×{factor:g}，E2SFCA", "s", ours=figures["seconds"]))
        rows.append(Row(f"规模 ×{factor:g}，内存峰值", "MB", ours=figures["peak_mb"]))
    return rows


def main() -> None:
    """Read the options and print the report."""
    if sys.argv[1:2] == ["--worker"]:
        run_worker(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--cells", type=int, default=430_000)
    parser.add_argument("--facilities", type=int, default=2_000)
    parser.add_argument("--km", type=float, default=30.0)
    parser.add_argument("--no-growth", action="store_true")
    options = parser.parse_args()
    size = (options.cells, options.facilities, options.km)
    rows = compare(*size) + ([] if options.no_growth else growth(*size))
    notes = [
        f"{options.cells:,} 格 × {options.facilities:,} 个设施，{options.km:g} 公里内；"
        "access 的时间不含寻找设施—格网对"
    ]
    if options.json:
        print(json.dumps({"rows": [row.as_dict() for row in rows], "notes": notes}, ensure_ascii=False))
    else:
        show({"catchment": rows}, notes)


if __name__ == "__main__":
    main()
