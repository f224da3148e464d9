"""Workbooks made to exhaust a reader end with a sentence of their own, before anything is built of them."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from data.faults import FaultReport
from data.ingest.reading import MAX_FAULTS, Limits
from data.ingest.tabular import read_table
from data.ingest.xlsx_reader import sheet_names
from tests.data.workbook_parts import HEADER, MAIN, SHEET_PART, parts, sheet, write

LOOSE = Limits(ratio=10**6)
"""The ratio of unpacking would refuse most of these first."""


def _problem(path: Path, limits: Limits = LOOSE) -> str:
    with pytest.raises(FaultReport) as caught:
        read_table(path, limits=limits)
    assert len(caught.value.faults) == 1
    assert caught.value.faults[0].remedy
    return caught.value.faults[0].problem


def _with(name: str, text: str | bytes) -> dict:
    return {**parts(), name: text}


def _rows(cells: Callable[[int], str], count: int) -> str:
    return HEADER + "".join(f'<row r="{i}">{cells(i)}</row>' for i in range(2, count + 2))


STYLES = f"<styleSheet {MAIN}><cellXfs>{{}}</cellXfs></styleSheet>"
NAMES = f"<workbook {MAIN}><definedNames>{{}}</definedNames></workbook>"
STRINGS = f"<sst {MAIN}>{{}}</sst>"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (_with("xl/styles.xml", STYLES.format("<xf/>" * 3_500_000)), "样式解压后有 17.5 MB"),
        (_with("xl/styles.xml", STYLES.format("<xf/>" * 300_000)), "个标记"),
        (_with("xl/workbook.xml", NAMES.format("<definedName/>" * 400_000)), "目录（工作表、名称）解压后"),
        (
            _with("[Content_Types].xml", "<Types>" + "<Default/>" * 600_000 + "</Types>"),
            "目录（工作表、名称）",
        ),
        (parts(sheets=300), "300 个工作表"),
        (_with("xl/sharedStrings.xml", STRINGS.format("<si/>" * 2_100_000)), "不同的文字"),
        (_with("xl/sharedStrings.xml", STRINGS.format("<si>" + "<r/>" * 2_100_000 + "</si>")), "异常地长"),
        (
            _with("xl/sharedStrings.xml", STRINGS.format("<si><t>" + "a" * 300_000 + "</t></si>")),
            "一条文字异常",
        ),
        (parts(f'<row r="1"><c r="A1" t="str"><v>{"a" * 300_000}</v></c></row>'), "一条文字异常地长"),
        (parts(f'<row r="1" x="{"a" * 300_000}"/>'), "一个标记"),
        (parts(f'<row r="1"><!-- {"<row><c>" * 50_000} --></row>'), "一个标记"),
        (parts('<row r="1">' + "<a>" * 3_000_000), "有一行（或一段格式）异常地长"),
        (parts("<row/>" * 2_200_000), "行数超过上限"),
        (parts(("<row>" + "<c/>" * 900_000 + "</row>") * 12), "单元格数超过上限"),
        (parts(HEADER * 3), "行号 1 重复"),
        (parts(HEADER + '<row r="5"/><row r="4"/>'), "行号 4 重复、倒退"),
        (parts(HEADER + '<row r="1048577"/>'), "行号 1048577"),
        (parts(HEADER + f'<row r="{10**30}"/>'), "超出工作表的范围"),
        (parts(HEADER + '<row r="2"><c r="ZZZ2"><v>1</v></c></row>'), "地址“ZZZ2”"),
        (parts(HEADER + '<row r="2"><c r="B2"/><c r="A2"/></row>'), "地址“A2”"),
        (parts(HEADER + '<row r="2"><c r="A7"/></row>'), "地址“A7”"),
        (parts(HEADER + '<row r="2"><c r="XFD2"><v>1</v></c></row>'), "有 16,384 列"),
        (parts(_rows(lambda i: f'<c r="SF{i}"><v>1</v></c>', 25_000)), "单元格数超过上限"),
        (_with(SHEET_PART, '<!DOCTYPE a [<!ENTITY b "c">]>' + sheet(HEADER)), "外部实体"),
        (
            _with(SHEET_PART, ('<?xml version="1.0" encoding="UTF-16"?>' + sheet(HEADER)).encode("utf-16")),
            "不是 UTF-8",
        ),
        (_with(SHEET_PART, '<?xml version="1.0" encoding="latin-1"?>' + sheet(HEADER)), "不是 UTF-8"),
        (parts(target="/etc/passwd", mode=' TargetMode="External"'), "没有工作表"),
        (parts(target="../../../../etc/passwd"), "没有工作表"),
        (parts(target="file:///etc/passwd"), "没有工作表"),
        (_with("xl/workbook.xml", f"<workbook {MAIN}>" + "<bookViews>" * 60_000), "已损坏"),
        (_with(SHEET_PART, sheet(HEADER)[:-30]), "已损坏"),
        (parts(HEADER + '<row r="2"><c r="A2" t="s"><v>99</v></c></row>'), "已损坏"),
        (parts(HEADER + f'<row r="2"><c r="A2"><v>{"9" * 9_000}</v></c></row>'), "已损坏"),
        (parts(HEADER + '<row r="2"><c r="A2" s="77"><v>1</v></c></row>'), "已损坏"),
    ],
)
def test_each_ends_with_its_sentence(tmp_path: Path, content: dict, problem: str) -> None:
    assert problem in _problem(write(tmp_path, content))


def test_what_packs_too_well_is_refused_unread(tmp_path: Path) -> None:
    path = write(tmp_path, _with("xl/styles.xml", STYLES.format("<xf/>" * 1_200_000)))
    assert "解压后是压缩时的" in _problem(path, Limits())
    with pytest.raises(FaultReport, match="解压后是压缩时的"):
        sheet_names(path, Limits())


def test_formulas_without_end_stop_at_the_number_of_faults(tmp_path: Path) -> None:
    path = write(tmp_path, parts(_rows(lambda i: f'<c r="A{i}"><f>1+1</f></c>', 20_000)))
    faults = read_table(path, limits=LOOSE).faults
    assert len(faults) <= MAX_FAULTS + 2
    assert any("其后的行没有再检查" in fault.problem for fault in faults) or faults[-1].problem.startswith(
        "另有"
    )


def test_merges_between_rows_are_told_up_to_a_number(tmp_path: Path) -> None:
    merged = "".join(f'<row r="{i}"/><mergeCell ref="A{i}:B{i}"/>' for i in range(2, 20_000))
    faults = read_table(write(tmp_path, parts(HEADER + merged)), limits=LOOSE).faults
    assert faults[0].problem == "单元格 A2:B2 是合并的"
    assert len(faults) <= MAX_FAULTS + 2


def test_empty_far_cells_and_blank_rows_far_down_are_no_content(tmp_path: Path) -> None:
    rows = (
        HEADER
        + '<row r="2" spans="1:99999"><c r="A2"><v>7</v></c><c r="XFD2" s="0"/></row><row r="1048576"/>'
    )
    table = read_table(write(tmp_path, parts(rows)))
    assert table.cells.to_numpy().tolist() == [["7"]]


def test_every_kind_of_cell_reads_as_shown_and_prefixes_are_read(tmp_path: Path) -> None:
    cells = (
        '<c r="A2" t="s"><v>0</v></c><c r="B2" t="b"><v>1</v></c><c r="C2" t="str"><v>文</v></c>'
        '<c r="D2" t="inlineStr"><is><r><t>甲</t></r><r><t>乙</t></r><rPh><t>x</t></rPh></is></c>'
        '<c r="E2"><v>1.5E3</v></c><c r="F2" t="d"><v>2020-01-02</v></c>'
    )
    head = "".join(f'<c t="str"><v>列{i}</v></c>' for i in range(6))
    rows = f'<row r="1">{head}</row><row r="2">{cells}</row>'
    plain = write(tmp_path, parts(rows), "a.xlsx")
    prefixed = sheet(rows).replace("</", "\0").replace("<", "<x:").replace("\0", "</x:")
    other = write(tmp_path, _with(SHEET_PART, prefixed.replace("xmlns=", "xmlns:x=")), "b.xlsx")
    for path in (plain, other):
        assert read_table(path).cells.to_numpy().tolist() == [
            ["甲", "True", "文", "甲乙", "1500", "2020-01-02"]
        ]


def test_a_part_given_twice_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, parts())
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(SHEET_PART, sheet(""))
    assert "两个同名的文件" in _problem(path)


def test_parts_that_share_bytes_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, parts())
    with zipfile.ZipFile(path, "a") as archive:
        # The directory is written anew at the end: one entry now points into another.
        archive.getinfo(SHEET_PART).header_offset = archive.getinfo("xl/styles.xml").header_offset
        archive.writestr("xl/more.xml", "<a/>")
    assert "与另一个重叠" in _problem(path)


def test_a_size_that_lies_is_damage(tmp_path: Path) -> None:
    path = write(tmp_path, parts())
    with zipfile.ZipFile(path, "a") as archive:
        archive.getinfo(SHEET_PART).file_size = 20
        archive.writestr("xl/more.xml", "<a/>")
    assert "已损坏" in _problem(path)


def test_a_sheet_under_another_name_is_looked_at_as_well(tmp_path: Path) -> None:
    content = {**parts(target="a.dat"), "xl/a.dat": '<!DOCTYPE a [<!ENTITY b "c">]>' + sheet(HEADER)}
    assert "外部实体" in _problem(write(tmp_path, content))


def test_parts_nobody_needs_are_not_parsed(tmp_path: Path) -> None:
    broken = {"docProps/core.xml": "<a>" * 10_000, "xl/theme/theme1.xml": "<b><c>", "xl/x.bin": b"\xff"}
    assert read_table(write(tmp_path, {**parts(), **broken})).header == ("名称",)
