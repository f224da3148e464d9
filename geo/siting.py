"""Where to put new facilities: maximal covering and p-median, greedy with its guarantee, exact with its gap.

Both choose sites that add the most benefit to what exists. Maximal covering (Church and ReVelle 1974): a
cell's benefit is its demand once any site reaches it in time. p-median (Hakimi 1964): its demand times the
minutes saved. The benefit of a set is monotone and submodular, so choosing the best site again and again
gives at least 1 − 1/e of the best possible (Nemhauser, Wolsey and Fisher 1978), and the sum of the largest
remaining gains bounds what any choice could still add. The exact answer is a mixed-integer program (HiGHS).
"""

import heapq
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csc_array

from geo.errors import SitingError
from geo.modes import quantise_minutes
from geo.site_reach import Reach

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Objective = Literal["coverage", "minutes"]

GUARANTEE: float = 1.0 - 1.0 / math.e
"""What part of the best possible benefit the greedy choice reaches at least."""

OBJECTIVES: dict[Objective, str] = {"coverage": "最大覆盖", "minutes": "p-中位"}

NO_DEMAND = "范围内该人群人数为零，选在哪里都一样"
NOTHING_TO_GAIN = "没有候选点能再增加效益：人已全部覆盖，或候选点都够不到未覆盖的人"


@dataclass(frozen=True, eq=False)
class SitingProblem:
    """What siting chooses from: the benefit of every pair of site and cell over what exists already.

    ``start``, ``cell``: pairs by site as in ``Reach``, only those with a benefit; ``benefit``: float64 per
    pair. ``base``: total of the objective without any new site (people covered, or minutes × people to the
    nearest facility, capped at ``cap_minutes``); ``demand``: all people. For ``coverage`` a cell's benefit is
    the same whichever site brings it.
    """

    objective: Objective
    start: IntArray
    cell: NDArray[np.int32]
    benefit: FloatArray
    cells: int
    base: float
    demand: float
    cap_minutes: float

    @property
    def sites(self) -> int:
        """How many candidates there are."""
        return len(self.start) - 1

    def of(self, site: int) -> tuple[NDArray[np.int32], FloatArray]:
        """Return the cells a site has a benefit for, and the benefit."""
        part = slice(int(self.start[site]), int(self.start[site + 1]))
        return self.cell[part], self.benefit[part]

    def value(self, sites: ArrayLike) -> float:
        """Return the benefit of a set of sites together."""
        best = np.zeros(self.cells)
        for site in np.asarray(sites, dtype=np.int64):
            cell, benefit = self.of(int(site))
            np.maximum.at(best, cell, benefit)
        return float(best.sum())


@dataclass(frozen=True, eq=False)
class SitingResult:
    """Chosen sites in order of choice, and how good the choice is.

    ``sites``: int64 rows of the candidates; ``gains``: float64, what each adds to those before it. ``value``:
    their benefit together; ``bound``: no choice of as many sites can have more; ``gap``: (bound − value) /
    bound, 0 when proven best. ``method``: ``greedy`` or ``exact``; ``status`` says in Chinese how it ended,
    ``reason`` why fewer sites than asked for (None: as many as asked for).
    """

    sites: IntArray
    gains: FloatArray
    value: float
    bound: float
    method: Literal["greedy", "exact"]
    status: str
    reason: str | None

    @property
    def gap(self) -> float:
        """How far the value may lie below the best possible, as a part of it."""
        return max(0.0, (self.bound - self.value) / self.bound) if self.bound > 0.0 else 0.0


def covering_problem(
    reach: Reach, demand: ArrayLike, threshold_minutes: float, *, covered: ArrayLike | None = None
) -> SitingProblem:
    """Return the problem of covering the most demand within ``threshold_minutes``.

    ``demand``: people per cell; ``covered``: bool per cell, what the existing facilities cover already.
    Raises ``SitingError`` for demand that is negative, missing or of another length.
    """
    people = _demand(demand, reach.cells)
    done = np.zeros(reach.cells, dtype=bool) if covered is None else np.asarray(covered, dtype=bool)
    left = np.where(done, 0.0, people)
    near = reach.within(threshold_minutes)
    base, total = float(people[done].sum()), float(people.sum())
    return _problem("coverage", near, left[near.cell], base=base, demand=total, cap=float(threshold_minutes))


