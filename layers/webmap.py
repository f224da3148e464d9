"""The folium renderer: maps from our own assets only, whose theme changes without drawing the map anew."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import folium
import geopandas as gpd
import numpy as np
import shapely
from folium.template import Template
from numpy.typing import NDArray

from geo.region_tree import prefectures_of
from layers.assets import FONTS_CSS_URL, leaflet_url, own_url
from layers.model import Layer

Publish = Callable[[bytes], str]

# Degrees; 3 places are 100 m: a fifth of a pixel with the province on screen.
_PLACES = 3
_LINES = {
    "province": {"color": "#33424F", "weight": 1.6, "opacity": 0.9, "fill": False},
    "prefecture": {"color": "#5A6B7B", "weight": 1.1, "opacity": 0.9, "fill": False},
}
# Leaflet zoom levels at which the names of prefectures give way to those of counties.
_COUNTY_NAMES_FROM = 9.0


class OwnMap(folium.Map):
    """A folium map whose scripts and styles all come from our own server, without base map or flag."""

    default_js = [("leaflet", leaflet_url("leaflet.js")), ("sutu_map", own_url("map.js"))]  # noqa: RUF012
    default_css = [  # noqa: RUF012
        ("sutu_fonts", FONTS_CSS_URL),
        ("leaflet_css", leaflet_url("leaflet.css")),
        ("sutu_map_css", own_url("map.css")),
    ]


class _Start(folium.MacroElement):
    """Makes the map a sheet with title, legend and source strip."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
            sutu.start({{ this._parent.get_name() }}, {{ this.options|tojson }});
        {% endmacro %}
        """
    )

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "SutuStart"
        self.options = options


class Theme(folium.FeatureGroup):
    """What a sheet shows now: replaces what it showed before; the map, its position and its shapes stay."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
            var {{ this.get_name() }} = L.featureGroup();
            sutu.show({{ this._parent.get_name() }}, {{ this.spec|tojson }});
        {% endmacro %}
        """
    )

    def __init__(self, spec: dict[str, Any]) -> None:
        """Show what ``spec`` says; `theme` makes it."""
        super().__init__()
        self.spec = spec


def base_map(*, height: int, link: str | None = None, tianditu_key: str | None = None) -> OwnMap:
    """Return an empty sheet of ``height`` pixels, the same for every theme that will be shown on it.

    Maps with the same ``link`` on one page move together. With a key, the tiles of 天地图 lie below; they are
    the only thing that is fetched from another host.
    """
    sheet = OwnMap(
        location=(32.95, 119.2),
        zoom_start=7,
        tiles=None,
        height=height,
        zoom_control="topright",
        attribution_control=False,
        zoom_snap=0.1,
        zoom_delta=0.5,
        wheel_px_per_zoom_level=120,
        min_zoom=5,
        max_zoom=16,
    )
    if tianditu_key:
        folium.TileLayer(
            tiles="https://t{s}.tianditu.gov.cn/vec_w/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER=vec"
            "&STYLE=default&TILEMATRIXSET=w&FORMAT=tiles&TILEMATRIX={z}&TILEROW={y}&TILECOL={x}&tk="
            + tianditu_key,
            attr="天地图",
            subdomains="01234567",
        ).add_to(sheet)
    _Start({"link": link}).add_to(sheet)
    return sheet


def theme(
    layer: Layer,
    *,
    selected: str | None = None,
    bounds: Sequence[float] | None = None,
    labels: gpd.GeoDataFrame | None = None,
    points: Sequence[tuple[float, float, float, str, str]] = (),
    publish: Publish | None = None,
) -> Theme:
    """Return what a sheet shows of ``layer``.

    ``selected`` is the adcode outlined; ``bounds`` (west, south, east, north; default: the layer's) is what
    the map fits, anew only when it changes. ``labels`` (columns short_name and level, index adcode) names
    regions at a point inside them. ``points`` are (latitude, longitude, radius in pixels, colour, text), on
    one canvas. ``publish`` keeps bytes and returns the address they are fetched from; without it the shapes
    travel in the map itself, which makes the page whole but heavier.
    """
    frame = layer.frame
    west, south, east, north = bounds if bounds is not None else frame.total_bounds
    shapes, lines = _pieces(frame)
    spec: dict[str, Any] = {
        "title": layer.title,
        "subtitle": " · ".join(
            part for part in (f"{layer.year} 年", f"单位：{layer.unit}") if layer.unit or part
        ),
        "notes": _notes(layer),
        "notice": layer.provenance.permission,
        "shapes": shapes.sent(publish),
        "lines": lines.sent(publish),
        "labels": _labels(labels) if labels is not None else [],
        "values": _values(layer),
        "fills": list(layer.style.colours),
        "selected": selected,
        "undefinedText": "无数据",
        "undefinedFill": layer.style.undefined_colour,
        "legend": {
            "title": layer.legend.title,
            "rows": [[row.class_index, row.label, str(row.count)] for row in layer.legend.entries],
            "note": layer.legend.note,
        },
        "bounds": [
            [round(float(south), 3), round(float(west), 3)],
            [round(float(north), 3), round(float(east), 3)],
        ],
        "points": [list(point) for point in points],
    }
    spec["token"] = hashlib.sha256(json.dumps(spec, ensure_ascii=False).encode()).hexdigest()[:16]
    return Theme(spec)


def _notes(layer: Layer) -> list[str]:
    origin = layer.provenance
    notes = [f"来源：{origin.source_text}", f"边界：{origin.boundary}", f"坐标系：{origin.crs}"]
    return notes + list(origin.remarks)


@dataclass(frozen=True)
class _Piece:
    """A GeoJSON collection ready to send, and the digest it is known by."""

    key: str
    content: bytes

    def sent(self, publish: Publish | None) -> dict[str, Any]:
        """Return what the sheet loads it from: its address, or itself."""
        if publish is None:
            return {"key": self.key, "data": json.loads(self.content)}
        return {"key": self.key, "url": publish(self.content)}


def _piece(features: list[dict[str, Any]]) -> _Piece:
    collection = {"type": "FeatureCollection", "features": features}
    content = json.dumps(collection, ensure_ascii=False, separators=(",", ":")).encode()
    return _Piece(hashlib.sha256(content).hexdigest()[:16], content)


def _pieces(frame: gpd.GeoDataFrame) -> tuple[_Piece, _Piece]:
    """Return shapes and outlines of a frame; made once for the same regions, whatever their values."""
    parents = frame["parent_name"].fillna("") if "parent_name" in frame else [""] * len(frame)
    shapes = tuple(shapely.to_wkb(frame.geometry.to_numpy()))
    return _made(tuple(frame.index), tuple(frame["name"]), tuple(parents), shapes)


@functools.lru_cache(maxsize=32)
def _made(
    codes: tuple[str, ...], names: tuple[str, ...], parents: tuple[str, ...], shapes: tuple[bytes, ...]
) -> tuple[_Piece, _Piece]:
    geometry = shapely.from_wkb(np.array(shapes, dtype=object))
    regions = [
        {
            "type": "Feature",
            "id": adcode,
            "properties": {"name": name, "parent": parent},
            "geometry": _geometry(shape),
        }
        for adcode, name, parent, shape in zip(codes, names, parents, geometry, strict=True)
    ]
    lines = [
        {"type": "Feature", "properties": _LINES[kind], "geometry": _geometry(shape)}
        for kind, shape in reversed(_outline_shapes(np.array(codes), geometry).items())
    ]
    return _piece(regions), _piece(lines)


def _geometry(shape: shapely.Geometry) -> dict[str, Any]:
    """Return a shape as GeoJSON, rounded; equal coordinates stay equal, so shared borders stay shared."""
    mapping: dict[str, Any] = json.loads(shapely.to_geojson(shape))
    mapping["coordinates"] = _rounded(mapping["coordinates"])
    return mapping


def _rounded(coordinates: list[Any]) -> list[Any]:
    if coordinates and isinstance(coordinates[0], list) and not isinstance(coordinates[0][0], list):
        places = np.round(np.asarray(coordinates, dtype="float64"), _PLACES)
        kept = np.append(True, (places[1:] != places[:-1]).any(axis=1))
        return [[float(x), float(y)] for x, y in places[kept]]
    return [_rounded(part) for part in coordinates]


def _outline_shapes(codes: NDArray[np.str_], shapes: NDArray[np.object_]) -> dict[str, shapely.Geometry]:
    """Return the outline of all regions and, of counties, the lines between their prefectures."""
    lines = {"province": shapely.boundary(shapely.coverage_union_all(shapes))}
    prefectures = prefectures_of(codes)
    if (prefectures != codes).any() and len(set(prefectures)) > 1:
        merged = [shapely.coverage_union_all(shapes[prefectures == code]) for code in set(prefectures)]
        inner = shapely.difference(shapely.union_all(shapely.boundary(merged)), lines["province"])
        lines["prefecture"] = shapely.line_merge(inner)
    return lines


def _labels(regions: gpd.GeoDataFrame) -> list[list[Any]]:
    rows: list[list[Any]] = []
    inside = regions.geometry.representative_point()
    for place, name, level in zip(inside, regions["short_name"], regions["level"], strict=True):
        county = level == "county"
        reach = (_COUNTY_NAMES_FROM, 99) if county else (0, _COUNTY_NAMES_FROM)
        kind = "county" if county else "prefecture"
        rows.append([round(place.y, 3), round(place.x, 3), name, *reach, kind])
    return rows


def _values(layer: Layer) -> dict[str, list[Any]]:
    """Return by adcode: class, value with unit, and rank or the reason why there is none."""
    frame = layer.frame
    total = int(frame[layer.value_column].notna().sum())
    rows = zip(
        frame.index,
        frame["class_index"],
        frame[layer.value_column],
        frame["rank"],
        frame["reason"],
        strict=True,
    )
    return {
        adcode: [
            int(number),
            layer.text(value, unit=True),
            reason if number < 0 else f"第 {int(rank)} 位，共 {total} 个",
        ]
        for adcode, number, value, rank, reason in rows
    }
