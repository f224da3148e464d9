"""A fault report tells everything, shows a readable part, and survives a process border."""

import pickle

import pytest

from data.ingest.faults import FAULT_COLUMNS, SHOWN_FAULTS, Fault, FaultReport, raise_if_any
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