def median_problem(
    reach: Reach, demand: ArrayLike, cap_minutes: float, *, minutes: ArrayLike | None = None
) -> SitingProblem:
    """Return the problem of saving the most minutes × people to the nearest facility.

    ``minutes``: of every cell to its nearest existing facility, NaN where none. What lies beyond
    ``cap_minutes`` counts as that far: the objective stays defined where nobody arrives.
    """
    people = _demand(demand, reach.cells)
    now = np.full(reach.cells, np.nan) if minutes is None else np.asarray(minutes, dtype=np.float64)
    now = np.minimum(np.where(np.isnan(now), cap_minutes, now), cap_minutes)
    saved = people[reach.cell] * np.maximum(now[reach.cell] - reach.minutes, 0.0)
    base, total = float((people * now).sum()), float(people.sum())
    return _problem("minutes", reach, saved, base=base, demand=total, cap=float(cap_minutes))


def _problem(
    objective: Objective, reach: Reach, benefit: FloatArray, *, base: float, demand: float, cap: float
) -> SitingProblem:
    kept = benefit > 0.0
    before = np.concatenate([[0], np.cumsum(kept)])
    return SitingProblem(
        objective, before[reach.start], reach.cell[kept], benefit[kept], reach.cells, base, demand, cap
    )


def _demand(demand: ArrayLike, cells: int) -> FloatArray:
    people = np.asarray(demand, dtype=np.float64)
    if people.shape != (cells,):
        raise SitingError(f"需求有 {people.size} 个，格网有 {cells} 格，应一一对应。")
    if not (np.isfinite(people) & (people >= 0.0)).all():
        raise SitingError("需求中有缺失或为负的人数。请检查人口数据。")
    return people


def require_number(add: int, candidates: int) -> None:
    """Raise ``SitingError`` unless 1 ≤ ``add`` ≤ ``candidates``."""
    if candidates == 0:
        raise SitingError("没有候选点。请换一种候选点，或扩大范围。")
    if add < 1:
        raise SitingError(f"新增数量应不小于 1，收到 {add}。")
    if add > candidates:
        raise SitingError(f"要新增 {add} 处，候选点只有 {candidates} 个。请减少数量或增加候选点。")


def solve_greedy(problem: SitingProblem, add: int) -> SitingResult:
    """Return ``add`` sites, each the one that adds most to those before; of equals the lowest row.

    Gains only shrink as sites are added, so a site whose old gain is no longer the largest need not be
    computed again (lazy evaluation, Minoux 1978). The value is at least ``GUARANTEE`` of the best possible.
    Stops early, with a reason, when no site adds anything. Raises ``SitingError`` as `require_number`.
    """
    require_number(add, problem.sites)
    best = np.zeros(problem.cells)
    first = _first_gains(problem)
    heap = [(-float(gain), site) for site, gain in enumerate(first) if gain > 0.0]
    heapq.heapify(heap)
    fresh = dict.fromkeys(range(problem.sites), 0)
    sites: list[int] = []
    gains: list[float] = []
    while heap and len(sites) < add:
        gain, site = heapq.heappop(heap)
        if fresh[site] < len(sites):
            now = _gain(problem, site, best)
            fresh[site] = len(sites)
            if now > 0.0:
                heapq.heappush(heap, (-now, site))
            continue
        cell, benefit = problem.of(site)
        best[cell] = np.maximum(best[cell], benefit)
        sites.append(site)
        gains.append(-gain)
    value = float(best.sum())
    bound = min(_upper_bound(problem, best, add), value / GUARANTEE, float(np.sort(first)[::-1][:add].sum()))
    reason = None
    if len(sites) < add:
        reason = NO_DEMAND if problem.demand == 0.0 else NOTHING_TO_GAIN
    return SitingResult(
        np.array(sites, dtype=np.int64), np.array(gains), value, max(bound, value), "greedy", "贪心", reason
    )


def _first_gains(problem: SitingProblem) -> FloatArray:
    totals = np.concatenate([[0.0], np.cumsum(problem.benefit)])
    # Differences of running totals lose digits; the sums of the slices are what the loop compares.
    rough = totals[problem.start[1:]] - totals[problem.start[:-1]]
    exact = [float(problem.of(site)[1].sum()) if rough[site] > 0.0 else 0.0 for site in range(problem.sites)]
    return np.array(exact)


def _gain(problem: SitingProblem, site: int, best: FloatArray) -> float:
    cell, benefit = problem.of(site)
    return float(np.maximum(benefit - best[cell], 0.0).sum())


def _upper_bound(problem: SitingProblem, best: FloatArray, add: int) -> float:
    """Return value + the largest ``add`` gains still possible: no set of ``add`` sites can be worth more."""
    left = np.array([_gain(problem, site, best) for site in range(problem.sites)])
    return float(best.sum() + np.sort(left)[::-1][:add].sum())


