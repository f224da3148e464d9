"""What ``strace`` saw of a command: files opened to write, names changed, connections, programs started."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

CALLS = (
    "openat,open,creat,rename,renameat,renameat2,unlink,unlinkat,link,linkat,symlink,symlinkat,truncate,mkdir,"
    "mkdirat,connect,execve"
)
_WRITING = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND")
_LINE = re.compile(r"^(?:\d+\s+)?(\w+)\((.*)")
_PATH = re.compile(r'(?:(?:AT_FDCWD|\d+)(?:<([^>]*)>)?, )?"((?:[^"\\]|\\.)*)"')
_HARMLESS = ("/dev/", "/proc/", "/sys/")
_PROGRAMS = ("/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/lib/", "/usr/lib/")


def tracer(log: Path) -> list[str]:
    """Return what is put before a command to write its log; ``FileNotFoundError`` without strace."""
    program = shutil.which("strace")
    if program is None:
        raise FileNotFoundError("strace is not installed")
    return [program, "-f", "--seccomp-bpf", "-y", "-s", "400", "-e", f"trace={CALLS}", "-o", str(log)]


def misdeeds(log: Path, allowed: Sequence[Path], cwd: Path) -> list[str]:
    """Return what no import may do and the log shows: writes outside ``allowed``, connections, programs."""
    found: dict[str, None] = {}
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        match = _LINE.match(line)
        if match is not None:
            problem = _misdeed(match[1], match[2], allowed, cwd)
            if problem:
                found[problem] = None
    return list(found)


def _misdeed(call: str, rest: str, allowed: Sequence[Path], cwd: Path) -> str | None:
    if call == "connect":
        return None if "AF_UNIX" in rest else f"connect: {rest[:120]}"
    paths = [_whole(folder, name, cwd) for folder, name in _PATH.findall(rest)]
    if call == "execve":
        program = str(paths[0]) if paths else ""
        fine = program.startswith(_PROGRAMS) or "ENOENT" in rest or Path(program).resolve() == _python()
        return None if fine else f"execve: {program}"
    if call in {"openat", "open"} and not _WRITING.search(rest):
        return None
    if call.startswith("symlink"):
        # What it says is no path that is written to; where it stands is.
        paths = paths[-1:]
    bad = [path for path in paths if not _within(path, allowed)]
    return f"{call}: {bad[0]}" if bad else None


def _python() -> Path:
    return Path(sys.executable).resolve()


def _whole(folder: str, name: str, cwd: Path) -> Path:
    return Path(folder or cwd) / name


def _within(path: Path, allowed: Sequence[Path]) -> bool:
    text = str(path)
    return text.startswith(_HARMLESS) or any(path.is_relative_to(folder) for folder in allowed)
