"""A fault report tells everything, shows a readable part, and survives a process border."""

import pickle

import pytest

from data.faults import FAULT_COLUMNS, SHOWN_FAULTS, Fault, FaultReport, faults_not_listed, raise_if_any
from data.ingest.reading import MAX_FAULTS, CellFault, CellFaults, FaultList
from geo.errors import DataFaultError


def _fault(row: int | None = 3) -> Fault:
    return Fault("表.xlsx", "数据", row, "代码", "代码“3201”不是六位", "填写六位行政区划代码")


def test_str_names_place_problem_and_remedy() -> None:
    text = str(FaultReport([_fault()]))
    assert text.splitlines()[0] == "数据有 1 处问题，未写入任何内容："
    assert "表.xlsx，工作表“数据”，第 3 行，“代码”列：代码“3201”不是六位" in text
    assert "填写六位行政区划代码" in text


def test_parts_without_a_place_are_left_out() -> None:
    assert Fault("a.csv", None, None, None, "文件是空的", "换一个文件").place() == "a.csv"


def test_display_is_capped_but_nothing_is_lost() -> None:
    report = FaultReport(_fault(row) for row in range(SHOWN_FAULTS + 7))
    assert len(report.faults) == SHOWN_FAULTS + 7
    lines = str(report).splitlines()
    assert lines[0].startswith(f"数据有 {SHOWN_FAULTS + 7} 处问题")
    assert lines[-1] == "……另有 7 处未列出。"
    assert len(lines) == SHOWN_FAULTS + 2


def test_rows_are_text_under_the_columns() -> None:
    rows = FaultReport([_fault(), _fault(None)]).as_rows()
    assert [tuple(row) for row in rows] == [FAULT_COLUMNS, FAULT_COLUMNS]
    assert [row["行"] for row in rows] == ["3", ""]


def test_report_is_a_data_fault_and_pickles_whole() -> None:
    report = FaultReport([_fault(), _fault(9)])
    again = pickle.loads(pickle.dumps(report))
    assert isinstance(again, DataFaultError)
    assert again.faults == report.faults
    assert str(again) == str(report)


def test_an_empty_report_is_refused_and_raise_if_any_passes() -> None:
    with pytest.raises(ValueError, match="at least one"):
        FaultReport([])
    raise_if_any([])
    with pytest.raises(FaultReport):
        raise_if_any([_fault()])


def test_what_is_not_listed_is_counted_in_the_total() -> None:
    """The closing entry stands for all it says, in the head, at the end, and in a list made of lists."""
    report = FaultReport([_fault(2), faults_not_listed("表.xlsx", "数据", 40)])
    assert report.total == 41
    assert "数据有 41 处问题" in str(report)
    assert "……另有 40 处未列出" in str(report)
    inner = FaultList("表.xlsx", "数据")
    for row in range(MAX_FAULTS + 7):
        inner.add(row, "代码", "错", "改")
    outer = FaultList("表.xlsx", None)
    outer.extend(inner.report())
    assert outer.uncounted == 7
    assert FaultReport(outer.report()).total == MAX_FAULTS + 7


def test_a_reader_keeps_as_many_faults_as_are_listed() -> None:
    found = CellFaults()
    found += [CellFault(row, 0, "错", "改") for row in range(MAX_FAULTS + 3)]
    found.append(CellFault(1, 0, "错", "改"))
    assert (len(found), found.uncounted, found.full) == (MAX_FAULTS, 4, True)
    assert CellFaults(found).uncounted == 4