def solve_exact(problem: SitingProblem, add: int, *, time_limit_s: float = 60.0) -> SitingResult:
    """Return the best ``add`` sites by mixed-integer programming, or the best found in the time allowed.

    The result is never worse than the greedy one; ``bound`` and ``gap`` say how far it may be from the best.
    Where the program would be too large (see ``geo.siting.MAX_TERMS``) the greedy answer comes back
    with its own bound, and ``status`` says so. Raises ``SitingError`` as `require_number`.
    """
    greedy = solve_greedy(problem, add)
    if greedy.reason is not None or greedy.gap == 0.0:
        status = "贪心已达上界，即为最优" if greedy.reason is None else greedy.status
        return SitingResult(
            greedy.sites, greedy.gains, greedy.value, greedy.value, "exact", status, greedy.reason
        )
    solve = solve_covering if problem.objective == "coverage" else solve_median
    pairs = Pairs(problem.start, problem.cell, problem.benefit, problem.cells)
    found = solve(pairs, add, time_limit_s=time_limit_s)
    if found is None:
        status = "规模过大，未求精确解；给出贪心解和它的上界"
        return SitingResult(greedy.sites, greedy.gains, greedy.value, greedy.bound, "greedy", status, None)
    bound = min(found.bound, greedy.bound)
    value = problem.value(found.sites)
    if value < greedy.value:
        status = "限时内未超过贪心解" if found.timed_out else "最优"
        return SitingResult(
            greedy.sites, greedy.gains, greedy.value, max(bound, greedy.value), "exact", status, None
        )
    sites, gains = _in_order(problem, found.sites)
    status = "限时内的最好解" if found.timed_out else "最优"
    return SitingResult(sites, gains, value, max(bound, value), "exact", status, None)


def _in_order(problem: SitingProblem, sites: IntArray) -> tuple[IntArray, FloatArray]:
    """Return sites in the order a greedy eye would open them, with what each adds."""
    best = np.zeros(problem.cells)
    left, order, gains = sorted(int(site) for site in sites), [], []
    while left:
        worth = [_gain(problem, site, best) for site in left]
        at = int(np.argmax(worth))
        site = left.pop(at)
        cell, benefit = problem.of(site)
        best[cell] = np.maximum(best[cell], benefit)
        order.append(site)
        gains.append(worth[at])
    return np.array(order, dtype=np.int64), np.array(gains)


def budget_curve(problem: SitingProblem, most: int) -> FloatArray:
    """Return the greedy benefit of 0, 1 … ``most`` new sites (float64): each step nests in the next.

    Flat once nothing is left to gain. Raises ``SitingError`` as `require_number`.
    """
    result = solve_greedy(problem, most)
    values = np.concatenate([[0.0], np.cumsum(result.gains)])
    return np.concatenate([values, np.full(most + 1 - len(values), values[-1])])


def covered_cells(minutes: ArrayLike, threshold_minutes: float) -> NDArray[np.bool_]:
    """Return whether each cell is covered: minutes ≤ threshold, NaN is not."""
    values = np.asarray(minutes, dtype=np.float64)
    return np.nan_to_num(values, nan=np.inf) <= float(quantise_minutes(threshold_minutes))


MAX_TERMS = 2_000_000
"""Entries of the constraint matrix beyond which no exact answer is tried."""

_OPTIMAL, _TIME_OVER = 0, 1
_FEASIBILITY = 1e-6


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of site and cell by site: site j owns ``start[j]:start[j + 1]`` of ``cell`` and ``benefit``."""

    start: IntArray
    cell: NDArray[np.int32]
    benefit: FloatArray
    cells: int

    @property
    def sites(self) -> int:
        """How many sites there are."""
        return len(self.start) - 1

    @property
    def site(self) -> IntArray:
        """The site of every pair."""
        return np.repeat(np.arange(self.sites, dtype=np.int64), np.diff(self.start))


@dataclass(frozen=True, eq=False)
class ExactSites:
    """The sites of a program's best answer, and what no answer can exceed."""

    sites: IntArray
    bound: float
    timed_out: bool


