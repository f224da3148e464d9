"""Map sheets: the paper's size, all that must be said, colours of the legend, the same bytes each time."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from PIL import Image

from data.registry.limit_models import limit
from exports.painting import preview_png
from exports.sheet import PAGES_MM, SheetOptions, _Sheet, graticule_step, write_sheet
from geo.crs import to_albers
from geo.errors import ExportError
from geo.export_table import ExportTable
from layers import fonts
from layers.fonts import FontError, prepare_fonts
from tests.exports.export_worlds import table

TEXT = (
    "测试图层口径来源社边界说明注年单位无数据图例本图位置公里北坐标系国家大地以等积圆锥投影绘制标准纬线制图日期数据版本内部工作未经审核不得公开号苏"
    "（）：；，、·—–−。°　 %0123456789.,:;()AaBbCcDdEeFfGgHhIiJjKkLlMmNnOoPpQqRrSsTtUuVvWwXxYyZz甲乙丙-"
)


@pytest.fixture(scope="module")
def font(tmp_path_factory: pytest.TempPathFactory) -> Path:
    patch = pytest.MonkeyPatch()
    patch.setattr(fonts, "common_characters", lambda: frozenset(TEXT))
    try:
        return prepare_fonts(tmp_path_factory.mktemp("cache"), TEXT).regular
    finally:
        patch.undo()


def options(font: Path, **more: object) -> SheetOptions:
    shapes = [shapely.box(117, 31, 119, 34), shapely.box(119, 31, 121, 34)]
    province = gpd.GeoDataFrame({"short_name": ["甲", "乙"]}, geometry=shapes, crs=4490)
    return SheetOptions(font, province, "2025-01-02", labels=province, dpi=60, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("page", PAGES_MM)
@pytest.mark.parametrize("orientation", ["portrait", "landscape"])
def test_a_sheet_has_the_size_of_its_paper(font: Path, tmp_path: Path, page: str, orientation: str) -> None:
    chosen = options(font, page=page, orientation=orientation)
    write_sheet(table(["甲", "乙", "丙"]), tmp_path / "a.png", chosen, approval=None)
    with Image.open(tmp_path / "a.png") as image:
        expected = [side / 25.4 * 60 for side in chosen.size_mm]
        assert image.size == pytest.approx(expected, abs=1.5)
        assert (image.width > image.height) == (orientation == "landscape")


def test_a_sheet_shows_its_classes_and_the_notice(font: Path, tmp_path: Path) -> None:
    layer = table(["甲", "乙", "丙"])
    write_sheet(layer, tmp_path / "a.png", replace(options(font), dpi=100), approval=None)
    with Image.open(tmp_path / "a.png") as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    for colour in layer.shading.ramp[3]:
        wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
        assert (np.abs(pixels - wanted).max(axis=2) <= 2).sum() > 300, colour
    foot = pixels[-len(pixels) // 12 :]
    assert (foot[..., 0] > foot[..., 1] + 40).sum() > 60, "the notice stands in red at the foot"
    published = tmp_path / "b.png"
    write_sheet(layer, published, replace(options(font), dpi=100), approval="苏S(2023)5号")
    assert published.read_bytes() != (tmp_path / "a.png").read_bytes()


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_equal_input_gives_equal_bytes(font: Path, tmp_path: Path, kind: str) -> None:
    for name in "ab":
        write_sheet(table(["甲", "乙"]), tmp_path / f"{name}.{kind}", options(font), approval=None)
    first = (tmp_path / f"a.{kind}").read_bytes()
    assert first == (tmp_path / f"b.{kind}").read_bytes()
    assert first.startswith({"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[kind])


def test_the_paper_of_an_svg_is_a4_and_nothing_in_it_runs(font: Path, tmp_path: Path) -> None:
    write_sheet(table(["甲"]), tmp_path / "a.svg", options(font), approval=None)
    text = (tmp_path / "a.svg").read_text(encoding="utf-8")
    width = re.search(r'<svg[^>]* width="([\d.]+)pt"', text)
    assert width is not None
    assert float(width.group(1)) == pytest.approx(210 / 25.4 * 72, abs=0.5)
    assert "<script" not in text


def test_places_and_lines_have_sheets_too(font: Path, tmp_path: Path) -> None:
    for kind in ("point", "line"):
        write_sheet(
            table(["甲", "乙"], geometry=kind), tmp_path / f"{kind}.png", options(font), approval=None
        )
        assert (tmp_path / f"{kind}.png").stat().st_size > 5_000


def test_a_character_the_font_lacks_is_told(font: Path, tmp_path: Path) -> None:
    with pytest.raises(FontError, match="龘"):
        write_sheet(table(["甲"], title="龘"), tmp_path / "a.png", options(font), approval=None)
    assert not (tmp_path / "a.png").exists()


def test_too_many_rows_are_refused(font: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="图件最多"):
        write_sheet(
            replace(table(["甲"], geometry="point"), rows=limit("export.picture_rows") + 1),
            tmp_path / "a.png",
            options(font),
            approval=None,
        )


@pytest.mark.parametrize("degrees", [0.1, 0.35, 1.0, 2.4, 5.6, 9.0])
def test_the_graticule_has_a_handful_of_lines(degrees: float) -> None:
    assert 2 <= degrees / graticule_step(degrees) <= 8.001


def test_a_preview_shows_the_classes(font: Path) -> None:
    import io

    layer = table(["甲", "乙", "丙"])
    made = preview_png(layer, options(font).province)
    assert made is not None
    with Image.open(io.BytesIO(made)) as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    for colour in layer.shading.ramp[3]:
        wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
        assert (np.abs(pixels - wanted).max(axis=2) <= 2).sum() > 300
    assert preview_png(replace(table(["甲"], geometry="line"), rows=10**6), options(font).province) is None


def drawn(
    monkeypatch: pytest.MonkeyPatch, layer: ExportTable, chosen: SheetOptions, folder: Path
) -> tuple[Axes, list[Axes]]:
    """Return the axes of a sheet's map, and those of its insets."""
    kept = []
    draw = _Sheet.draw
    monkeypatch.setattr(_Sheet, "draw", lambda self: kept.append(draw(self)) or kept[-1])
    write_sheet(layer, folder / "a.svg", chosen, approval=None)
    main, *insets = kept[0].axes
    return main, insets


