"""Exact minutes: travel times on a fixed grid, so that sums, ties and thresholds are not a matter of
rounding.

Every minute of an edge, an access leg or a straight line is rounded once, to a multiple of ``TICK`` (0.23
milliseconds). Sums of such multiples are exact in float64, whatever their order: a path costs the same from
either end, in one run or in partitions, and ten stretches of 1.5 minutes are exactly 15. Below the tick
there is room for a label: a value of ``minutes + (label + 1) * LABEL_STEP`` sorts by minutes and then by
label, which lets one shortest-path run also say, deterministically, which source was the nearest.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int32]

TICK: float = 2.0**-18
"""Grid of all minutes, in minutes: 15 integer bits + 18 + 20 bits of label fill float64's 53."""

LABEL_STEP: float = 2.0**-38
"""What one label adds below the tick."""

MAX_LABELS: int = 2**20 - 1
"""How many different labels (facilities) one run can tell apart."""

MAX_MINUTES: float = 2.0**14
"""Longest travel time there is, 16,384 minutes (11 days); beyond it a place counts as unreachable."""


def quantise_minutes(minutes: ArrayLike) -> FloatArray:
    """Return minutes rounded to the nearest multiple of ``TICK`` (float64; inf and NaN stay as they are)."""
    return np.rint(np.asarray(minutes, dtype=np.float64) / TICK) * TICK


def pack(minutes: ArrayLike, label: ArrayLike) -> FloatArray:
    """Return minutes that carry a label: ``minutes`` must be quantised, ``label`` from 0 to ``MAX_LABELS -
    1``.
    """
    return np.asarray(minutes, dtype=np.float64) + (np.asarray(label, dtype=np.float64) + 1.0) * LABEL_STEP


def unpack(packed: FloatArray) -> tuple[FloatArray, IntArray]:
    """Return (minutes float64, label int32) of packed minutes; inf gives (inf, -1)."""
    finite = np.isfinite(packed)
    minutes = np.full(packed.shape, np.inf)
    minutes[finite] = np.floor(packed[finite] / TICK) * TICK
    label = np.full(packed.shape, -1, dtype=np.int32)
    label[finite] = np.rint((packed[finite] - minutes[finite]) / LABEL_STEP).astype(np.int32) - 1
    return minutes, label
