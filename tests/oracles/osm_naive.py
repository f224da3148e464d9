"""The road network of an extract, read node by node with pyosmium's objects: slow and plain."""

from itertools import pairwise
from pathlib import Path

import osmium
from pyproj import Geod

_GEOD = Geod(ellps="GRS80")


def naive_segments(path: Path, highways: set[str]) -> list[tuple[int, int, int, float]]:
    """Return (way, from, to, metres) of every piece between two located nodes of a road or ferry."""
    segments = []
    for way in osmium.FileProcessor(str(path)).with_locations():
        if not way.is_way():
            continue
        if way.tags.get("highway") not in highways and way.tags.get("route") != "ferry":
            continue
        nodes = [(node.ref, node.lon, node.lat) if node.location.valid() else None for node in way.nodes]
        for before, after in pairwise(nodes):
            if before and after and before[0] != after[0]:
                metres = _GEOD.inv(before[1], before[2], after[1], after[2])[2]
                segments.append((way.id, before[0], after[0], metres))
    return segments
