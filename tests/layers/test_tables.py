"""Tables as files: they read back as they were, Excel reads the Chinese, and no cell runs."""

from __future__ import annotations

import csv
import io

import numpy as np
import openpyxl
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from geo.spreadsheet import harmless
from layers.tables import csv_bytes, xlsx_bytes

TABLE = pd.DataFrame(
    {
        "代码": ["320102", "320104"],
        "地区": ["玄武区", '=HYPERLINK("http://x","秦淮")'],
        "数值": [12.5, np.nan],
        "位次": pd.array([1, pd.NA], dtype="Int64"),
    }
)
NOTES = ["来源：普查", "=1+1"]


def _read(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def test_csv_has_a_bom_and_reads_back() -> None:
    content = csv_bytes(TABLE, NOTES)
    assert content.startswith(b"\xef\xbb\xbf")
    rows = _read(content)
    assert rows[0] == ["代码", "地区", "数值", "位次"]
    assert rows[1] == ["320102", "玄武区", "12.5", "1"]
    assert rows[2] == ["320104", '\'=HYPERLINK("http://x","秦淮")', "", ""]
    assert rows[3:] == [[], ["来源：普查"], ["'=1+1"]]


def test_xlsx_reads_back_with_codes_as_text_and_no_formula() -> None:
    book = openpyxl.load_workbook(io.BytesIO(xlsx_bytes(TABLE, NOTES)))
    rows = list(book["数据"].iter_rows(values_only=True))
    assert rows[1] == ("320102", "玄武区", 12.5, 1)
    assert rows[2] == ("320104", '\'=HYPERLINK("http://x","秦淮")', None, None)
    assert {cell.data_type for row in book["数据"].iter_rows() for cell in row} <= {"s", "n"}
    assert [row[0] for row in book["说明"].iter_rows(values_only=True)] == ["来源：普查", "'=1+1"]


def test_an_empty_table_keeps_its_head() -> None:
    empty = TABLE.iloc[:0]
    assert _read(csv_bytes(empty)) == [["代码", "地区", "数值", "位次"]]
    book = openpyxl.load_workbook(io.BytesIO(xlsx_bytes(empty)))
    assert [cell.value for cell in book["数据"][1]] == ["代码", "地区", "数值", "位次"]


@given(st.text(max_size=30))
def test_a_cell_is_written_as_the_guard_says(text: str) -> None:
    expected = harmless(text.replace("\r\n", "\n"))
    assert _read(csv_bytes(pd.DataFrame({"a": [text.replace("\r\n", "\n"), "b"]})))[1] == [expected]
