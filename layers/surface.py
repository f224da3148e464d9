"""Surfaces: times, scores and access of many cells as images, warped to what a web map shows; their keys.

The image of the minutes depends on the travel times alone; what a threshold leaves out is a second, light
image on top of it. Moving the threshold sends only that one.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from pyproj import CRS, Transformer

from geo.crs import ALBERS, STORE_CRS
from geo.modes import quantise_minutes
from geo.points import metric_points
from geo.travel import TravelResult
from layers.classify import classify
from layers.model import LegendEntry, format_number
from layers.overlays import SurfaceLegend
from layers.themes import Ramp

UNREACHABLE_COLOURS = ("#eceff1", "#a3adb5")
"""Ground and stripes of what no trip reaches: hatched, so that it is never taken for a class."""

VEIL = (255, 255, 255, 150)
THRESHOLD_LINE = (30, 41, 51, 255)
MAX_PIXELS = 4_500_000

FloatBox = tuple[float, float, float, float]

_WEB_MERCATOR = "EPSG:3857"
_EARTH_M = 6_378_137.0
_PIXELS_PER_CELL = 2
_MESH = 8
_STRIPE_PX = 6
_ROWS_AT_ONCE = 256


@dataclass(frozen=True, eq=False)
class SurfaceGrid:
    """Which cell every pixel of an image shows, north up, in rows of equal Web Mercator height.

    ``cell``: int32 of shape (height, width), the row in the frame of cells, -1 where there is none.
    ``bounds``: west, south, east, north of the image's outer edges, in degrees (EPSG:4490).
    """

    cell: NDArray[np.int32]
    bounds: FloatBox

    def paint(self, values: NDArray[np.uint8], nothing: int = 0) -> NDArray[np.uint8]:
        """Return the pixels (uint8) of a value per cell; ``nothing`` where there is no cell."""
        return np.append(values, np.uint8(nothing))[self.cell]


def surface_grid(cells: pd.DataFrame, *, cell_size_m: float, max_pixels: int = MAX_PIXELS) -> SurfaceGrid:
    """Return the pixels of square cells, each shown by the cell that covers its centre.

    ``cells``: ``x``, ``y`` (centres, metres of ``ALBERS``), one cell per place of a grid of ``cell_size_m``.
    Pixels are half as wide as a cell, so that none is lost; wider when the image would exceed
    ``max_pixels``. Raises ``CrsError`` for coordinates that are no metres in China, ``ValueError`` for no
    cells or a bad size.
    """
    if len(cells) == 0 or not cell_size_m > 0.0:
        raise ValueError("a surface needs cells and a cell size above zero")
    points = metric_points(cells[["x", "y"]].to_numpy(dtype=np.float64), "人口格网")
    lookup, left, bottom = _lookup(points, cell_size_m)
    west, south, east, north = _mercator_box(lookup, left, bottom, cell_size_m)
    latitude = np.arctan(np.sinh((south + north) / 2.0 / _EARTH_M))
    pixel = cell_size_m / _PIXELS_PER_CELL / np.cos(latitude)
    pixel = max(pixel, np.sqrt((east - west) * (north - south) / max_pixels))
    width, height = int(np.ceil((east - west) / pixel)), int(np.ceil((north - south) / pixel))
    x, y = (_stretched(part, width) for part in _mesh(west, north, pixel, width, height))
    cell = np.empty((height, width), dtype=np.int32)
    for start in range(0, height, _ROWS_AT_ONCE):
        rows = np.arange(start, min(start + _ROWS_AT_ONCE, height))
        column = np.floor((_between(x, rows) - left) / cell_size_m).astype(np.int32)
        line = np.floor((_between(y, rows) - bottom) / cell_size_m).astype(np.int32)
        inside = (column >= 0) & (line >= 0) & (column < lookup.shape[1]) & (line < lookup.shape[0])
        cell[rows] = np.where(inside, lookup[np.where(inside, line, 0), np.where(inside, column, 0)], -1)
    corners = _transformer(_WEB_MERCATOR, STORE_CRS).transform(
        [west, west + width * pixel], [north - height * pixel, north]
    )
    (lon_west, lon_east), (lat_south, lat_north) = corners
    return SurfaceGrid(cell, (float(lon_west), float(lat_south), float(lon_east), float(lat_north)))


@lru_cache(maxsize=4)
def _transformer(source: CRS | str, target: CRS | str) -> Transformer:
    return Transformer.from_crs(source, target, always_xy=True)


def _lookup(points: NDArray[np.float64], size: float) -> tuple[NDArray[np.int32], float, float]:
    """Return the row of the cell in each place of the grid (-1: none), and its left and bottom edges."""
    left, bottom = points[:, 0].min() - size / 2.0, points[:, 1].min() - size / 2.0
    column = np.floor((points[:, 0] - left) / size).astype(np.int64)
    line = np.floor((points[:, 1] - bottom) / size).astype(np.int64)
    lookup = np.full((int(line.max()) + 1, int(column.max()) + 1), -1, dtype=np.int32)
    lookup[line, column] = np.arange(len(points), dtype=np.int32)
    return lookup, float(left), float(bottom)


def _mercator_box(lookup: NDArray[np.int32], left: float, bottom: float, size: float) -> FloatBox:
    """Return west, south, east, north of the cells' corners in Web Mercator metres.

    Along a row of the grid the longitude only grows, along a column the latitude: the outermost cells decide.
    """
    filled = lookup >= 0
    lines, columns = np.flatnonzero(filled.any(axis=1)), np.flatnonzero(filled.any(axis=0))
    first, last = filled.argmax(axis=1)[lines], lookup.shape[1] - filled[:, ::-1].argmax(axis=1)[lines]
    low, high = filled.argmax(axis=0)[columns], lookup.shape[0] - filled[::-1].argmax(axis=0)[columns]
    sides = np.concatenate(
        [
            *(np.stack([x, y], axis=1) for x in (first, last) for y in (lines, lines + 1)),
            *(np.stack([x, y], axis=1) for x in (columns, columns + 1) for y in (low, high)),
        ]
    )
    x, y = _transformer(ALBERS, _WEB_MERCATOR).transform(
        left + sides[:, 0] * size, bottom + sides[:, 1] * size
    )
    return float(x.min()), float(y.min()), float(x.max()), float(y.max())


def _mesh(
    west: float, north: float, pixel: float, width: int, height: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return ``ALBERS`` x and y at every ``_MESH``-th pixel centre; in between they are straight to 0.1 m."""
    columns = np.arange(0, width + _MESH, _MESH) + 0.5
    rows = np.arange(0, height + _MESH, _MESH) + 0.5
    x, y = _transformer(_WEB_MERCATOR, ALBERS).transform(
        *np.meshgrid(west + columns * pixel, north - rows * pixel)
    )
    return np.asarray(x), np.asarray(y)


