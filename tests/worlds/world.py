"""Random small worlds of roads, water, people and facilities, each made of one number."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from data.registry.mode_models import load_modes
from geo.decay import DecayKind
from geo.modes import TravelMode
from geo.waters import build_waters
from tests.geo.road_worlds import region_frame
from tests.geo.water_worlds import CORNER, water_world

FloatArray = NDArray[np.float64]

CELL_M = 500.0
WATER_M = 8_000.0
"""How wide the country is in which the water lies; the cells lie in a part of it."""

ROWS = [tuple(row) for row in region_frame().itertuples(index=False)]
REGIONS = [row for row in ROWS if row[2] != "county"]
_MIXED = ("320102", "320205", "320302", "320104", "320303")
COUNTIES = sorted((row for row in ROWS if row[2] == "county"), key=lambda row: _MIXED.index(row[0]))
"""Counties of other prefectures follow each other: a world takes the first three, four or all."""

WALKED = ("residential", "primary", "secondary", "steps", "path", "trunk")
DRIVEN = ("residential", "primary", "secondary", "motorway", "service", "trunk")


@dataclass(frozen=True, eq=False)
class World:
    """A small country. Coordinates in metres of ``ALBERS``.

    ``cells``: ``adcode``, ``x``, ``y``, ``area_km2`` and whole people by group, on a grid of ``CELL_M``;
    ``facilities``: ``id`` (unique, in no order), ``x``, ``y``, ``capacity``; ``candidates``: float64 (n, 2);
    ``add``: how many of them are to be chosen. ``modes`` do not cross the water (``shapes``, ``gates``: see
    ``geo.waters``). Per mode: ``thresholds`` and ``radius``, how far is looked (None: everywhere), minutes.
    """

    seed: int
    regions: pd.DataFrame
    cells: pd.DataFrame
    nodes: pd.DataFrame
    edges: pd.DataFrame
    shapes: list[shapely.Polygon]
    gates: FloatArray
    facilities: pd.DataFrame
    candidates: FloatArray
    add: int
    modes: tuple[TravelMode, ...]
    thresholds: dict[str, float]
    radius: dict[str, float | None]
    decays: tuple[DecayKind, ...]

    @cached_property
    def places(self) -> FloatArray:
        """The middles of the cells, (n, 2)."""
        return self.cells[["x", "y"]].to_numpy(dtype=np.float64)

    @cached_property
    def sites(self) -> FloatArray:
        """Where the facilities are, (n, 2)."""
        return self.facilities[["x", "y"]].to_numpy(dtype=np.float64)

    @cached_property
    def ids(self) -> NDArray[np.int64]:
        """The numbers of the facilities, by which ties are decided."""
        return self.facilities["id"].to_numpy(dtype=np.int64)


def random_world(seed: int) -> World:
    """Return the world of a number, the same each time."""
    rng = np.random.default_rng([seed, 500])
    water = water_world(seed, size_m=WATER_M)
    columns, rows = int(rng.integers(6, 14)), int(rng.integers(5, 11))
    size = CELL_M * np.array([columns, rows])
    west_south = CORNER + np.floor(rng.uniform(0.0, 1.0, 2) * (WATER_M - size) / CELL_M) * CELL_M
    regions, cells = _people(rng, west_south, columns, rows)
    nodes, edges = _roads(rng, west_south, size, water.shapes)
    facilities = _facilities(rng, west_south, size, nodes, edges)
    candidates = rng.uniform(-300.0, 300.0 + size, (int(rng.integers(4, 8)), 2)) + west_south
    candidates[-1] = candidates[0]
    known, waters = load_modes(), build_waters(water.shapes, water.gates)
    limit = {"walk": float(rng.choice([300.0, 600.0, 1_000.0])), "drive": float(rng.choice([400.0, 1_000.0]))}
    modes = tuple(
        dataclasses.replace(known[name], waters=waters, snap_limit_m=limit[name], min_component_nodes=8)
        for name in ("walk", "drive")
    )
    thresholds = {
        "walk": round(float(rng.uniform(8.0, 30.0)), 1),
        "drive": round(float(rng.uniform(3.0, 14.0)), 1),
    }
    wider = {"none": None, "same": 1.0, "twice": 2.0}[str(rng.choice(["none", "same", "twice"]))]
    return World(
        seed=seed,
        regions=regions,
        cells=cells,
        nodes=nodes,
        edges=edges,
        shapes=water.shapes,
        gates=water.gates,
        facilities=facilities,
        candidates=candidates,
        add=int(rng.integers(1, 4)),
        modes=modes,
        thresholds=thresholds,
        radius={name: None if wider is None else wider * one for name, one in thresholds.items()},
        decays=tuple(rng.permutation(np.array(["none", "step", "gaussian", "exponential"]))[:2].tolist()),
    )


def _people(
    rng: np.random.Generator, west_south: FloatArray, columns: int, rows: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the regions, and the cells of a grid with gaps: each in the county whose seat is the nearest."""
    counties = COUNTIES[: int(rng.integers(3, 6))]
    listed = [*REGIONS, *counties]
    regions = pd.DataFrame(listed, columns=["adcode", "name", "level", "parent"])
    y, x = np.divmod(np.arange(columns * rows), columns)
    xy = west_south + CELL_M * (np.column_stack([x, y]) + 0.5)
    xy = xy[rng.random(len(xy)) < rng.choice([0.75, 1.0])]
    seats = rng.uniform(0.0, CELL_M, (len(counties), 2)) * (columns, rows) + west_south
    nearest = np.hypot(*(xy[:, None] - seats[None]).transpose(2, 0, 1)).argmin(axis=1)
    count = len(xy)
    town = np.where(rng.random(count) < 0.5, rng.integers(0, 900, count), 0)
    country = np.where(rng.random(count) < 0.6, rng.integers(0, 300, count), 0)
    town[0] += 1
    cells = pd.DataFrame(
        {
            "adcode": np.array([county[0] for county in counties], dtype=object)[nearest],
            "x": xy[:, 0],
            "y": xy[:, 1],
            "area_km2": rng.choice([0.0, 0.125, 0.25], count, p=[0.1, 0.3, 0.6]),
            "population": (town + country).astype(float),
            "urban": town.astype(float),
            "rural": country.astype(float),
            "age_65_plus": rng.binomial(town + country, 0.2).astype(float),
        }
    )
    return regions, cells


