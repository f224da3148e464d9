"""Static maps: all that a map must say is on them, in glyphs that exist, the same bytes every time."""

from __future__ import annotations

import io
import re
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from layers import fonts
from layers.figure import MEDIA_TYPES, Format, figure_bytes, require_glyphs, scale_length, wrapped
from layers.fonts import FontError, prepare_fonts
from layers.model import Layer
from tests.layers.worlds import UNDEFINED, layer, squares

NAN = float("nan")
TEXT = (
    "测试指标年单位来源边界坐标系国家大地公里北无数据地区内部工作图未经审核不得公开本以等积圆锥投影绘制（）：；，、·—–−"
    "　 %0123456789.,:;()AaBbCcDdEeFfGgHhIiJjKkLlMmNnOoPpQqRrSsTtUuVvWwXxYyZz甲乙"
)


@pytest.fixture(scope="module")
def font(tmp_path_factory: pytest.TempPathFactory) -> Path:
    patch = pytest.MonkeyPatch()
    patch.setattr(fonts, "common_characters", lambda: frozenset(TEXT))
    try:
        return prepare_fonts(tmp_path_factory.mktemp("cache"), TEXT).regular
    finally:
        patch.undo()


@pytest.fixture(scope="module")
def made() -> Layer:
    return layer([10.0, 20.0, NAN, 40.0], frame=squares(4))


def test_a_png_shows_the_classes_and_the_notice(font: Path, made: Layer) -> None:
    image = Image.open(io.BytesIO(figure_bytes(made, "png", font=font, dpi=80))).convert("RGB")
    pixels = np.asarray(image).astype(int)
    for colour in made.style.colours:
        wanted = [int(colour[start : start + 2], 16) for start in (1, 3, 5)]
        assert (np.abs(pixels - wanted).max(axis=2) <= 2).sum() > 500, colour
    ground = [int(UNDEFINED[start : start + 2], 16) for start in (1, 3, 5)]
    hatched = (np.abs(pixels - ground).max(axis=2) <= 2).sum()
    assert hatched > 500, "a region without a value is drawn in the colour for it"
    foot = pixels[-len(pixels) // 20 :]
    assert (foot[..., 0] > foot[..., 1] + 40).sum() > 100, "the notice stands in red along the foot"


@pytest.mark.parametrize("kind", MEDIA_TYPES)
def test_equal_input_gives_equal_bytes(font: Path, made: Layer, kind: Format) -> None:
    names = squares(4)
    first = figure_bytes(made, kind, font=font, labels=names, outlines=names, dpi=60)
    assert figure_bytes(made, kind, font=font, labels=names, outlines=names, dpi=60) == first
    assert first.startswith({"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[kind])


def test_an_svg_carries_outlines_not_fonts_and_names_no_picture_elsewhere(font: Path, made: Layer) -> None:
    text = figure_bytes(made, "svg", font=font).decode()
    assert "<text" not in text
    links = set(re.findall(r'(?:href|src)="([^"]+)"', text))
    assert all(link.startswith("#") for link in links)


def test_a_pdf_embeds_its_font(font: Path, made: Layer) -> None:
    content = figure_bytes(made, "pdf", font=font)
    streams = [zlib.decompress(part) for part in re.findall(rb"stream\n(.*?)\nendstream", content, re.S)[:3]]
    assert streams
    assert b"/FontFile2" in content or any(b"FontFile2" in part for part in streams)


def test_a_character_the_font_lacks_is_an_error_that_names_it(font: Path) -> None:
    with pytest.raises(FontError, match="龘、𠮷"):
        figure_bytes(layer([1.0, 2.0], title="龘甲𠮷"), "png", font=font)
    require_glyphs(font, ["甲 乙\n", ""])


@given(st.floats(10, 1e7))
def test_the_scale_bar_is_round_and_a_tenth_to_a_fifth_of_the_map(width: float) -> None:
    length = scale_length(width)
    assert width / 12.6 <= length <= width / 5 * 1.0000001
    assert f"{length:.3e}"[:5] in {"1.000", "2.000", "5.000"}


@given(st.text(st.sampled_from("甲乙ab 12，"), max_size=80), st.integers(2, 30))
def test_lines_are_no_wider_than_asked_and_lose_nothing(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert "".join(lines) == text
    assert all(sum(2 if char in "甲乙，" else 1 for char in line) <= width for line in lines)
