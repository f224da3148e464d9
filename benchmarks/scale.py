"""Partitions beside the whole, on two dask workers too, and one piece of all China at 100 m.

``python -m benchmarks scale [--json] [--scale 1] [--piece-cells 2000000]``. Each part runs in a process of
its own; the dask run's workers are processes besides, whose peak is not in the figure. The results of
partitions and workers are compared with the whole, bit by bit. The piece has 100 m cells at the density of
streets of the made-up province; from it follow the seconds and the memory of a billion cells, as
``docs/scale.md`` works out.
"""

# ruff: noqa: PLC0415 - a worker imports only what it measures
import argparse
import json
import pickle
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.province import CELL_M, CELLS, NODES, Province, load, make_province, prefecture_code, save
from benchmarks.table import peak_mb

ROOT = Path(__file__).resolve().parents[1]
SEARCH_MINUTES = 60.0
FINE_CELL_M = 100.0
CHINA_KM2 = 9_600_000.0
WORKERS = 2


def prefectures(province: Province) -> np.ndarray:
    """Return the partition key of every cell: its made-up prefecture."""
    return np.array([prefecture_code(number // 10) for number in range(100)], dtype=object)[province.county]


def partitioned(province: Province, engine: str) -> dict[str, Any]:
    """Compute the province whole, in pieces, or on two workers; return seconds and the answer."""
    from distributed import LocalCluster

    from data.registry.mode_models import load_modes
    from geo.network import build_network
    from geo.partition import nearest_facility_partitioned
    from geo.travel import nearest_facility_network

    mode = load_modes()["walk"]
    network = build_network(*province.frames(), mode)
    options = {"mode": mode, "max_minutes": SEARCH_MINUTES, "network": network}
    keys = prefectures(province)
    begin = time.perf_counter()
    if engine == "whole":
        answer = nearest_facility_network(
            network, province.facilities, province.cells, max_minutes=SEARCH_MINUTES
        )
    elif engine == "pieces":
        answer = nearest_facility_partitioned(province.cells, keys, province.facilities, **options)
    else:
        with LocalCluster(
            n_workers=WORKERS,
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",
            host="127.0.0.1",
        ) as cluster:
            begin = time.perf_counter()
            answer = nearest_facility_partitioned(
                province.cells, keys, province.facilities, scheduler=cluster.scheduler_address, **options
            )
            return _outcome(begin, answer.minutes, answer.facility)
    return _outcome(begin, answer.minutes, answer.facility)


def _outcome(begin: float, minutes: np.ndarray, facility: np.ndarray) -> dict[str, Any]:
    """Return seconds since ``begin`` and the answer."""
    return {"seconds": time.perf_counter() - begin, "minutes": minutes, "facility": facility}


def cut_piece(province: Province, cells: int, file: Path) -> None:
    """Write one piece with cells of 100 m from the middle of the province, as a worker would receive it."""
    from data.registry.mode_models import load_modes
    from geo.network import build_network
    from geo.partition import partition_cells
    from geo.travel import tie_rank

    mode = load_modes()["walk"]
    network = build_network(*province.frames(), mode)
    side = round(cells**0.5)
    line, column = np.divmod(np.arange(side * side), side)
    middle = province.cells.mean(axis=0) - side * FINE_CELL_M / 2
    fine = np.column_stack([column, line]) * FINE_CELL_M + middle
    rank = tie_rank(None, len(province.facility_node))
    (piece,) = partition_cells(
        fine,
        np.full(len(fine), "piece", dtype=object),
        province.facilities,
        rank,
        mode=mode,
        max_minutes=SEARCH_MINUTES,
        network=network,
    )
    file.write_bytes(pickle.dumps(piece))


def fine_piece(file: Path) -> dict[str, Any]:
    """Compute a piece that was cut before; return seconds, its sizes and the answer."""
    from geo.partition import solve_partition

    piece = pickle.loads(file.read_bytes())
    begin, cpu = time.perf_counter(), time.process_time()
    travel = solve_partition(piece).travel
    sizes = {
        "cells": len(piece.rows),
        "nodes": piece.network.node_count,
        "sent_mb": file.stat().st_size / 1e6,
        "cpu_seconds": time.process_time() - cpu,
    }
    return _outcome(begin, travel.minutes, travel.facility) | sizes


def worker(job: str, path: Path, out: Path, cells: int) -> None:
    """Do one job in this process and leave what was measured in ``out``."""
    if job == "cut":
        cut_piece(load(path), cells, path.with_suffix(".piece"))
        return
    outcome = fine_piece(path.with_suffix(".piece")) if job == "fine" else partitioned(load(path), job)
    np.savez(out.with_suffix(".npz"), minutes=outcome.pop("minutes"), facility=outcome.pop("facility"))
    outcome["peak_mb"] = peak_mb()
    out.write_text(json.dumps(outcome), encoding="utf-8")


def _measured(job: str, path: Path, folder: Path, cells: int) -> tuple[dict[str, float], Any]:
    """Run one job in a process of its own; return its figures and its answer."""
    out = folder / f"{job}.json"
    _start(job, path, out, cells)
    return json.loads(out.read_text(encoding="utf-8")), np.load(out.with_suffix(".npz"))


def _start(job: str, path: Path, out: Path, cells: int) -> None:
    """Run one job in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.scale", "--worker", job, str(path), str(out)]
    subprocess.run([*command, "--piece-cells", str(cells)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def run(scale: float = 1.0, piece_cells: int = 2_000_000) -> dict[str, Any]:
    """Return the figures of every job, whether the answers are equal, and what all China would take."""
    with tempfile.TemporaryDirectory(prefix="sutu-bench-") as name:
        folder = Path(name)
        path = folder / "province.npz"
        save(make_province(scale), path)
        report: dict[str, Any] = {"nodes": round(NODES * scale), "cells": round(CELLS * scale)}
        answers = {}
        for job in ("whole", "pieces", "dask"):
            report[job], answers[job] = _measured(job, path, folder, piece_cells)
        for job in ("pieces", "dask"):
            report[job]["equal_to_whole"] = all(
                np.array_equal(answers["whole"][key], answers[job][key], equal_nan=key == "minutes")
                for key in ("minutes", "facility")
            )
        _start("cut", path, folder / "cut", piece_cells)
        report["fine"], _ = _measured("fine", path, folder, piece_cells)
    report["china"] = china(report["fine"])
    return report


def china(fine: dict[str, float]) -> dict[str, float]:
    """Return what all of China at 100 m takes, from one measured piece: pieces, and hours on one core."""
    cells = CHINA_KM2 * (1000.0 / FINE_CELL_M) ** 2
    pieces = cells / fine["cells"]
    return {
        "cells": cells,
        "pieces": pieces,
        "core_hours": pieces * fine["cpu_seconds"] / 3600.0,
        "result_gb": cells * (8 + 4 + 1) / 1e9,
        "province_km2_per_piece": fine["cells"] * (FINE_CELL_M / 1000.0) ** 2,
        "coarse_cell_m": CELL_M,
    }


def show(report: dict[str, Any]) -> None:
    """Print the report for people."""
    print(f"{report['nodes']:,} 结点，{report['cells']:,} 格，搜索半径 {SEARCH_MINUTES:g} 分钟")
    for job, name in (("whole", "不分区"), ("pieces", "逐区"), ("dask", f"dask {WORKERS} 个进程")):
        row = report[job]
        equal = {True: "，与不分区逐位相等", False: "，与不分区不同"}.get(row.get("equal_to_whole"), "")
        print(f"{name}：{row['seconds']:.1f} s，内存峰值 {row['peak_mb']:,.0f} MB{equal}")
    fine, whole = report["fine"], report["china"]
    print(
        f"100 米格一个分区：{fine['cells']:,} 格，{fine['nodes']:,} 结点，{fine['seconds']:.1f} s"
        f"（处理器 {fine['cpu_seconds']:.1f} s），"
        f"内存峰值 {fine['peak_mb']:,.0f} MB，传送 {fine['sent_mb']:,.0f} MB"
    )
    print(f"全国 {whole['cells']:,.0f} 格：{whole['pieces']:,.0f} 个分区，{whole['core_hours']:.1f} 核时")


def main() -> None:
    """Run the comparison, or one worker of it."""
    parser = argparse.ArgumentParser(prog="benchmarks scale", description=__doc__)
    parser.add_argument("--worker", nargs=3, metavar=("JOB", "FILE", "OUT"), help=argparse.SUPPRESS)
    parser.add_argument("--scale", type=float, default=1.0, help="1 is the size of the province")
    parser.add_argument("--piece-cells", type=int, default=2_000_000, help="cells of 100 m in one piece")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    if arguments.worker:
        job, path, out = arguments.worker
        worker(job, Path(path), Path(out), arguments.piece_cells)
        return
    report = run(arguments.scale, arguments.piece_cells)
    if arguments.json:
        print(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        show(report)


if __name__ == "__main__":
    main()
