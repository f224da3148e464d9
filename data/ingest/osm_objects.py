"""Tagged objects of an OpenStreetMap extract with geometry: nodes, ways and multipolygons alike."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import osmium
import shapely
from numpy.typing import NDArray

from data.ingest.osm_source import readable

NODE, WAY, RELATION = "n", "w", "r"


@dataclass(frozen=True)
class OsmObjects:
    """Objects in the order of the extract: nodes, then areas and lines.

    ``kind`` is ``n``, ``w`` or ``r``; ``ident`` the OpenStreetMap id; ``tags`` a mapping each; ``geometry``
    Point, LineString (a way that is no area) or MultiPolygon, WGS 84 longitude and latitude, never missing.
    ``unplaced`` names the objects without a usable geometry: relations that are no area, and objects whose
    nodes lie outside the extract.
    """

    kind: list[str]
    ident: list[int]
    tags: list[dict[str, str]]
    geometry: NDArray[np.object_]
    unplaced: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Return the number of objects."""
        return len(self.ident)


class _Collector:
    """Gathers objects as libosmium hands them out; a way is kept aside until it is known to be no area."""

    def __init__(self, wants: Callable[[dict[str, str]], bool]) -> None:
        self.wants = wants
        self.factory = osmium.geom.WKBFactory()
        self.kept: list[tuple[str, int, dict[str, str], str]] = []
        self.waiting: dict[tuple[str, int], tuple[dict[str, str], str | None]] = {}

    def add(self, thing: Any) -> None:
        """Take one node, way, relation or area."""
        tags = {tag.k: tag.v for tag in thing.tags}
        if not self.wants(tags):
            return
        if thing.is_node():
            self._keep(NODE, thing.id, tags, self._shape(self.factory.create_point, thing))
        elif thing.is_way():
            self.waiting[WAY, thing.id] = tags, self._shape(self.factory.create_linestring, thing)
        elif thing.is_relation():
            self.waiting[RELATION, thing.id] = tags, None
        elif thing.is_area():
            kind = WAY if thing.from_way() else RELATION
            self.waiting.pop((kind, thing.orig_id()), None)
            self._keep(kind, thing.orig_id(), tags, self._shape(self.factory.create_multipolygon, thing))

    @staticmethod
    def _shape(create: Any, thing: Any) -> str | None:
        """Return the geometry as hexadecimal WKB, or ``None`` when positions are missing or make none."""
        try:
            return str(create(thing))
        except (RuntimeError, osmium.InvalidLocationError):
            return None

    def _keep(self, kind: str, ident: int, tags: dict[str, str], shape: str | None) -> None:
        if shape is None:
            self.waiting[kind, ident] = tags, None
        else:
            self.kept.append((kind, ident, tags, shape))

    def result(self) -> OsmObjects:
        """Return everything taken; ways that became no area are lines."""
        for (kind, ident), (tags, shape) in self.waiting.items():
            if shape is not None:
                self.kept.append((kind, ident, tags, shape))
        unplaced = tuple(
            f"{kind}{ident}" for (kind, ident), (_, shape) in self.waiting.items() if shape is None
        )
        return OsmObjects(
            [row[0] for row in self.kept],
            [row[1] for row in self.kept],
            [row[2] for row in self.kept],
            shapely.from_wkb(np.array([row[3] for row in self.kept], dtype=object)),
            unplaced,
        )


def read_objects(path: Path, keys: Sequence[str], wants: Callable[[dict[str, str]], bool]) -> OsmObjects:
    """Return the objects of an extract whose tags ``wants`` accepts, with their geometry.

    ``keys``: an object without any of these tags is passed over before Python sees it. Raises
    ``FaultReport`` when the file cannot be read to its end.
    """
    tagged = osmium.filter.KeyFilter(*keys)
    collector = _Collector(wants)
    with readable(path) as file:
        for thing in osmium.FileProcessor(file).with_areas(tagged).with_filter(tagged):
            collector.add(thing)
    return collector.result()
