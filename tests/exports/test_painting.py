"""Very many areas as a picture: each pixel is asked by itself, and the files that hold the picture."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from exports import painting
from exports.formats import Options
from exports.package import export
from exports.painting import PAINTED_FROM, Painting, is_painted, paint, preview_png
from exports.sheet import write_sheet
from exports.style import symbols_of
from geo.crs import TARGETS, to_albers
from geo.errors import ExportError
from geo.export_table import ExportTable
from tests.exports.export_worlds import RAMP, sheet_options, table
from tests.layers.worlds import UNDEFINED


@pytest.fixture
def painted(monkeypatch: pytest.MonkeyPatch) -> ExportTable:
    """Return a layer that counts as one of very many areas."""
    monkeypatch.setattr(painting, "PAINTED_FROM", 3)
    return table([f"{n}" for n in range(40)], values=[np.nan, *map(float, range(39))], chunk_rows=7)


def colours(pixels: np.ndarray) -> set[str]:
    flat = {tuple(one) for one in pixels.reshape(-1, pixels.shape[-1])[:, :3].tolist()}
    return {"#{:02x}{:02x}{:02x}".format(*one) for one in flat}


def naive(frame: gpd.GeoDataFrame, wanted: list[int], picture: Painting) -> Iterator[tuple[int, set[int]]]:
    """Give for each pixel its number, and those of the areas that its centre lies in, asked one by one.

    A centre on an edge may go to either side of it.
    """
    west, south, east, north = picture.bounds
    rows, columns = picture.codes.shape
    shapes, numbers = frame.geometry.to_numpy(), np.array(wanted)
    for (row, column), code in np.ndenumerate(picture.codes):
        x = west + (column + 0.5) * (east - west) / columns
        y = north - (row + 0.5) * (north - south) / rows
        inside = numbers[shapely.contains_xy(shapes, x, y)]
        near = numbers[shapely.dwithin(shapes, shapely.Point(x, y), 1e-6)]
        yield int(code), set(inside.tolist()) or {0, *near.tolist()}


@given(data=st.data())
def test_each_pixel_has_the_colour_of_the_area_over_its_centre(data: st.DataObject) -> None:
    side = data.draw(st.integers(2, 6))
    values = data.draw(st.lists(st.floats(0, 9) | st.just(np.nan), min_size=side**2, max_size=side**2))
    there = data.draw(st.lists(st.booleans(), min_size=side**2, max_size=side**2))
    # Squares, and as every fifth a triangle or one with a hole.
    shapes = []
    for n in range(side**2):
        x, y = 1_000.0 * (n % side), 1_000.0 * (n // side)
        square = shapely.box(x, y, x + 1_000, y + 1_000)
        hole = square - shapely.box(x + 300, y + 300, x + 700, y + 700)
        triangle = shapely.Polygon([(x, y), (x + 999, y), (x, y + 998)])
        shapes.append([square, square, hole, triangle, None][n % 5])
    shapes = [shape if kept else None for shape, kept in zip(shapes, there, strict=True)]
    layer = table([""] * side**2, values=values)
    frame = layer.frame().set_geometry(gpd.GeoSeries(shapes), crs=None)
    symbols = symbols_of(layer)
    chunks = [frame.iloc[at : at + 5] for at in range(0, side**2, 5)]
    picture = paint(lambda: chunks, symbols, pixels=side * 7)
    if not any(shape is not None for shape in shapes):
        assert picture is None
        return
    assert picture is not None
    assert max(picture.codes.shape) == side * 7
    numbers = {colour: number for number, colour in enumerate(picture.colours, start=1)}
    wanted = [numbers[symbols.colour_of(value)] for value in frame["value"]]
    assert all(code in allowed for code, allowed in naive(frame, wanted, picture))


def test_the_grid_is_painted_and_what_is_drawn_one_by_one_is_not() -> None:
    many = replace(table(["甲"]), rows=PAINTED_FROM + 1)
    assert is_painted(many)
    assert not is_painted(replace(many, rows=PAINTED_FROM))
    assert not is_painted(replace(many, geometry="point"))


def test_the_png_is_clear_where_there_is_no_area(painted: ExportTable) -> None:
    picture = paint(lambda: map(to_albers, painted.chunks()), symbols_of(painted), pixels=400)
    assert picture is not None
    with Image.open(io.BytesIO(picture.png())) as image:
        pixels = np.asarray(image.convert("RGBA"))
    assert (pixels[..., 3] == np.where(picture.codes, 255, 0)).all()
    assert colours(pixels[pixels[..., 3] > 0]) == {*RAMP[3], UNDEFINED}
    assert (pixels[picture.codes > 0] == picture.rgba()[picture.codes > 0]).all()


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_a_sheet_of_very_many_areas_holds_the_picture(
    painted: ExportTable, report_font: Path, tmp_path: Path, kind: str
) -> None:
    out = tmp_path / f"图.{kind}"
    seen = write_sheet(painted, out, sheet_options(report_font), approval=None)
    assert seen.rows == 40
    content = out.read_bytes()
    if kind == "png":
        with Image.open(io.BytesIO(content)) as image:
            found = colours(np.asarray(image.convert("RGB")))
        assert {*RAMP[3], UNDEFINED} <= found
    else:
        assert (b"data:image/png;base64" if kind == "svg" else b"/Subtype /Image") in content
    write_sheet(painted, out, sheet_options(report_font), approval=None)
    assert out.read_bytes() == content


def test_a_preview_of_very_many_areas_is_the_picture(painted: ExportTable, report_font: Path) -> None:
    made = preview_png(painted, sheet_options(report_font).province)
    assert made is not None
    with Image.open(io.BytesIO(made)) as image:
        assert {*RAMP[3], UNDEFINED} <= colours(np.asarray(image.convert("RGB")))


def test_the_html_map_holds_the_picture_where_the_areas_are(painted: ExportTable, tmp_path: Path) -> None:
    out = tmp_path / "图.html"
    export([painted, table(["甲"], layer_id="b")], out, Options("html", TARGETS["EPSG:4490"]))
    body = out.read_text(encoding="utf-8").partition('id="data">')[2].partition("</script>")[0]
    told = json.loads(body)
    first, second = told["layers"]
    assert first["features"] == []
    assert len(second["features"]) == 1
    (south, west), (north, east) = first["image"]["bounds"]
    bounds = painted.frame().total_bounds
    assert [west, south, east, north] == pytest.approx(bounds.tolist(), abs=2e-4)
    picture = base64.b64decode(first["image"]["url"].removeprefix("data:image/png;base64,"))
    with Image.open(io.BytesIO(picture)) as image:
        assert max(image.size) == 3_000
    assert any("以图像表示" in line for line in told["words"][0])
    assert not any("以图像表示" in line for line in told["words"][1])


def test_more_places_than_a_map_can_hold_are_refused(tmp_path: Path) -> None:
    many = replace(table(["甲"], geometry="point"), rows=20_001)
    with pytest.raises(ExportError, match="网页地图最多"):
        export([many], tmp_path / "图.html", Options("html", TARGETS["EPSG:4490"]))
    assert list(tmp_path.iterdir()) == []


def test_areas_without_a_place_give_no_sheet(report_font: Path, tmp_path: Path) -> None:
    def nowhere() -> Iterator[gpd.GeoDataFrame]:
        frame = table(["甲", "乙"]).frame()
        yield frame.set_geometry(gpd.GeoSeries([None, None], crs=4490))

    layer = replace(table(["甲"]), rows=PAINTED_FROM + 1, chunks=nowhere)
    with pytest.raises(ExportError, match="没有一行有位置"):
        write_sheet(layer, tmp_path / "图.png", sheet_options(report_font), approval=None)
