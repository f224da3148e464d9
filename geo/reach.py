"""Which cells a facility reaches and how strongly: the two sums that every floating catchment is made of.

`gather` adds up what the cells hold for every facility, `scatter` hands out what the facilities hold to every
cell. `PairReach` does both over a list of pairs (any travel time); `GridReach` over windows of a
regular grid, for straight lines.

A stepwise weight is a sum of discs, and a disc is one interval of columns per row: adding up what lies in it
is two look-ups in the running totals of the row, handing out is two marks whose running total is the answer.
A smooth weight takes the window of each facility as one small array.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo.decay import Decay
from geo.errors import CatchmentError
from geo.modes import TICK, TravelMode, quantise_minutes
from geo.network import Network
from geo.points import metric_points
from geo.site_reach import Reach as Table
from geo.site_reach import reach_snapped, reach_straight
from geo.snapping import Snap, snap_points
from geo.travel import require_facilities

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int32]
BoolArray = NDArray[np.bool_]


class Reach(Protocol):
    """What facilities reach, and how strongly."""

    @property
    def cells(self) -> int:
        """The number of cells."""
        ...

    @property
    def facilities(self) -> int:
        """The number of facilities."""
        ...

    def gather(self, values: FloatArray, power: int = 1) -> FloatArray:
        """Return, per facility, Σ over its cells of weight ** power × value (float64)."""
        ...

    def scatter(self, values: FloatArray, power: int = 1) -> FloatArray:
        """Return, per cell, Σ over the facilities in reach of weight ** power × value (float64)."""
        ...

    def touched(self, facilities: BoolArray) -> BoolArray:
        """Return which cells are in reach of any of the facilities marked."""
        ...


@dataclass(frozen=True, eq=False)
class PairReach:
    """A list of pairs: ``cell`` and ``facility`` (int32 rows), ``weight`` (float64, > 0)."""

    cells: int
    facilities: int
    cell: IntArray
    facility: IntArray
    weight: FloatArray

    def gather(self, values: FloatArray, power: int = 1) -> FloatArray:
        """As `Reach.gather`."""
        weights = self.weight**power * values[self.cell]
        return np.bincount(self.facility, weights=weights, minlength=self.facilities).astype(np.float64)

    def scatter(self, values: FloatArray, power: int = 1) -> FloatArray:
        """As `Reach.scatter`."""
        weights = self.weight**power * values[self.facility]
        return np.bincount(self.cell, weights=weights, minlength=self.cells).astype(np.float64)

    def touched(self, facilities: BoolArray) -> BoolArray:
        """As `Reach.touched`."""
        found = np.zeros(self.cells, dtype=bool)
        found[self.cell[facilities[self.facility]]] = True
        return found


def straight_minutes(x: FloatArray, y: FloatArray, m_per_minute: float) -> FloatArray:
    """Return the quantised minutes of offsets in metres; every path computes them alike."""
    return quantise_minutes(np.sqrt(x * x + y * y) / m_per_minute)


def network_reach(
    network: Network,
    facilities_xy: ArrayLike,
    cells_xy: ArrayLike,
    *,
    decay: Decay,
    cells_snap: Snap | None = None,
) -> PairReach:
    """Return the pairs within the catchment over the network, of the trip cell → facility.

    The pairs and minutes of ``geo.site_reach.reach_network``, which are those of
    ``geo.travel.nearest_facility_network`` for each facility alone. Raises as these do.
    """
    facilities, cells = metric_points(facilities_xy, "设施"), metric_points(cells_xy, "人口格网")
    require_facilities(facilities, cells)
    cells_at = snap_points(network, cells) if cells_snap is None else cells_snap
    facilities_at = snap_points(network, facilities, exact=True)
    return snapped_reach(network, facilities_at, cells_at, decay=decay)


def snapped_reach(network: Network, facilities_at: Snap, cells_at: Snap, *, decay: Decay) -> PairReach:
    """Return `network_reach` of places that are put onto the network already, be there none that met it."""
    return weighed(reach_snapped(network, facilities_at, cells_at, max_minutes=decay.minutes), decay)


def weighed(found: Table, decay: Decay) -> PairReach:
    """Return the pairs whose weight is above zero, in the order of facility and cell."""
    weight = decay.weight(found.minutes)
    kept = weight > 0.0
    return PairReach(found.cells, found.sites, found.cell[kept], found.site[kept], weight[kept])


LongArray = NDArray[np.int64]

MAX_PLACES = 50_000_000
"""Places of the rectangle around the cells that the window sums can hold."""

_OFF_GRID_M = 0.01


@dataclass(frozen=True, eq=False)
class _Discs:
    """Of one radius, every row of a facility's disc: the facility, and the interval of places [start, stop)
    in the flat rectangle (a column wider than the grid, for the running totals).
    """

    facility: LongArray
    start: LongArray
    stop: LongArray


@dataclass(frozen=True, eq=False)
class GridReach:
    """A `geo.reach.Reach` of square cells; made by `grid_reach`, which checks.

    ``place``: int64, each cell's place in the flat rectangle of ``height`` rows and ``width`` columns.
    ``left``, ``bottom``: centre of the first place, metres.
    """

    xy: FloatArray
    place: LongArray
    left: float
    bottom: float
    size_m: float
    height: int
    width: int
    m_per_minute: float
    decay: Decay

    @property
    def cells(self) -> int:
        """The number of cells."""
        return len(self.place)

    @property
    def facilities(self) -> int:
        """The number of facilities."""
        return len(self.xy)

    def gather(self, values: FloatArray, power: int = 1) -> FloatArray:
        """As `geo.reach.Reach.gather`."""
        field = np.zeros(self.height * self.width)
        field[self.place] = values
        if not self.decay.stepwise:
            return self._gather_windows(field.reshape(self.height, self.width), power)
        running = np.zeros((self.height, self.width + 1))
        np.cumsum(field.reshape(self.height, self.width), axis=1, out=running[:, 1:])
        flat = running.ravel()
        total = np.zeros(self.facilities)
        for weight, discs in zip(self._rings(power), self._discs, strict=True):
            part = flat[discs.stop] - flat[discs.start]
            total += weight * np.bincount(discs.facility, weights=part, minlength=self.facilities)
        return total

    def scatter(self, values: FloatArray, power: int = 1) -> FloatArray:
        """As `geo.reach.Reach.scatter`."""
        if not self.decay.stepwise:
            return self._scatter_windows(values, power).ravel()[self.place]
        marks = np.zeros(self.height * (self.width + 1))
        for weight, discs in zip(self._rings(power), self._discs, strict=True):
            given = weight * values[discs.facility]
            marks += np.bincount(discs.start, weights=given, minlength=len(marks))
            marks -= np.bincount(discs.stop, weights=given, minlength=len(marks))
        handed = np.cumsum(marks.reshape(self.height, self.width + 1), axis=1)[:, : self.width]
        # What running totals leave where nobody reaches is rounding, and the answer there is zero.
        return np.where(self.touched(values > 0.0), handed.ravel()[self.place], 0.0)

    def touched(self, facilities: BoolArray) -> BoolArray:
        """As `geo.reach.Reach.touched`."""
        discs = self._widest
        kept = facilities[discs.facility]
        length = self.height * (self.width + 1)
        marks = np.bincount(discs.start[kept], minlength=length) - np.bincount(
            discs.stop[kept], minlength=length
        )
        counts = np.cumsum(marks.reshape(self.height, self.width + 1), axis=1)[:, : self.width]
        return np.asarray(counts.ravel()[self.place] > 0)

    def _rings(self, power: int) -> FloatArray:
        """Return what each disc adds to the weight: discs of growing radius, weights falling outwards."""
        weights = np.array([weight for _, weight in self.decay.steps]) ** power
        found: FloatArray = weights - np.append(weights[1:], 0.0)
        return found

    @cached_property
    def _discs(self) -> list[_Discs]:
        return [self._disc(limit) for limit, _ in self.decay.steps]

    @cached_property
    def _widest(self) -> _Discs:
        return self._discs[-1] if self.decay.stepwise else self._disc(self.decay.minutes)

    def _disc(self, minutes: float) -> _Discs:
        """Return the rows of every facility's disc; whether a place is inside, its minutes decide."""
        limit = float(quantise_minutes(minutes))
        radius = limit * self.m_per_minute
        reach = int(np.ceil(radius / self.size_m)) + 1
        nearest = np.rint((self.xy[:, 1] - self.bottom) / self.size_m).astype(np.int64)
        row = nearest[:, None] + np.arange(-reach, reach + 1)
        facility, _ = np.nonzero((row >= 0) & (row < self.height))
        row = row[(row >= 0) & (row < self.height)]
        up = self.bottom + row * self.size_m - self.xy[facility, 1]
        half = np.sqrt(np.maximum(radius * radius - up * up, 0.0))
        across = self.xy[facility, 0] - self.left

        def inside(column: LongArray) -> BoolArray:
            return straight_minutes(column * self.size_m - across, up, self.m_per_minute) <= limit

        first = np.ceil((across - half) / self.size_m).astype(np.int64)
        last = np.floor((across + half) / self.size_m).astype(np.int64)
        first = np.where(inside(first - 1), first - 1, np.where(inside(first), first, first + 1))
        last = np.where(inside(last + 1), last + 1, np.where(inside(last), last, last - 1))
        first, last = np.maximum(first, 0), np.minimum(last, self.width - 1)
        kept = first <= last
        line = row[kept] * (self.width + 1)
        return _Discs(facility[kept], line + first[kept], line + last[kept] + 1)

    def _window(self, row: int, power: int) -> tuple[slice, slice, FloatArray] | None:
        """Return rows, columns and weights of the window of one facility; None when it lies off the grid."""
        x, y = self.xy[row]
        reach = self.decay.minutes * self.m_per_minute / self.size_m + 1.0
        column, line = (x - self.left) / self.size_m, (y - self.bottom) / self.size_m
        columns = slice(max(int(column - reach), 0), min(int(column + reach) + 2, self.width))
        lines = slice(max(int(line - reach), 0), min(int(line + reach) + 2, self.height))
        if columns.start >= columns.stop or lines.start >= lines.stop:
            return None
        across = np.arange(columns.start, columns.stop) * self.size_m - (x - self.left)
        up = self.bottom + np.arange(lines.start, lines.stop) * self.size_m - y
        weight = self.decay.weight(straight_minutes(across[None, :], up[:, None], self.m_per_minute))
        return lines, columns, weight if power == 1 else weight**power

    def _gather_windows(self, field: FloatArray, power: int) -> FloatArray:
        total = np.zeros(self.facilities)
        for row in range(self.facilities):
            window = self._window(row, power)
            if window is not None:
                lines, columns, weight = window
                total[row] = np.vdot(weight, field[lines, columns])
        return total

    def _scatter_windows(self, values: FloatArray, power: int) -> FloatArray:
        field = np.zeros((self.height, self.width))
        for row in np.flatnonzero(values):
            window = self._window(int(row), power)
            if window is not None:
                lines, columns, weight = window
                field[lines, columns] += weight * values[row]
        return field


