"""Small OpenStreetMap extracts made for a test."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import osmium
from osmium.osm.mutable import Node, Relation, Way


@dataclass
class World:
    """Nodes (id → lon, lat[, tags]), ways (id → nodes, tags) and relations (id → members, tags)."""

    nodes: Mapping[int, tuple] = field(default_factory=dict)
    ways: Mapping[int, tuple[Sequence[int], Mapping[str, str]]] = field(default_factory=dict)
    relations: Mapping[int, tuple[Iterable[tuple[str, int, str]], Mapping[str, str]]] = field(
        default_factory=dict
    )

    def write(self, path: Path, *, timestamp: str | None = None) -> Path:
        """Write the world as a PBF file and return its path."""
        header = osmium.io.Header()
        if timestamp:
            header.set("osmosis_replication_timestamp", timestamp)
        with osmium.SimpleWriter(str(path), header=header, overwrite=True) as writer:
            for ident, (lon, lat, *tags) in sorted(self.nodes.items()):
                writer.add_node(Node(id=ident, version=1, location=(lon, lat), tags=tags[0] if tags else {}))
            for ident, (refs, tags) in sorted(self.ways.items()):
                writer.add_way(Way(id=ident, version=1, nodes=list(refs), tags=dict(tags)))
            for ident, (members, tags) in sorted(self.relations.items()):
                writer.add_relation(Relation(id=ident, version=1, members=list(members), tags=dict(tags)))
        return path


def square(first_id: int, lon: float, lat: float, size: float) -> dict[int, tuple[float, float]]:
    """Return four nodes of a square whose south-west corner is (lon, lat), counter-clockwise."""
    corners = [(lon, lat), (lon + size, lat), (lon + size, lat + size), (lon, lat + size)]
    return {first_id + number: corner for number, corner in enumerate(corners)}


def ring(first_id: int) -> list[int]:
    """Return the closed node list of ``square(first_id, ...)``."""
    return [first_id, first_id + 1, first_id + 2, first_id + 3, first_id]
