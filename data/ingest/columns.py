"""Which column of a person's table is which: headers matched by name and alias, every doubt a fault."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from openpyxl.utils import get_column_letter

from data.ingest.cells import match_key, shown
from data.ingest.reading import FaultList, fatal
from data.ingest.tabular import RawTable

_LOOKALIKE = 0.75


@dataclass(frozen=True)
class Column:
    """A column a table may have: its ``key`` in code, its ``header`` in our forms, and other headers."""

    key: str
    header: str
    aliases: tuple[str, ...] = ()
    required: bool = False

    def headers(self) -> set[str]:
        """Return the comparison forms of every accepted header."""
        return {match_key(text) for text in (self.header, self.key, *self.aliases)}


@dataclass(frozen=True)
class Matched:
    """A table under known columns.

    ``frame`` has one column of text per key, empty where the table has none, and the table's row numbers as
    index. ``headers`` is how each key's column is headed (for faults). ``missing`` are the required keys that
    the table lacks, ``notes`` Chinese remarks on columns left out.
    """

    frame: pd.DataFrame
    headers: dict[str, str]
    missing: tuple[str, ...]
    notes: tuple[str, ...]


def match_columns(table: RawTable, columns: Sequence[Column], faults: FaultList, *, form: str) -> Matched:
    """Return the table's cells under the keys of ``columns``.

    A missing required column and a header that looks like a known one are added to ``faults``; other unknown
    columns are named in the notes. ``form`` names the command that writes the form, for the remedies.
    Raises ``FaultReport`` when the header stands below other rows.
    """
    found, unknown = _positions(table, columns, faults)
    missing = [column for column in columns if column.required and column.key not in found]
    _report_missing(table, columns, missing, faults, form)
    notes = _report_unknown(table, columns, found, unknown, faults)
    frame = pd.DataFrame(
        {column.key: table.cells[found[column.key]] if column.key in found else "" for column in columns},
        index=table.cells.index,
        dtype="str",
    )
    headers = {
        column.key: table.header[found[column.key]] if column.key in found else column.header
        for column in columns
    }
    return Matched(frame, headers, tuple(column.key for column in missing), tuple(notes))


def _known(columns: Sequence[Column]) -> dict[str, str]:
    return {header: column.key for column in columns for header in column.headers()}


def _positions(
    table: RawTable, columns: Sequence[Column], faults: FaultList
) -> tuple[dict[str, int], list[int]]:
    """Return the position of each known column, and the positions of the others."""
    known = _known(columns)
    found: dict[str, int] = {}
    unknown: list[int] = []
    for position, text in enumerate(table.header):
        key = known.get(match_key(text))
        if key is None:
            unknown.append(position)
        elif key not in found:
            found[key] = position
        elif match_key(text) != match_key(table.header[found[key]]):
            # A header that stands twice word for word is reported when the table is read.
            problem = f"“{shown(text)}”和“{shown(table.header[found[key]])}”是同一内容的两列"
            faults.add(table.header_row, get_column_letter(position + 1), problem, "只保留一列")
    return found, unknown


def _report_missing(
    table: RawTable, columns: Sequence[Column], missing: list[Column], faults: FaultList, form: str
) -> None:
    """Report required columns that the table lacks, with the likeliest reason."""
    if not missing:
        return
    row = _later_header(table, columns, len(missing))
    if row is not None:
        # Under another header every row would be read wrongly: nothing else found means anything.
        problem, remedy = (
            f"表头在第 {row} 行，它上面还有别的内容",
            "删去表头上面的标题、说明行，让表头成为第一行",
        )
        raise fatal(table.file, problem, remedy, sheet=table.sheet, row=row)
    if len(table.header) == 1 and "，" in table.header[0]:
        faults.add(table.header_row, None, "各列之间用的是全角逗号“，”", "把列之间的逗号改为英文逗号“,”")
    else:
        for column in missing:
            remedy = f"第一行写上表头“{column.header}”，或用 {form} 生成的表填写"
            faults.add(table.header_row, column.header, f"缺少“{column.header}”列", remedy)


def _later_header(table: RawTable, columns: Sequence[Column], missing: int) -> int | None:
    """Return the row, among the first few, that reads like the header better than the header does."""
    known = _known(columns)
    present = len({known.get(match_key(text)) for text in table.header} - {None})
    for row, cells in table.head:
        hits = {known.get(match_key(cell)) for cell in cells} - {None}
        if len(hits) > present and len(hits) >= missing:
            return row
    return None


def _report_unknown(
    table: RawTable,
    columns: Sequence[Column],
    found: dict[str, int],
    unknown: list[int],
    faults: FaultList,
) -> list[str]:
    """Report headers that look like a misspelt column the table lacks; return notes on the others."""
    lacking = {header: column for column in columns if column.key not in found for header in column.headers()}
    notes = []
    for position in unknown:
        text = table.header[position]
        near = difflib.get_close_matches(match_key(text), lacking, n=1, cutoff=_LOOKALIKE) if text else []
        if near:
            header = lacking[near[0]].header
            problem = f"不认识表头“{shown(text)}”，可能是“{header}”"
            letter = get_column_letter(position + 1)
            faults.add(table.header_row, letter, problem, f"改为“{header}”，或删去该列")
        elif text:
            notes.append(f"“{shown(text)}”列不属于本表，未导入")
    return notes
