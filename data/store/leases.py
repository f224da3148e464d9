"""Folders that last as long as the work in them: what killed processes left goes with the next one."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

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
