"""DXF for people who work in CAD: outlines and places on a layer for each class, names as texts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ezdxf
import ezdxf.units
import numpy as np
import pandas as pd
import shapely
from ezdxf.entities.lwpolyline import LWPolylinePoints
from ezdxf.lldxf.types import TAG_STRING_FORMAT

from geo.errors import ExportError
from geo.export_crs import TargetCrs
from geo.export_table import ExportTable
from layers.export_arrow import Seen, column_names, frames
from layers.export_style import Symbols, symbols_of
from layers.export_vector import writing
from layers.export_words import summary_lines

MAX_ROWS = 50_000
"""A drawing of more objects opens in no CAD program in a reasonable time."""

APPLICATION = "SUTU"
_NAMED_UP_TO = 5_000
_XDATA_TEXT_BYTES = 250
_FORBIDDEN = re.compile(r'[<>/\\":;?*|=`,]')


def write_dxf(
    table: ExportTable, path: Path, target: TargetCrs, *, naming: str, approval: str | None
) -> Seen:
    """Write a drawing (DXF R2018, UTF-8) in the coordinates of the target.

    Areas are closed polylines, places are points, with every value as extended data of the application
    ``SUTU`` (``name=value``, long ones in parts); names stand beside them as texts. Raises ``ExportError``
    for more than ``MAX_ROWS`` rows.
    """
    if table.rows > MAX_ROWS:
        raise ExportError(
            f"图层 {table.title} 有 {table.rows:,} 行，DXF 最多 {MAX_ROWS:,} 行；"
            "请裁剪到一个地区，或改用 GeoPackage。"
        )
    seen, symbols, names = Seen(), symbols_of(table), column_names(table, naming)
    document = ezdxf.new("R2018", setup=["linetypes"])
    document.units = 0 if target.is_geographic else ezdxf.units.M
    document.appids.add(APPLICATION)
    document.styles.add("SUTU", font="simsun.ttf")
    for line in summary_lines(table, target, approval=approval):
        document.header.custom_vars.append("sutu", line)
    layers = _add_layers(document, table, symbols)
    space = document.modelspace()
    with writing(path, seen):
        for chunk in frames(table, target, seen, xml=True):
            height = _text_height(chunk.total_bounds, table.rows)
            for row in chunk.to_dict("records"):
                layer = layers[symbols.colour_of(row.get(symbols.shading.column))]
                data = _values(row, table, names)
                for entity in _draw(space, row["geometry"], layer):
                    entity.set_xdata(APPLICATION, data)
                if table.rows <= _NAMED_UP_TO:
                    _name(space, row, table, layer, height)
        document.saveas(path)
    return seen


def layer_name(text: str) -> str:
    """Return a text as the name of a CAD layer: without the characters that CAD forbids there."""
    return _FORBIDDEN.sub("_", text).strip()[:80] or "图层"


def _add_layers(document: Any, table: ExportTable, symbols: Symbols) -> dict[str, str]:
    """Make a CAD layer for each class and return its name by colour."""
    out: dict[str, str] = {}
    entries = [*symbols.entries, *([symbols.undefined] if symbols.undefined else [])]
    for one in entries:
        text = table.title if symbols.shading.kind == "plain" else f"{table.title} {one.label}"
        name, number = layer_name(text), 1
        while name in document.layers:
            number += 1
            name = f"{layer_name(text)[:76]}_{number}"
        red, green, blue = (int(one.colour[at : at + 2], 16) for at in (1, 3, 5))
        document.layers.add(name, true_color=ezdxf.colors.rgb2int((red, green, blue)))
        out.setdefault(one.colour, name)
    fallback = next(iter(out.values()), layer_name(table.title))
    return _WithDefault(out, fallback)


class _WithDefault(dict[str, str]):
    """Names of layers by colour, and the first of them for a colour without one."""

    def __init__(self, names: dict[str, str], fallback: str) -> None:
        super().__init__(names)
        self._fallback = fallback

    def __missing__(self, key: str) -> str:
        return self._fallback


def _values(row: dict[Any, Any], table: ExportTable, names: list[str]) -> list[tuple[int, str]]:
    """Return the row's values as extended data; what has no value is left out."""
    out = []
    for one, name in zip(table.fields, names, strict=True):
        value = row[one.name]
        if value is None or (pd.api.types.is_scalar(value) and pd.isna(value)):
            continue
        text = f"{name}={value}".replace("\r\n", " ").replace("\n", " ").replace("\r", " ")
        while text:
            part = text.encode()[:_XDATA_TEXT_BYTES].decode(errors="ignore")
            out.append((1000, part))
            text = text[len(part) :]
    return out


def _draw(space: Any, shape: shapely.Geometry | None, layer: str) -> list[Any]:
    if shape is None or shape.is_empty:
        return []
    if shape.geom_type == "Point":
        return [space.add_point((shape.x, shape.y), dxfattribs={"layer": layer})]
    add: Callable[..., Any] = space.add_lwpolyline
    out = []
    for part in getattr(shape, "geoms", [shape]):
        closed = part.geom_type == "Polygon"
        rings = [part.exterior, *part.interiors] if closed else [part]
        for ring in rings:
            points = shapely.get_coordinates(ring)
            line = add([], close=closed, dxfattribs={"layer": layer})
            line.lwpoints = _Corners(points[:-1] if closed else points)
            out.append(line)
    return out


class _Corners(LWPolylinePoints):
    """The corners of a polyline, taken and written as a whole.

    ezdxf takes and writes them one by one, and copies all before at each: most of the time of a drawing.
    """

    def __init__(self, points: np.ndarray) -> None:
        """Take corners (n × 2); widths and bulges are 0."""
        super().__init__()
        self.values = np.pad(points, ((0, 0), (0, self.VERTEX_SIZE - 2)))

    def dxftags(self) -> Iterator[Any]:
        """Give all corners as one piece of text."""
        yield self

    def dxfstr(self) -> str:
        """Return the corners as a drawing file has them."""
        text = TAG_STRING_FORMAT % (self.VERTEX_CODE, "%s") + TAG_STRING_FORMAT % (
            self.VERTEX_CODE + 10,
            "%s",
        )
        return text * len(self) % tuple(self.values[:, :2].ravel().tolist())


def _text_height(bounds: np.ndarray, rows: int) -> float:
    """Return a height at which the names of so many rows fit side by side."""
    width = float(bounds[2] - bounds[0])
    return width / 25.0 / max(np.sqrt(rows), 1.0) if np.isfinite(width) and width > 0 else 1.0


def _name(space: Any, row: dict[Any, Any], table: ExportTable, layer: str, height: float) -> None:
    text, shape = row.get(table.name_field), row["geometry"]
    if shape is None or shape.is_empty or text is None or pd.isna(text):
        return
    place = shape if shape.geom_type == "Point" else shape.representative_point()
    plain = str(text).replace("\n", " ").replace("\r", " ").replace("%%", "% %")
    space.add_text(
        plain[:200], height=height, dxfattribs={"layer": layer, "style": "SUTU", "insert": (place.x, place.y)}
    )
