"""Maximal covering of a made-up province beside PySAL spopt, greedy and exact, each in its own process.

``python -m benchmarks siting [--json] [--cells 430000] [--candidates 1244] [--peer-cells 40000]``.

Cells of 500 m on a square, people gathered around seeded towns; seeded candidates where people live (the real
townships have known places for 543 of 1,244 only). Ours is the whole job: which cells each candidate reaches
within 15 minutes by straight line, then ten sites, greedy and exact (HiGHS, at most a minute). spopt builds
its program from a dense table of minutes (made outside its clock) and solves it with CBC; a dense table of
the whole province would take 4 GB before anything is built, so that it gets a size it can do, and ours beside
it. Seconds exclude imports; memory is the peak of the whole process.
"""

# ruff: noqa: PLC0415 - a worker imports only what it measures
import argparse
import importlib.util
import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.table import Clock, Row, beside, peak_mb, show

ROOT = Path(__file__).resolve().parents[1]
CELLS, CANDIDATES, PEER_CELLS, ADD, MINUTES = 430_000, 1_244, 40_000, 10, 15.0
GROWTH = (0.25, 0.5, 1.0, 2.0)
_CELL_M = 500.0
_CORNER = (100_000.0, 3_600_000.0)


@dataclass
class World:
    """Cells with people, and candidates; metres of the measuring CRS."""

    cells: NDArray[np.float64]
    people: NDArray[np.float64]
    sites: NDArray[np.float64]


