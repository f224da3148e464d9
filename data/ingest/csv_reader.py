"""Delimited text into rows of text: encoding decided line by line, one record at a time.

A file is UTF-8 or GB18030, strictly. Text pasted together from both is told by its lines: a line that is
UTF-8 with characters beyond U+07FF is practically never GB18030 by chance, and the lines of the rarer kind
are faults.
"""

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.ingest.reading import CellFault, CellFaults, Limits, Reading, fatal

_HEAD_BYTES = 65_536
_BOM = b"\xef\xbb\xbf"
_DELIMITERS = (",", "\t", ";")
_KNOWN_CONTENT = (
    (b"%PDF", "PDF 文档"),
    (b"\x89PNG", "图片"),
    (b"\xff\xd8\xff", "图片"),
    (b"\x1f\x8b", "gzip 压缩包"),
    (b"Rar!", "RAR 压缩包"),
    (b"7z\xbc\xaf", "7z 压缩包"),
    (b"PAR1", "Parquet 文件"),
    (b"SQLite format 3", "数据库文件"),
)


_BLOCK = 1_000_000
_SURE_UTF8, _ONLY_GB, _EITHER, _NEITHER = 1, 2, 3, 4
_CODECS = {0: "ascii", _SURE_UTF8: "utf-8", _ONLY_GB: "gb18030", _EITHER: "gb18030", _NEITHER: "utf-8"}


@dataclass(frozen=True)
class _Text:
    """The bytes of a text, how they are read, and the numbers (from 1) of lines in another encoding.

    ``spans`` and ``kinds`` are None where one encoding reads every line; else they say where each line
    begins and ends, and what it is.
    """

    data: bytes
    encoding: str
    odd: np.ndarray
    spans: tuple[np.ndarray, np.ndarray] | None = None
    kinds: np.ndarray | None = None

    def lines(self) -> Iterator[str]:
        """Yield the lines from the first on, each with its end; they are never all in memory."""
        if self.spans is None or self.kinds is None:
            yield from io.TextIOWrapper(io.BytesIO(self.data), self.encoding, newline="")
            return
        for first in range(0, len(self.kinds), _BLOCK):
            block = slice(first, first + _BLOCK)
            starts, ends = (bounds[block].tolist() for bounds in self.spans)
            for start, end, kind in zip(starts, ends, self.kinds[block].tolist(), strict=True):
                yield self.data[start:end].decode(_CODECS[kind], errors="replace")


def read_csv_rows(path: Path, limits: Limits) -> Reading:
    """Return the records of a CSV, TSV or TXT file; row numbers count records, as a spreadsheet shows them.

    Raises ``FaultReport`` for content that is no text, broken quotes and undecidable encodings; lines of the
    minority encoding become faults of the reading.
    """
    with path.open("rb") as handle:
        head = handle.read(_HEAD_BYTES)
        _refuse_non_text(path.name, head)
        data = head + handle.read(limits.file_bytes + 1 - len(head))
    _refuse_many_lines(path.name, data, limits)
    text = _decode(path.name, data)
    delimiter = _delimiter(text.lines())
    reading = Reading(sheet=None, rows=iter(()), delimiter=delimiter)
    lines = _bounded(path.name, text, delimiter, limits)
    reading.rows = _records(path.name, lines, text, delimiter, reading.faults)
    return reading


def _refuse_non_text(file: str, head: bytes) -> None:
    """Refuse by the first bytes what no text table begins with, before the rest is read."""
    for magic, kind in _KNOWN_CONTENT:
        if head.startswith(magic):
            raise fatal(file, f"内容是{kind}，不是文本表格", "选择 CSV 或 .xlsx 文件")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise fatal(file, "文件是 UTF-16 编码（“Unicode 文本”）", "另存为“CSV UTF-8（逗号分隔）”")
    if head.lstrip().lower().startswith((b"<!doctype", b"<html", b"<table", b"<?xml")):
        raise fatal(file, "内容是网页，不是文本表格", "在 Excel 中打开后另存为 CSV 或 .xlsx")
    rubbish = sum(head.count(byte) for byte in (*range(9), *range(14, 32)))
    if b"\0" in head or rubbish > len(head) // 100:
        raise fatal(file, "内容是二进制数据，不是文本表格", "选择 CSV 或 .xlsx 文件")


def _refuse_many_lines(file: str, data: bytes, limits: Limits) -> None:
    """Refuse a text of more lines than a table may have cells, before anything is made of each line."""
    lines = data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")
    if lines > limits.cells:
        problem = f"文件有 {lines} 个换行，行数远超上限 {limits.rows}"
        raise fatal(file, problem, "删去空行；数据确实很多时按年份或地区拆成几个文件")


def _decode(file: str, data: bytes) -> _Text:
    """Return how the lines are read, each by its own encoding, so that cells around a fault read well."""
    marked = data.startswith(_BOM)
    data = data.removeprefix(_BOM)
    none = np.empty(0, dtype=np.int64)
    if _is_utf8(data):
        return _Text(data, "utf-8", none)
    spans = _line_spans(data)
    kinds = _classify(data, spans)
    utf8, gb, neither = (int((kinds == kind).sum()) for kind in (_SURE_UTF8, _ONLY_GB, _NEITHER))
    if neither > 20 and neither * 2 > utf8 + gb + neither:
        problem = "文件既不是 UTF-8 也不是 GB18030（GBK）编码"
        row = int(np.flatnonzero(kinds == _NEITHER)[0]) + 1
        raise fatal(file, problem, "用 Excel 另存为“CSV UTF-8（逗号分隔）”", row=row)
    if marked or utf8 >= gb:
        odd, encoding = (_ONLY_GB, _NEITHER), "UTF-8"
    else:
        odd, encoding = (_SURE_UTF8, _NEITHER), "GB18030（GBK）"
        if not utf8 and not neither:
            return _Text(data, "gb18030", none)
    return _Text(data, encoding, np.flatnonzero(np.isin(kinds, odd)) + 1, spans, kinds)


