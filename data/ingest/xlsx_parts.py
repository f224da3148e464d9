"""The XML parts of a workbook, looked at as bytes before a parser builds anything of them.

A parser holds a whole tag, a whole row, or all of a part in memory: here each is bounded first. Every part is
read in blocks and no faster way round is open: only UTF-8, no DTD.
"""

import re
import zipfile
from dataclasses import dataclass, field
from xml.parsers import expat

import numpy as np

from data.faults import FaultReport
from data.ingest.cells import shown
from data.ingest.reading import Limits, fatal
from data.registry.limit_models import exceeded

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
_SAVE_AGAIN = "用 Excel 打开核对，另存为“Excel 工作簿（.xlsx）”；打不开就重新取得该文件"
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