def _roads(
    rng: np.random.Generator, west_south: FloatArray, size: FloatArray, shapes: list[shapely.Polygon]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return streets over a part of the area, with gaps, one-way streets, spurs and hamlets of their own."""
    share = rng.uniform(0.45, 0.8, 2)
    zone, spacing = size * share, float(rng.uniform(280.0, 480.0))
    start = west_south + rng.uniform(0.0, 1.0, 2) * (size - zone)
    wide, high = (max(3, int(length / spacing)) for length in zone)
    number = np.arange(wide * high).reshape(high, wide)
    y, x = np.divmod(number.ravel(), wide)
    xy = start + spacing * (np.column_stack([x, y]) + rng.uniform(-0.3, 0.3, (wide * high, 2)))
    pairs = [
        *zip(number[:, :-1].ravel(), number[:, 1:].ravel(), strict=True),
        *zip(number[:-1].ravel(), number[1:].ravel(), strict=True),
        *zip(number[:-1, :-1].ravel(), number[1:, 1:].ravel(), strict=True),
    ]
    chance = np.concatenate(
        [np.full(len(pairs) - (wide - 1) * (high - 1), 0.8), np.full((wide - 1) * (high - 1), 0.1)]
    )
    pairs = [pair for pair, kept in zip(pairs, rng.random(len(pairs)) < chance, strict=True) if kept]
    for _ in range(int(rng.integers(1, 4))):  # Hamlets: three nodes somewhere, joined to nothing.
        first = len(xy)
        xy = np.vstack(
            [xy, west_south + rng.uniform(0.0, 1.0, 2) * size + rng.uniform(-200.0, 200.0, (3, 2))]
        )
        pairs += [(first, first + 1), (first + 1, first + 2)]
    for _ in range(int(rng.integers(1, 4))):  # Spurs: a way out of the streets, one-way as often as not.
        first = len(xy)
        xy = np.vstack([xy, xy[int(rng.integers(0, wide * high))] + rng.uniform(-450.0, 450.0, 2)])
        pairs.append((int(rng.integers(0, wide * high)), first))
    again = rng.integers(0, len(pairs), 2)
    pairs += [pairs[int(one)] for one in again]
    a, b = (np.array([pair[side] for pair in pairs], dtype=np.int64) for side in (0, 1))
    wet = shapely.intersects(shapely.union_all(shapes), shapely.linestrings(np.stack([xy[a], xy[b]], axis=1)))
    kept = ~wet | (rng.random(len(pairs)) < 0.35)
    kept[0] = True
    a, b, wet = a[kept], b[kept], wet[kept]
    count = len(a)
    kinds = np.array(sorted({*WALKED, *DRIVEN}))
    highway = np.where(rng.random(count) < 0.5, "residential", rng.choice(kinds, count)).astype(object)
    over = rng.random(count)
    highway[wet & (over < 0.2)] = "ferry"
    highway[0] = "residential"
    ids = rng.permutation(len(xy)) * 7 + 100
    nodes = pd.DataFrame({"node_id": ids, "x": xy[:, 0], "y": xy[:, 1]})
    edges = pd.DataFrame(
        {
            "from_node": ids[a],
            "to_node": ids[b],
            "length_m": np.hypot(*(xy[a] - xy[b]).T) * rng.uniform(1.0, 1.4, count),
            "highway": highway,
            "oneway": rng.choice([0, 1, -1], count, p=[0.7, 0.15, 0.15]).astype("int8"),
            "maxspeed_kmh": np.where(rng.random(count) < 0.2, rng.choice([20.0, 30.0], count), np.nan),
            "bridge": (wet & (over > 0.4)) | (rng.random(count) < 0.03),
            "duration_minutes": np.where((highway == "ferry") & (over < 0.1), 7.5, np.nan),
        }
    )
    edges.loc[0, ["oneway", "bridge"]] = [0, False]
    edges["walk"] = pd.array(rng.choice([None, True, False], count, p=[0.9, 0.05, 0.05]), dtype="boolean")
    edges.loc[0, "walk"] = pd.NA
    return nodes, edges


def _facilities(
    rng: np.random.Generator,
    west_south: FloatArray,
    size: FloatArray,
    nodes: pd.DataFrame,
    edges: pd.DataFrame,
) -> pd.DataFrame:
    """Return facilities anywhere, on a street, on a junction, and two at one place."""
    count = int(rng.integers(3, 8))
    xy = west_south + rng.uniform(-0.1, 1.1, (count, 2)) * size
    at = nodes.set_index("node_id")[["x", "y"]]
    street = edges.iloc[int(rng.integers(0, len(edges)))]
    one, two = (at.loc[int(street[end])].to_numpy() for end in ("from_node", "to_node"))
    # At eighths, so that cell and facility of one street are not told apart by rounding.
    along = one + int(rng.integers(1, 8)) / 8.0 * (two - one)
    junction = at.iloc[int(rng.integers(0, len(at)))].to_numpy()
    cell = west_south + CELL_M * (rng.integers(0, np.maximum(size / CELL_M, 1.0).astype(int), 2) + 0.5)
    xy = np.vstack([xy, along, junction, cell])
    xy = np.vstack([xy, xy[int(rng.integers(0, len(xy)))]])
    xy = xy[rng.permutation(len(xy))]
    return pd.DataFrame(
        {
            "id": rng.permutation(len(xy)) * 3 + 11,
            "x": xy[:, 0],
            "y": xy[:, 1],
            "capacity": np.append(rng.integers(0, 60, len(xy) - 1), 20).astype(float),
        }
    )
