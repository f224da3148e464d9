"""Small files of ours, folders that last as long as the work in them, and what a disk refuses, in words.

Whatever lies below the data directory may have been cut off, swapped or written by another program: a reader
here ends in its value or in ``OSError`` or ``ValueError``, whatever the bytes are.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from data.faults import DISK_WORDS
from geo.errors import DiskError, StoreError, SutuError

MOST_BYTES: Final = 1024**2
"""How large a small file may be, where its reader does not say otherwise."""

DAMAGED: Final = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    NotImplementedError,
    RecursionError,
    pa.ArrowException,
)
"""What reading a damaged or foreign file may raise."""

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NOT_THE_FILE: Final = frozenset(
    {errno.EACCES, errno.EPERM, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ESTALE}
)
_BROKEN_DATABASE: Final = (
    duckdb.IOException,
    duckdb.FatalException,
    duckdb.InternalException,
    duckdb.SerializationException,
)
_CONTENT_WORDS: Final = {
    json.JSONDecodeError: "内容不是 JSON",
    UnicodeDecodeError: "内容不是 UTF-8 文字",
    pa.ArrowException: "内容不是完好的 Parquet，或列的类型不符",
    LookupError: "缺少应有的内容",
}
_TOLD: Final = 200


def in_words(fault: BaseException) -> str:
    """Return why the system refused, in Chinese where the reason is known; at most 200 characters."""
    number = _number(fault)
    if number in DISK_WORDS:
        return DISK_WORDS[number]
    for kind, words in _CONTENT_WORDS.items():
        if isinstance(fault, kind):
            return words
    told = (fault.strerror if isinstance(fault, OSError) else None) or str(fault) or type(fault).__name__
    return "".join(sign if sign.isprintable() else " " for sign in told)[:_TOLD]


def disk_is_full(fault: BaseException) -> bool:
    """Return whether the fault says that there is no more room: disk, quota or the largest file allowed."""
    return _number(fault) in _FULL


def is_disk_fault(fault: BaseException) -> bool:
    """Return whether the disk (or the database file on it) is at fault, not what was asked or given."""
    return isinstance(fault, (OSError, *_BROKEN_DATABASE)) or disk_is_full(fault)


def _number(fault: BaseException) -> int:
    """Return the system's number of a fault, 0 when it has none; libraries may hold it as text only."""
    if isinstance(fault, OSError) and fault.errno:
        return fault.errno
    if isinstance(fault, (OSError, duckdb.Error, pa.ArrowException)):
        told = str(fault)
        return next((number for number in DISK_WORDS if os.strerror(number) in told), 0)
    return 0


@contextmanager
def disk_in_words(doing: str, remedy: str = "请检查磁盘空间和权限。") -> Iterator[None]:
    """Turn what the disk refuses within the block into a `DiskError`: ``doing`` failed, why, what to do."""
    try:
        yield
    except SutuError:
        raise
    except Exception as fault:
        if not is_disk_fault(fault):
            raise
        more = "腾出空间后再试一次。" if disk_is_full(fault) else ""
        raise DiskError(f"{doing}失败：{in_words(fault)}。{remedy}{more}") from fault


@contextmanager
def damaged_import(path: Path) -> Iterator[None]:
    """Turn whatever reading an imported file raises into a `StoreError` that names it and the way out."""
    try:
        if not path.is_file():
            raise OSError(errno.EISDIR, "no file")
        yield
    except SutuError:
        raise
    except DAMAGED as fault:
        if _number(fault) in _NOT_THE_FILE:
            raise StoreError(f"无法读取导入数据 {path}：{in_words(fault)}。请检查磁盘和权限。") from fault
        raise StoreError(
            f"导入数据 {path} 已损坏（{in_words(fault)}）。"
            f"请把它移走（mv {path} {path}.old），再运行 sutu build 并重新导入原表（原文件）。"
        ) from fault


def read_text(path: Path, *, most: int = MOST_BYTES) -> str:
    """Return the text of a regular file of at most ``most`` bytes of UTF-8.

    Raises ``OSError`` when it cannot be read, ``ValueError`` when it is too large, no file (a pipe would keep
    its reader waiting) or no UTF-8.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, "is a folder", str(path))
        if not stat.S_ISREG(found.st_mode):
            raise ValueError("不是普通文件")
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"超过 {most} 字节")
    return content.decode("utf-8")


def read_json(path: Path, *, most: int = MOST_BYTES) -> Any:
    """Return the value of a small JSON file; ``OSError`` or ``ValueError`` (however deep) as `read_text`."""
    text = read_text(path, most=most)
    try:
        return json.loads(text)
    except RecursionError as fault:
        raise ValueError("嵌套太深") from fault


def remove(path: Path) -> None:
    """Remove a file, a link (not what it leads to) or a whole folder; what cannot be removed stays."""
    try:
        path.unlink()
    except FileNotFoundError:
        return
    except OSError:
        shutil.rmtree(path, ignore_errors=True)


def put_aside(path: Path) -> Path:
    """Rename what stands in the way of a file of ours, nothing of it lost, and return its new path."""
    aside = path.with_name(f"{path.name}.broken-{secrets.token_hex(3)}")
    path.rename(aside)
    return aside


_JUST_MADE_SECONDS: Final = 60.0
"""A folder so young may be one whose lock is about to be taken."""


@contextlib.contextmanager
def leased_folder(below: Path, prefix: str) -> Iterator[Path]:
    """Give a new folder ``<prefix>…`` in ``below``, for this user only, and remove it afterwards.

    Others of that prefix which no process holds go first: the kernel drops a lock with its process, however
    that ends. Raises ``OSError`` when there is no place for a folder.
    """
    _sweep(below, prefix)
    folder = below / f"{prefix}{secrets.token_hex(8)}"
    folder.mkdir(mode=0o700)
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(held, fcntl.LOCK_EX)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def _sweep(below: Path, prefix: str) -> None:
    for path in below.glob(f"{prefix}*"):
        with contextlib.suppress(OSError):
            found = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(found, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if time.time() - path.stat().st_mtime > _JUST_MADE_SECONDS:
                    shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(found)
