"""The reach of facilities worked out in pieces: a prefecture's cells with the facilities around them.

Over a network the pieces list their pairs of facility and cell, which is the work; joined in one order they
are the whole's, bit for bit. In a straight line the pieces do the sums themselves: a facility's sum is that
of its sums over the pieces in the order of their keys, a cell's is its own piece's. Both say the same on any
number of workers; a straight line differs from the unpartitioned sums by rounding only (1e-12 of the value).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo.decay import Decay
from geo.errors import ScaleError
from geo.modes import TravelMode
from geo.network import Network
from geo.partition import Partition, partition_cells, run_jobs
from geo.points import metric_points
from geo.reach import PairReach, Reach, grid_reach, snapped_reach
from geo.site_reach import require_room
from geo.snapping import snap_points
from geo.travel import require_facilities

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Operation = Literal["gather", "scatter", "touched"]


def partitioned_reach(
    facilities_xy: ArrayLike,
    cells_xy: ArrayLike,
    partition_keys: ArrayLike,
    *,
    cell_size_m: float,
    mode: TravelMode,
    decay: Decay,
    network: Network | None = None,
    scheduler: str | None = None,
) -> Reach:
    """Return the reach of facilities over cells by pieces, one for each of ``partition_keys`` (one a cell).

    The same as ``geo.reach.network_reach`` bit for bit, or as ``geo.reach.grid_reach`` but for rounding.
    ``scheduler``: address of a ``dask.distributed`` scheduler; None: the pieces run here, one by one, and
    say the same. Raises as those functions, ``geo.partition.partition_cells`` and
    ``geo.partition.run_jobs`` do.
    """
    facilities, cells = metric_points(facilities_xy, "设施"), metric_points(cells_xy, "人口格网")
    require_facilities(facilities, cells)
    pieces = partial(
        partition_cells,
        cells,
        partition_keys,
        facilities,
        np.arange(len(facilities)),
        mode=mode if network is None else network.mode,
        max_minutes=decay.minutes,
        network=network,
    )
    if network is None:
        kept = tuple(pieces())
        return GridParts(len(cells), len(facilities), kept, cell_size_m, decay, scheduler)
    found = run_jobs(_listing(pieces(), decay), list_pairs, scheduler=scheduler)
    return _joined(found, len(cells), len(facilities))


# Over a network ------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Listing:
    """A piece whose pairs are to be listed."""

    piece: Partition
    decay: Decay


@dataclass(frozen=True, eq=False)
class Pairs:
    """The pairs of one piece, by rows of the caller's tables."""

    key: str
    cell: NDArray[np.int32]
    facility: NDArray[np.int32]
    weight: FloatArray


def _listing(pieces: Iterable[Partition], decay: Decay) -> Iterator[Listing]:
    return (Listing(piece, decay) for piece in pieces)


def list_pairs(job: Listing) -> Pairs:
    """Return the pairs of a piece with a network."""
    piece = job.piece
    if piece.network is None:
        raise ScaleError("分区没有路网，无法列出设施与格网的组合。")
    cells_at = snap_points(piece.network, piece.cells)
    sites_at = snap_points(piece.network, piece.facilities, exact=True)
    found = snapped_reach(piece.network, sites_at, cells_at, decay=job.decay)
    return Pairs(
        piece.key,
        piece.rows[found.cell].astype(np.int32),
        piece.facility_rows[found.facility].astype(np.int32),
        found.weight,
    )


def _joined(parts: list[Pairs], cells: int, facilities: int) -> PairReach:
    """Return the pairs of all pieces in the order of facility and cell, as the whole would list them."""
    require_room(sum(len(part.cell) for part in parts))
    cell = np.concatenate([part.cell for part in parts])
    facility = np.concatenate([part.facility for part in parts])
    order = np.lexsort((cell, facility))
    weight = np.concatenate([part.weight for part in parts])
    return PairReach(cells, facilities, cell[order], facility[order], weight[order])


# In a straight line --------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Sum:
    """One of the sums of ``geo.reach.Reach`` over one piece: the values of its cells or facilities."""

    piece: Partition
    cell_size_m: float
    decay: Decay
    operation: Operation
    values: FloatArray | BoolArray
    power: int


@dataclass(frozen=True, eq=False)
class Summed:
    """The answer of one piece, in the order of its facilities (``gather``) or cells."""

    key: str
    values: FloatArray | BoolArray


def solve_sum(job: Sum) -> Summed:
    """Return one sum over one piece; what no facility is near is zero."""
    piece = job.piece
    if len(piece.facilities) == 0:
        empty = 0 if job.operation == "gather" else len(piece.cells)
        return Summed(piece.key, np.zeros(empty, dtype=bool if job.operation == "touched" else np.float64))
    reach = grid_reach(
        piece.facilities, piece.cells, cell_size_m=job.cell_size_m, mode=piece.mode, decay=job.decay
    )
    if job.operation == "touched":
        return Summed(piece.key, reach.touched(np.asarray(job.values, dtype=bool)))
    values = np.asarray(job.values, dtype=np.float64)
    solve = reach.gather if job.operation == "gather" else reach.scatter
    return Summed(piece.key, solve(values, job.power))


@dataclass(frozen=True, eq=False)
class GridParts:
    """A `geo.reach.Reach` of square cells in pieces, every sum a round of work; see `partitioned_reach`."""

    cells: int
    facilities: int
    pieces: tuple[Partition, ...]
    cell_size_m: float
    decay: Decay
    scheduler: str | None

    def gather(self, values: FloatArray, power: int = 1) -> FloatArray:
        """As `geo.reach.Reach.gather`: the sums of the pieces, added up in the order of their keys."""
        total = np.zeros(self.facilities)
        for piece, part in self._round("gather", [values[piece.rows] for piece in self.pieces], power):
            total[piece.facility_rows] += part
        return total

    def scatter(self, values: FloatArray, power: int = 1) -> FloatArray:
        """As `geo.reach.Reach.scatter`."""
        whole = np.zeros(self.cells)
        for piece, part in self._round(
            "scatter", [values[piece.facility_rows] for piece in self.pieces], power
        ):
            whole[piece.rows] = part
        return whole

    def touched(self, facilities: BoolArray) -> BoolArray:
        """As `geo.reach.Reach.touched`."""
        whole = np.zeros(self.cells, dtype=bool)
        for piece, part in self._round(
            "touched", [facilities[piece.facility_rows] for piece in self.pieces], 1
        ):
            whole[piece.rows] = part
        return whole

    def _round(
        self, operation: Operation, values: Sequence[FloatArray | BoolArray], power: int
    ) -> Iterator[tuple[Partition, FloatArray | BoolArray]]:
        """Yield every piece with its answer, in the order of the keys."""
        jobs = [
            Sum(piece, self.cell_size_m, self.decay, operation, own, power)
            for piece, own in zip(self.pieces, values, strict=True)
        ]
        answers = run_jobs(jobs, solve_sum, scheduler=self.scheduler)
        return ((piece, answer.values) for piece, answer in zip(self.pieces, answers, strict=True))
