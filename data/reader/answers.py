"""What a reader hands back: Arrow tables of a known form and plain values, or the faults of the file.

A reader has held hostile bytes: whatever it left in its folder is data, never code. It is looked at for size,
form and type before anything of it is used.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

import geo.errors
from data.faults import Fault, FaultReport
from geo.errors import DataFaultError, SutuError

SAID: Final = "answer.json"
_SAID_BYTES: Final = 64_000_000
_MOST_FAULTS: Final = 10_000
_TEXT: Final = 4_000
_PLACES: Final = ("sheet", "row", "column", "problem", "remedy", "more")


class BrokenAnswerError(SutuError, RuntimeError):
    """A reader left nothing, or nothing of the form that its job has."""


@dataclass(frozen=True)
class Answer:
    """Tables by name and plain values (what JSON can hold)."""

    tables: Mapping[str, pa.Table]
    said: Mapping[str, Any]


def write_answer(folder: Path, answer: Answer) -> None:
    """Write the tables, then the plain values that say the job is done."""
    for name, table in answer.tables.items():
        with (
            pa.OSFile(str(folder / f"{name}.arrow"), "wb") as sink,
            pa.ipc.new_file(sink, table.schema) as out,
        ):
            out.write_table(table)
    _say(folder, {"said": answer.said})


def write_failure(folder: Path, fault: BaseException) -> None:
    """Write why there is no answer: faults of the file, an error of the house, or the lack of memory."""
    if isinstance(fault, FaultReport):
        _say(folder, {"faults": [[getattr(one, name) for name in _PLACES] for one in fault.faults]})
    elif isinstance(fault, MemoryError):
        _say(folder, {"memory": True})
    elif isinstance(fault, SutuError):
        _say(folder, {"error": type(fault).__name__, "text": str(fault)[:_TEXT]})
    else:
        _say(folder, {"broken": f"{type(fault).__name__}: {fault}"[:_TEXT]})


def _say(folder: Path, content: Mapping[str, Any]) -> None:
    staged = folder / f".{SAID}"
    staged.write_text(json.dumps(content, ensure_ascii=True), encoding="ascii")
    staged.replace(folder / SAID)


def read_said(folder: Path) -> dict[str, Any] | None:
    """Return what a reader said at its end, None where it said nothing that can be read."""
    path = folder / SAID
    try:
        if path.is_symlink() or path.stat().st_size > _SAID_BYTES:
            return None
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def failure(said: Mapping[str, Any], file: str) -> SutuError | None:
    """Return the error that a reader reported, None where it reported an answer.

    Raises ``BrokenAnswerError`` when what it said has another form.
    """
    if "faults" in said:
        return _fault_report(said, file)
    if "error" in said:
        kind = getattr(geo.errors, str(said["error"]), DataFaultError)
        known = isinstance(kind, type) and issubclass(kind, SutuError)
        return (kind if known else DataFaultError)(_text(said["text"]))
    return None


def _fault_report(said: Mapping[str, Any], file: str) -> FaultReport:
    rows = said["faults"]
    if not isinstance(rows, list) or not rows or len(rows) > _MOST_FAULTS:
        raise BrokenAnswerError("读取程序交回的问题清单不合规。")
    return FaultReport([_fault(row, file) for row in rows])


def _fault(row: Any, file: str) -> Fault:
    if not isinstance(row, list) or len(row) != len(_PLACES):
        raise BrokenAnswerError("读取程序交回的问题清单不合规。")
    sheet, number, column, problem, remedy, more = row
    if not (number is None or type(number) is int) or type(more) is not int or more < 0:
        raise BrokenAnswerError("读取程序交回的问题清单不合规。")
    return Fault(
        file,
        None if sheet is None else _text(sheet),
        number,
        None if column is None else _text(column),
        _text(problem),
        _text(remedy),
        more=more,
    )


def read_answer(
    folder: Path, said: Mapping[str, Any], schemas: Mapping[str, pa.Schema], most_bytes: int
) -> Answer:
    """Return the answer in a reader's folder: exactly the tables of ``schemas``, each of its schema.

    The tables are mapped from the disk: they stay usable after the folder is removed. Raises
    ``BrokenAnswerError`` for anything of another form, or larger.
    """
    plain = said.get("said")
    if not isinstance(plain, dict):
        raise BrokenAnswerError("读取程序没有交回结果。")
    paths = {name: folder / f"{name}.arrow" for name in schemas}
    try:
        if any(path.is_symlink() for path in paths.values()):
            raise BrokenAnswerError("读取程序交回的结果不合规。")
        if sum(path.stat().st_size for path in paths.values()) > most_bytes:
            raise BrokenAnswerError(f"读取的结果超过 {most_bytes / 1e6:,.0f} MB。")
        tables = {name: _table(path, schemas[name]) for name, path in paths.items()}
    except (OSError, pa.ArrowException, ValueError) as fault:
        raise BrokenAnswerError("读取程序交回的结果不完整。") from fault
    return Answer(tables, plain)


def _table(path: Path, schema: pa.Schema) -> pa.Table:
    with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as reader:
        if not reader.schema.equals(schema):
            raise BrokenAnswerError("读取程序交回的结果不合规。")
        table = reader.read_all()
    table.validate(full=True)
    return table


def texts(values: Any) -> tuple[str, ...]:
    """Return plain values as texts of a bounded length; ``BrokenAnswerError`` for anything else."""
    if not isinstance(values, list):
        raise BrokenAnswerError("读取程序交回的结果不合规。")
    return tuple(_text(value) for value in values)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise BrokenAnswerError("读取程序交回的结果不合规。")
    return value if len(value) <= _TEXT else f"{value[:_TEXT]}…"
