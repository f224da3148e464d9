"""The surface of access: classes by people, an image, and its key."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from layers.classify import classify
from layers.model import LegendEntry, format_number
from layers.overlays import SurfaceLegend
from layers.surface import UNREACHABLE_COLOURS, SurfaceGrid, class_image
from layers.themes import Ramp

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


def access_classes(
    access: NDArray[np.float64], *, decimals: int, ramp: Ramp, k: int = CLASSES
) -> AccessClasses:
    """Return the classes of the cells that any facility serves, as many cells in each; zero stands apart."""
    served = access > 0.0
    index = np.zeros(len(access), dtype=np.uint8)
    if not served.any():
        return AccessClasses((), index, ())
    classes = classify(access[served], "quantiles", k, decimals=decimals)
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