def grid_reach(
    facilities_xy: ArrayLike, cells_xy: ArrayLike, *, cell_size_m: float, mode: TravelMode, decay: Decay
) -> Reach:
    """Return the reach over square cells of ``cell_size_m`` that stand on one grid, in a straight line.

    Facilities that may have water of the mode within the catchment list their pairs, the others are sums over
    windows. The answers are those of all pairs of ``geo.site_reach.reach_straight`` but for rounding.
    Coordinates of shape (n, 2), metres of ``ALBERS``. Raises ``CoverageError`` when there is no facility or
    no cell, ``CrsError`` for coordinates that are no such metres, and ``CatchmentError`` for cells that are
    not on one grid (more than a centimetre off), two in one place, or a rectangle of more than
    ``MAX_PLACES``.
    """
    facilities, cells = metric_points(facilities_xy, "设施"), metric_points(cells_xy, "人口格网")
    require_facilities(facilities, cells)
    if not cell_size_m > 0.0:
        raise CatchmentError(f"格网边长应为正数（米），收到 {cell_size_m:g}。")
    x, y = np.ascontiguousarray(cells.T)
    left, bottom = x.min(), y.min()
    column, off_x = _on_grid(x - left, cell_size_m)
    row, off_y = _on_grid(y - bottom, cell_size_m)
    off = max(off_x, off_y)
    width, height = int(column.max()) + 1, int(row.max()) + 1
    if off > _OFF_GRID_M:
        raise CatchmentError(f"格网不在 {cell_size_m:g} 米的规则网格上（最多偏离 {off:.2f} 米）。")
    if width * height > MAX_PLACES:
        raise CatchmentError(f"格网范围 {width} × {height} 格过大，最多 {MAX_PLACES:,} 格。")
    place = row * width + column
    if np.bincount(place).max() > 1:
        raise CatchmentError("格网中有两格在同一位置。")
    speed = mode.straight_m_per_minute

    def windows(chosen: FloatArray) -> GridReach:
        return GridReach(chosen, place, float(left), float(bottom), cell_size_m, height, width, speed, decay)

    if mode.waters is None:
        return windows(facilities)
    wet = mode.waters.near(facilities, np.nextafter((decay.minutes + TICK) * speed, np.inf))
    dry = np.flatnonzero(~wet)
    if not wet.any():
        return windows(facilities)
    pairs = reach_straight(facilities[wet], cells, mode=mode, max_minutes=decay.minutes)
    parts: list[tuple[NDArray[np.intp], Reach]] = [(np.flatnonzero(wet), weighed(pairs, decay))]
    if len(dry):
        parts.append((dry, windows(facilities[dry])))
    return JoinedReach(tuple(parts), len(cells), len(facilities))


