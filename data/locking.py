"""Locks between processes: one build at a time, and no store removed while somebody reads it.

Both are `flock` locks: the kernel drops them when their process ends, however it ends, so none is ever left
behind.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from geo.errors import StoreError

BUILD_LOCK = "build.lock"

_held: set[tuple[str, int]] = set()
"""Folders whose lock this process holds, each with the thread that holds it."""


@contextmanager
def build_lock(folder: Path, *, on_wait: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold the one build lock of ``folder`` (created when missing), after any other build has ended.

    ``on_wait`` is told once, in Chinese, when there is a build to wait for. The thread that holds the lock
    may take it again: an import holds it around its own build. Raises `StoreError` when the folder cannot
    be written.
    """
    holder = (str(folder.resolve()), threading.get_ident())
    if holder in _held:
        yield
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / BUILD_LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as fault:
        raise StoreError(
            f"数据目录 {folder} 不可写：{fault.strerror}。请检查权限，或用环境变量 SUTU_DATA_DIR 另指目录。"
        ) from fault
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if on_wait is not None:
                on_wait(f"另一个构建正在进行（{_holder(handle)}），等待其结束……")
            fcntl.flock(handle, fcntl.LOCK_EX)
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        _held.add(holder)
        yield
    finally:
        _held.discard(holder)
        os.close(handle)


def _holder(handle: int) -> str:
    """Return who holds the lock, as text to show."""
    pid = os.pread(handle, 20, 0).decode("ascii", "replace").strip()
    return f"进程 {pid}" if pid.isdigit() else "进程号未知"


def share_folder(folder: Path) -> int:
    """Mark ``folder`` as being read, and return the handle that holds the mark until it is closed."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(handle, fcntl.LOCK_SH)
    return handle


def is_being_read(folder: Path) -> bool:
    """Return whether any process, this one included, holds a mark of `share_folder` on ``folder``."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
