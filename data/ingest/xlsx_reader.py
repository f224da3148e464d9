"""An XLSX sheet into rows of text: unpacked within bounds, formulas and merged cells refused."""

import datetime as dt
import re
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.parsers import expat

import openpyxl
from openpyxl.utils import get_column_letter

from data.ingest.cells import number_text, percent_text, shown
from data.ingest.faults import FaultReport
from data.ingest.reading import DEFINITION_SHEET, EXPORT_SHEETS, FORM_SHEET, CellFault, Limits, Reading, fatal

_SAVE_AGAIN = "用 Excel 打开核对，另存为“Excel 工作簿（.xlsx）”；打不开就重新取得该文件"
_PASTE_VALUES = "复制该区域后“选择性粘贴—数值”，再保存"
_MERGE = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]{1,3}\d{1,7}):([A-Z]{1,3}\d{1,7})"')
_ROW_TAG = re.compile(rb"</?(?:\w+:)?row\b")
_HEAD_BYTES = 4096
_READ_BYTES = 1 << 20
_STRETCH_BYTES = 8_000_000
"""The library holds one row, or what follows the last, in memory at once: no honest row is this long."""

_STRINGS_BYTES = 100_000_000
"""All shared strings are held at once."""


def read_xlsx_rows(path: Path, sheet: str | None, limits: Limits) -> Reading:
    """Return the rows of one sheet as text.

    Whole numbers come without ``.0`` and never with an exponent; a cell shown as per cent comes as shown
    (``85%``); dates as ``YYYY-MM-DD``. Formulas, error values and merged cells become faults of the reading.
    Raises ``FaultReport`` when the archive is damaged, out of bounds, has macros, or no sheet can be chosen.
    """
    check_archive(path, limits)
    with _damage(path.name):
        book = _open(path)
    try:
        with _damage(path.name):
            chosen, notes = _choose(path.name, book, sheet, limits)
        reading = Reading(sheet=chosen.title, rows=iter(()), notes=notes)
        reading.faults += _scan(path, chosen)
    except BaseException:
        book.close()
        raise
    reading.rows = _rows(path.name, book, chosen, reading.faults)
    return reading


def sheet_names(path: Path, limits: Limits) -> list[str]:
    """Return the names of the workbook's worksheets in order; raises as ``read_xlsx_rows``."""
    check_archive(path, limits)
    with _damage(path.name):
        book = _open(path)
    try:
        return [sheet.title for sheet in book.worksheets]
    finally:
        book.close()


class _damage:  # noqa: N801 - used like a function
    """Turn whatever a damaged workbook raises inside the library into one fault."""

    def __init__(self, file: str) -> None:
        self.file = file

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        # A damaged part can raise nearly anything: the library trusts its input.
        if isinstance(error, Exception) and not isinstance(
            error, FaultReport | PermissionError | MemoryError
        ):
            raise fatal(self.file, "工作簿已损坏或不完整", _SAVE_AGAIN) from error


def check_archive(path: Path, limits: Limits) -> None:
    """Refuse an archive before unpacking it: damaged, encrypted, too large inside, with macros or a DTD.

    The declared sizes are a true bound: ``zipfile`` never unpacks more of a part than it declares.
    """
    file = path.name
    with _damage(file), zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
        names = {part.filename for part in parts}
        size = sum(part.file_size for part in parts)
        strings = max(
            (part.file_size for part in parts if part.filename.endswith("sharedStrings.xml")), default=0
        )
        if len(parts) > limits.parts or size > limits.unpacked_bytes or strings > _STRINGS_BYTES:
            problem = f"解压后有 {size / 1e6:.0f} MB、{len(parts)} 个部件，超过上限"
            raise fatal(
                file,
                problem,
                f"只保留数据表，粘贴到新工作簿再保存（上限 {limits.unpacked_bytes / 1e6:.0f} MB）",
            )
        if any(part.flag_bits & 1 for part in parts):
            raise fatal(file, "文件已加密", "取消密码后重新保存")
        if any(name.lower().endswith("vbaproject.bin") for name in names):
            raise fatal(file, "工作簿带有宏", "另存为不带宏的“Excel 工作簿（.xlsx）”")
        if "xl/workbook.bin" in names:
            raise fatal(file, "内容是二进制工作簿（.xlsb）", "另存为“Excel 工作簿（.xlsx）”")
        if "[Content_Types].xml" not in names:
            raise fatal(file, "扩展名是 .xlsx，内容却是普通压缩包", "选择 XLSX 工作簿，不要选压缩包")
        for part in parts:
            if part.filename.endswith((".xml", ".rels")):
                _refuse_dtd(file, archive, part)


