"""Delimited text into rows of text: encoding decided line by line, one record at a time.

A file is UTF-8 or GB18030, strictly. Text pasted together from both is told by its lines: a line that is
UTF-8 with characters beyond U+07FF is practically never GB18030 by chance, and the lines of the rarer kind
are faults.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from data.ingest.reading import CellFault, Limits, Reading, fatal

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


@dataclass(frozen=True)
class _Text:
    """Decoded lines; the numbers (from 1) of those in another encoding than the rest; the rest's encoding."""

    lines: list[str]
    odd: frozenset[int] = frozenset()
    encoding: str = ""


def read_csv_rows(path: Path, limits: Limits) -> Reading:
    """Return the records of a CSV, TSV or TXT file; row numbers count records, as a spreadsheet shows them.

    Raises ``FaultReport`` for content that is no text, broken quotes and undecidable encodings; lines of the
    minority encoding become faults of the reading.
    """
    with path.open("rb") as handle:
        head = handle.read(_HEAD_BYTES)
        _refuse_non_text(path.name, head)
        data = head + handle.read(limits.file_bytes + 1 - len(head))
    text = _decode(path.name, data)
    delimiter = _delimiter(text.lines)
    reading = Reading(sheet=None, rows=iter(()), delimiter=delimiter)
    reading.rows = _records(path.name, text, delimiter, reading.faults)
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


def _decode(file: str, data: bytes) -> _Text:
    """Return the lines, each by its own encoding, so that the cells around a fault still read well."""
    marked = data.startswith(_BOM)
    raw = data.removeprefix(_BOM).splitlines(keepends=True)
    try:
        return _Text([line.decode("utf-8") for line in raw])
    except UnicodeDecodeError:
        pass
    utf8, gb, neither, lines = _classify(raw)
    if len(neither) > 20 and len(neither) * 2 > len(utf8) + len(gb) + len(neither):
        problem = "文件既不是 UTF-8 也不是 GB18030（GBK）编码"
        raise fatal(file, problem, "用 Excel 另存为“CSV UTF-8（逗号分隔）”", row=min(neither))
    if marked or len(utf8) >= len(gb):
        return _Text(lines, frozenset(gb | neither), "UTF-8")
    return _Text(lines, frozenset(utf8 | neither), "GB18030（GBK）")


def _classify(raw: list[bytes]) -> tuple[set[int], set[int], set[int], list[str]]:
    """Return the numbers of lines that are surely UTF-8, only GB18030, and neither; and every line as text.

    A line whose UTF-8 reading stays below U+0800 (Greek, Cyrillic …) is as well two bytes of GB18030 read
    wrongly: it says nothing about the file and is read as GB18030.
    """
    utf8: set[int] = set()
    gb: set[int] = set()
    neither: set[int] = set()
    lines = []
    for number, line in enumerate(raw, start=1):
        if line.isascii():
            lines.append(line.decode("ascii"))
            continue
        as_utf8, as_gb = _try(line, "utf-8"), _try(line, "gb18030")
        if as_utf8 is not None and max(as_utf8) >= "\u0800":
            utf8.add(number)
            lines.append(as_utf8)
        elif as_gb is not None:
            if as_utf8 is None:
                gb.add(number)
            lines.append(as_gb)
        else:
            neither.add(number)
            lines.append(line.decode("utf-8", errors="replace"))
    return utf8, gb, neither, lines


def _try(line: bytes, encoding: str) -> str | None:
    try:
        return line.decode(encoding)
    except UnicodeDecodeError:
        return None


def _delimiter(lines: list[str]) -> str:
    """Return the delimiter that stands most often outside quotes in the first line with content."""
    first = next((line for line in lines if line.strip()), "")
    outside = "".join(first.split('"')[::2])
    return max(_DELIMITERS, key=outside.count)


def _records(
    file: str, text: _Text, delimiter: str, faults: list[CellFault]
) -> Iterator[tuple[int, list[str]]]:
    """Yield numbered records; report those with an odd line or a formula."""
    reader = csv.reader(text.lines, delimiter=delimiter, strict=True)
    number, last_line = 0, 0
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
        if text.odd and not text.odd.isdisjoint(range(last_line + 1, reader.line_num + 1)):
            problem = f"该行的编码与文件其余部分（{text.encoding}）不同，两种编码混在一个文件里"
            faults.append(CellFault(number, None, problem, "用 Excel 打开核对该行文字，另存为“CSV UTF-8”"))
        last_line = reader.line_num
        for column, cell in enumerate(cells):
            if cell.lstrip().startswith("="):
                problem = f"单元格是公式 {cell.strip()[:24]}"
                faults.append(CellFault(number, column, problem, "复制后“选择性粘贴—数值”，再保存"))
        yield number, cells


def _quote_problem(message: str) -> str:
    if "field larger" in message:
        return "一格的内容过长，多半是少了收尾的引号"
    return "到文件末尾仍缺收尾的引号" if "unexpected end" in message else "引号后面紧跟着别的字符"
