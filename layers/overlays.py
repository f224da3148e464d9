"""What lies over the regions of a sheet: images, facilities on one canvas, ranked places; with their key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from folium.elements import JSCSSMixin
from folium.template import Template

from layers.assets import PUBLISHER, Publisher, own_url
from layers.model import Layer, LegendEntry, format_number
from layers.webmap import Theme, theme
from layers.words.precision import LEGEND, PRECISIONS


@dataclass(frozen=True)
class ImageLayer:
    """A PNG in Web Mercator: its bytes, and the degrees (west, south, east, north) of its outer edges."""

    name: str
    content: bytes
    bounds: tuple[float, float, float, float]


@dataclass(frozen=True)
class RankedPlace:
    """A place with a rank (or a short word) in a circle: degrees, and the lines of text its tip shows.

    ``kind`` sets its colour: empty for uncovered people, ``site`` a proposed facility, ``moved``, ``closed``,
    ``here`` the place that was clicked.
    """

    rank: int | str
    longitude: float
    latitude: float
    lines: tuple[str, ...]
    kind: str = ""


@dataclass(frozen=True)
class SurfaceLegend:
    """The key of a surface: a title, its classes as a strip, further rows, and a note.

    ``entries`` as of a legend, the unreachable (class -1) as a row of its own. ``veil`` says what the pale
    part is. With ``rows`` every class is a named row with its people in place of a step of the strip. The
    facilities and the ranked places of the sheet add their own rows.
    """

    title: str
    entries: tuple[LegendEntry, ...]
    ticks: tuple[str, ...]
    veil: str = ""
    rows: bool = False


class OverlayTheme(JSCSSMixin, Theme):
    """A `Theme` with overlays: both replace what the sheet showed before; what has not changed stays."""

    default_js = [("sutu_overlays", own_url("overlays.js"))]  # noqa: RUF012
    default_css = [("sutu_overlays_css", own_url("overlays.css"))]  # noqa: RUF012
    _template = Template(
        """
        {% macro script(this, kwargs) %}
            var {{ this.get_name() }} = L.featureGroup();
            sutuOverlays.show(
                {{ this._parent.get_name() }}, {{ this.spec|tojson }}, {{ this.overlays|tojson }}
            );
        {% endmacro %}
        """
    )

    def __init__(self, spec: dict[str, Any], overlays: dict[str, Any]) -> None:
        """Show what ``spec`` says, and the ``overlays``; `overlay_theme` makes both."""
        super().__init__(spec)
        self.overlays = overlays


def overlay_theme(
    layer: Layer,
    *,
    subtitle: str,
    images: Sequence[ImageLayer] = (),
    points: PointSet | None = None,
    places: Sequence[RankedPlace] = (),
    places_label: str = "",
    legend: SurfaceLegend | None = None,
    tips: Mapping[str, Sequence[str]] | None = None,
    publisher: Publisher = PUBLISHER,
    **options: Any,
) -> OverlayTheme:
    """Return what a sheet shows of ``layer`` with the overlays on it.

    With images the regions are not filled: their borders and tips stay, and undefined ones stay hatched.
    ``subtitle`` stands beside the title in place of year and unit. ``legend`` takes the place of the layer's
    own; ``tips`` (lines by adcode) of what its tips say. Images and points are published and fetched by
    their digest. ``options`` as those of ``layers.webmap.theme``.
    """
    spec = dict(theme(layer, publish=publisher.publish, **options).spec)
    spec["values"] = dict(spec["values"])
    spec["subtitle"] = subtitle
    if images:
        spec["fills"] = ["transparent"]
        spec["values"] = {code: [min(row[0], 0), *row[1:]] for code, row in spec["values"].items()}
        spec["legend"] = {"title": "", "rows": [], "note": ""}
    for code, lines in (tips or {}).items():
        spec["values"][code] = [spec["values"][code][0], *lines]
    overlays: dict[str, Any] = {
        "images": [
            {
                "name": image.name,
                "url": publisher.publish(image.content, "png"),
                "bounds": [[image.bounds[1], image.bounds[0]], [image.bounds[3], image.bounds[2]]],
            }
            for image in images
        ],
        "points": None
        if points is None
        else {
            "key": points.key,
            "url": publisher.publish(points.content),
            "counts": points.counts,
            "labels": LEGEND,
        },
        "places": [
            [place.latitude, place.longitude, place.rank, list(place.lines), place.kind] for place in places
        ],
        "placesLabel": places_label if places else "",
        "legend": None if legend is None else _legend(legend),
    }
    for part in (spec, overlays):
        part.pop("token", None)
        part["token"] = hashlib.sha256(json.dumps(part, ensure_ascii=False).encode()).hexdigest()[:16]
    return OverlayTheme(spec, overlays)


def _legend(legend: SurfaceLegend) -> dict[str, Any]:
    classes = [entry for entry in legend.entries if entry.class_index >= 0]
    rest = [entry for entry in legend.entries if entry.class_index < 0]
    return {
        "title": legend.title,
        "classes": [] if legend.rows else [[entry.colour, entry.label] for entry in classes],
        "rows": [[entry.colour, entry.label, f"{entry.count:,}"] for entry in classes] if legend.rows else [],
        "ticks": list(legend.ticks),
        "unreachable": rest[0].label if rest else "",
        "veil": legend.veil,
    }


_PLACES = 5
_MAX_TEXT = 120


@dataclass(frozen=True)
class PointSet:
    """Facilities ready to send: GeoJSON (RFC 7946) as bytes, the digest they are known by, and how many.

    ``counts`` is by precision, in the order of ``PRECISIONS``, without those that do not occur.
    """

    content: bytes
    key: str
    counts: dict[str, int]


def facility_points(facilities: pd.DataFrame, type_names: Mapping[str, str]) -> PointSet:
    """Return the facilities as one GeoJSON collection of points.

    ``facilities``: columns of the table ``facility`` (``lon``, ``lat`` in EPSG:4490). Every feature carries
    ``kind`` (a key of ``PRECISIONS``), ``name``, and ``lines``: type with precision, level and capacity. They
    are plain texts, which the browser shows as texts: nothing in them is ever markup. Positions have 5
    decimals (1 m). Rows keep their order.
    """
    features = [_feature(row, type_names) for row in facilities.to_dict("records")]
    collection = {"type": "FeatureCollection", "features": features}
    content = json.dumps(collection, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    found = facilities["precision"].value_counts()
    counts = {kind: int(found[kind]) for kind in PRECISIONS if kind in found}
    return PointSet(content, hashlib.sha256(content).hexdigest()[:16], counts)


def _feature(row: dict[Any, Any], type_names: Mapping[str, str]) -> dict[str, Any]:
    kind = str(row["precision"])
    name, what = str(row["name"]), type_names.get(str(row["type"]), str(row["type"]))
    lines = [f"{what} · {PRECISIONS.get(kind, kind)}"]
    if _known(row.get("level")):
        lines.append(f"等级：{row['level']}")
    if _known(row.get("capacity")):
        unit = f" {row['capacity_unit']}" if _known(row.get("capacity_unit")) else ""
        lines.append(f"规模：{format_number(float(row['capacity']), 0)}{unit}")
    return {
        "type": "Feature",
        "properties": {"kind": kind, "name": name[:_MAX_TEXT], "lines": [line[:_MAX_TEXT] for line in lines]},
        "geometry": {
            "type": "Point",
            "coordinates": [round(float(row["lon"]), _PLACES), round(float(row["lat"]), _PLACES)],
        },
    }


def _known(value: Any) -> bool:
    return bool(pd.notna(value)) and str(value).strip() != ""
