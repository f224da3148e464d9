"""Modes of travel, and exact minutes: on a fixed grid, so that nothing is a matter of rounding.

Every minute of an edge, an access leg or a straight line is rounded once, to a multiple of ``TICK`` (0.23
milliseconds). Sums of such multiples are exact in float64, whatever their order: a path costs the same from
either end, in one run or in partitions, and ten stretches of 1.5 minutes are exactly 15. Below the tick
there is room for a label: a value of ``minutes + (label + 1) * LABEL_STEP`` sorts by minutes and then by
label, which lets one shortest-path run also say, deterministically, which source was the nearest.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo.waters import Waters

METRES_PER_MINUTE_PER_KMH: float = 1000.0 / 60.0


@dataclass(frozen=True)
class RoadClass:
    """One OSM ``highway`` value in one mode: its speed, and whether a trip may start or end on it."""

    speed_kmh: float
    snap: bool = True


@dataclass(frozen=True)
class TravelMode:
    """A mode of travel. Speeds in km/h; ``classes`` maps OSM ``highway`` values, and what it lacks is not
    passable.

    ``ferry_kmh`` None means that the mode cannot board a ferry. ``access_kmh`` is the walking speed of the
    leg between a place and the network, ``snap_limit_m`` its longest length in metres. Parts of the network
    that cannot reach, and be reached by, at least ``min_component_nodes`` nodes are used only where nothing
    better is within the limit. ``straight_kmh`` and ``detour_factor`` serve where there is no network;
    ``waters``, where given, are not crossed by straight lines and by walks beside the roads; ``crosses_as``:
    who may use the crossings that a traveller of this mode may use.
    """

    id: str
    name: str
    straight_kmh: float
    detour_factor: float
    classes: Mapping[str, RoadClass]
    oneway: bool = False
    use_maxspeed: bool = False
    ferry_kmh: float | None = None
    access_kmh: float = 4.8
    snap_limit_m: float = 1000.0
    min_component_nodes: int = 50
    crosses_as: str = "foot"
    waters: Waters | None = None

    @property
    def has_network(self) -> bool:
        """Whether the mode can use roads at all (``straight`` cannot)."""
        return bool(self.classes)

    @property
    def straight_m_per_minute(self) -> float:
        """Progress as the crow flies without a network, in metres per minute: speed over detour factor."""
        return self.straight_kmh * METRES_PER_MINUTE_PER_KMH / self.detour_factor

    @property
    def access_m_per_minute(self) -> float:
        """Walking speed of the access leg, in metres per minute."""
        return self.access_kmh * METRES_PER_MINUTE_PER_KMH

    def scaled(self, factor: float) -> "TravelMode":
        """Return the mode with every speed (roads, ferries, access leg, straight line) times ``factor``.

        A posted ``maxspeed`` and a timetable's duration belong to the network and are not scaled here: where
        every time shall change by the same factor, use ``geo.coverage.coverage_table(speed_factor=...)``.
        """
        return replace(
            self,
            classes={
                key: replace(road, speed_kmh=road.speed_kmh * factor) for key, road in self.classes.items()
            },
            ferry_kmh=None if self.ferry_kmh is None else self.ferry_kmh * factor,
            access_kmh=self.access_kmh * factor,
            straight_kmh=self.straight_kmh * factor,
        )


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
