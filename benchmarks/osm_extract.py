"""A made-up OpenStreetMap extract of any size: a street grid of many classes, buildings, facilities.

Seeded, so that every run and every program reads the same file. Written as OPL text and turned into PBF by
libosmium, which takes seconds where adding objects from Python takes minutes.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

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