def _refuse_dtd(file: str, archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Refuse a part that declares entities: spreadsheet programs write none, and they can read files."""
    seen: list[str] = []
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = lambda *_: seen.append("doctype")
    parser.StartElementHandler = lambda *_: seen.append("element")
    with archive.open(part) as handle:
        # A DTD can only stand before the first element, so the rest of the part need not be read.
        while not seen and (block := handle.read(_HEAD_BYTES)):
            parser.Parse(block)
    if seen[:1] == ["doctype"]:
        raise fatal(file, "工作簿里有外部实体声明，可能有害", "重新取得可信的文件")


def _open(path: Path) -> Any:
    with warnings.catch_warnings():
        # The library warns of styles and extensions it drops; only values are read here.
        warnings.simplefilter("ignore")
        return openpyxl.load_workbook(path, read_only=True, data_only=False, keep_links=False)


def _choose(file: str, book: Any, sheet: str | None, limits: Limits) -> tuple[Any, list[str]]:
    """Return the sheet to read, and notes on sheets passed over."""
    sheets = {ws.title: ws for ws in book.worksheets}
    if not sheets:
        raise fatal(file, "工作簿里没有工作表", "把数据放进工作表再保存")
    if sheet is not None:
        if sheet not in sheets:
            raise fatal(file, f"没有名为“{shown(sheet)}”的工作表", f"现有：{'、'.join(map(shown, sheets))}")
        return sheets[sheet], []
    if FORM_SHEET in sheets:
        return sheets[FORM_SHEET], []
    visible = [ws for ws in sheets.values() if ws.sheet_state == "visible"]
    hidden = [ws.title for ws in sheets.values() if ws.sheet_state != "visible"]
    filled = [ws for ws in visible if _has_content(ws)]
    if set(EXPORT_SHEETS) <= set(sheets):
        # A workbook of our own export: what comes along with the rows is not data.
        filled = [ws for ws in filled if ws.title not in {*EXPORT_SHEETS, DEFINITION_SHEET}]
    notes = [f"隐藏的工作表“{shown(title)}”未读取" for title in hidden]
    if len(filled) > 1:
        names = "、".join(shown(ws.title) for ws in filled)
        raise fatal(
            file, f"有多个工作表有内容（{names}）", f"把要导入的工作表改名为“{FORM_SHEET}”，或只留一个"
        )
    if not filled:
        problem = "工作表是空的" if not hidden else "可见的工作表是空的，数据可能在隐藏的工作表里"
        raise fatal(file, problem, "填写表头和数据后再导入", sheet=visible[0].title if visible else None)
    return filled[0], notes


def _has_content(sheet: Any) -> bool:
    sheet.reset_dimensions()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number, row in enumerate(sheet.iter_rows(values_only=True)):
            if any(value not in {None, ""} for value in row):
                return True
            if number > 1_000:
                return False
    return False


def _scan(path: Path, sheet: Any) -> list[CellFault]:
    """Return a fault for each merged range, which the streaming reader does not tell.

    Raises ``FaultReport`` when a stretch between two row tags is too long to be held in memory.
    """
    faults: list[CellFault] = []
    tail = b""
    stretch = 0
    with _damage(path.name), zipfile.ZipFile(path) as archive, archive.open(sheet._worksheet_path) as part:
        while block := part.read(_READ_BYTES):
            rows = [match.start() for match in _ROW_TAG.finditer(block)]
            if stretch + (rows[0] if rows else len(block)) > _STRETCH_BYTES:
                problem = "有一行（或一段格式）异常地长，不像是人工填写的表"
                raise fatal(path.name, problem, "只把数据粘贴到新工作簿再保存", sheet=sheet.title)
            stretch = len(block) - rows[-1] if rows else stretch + len(block)
            text = tail + block
            cut = text.rfind(b"<")
            for match in _MERGE.finditer(text, 0, cut):
                first, last = match[1].decode(), match[2].decode()
                row, column = _address(first)
                problem = f"单元格 {first}:{last} 是合并的"
                faults.append(CellFault(row, column, problem, "取消合并，每格都填写内容"))
            tail = text[max(cut, 0) :] if len(text) - cut < _READ_BYTES else b""
    return faults


def _address(reference: str) -> tuple[int, int]:
    row, column = openpyxl.utils.cell.coordinate_to_tuple(reference)
    return int(row), int(column) - 1


def _rows(file: str, book: Any, sheet: Any, faults: list[CellFault]) -> Iterator[tuple[int, list[str]]]:
    """Yield numbered rows of text and close the workbook at the end."""
    sheet.reset_dimensions()
    formats: dict[int, str] = {}
    try:
        iterator = enumerate(sheet.iter_rows(), start=1)
        while True:
            with _damage(file), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                item = next(iterator, None)
                if item is None:
                    return
                number, cells = item
                texts = [_text(cell, number, column, formats, faults) for column, cell in enumerate(cells)]
            yield number, texts
    finally:
        book.close()


def _text(cell: Any, row: int, column: int, formats: dict[int, str], faults: list[CellFault]) -> str:
    """Return what one cell holds as text; a formula or an error value becomes a fault and an empty text."""
    value, kind = cell.value, cell.data_type
    if value is None:
        return ""
    if kind in {"f", "e"}:
        faults.append(_refused(value, kind, row, column))
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        style = cell._style_id
        if style not in formats:
            formats[style] = str(cell.number_format)
        return percent_text(value) if "%" in formats[style] else number_text(value)
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return value.date().isoformat()
    return str(value)


def _refused(value: Any, kind: str, row: int, column: int) -> CellFault:
    address = f"{get_column_letter(column + 1)}{row}"
    if kind == "e":
        remedy = "改正后填写数值；没有数值时留空并在“备注”列写明原因"
        return CellFault(row, column, f"单元格 {address} 是错误值 {shown(str(value))}", remedy)
    # An array or table formula is an object, not a string.
    formula = value if isinstance(value, str) else getattr(value, "text", None) or "="
    return CellFault(row, column, f"单元格 {address} 是公式 {shown(formula)}", _PASTE_VALUES)
