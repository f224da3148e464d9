"""Scores and changes as images: every class has its colour, the key counts people, nothing is transparent
that has a value.
"""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from layers.assets import Publisher
from layers.overlays import RankedPlace, SurfaceLegend, overlay_theme
from layers.surface import (
    CHANGES,
    SCORE_LIMITS,
    change_classes,
    change_image,
    change_legend,
    change_rows,
    score_classes,
    score_colours,
    score_image,
    score_legend,
    surface_grid,
)
from tests.layers.worlds import layer, ramp

RAMP = ramp()


def grid_of(count: int):
    cells = pd.DataFrame({"x": 100_000.0 + 500.0 * np.arange(count), "y": 3_600_000.0})
    return surface_grid(cells, cell_size_m=500.0)


def shown_of(**options):
    return overlay_theme(layer([1.0, 2.0]), subtitle="s", publisher=Publisher(), **options).overlays


def painted(content: bytes) -> set[str]:
    pixels = np.asarray(Image.open(io.BytesIO(content)).convert("RGBA")).reshape(-1, 4)
    return {"#{:02x}{:02x}{:02x}".format(*pixel[:3]) for pixel in pixels if pixel[3]}


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_a_score_falls_into_the_class_whose_limits_hold_it(values):
    classes = score_classes(np.array(values))
    lows = (-1.0, *SCORE_LIMITS)
    for value, number in zip(values, classes.tolist(), strict=True):
        assert lows[number - 1] < value <= SCORE_LIMITS[number - 1]


def test_every_class_of_scores_is_painted_and_what_has_none_is_not():
    scores = np.array([0.0, 0.3, 0.5, 0.7, 1.0])
    assert painted(score_image(grid_of(5), scores, RAMP)) == set(score_colours(RAMP))
    assert painted(score_image(grid_of(2), np.full(2, np.nan), RAMP)) == set()
    legend = score_legend("t", np.array([0.0, 0.9, np.nan]), np.array([3.0, 4.0, 5.0]), RAMP)
    assert [entry.count for entry in legend.entries] == [3, 0, 0, 0, 4]


def test_every_change_is_painted_and_counted():
    before, after = np.array([True, False, True, False]), np.array([True, True, False, False])
    assert change_classes(before, after).tolist() == [1, 2, 3, 4]
    colours = [colour for colour, _ in CHANGES.values()]
    assert painted(change_image(grid_of(4), before, after)) == set(colours)
    rows = change_rows(before, after, np.array([1.0, 2.0, 3.0, 4.0]))
    assert [people for _, _, people in rows] == [1.0, 2.0, 3.0, 4.0]
    legend = change_legend("t", rows)
    assert legend.rows
    assert [entry.label for entry in legend.entries] == ["原已覆盖", "新覆盖", "不再覆盖", "仍未覆盖"]


def test_named_rows_and_kinds_of_places_reach_the_map():
    legend = change_legend("t", change_rows(np.array([True]), np.array([True]), np.array([1234.0])))
    place = RankedPlace("新", 119.0, 33.0, ("<b>x</b>",), "site")
    shown = shown_of(places=[place], legend=legend)
    assert shown["places"] == [[33.0, 119.0, "新", ["<b>x</b>"], "site"]]
    assert shown["legend"]["classes"] == []
    assert shown["legend"]["rows"][0] == [CHANGES["kept"][0], "原已覆盖", "1,234"]
    strip = shown_of(legend=SurfaceLegend("t", legend.entries, ()))
    assert strip["legend"]["rows"] == []
    assert len(strip["legend"]["classes"]) == len(CHANGES)
