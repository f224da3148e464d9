"""Scores of cells, their change and the access to a supply as images; with the keys that explain them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from layers.classify import classify
from layers.model import LegendEntry, format_number
from layers.overlays import SurfaceLegend
from layers.surface import UNREACHABLE_COLOURS, SurfaceGrid, class_image, indexed_image
from layers.themes import Ramp

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
