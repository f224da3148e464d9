"""What a reader gives up before it opens a file: time, memory, network, and every file but its own.

The order matters. Limits and the network go first, while the process has one thread (a namespace of its own
is refused to more); files go last, when the libraries are loaded. Only the standard library is imported here.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from data.reader import landlock

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
    what the environment forbids the libraries (`data.reader.drivers`), and Landlock.
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
    return landlock.shut_in(read=(*sorted(libraries), *read), write=(folder,))
