"""How people travel: speeds by road class and mode, as plain values that the registry fills in."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

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
    better is within the limit. ``straight_kmh`` and ``detour_factor`` serve where there is no network.
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
