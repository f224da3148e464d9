"""A world with the product's answers and the oracle's, each worked out once."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from geo.coverage import CoverageProfile, build_profile
from geo.modes import MAX_MINUTES, TravelMode
from geo.network import Network, build_network
from geo.site_reach import Reach
from geo.snapping import Snap
from geo.travel import TravelResult, nearest_facility_network, nearest_facility_straight
from tests.worlds.oracle import Joined, Land, Pairs, Roads, network_pairs, straight_pairs
from tests.worlds.world import World

FloatArray = NDArray[np.float64]

SEARCH = 1.5
"""How many thresholds of its mode a table of all pairs reaches."""


class Case:
    """A world, and what is known of it."""

    def __init__(self, world: World) -> None:
        """Take a world; ``sites``: the facilities, then the candidates."""
        self.world = world
        self.sites = np.vstack([world.sites, world.candidates])
        self.tables: dict[tuple[str, str], Reach] = {}
        self._networks: dict[str, Network] = {}
        self._roads: dict[str, Roads] = {}
        self._pairs: dict[tuple[str, str], Pairs] = {}
        self._travel: dict[tuple[str, str], TravelResult] = {}
        self._profiles: dict[tuple[str, str, str], CoverageProfile] = {}

    @cached_property
    def land(self) -> Land:
        """The oracle's land."""
        return Land(self.world.shapes, self.world.gates)

    @cached_property
    def metres(self) -> tuple[FloatArray, NDArray[np.bool_]]:
        """The oracle's metres from all sites to all cells, and whether they lead round water."""
        return self.land.metres(self.sites, self.world.places)

    def roads(self, mode: TravelMode) -> Roads:
        """Return the oracle's roads of a mode."""
        if mode.id not in self._roads:
            self._roads[mode.id] = Roads(self.world.nodes, self.world.edges, mode, self.land)
        return self._roads[mode.id]

    def network(self, mode: TravelMode) -> Network:
        """Return the product's network of a mode."""
        if mode.id not in self._networks:
            self._networks[mode.id] = build_network(self.world.nodes, self.world.edges, mode)
        return self._networks[mode.id]

    def pairs(self, mode: TravelMode, method: str, *, forth: bool = True) -> Pairs:
        """Return the oracle's trips between all sites and all cells."""
        key = (mode.id, f"{method} {forth}")
        if key not in self._pairs:
            if method == "straight":
                self._pairs[key] = straight_pairs(mode, *self.metres)
            else:
                lines = self.pairs(mode, "straight")
                self._pairs[key] = network_pairs(
                    self.roads(mode), self.sites, self.world.places, lines, forth=forth
                )
        return self._pairs[key]

    def travel(self, mode: TravelMode, method: str) -> TravelResult:
        """Return the product's travel to the nearest facility, as far as the world looks."""
        world = self.world
        if (mode.id, method) not in self._travel:
            options = {"max_minutes": world.radius[mode.id], "facility_ids": world.ids}
            self._travel[mode.id, method] = (
                nearest_facility_straight(world.sites, world.places, mode=mode, **options)
                if method == "straight"
                else nearest_facility_network(self.network(mode), world.sites, world.places, **options)
            )
        return self._travel[mode.id, method]

    def profile(self, mode: TravelMode, method: str, group: str = "population") -> CoverageProfile:
        """Return the product's profile of that travel."""
        key = (mode.id, method, group)
        if key not in self._profiles:
            travel = self.travel(mode, method)
            self._profiles[key] = build_profile(self.world.cells, travel, self.world.regions, group=group)
        return self._profiles[key]

    def limit(self, mode: TravelMode) -> float:
        """Return how far travel to the nearest facility is looked for, in minutes."""
        radius = self.world.radius[mode.id]
        return MAX_MINUTES if radius is None else radius

    def search(self, mode: TravelMode) -> float:
        """Return how far a table of all pairs reaches, in minutes."""
        return round(SEARCH * self.world.thresholds[mode.id], 1)


def joins(network: Network, at: Snap) -> list[tuple[int, int]]:
    """Return the edge that each place joins, by the numbers of the tables, (-1, -1): none."""
    ids = np.append(network.node_id, -1)
    ends = np.sort(np.stack([ids[at.a], ids[at.b]], axis=1), axis=1)
    return [(int(a), int(b)) for a, b in ends]


def joined_at(network: Network, at: Snap) -> FloatArray:
    """Return where on the network each place joins it (n, 2), NaN where it does not."""
    low, high = (np.column_stack([network.x[node], network.y[node]]) for node in (at.a, at.b))
    there: FloatArray = low + at.fraction[:, None] * (high - low)
    there[~at.found] = np.nan
    return there


def oracle_at(joined: list[Joined | None]) -> FloatArray:
    """Return the same of the oracle: x, y and the length of the walk (n, 3)."""
    nothing = (np.nan, np.nan, np.nan)
    return np.array([nothing if one is None else (one.x, one.y, one.distance) for one in joined]).reshape(
        -1, 3
    )