def _is_utf8(data: bytes) -> bool:
    """Whether all of ``data`` is UTF-8; looked at in blocks, so that no second copy of it is made."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for first in range(0, len(data), _BLOCK):
            decoder.decode(data[first : first + _BLOCK])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _line_spans(data: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Return where each line begins and ends; lines end as ``bytes.splitlines`` has it, their ends kept."""
    content = np.frombuffer(data, dtype=np.uint8)
    ends_here = content == ord("\n")
    returns = content == ord("\r")
    # A return right before a line feed belongs to it.
    returns[:-1] &= ~ends_here[1:]
    ends = np.flatnonzero(ends_here | returns) + 1
    if not len(ends) or ends[-1] < len(data):
        ends = np.append(ends, len(data))
    return np.concatenate([[0], ends[:-1]]), ends


def _classify(data: bytes, spans: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Return what each line is: ASCII (0), surely UTF-8, only GB18030, either, or neither of them.

    A line whose UTF-8 reading stays below U+0800 (Greek, Cyrillic …) is as well two bytes of GB18030 read
    wrongly: it says nothing about the file and is read as GB18030.
    """
    kinds = np.zeros(len(spans[0]), dtype=np.uint8)
    high = np.logical_or.reduceat(np.frombuffer(data, dtype=np.uint8) >= 0x80, spans[0])
    chosen = np.flatnonzero(high)
    for first in range(0, len(chosen), _BLOCK):
        block = chosen[first : first + _BLOCK]
        starts, ends = (bounds[block].tolist() for bounds in spans)
        kinds[block] = [_kind(data[start:end]) for start, end in zip(starts, ends, strict=True)]
    return kinds


def _kind(line: bytes) -> int:
    """Return what a line that is not ASCII is."""
    as_utf8 = _try(line, "utf-8")
    if as_utf8 is not None and max(as_utf8) >= "\u0800":
        return _SURE_UTF8
    if _try(line, "gb18030") is None:
        return _NEITHER
    return _ONLY_GB if as_utf8 is None else _EITHER


def _try(line: bytes, encoding: str) -> str | None:
    try:
        return line.decode(encoding)
    except UnicodeDecodeError:
        return None


def _delimiter(lines: Iterator[str]) -> str:
    """Return the delimiter that stands most often outside quotes in the first line with content."""
    first = next((line for line in lines if line.strip()), "")[:_BLOCK]
    outside = "".join(first.split('"')[::2])
    return max(_DELIMITERS, key=outside.count)


def _bounded(file: str, text: _Text, delimiter: str, limits: Limits) -> Iterator[str]:
    """Return the lines; one that would fall into more cells than a table may have is refused unsplit."""
    # The delimiters are ASCII; as second byte of a GB18030 character they do not occur.
    if text.data.count(delimiter.encode()) <= limits.cells:
        return text.lines()
    return _refusing_wide(file, text.lines(), delimiter, limits)


def _refusing_wide(file: str, lines: Iterator[str], delimiter: str, limits: Limits) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if len(line) > limits.cells and line.count(delimiter) > limits.cells:
            problem = f"第 {number} 行有 {line.count(delimiter)} 个分隔符，列数远超上限 {limits.columns}"
            raise fatal(file, problem, "删去多出的分隔符；每行只写一个数值（长表）")
        yield line


def _records(
    file: str, lines: Iterator[str], text: _Text, delimiter: str, faults: CellFaults
) -> Iterator[tuple[int, list[str]]]:
    """Yield numbered records; report those with an odd line or a formula."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    number, last_line = 0, 0
    odd = iter(text.odd.tolist())
    next_odd = next(odd, None)
    while True:
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise fatal(
                file,
                f"第 {last_line + 1} 行起引号不成对或位置不对（{_quote_problem(str(error))}）",
                "文字里的双引号写成两个，整格用一对英文双引号括起；或改用 .xlsx",
                row=number,
            ) from error
        last_line = reader.line_num
        if next_odd is not None and next_odd <= last_line:
            problem = f"该行的编码与文件其余部分（{text.encoding}）不同，两种编码混在一个文件里"
            faults.append(CellFault(number, None, problem, "用 Excel 打开核对该行文字，另存为“CSV UTF-8”"))
            while next_odd is not None and next_odd <= last_line:
                next_odd = next(odd, None)
        if "=" in "".join(cells):
            _report_formulas(number, cells, faults)
        yield number, cells


def _report_formulas(number: int, cells: list[str], faults: CellFaults) -> None:
    """Report the cells of a record that a spreadsheet would compute."""
    for column, cell in enumerate(cells):
        if not cell.lstrip().startswith("="):
            continue
        if faults.full:
            faults.uncounted += 1
            continue
        problem = f"单元格是公式 {cell.strip()[:24]}"
        faults.append(CellFault(number, column, problem, "复制后“选择性粘贴—数值”，再保存"))


def _quote_problem(message: str) -> str:
    if "field larger" in message:
        return "一格的内容过长，多半是少了收尾的引号"
    return "到文件末尾仍缺收尾的引号" if "unexpected end" in message else "引号后面紧跟着别的字符"
