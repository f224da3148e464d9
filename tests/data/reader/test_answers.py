"""What a reader hands back is data: only of the form of its job, and never more than it may."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

import geo.errors
from data.faults import Fault, FaultReport
from data.reader.answers import (
    SAID,
    Answer,
    BrokenAnswerError,
    failure,
    read_answer,
    read_said,
    texts,
    write_answer,
    write_failure,
)
from geo.errors import DataFaultError, DatumError

SCHEMA = {"rows": pa.schema([("name", pa.string()), ("lon", pa.float64())])}
TABLE = pa.table({"name": ["甲", None], "lon": [118.5, None]}, schema=SCHEMA["rows"])
MOST = 1_000_000


def say(folder: Path, content: object) -> None:
    (folder / SAID).write_text(json.dumps(content), encoding="utf-8")


def read(folder: Path) -> Answer:
    said = read_said(folder)
    assert said is not None and failure(said, "甲.csv") is None
    return read_answer(folder, said, SCHEMA, MOST)


def test_an_answer_comes_back_whole(tmp_path: Path) -> None:
    write_answer(tmp_path, Answer({"rows": TABLE}, {"notes": ["一"], "count": 2}))
    found = read(tmp_path)
    assert found.tables["rows"].equals(TABLE) and found.said == {"notes": ["一"], "count": 2}


def test_faults_come_back_as_they_were_under_the_name_that_the_person_knows(tmp_path: Path) -> None:
    faults = [
        Fault("input.csv", None, 2, "经度", "不是数", "改正"),
        Fault("x", "表", None, None, "坏", "修", more=7),
    ]
    write_failure(tmp_path, FaultReport(faults))
    back = failure(read_said(tmp_path) or {}, "甲.csv")
    assert isinstance(back, FaultReport)
    assert back.faults[0] == Fault("甲.csv", None, 2, "经度", "不是数", "改正")
    assert back.faults[1].sheet == "表" and back.faults[1].more == 7 and back.total == 8


def test_an_error_of_the_house_keeps_its_kind(tmp_path: Path) -> None:
    write_failure(tmp_path, DatumError("没有这个基准"))
    back = failure(read_said(tmp_path) or {}, "甲.csv")
    assert type(back) is DatumError and str(back) == "没有这个基准"


@pytest.mark.parametrize("name", ["__import__", "SystemExit", "annotations", "os", ""])
def test_a_kind_that_the_house_does_not_have_is_a_fault_of_the_file(name: str) -> None:
    back = failure({"error": name, "text": "坏"}, "甲.csv")
    assert type(back) is DataFaultError
    assert not hasattr(geo.errors, "os")


@pytest.mark.parametrize(
    "content",
    [
        {"faults": []},
        {"faults": "x"},
        {"faults": [["a"]]},
        {"faults": [[None, "2", None, "p", "r", 0]]},
        {"faults": [[None, True, None, "p", "r", 0]]},
        {"faults": [[None, 2, None, 7, "r", 0]]},
        {"faults": [[None, 2, None, "p", "r", 0]] * 10_001},
        {"faults": [[None, 2, None, "p", "r", -1]]},
        {"error": "StoreError", "text": ["x"]},
    ],
)
def test_faults_of_another_form_are_a_broken_answer(content: dict[str, object]) -> None:
    with pytest.raises(BrokenAnswerError):
        failure(content, "甲.csv")


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "null", "[" * 100_000, "\x00"])
def test_what_is_no_answer_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / SAID).write_text(text, encoding="utf-8")
    assert read_said(tmp_path) is None


def test_nothing_said_and_a_link_to_elsewhere_are_no_answer(tmp_path: Path) -> None:
    assert read_said(tmp_path) is None
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_text("{}", encoding="utf-8")
    (tmp_path / SAID).symlink_to(elsewhere)
    assert read_said(tmp_path) is None


def broken(folder: Path, kind: str) -> None:
    path = folder / "rows.arrow"
    if kind == "missing":
        path.unlink()
    elif kind == "cut":
        path.write_bytes(path.read_bytes()[:-40])
    elif kind == "rubbish":
        path.write_bytes(b"\xff" * 500)
    elif kind == "link":
        content = folder / "elsewhere.arrow"
        path.rename(content)
        path.symlink_to(content)
    elif kind == "large":
        with path.open("ab") as handle:
            handle.truncate(MOST + 1)
    elif kind == "other columns":
        write_answer(folder, Answer({"rows": TABLE.select(["name"])}, {}))
    elif kind == "other types":
        write_answer(folder, Answer({"rows": pa.table({"name": [1, 2], "lon": [1.0, 2.0]})}, {}))


@pytest.mark.parametrize(
    "kind", ["missing", "cut", "rubbish", "link", "large", "other columns", "other types"]
)
def test_a_table_of_another_form_is_a_broken_answer(tmp_path: Path, kind: str) -> None:
    write_answer(tmp_path, Answer({"rows": TABLE}, {}))
    broken(tmp_path, kind)
    with pytest.raises(BrokenAnswerError):
        read(tmp_path)


def test_text_that_is_no_text_is_a_broken_answer(tmp_path: Path) -> None:
    """Offsets that lead out of the buffer, and bytes that are no UTF-8, are found before they are used."""
    sound = pa.array(["ab", "cd"])
    offsets = pa.py_buffer(b"\x00\x00\x00\x00\xff\xff\x00\x00\x04\x00\x00\x00")
    wild = pa.Array.from_buffers(pa.string(), 2, [None, offsets, sound.buffers()[2]])
    odd = pa.Array.from_buffers(pa.string(), 2, [None, sound.buffers()[1], pa.py_buffer(b"\xff\xfe\xff\xfe")])
    for column in (wild, odd):
        lons = pa.array([1.0, 2.0])
        write_answer(tmp_path, Answer({"rows": pa.table({"name": column, "lon": lons})}, {}))
        with pytest.raises(BrokenAnswerError):
            read(tmp_path)


def test_texts_are_bounded_and_nothing_else() -> None:
    assert texts(["甲", "x" * 10_000])[0] == "甲"
    assert len(texts(["x" * 10_000])[0]) == 4_001
    for wrong in (None, "甲", [1], [None], {"a": 1}):
        with pytest.raises(BrokenAnswerError):
            texts(wrong)
