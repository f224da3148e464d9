"""Ten visitors hand over the worst files at once and leave in the middle: the server must be as before.

Real browsers against a real server. Measured from outside: processes, threads, memory and files of the
server, and how long a page takes another visitor meanwhile.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from tests.browser.harness import LAUNCH, Window
from tests.serving import SERVE, address_of, program

PAGE = "data-import"
_LOADS = 11
_SETTLE_S = 60.0
_CALM_S = 20.0


@dataclass(frozen=True)
class State:
    """What a server holds: threads, MB in memory, readers at work, and files left in its folders."""

    threads: int
    resident_mb: float
    readers: int
    left: tuple[str, ...]


@dataclass(frozen=True)
class Server:
    """A server for one attack, with a data directory and a temporary folder of its own."""

    address: str
    process: subprocess.Popen[str]
    data: Path
    temporary: Path

    def state(self) -> State:
        """Return what it holds now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        fields = dict(line.split(":", 1) for line in status.splitlines())
        uploads = self.data / "cache" / "uploads"
        left = [*self.temporary.iterdir(), *(uploads.iterdir() if uploads.exists() else ())]
        return State(
            int(fields["Threads"]),
            int(fields["VmRSS"].split()[0]) / 1000,
            len(self.readers()),
            tuple(sorted(path.name for path in left)),
        )

    def readers(self) -> list[int]:
        """Return the processes that read files for it."""
        children = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        found = []
        for listed in children:
            for pid in listed.read_text(encoding="ascii").split():
                try:
                    command = Path(f"/proc/{pid}/cmdline").read_bytes()
                except OSError:
                    continue
                if str(self.temporary).encode() in command:
                    found.append(int(pid))
        return found


@contextmanager
def serving(data: Path) -> Iterator[Server]:
    """Give a server on a copy of the data directory ``data``; it is ended afterwards."""
    with tempfile.TemporaryDirectory(prefix="visitors-") as below:
        own, temporary = Path(below) / "data", Path(below) / "tmp"
        shutil.copytree(data, own)
        temporary.mkdir()
        with program(SERVE, own, Path(below), TMPDIR=str(temporary)) as process:
            yield Server(address_of(process), process, own, temporary)


def hand_over(window: Window, file: Path) -> None:
    """Choose a file of facilities and its datum, without waiting for what comes of it."""
    page = window.open(PAGE, import_kind="facilities")
    page.set_input_files("input[type=file]", file)
    page.get_by_text("请选择坐标基准").wait_for()
    page.get_by_label("坐标基准").click()
    page.get_by_role("option", name="WGS84").click()


def load_seconds(browser: Browser, address: str, times: int = _LOADS) -> float:
    """Return the median seconds that a visitor of their own waits for a page: 总览, then 数据导入."""
    taken = []
    for _ in range(times):
        window = Window(browser, address)
        started = time.monotonic()
        window.open(PAGE, import_kind="indicators")
        taken.append(time.monotonic() - started)
        window.close()
    return statistics.median(taken)


@dataclass(frozen=True)
class Outcome:
    """The server before, while the files are read (most readers seen), and a minute after all have left."""

    before: State
    most_readers: int
    after: State
    idle_seconds: float
    busy_seconds: float

    @property
    def slower(self) -> float:
        """How many times as long another visitor's page took meanwhile."""
        return self.busy_seconds / self.idle_seconds

    def faults(self) -> list[str]:
        """Return what is not as it was."""
        found = []
        if self.after.readers or self.after.left:
            found.append(f"left behind: {self.after.readers} readers, files {self.after.left}")
        if self.after.threads > self.before.threads + 2:
            found.append(f"threads: {self.before.threads} before, {self.after.threads} after")
        if self.after.resident_mb > self.before.resident_mb + 150:
            found.append(
                f"memory: {self.before.resident_mb:.0f} MB before, {self.after.resident_mb:.0f} after"
            )
        if self.slower > 2.0:
            found.append(f"a page took {self.slower:.2f} times as long")
        return found


def courteous(folder: Path) -> dict[str, Any]:
    """Return how to launch a browser that takes no processor from others, by a script below ``folder``.

    Visitors sit at machines of their own: what their browsers use here would be counted as the server's.
    """
    script = folder / "browser.sh"
    script.write_text(f'#!/bin/sh\nexec nice -n 19 {LAUNCH["executable_path"]} "$@"\n', encoding="ascii")
    script.chmod(0o700)
    return {**LAUNCH, "executable_path": str(script)}


def attack(data: Path, files: Sequence[Path], *, visitors: int = 10) -> Outcome:
    """Let ``visitors`` hand over ``files`` in turn, measure, let them leave, and look a minute later."""
    with serving(data) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(**LAUNCH)
        crowd = playwright.chromium.launch(**courteous(server.temporary.parent))
        # What the first visitor and the first reader load stays loaded: it is no growth.
        warm = Window(browser, server.address)
        hand_over(warm, files[-1])
        warm.page.get_by_text("未写入任何内容").or_(warm.page.get_by_text("没有错误")).wait_for(
            timeout=120_000
        )
        warm.close()
        _pause(_CALM_S)
        idle = load_seconds(browser, server.address)
        _pause(_CALM_S)
        before = server.state()
        windows = [Window(crowd, server.address) for _ in range(visitors)]
        for number, window in enumerate(windows):
            hand_over(window, files[number % len(files)])
        seen = len(server.readers())
        busy = load_seconds(browser, server.address)
        seen = max(seen, len(server.readers()))
        for window in windows:
            window.close()
        _pause(_SETTLE_S)
        after = server.state()
        crowd.close()
        browser.close()
    return Outcome(before, seen, after, idle, busy)


def _pause(seconds: float) -> None:
    threading.Event().wait(seconds)