def block(width: float, height: float) -> ExportTable:
    """Return one area of so many degrees in the middle of the province of `options`."""
    made = table(["甲"])
    frame = made.frame().set_geometry(
        [shapely.box(119 - width / 2, 32.5 - height / 2, 119 + width / 2, 32.5 + height / 2)]
    )
    return replace(made, chunks=lambda: [frame.set_crs(4490)])


@pytest.mark.parametrize(
    ("width", "height", "focus", "shown"),
    [
        (2.2, 0.5, None, True),
        (2.6, 0.5, None, False),
        (0.5, 1.7, None, True),
        (0.5, 1.95, None, False),
        (0.5, 0.5, (117, 31, 121, 34), False),
        (0.5, 0.5, (118, 32, 120, 33), True),
        (4.0, 3.0, None, False),
    ],
)
def test_a_part_of_the_province_has_an_inset_that_frames_it(  # noqa: PLR0917 - three are what is tried
    font: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    width: float,
    height: float,
    focus: Any,
    shown: bool,
) -> None:
    """Narrower and lower than three fifths of the province (4 by 3 degrees); what is focused on counts."""
    chosen = options(font, focus=None if focus is None else shapely.box(*focus))
    main, insets = drawn(monkeypatch, block(width, height), chosen, tmp_path)
    assert len(insets) == shown
    if shown:
        (frame,) = [one for one in insets[0].patches if isinstance(one, Rectangle)]
        west, east = main.get_xlim()
        south, north = main.get_ylim()
        assert frame.get_bbox().bounds == pytest.approx((west, south, east - west, north - south))
        whole = to_albers(chosen.province).total_bounds
        (left, right), (low, high) = insets[0].get_xlim(), insets[0].get_ylim()
        assert left < whole[0] and low < whole[1] and right > whole[2] and high > whole[3]


def labels_of(count: int, *, away: int = 0) -> gpd.GeoDataFrame:
    """Return so many named places within the map of `block`, and some far away from it."""
    places = [shapely.Point(119 + number / 10_000, 32.5).buffer(0.001) for number in range(count)]
    places += [shapely.Point(117.2, 31.2).buffer(0.001)] * away
    names = ["甲"] * count + ["丙"] * away
    return gpd.GeoDataFrame({"short_name": names}, geometry=places, crs=4490)


@pytest.mark.parametrize(
    ("count", "away", "named", "points"),
    [(3, 2, 3, 8.5), (39, 9, 39, 8.5), (40, 0, 40, 6.0), (130, 0, 120, 6.0)],
)
def test_names_stand_on_the_map_only_small_and_few_enough(  # noqa: PLR0917 - four are what is tried
    font: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    count: int,
    away: int,
    named: int,
    points: float,
) -> None:
    """Names beyond the map are left out and do not count, from forty on they are small, 120 is the most."""
    chosen = replace(options(font), labels=labels_of(count, away=away))
    main, _ = drawn(monkeypatch, block(0.5, 0.5), chosen, tmp_path)
    names = [one for one in main.texts if one.get_text() in {"甲", "丙"}]
    assert [one.get_text() for one in names] == ["甲"] * named
    assert {one.get_fontsize() for one in names} == {points}


def test_a_sheet_without_labels_names_nothing(
    font: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main, _ = drawn(monkeypatch, block(0.5, 0.5), replace(options(font), labels=None), tmp_path)
    assert not [one for one in main.texts if one.get_text() in {"甲", "乙"}]
