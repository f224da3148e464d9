"""The door for OpenStreetMap extracts (PBF): is it one, is it whole, and how old is it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import osmium

from data.faults import Fault, FaultReport
from data.registry.limit_models import MEGABYTE, exceeded, limit_bytes

_TIMESTAMP_KEYS = ("osmosis_replication_timestamp", "timestamp")
_REDO = "请重新下载完整的 .osm.pbf 数据包（sutu import osm --download 可断点续传并校验），再导入一次"


@dataclass(frozen=True)
class ExtractInfo:
    """An extract that can be read: file name, size in bytes, date of its data (``YYYY-MM-DD``) if stated."""

    name: str
    size: int
    as_of: str | None


def file_fault(path: Path, problem: str, remedy: str) -> FaultReport:
    """Return the report of one fault of the file as a whole, ready to be raised."""
    return FaultReport([Fault(path.name, None, None, None, problem, remedy)])


def _translate(path: Path, error: Exception) -> FaultReport:
    """Return what a reader's complaint means to the person who brought the file."""
    text = str(error)
    if "EOF" in text or "truncated" in text:
        return file_fault(path, "文件不完整，读到一半就结束了（可能是下载中断）", _REDO)
    if "BlobHeader" in text or "blob contains no data" in text or "invalid BlobHeader" in text:
        return file_fault(path, "不是 OpenStreetMap 的 PBF 文件", "请导入扩展名为 .osm.pbf 的数据包")
    if "feature" in text.lower() and "support" in text.lower():
        return file_fault(path, f"数据包用到了不支持的 PBF 特性（{text}）", "请改用普通的 .osm.pbf 数据包")
    return file_fault(path, f"文件已损坏，无法解码（{text}）", _REDO)


@contextmanager
def readable(path: Path) -> Iterator[osmium.io.File]:
    """Give the PBF file to read within the block; the reader's errors become a ``FaultReport`` in Chinese.

    The format is always PBF, whatever the file is called: the content of another format is refused.
    """
    try:
        yield osmium.io.File(str(path), "pbf")
    except RuntimeError as error:
        raise _translate(path, error) from error


def check_extract(path: Path, *, max_bytes: int | None = None) -> ExtractInfo:
    """Return what the header of the extract says.

    Raises ``FaultReport`` when the file is missing, empty, larger than ``max_bytes`` (the table of limits
    where not given) or no PBF. Whether the rest of the file is whole shows only while reading it: every
    reader of this package reports that.
    """
    if not path.is_file():
        raise file_fault(path, "没有这个文件", "请检查路径；也可以用 sutu import osm --download 下载")
    size = path.stat().st_size
    if size == 0:
        raise file_fault(path, "文件是空的", _REDO)
    most = limit_bytes("osm.file_mb") if max_bytes is None else max_bytes
    if size > most:
        raise FaultReport([exceeded("osm.file_mb", path.name, size / MEGABYTE, most=most / MEGABYTE)])
    with readable(path) as file:
        header = osmium.io.Reader(file, osmium.osm.NOTHING).header()
        stamp = next((value for key in _TIMESTAMP_KEYS if (value := header.get(key))), "")
    return ExtractInfo(path.name, size, stamp[:10] or None)