def solve_covering(pairs: Pairs, add: int, *, time_limit_s: float) -> ExactSites | None:
    """Return the ``add`` sites that cover the most; None when the program would be too large.

    Cells that the same sites reach are one: max Σ b_g y_g, y_g ≤ Σ_{j reaches g} x_j, Σ x = add, x binary,
    0 ≤ y ≤ 1. A cell's benefit does not depend on the site.
    """
    sites, site = pairs.sites, pairs.site
    group, worth = _groups(pairs)
    of_pair = group[pairs.cell]
    key = np.unique(of_pair * np.int64(sites) + site)
    rows, columns = key // sites, key % sites
    count = len(worth)
    if len(key) + count > MAX_TERMS:
        return None
    unit = float(worth.max())
    # - Σ x_j + y_g ≤ 0
    matrix = csc_array(
        coo_array(
            (
                np.concatenate([-np.ones(len(key)), np.ones(count)]),
                (
                    np.concatenate([rows, np.arange(count)]),
                    np.concatenate([columns, sites + np.arange(count)]),
                ),
            ),
            shape=(count, sites + count),
        )
    )
    cost = np.concatenate([np.zeros(sites), -worth / unit])
    return _solve(matrix, cost, unit=unit, sites=sites, add=add, time_limit_s=time_limit_s)


def _groups(pairs: Pairs) -> tuple[IntArray, FloatArray]:
    """Return the group of every cell (those that the same sites reach), and each group's benefit.

    Two random whole numbers per site, added up per cell, tell sets of sites apart (a chance of 2⁻¹²⁸ per
    pair of sets that they do not).
    """
    random = np.random.default_rng(20_240_601).integers(0, 2**63, size=(2, pairs.sites), dtype=np.uint64)
    marks = np.zeros((2, pairs.cells), dtype=np.uint64)
    site = pairs.site
    for number in range(2):
        np.add.at(marks[number], pairs.cell, random[number][site])
    worth = np.zeros(pairs.cells)
    worth[pairs.cell] = pairs.benefit
    reached = np.flatnonzero(worth > 0.0)
    _, inverse = np.unique(marks[:, reached], axis=1, return_inverse=True)
    of_reached = np.asarray(inverse, dtype=np.int64).ravel()
    group = np.full(pairs.cells, -1, dtype=np.int64)
    group[reached] = of_reached
    return group, np.bincount(of_reached, weights=worth[reached]).astype(np.float64)


def solve_median(pairs: Pairs, add: int, *, time_limit_s: float) -> ExactSites | None:
    """Return the ``add`` sites that save the most; None when the program would be too large.

    max Σ b_ij z_ij, Σ_j z_ij ≤ 1 per cell, z_ij ≤ x_j, Σ x = add, x binary, 0 ≤ z ≤ 1.
    """
    sites, count = pairs.sites, len(pairs.cell)
    if 3 * count > MAX_TERMS:
        return None
    reached, row = np.unique(pairs.cell, return_inverse=True)
    number, each = len(reached), np.arange(count)
    matrix = csc_array(
        coo_array(
            (
                np.concatenate([np.ones(count), np.ones(count), -np.ones(count)]),
                (
                    np.concatenate([row, number + each, number + each]),
                    np.concatenate([sites + each, sites + each, pairs.site]),
                ),
            ),
            shape=(number + count, sites + count),
        )
    )
    unit = float(pairs.benefit.max())
    upper = np.concatenate([np.ones(number), np.zeros(count)])
    cost = np.concatenate([np.zeros(sites), -pairs.benefit / unit])
    return _solve(matrix, cost, unit=unit, sites=sites, add=add, time_limit_s=time_limit_s, upper=upper)


def _solve(
    matrix: csc_array,
    cost: FloatArray,
    *,
    unit: float,
    sites: int,
    add: int,
    time_limit_s: float,
    upper: FloatArray | None = None,
) -> ExactSites | None:
    """Return the sites of min cost · v, matrix · v ≤ upper (0), Σ x = add; None when there is no answer."""
    variables = len(cost)
    limits = np.zeros(matrix.shape[0]) if upper is None else upper
    budget = np.concatenate([np.ones(sites), np.zeros(variables - sites)])[None, :]
    answer = milp(
        cost,
        constraints=[LinearConstraint(matrix, -np.inf, limits), LinearConstraint(budget, add, add)],
        integrality=np.concatenate([np.ones(sites), np.zeros(variables - sites)]),
        bounds=Bounds(0.0, 1.0),
        options={"time_limit": time_limit_s, "mip_rel_gap": 0.0},
    )
    if answer.x is None or answer.status not in {_OPTIMAL, _TIME_OVER}:
        return None
    chosen = np.argsort(-answer.x[:sites], kind="stable")[:add].astype(np.int64)
    dual = answer.mip_dual_bound
    best = float(-answer.fun if dual is None else -dual) * unit
    # The solver keeps its promises to a feasibility tolerance only.
    return ExactSites(np.sort(chosen), best * (1.0 + _FEASIBILITY * 1e-3), answer.status == _TIME_OVER)
