"""The table renderer: CSV and XLSX that open in a spreadsheet as they are, and in which nothing runs."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pandas as pd
import xlsxwriter

from geo.spreadsheet import harmless, write_rows


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
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, options) as book:
        head = book.add_format({"bold": True, "bg_color": "#F3F5F7", "bottom": 1})
        sheet = book.add_worksheet("数据")
        for column, name in enumerate(table.columns):
            sheet.write_string(0, column, str(name), head)
            values = [_plain(value) for value in table.iloc[:, column]]
            values = [harmless(value) if isinstance(value, str) else value for value in values]
            for row, value in enumerate(values, start=1):
                if isinstance(value, str):
                    sheet.write_string(row, column, value)
                elif value is not None:
                    sheet.write(row, column, value)
            longest = max([len(str(name)) * 2, *(len(str(value)) for value in values if value is not None)])
            sheet.set_column(column, column, min(max(longest + 2, 8), 48))
        sheet.freeze_panes(1, 0)
        explanation = book.add_worksheet("说明")
        explanation.set_column(0, 0, 90)
        for row, note in enumerate(notes):
            explanation.write_string(row, 0, harmless(note))
    return out.getvalue()
