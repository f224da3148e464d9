"""Which column of a person's table is which: headers matched by name and alias, every doubt a fault."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from openpyxl.utils import get_column_letter

from data.ingest.cells import match_key, shown
from data.ingest.reading import FaultList
from data.ingest.tabular import RawTable

_HEADER_SEARCH_ROWS = 10
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


def match_columns(
    table: RawTable, columns: Sequence[Column], faults: FaultList, *, form: str
) -> tuple[pd.DataFrame, dict[str, str], list[str]]:
    """Return the table's cells under the keys of ``columns``, the header text of each key, and notes.

    The frame has one column of text per key, empty where the table has none, and the table's row numbers as
    index. A missing required column, a header that looks like a known one, and a header further down are
    added to ``faults``; other unknown columns are named in the notes. ``form`` names the command that writes
    the form, for the remedies.
    """
    known = {key: column.key for column in columns for key in column.headers()}
    found: dict[str, int] = {}
    notes: list[str] = []
    unknown: list[int] = []
    for position, text in enumerate(table.header):
        key = known.get(match_key(text))
        if key is None:
            unknown.append(position)
        elif key in found:
            problem = f"“{shown(text)}”和“{table.header[found[key]]}”是同一内容的两列"
            faults.add(table.header_row, get_column_letter(position + 1), problem, "只保留一列")
        else:
            found[key] = position
    missing = [column for column in columns if column.required and column.key not in found]
    if missing and (row := _later_header(table, known, len(missing))):
        problem = f"表头在第 {row} 行，它上面还有别的内容"
        faults.add(row, None, problem, "删去表头上面的标题、说明行，让表头成为第一行")
    else:
        _report_missing(table, missing, faults, form)
    missing_keys = {column.key for column in missing}
    for position in unknown:
        text = table.header[position]
        near = difflib.get_close_matches(match_key(text), known, n=1, cutoff=_LOOKALIKE) if text else []
        if near and (known[near[0]] in missing_keys or known[near[0]] not in found):
            header = next(column.header for column in columns if column.key == known[near[0]])
            problem = f"不认识表头“{shown(text)}”，可能是“{header}”"
            faults.add(
                table.header_row, get_column_letter(position + 1), problem, f"改为“{header}”，或删去该列"
            )
        elif text:
            notes.append(f"“{shown(text)}”列不属于本表，未导入")
    frame = pd.DataFrame(
        {column.key: table.cells[found[column.key]] if column.key in found else "" for column in columns},
        index=table.cells.index,
        dtype="str",
    )
    headers = {
        column.key: table.header[found[column.key]] if column.key in found else column.header
        for column in columns
    }
    return frame, headers, notes


def _later_header(table: RawTable, known: dict[str, str], missing: int) -> int | None:
    """Return the row, among the first few, that reads like the header better than the header does."""
    present = len({known.get(match_key(text)) for text in table.header} - {None})
    for row, cells in table.cells.head(_HEADER_SEARCH_ROWS).iterrows():
        hits = {known.get(match_key(str(cell))) for cell in cells} - {None}
        if len(hits) > present and len(hits) >= missing:
            return int(str(row))
    return None


def _report_missing(table: RawTable, missing: list[Column], faults: FaultList, form: str) -> None:
    full_width = len(table.header) == 1 and "，" in table.header[0]
    if full_width:
        faults.add(table.header_row, None, "各列之间用的是全角逗号“，”", "把列之间的逗号改为英文逗号“,”")
        return
    for column in missing:
        problem = f"缺少“{column.header}”列"
        remedy = f"第一行写上表头“{column.header}”，或用 {form} 生成的表填写"
        faults.add(table.header_row, column.header, problem, remedy)
