"""An XLSX sheet into rows of text: bounded before it is unpacked, formulas and merged cells refused.

Of a workbook's parts only those that hold the directory, the strings, the styles and sheets are opened, each
after its bytes were looked at.

A parser holds a whole tag, a whole row, or all of a part in memory: here each is bounded first. Every part is
read in blocks and no faster way round is open: only UTF-8, no DTD.
"""

import re
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

import numpy as np
import openpyxl
from openpyxl.packaging.relationship import get_rels_path
from openpyxl.reader.excel import ExcelReader, _find_workbook_part
from openpyxl.styles.stylesheet import apply_stylesheet
from openpyxl.xml.constants import ARC_CONTENT_TYPES, ARC_STYLE, SHARED_STRINGS

from data.faults import FaultReport
from data.ingest.cells import shown
from data.ingest.reading import (
    DEFINITION_SHEET,
    EXPORT_SHEETS,
    FORM_SHEET,
    MAX_FAULTS,
    CellFault,
    Limits,
    Reading,
    check_entries,
    fatal,
    worst_ratio,
)
from data.ingest.xlsx_rows import SheetRows
from data.registry.limit_models import MEGABYTE, exceeded

ROW: re.Pattern[bytes] = re.compile(rb"</?(?:\w+:)?row\b")
STRING: re.Pattern[bytes] = re.compile(rb"<(?:\w+:)?si\b")

_MERGE = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]{0,200}?ref="([A-Z]{1,3}\d{1,7}):([A-Z]{1,3}\d{1,7})"')
_OPENER = re.compile(rb"<!--|<\?")
_HEAD_BYTES = 4096
_READ_BYTES = 1 << 20
_LESS_THAN = ord("<")
_CELL = ord("c")
_ENDS_NAME = np.zeros(256, dtype=bool)
_ENDS_NAME[list(b" />\t\r\n")] = True
_LAST_ROW = 1_048_576
_UTF8 = {"utf-8", "utf8", "us-ascii", "ascii"}


@dataclass
class PartCounts:
    """What one part holds: tags, cells, records (rows or strings), merged ranges as first and last cell."""

    tags: int = 0
    cells: int = 0
    records: int = 0
    merged: list[tuple[str, str]] = field(default_factory=list)


