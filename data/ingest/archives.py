"""What the directory of a zip archive may say, before anything in it is unpacked."""

import zipfile
from collections.abc import Sequence
from typing import Final

from data.ingest.cells import shown
from data.ingest.reading import fatal

RATIO_FROM_BYTES: Final = 5_000_000
"""Smaller members are not judged by their ratio: a short list of equal rows packs well in any honest file."""

_LOCAL_HEADER_BYTES = 30
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_PACK_AGAIN = "用普通 zip 方式重新压缩，或重新取得该文件"


def check_entries(file: str, archive: zipfile.ZipFile, members: Sequence[zipfile.ZipInfo]) -> None:
    """Refuse a directory that no archiver writes: names given twice, members that share bytes, odd methods.

    What remains unpacks to at most the declared sizes, each byte of the archive once. Raises
    ``FaultReport``.
    """
    seen: set[str] = set()
    for member in members:
        if member.filename in seen:
            raise fatal(file, f"压缩包里有两个同名的文件“{shown(member.filename)}”", _PACK_AGAIN)
        seen.add(member.filename)
        if member.compress_type not in _METHODS:
            raise fatal(file, "压缩包已损坏或压缩方式不受支持", _PACK_AGAIN)
    end = 0
    for member in sorted(members, key=lambda one: one.header_offset):
        if member.header_offset < end:
            raise fatal(file, f"压缩包里的文件“{shown(member.filename)}”与另一个重叠", _PACK_AGAIN)
        end = member.header_offset + _LOCAL_HEADER_BYTES + member.compress_size
    if end > archive.start_dir:
        raise fatal(file, "压缩包已损坏：文件超出了目录", _PACK_AGAIN)


def worst_ratio(members: Sequence[zipfile.ZipInfo]) -> float:
    """Return how many times its packed size the largest-growing big member unpacks to; 0 without big ones."""
    return max(
        (one.file_size / max(1, one.compress_size) for one in members if one.file_size > RATIO_FROM_BYTES),
        default=0.0,
    )
