"""The fonts that are cut: every character is in one slice, and the cache is whole or absent."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont
from hypothesis import given
from hypothesis import strategies as st

from layers import fonts
from layers.fonts import FontSet, common_characters, prepare_fonts, unicode_range
from tests.layers.font_faces import parse_faces

TEXT = "盱眙县邳州市玄武区，65岁及以上人口比重（%）〇ABC0123"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> FontSet:
    """A cut of a few characters, which takes a second; the whole one is used by the browser tests."""
    patch = pytest.MonkeyPatch()
    patch.setattr(fonts, "common_characters", lambda: frozenset("中国江苏省南京市鼓楼区 ,.%()0123456789眙"))
    try:
        yield prepare_fonts(tmp_path_factory.mktemp("cache"), TEXT)
    finally:
        patch.undo()


def test_the_common_characters_hold_gb2312_and_the_signs_of_texts() -> None:
    held = common_characters()
    assert len(held) > 7_000
    assert {"苏", "盱", "龇", "é", "㎡", "—", "≥", "℃"} <= held
    assert not held & {"\n", "\x00"}


def test_every_character_is_in_exactly_one_slice(small: FontSet) -> None:
    faces = parse_faces(small.css.read_text(encoding="utf-8"))
    codes = [code for _file, face in faces for code in face]
    assert len(codes) == len(set(codes))
    assert {ord(char) for char in TEXT} <= set(codes)
    for file, face in faces:
        with TTFont(small.folder / file) as font:
            assert face <= set(font.getBestCmap())
            assert font.flavor == "woff2"
            assert "fvar" in font, "the weights stay variable"


def test_the_slice_every_page_loads_holds_the_texts_of_the_data(small: FontSet) -> None:
    faces = dict(parse_faces(small.css.read_text(encoding="utf-8")))
    assert {ord(char) for char in TEXT} <= faces[small.core.name]


def test_the_plain_file_is_regular_and_has_real_outlines(small: FontSet) -> None:
    with TTFont(small.regular) as font:
        assert "fvar" not in font
        assert font["OS/2"].usWeightClass == 400
        glyphs = font.getGlyphSet()
        for char in "盱眙玄武":
            assert glyphs[font.getBestCmap()[ord(char)]].width == 1000
            assert font["glyf"][font.getBestCmap()[ord(char)]].numberOfContours > 0


def test_a_second_call_takes_what_is_there(small: FontSet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        fonts, "common_characters", lambda: frozenset("中国江苏省南京市鼓楼区 ,.%()0123456789眙")
    )
    before = {path.name: path.stat().st_mtime_ns for path in small.folder.iterdir()}
    again = prepare_fonts(small.folder.parent, TEXT)
    assert again == small
    assert {path.name: path.stat().st_mtime_ns for path in small.folder.iterdir()} == before


def test_another_text_gives_another_cut_only_when_it_brings_characters(
    small: FontSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        fonts, "common_characters", lambda: frozenset("中国江苏省南京市鼓楼区 ,.%()0123456789眙")
    )
    assert prepare_fonts(small.folder.parent, TEXT[::-1] + "\n\n") == small


def test_a_cut_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(fonts, "_subset", fail)
    with pytest.raises(OSError, match="disk full"):
        prepare_fonts(tmp_path / "cache", "甲")
    assert list((tmp_path / "cache").iterdir()) == []


def test_two_at_once_end_with_one_whole_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meeting = threading.Barrier(2, timeout=60)

    def cut(folder: Path, *_args: object) -> None:
        (folder / "core-0.woff2").write_bytes(b"font")
        meeting.wait()

    monkeypatch.setattr(fonts, "_cut", cut)
    results: list[FontSet] = []
    threads = [threading.Thread(target=lambda: results.append(prepare_fonts(tmp_path, "甲"))) for _ in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results[0] == results[1]
    assert [path.name for path in tmp_path.iterdir()] == [results[0].folder.name]


@given(st.sets(st.integers(0, 0x10FFFF), min_size=1, max_size=50))
def test_ranges_read_back(codes: set[int]) -> None:
    css = f'url("a.woff2") format("woff2"); unicode-range: {unicode_range(codes)}; }}'
    assert parse_faces(css) == [("a.woff2", codes)]


def test_the_cut_in_use_is_known(small: FontSet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "_installed", [])
    assert fonts.installed() is None
    fonts.install(small)
    assert fonts.installed() == small