@dataclass
class Report:
    """Rows of the table, and notes."""

    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def make_world(cells: int, candidates: int, seed: int = 32) -> World:
    """Return a square of about so many cells: towns of people, candidates drawn where people live."""
    random = np.random.default_rng(seed)
    side = round(cells**0.5)
    column, line = np.meshgrid(np.arange(side), np.arange(side))
    grid = np.column_stack([column.ravel(), line.ravel()]) * _CELL_M + _CORNER
    towns = random.uniform(0, side * _CELL_M, (max(candidates // 6, 3), 2)) + _CORNER
    size = random.pareto(1.2, len(towns)) + 0.2
    people = np.full(len(grid), 40.0)
    for town, weight in zip(towns, size, strict=True):
        near = np.abs(grid - town).max(axis=1) < 8_000.0
        metres = np.hypot(*(grid[near] - town).T)
        people[near] += 4_000.0 * weight * np.exp(-metres / 1_500.0)
    people = np.rint(people)
    chosen = random.choice(len(grid), candidates, replace=False, p=people / people.sum())
    return World(grid, people, grid[np.sort(chosen)])


def work(program: str, world: World) -> dict[str, Any]:
    """Do one program's job; return seconds, people covered, bound where there is one, peak of memory."""
    return {"ours": _ours, "spopt": _spopt}[program](world)


def _ours(world: World) -> dict[str, Any]:
    from data.registry.mode_models import load_modes
    from geo.site_reach import reach_straight
    from geo.siting import covering_problem, solve_exact, solve_greedy

    mode, clock = load_modes()["drive"], Clock()
    clock.start()
    reach = reach_straight(world.sites, world.cells, mode=mode, max_minutes=MINUTES)
    problem = covering_problem(reach, world.people, MINUTES)
    clock.step("reach")
    greedy = solve_greedy(problem, ADD)
    clock.step("greedy")
    before = peak_mb()
    exact = solve_exact(problem, ADD, time_limit_s=60.0)
    clock.step("exact")
    return {
        "seconds": clock.seconds,
        "cpu_seconds": clock.cpu_seconds,
        "pairs": len(reach.cell),
        "greedy": greedy.value,
        "greedy_gap": greedy.gap,
        "exact": exact.value,
        "exact_gap": exact.gap,
        "exact_method": exact.method,
        "status": exact.status,
        "greedy_mb": before,
        "peak_mb": peak_mb(),
    }


def _spopt(world: World) -> dict[str, Any]:
    import warnings

    import pulp
    from spopt.locate import MCLP

    warnings.filterwarnings("ignore")
    from data.registry.mode_models import load_modes

    speed, clock = load_modes()["drive"].straight_m_per_minute, Clock()
    offset = world.cells[:, None, :] - world.sites[None, :, :]
    minutes = np.hypot(offset[..., 0], offset[..., 1]) / speed
    del offset
    clock.start()
    program = MCLP.from_cost_matrix(minutes, world.people, MINUTES, p_facilities=ADD)
    clock.step("build")
    program = program.solve(pulp.PULP_CBC_CMD(msg=False))
    clock.step("solve")
    chosen = [number for number, one in enumerate(program.fac_vars) if one.value() > 0.5]
    covered = (minutes[:, chosen] <= MINUTES).any(axis=1)
    return {
        "seconds": clock.seconds,
        "cpu_seconds": clock.cpu_seconds,
        "exact": float(world.people[covered].sum()),
        "peak_mb": peak_mb(),
    }


def measured(program: str, cells: int, candidates: int) -> dict[str, Any]:
    """Run one program on one world in a process of its own."""
    line = [sys.executable, "-m", "benchmarks", "siting", "--worker", program, str(cells), str(candidates)]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def run(cells: int, candidates: int, peer_cells: int, *, growth: bool = True) -> Report:
    """Return the report: the whole province, a size the peer can do, and the growth."""
    report = Report()
    whole = measured("ours", cells, candidates)
    seconds = whole["seconds"]
    size = f"{cells:,} 格 × {candidates:,} 候选点"
    report.rows += [
        Row(f"{size}：可达范围", "s", seconds["reach"]),
        Row(f"{size}：贪心 {ADD} 处", "s", seconds["greedy"]),
        Row(f"{size}：精确 {ADD} 处", "s", seconds["exact"]),
        Row(f"{size}：内存峰值（到贪心为止）", "MB", whole["greedy_mb"]),
        Row(f"{size}：内存峰值", "MB", whole["peak_mb"]),
        Row(f"{size}：贪心与上界的差距", "", whole["greedy_gap"]),
        Row(f"{size}：贪心 ÷ 精确", "", whole["greedy"] / whole["exact"]),
        Row(f"{size}：精确与上界的差距", "", whole["exact_gap"]),
    ]
    report.notes.append(f"{size}，{whole['pairs']:,} 对；精确解：{whole['status']}")
    if importlib.util.find_spec("spopt") is None:
        report.notes.append("spopt 未安装，没有比较：请先 pip install spopt")
    else:
        _beside_peer(report, peer_cells, max(candidates * peer_cells // cells, 2 * ADD))
    if growth:
        _growth(report, cells, candidates, seconds)
    return report


def _beside_peer(report: Report, cells: int, candidates: int) -> None:
    ours, peer = measured("ours", cells, candidates), measured("spopt", cells, candidates)
    size = f"{cells:,} 格 × {candidates:,} 候选点，对比 spopt"
    mine, theirs = ours["seconds"], peer["seconds"]
    whole = theirs["build"] + theirs["solve"]
    report.rows += [
        beside(f"{size}：贪心（含可达范围）", "s", mine["reach"] + mine["greedy"], whole),
        beside(f"{size}：精确（含可达范围）", "s", mine["reach"] + mine["exact"], whole),
        beside(f"{size}：内存峰值", "MB", ours["peak_mb"], peer["peak_mb"]),
        Row(f"{size}：覆盖人口，精确", "个", ours["exact"], peer["exact"], peer["exact"] / ours["exact"]),
        Row(f"{size}：覆盖人口，贪心", "个", ours["greedy"], peer["exact"], peer["exact"] / ours["greedy"]),
    ]


def _growth(report: Report, cells: int, candidates: int, whole: dict[str, float]) -> None:
    one = whole["reach"] + whole["greedy"]
    for share in GROWTH:
        if share == 1.0:
            continue
        grown = measured("ours", int(cells * share), int(candidates * share))["seconds"]
        spent = grown["reach"] + grown["greedy"]
        text = f"规模 × {share:g}：可达范围与贪心，每单位规模的时间对规模 1"
        report.rows.append(Row(text, "s", spent, None, spent / share / one))


def main() -> None:
    """Run the comparison, or one worker of it."""
    parser = argparse.ArgumentParser(prog="benchmarks siting", description=__doc__)
    parser.add_argument(
        "--worker", nargs=3, metavar=("PROGRAM", "CELLS", "CANDIDATES"), help=argparse.SUPPRESS
    )
    parser.add_argument("--cells", type=int, default=CELLS)
    parser.add_argument("--candidates", type=int, default=CANDIDATES)
    parser.add_argument("--peer-cells", type=int, default=PEER_CELLS)
    parser.add_argument("--no-growth", action="store_true")
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args()
    if asked.worker:
        program, cells, candidates = asked.worker
        print(json.dumps(work(program, make_world(int(cells), int(candidates)))))
        return
    report = run(asked.cells, asked.candidates, asked.peer_cells, growth=not asked.no_growth)
    if asked.json:
        rows = [row.as_dict() for row in report.rows]
        print(json.dumps({"rows": rows, "notes": report.notes}, ensure_ascii=False))
    else:
        show({"siting": report.rows}, report.notes)


if __name__ == "__main__":
    main()
