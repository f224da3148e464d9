"""Small workbooks: texts stay texts, and the same content gives the same bytes whenever it is written."""

from __future__ import annotations

import io
import time
import zipfile

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from geo.small_workbook import new_workbook, put, set_width, solid, workbook_bytes

SAID = [
    "=1+1",
    "#N/A",
    "#REF!",
    "{=A1}",
    "http://x",
    "mailto:a@b",
    "00012",
    "1e5",
    "2020-01-01",
    "TRUE",
    " a ",
    "a\nb",
]


def written(*values: object) -> bytes:
    book = new_workbook()
    sheet = book.create_sheet("数据")
    for row, value in enumerate(values, start=1):
        put(sheet, row, 1, value)
    return workbook_bytes(book)


def cells(content: bytes) -> list[tuple[object, str]]:
    sheet = openpyxl.load_workbook(io.BytesIO(content))["数据"]
    return [(cell.value, cell.data_type) for (cell,) in sheet.iter_rows(max_col=1)]


def theirs(*values: object) -> bytes:
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, options) as book:
        sheet = book.add_worksheet("数据")
        for row, value in enumerate(values):
            (sheet.write_string if isinstance(value, str) else sheet.write)(row, 0, value)
    return out.getvalue()


@pytest.mark.parametrize("text", SAID)
def test_a_text_stays_the_text_it_is(text: str) -> None:
    assert cells(written(text)) == [(text, "s")]
    with zipfile.ZipFile(io.BytesIO(written(text))) as parts:
        assert b"<f>" not in parts.read("xl/worksheets/sheet1.xml")


def test_what_is_no_number_is_told_and_what_is_empty_is_empty() -> None:
    assert cells(written(float("inf"), "", 7)) == [("inf", "s"), (None, "n"), (7, "n")]


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@given(
    st.lists(
        st.one_of(texts, st.integers(-(10**9), 10**9), st.floats(-1e15, 1e15), st.booleans()),
        min_size=1,
        max_size=8,
    )
)
def test_cells_are_those_of_xlsxwriter(values: list[object]) -> None:
    assert cells(written(*values)) == cells(theirs(*values))


def test_widths_and_fills_are_those_of_xlsxwriter() -> None:
    book = new_workbook()
    sheet = book.create_sheet("数据")
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as peer:
        other = peer.add_worksheet("数据")
        other.write_string(0, 0, "x", peer.add_format({"bg_color": "#F3F5F7"}))
        for column, width in enumerate((8, 10, 15, 22, 48, 90, 100)):
            set_width(sheet, column + 1, width)
            other.set_column(column, column, width)
    put(sheet, 1, 1, "x").fill = solid("F3F5F7")
    ours, reference = (
        openpyxl.load_workbook(io.BytesIO(content))["数据"]
        for content in (workbook_bytes(book), out.getvalue())
    )
    widths = [
        {name: found.width for name, found in one.column_dimensions.items()} for one in (ours, reference)
    ]
    assert widths[0] == widths[1]
    assert repr(ours["A1"].fill) == repr(reference["A1"].fill)


def test_the_same_content_gives_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    before = written("a", 1)
    hour = time.time() + 3_600
    monkeypatch.setattr(time, "time", lambda: hour)
    assert written("a", 1) == before
    with zipfile.ZipFile(io.BytesIO(before)) as parts:
        assert {part.date_time[0] for part in parts.infolist()} == {1980}
        assert b"openpyxl" not in parts.read("docProps/core.xml")
        assert b"2000-01-01" in parts.read("docProps/core.xml")
