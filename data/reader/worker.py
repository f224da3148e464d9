"""A reader as its parent sees it: started clean for one file, watched, ended in time, cleaned up after."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, Final

import pyarrow as pa

from data.faults import Fault, FaultReport
from data.reader.answers import Answer, BrokenAnswerError, failure, read_answer, read_said
from data.reader.orders import Given, Order, environment, write_order
from data.registry.environment import LIMITS
from data.registry.limit_models import exceeded, load_limits
from data.store.files import disk_in_words, leased_folder
from geo.errors import ReaderStoppedError, SutuError, UnpackError

_log = logging.getLogger(__name__)

PREFIX: Final = "sutu-reader-"
_CHILD: Final = Path(__file__).with_name("child.py")
_LOOK_SECONDS: Final = 0.05
_KEPT_VARIABLES: Final = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", LIMITS.name, "TZ")
"""What the server's environment may say to a reader: which kernels are right on this processor, the office's
own limits, and the time zone."""

_FIXED: Final = {
    "PATH": "/usr/bin:/bin",
    "LC_ALL": "C.UTF-8",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    # Its own allocator reserves far more than it uses, and gives little back.
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_ARENA_MAX": "2",
}


@dataclass
class Control:
    """Whoever waits for a file: ``tell`` hears where it stands, ``wanted`` says if anybody still waits."""

    tell: Callable[[str, int, int], None] = field(default=lambda _step, _done, _total: None)
    wanted: Callable[[], bool] = field(default=lambda: True)


def run(
    order: Order, given: Given, schemas: Mapping[str, pa.Schema], control: Control | None = None
) -> Answer:
    """Let a reader of its own do ``order``, and return its answer, checked against ``schemas``.

    Raises ``FaultReport`` with the faults of the file, among them that reading it took more memory, time or
    room than it may; the error of the house that the job met; ``ReaderStoppedError`` when nobody wants the
    answer any more. Whatever happens, process and folder are gone at the end.
    """
    control = control or Control()
    with _folder() as folder:
        with disk_in_words("为读取文件准备临时目录", "请检查临时目录（环境变量 TMPDIR）。"):
            given.write(folder)
            write_order(folder, replace(order, parent=os.getpid()))
        end = _watched(folder, order, control)
        said = read_said(folder)
        return _answer(folder, order, end, said, schemas)


@dataclass(frozen=True)
class _End:
    """How a reader ended: its exit code (negative: the signal), and why we ended it, if we did."""

    code: int
    ended_for: str | None
    words: str


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """Give a reader's folder and remove it; those that killed servers left go as well."""
    below = Path(tempfile.gettempdir())
    with contextlib.ExitStack() as lease:
        try:
            folder = lease.enter_context(leased_folder(below, PREFIX))
        except OSError as fault:
            raise UnpackError(
                f"不能在临时目录 {below} 里写文件：{fault.strerror}。请腾出空间、检查权限，"
                "或用环境变量 TMPDIR 指定另一个目录。"
            ) from fault
        yield folder


def _watched(folder: Path, order: Order, control: Control) -> _End:
    """Start a reader and wait for its end, which comes at its bounds at the latest."""
    words = folder / "words.txt"
    with words.open("wb") as errors:
        process = subprocess.Popen(  # noqa: S603 - this very Python, our own script, a folder of our making
            [sys.executable, "-I", "-B", "-X", "utf8", str(_CHILD), str(folder)],
            cwd=folder,
            env=_environment(folder, order),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            close_fds=True,
            start_new_session=True,
        )
    assert process.stdout is not None  # noqa: S101 - it was asked for
    try:
        ended_for = _wait(process, process.stdout, order, control)
    finally:
        _kill(process)
        process.stdout.close()
    tail = words.read_bytes()[-2000:].decode("utf-8", "replace") if words.exists() else ""
    return _End(process.returncode, ended_for, tail)


