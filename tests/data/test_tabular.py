"""Tables come in as the text people see, within bounds, whatever program wrote them."""

import csv
import io
import math
import zipfile
from decimal import Decimal
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.faults import FaultReport
from data.ingest.cells import (
    CellProblem,
    half_width,
    match_key,
    number_text,
    parse_number,
    parse_year,
    percent_text,
    shown,
    unseen_characters,
)
from data.ingest.matching import Column, match_columns
from data.ingest.reading import MAX_FAULTS, FaultList, Limits
from data.ingest.tabular import read_table

RELAXED = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
CJK = "江苏省南京市鼓楼区常住人口亿元比重"
TEXT = st.text(alphabet=CJK + "abcXYZ019 .,;\"'-%（）", max_size=12).map(str.strip)


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    """A header of distinct names and rows whose first cell is filled."""
    width = draw(st.integers(1, 5))
    header = [f"列{k}" for k in range(width)]
    rows = draw(st.lists(st.lists(TEXT, min_size=width, max_size=width), min_size=1, max_size=8))
    for row in rows:
        row[0] = row[0] or "甲"
        row[0] = row[0].lstrip("=")
    return [header, *rows]


def _text(table: list[list[str]], delimiter: str = ",", ending: str = "\n") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator=ending).writerows(table)
    return out.getvalue()


