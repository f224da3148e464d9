"""Read a person's CSV or XLSX into text cells that still know where they stood, within fixed bounds.

Nothing here knows what the columns mean. The file is bounded before it is opened (size), while it is
unpacked (XLSX) and while it is read (rows, columns, cells). What makes the file unreadable raises at once;
what is wrong with single cells (formulas, unseen characters, mixed encodings) is kept in
``RawTable.faults``, so that the caller reports it together with everything else.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd
from openpyxl.utils import get_column_letter

from data.faults import Fault
from data.ingest.cells import match_key, shown, unseen_characters
from data.ingest.csv_reader import read_csv_rows
from data.ingest.reading import CellFault, CellFaults, FaultList, Limits, Reading, fatal
from data.ingest.xlsx_reader import read_xlsx_rows

TEXT_SUFFIXES: Final = (".csv", ".tsv", ".txt")
_CHUNK_ROWS = 20_000
_HEAD_ROWS = 10


@dataclass(frozen=True)
class RawTable:
    """A table as text.

    ``header`` are the header texts in file order; ``cells`` has columns 0…n-1 in the same order and the
    row numbers people see (header line included) as its index, wholly blank rows left out. ``head`` are the
    first rows at their own width, in case the header stands further down. ``faults`` are the cell faults
    found while reading. ``delimiter`` is None for a workbook.
    """

    file: str
    sheet: str | None
    header: tuple[str, ...]
    header_row: int
    head: tuple[tuple[int, tuple[str, ...]], ...]
    cells: pd.DataFrame
    faults: tuple[Fault, ...]
    delimiter: str | None
    notes: tuple[str, ...]

    @property
    def is_workbook(self) -> bool:
        """Whether the table came from an XLSX sheet."""
        return self.delimiter is None


def check_file(path: Path, limits: Limits) -> None:
    """Refuse, before opening it, what is no plain, readable, small enough file of a known kind.

    Raises ``FaultReport``; symbolic links are followed.
    """
    name = path.name
    if path.is_dir():
        raise fatal(name, "这是文件夹，不是文件", "选择其中的 CSV 或 XLSX 文件")
    if not path.exists():
        raise fatal(name, "找不到这个文件", "核对路径和文件名")
    if not path.is_file():
        raise fatal(name, "这不是普通文件", "把内容存成 CSV 或 XLSX 文件再导入")
    size = path.stat().st_size
    if size == 0:
        raise fatal(name, "文件是空的（0 字节）", "重新保存或重新取得该文件")
    if size > limits.file_bytes:
        problem = f"文件有 {size / 1e6:.0f} MB，超过上限 {limits.file_bytes / 1e6:.0f} MB"
        raise fatal(name, problem, "确认选对了文件；数据确实很多时按年份或地区拆成几个文件")


def read_table(path: Path, *, sheet: str | None = None, limits: Limits | None = None) -> RawTable:
    """Return the table in ``path`` (CSV, TSV, TXT or XLSX) as text cells with their addresses.

    ``sheet`` names the sheet of a workbook; without it the sheet 填报 is read, or else the only sheet that
    holds anything. Raises ``FaultReport`` when the file cannot be read, is out of bounds, or has no header.
    """
    bounds = limits or Limits()
    check_file(path, bounds)
    try:
        if _kind(path) == "xlsx":
            reading = read_xlsx_rows(path, sheet, bounds)
        else:
            reading = read_csv_rows(path, bounds)
        return _assemble(path.name, reading, bounds)
    except PermissionError as error:
        raise fatal(
            path.name, "没有读取这个文件的权限", "请文件所有者授予读取权限，或复制一份再导入"
        ) from error


def _kind(path: Path) -> str:
    """Return ``xlsx`` or ``text`` by extension and first bytes, which must agree."""
    with path.open("rb") as handle:
        head = handle.read(8)
    suffix = path.suffix.lower()
    zipped, ole = head.startswith(b"PK"), head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    save_as = "在 Excel 或 WPS 中另存为“Excel 工作簿（.xlsx）”"
    if suffix == ".xlsm":
        raise fatal(path.name, "带宏的工作簿（.xlsm）不接收", f"{save_as}（不带宏）")
    if suffix in {".xls", ".et", ".ods", ".xlsb", ".numbers"}:
        raise fatal(path.name, f"不接收 {suffix} 格式", save_as)
    if suffix == ".xlsx":
        if ole and _is_encrypted(path):
            raise fatal(path.name, "工作簿设有打开密码", "在 Excel 中取消打开密码后重新保存")
        if ole:
            raise fatal(path.name, "扩展名是 .xlsx，内容却是旧版 .xls", save_as)
        if not zipped:
            raise fatal(path.name, "扩展名是 .xlsx，内容却不是 XLSX 工作簿", f"用 Excel 打开核对，{save_as}")
        return "xlsx"
    if suffix in TEXT_SUFFIXES:
        if zipped or ole:
            problem = f"扩展名是 {suffix}，内容却是工作簿或压缩包"
            raise fatal(path.name, problem, f"改成正确的扩展名，或{save_as}")
        return "text"
    raise fatal(path.name, f"不接收“{path.suffix or '无扩展名'}”这类文件", "另存为 CSV 或 .xlsx 后导入")


def _is_encrypted(path: Path) -> bool:
    """Whether an OLE file is an encrypted workbook: its directory then names the stream EncryptedPackage."""
    with path.open("rb") as handle:
        return "EncryptedPackage".encode("utf-16-le") in handle.read(50_000_000)


def _assemble(file: str, reading: Reading, limits: Limits) -> RawTable:
    """Take the rows within bounds, split off the header and give each cell fault its header text."""
    assembly = _Assembly(file, reading, limits)
    for number, raw in reading.rows:
        if number > limits.rows + 1:
            raise fatal(file, f"行数超过上限 {limits.rows}", "按年份或地区拆成几个文件", sheet=reading.sheet)
        assembly.take(number, raw)
    return assembly.table()


class _Assembly:
    """A table under way: the header once it came, and the rows below it in chunks that weigh little."""

    def __init__(self, file: str, reading: Reading, limits: Limits) -> None:
        self.file, self.reading, self.limits = file, reading, limits
        self.header: list[str] = []
        self.header_row = self.header_width = 0
        self.head: list[tuple[int, tuple[str, ...]]] = []
        self.faults = FaultList(file, reading.sheet)
        self._chunks: list[pd.DataFrame] = []
        self._numbers: list[int] = []
        self._rows: list[list[str]] = []
        self._taken = 0

    def take(self, number: int, raw: list[str]) -> None:
        """Take one row unless it is blank: the first is the header."""
        if _is_clean(raw, self.limits):
            if not any(raw):
                return
            cells = raw
        else:
            if not any(cell.strip() for cell in raw):
                return
            cells = _clean_row(number, raw, self.reading.faults, self.limits)
        if not self.header:
            self._take_header(number, raw, _trimmed(cells))
            return
        if len(self.head) < _HEAD_ROWS:
            self.head.append((number, tuple(_trimmed(cells))))
        if len(raw) > self.header_width:
            self._report_width(number, raw, cells)
        columns = len(self.header)
        self._taken += columns
        if self._taken > self.limits.cells:
            problem = f"单元格数超过上限 {self.limits.cells}"
            raise fatal(self.file, problem, "按年份或地区拆成几个文件", sheet=self.reading.sheet)
        if len(cells) != columns:
            cells = (cells[:columns] + [""] * columns)[:columns]
        self._numbers.append(number)
        self._rows.append(cells)
        if len(self._rows) == _CHUNK_ROWS:
            self._chunk()

    def _take_header(self, number: int, raw: list[str], cells: list[str]) -> None:
        if len(cells) > self.limits.columns:
            problem = f"有 {len(cells)} 列，超过上限 {self.limits.columns}"
            remedy = "每行只写一个数值（长表），不要一个年份或指标占一列"
            raise fatal(self.file, problem, remedy, sheet=self.reading.sheet)
        self.header, self.header_row, self.header_width = cells, number, self._width(raw, cells)

    def _width(self, raw: list[str], cells: list[str]) -> int:
        """Return how wide a row is; ``cells`` are those of ``raw`` without the empty ones at the end."""
        # A separator too many shows in delimited text even where the cell behind it is empty.
        return len(cells) if self.reading.delimiter is None else len(raw)

    def _report_width(self, number: int, raw: list[str], cells: list[str]) -> None:
        width = self._width(raw, _trimmed(cells))
        if width <= self.header_width:
            return
        if self.faults.full:
            self.faults.count(1)
        else:
            self.faults.add(number, None, *_too_wide(width, self.header_width, self.reading.delimiter))

    def _chunk(self) -> None:
        """Put the rows at hand away, column by column, where a text takes little more than its bytes."""
        columns = zip(*self._rows, strict=True) if self._rows else ((),) * len(self.header)
        texts = {place: pd.array(list(column), dtype="str") for place, column in enumerate(columns)}
        self._chunks.append(pd.DataFrame(texts, index=pd.Index(self._numbers, dtype="int64")))
        self._numbers, self._rows = [], []

    def table(self) -> RawTable:
        """Return the table; ``FaultReport`` when there was not even a header."""
        if not self.header:
            raise fatal(self.file, "没有任何内容", "填写表头和数据后再导入", sheet=self.reading.sheet)
        self._chunk()
        frame = pd.concat(self._chunks) if len(self._chunks) > 1 else self._chunks[0]
        _check_header(self.header, self.header_row, frame, self.faults)
        for found in self.reading.faults:
            label = _label(self.header, found.column)
            self.faults.add(found.row, label, found.problem, found.remedy)
        self.faults.count(self.reading.faults.uncounted)
        return RawTable(
            file=self.file,
            sheet=self.reading.sheet,
            header=tuple(self.header),
            header_row=self.header_row,
            head=tuple(self.head),
            cells=frame,
            faults=tuple(self.faults.report()),
            delimiter=self.reading.delimiter,
            notes=tuple(self.reading.notes),
        )


def _label(header: list[str], column: int | None) -> str | None:
    """Return how a fault names a column: its header, or its letter where it has none."""
    if column is None:
        return None
    return header[column] if column < len(header) and header[column] else get_column_letter(column + 1)


def _is_clean(raw: list[str], limits: Limits) -> bool:
    """Whether the cells can be taken as they stand; most rows can, and this sees it at one look."""
    text = ",".join(raw)
    if not text.isprintable() or len(text) > limits.cell_chars:
        return False
    # The only white space that is printable is the space.
    return " " not in text or not (text[0] == " " or text[-1] == " " or " ," in text or ", " in text)


def _clean_row(number: int, raw: list[str], faults: CellFaults, limits: Limits) -> list[str]:
    """Strip the cells, report unseen characters and oversized text."""
    cells = []
    for column, text in enumerate(raw):
        cell = text.strip()
        if len(cell) > limits.cell_chars:
            problem = f"单元格有 {len(cell)} 个字符，超过上限 {limits.cell_chars}"
            faults.append(CellFault(number, column, problem, "缩短内容；若是引号不成对，补上缺的引号"))
            cell = ""
        elif not cell.isprintable():
            _report_unseen(number, column, cell, faults)
            cell = " ".join(cell.split())
        cells.append(cell)
    return cells


def _report_unseen(number: int, column: int, cell: str, faults: CellFaults) -> None:
    """Report a cell with characters that nobody sees."""
    unseen = unseen_characters("".join(dict.fromkeys(cell)))
    if not unseen:
        return
    if faults.full:
        faults.uncounted += 1
        return
    problem = f"“{shown(cell)}”含看不见的字符 {'、'.join(sorted(unseen)[:3])}"
    faults.append(CellFault(number, column, problem, "清空该单元格后重新键入"))


def _trimmed(cells: list[str]) -> list[str]:
    """Return the cells without the empty ones at the end."""
    last = next((place for place in range(len(cells), 0, -1) if cells[place - 1]), 0)
    return cells[:last]


def _too_wide(width: int, header_width: int, delimiter: str | None) -> tuple[str, str]:
    """Return problem and remedy of a row with more cells than the header."""
    remedy = "补上缺的表头，或清空多出的单元格"
    if delimiter == ",":
        remedy = "数值里的千分位逗号请去掉；文字里有逗号时给该格加英文双引号"
    return f"该行有 {width} 格，表头只有 {header_width} 列", remedy


def _check_header(header: list[str], row: int, frame: pd.DataFrame, faults: FaultList) -> None:
    """Report headers that stand twice, and columns with data but no header."""
    first: dict[str, int] = {}
    for column, text in enumerate(header):
        letter = get_column_letter(column + 1)
        if not text:
            if len(frame) and (frame[column] != "").any():
                faults.add(row, letter, f"{letter} 列有数据却没有表头", "补上表头，或清空该列")
            continue
        key = match_key(text)
        if key in first:
            problem = f"表头“{shown(text)}”重复（{get_column_letter(first[key] + 1)} 列和 {letter} 列）"
            faults.add(row, letter, problem, "只保留一列，或改成不同的表头")
        first.setdefault(key, column)
