"""The table renderer: CSV and XLSX that open in a spreadsheet as they are, and in which nothing runs."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import pandas as pd
import xlsxwriter

_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n")


def harmless(text: str) -> str:
    """Return a text that a spreadsheet will not run as a formula: a risky one gets an apostrophe in front.

    So does one that begins with apostrophes and would be risky without them: what is taken off again when
    the table is imported is then always ours.
    """
    bare = text.lstrip("'")
    return f"'{text}" if bare.lstrip().startswith(_RISKY) or bare.startswith(_RISKY) else text


def _cell(value: object) -> object:
    """Return a value as a cell holds it: nothing for a missing one, harmless text, or the number."""
    if pd.api.types.is_scalar(value) and pd.isna(value):  # type: ignore[call-overload]
        return None
    if isinstance(value, str):
        return harmless(value)
    return value.item() if hasattr(value, "item") else value


def csv_bytes(table: pd.DataFrame, notes: Sequence[str] = ()) -> bytes:
    """Return ``table`` (without its index) as CSV: UTF-8 with BOM, so that Excel reads the Chinese.

    ``notes`` follow below the data, one line each, after an empty line.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([harmless(str(name)) for name in table.columns])
    for row in table.itertuples(index=False, name=None):
        writer.writerow(["" if (cell := _cell(value)) is None else cell for value in row])
    if notes:
        writer.writerow([])
        writer.writerows([harmless(note)] for note in notes)
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
            values = [_cell(value) for value in table.iloc[:, column]]
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
