"""Nearest-facility coverage of a province beside bare scipy, pandana and networkx, each in its own process.

``python -m benchmarks coverage [--json] [--scale 1] [--peers scipy,pandana,networkx] [--no-growth]``.

Ours is the whole job: places put onto the network, travel times, coverage of every county. ``first``
includes what a network needs once (its search tree), ``again`` is the next facility type on the same
network and grid. scipy is its multi-source Dijkstra alone, from nodes to nodes. pandana is its
query (finding the cells' nodes, nearest facility), with its preprocessing apart. networkx, one run per
facility, gets a thirtieth of the province, and so does ours beside it. Seconds exclude imports and reading
the file; memory is the peak of the whole process. Answers are compared at 20,000 nodes.
"""

# ruff: noqa: PLC0415 - a worker imports only what it measures
import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.province import METRES_PER_MINUTE, Province, load, make_province, regions, save
from benchmarks.table import Clock, peak_mb

ROOT = Path(__file__).resolve().parents[1]
PEERS = ("scipy", "pandana", "networkx")
GROWTH = (0.25, 0.5, 1.0, 2.0)
SUBSET = 1 / 30
THRESHOLD_MINUTES = 15.0
# No node of the mainland is farther from its nearest facility; a wider search would only slow pandana.
FAR_M = 60_000.0
MEMORY_GOAL_MB = 2048.0


@dataclass(frozen=True)
class Measure:
    """One program on one province: wall and processor seconds by step, and the peak of its memory in MB."""

    program: str
    nodes: int
    cells: int
    facilities: int
    seconds: dict[str, float]
    cpu_seconds: dict[str, float]
    peak_mb: float


@dataclass
class Report:
    """All measures, what they come to as ratios, and how far the answers agree."""

    measures: list[Measure] = field(default_factory=list)
    ratios: dict[str, float] = field(default_factory=dict)
    agreement: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def work_ours(province: Province, clock: Clock) -> np.ndarray:
    """Do the whole job; return minutes at the checked nodes."""
    from data.registry.mode_models import load_modes
    from geo.coverage import build_profile, coverage_table
    from geo.network import build_network
    from geo.snapping import snap_points
    from geo.travel import nearest_facility_network

    mode = load_modes()["walk"]
    nodes, edges = province.frames()
    cells, table = province.cell_frame(), regions()
    clock.start()
    network = build_network(nodes, edges, mode)
    clock.step("prepare")
    del nodes, edges
    clock.start()
    places = snap_points(network, province.cells)
    travel = nearest_facility_network(network, province.facilities, province.cells, cells_snap=places)
    profile = build_profile(cells, travel, table)
    coverage_table(profile, THRESHOLD_MINUTES)
    clock.step("first")
    travel = nearest_facility_network(network, province.facilities, province.cells, cells_snap=places)
    profile = build_profile(cells, travel, table)
    coverage_table(profile, THRESHOLD_MINUTES)
    clock.step("again")
    coverage_table(profile, THRESHOLD_MINUTES + 5)
    clock.step("slider")
    return nearest_facility_network(network, province.facilities, province.checked).minutes


def work_scipy(province: Province, clock: Clock) -> np.ndarray:
    """Run scipy's multi-source Dijkstra and nothing else."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import dijkstra

    n = len(province.x)
    clock.start()
    ends = np.concatenate([province.start, province.end]), np.concatenate([province.end, province.start])
    minutes = province.length_m / METRES_PER_MINUTE
    graph = csr_array(
        (np.concatenate([minutes, minutes]), tuple(side.astype(np.int32) for side in ends)), shape=(n, n)
    )
    clock.step("prepare")
    times, _, _ = dijkstra(graph, indices=province.facility_node, min_only=True, return_predecessors=True)
    clock.step("query")
    return times[province.checked_node]


def work_pandana(province: Province, clock: Clock) -> np.ndarray:
    """Build pandana's contraction hierarchy and ask it for the nearest facility of every cell."""
    import pandana
    import pandas as pd

    clock.start()
    network = pandana.Network(
        pd.Series(province.x),
        pd.Series(province.y),
        pd.Series(province.start),
        pd.Series(province.end),
        pd.DataFrame({"metres": province.length_m}),
        twoway=True,
    )
    clock.step("prepare")
    at = province.facilities
    network.set_pois("facility", FAR_M, 1, pd.Series(at[:, 0]), pd.Series(at[:, 1]))
    metres = network.nearest_pois(FAR_M, "facility", num_pois=1)[1]
    cell_nodes = network.get_node_ids(pd.Series(province.cells[:, 0]), pd.Series(province.cells[:, 1]))
    metres.reindex(cell_nodes.to_numpy())
    clock.step("query")
    found = metres.to_numpy()[province.checked_node]
    return np.where(found < FAR_M, found / METRES_PER_MINUTE, np.nan)


