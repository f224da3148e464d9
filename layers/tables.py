"""The table renderer: CSV and XLSX that open in a spreadsheet as they are, and in which nothing runs."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pandas as pd
from openpyxl.styles import Border, Font, Side

from geo.small_workbook import new_workbook, put, set_width, solid, workbook_bytes
from geo.spreadsheet import harmless, write_rows

_BOLD = Font(name="Calibri", size=11, bold=True, family=2, scheme="minor")
_SHADE = solid("F3F5F7")
_LINE = Border(bottom=Side(style="thin"))


def _plain(value: object) -> object:
    """Return a value as a cell holds it: None for a missing one, the text, or the number."""
    if pd.api.types.is_scalar(value) and pd.isna(value):  # type: ignore[call-overload]
        return None
    return value.item() if hasattr(value, "item") else value


def csv_bytes(table: pd.DataFrame, notes: Sequence[str] = ()) -> bytes:
    """Return ``table`` (without its index) as CSV: UTF-8 with BOM, so that Excel reads the Chinese.

    ``notes`` follow below the data, one line each, after an empty line.
    """
    out = io.StringIO(newline="")
    rows = ([_plain(value) for value in row] for row in table.itertuples(index=False, name=None))
    write_rows(out, [[str(name) for name in table.columns], *rows])
    if notes:
        write_rows(out, [[], *([note] for note in notes)])
    return out.getvalue().encode("utf-8-sig")


def xlsx_bytes(table: pd.DataFrame, notes: Sequence[str] = ()) -> bytes:
    """Return ``table`` (without its index) as a workbook with a sheet 数据, the ``notes`` on a sheet 说明.

    Texts are written as texts: neither formulas nor links are made of them.
    """
    book = new_workbook()
    sheet = book.create_sheet("数据")
    for column, name in enumerate(table.columns, start=1):
        head = put(sheet, 1, column, str(name))
        head.font, head.fill, head.border = _BOLD, _SHADE, _LINE
        values = [_plain(value) for value in table.iloc[:, column - 1]]
        values = [harmless(value) if isinstance(value, str) else value for value in values]
        for row, value in enumerate(values, start=2):
            if value is not None:
                put(sheet, row, column, value)
        longest = max([len(str(name)) * 2, *(len(str(value)) for value in values if value is not None)])
        set_width(sheet, column, min(max(longest + 2, 8), 48))
    sheet.freeze_panes = "A2"
    explanation = book.create_sheet("说明")
    set_width(explanation, 1, 90)
    for row, note in enumerate(notes, start=1):
        put(explanation, row, 1, harmless(note))
    return workbook_bytes(book)
