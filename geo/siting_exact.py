"""The exact side of siting: maximal covering and p-median as mixed-integer programs, solved by HiGHS."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csc_array

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

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