@dataclass(frozen=True, eq=False)
class JoinedReach:
    """A `Reach` made of others: each of some of the facilities (``rows``), all of the same cells."""

    parts: tuple[tuple[NDArray[np.intp], Reach], ...]
    cells: int
    facilities: int

    def gather(self, values: FloatArray, power: int = 1) -> FloatArray:
        """As `Reach.gather`."""
        total = np.zeros(self.facilities)
        for rows, part in self.parts:
            total[rows] = part.gather(values, power)
        return total

    def scatter(self, values: FloatArray, power: int = 1) -> FloatArray:
        """As `Reach.scatter`."""
        total = np.zeros(self.cells)
        for rows, part in self.parts:
            total += part.scatter(values[rows], power)
        return total

    def touched(self, facilities: BoolArray) -> BoolArray:
        """As `Reach.touched`."""
        found = np.zeros(self.cells, dtype=bool)
        for rows, part in self.parts:
            found |= part.touched(facilities[rows])
        return found


def _on_grid(offset: FloatArray, size_m: float) -> tuple[LongArray, float]:
    """Return the number of each place along an axis, and how far (metres) one is off at most."""
    steps = offset / size_m
    whole = np.rint(steps)
    return whole.astype(np.int64), float(np.abs(steps - whole).max()) * size_m
