"""What a reader gives up before it opens a file: time, memory, network, and every file but its own.

The order matters. Limits and the network go first, while the process has one thread (a namespace of its own
is refused to more); files go last, when the libraries are loaded. Only the standard library is imported here.

No system call has a wrapper in the C library, and the packages that bring one are not kept up, so the three
calls are made by number (the same on every architecture that Linux supports). Source: the kernel's
documentation of Landlock, `Documentation/userspace-api/landlock.rst`.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import stat
import struct
import sys
import sysconfig
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_DIE_WITH_PARENT: Final = 1
_MB: Final = 1_000_000
_COURTEOUS: Final = 10
# Address space is reserved far beyond what is used: it is bounded only against what the bound on data misses.
_SPARE_ADDRESSES: Final = 16_000_000_000
_SYSTEM: Final = ("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/dev/urandom", "/dev/null")


@dataclass(frozen=True)
class Bounds:
    """What a reader may use: megabytes, seconds (of the processor, and by the clock), open files."""

    memory_mb: int
    cpu_seconds: int
    wall_seconds: int
    temporary_mb: int
    result_mb: int
    files: int


@dataclass(frozen=True)
class Walls:
    """What stands around a reader: network ``namespace`` or ``none``, and the version of Landlock."""

    network: str
    landlock: int

    def words(self) -> str:
        """Return in Chinese what holds, and what the system does not give."""
        network = "没有网络" if self.network == "namespace" else "网络只靠设置关闭（系统不给独立的网络空间）"
        files = (
            f"只能读写自己的文件（Landlock {self.landlock}）"
            if self.landlock
            else "文件只靠驱动的限制（内核没有 Landlock）"
        )
        return f"{network}，{files}"


def take_limits(bounds: Bounds) -> None:
    """Let the kernel hold this process to its bounds, and end it with its parent."""
    memory, size = bounds.memory_mb * _MB, bounds.temporary_mb * _MB
    _limit(resource.RLIMIT_DATA, memory)
    _limit(resource.RLIMIT_AS, memory + _SPARE_ADDRESSES)
    _limit(resource.RLIMIT_CPU, bounds.cpu_seconds, spare=2)
    _limit(resource.RLIMIT_FSIZE, size)
    _limit(resource.RLIMIT_NOFILE, bounds.files)
    _limit(resource.RLIMIT_CORE, 0)
    # The pages that people look at come first; but a busy server must not starve a reader to its deadline.
    os.nice(_COURTEOUS)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)


def _limit(kind: int, value: int, *, spare: int = 0) -> None:
    _soft, most = resource.getrlimit(kind)
    hard = value + spare if most == resource.RLIM_INFINITY else min(value + spare, most)
    resource.setrlimit(kind, (min(value, hard), hard))


def leave_network() -> str:
    """Move this process to a network of its own that leads nowhere; return ``namespace``, or ``none``.

    An ordinary user gets one together with a namespace of users. Some systems allow neither; then there is
    what the environment forbids the libraries (`data.reader.orders`), and Landlock.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    for flags in (_NEW_NETWORK, _NEW_USER | _NEW_NETWORK):
        if libc.unshare(flags) == 0:
            return "namespace"
    return "none"


def leave_files(folder: Path, *, read: tuple[Path, ...]) -> int:
    """Keep to ``read``, the libraries and the reader's own ``folder``; return the version of Landlock."""
    packages = Path(__file__).resolve().parents[2]
    libraries = {
        *map(Path, _SYSTEM),
        *(packages / name for name in ("data", "geo")),
        *(Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
        Path(sys.base_prefix) / "lib",
    }
    return shut_in(read=(*sorted(libraries), *read), write=(folder,))


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
