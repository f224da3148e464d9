"""Corridors over a sheet: one published piece holds all of them; what is shown is a list of numbers."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from folium.elements import JSCSSMixin
from folium.template import Template

from layers.assets import PUBLISHER, Publisher, own_url
from layers.model import Layer
from layers.webmap import Theme, theme
from layers.words.corridor import IN_LEGEND, STATUS_NAMES

_PLACES = 3
_AREA_TOLERANCE = 0.006
_AREA_WEIGHT = 1.8


@dataclass(frozen=True)
class CorridorStyle:
    """How one corridor is drawn, and what its tip says (plain text)."""

    name: str
    kind: str
    colour: str
    weight: float
    status: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class CorridorSet:
    """All corridors ready to send: the piece as bytes, its digest, and the number of each id in it."""

    content: bytes
    key: str
    numbers: Mapping[str, int]
    statuses: Mapping[str, str]


class CorridorTheme(JSCSSMixin, Theme):
    """A `Theme` with corridors; both replace what the sheet showed before, what has not changed stays."""

    default_js = [("sutu_corridors", own_url("corridors.js"))]  # noqa: RUF012
    default_css = [("sutu_corridors_css", own_url("corridors.css"))]  # noqa: RUF012
    _template = Template(
        """
        {% macro script(this, kwargs) %}
            var {{ this.get_name() }} = L.featureGroup();
            sutuCorridors.show(
                {{ this._parent.get_name() }}, {{ this.spec|tojson }}, {{ this.corridors|tojson }}
            );
        {% endmacro %}
        """
    )

    def __init__(self, spec: dict[str, Any], corridors: dict[str, Any]) -> None:
        """Show what ``spec`` says, and the ``corridors``; `corridor_theme` makes both."""
        super().__init__(spec)
        self.corridors = corridors


def corridor_set(shapes: gpd.GeoDataFrame, styles: Mapping[str, CorridorStyle]) -> CorridorSet:
    """Return the corridors of ``shapes`` (index id, EPSG:4490) as one piece, in their order.

    Positions have 3 decimals (100 m), latitude first as Leaflet takes them; equal geometry is sent once.
    """
    places: dict[bytes, int] = {}
    sent: list[Any] = []
    features = []
    for key, shape in shapes.geometry.items():
        style = styles[str(key)]
        digest = shapely.to_wkb(shape) + style.kind.encode()
        if digest not in places:
            places[digest] = len(sent)
            sent.append(_positions(shape, style.kind))
        features.append(
            {
                "id": str(key),
                "name": style.name,
                "kind": style.kind,
                "colour": style.colour,
                "weight": _AREA_WEIGHT if style.kind == "area" else style.weight,
                "status": style.status,
                "lines": list(style.lines),
                "shape": places[digest],
            }
        )
    content = json.dumps(
        {"shapes": sent, "features": features}, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    ).encode()
    numbers = {str(feature["id"]): number for number, feature in enumerate(features)}
    statuses = {str(feature["id"]): str(feature["status"]) for feature in features}
    return CorridorSet(content, hashlib.sha256(content).hexdigest()[:16], numbers, statuses)


def _positions(shape: shapely.Geometry, kind: str) -> list[Any]:
    """Return the positions as Leaflet takes them: of points, of the parts of a line, of rings by polygon."""
    if kind == "point":
        return _rounded(shapely.get_coordinates(shape))
    if kind == "line":
        return [_rounded(shapely.get_coordinates(part)) for part in shapely.get_parts(shape)]
    outline = shapely.simplify(shape, _AREA_TOLERANCE)
    parts = [part for part in shapely.get_parts(outline) if not part.is_empty]
    return [[_rounded(shapely.get_coordinates(part.exterior))] for part in parts]


def _rounded(xy: np.ndarray) -> list[list[float]]:
    places = np.round(xy[:, ::-1], _PLACES)
    kept = np.append(True, (places[1:] != places[:-1]).any(axis=1))
    return [[float(lat), float(lon)] for lat, lon in places[kept]]


def corridor_theme(
    layer: Layer,
    corridors: CorridorSet,
    *,
    visible: Collection[str],
    subtitle: str,
    legend_title: str,
    note: str = "",
    picked: str | None = None,
    plain_base: bool = False,
    tips: Mapping[str, Sequence[str]] | None = None,
    publisher: Publisher = PUBLISHER,
    **options: Any,
) -> CorridorTheme:
    """Return what a sheet shows of ``layer`` with the corridors ``visible`` (ids) on it.

    ``picked`` is the corridor marked; with ``plain_base`` the regions are left white. ``tips``: lines by
    adcode in place of the layer's. ``options`` as those of ``layers.webmap.theme``.
    """
    spec = dict(theme(layer, publish=publisher.publish, **options).spec)
    spec["values"] = dict(spec["values"])
    spec["subtitle"] = subtitle
    if plain_base:
        spec["fills"] = ["#ffffff"] * max(len(spec["fills"]), 1)
        spec["legend"] = {"title": "", "rows": [], "note": ""}
    for code, lines in (tips or {}).items():
        spec["values"][code] = [spec["values"][code][0], *lines]
    shown = [key for key in corridors.numbers if key in set(visible)]
    part: dict[str, Any] = {
        "key": corridors.key,
        "url": publisher.publish(corridors.content),
        "visible": [corridors.numbers[key] for key in shown],
        "selected": picked,
        "counts": dict(Counter(corridors.statuses[key] for key in shown)),
        "legendTitle": legend_title,
        "legendRows": [[status, STATUS_NAMES[status]] for status in IN_LEGEND],
        "note": note,
    }
    for one in (spec, part):
        one.pop("token", None)
        one["token"] = hashlib.sha256(json.dumps(one, ensure_ascii=False).encode()).hexdigest()[:16]
    return CorridorTheme(spec, part)
