"""The lock of a data directory: one build or import at a time, the next waits and says for whom."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from data.registry.environment import DATA_DIR
from data.store.files import in_words, put_aside
from geo.errors import StoreError

BUILD_LOCK = "build.lock"

_held: set[tuple[str, int]] = set()
"""Folders whose lock this process holds, each with the thread that holds it."""


@contextmanager
def build_lock(folder: Path, *, on_wait: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold the one build lock of ``folder`` (created when missing), after any other build has ended.

    ``on_wait`` is told once, in Chinese, when there is a build to wait for. The thread that holds the lock
    may take it again: an import holds it around its own build. Raises `StoreError` when the folder cannot
    be written or the lock not be opened.
    """
    holder = (str(folder.resolve()), threading.get_ident())
    if holder in _held:
        yield
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = _open_lock(folder / BUILD_LOCK)
    except OSError as fault:
        raise StoreError(
            f"数据目录 {folder} 不可写：{in_words(fault)}。请检查权限，或用环境变量 {DATA_DIR} 另指目录。"
        ) from fault
    try:
        _wait(handle, on_wait)
        with contextlib.suppress(OSError):
            # Who holds it is only shown: a full disk does not stop the one who may have come to make room.
            os.ftruncate(handle, 0)
            os.pwrite(handle, str(os.getpid()).encode(), 0)
        _held.add(holder)
        yield
    finally:
        _held.discard(holder)
        os.close(handle)


def _open_lock(path: Path) -> int:
    """Return the opened lock file; what is no file in its place is put aside, for nobody can hold it."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o644)
    except PermissionError as fault:
        if not os.path.lexists(path):
            raise
        raise StoreError(
            f"没有权限打开构建锁 {path}。请用建立它的用户运行，或在没有构建进行时删去它（rm {path}）。"
        ) from fault
    except OSError as fault:
        if fault.errno not in {errno.EISDIR, errno.ELOOP, errno.ENXIO}:
            raise
        put_aside(path)
        return os.open(path, flags, 0o644)


def _wait(handle: int, on_wait: Callable[[str], None] | None) -> None:
    """Take the lock, after whoever holds it."""
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if on_wait is not None:
                on_wait(f"另一个构建正在进行（{_holder(handle)}），等待其结束……")
            fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError as fault:
        raise StoreError(f"不能锁住数据目录：{in_words(fault)}。请把数据目录放在本机磁盘上。") from fault


def _holder(handle: int) -> str:
    """Return who holds the lock, as text to show."""
    pid = os.pread(handle, 20, 0).decode("ascii", "replace").strip()
    return f"进程 {pid}" if pid.isdigit() else "进程号未知"