@RELAXED
@given(
    table=tables(),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "gb18030"]),
    ending=st.sampled_from(["\n", "\r\n"]),
)
def test_csv_reads_as_written_and_as_pandas_reads_it(
    table: list[list[str]], encoding: str, ending: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(_text(table, ending=ending).encode(encoding))
    read = read_table(path)
    assert list(read.header) == table[0]
    assert read.cells.to_numpy().tolist() == table[1:]
    assert list(read.cells.index) == list(range(2, len(table) + 1))
    assert read.faults == ()
    oracle = pd.read_csv(path, dtype=str, keep_default_na=False, encoding=encoding, skip_blank_lines=False)
    assert oracle.map(str.strip).to_numpy().tolist() == read.cells.to_numpy().tolist()


@RELAXED
@given(table=tables())
def test_xlsx_reads_as_written(table: list[list[str]], tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in table:
        sheet.append(row)
    book.save(tmp_path / "a.xlsx")
    read = read_table(tmp_path / "a.xlsx")
    assert list(read.header) == table[0]
    assert read.cells.to_numpy().tolist() == table[1:]
    assert read.is_workbook


@RELAXED
@given(data=st.data())
def test_the_odd_lines_of_a_mixed_file_are_named(data: st.DataObject, tmp_path: Path) -> None:
    """Lines of the rarer encoding, wherever they stand, and only they."""
    count = data.draw(st.integers(5, 20))
    odd = data.draw(st.sets(st.integers(2, count + 1), min_size=1, max_size=2))
    main, other = data.draw(st.permutations(["utf-8", "gb18030"]))
    lines = ["代码,名称\n", *(f"{k},江苏省第{k}号\n" for k in range(count))]
    content = b"".join(
        line.encode(other if number in odd else main) for number, line in enumerate(lines, start=1)
    )
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    read = read_table(path)
    assert {fault.row for fault in read.faults} == odd
    assert read.cells[1].tolist() == [f"江苏省第{k}号" for k in range(count)]


def test_row_numbers_are_those_a_spreadsheet_shows(tmp_path: Path) -> None:
    """A line break inside a cell does not count, a blank row does."""
    path = tmp_path / "a.csv"
    path.write_text('甲,乙\n1,"两\n行"\n\n2,=A1\n', encoding="utf-8")
    read = read_table(path)
    assert list(read.cells.index) == [2, 4]
    assert read.cells.loc[2, 1] == "两 行"
    assert [(fault.row, fault.column) for fault in read.faults] == [(4, "乙")]


def test_a_gbk_cell_that_happens_to_be_valid_utf8_is_still_gbk(tmp_path: Path) -> None:
    """Two bytes of GBK may be a Cyrillic letter in UTF-8: such a line does not make the file mixed."""
    lucky = "覆"  # b8b2 is no UTF-8; the next is
    pair = next(
        bytes([a, b]).decode("gbk")
        for a in range(0xC2, 0xE0)
        for b in range(0xA1, 0xC0)
        if bytes([a, b]).decode("gbk", "ignore") and bytes([a, b]).decode("utf-8", "ignore")
    )
    path = tmp_path / "a.csv"
    path.write_bytes(f"名称,值\n{pair},1\n{lucky}盖率,2\n".encode("gbk"))
    read = read_table(path)
    assert read.faults == ()
    assert read.cells[0].tolist() == [pair, "覆盖率"]


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        (Limits(rows=2), "行数超过上限 2"),
        (Limits(columns=2), "有 3 列，超过上限 2"),
        (Limits(cells=6), "单元格数超过上限 6"),
        (Limits(file_bytes=10), "超过上限"),
    ],
)
def test_bounds_hold(limits: Limits, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b,c\n" + "1,2,3\n" * 3, encoding="utf-8")
    with pytest.raises(FaultReport, match=problem):
        read_table(path, limits=limits)


def test_a_row_number_far_down_ends_at_the_bound(tmp_path: Path) -> None:
    """A sheet with one cell in the last row would otherwise be padded with a million empty rows."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["a"])
    sheet["A900"] = "x"
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(FaultReport, match="行数超过上限 500"):
        read_table(tmp_path / "a.xlsx", limits=Limits(rows=500))
    assert list(read_table(tmp_path / "a.xlsx").cells.index) == [900]


def test_an_oversized_cell_is_a_fault_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"a,b\n1,{'长' * 40_000}\n", encoding="utf-8")
    read = read_table(path)
    assert [(fault.row, fault.column) for fault in read.faults] == [(2, "b")]
    assert "40000 个字符" in read.faults[0].problem


def test_many_chunks_keep_order_and_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a\n" + "".join(f"{k}\n" for k in range(45_000)), encoding="utf-8")
    read = read_table(path)
    assert read.cells[0].astype(int).tolist() == list(range(45_000))
    assert list(read.cells.index) == list(range(2, 45_002))


def test_faults_beyond_the_cap_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a\n" + "=1\n" * (MAX_FAULTS + 30), encoding="utf-8")
    read = read_table(path)
    assert len(read.faults) == MAX_FAULTS + 1
    assert "另有 30 处" in read.faults[-1].problem


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("a,b\n" + "\n" * 20, "文件有 21 个换行"),
        ("a,b\r" + "\r\n" * 20, "文件有 21 个换行"),
        ("a,b\n" + "x," * 20, "第 2 行有 20 个分隔符"),
        ("," * 20 + "\n", "第 1 行有 20 个分隔符"),
    ],
)
def test_what_would_fall_into_too_many_pieces_is_refused_whole(
    content: str, problem: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content.encode())
    with pytest.raises(FaultReport, match=problem):
        read_table(path, limits=Limits(cells=10))


@RELAXED
@given(
    lines=st.lists(
        st.sampled_from(
            [b"a,1", "名称,一".encode(), "名称,一".encode("gbk"), b"\xff\xff,2", "д,1".encode(), b""]
        ),
        min_size=1,
        max_size=8,
    ),
    ends=st.lists(st.sampled_from([b"\n", b"\r\n", b"\r"]), min_size=8, max_size=8),
)
def test_lines_end_and_are_numbered_as_python_splits_them(
    lines: list[bytes], ends: list[bytes], tmp_path: Path
) -> None:
    """However lines end and whatever they are encoded in, each is one row with its own number."""
    content = b"a,b" + ends[-1] + b"".join(line + end for line, end in zip(lines, ends, strict=False))
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    numbers = [number for number, line in enumerate(content.splitlines(), start=1) if line and number > 1]
    read = read_table(path)
    assert list(read.cells.index) == numbers
    assert {fault.row for fault in read.faults} <= set(numbers)


def test_a_damaged_part_of_any_kind_is_one_fault(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["a", "b"])
    sheet.append(["x", 1])
    book.save(tmp_path / "good.xlsx")
    with zipfile.ZipFile(tmp_path / "good.xlsx") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for name in parts:
        path = tmp_path / "bad.xlsx"
        with zipfile.ZipFile(path, "w") as archive:
            for part, content in parts.items():
                archive.writestr(part, b"<broken" if part == name else content)
        try:
            read = read_table(path)
        except FaultReport as report:
            assert len(report.faults) == 1, name
        else:
            assert read.cells.to_numpy().tolist() == [["x", "1"]], name


@given(st.integers(-(10**14), 10**14))
def test_whole_numbers_survive_every_writing(number: int) -> None:
    full_width = str(number).translate(str.maketrans("0123456789-", "０１２３４５６７８９－"))
    for text in (str(number), f"{number:,}", full_width, f" {number} ", number_text(float(number))):
        assert parse_number(text) == number


@given(st.decimals(-(10**9), 10**9, places=6))
def test_decimals_agree_with_decimal(number: Decimal) -> None:
    assert parse_number(f"{number:f}") == float(number)
    assert parse_number(f"{number:,f}") == float(number)
    assert parse_number(f"{number:f}%", percent=True) == float(number)


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e14, max_value=1e14))
def test_workbook_numbers_lose_nothing_and_show_no_exponent(number: float) -> None:
    text = number_text(number)
    assert "e" not in text.lower()
    assert float(text) == number
    shown_percent = parse_number(percent_text(number), percent=True) if abs(number) < 1e12 else number * 100
    assert math.isclose(shown_percent, number * 100, rel_tol=1e-12, abs_tol=1e-320)


@given(st.text(max_size=20))
def test_no_text_breaks_the_readers_of_cells(text: str) -> None:
    """A number comes back, or a problem with a remedy; messages stay one printable line."""
    for read in (parse_number, lambda value: parse_year(value, 1949, 2026)):
        try:
            assert math.isfinite(read(text))
        except CellProblem as problem:
            assert problem.problem
            assert problem.remedy
    assert shown(text).isprintable()
    assert match_key(half_width(text)) == match_key(text)


@pytest.mark.parametrize(
    "text",
    [
        "1,23",
        "12,34,567",
        "1 2 3 x",
        "--5",
        "1e5",
        "５ｅ３",
        "nan",
        "N/A",
        "1.2.3",
        "十二",
        "٣",
        "85%",
        "9" * 16,
    ],
)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(CellProblem):
        parse_number(text)


def test_a_comma_in_a_semicolon_file_is_refused() -> None:
    assert parse_number("1,234") == 1234
    with pytest.raises(CellProblem, match="千分位"):
        parse_number("1,234", decimal_comma_risk=True)


def test_unseen_characters_are_named() -> None:
    assert unseen_characters("a\u200bb\ufeff\x07\n\t") == ["U+200B", "U+FEFF", "U+0007"]
    assert unseen_characters("江苏 abc") == []


def test_headers_match_by_alias_width_and_case(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(" ＣＯＤＥ ,别的\n1,2\n", encoding="utf-8")
    table = read_table(path)
    faults = FaultList(table.file, table.sheet)
    matched = match_columns(
        table, (Column("code", "代码", required=True), Column("note", "备注")), faults, form="x"
    )
    assert matched.missing == ()
    assert matched.frame.to_dict("records") == [{"code": "1", "note": ""}]
    assert matched.notes == ("“别的”列不属于本表，未导入",)
    assert faults.faults == []
