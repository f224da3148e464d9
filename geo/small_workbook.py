"""Small workbooks of Excel: texts stay texts, and the same content gives the same bytes.

Tables of pages and the forms to fill in are written with openpyxl, which reads people's workbooks as well.
Layers, which may be large, are streamed (`exports.workbook`).
"""

from __future__ import annotations

import datetime as dt
import io
import math
import re
import zipfile
from typing import Final

from openpyxl import Workbook
from openpyxl.cell import Cell
from openpyxl.styles import PatternFill
from openpyxl.styles.colors import Color
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet
from openpyxl.xml.functions import tostring

_MADE: Final = dt.datetime(2000, 1, 1)
_FIRST_DAY: Final = (1980, 1, 1, 0, 0, 0)
_CORE: Final = "docProps/core.xml"
# What XML cannot hold is written as its number.
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]")


def new_workbook() -> Workbook:
    """Return a workbook without a sheet, and without the name of who made it."""
    book = Workbook()
    book.remove(book.active)
    book.properties.creator = None
    book.properties.created = _MADE
    return book


def put(sheet: Worksheet, row: int, column: int, value: object) -> Cell:
    """Write a value to a cell (counted from 1) and return the cell; a text is never a formula or an error.

    A text without a letter leaves the cell empty.
    """
    if isinstance(value, float) and not math.isfinite(value):
        value = str(value)
    if not isinstance(value, str):
        return sheet.cell(row, column, value)
    text = _CONTROL.sub(lambda found: f"_x{ord(found[0]):04X}_", value)
    cell = sheet.cell(row, column, text or None)
    if text:
        cell.data_type = "s"
    return cell


def set_width(sheet: Worksheet, column: int, characters: float) -> None:
    """Make a column (counted from 1) wide enough for so many digits, as Excel counts them."""
    pixels = int(characters * 7 + 0.5) + 5
    sheet.column_dimensions[get_column_letter(column)].width = int(pixels / 7 * 256) / 256


def solid(colour: str) -> PatternFill:
    """Return a fill of one colour (RRGGBB)."""
    return PatternFill("solid", fgColor=f"FF{colour}", bgColor=Color(indexed=64))


def workbook_bytes(book: Workbook) -> bytes:
    """Return the file: the same bytes for the same content, whenever it is written. Raises ``OSError``."""
    saved, out = io.BytesIO(), io.BytesIO()
    book.save(saved)
    book.properties.modified = _MADE
    with zipfile.ZipFile(saved) as parts, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name in parts.namelist():
            content = tostring(book.properties.to_tree()) if name == _CORE else parts.read(name)
            part = zipfile.ZipInfo(name, _FIRST_DAY)
            part.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(part, content)
    return out.getvalue()