def _environment(folder: Path, order: Order) -> dict[str, str]:
    """Return the whole environment of a reader: nothing of the server's but what is named here."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    own = {"TMPDIR": str(folder), "HOME": str(folder)}
    return {**kept, **_FIXED, **environment(order.family, order.driver), **own}


def _wait(process: subprocess.Popen[bytes], pipe: IO[bytes], order: Order, control: Control) -> str | None:
    """Pass on what the reader tells until it ends; return why it has to be ended, None when it need not."""
    os.set_blocking(pipe.fileno(), False)
    deadline = time.monotonic() + order.bounds.wall_seconds
    held = b""
    while True:
        held = _tell(pipe, held, control)
        if process.poll() is not None:
            return None
        if not control.wanted():
            return "unwanted"
        if time.monotonic() > deadline:
            return "wall"
        if _resident_mb(process.pid) > order.bounds.memory_mb * 1.15:
            return "memory"
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_LOOK_SECONDS)


def _tell(pipe: IO[bytes], held: bytes, control: Control) -> bytes:
    """Read whole lines from the pipe and tell them; return what is left of a line."""
    try:
        held = (held + (os.read(pipe.fileno(), 65_536) or b""))[-65_536:]
    except BlockingIOError:
        return held
    *lines, rest = held.split(b"\n")
    for line in lines[-1:]:
        with contextlib.suppress(ValueError, TypeError, RecursionError):
            step, done, total = json.loads(line)
            control.tell(str(step)[:80], int(done), max(int(total), 1))
    return rest


def _resident_mb(pid: int) -> float:
    """Return the anonymous memory of a process in MB, 0 when it is gone."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    anonymous = sum(
        int(line.split()[1]) for line in text.splitlines() if line.startswith(("RssAnon:", "RssShmem:"))
    )
    return anonymous / 1000.0


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _answer(
    folder: Path,
    order: Order,
    end: _End,
    said: Mapping[str, Any] | None,
    schemas: Mapping[str, pa.Schema],
) -> Answer:
    """Return the answer, or raise what its lack means to the person who brought the file."""
    file = Path(order.path).name
    if end.ended_for == "unwanted":
        raise ReaderStoppedError("已取消，没有写入任何内容。")
    if end.ended_for is not None or end.code < 0 or said is None or "memory" in said:
        raise _over(file, order, end, said)
    if "broken" in said:
        _log.error("a reader failed on %s: %s", order.job, said["broken"])
        raise _fault(
            file, "文件的内容出乎意料，无法读取", "在原软件中打开核对，重新导出；仍不行请把文件交给维护者"
        )
    try:
        fault = failure(said, file)
        if fault is None:
            return read_answer(folder, said, schemas, order.bounds.result_mb * 1_000_000)
    except (BrokenAnswerError, KeyError, TypeError) as broken:
        _log.exception("the answer of a reader of %s", order.job)
        raise _fault(file, "读取程序没有交回完整的结果", "重新导出文件后再试") from broken
    raise fault


def _over(file: str, order: Order, end: _End, said: Mapping[str, Any] | None) -> SutuError:
    """Return what to say of a reader that went beyond a bound, or died of the file."""
    beyond = None
    if end.ended_for == "wall":
        beyond = "wall_seconds"
    elif end.ended_for is None and end.code in {-signal.SIGXCPU, -signal.SIGKILL}:
        beyond = "cpu_seconds"
    elif end.ended_for == "memory" or (said is not None and "memory" in said) or _ran_out(end):
        beyond = "memory_mb"
    elif end.code == -signal.SIGXFSZ:
        beyond = "temporary_mb"
    if beyond is not None:
        most = getattr(order.bounds, beyond)
        return FaultReport([exceeded(bound_id(order.door, beyond), file, most=most)])
    _log.error("a reader of %s ended with %s: %s", order.job, end.code, end.words)
    return _fault(file, "文件已损坏，读取中途失败", "在原软件中打开核对，重新导出")


def bound_id(door: str, name: str) -> str:
    """Return the id of a door's limit: its own, where it has one, else that of all readers."""
    own = f"reader.{door}_{name}"
    return own if own in load_limits() else f"reader.{name}"


def _ran_out(end: _End) -> bool:
    """Whether a library gave up for want of memory, which each says in its own way."""
    return any(
        word in end.words for word in ("bad_alloc", "MemoryError", "memory allocation", "Out of memory")
    )


def _fault(file: str, problem: str, remedy: str) -> FaultReport:
    return FaultReport([Fault(file, None, None, None, problem, remedy)])
