"""Shapes as WKB are what shapely makes of them; texts checked by column are refused as one by one."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from exports.arrow import text_array, wkb_array
from exports.layers.grid import squares
from exports.tables import _csv_cells
from geo.crs import ALBERS, STORE_CRS
from geo.spreadsheet import harmless

SQUARE = shapely.box(119, 32, 120, 33)
HOLED = SQUARE.difference(shapely.box(119.4, 32.4, 119.6, 32.6))
LINE = shapely.LineString([(0, 0), (1, 1)])
SHAPES = {
    "polygon": [
        [SQUARE, shapely.box(1, 2, 3, 4)],
        [SQUARE, None],
        [SQUARE, HOLED, shapely.MultiPolygon([SQUARE, HOLED])],
        [shapely.Polygon(), SQUARE],
        [shapely.Polygon([(0, 0), (1, 0), (0, 1)])],
        [shapely.force_3d(SQUARE, 5.0)],
        [],
    ],
    "line": [[LINE, None], [SQUARE.exterior, shapely.MultiLineString([LINE, LINE])]],
    "point": [[shapely.Point(1, 2), None]],
}


@pytest.mark.parametrize(("kind", "shapes"), [(kind, one) for kind, many in SHAPES.items() for one in many])
def test_shapes_are_the_same_when_read_again(kind: str, shapes: list[shapely.Geometry | None]) -> None:
    given_shapes = np.array(shapes, dtype=object)
    read = shapely.from_wkb(wkb_array(given_shapes, kind).to_pylist())  # type: ignore[arg-type]
    assert len(read) == len(shapes)
    for before, after in zip(shapes, read, strict=True):
        if before is None:
            assert after is None
            continue
        found, wanted = (shapely.get_coordinates(one, include_z=True) for one in (after, before))
        assert np.array_equal(found, wanted, equal_nan=True)
        if kind != "point" and not before.is_empty:
            assert after.geom_type in {"MultiPolygon", "MultiLineString"}
            assert shapely.get_num_geometries(after) == shapely.get_num_geometries(before)


def test_squares_are_the_boxes_that_geopandas_converts() -> None:
    rng = np.random.default_rng(7)
    cells = pd.DataFrame({"x": rng.uniform(-2e5, 2e5, 50), "y": rng.uniform(3.4e6, 3.9e6, 50)})
    x, y = cells["x"].to_numpy(), cells["y"].to_numpy()
    boxes = gpd.GeoSeries(shapely.box(x - 250, y - 250, x + 250, y + 250), crs=ALBERS).to_crs(STORE_CRS)
    found = squares(cells, 500.0)
    assert found.crs == STORE_CRS
    assert (shapely.get_coordinates(found.geometry) == shapely.get_coordinates(boxes)).all()


@given(st.lists(st.none() | st.text(st.characters(codec="utf-8"), max_size=12), max_size=6))
@settings(max_examples=60)
def test_texts_of_a_column_are_made_harmless_as_each_would_be(texts: list[str | None]) -> None:
    expected = ["" if text is None else harmless(text) for text in texts]
    for column in (pd.Series(texts, dtype=object), pd.Series(texts, dtype="str")):
        assert _csv_cells(column) == expected
        assert text_array(column).to_pylist() == texts