def check_head(file: str, archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Refuse a part that declares entities, which can read files, or another encoding than UTF-8.

    Spreadsheet programs write neither. Raises ``FaultReport``, and what ``expat`` raises of a broken head.
    """
    seen: list[str] = []
    encodings: list[str] = []
    parser = expat.ParserCreate()
    parser.XmlDeclHandler = lambda _version, encoding, _alone: encodings.append(encoding or "utf-8")
    parser.StartDoctypeDeclHandler = lambda *_: seen.append("doctype")
    parser.StartElementHandler = lambda *_: seen.append("element")
    left = _READ_BYTES
    with archive.open(part) as handle:
        # A DTD can only stand before the first element, so the rest of the part need not be read.
        while not seen and left > 0 and (block := handle.read(_HEAD_BYTES)):
            if b"\x00" in block or (encodings and encodings[0].lower() not in _UTF8):
                break
            left -= len(block)
            parser.Parse(block)
        odd = not seen and (b"\x00" in block or left <= 0)
    if seen[:1] == ["doctype"]:
        raise fatal(file, "工作簿里有外部实体声明，可能有害", "重新取得可信的文件")
    if odd or (encodings and encodings[0].lower() not in _UTF8):
        raise fatal(file, f"工作簿的部件“{shown(part.filename)}”不是 UTF-8 编码的 XML", _SAVE_AGAIN)


def scan_part(
    file: str,
    archive: zipfile.ZipFile,
    part: zipfile.ZipInfo | str,
    limits: Limits,
    *,
    record: re.Pattern[bytes] | None = None,
    sheet: str | None = None,
) -> PartCounts:
    """Return what a part holds; with ``record`` no more than a row's bytes may lie between two of them.

    Raises ``FaultReport`` when a tag, a comment, a text or a record is longer than the limits allow, or the
    cells of a sheet are more.
    """
    # A part is opened under whatever name the directory gives it.
    check_head(file, archive, part if isinstance(part, zipfile.ZipInfo) else archive.getinfo(part))
    scan = _Scan(file, sheet, limits, record)
    with archive.open(part) as handle:
        while block := handle.read(_READ_BYTES):
            scan.take(block)
    scan.close()
    return scan.counts


class _Scan:
    """One part under way."""

    def __init__(
        self, file: str, sheet: str | None, limits: Limits, record: re.Pattern[bytes] | None
    ) -> None:
        self.file, self.sheet, self.limits, self.record = file, sheet, limits, record
        self.counts = PartCounts()
        self._since_tag = self._since_record = 0
        self._open = self._tail = b""

    def take(self, block: bytes) -> None:
        """Look at the next block."""
        self._tags(block)
        self._comments(block)
        if self.record is not None:
            self._records(block, self.record)
            self._merges(block)
        if self.counts.cells > self.limits.cells:
            raise FaultReport([exceeded("table.cells", self.file, most=self.limits.cells, sheet=self.sheet)])

    def close(self) -> None:
        """Look at what follows the last tag."""
        self._bound_tag(self._since_tag)

    def _tags(self, block: bytes) -> None:
        values = np.frombuffer(block, dtype=np.uint8)
        places = np.flatnonzero(values == _LESS_THAN)
        self.counts.tags += len(places)
        if not len(places):
            self._since_tag += len(block)
            self._bound_tag(self._since_tag)
            return
        self._bound_tag(self._since_tag + int(places[0]))
        if len(places) > 1:
            self._bound_tag(int(np.diff(places).max()))
        self._since_tag = len(block) - int(places[-1])
        if self.record is ROW:
            inner = places[places < len(block) - 2]
            named = inner[values[inner + 1] == _CELL]
            self.counts.cells += int(_ENDS_NAME[values[named + 2]].sum())
            self.counts.cells += block.count(b":c ") + block.count(b":c>") + block.count(b":c/")

    def _bound_tag(self, size: int) -> None:
        if size > self.limits.tag_bytes:
            most = self.limits.tag_bytes / 1000
            raise FaultReport([exceeded("table.tag_kb", self.file, most=most, sheet=self.sheet)])

    def _comments(self, block: bytes) -> None:
        """Bound comments and instructions, which may hold any tags and are parsed as one piece."""
        text = self._open + block
        at = 0
        while opener := _OPENER.search(text, at):
            closer = b"-->" if opener[0] == b"<!--" else b"?>"
            end = text.find(closer, opener.end())
            if end < 0:
                self._bound_tag(len(text) - opener.start())
                self._open = text[opener.start() :]
                return
            self._bound_tag(end - opener.start())
            at = end
        self._open = text[max(at, len(text) - 3) :]

    def _records(self, block: bytes, record: re.Pattern[bytes]) -> None:
        found = [match.start() for match in record.finditer(block)]
        self.counts.records += len(found)
        self._bound_records(record)
        stretch = self._since_record + (found[0] if found else len(block))
        if len(found) > 1:
            stretch = max(stretch, int(np.diff(found).max()))
        if stretch > self.limits.row_bytes:
            most = self.limits.row_bytes / 1e6
            raise FaultReport([exceeded("table.row_mb", self.file, most=most, sheet=self.sheet)])
        self._since_record = len(block) - found[-1] if found else self._since_record + len(block)

    def _bound_records(self, record: re.Pattern[bytes]) -> None:
        """Stop where strings are too many, or rows (a tag at each end) more than a sheet can have."""
        if record is ROW and self.counts.records > 2 * _LAST_ROW:
            raise FaultReport([exceeded("table.rows", self.file, most=self.limits.rows, sheet=self.sheet)])
        if record is STRING and self.counts.records > self.limits.strings:
            raise FaultReport([exceeded("table.strings", self.file, most=self.limits.strings)])

    def _merges(self, block: bytes) -> None:
        text = self._tail + block
        cut = max(text.rfind(b"<"), 0)
        for match in _MERGE.finditer(text, 0, cut):
            self.counts.merged.append((match[1].decode(), match[2].decode()))
        self._tail = text[cut:]


_SAVE_AGAIN = "用 Excel 打开核对，另存为“Excel 工作簿（.xlsx）”；打不开就重新取得该文件"
_WORKSHEET = "worksheet"
_LOOKED_AT_ROWS = 1_000


@dataclass(frozen=True)
class _Sheet:
    """A worksheet by its title: whether it is shown, and the part that holds it."""

    title: str
    state: str
    part: str


def read_xlsx_rows(path: Path, sheet: str | None, limits: Limits) -> Reading:
    """Return the rows of one sheet as text; rows without content are left out.

    Whole numbers come without ``.0`` and never with an exponent; a cell shown as per cent comes as shown
    (``85%``); dates as ``YYYY-MM-DD``. Formulas, error values and merged cells become faults of the reading.
    Raises ``FaultReport`` when the archive is damaged, out of bounds, has macros, or no sheet can be chosen.
    """
    check_archive(path, limits)
    with _damage(path.name):
        book = _Book(path, limits)
    try:
        with _damage(path.name):
            chosen, notes = _choose(path.name, book, sheet)
            reading = Reading(sheet=chosen.title, rows=iter(()), notes=notes)
            reading.faults += book.merged(chosen)
    except BaseException:
        book.close()
        raise
    reading.rows = _rows(path.name, book, chosen, reading.faults)
    return reading


def sheet_names(path: Path, limits: Limits) -> list[str]:
    """Return the names of the workbook's worksheets in order; raises as ``read_xlsx_rows``."""
    check_archive(path, limits)
    with _damage(path.name):
        book = _Book(path, limits, cells=False)
        book.close()
    return [sheet.title for sheet in book.sheets]


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
        _check_sizes(file, parts, limits)
        if any(part.flag_bits & 1 for part in parts):
            raise fatal(file, "文件已加密", "取消密码后重新保存")
        check_entries(file, archive, parts)
        if any(name.lower().endswith("vbaproject.bin") for name in names):
            raise fatal(file, "工作簿带有宏", "另存为不带宏的“Excel 工作簿（.xlsx）”")
        if "xl/workbook.bin" in names:
            raise fatal(file, "内容是二进制工作簿（.xlsb）", "另存为“Excel 工作簿（.xlsx）”")
        if ARC_CONTENT_TYPES not in names:
            raise fatal(file, "扩展名是 .xlsx，内容却是普通压缩包", "选择 XLSX 工作簿，不要选压缩包")
        for part in parts:
            if part.filename.endswith((".xml", ".rels")):
                check_head(file, archive, part)


def _check_sizes(file: str, parts: list[zipfile.ZipInfo], limits: Limits) -> None:
    size = sum(part.file_size for part in parts)
    ratio = worst_ratio(parts)
    if len(parts) > limits.parts:
        raise FaultReport([exceeded("table.parts", file, len(parts), most=limits.parts)])
    if size > limits.unpacked_bytes:
        most = limits.unpacked_bytes / MEGABYTE
        raise FaultReport([exceeded("table.unpacked_mb", file, size / MEGABYTE, most=most)])
    if ratio > limits.ratio:
        raise FaultReport([exceeded("table.ratio", file, ratio, most=limits.ratio)])


class _Book(ExcelReader):  # type: ignore[misc]  # the library has no types
    """A workbook whose directory, strings and styles are read, and whose sheets are not opened yet."""

    def __init__(self, path: Path, limits: Limits, *, cells: bool = True) -> None:
        """Read the directory; without ``cells`` neither strings nor styles. Raises ``FaultReport``."""
        self.file, self.limits = path.name, limits
        self.sheets: list[_Sheet] = []
        self._merged: dict[str, list[tuple[str, str]]] = {}
        super().__init__(str(path), read_only=True, keep_links=False)
        try:
            # The library warns of styles and extensions it drops; only values are read here.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._read_directory()
                if cells:
                    self._read_strings()
                    self._bound("table.styles_mb", ARC_STYLE, limits.styles_bytes, tags=True)
                    apply_stylesheet(self.archive, self.wb)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the archive."""
        self.archive.close()

    def rows(self, sheet: _Sheet, faults: list[CellFault]) -> Iterator[tuple[int, list[str]]]:
        """Yield the numbered rows of a sheet that have content."""
        self.merged(sheet)
        place = (self.file, sheet.title)
        rows = SheetRows(place, self.wb, self.shared_strings, self.limits, faults)
        with self.archive.open(sheet.part) as source:
            yield from rows.read(source)

    def merged(self, sheet: _Sheet) -> list[CellFault]:
        """Return a fault for each merged range, after the sheet's bytes were found to be within bounds."""
        if sheet.part not in self._merged:
            counts = scan_part(
                self.file, self.archive, sheet.part, self.limits, record=ROW, sheet=sheet.title
            )
            self._merged[sheet.part] = counts.merged
        return [_merge_fault(first, last) for first, last in self._merged[sheet.part][:MAX_FAULTS]]

    def _read_directory(self) -> None:
        limits = self.limits
        self._bound("table.index_mb", ARC_CONTENT_TYPES, limits.index_bytes, tags=True)
        self.read_manifest()
        part = _find_workbook_part(self.package).PartName[1:]
        for name in (part, get_rels_path(part)):
            self._bound("table.index_mb", name, limits.index_bytes, tags=True)
        self.read_workbook()
        if len(self.parser.sheets) > limits.sheets:
            found = len(self.parser.sheets)
            raise FaultReport([exceeded("table.sheets", self.file, found, most=limits.sheets)])
        for sheet, relation in self.parser.find_sheets():
            # A sheet elsewhere (another file, an address) is no part of the archive.
            inside = relation.TargetMode != "External" and relation.target in self.valid_files
            if inside and relation.Type.endswith(f"/{_WORKSHEET}"):
                self.sheets.append(_Sheet(sheet.name, sheet.state, relation.target))

    def _read_strings(self) -> None:
        found = self.package.find(SHARED_STRINGS)
        if found is None:
            return
        limits, name = self.limits, found.PartName[1:]
        self._bound("table.shared_strings_mb", name, limits.strings_bytes)
        scan_part(self.file, self.archive, name, limits, record=STRING)
        self.read_strings()

    def _bound(self, limit_id: str, name: str, most: int, *, tags: bool = False) -> None:
        """Refuse a part that is held in memory whole and is too large, or has too many tags."""
        size = self.archive.getinfo(name).file_size
        if size > most:
            raise FaultReport([exceeded(limit_id, self.file, size / MEGABYTE, most=most / MEGABYTE)])
        if not tags:
            return
        found = scan_part(self.file, self.archive, name, self.limits).tags
        if found > self.limits.tags:
            raise FaultReport([exceeded("table.tags", self.file, found, most=self.limits.tags)])


def _merge_fault(first: str, last: str) -> CellFault:
    row, column = openpyxl.utils.cell.coordinate_to_tuple(first)
    problem = f"单元格 {first}:{last} 是合并的"
    return CellFault(int(row), int(column) - 1, problem, "取消合并，每格都填写内容")


def _choose(file: str, book: _Book, sheet: str | None) -> tuple[_Sheet, list[str]]:
    """Return the sheet to read, and notes on sheets passed over."""
    sheets = {one.title: one for one in book.sheets}
    if not sheets:
        raise fatal(file, "工作簿里没有工作表", "把数据放进工作表再保存")
    if sheet is not None:
        if sheet not in sheets:
            names = "、".join(map(shown, list(sheets)[:20]))
            raise fatal(file, f"没有名为“{shown(sheet)}”的工作表", f"现有：{names}")
        return sheets[sheet], []
    if FORM_SHEET in sheets:
        return sheets[FORM_SHEET], []
    visible = [one for one in sheets.values() if one.state == "visible"]
    hidden = [one.title for one in sheets.values() if one.state != "visible"]
    filled = [one for one in visible if _has_content(book, one)]
    if set(EXPORT_SHEETS) <= set(sheets):
        # A workbook of our own export: what comes along with the rows is not data.
        filled = [one for one in filled if one.title not in {*EXPORT_SHEETS, DEFINITION_SHEET}]
    notes = [f"隐藏的工作表“{shown(title)}”未读取" for title in hidden[:20]]
    if len(filled) > 1:
        names = "、".join(shown(one.title) for one in filled[:20])
        raise fatal(
            file, f"有多个工作表有内容（{names}）", f"把要导入的工作表改名为“{FORM_SHEET}”，或只留一个"
        )
    if not filled:
        problem = "工作表是空的" if not hidden else "可见的工作表是空的，数据可能在隐藏的工作表里"
        raise fatal(file, problem, "填写表头和数据后再导入", sheet=visible[0].title if visible else None)
    return filled[0], notes


def _has_content(book: _Book, sheet: _Sheet) -> bool:
    """Whether a row near the top of the sheet holds anything, a formula included."""
    faults: list[CellFault] = []
    rows = book.rows(sheet, faults)
    number = next((number for number, _ in rows), None)
    return bool(faults) or (number is not None and number <= _LOOKED_AT_ROWS)


def _rows(file: str, book: _Book, sheet: _Sheet, faults: list[CellFault]) -> Iterator[tuple[int, list[str]]]:
    """Yield numbered rows of text and close the workbook at the end."""
    try:
        rows = book.rows(sheet, faults)
        while True:
            with _damage(file), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                item = next(rows, None)
            if item is None:
                return
            yield item
    finally:
        book.close()
