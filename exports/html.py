"""A map in one HTML file that opens from the disk without a network: Leaflet, data and words inside."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from data.registry.limit_models import limit
from exports.arrow import Seen, column_names, frames, too_many
from exports.package_texts import permission, summary_lines
from exports.painting import is_painted, paint
from exports.style import BORDER, Symbols, symbols_of
from exports.vector import writing
from geo.crs import TargetCrs
from geo.export_table import ExportTable
from layers.assets import leaflet_folder, own_folder

_TOLERANCE_DEGREES = 0.0008
_DECIMALS = 5
# CGCS2000 and WGS 84 are one datum here.
_DEGREES, _MERCATOR = "EPSG:4326", "EPSG:3857"
_PICTURE_PIXELS = 3_000
_PAINTED_NOTE = "要素很多，以图像表示：每个像素取所在要素的颜色；逐个的数值请用 GeoPackage 等格式。"


def write_html(
    tables: Sequence[ExportTable], path: Path, target: TargetCrs, *, naming: str, approval: str | None
) -> dict[str, Seen]:
    """Write layers as one HTML file; nothing in it asks for another file or host.

    Shapes are simplified to about 80 m as a coverage, shared edges stay shared; very many areas are a
    picture, without their values. Texts travel as JSON and are shown as texts. Raises ``ExportError`` for
    more rows beside those than the limit ``export.html_rows``.
    """
    total = sum(table.rows for table in tables if not is_painted(table))
    if total > limit("export.html_rows"):
        raise too_many("export.html_rows", total, "离线网页地图")
    out: dict[str, Seen] = {}
    layers = []
    seen = Seen()
    with writing(path, seen):
        for table in tables:
            out[table.id] = Seen()
            make = _painted_layer if is_painted(table) else _layer
            layers.append(make(table, target, out[table.id], naming))
        title = tables[0].title if len(tables) == 1 else f"苏图：{len(tables)} 个图层"
        words = [_words(table, target, approval) for table in tables]
        allowed = permission(tables[0].notice, target, approval)
        data = {"title": title, "layers": layers, "permission": allowed, "words": words}
        path.write_text(_page(title, data), encoding="utf-8")
    return out


def _words(table: ExportTable, target: TargetCrs, approval: str | None) -> list[str]:
    """Return what is said of a layer below its legend, between the title and the last line."""
    lines = list(summary_lines(table, target, approval=approval))
    return [*lines[:-1], _PAINTED_NOTE, lines[-1]] if is_painted(table) else lines


def _painted_layer(table: ExportTable, target: TargetCrs, seen: Seen, naming: str) -> dict[str, Any]:
    """Return a layer of very many areas as a picture in Web Mercator, the projection of the map."""
    del naming
    symbols, noted = symbols_of(table), iter((seen, Seen()))

    def projected() -> Iterator[gpd.GeoDataFrame]:
        for chunk in frames(table, target, next(noted)):
            yield chunk.set_crs(_DEGREES, allow_override=True).to_crs(_MERCATOR)

    picture = paint(projected, symbols, pixels=_PICTURE_PIXELS)
    image = None
    if picture is not None:
        west, south, east, north = (
            gpd.GeoSeries([shapely.box(*picture.bounds)], crs=_MERCATOR).to_crs(_DEGREES).total_bounds
        )
        url = f"data:image/png;base64,{base64.b64encode(picture.png()).decode()}"
        image = {"url": url, "bounds": [[south, west], [north, east]]}
    return {**_head(table, symbols), "features": [], "image": image}


def _layer(table: ExportTable, target: TargetCrs, seen: Seen, naming: str) -> dict[str, Any]:
    symbols, names = symbols_of(table), column_names(table, naming)
    parts = list(frames(table, target, seen))
    frame = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), geometry="geometry", crs=parts[0].crs)
    shapes = _simplified(frame, table.geometry)
    features = []
    for row, shape in zip(frame.to_dict("records"), shapes, strict=True):
        if shape is None or shape.is_empty:
            continue
        values = [
            [name, _shown(row[one.name])]
            for one, name in zip(table.fields, names, strict=True)
            if not (pd.api.types.is_scalar(row[one.name]) and pd.isna(row[one.name]))
        ]
        features.append(
            {
                "type": "Feature",
                "properties": {
                    "name": str(row.get(table.name_field, "")),
                    "colour": symbols.colour_of(row.get(symbols.shading.column)),
                    "values": values,
                },
                "geometry": shapely.geometry.mapping(shape),
            }
        )
    return {**_head(table, symbols), "features": features}


def _head(table: ExportTable, symbols: Symbols) -> dict[str, Any]:
    """Return title, unit and legend of a layer."""
    entries = [*symbols.entries, *([symbols.undefined] if symbols.undefined else [])]
    return {
        "title": table.title,
        "unit": table.unit,
        "kind": table.geometry,
        "border": BORDER,
        "legend": [{"colour": one.colour, "label": one.label} for one in reversed(entries)],
    }


def _shown(value: Any) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "是" if value else "否"
    if isinstance(value, (float, np.floating)):
        return f"{value:,.4f}".rstrip("0").rstrip(".")
    return str(value)


def _simplified(frame: gpd.GeoDataFrame, kind: str) -> list[shapely.Geometry | None]:
    shapes = frame.geometry.to_numpy()
    if kind == "polygon":
        there = frame.geometry.notna().to_numpy()
        out = np.array(shapes, dtype=object)
        # Only an area that is valid can be simplified together with its neighbours.
        if len(frame) and shapely.coverage_is_valid(out[there]):
            out[there] = shapely.coverage_simplify(out[there], _TOLERANCE_DEGREES)
        shapes = out
    elif kind == "line":
        shapes = shapely.simplify(shapes, _TOLERANCE_DEGREES)
    return list(shapely.transform(shapes, lambda points: np.round(points, _DECIMALS)))


def _inline(data: Any) -> str:
    """Return data as JSON that no HTML parser takes for the end of its script."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return (
        text.replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )


def _page(title: str, data: dict[str, Any]) -> str:
    leaflet = leaflet_folder()
    script = (leaflet / "leaflet.js").read_text(encoding="utf-8").replace("</script", "<\\/script")
    # A source map would be asked for from the disk.
    script = "\n".join(line for line in script.splitlines() if not line.startswith("//# sourceMappingURL"))
    style = (leaflet / "leaflet.css").read_text(encoding="utf-8")
    style = "\n".join(line for line in style.splitlines() if "url(" not in line)
    own_style = (own_folder() / "export_map.css").read_text(encoding="utf-8")
    own_script = (own_folder() / "export_map.js").read_text(encoding="utf-8")
    policy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
    return (
        '<!DOCTYPE html>\n<html lang="zh-CN"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{html.escape(title)}</title><link rel="icon" href="data:,">'
        f"<style>{style}\n{own_style}</style></head><body>"
        '<div id="map"></div><aside id="panel"></aside>'
        f'<script type="application/json" id="data">{_inline(data)}</script>'
        f"<script>{script}</script><script>{own_script}</script></body></html>\n"
    )
