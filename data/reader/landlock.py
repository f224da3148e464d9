"""Landlock: Linux takes from this process the files and connections that it does not need, for good.

No system call has a wrapper in the C library, and the packages that bring one are not kept up, so the three
calls are made by number (the same on every architecture that Linux supports). Source: the kernel's
documentation of Landlock, `Documentation/userspace-api/landlock.rst`.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_VERSION_FLAG: Final = 1
_BENEATH: Final = 1
_NO_NEW_PRIVILEGES: Final = 38

_WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE, _DEVICE = 1 << 1, 1 << 2, 1 << 3, 1 << 14, 1 << 15
_OF_A_FILE: Final = _WRITE_FILE | _READ_FILE | _TRUNCATE | _DEVICE
_READ: Final = _READ_FILE | _READ_DIR
_EXECUTE: Final = 1
# How many rights on files a version of the kernel knows; those of 1 to 13 came with the first.
_FILE_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 4: 15}
_LATER_FILE_RIGHTS: Final = 16
_TCP_SINCE, _SCOPES_SINCE = 4, 6
_TCP: Final = 0b11
_SCOPES: Final = 0b11

_libc = ctypes.CDLL(None, use_errno=True)


def version() -> int:
    """Return the version of Landlock that the kernel offers, 0 for none."""
    found = int(_libc.syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG)))
    return max(found, 0)


def shut_in(*, read: Iterable[Path], write: Iterable[Path]) -> int:
    """Let this process from now on read only below ``read`` and write only below ``write``.

    Nothing can be executed, and, as far as the kernel knows how, no TCP connection made or taken. Paths that
    do not exist are passed over. Returns the version of Landlock in force, 0 where the kernel has none: then
    nothing has changed. Raises ``OSError`` when the kernel refuses what it offers.
    """
    offered = version()
    if not offered:
        return 0
    rights = (1 << _FILE_RIGHTS.get(offered, _LATER_FILE_RIGHTS)) - 1
    tcp = _TCP if offered >= _TCP_SINCE else 0
    scopes = _SCOPES if offered >= _SCOPES_SINCE else 0
    rules = struct.pack("QQQ", rights, tcp, scopes)
    size = 24 if scopes else 16 if tcp else 8
    held = _call(_CREATE, rules, ctypes.c_size_t(size), ctypes.c_uint32(0))
    try:
        for path in read:
            _allow(held, path, _READ & rights)
        for path in write:
            _allow(held, path, rights & ~_EXECUTE)
        _call_prctl()
        _call(_RESTRICT, ctypes.c_int(held), ctypes.c_uint32(0))
    finally:
        os.close(held)
    return offered


def _allow(held: int, path: Path, rights: int) -> None:
    with suppress(FileNotFoundError, NotADirectoryError):
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            if not stat.S_ISDIR(os.fstat(place).st_mode):
                rights &= _OF_A_FILE
            rule = struct.pack("=Qi", rights, place)
            _call(_ADD, ctypes.c_int(held), ctypes.c_int(_BENEATH), rule, ctypes.c_uint32(0))
        finally:
            os.close(place)


def _call(number: int, *arguments: object) -> int:
    found = int(_libc.syscall(number, *arguments))
    if found < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return found


def _call_prctl() -> None:
    if _libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
