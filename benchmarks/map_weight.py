"""What a map costs to load."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from layers.model import Layer
from layers.webmap import theme


@dataclass(frozen=True)
class MapWeight:
    """Bytes of a map's data and theme as sent uncompressed, and its vertices."""

    geometry_bytes: int
    theme_bytes: int
    vertices: int

    @property
    def total_bytes(self) -> int:
        """Geometry and theme together."""
        return self.geometry_bytes + self.theme_bytes


def map_weight(layer: Layer, **options: Any) -> MapWeight:
    """Return what `theme` sends for ``layer``; ``options`` are those of `theme`."""
    pieces: list[bytes] = []

    def publish(content: bytes) -> str:
        pieces.append(content)
        return "/assets/data/0"

    spec = theme(layer, publish=publish, **options).spec
    return MapWeight(
        sum(map(len, pieces)),
        len(json.dumps(spec, ensure_ascii=False).encode()),
        sum(_vertices(json.loads(piece)) for piece in pieces),
    )


def _vertices(collection: dict[str, Any]) -> int:
    shapes = [shapely.from_geojson(json.dumps(feature["geometry"])) for feature in collection["features"]]
    return int(shapely.get_num_coordinates(np.array(shapes, dtype=object)).sum())