def work_networkx(province: Province, clock: Clock) -> np.ndarray:
    """Search from one facility after the other with networkx, and keep the least."""
    import networkx as nx

    clock.start()
    graph = nx.Graph()
    minutes = province.length_m / METRES_PER_MINUTE
    graph.add_weighted_edges_from(
        zip(province.start.tolist(), province.end.tolist(), minutes.tolist(), strict=True)
    )
    clock.step("prepare")
    least = np.full(len(province.x), np.inf)
    for node in province.facility_node.tolist():
        reach = nx.single_source_dijkstra_path_length(graph, node)
        at = np.fromiter(reach.keys(), dtype=np.int64, count=len(reach))
        times = np.fromiter(reach.values(), dtype=np.float64, count=len(reach))
        least[at] = np.minimum(least[at], times)
    clock.step("query")
    return least[province.checked_node]


WORK = {"ours": work_ours, "scipy": work_scipy, "pandana": work_pandana, "networkx": work_networkx}


def worker(program: str, path: Path, out: Path) -> None:
    """Do the work of one program in this process and leave what was measured in ``out``."""
    province, clock = load(path), Clock()
    minutes = WORK[program](province, clock)
    np.save(out.with_suffix(".npy"), np.where(np.isfinite(minutes), minutes, np.nan))
    measure = Measure(
        program,
        len(province.x),
        len(province.cells),
        len(province.facility_node),
        clock.seconds,
        clock.cpu_seconds,
        peak_mb(),
    )
    out.write_text(json.dumps(asdict(measure)), encoding="utf-8")


def measured(program: str, path: Path, folder: Path) -> tuple[Measure, np.ndarray]:
    """Run one program in a process of its own; return its measure and its answers."""
    out = folder / f"{path.stem}-{program}.json"
    command = [sys.executable, "-m", "benchmarks.coverage", "--worker", program, str(path), str(out)]
    # Threads that wait for each other sleep: on a busy machine pandana's would burn the time of both.
    environment = {"OMP_WAIT_POLICY": "PASSIVE", **os.environ}
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, env=environment)
    return Measure(**json.loads(out.read_text(encoding="utf-8"))), np.load(out.with_suffix(".npy"))


def difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Return the largest difference in minutes; infinite where only one side reaches a facility."""
    if not np.array_equal(np.isnan(ours), np.isnan(theirs)):
        return float("inf")
    return float(np.nanmax(np.abs(ours - theirs)))


def compare_peers(report: Report, scale: float, peers: list[str], folder: Path) -> None:
    """Measure ours beside scipy and pandana on the province, and beside networkx on a part of it."""
    path = folder / "province.npz"
    save(make_province(scale), path)
    ours, answer = measured("ours", path, folder)
    report.measures.append(ours)
    report.ratios["peak_mb / goal 2048"] = ours.peak_mb / MEMORY_GOAL_MB
    for peer in [name for name in ("scipy", "pandana") if name in peers]:
        theirs, their_answer = measured(peer, path, folder)
        report.measures.append(theirs)
        report.agreement[f"{peer}: largest difference in minutes"] = difference(answer, their_answer)
        query = theirs.seconds["query"]
        if peer == "scipy":
            report.ratios["first / scipy Dijkstra"] = ours.seconds["first"] / query
            report.ratios["again / scipy Dijkstra"] = ours.seconds["again"] / query
            for step in ("first", "again"):
                cpu = ours.cpu_seconds[step] / theirs.cpu_seconds["query"]
                report.ratios[f"{step} / scipy Dijkstra, processor time"] = cpu
            continue
        whole = query + theirs.seconds["prepare"]
        report.ratios["pandana query / first"] = query / ours.seconds["first"]
        report.ratios["pandana query / again"] = query / ours.seconds["again"]
        report.ratios["pandana with preprocessing / prepare and first"] = whole / (
            ours.seconds["prepare"] + ours.seconds["first"]
        )
        report.ratios["pandana with preprocessing / first"] = whole / ours.seconds["first"]
        report.ratios["memory / pandana"] = ours.peak_mb / theirs.peak_mb
    if "networkx" in peers:
        _compare_networkx(report, scale, folder)


def _compare_networkx(report: Report, scale: float, folder: Path) -> None:
    """Measure ours beside networkx, facility by facility, on a thirtieth of the province."""
    path = folder / "part.npz"
    save(make_province(scale * SUBSET), path)
    ours, answer = measured("ours", path, folder)
    theirs, their_answer = measured("networkx", path, folder)
    report.measures += [ours, theirs]
    report.ratios["networkx / first, on a thirtieth"] = theirs.seconds["query"] / ours.seconds["first"]
    report.agreement["networkx: largest difference in minutes"] = difference(answer, their_answer)


def measure_growth(report: Report, scale: float, folder: Path) -> None:
    """Measure ours from a quarter to twice the province; 1 is linear growth."""
    times = {}
    for share in GROWTH:
        path = folder / f"growth-{share}.npz"
        save(make_province(scale * share), path)
        grown, _ = measured("ours", path, folder)
        report.measures.append(grown)
        times[share] = grown.cpu_seconds["first"]
        path.unlink()
    for share in GROWTH:
        report.ratios[f"growth {share:g}: processor time per size, against size 1"] = (
            times[share] / share / times[1.0]
        )


def run(scale: float = 1.0, peers: list[str] | None = None, *, growth: bool = True) -> Report:
    """Return the report of the comparison; peers that are not installed are named in its notes."""
    report = Report()
    wanted = list(PEERS) if peers is None else peers
    for peer in [name for name in wanted if importlib.util.find_spec(name) is None]:
        report.notes.append(f"{peer} 未安装，没有比较：请先 pip install {peer}")
        wanted = [name for name in wanted if name != peer]
    with tempfile.TemporaryDirectory(prefix="sutu-bench-") as name:
        compare_peers(report, scale, wanted, Path(name))
        if growth:
            measure_growth(report, scale, Path(name))
    return report


def as_dict(report: Report) -> dict[str, Any]:
    """Return the report as JSON takes it; an infinite difference is text, which JSON can hold."""
    data = asdict(report)
    data["agreement"] = {
        name: value if np.isfinite(value) else "different" for name, value in report.agreement.items()
    }
    return data


def show(report: Report) -> None:
    """Print the report for people."""
    for row in report.measures:
        steps = "，".join(
            f"{name} {seconds:.2f} s（处理器 {row.cpu_seconds[name]:.2f} s）"
            for name, seconds in row.seconds.items()
        )
        size = f"{row.nodes:,} 结点，{row.cells:,} 格，{row.facilities:,} 设施"
        print(f"{row.program:9}{size}：{steps}；内存峰值 {row.peak_mb:,.0f} MB")
    for name, ratio in report.ratios.items():
        print(f"{name}：{ratio:.2f}")
    for name, value in report.agreement.items():
        print(f"{name}：{value:.2g}")
    for note in report.notes:
        print(note)


def main() -> None:
    """Run the comparison, or one worker of it."""
    parser = argparse.ArgumentParser(prog="benchmarks coverage", description=__doc__)
    parser.add_argument("--worker", nargs=3, metavar=("PROGRAM", "FILE", "OUT"), help=argparse.SUPPRESS)
    parser.add_argument("--scale", type=float, default=1.0, help="1 is the size of the province")
    parser.add_argument("--peers", default=",".join(PEERS), help="which peers to run")
    parser.add_argument("--no-growth", action="store_true", help="leave out the growth from ¼ to 2")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    if arguments.worker:
        program, path, out = arguments.worker
        worker(program, Path(path), Path(out))
        return
    peers = [name for name in arguments.peers.split(",") if name]
    report = run(arguments.scale, peers, growth=not arguments.no_growth)
    if arguments.json:
        print(json.dumps(as_dict(report), ensure_ascii=False, indent=2))
    else:
        show(report)


if __name__ == "__main__":
    main()