def _stretched(mesh: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Return the mesh interpolated along its rows to ``width`` pixels."""
    return _between(np.ascontiguousarray(mesh.T), np.arange(width)).T


def _between(mesh: NDArray[np.float64], pixels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return rows interpolated between every ``_MESH``-th, at the given pixels."""
    before, part = pixels // _MESH, (pixels % _MESH / _MESH)[:, None]
    return mesh[before] * (1.0 - part) + mesh[before + 1] * part


def minute_classes(travel: TravelResult, limits: Sequence[float]) -> NDArray[np.uint8]:
    """Return the class of every cell: 0 is within the first limit (inclusive), ``len(limits)`` beyond all.

    Unreachable cells are ``len(limits) + 1``.
    """
    classes = np.searchsorted(quantise_minutes(limits), travel.minutes, side="left")
    return np.where(travel.reachable, classes, len(limits) + 1).astype(np.uint8)


def class_colours(ramp: Ramp, limits: Sequence[float]) -> tuple[str, ...]:
    """Return a colour per class, the nearest first: darkest where help is nearest (colour-blind safe)."""
    return ramp.take(len(limits) + 1)


def minutes_image(
    grid: SurfaceGrid,
    travel: TravelResult,
    *,
    ramp: Ramp,
    limits: Sequence[float],
) -> bytes:
    """Return the travel times as a PNG of ``grid``: transparent where no cell is, hatched where unreachable.

    ``travel`` is in the order of the grid's cells. Palette: 0 nothing, 1 … the classes of ``limits``, the
    last two the ground and the stripes of the unreachable.
    """
    return class_image(grid, minute_classes(travel, limits), class_colours(ramp, limits))


def class_image(grid: SurfaceGrid, classes: NDArray[np.uint8], colours: Sequence[str]) -> bytes:
    """Return classes of cells as a PNG of ``grid``: class i in ``colours[i]``, ``len(colours)`` hatched.

    ``classes``: uint8 in the order of the grid's cells. Palette: 0 nothing, 1 … the classes, the last two the
    ground and the stripes of the hatched class.
    """
    pixels = grid.paint(classes + np.uint8(1))
    hatched = len(colours) + 1
    line, column = np.ogrid[: pixels.shape[0], : pixels.shape[1]]
    striped = (line + column) % _STRIPE_PX < _STRIPE_PX // 3
    pixels[(pixels == hatched) & striped] = hatched + 1
    return _png(pixels, [(0, 0, 0, 0), *(_rgba(colour) for colour in (*colours, *UNREACHABLE_COLOURS))])


def threshold_image(grid: SurfaceGrid, travel: TravelResult, threshold_minutes: float) -> bytes:
    """Return what a threshold leaves uncovered as a PNG of ``grid``: a white veil with a dark outline.

    A cell is covered when its minutes are at most ``threshold_minutes``, as in ``geo.coverage``. Palette:
    0 transparent (covered, or no cell), 1 the veil, 2 the line on its inner side.
    """
    covered = travel.reachable & (travel.minutes <= quantise_minutes(threshold_minutes))
    pixels = grid.paint((~covered).astype(np.uint8))
    inside = grid.paint(covered.astype(np.uint8)).astype(bool)
    beside = np.zeros_like(inside)
    beside[1:] |= inside[:-1]
    beside[:-1] |= inside[1:]
    beside[:, 1:] |= inside[:, :-1]
    beside[:, :-1] |= inside[:, 1:]
    pixels[(pixels == 1) & beside] = 2
    return _png(pixels, [(0, 0, 0, 0), VEIL, THRESHOLD_LINE])


def indexed_image(grid: SurfaceGrid, classes: NDArray[np.uint8], colours: Sequence[str]) -> bytes:
    """Return a class per cell as a PNG of ``grid``: class n has colour n - 1, class 0 is transparent."""
    return _png(grid.paint(classes), [(0, 0, 0, 0), *(_rgba(colour) for colour in colours)])


def minute_legend(
    travel: TravelResult,
    people: NDArray[np.float64],
    *,
    ramp: Ramp,
    limits: Sequence[float],
) -> tuple[LegendEntry, ...]:
    """Return one row per class of minutes, the nearest first; ``count`` is the people of its cells, rounded.

    Classes beyond the search radius are left out. The unreachable come last, as class -1, when there are any.
    """
    classes = minute_classes(travel, limits)
    totals = np.bincount(classes, weights=people, minlength=len(limits) + 2)
    colours = class_colours(ramp, limits)
    rows = []
    for number, colour in enumerate(colours):
        low = 0.0 if number == 0 else limits[number - 1]
        if number > 0 and low >= travel.max_minutes:
            break
        high = travel.max_minutes if number == len(limits) else limits[number]
        text = f"≤ {high:g} 分钟" if number == 0 else f"{low:g}–{min(high, travel.max_minutes):g} 分钟"
        text = f"> {low:g} 分钟" if np.isinf(high) else text
        rows.append(LegendEntry(number, colour, text, round(float(totals[number]))))
    if not travel.reachable.all():
        text = "不可达" if np.isinf(travel.max_minutes) else f"{travel.max_minutes:g} 分钟内到不了"
        rows.append(LegendEntry(-1, UNREACHABLE_COLOURS[1], text, round(float(totals[-1]))))
    return tuple(rows)


def _rgba(colour: str) -> tuple[int, int, int, int]:
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return red, green, blue, 255


def _png(pixels: NDArray[np.uint8], palette: Sequence[tuple[int, int, int, int]]) -> bytes:
    """Return pixels as an indexed PNG; equal pixels give equal bytes."""
    image = Image.fromarray(pixels)
    image.putpalette([channel for colour in palette for channel in colour[:3]])
    out = io.BytesIO()
    opacity = bytes(colour[3] for colour in palette)
    bits = next(bits for bits in (2, 4, 8) if len(palette) <= 2**bits)
    image.save(out, "PNG", transparency=opacity, bits=bits, compress_level=4)
    return out.getvalue()


SCORE_LIMITS: tuple[float, ...] = (0.2, 0.4, 0.6, 0.8, 1.0)
"""Upper limits (inclusive) of the classes of a score; the first includes zero."""


def score_colours(ramp: Ramp) -> tuple[str, ...]:
    """Return a colour per class of ``SCORE_LIMITS``, the lowest score first."""
    return ramp.take(len(SCORE_LIMITS))


def score_classes(scores: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return 0 where there is no score, else 1 … the class of ``SCORE_LIMITS``."""
    classes = np.searchsorted(SCORE_LIMITS, scores, side="left") + 1
    return np.where(np.isnan(scores), 0, np.minimum(classes, len(SCORE_LIMITS))).astype(np.uint8)


def score_image(grid: SurfaceGrid, scores: NDArray[np.float64], ramp: Ramp) -> bytes:
    """Return scores from 0 to 1 (one per cell; NaN: transparent) as a PNG of ``grid``."""
    return indexed_image(grid, score_classes(scores), score_colours(ramp))


def score_legend(
    title: str, scores: NDArray[np.float64], people: NDArray[np.float64], ramp: Ramp
) -> SurfaceLegend:
    """Return the key of `score_image`; the count of a class is the people of its cells, rounded."""
    totals = np.bincount(score_classes(scores), weights=people, minlength=len(SCORE_LIMITS) + 1)
    lows = (0.0, *SCORE_LIMITS[:-1])
    entries = tuple(
        LegendEntry(number, colour, f"{low:.0%}–{high:.0%}", round(float(total)))
        for number, (colour, low, high, total) in enumerate(
            zip(score_colours(ramp), lows, SCORE_LIMITS, totals[1:], strict=True)
        )
    )
    return SurfaceLegend(title, entries, tuple(f"{limit * 100:.0f}" for limit in SCORE_LIMITS))


CHANGES: dict[str, tuple[str, str]] = {
    "kept": ("#9ecae1", "原已覆盖"),
    "gained": ("#1b7837", "新覆盖"),
    "lost": ("#d95f02", "不再覆盖"),
    "without": ("#f2f0ec", "仍未覆盖"),
}
"""What a plan does to a cell: colour (told apart by colour-blind readers too), and what people read."""


def change_classes(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return 1 … 4 per cell, in the order of ``CHANGES``, from what is covered before and after."""
    classes = np.where(after, np.where(before, 1, 2), np.where(before, 3, 4))
    return classes.astype(np.uint8)


def change_image(grid: SurfaceGrid, before: NDArray[np.bool_], after: NDArray[np.bool_]) -> bytes:
    """Return what is covered before and after (one per cell) as a PNG of ``grid``."""
    return indexed_image(grid, change_classes(before, after), [colour for colour, _ in CHANGES.values()])


def change_rows(
    before: NDArray[np.bool_], after: NDArray[np.bool_], people: NDArray[np.float64]
) -> Sequence[tuple[str, str, float]]:
    """Return colour, name and people of every change, in the order of ``CHANGES``."""
    totals = np.bincount(change_classes(before, after), weights=people, minlength=len(CHANGES) + 1)
    return [
        (colour, name, float(total))
        for (colour, name), total in zip(CHANGES.values(), totals[1:], strict=True)
    ]


def change_legend(title: str, rows: Sequence[tuple[str, str, float]]) -> SurfaceLegend:
    """Return the key of `change_image`: one named row per change, with its people."""
    entries = tuple(
        LegendEntry(number, colour, name, round(total)) for number, (colour, name, total) in enumerate(rows)
    )
    return SurfaceLegend(title, entries, (), rows=True)


CLASSES = 6
NOBODY = "没有服务（可及性为 0）"


@dataclass(frozen=True, eq=False)
class AccessClasses:
    """Classes of access above zero: ``breaks`` (inclusive upper limits) and ``index`` (uint8 per cell; the
    number of classes where access is 0), with a colour per class, the lowest first.
    """

    breaks: tuple[float, ...]
    index: NDArray[np.uint8]
    colours: tuple[str, ...]


def access_classes(access: NDArray[np.float64], *, decimals: int, ramp: Ramp) -> AccessClasses:
    """Return the classes of the cells that any facility serves, as many cells in each; zero stands apart."""
    served = access > 0.0
    index = np.zeros(len(access), dtype=np.uint8)
    if not served.any():
        return AccessClasses((), index, ())
    classes = classify(access[served], "quantiles", CLASSES, decimals=decimals)
    count = len(classes.breaks)
    index[served] = classes.index.astype(np.uint8)
    index[~served] = count
    return AccessClasses(classes.breaks, index, ramp.take(count))


def access_image(grid: SurfaceGrid, classes: AccessClasses) -> bytes:
    """Return the surface as a PNG of ``grid``; cells without service are hatched."""
    return class_image(grid, classes.index, classes.colours)


def access_legend(
    classes: AccessClasses, people: NDArray[np.float64], *, title: str, decimals: int
) -> SurfaceLegend:
    """Return the key: a strip of classes with their upper limits, and those without service as a row."""
    totals = np.bincount(classes.index, weights=people, minlength=len(classes.breaks) + 1)
    limits = [format_number(limit, decimals) for limit in classes.breaks]
    entries = [
        LegendEntry(number, colour, f"≤ {limit}", round(float(totals[number])))
        for number, (colour, limit) in enumerate(zip(classes.colours, limits, strict=True))
    ]
    without = round(float(totals[len(classes.breaks)]))
    if without:
        label = f"{NOBODY}：{without:,} 人"
        entries.append(LegendEntry(-1, UNREACHABLE_COLOURS[1], label, without))
    return SurfaceLegend(title, tuple(entries), tuple(limits))
