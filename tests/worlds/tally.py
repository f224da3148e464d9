"""What is compared in a world, counted, and what differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo.modes import TICK

STEPS = 8 * TICK
"""What two and more roundings of a leg, of the part of an edge and of a walk may differ by, in minutes."""


@dataclass
class Tally:
    """How many values were compared, and what was found to differ: (check, what)."""

    check: str = ""
    compared: int = 0
    faults: list[tuple[str, str]] = field(default_factory=list)

    def fault(self, what: str) -> None:
        """Note that something differs."""
        self.faults.append((self.check, what))

    def holds(self, what: str, truth: ArrayLike) -> None:
        """Compare truths: all must hold."""
        array = np.atleast_1d(np.asarray(truth, dtype=bool))
        self.compared += array.size
        if not array.all():
            wrong = np.argwhere(~array)
            self.fault(f"{what}: {len(wrong)} of {array.size}, first at {wrong[0].tolist()}")

    def same(self, what: str, found: ArrayLike, wanted: ArrayLike) -> None:
        """Compare bit by bit; NaN is NaN."""
        one, two = np.atleast_1d(np.asarray(found)), np.atleast_1d(np.asarray(wanted))
        self.compared += one.size
        if one.shape != two.shape:
            self.fault(f"{what}: {one.shape} values, not {two.shape}")
            return
        alike = np.array([_alike(a, b) for a, b in zip(one.ravel(), two.ravel(), strict=True)], dtype=bool)
        self._first(what, one.ravel(), two.ravel(), alike)

    def near(
        self, what: str, found: ArrayLike, wanted: ArrayLike, *, rel: float = 1e-9, within: float = 0.0
    ) -> None:
        """Compare numbers that may differ by rounding; NaN is NaN, and infinite is infinite."""
        one, two = (np.atleast_1d(np.asarray(side, dtype=np.float64)).ravel() for side in (found, wanted))
        self.compared += one.size
        if one.shape != two.shape:
            self.fault(f"{what}: {one.shape} values, not {two.shape}")
            return
        alike = np.isclose(one, two, rtol=rel, atol=within, equal_nan=True)
        self._first(what, one, two, alike)

    def minutes(
        self, what: str, found: ArrayLike, wanted: ArrayLike, limit: float, *, within: float = STEPS
    ) -> None:
        """Compare minutes; inf: none. What lies within rounding of ``limit`` may be found or not."""
        one, two = (np.asarray(side, dtype=np.float64).ravel() for side in (found, wanted))
        self.compared += one.size
        beyond = np.where(two > limit + within, np.inf, two)
        alike = np.isclose(one, beyond, rtol=0.0, atol=within)
        alike |= np.isinf(one) & (two > limit - within)
        self._first(what, one, two, alike)

    def _first(
        self,
        what: str,
        found: NDArray[np.generic],
        wanted: NDArray[np.generic],
        alike: NDArray[np.bool_],
    ) -> None:
        if not alike.all():
            at = int(np.flatnonzero(~alike)[0])
            wrong = int((~alike).sum())
            self.fault(f"{what}: {wrong} of {len(found)} differ, first at {at}: {found[at]} not {wanted[at]}")


def _alike(one: object, two: object) -> bool:
    return one is two or one == two or (one != one and two != two)  # noqa: PLR0124


def objects(values: Sequence[object]) -> NDArray[np.object_]:
    """Return values of any kind as an array, one each."""
    found = np.empty(len(values), dtype=object)
    for row, value in enumerate(values):
        found[row] = value
    return found
