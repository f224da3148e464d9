"""Watch an import from outside: how long, how much memory in all its processes, and what it left behind.

Nothing here knows how the program reads files. A command runs in a session of its own with a data directory,
a home and a temporary folder of its own; what stands there before and after is compared.
"""

from __future__ import annotations

import hashlib
import os
import re
import resource
import shutil
import signal
import site
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.hostile.case import Case, Kind, Scene

ROOT = Path(__file__).resolve().parents[2]
MAX_MB = 1_500.0
"""What all processes of an import may hold together."""

_EVERY_S = 0.05
_ADDRESS_BYTES = 8_000_000_000
_SENTENCE = re.compile(r"[\u4e00-\u9fff][^\n]*[。；]")
_REMEDY = re.compile("处理办法|请")
_PASSING = ("build.lock",)
"""What a reader may touch below the data directory: the lock is no data."""

COMMANDS = {
    "indicators": ("import", "indicators", "{file}"),
    "facilities": ("import", "facilities", "{file}", "--datum", "wgs84", "--type", "general_hospital"),
    "boundaries": ("import", "boundaries", "{file}"),
    "population": ("import", "population", "{file}"),
    "osm": ("import", "osm", "{file}"),
    "sites": (
        *("siting", "--type", "hospital", "--minutes", "15", "--add", "1"),
        *("--sites", "{file}", "--datum", "wgs84"),
    ),
}
"""The command line that takes a file in at each door."""


def command(door: str, file: Path) -> list[str]:
    """Return the command that takes ``file`` in at ``door``."""
    return [sys.executable, "-m", "cli", *(part.format(file=file) for part in COMMANDS[door])]


@dataclass
class Outcome:
    """What was seen of one command: ``wrong`` is what it did that it may not, as far as could be seen."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    exit_code: int | None
    out: str
    err: str
    wrong: list[str] = field(default_factory=list)

    def sentence(self) -> str:
        """Return the first line of Chinese that says what was wrong, or the last line of anything."""
        lines = [line.strip() for line in self.err.splitlines() if line.strip()]
        told = [line for line in lines if "处理办法" in line or line.startswith("错误")]
        # A report is headed by how many faults there are: the first fault says more.
        return (told[-1] if len(told) == 2 else told[0]) if told else (lines[-1] if lines else "")


class Listener:
    """Listens on loopback, answers 404, and writes down who asked."""

    def __init__(self) -> None:
        """Start to listen on a free port."""
        self.asked: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                one, _ = self._socket.accept()
            except OSError:
                return
            with one:
                one.settimeout(1.0)
                with suppress(OSError):
                    line = one.recv(4096).split(b"\r\n")[0].decode("latin-1")
                    self.asked.append(line or "(connected)")
                    one.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    def take(self) -> list[str]:
        """Return what was asked since the last time."""
        asked, self.asked = self.asked, []
        return asked

    def close(self) -> None:
        """Stop listening."""
        # Closing alone does not wake the thread that accepts.
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)


class World:
    """A folder with all that a command under watch is given, and a listener beside it."""

    def __init__(self, folder: Path, store: Path) -> None:
        """Lay out ``folder``: files to import, a victim, a canary; ``store`` is a data directory to copy."""
        self.store, self.folder = store, folder
        self.listener = Listener()
        self.data, self.tmp, self.home = (folder / name for name in ("data", "tmp", "home"))
        canary = folder / "canary"
        for path in (folder, self.tmp, self.home, canary, folder / "files"):
            path.mkdir(parents=True, exist_ok=True)
        self.scene = Scene(folder / "victim.sqlite", canary, self.listener.url)
        if not self.scene.victim.exists():
            with closing(sqlite3.connect(self.scene.victim)) as database, database:
                database.execute("CREATE TABLE t (a TEXT)")
                database.execute("INSERT INTO t VALUES (?)", ("\nimport os\n",))

    def fresh(self) -> None:
        """Put the data directory back to the copy of the store, and empty the other folders."""
        for path in (self.data, self.tmp, self.home, self.scene.canary):
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir()
        shutil.copytree(
            self.store, self.data, dirs_exist_ok=True, ignore=shutil.ignore_patterns("runs", "cache")
        )

    def write(self, case: Case) -> Path:
        """Write the file of a case, or return the one that stands there."""
        return case.write(self.folder / "files", self.scene)

    def environment(self) -> dict[str, str]:
        """Return the environment of a command: this one's, with folders of its own."""
        own = {
            "SUTU_DATA_DIR": self.data,
            "TMPDIR": self.tmp,
            "HOME": self.home,
            "PYTHONPATH": ROOT,
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return os.environ | {key: str(value) for key, value in own.items()}

    def close(self) -> None:
        """Stop the listener."""
        self.listener.close()


@contextmanager
def opened(folder: Path, store: Path) -> Iterator[World]:
    """Give a world below ``folder`` over a copy of ``store``."""
    world = World(folder, store)
    try:
        yield world
    finally:
        world.close()


def digests(folder: Path) -> dict[str, str]:
    """Return the digest of every file below a folder, by its name."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in sorted(folder.rglob("*"))
        if path.name not in _PASSING
    }


def _packages() -> dict[str, int]:
    """Return when the folders of installed packages and of this checkout were last written to."""
    folders = [
        *map(Path, site.getsitepackages()),
        ROOT,
        *(ROOT / name for name in ("data", "geo", "commands")),
    ]
    return {str(folder): folder.stat().st_mtime_ns for folder in folders}


class _Tree:
    """The processes that a command started, however deep, and the most memory they held together."""

    def __init__(self, root: int) -> None:
        self.root = root
        self.known: dict[int, str] = {}
        self.peak_kb = 0

    def look(self) -> None:
        """Find the descendants as they are now and add up what they hold."""
        parents: dict[int, tuple[int, str]] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(OSError, IndexError):
                    stat = (entry / "stat").read_text().rpartition(")")[2].split()
                    parents[int(entry.name)] = int(stat[1]), stat[19]
        # One that outlived its parent hangs elsewhere in the tree: who was seen once stays known.
        self.known = {pid: born for pid, born in self.known.items() if parents.get(pid, (0, ""))[1] == born}
        if self.root in parents:
            self.known[self.root] = parents[self.root][1]
        grown = True
        while grown:
            new = {
                pid: born
                for pid, (parent, born) in parents.items()
                if parent in self.known and pid not in self.known
            }
            self.known |= new
            grown = bool(new)
        self.peak_kb = max(self.peak_kb, sum(map(_held_kb, self.known)))

    def stop(self) -> list[int]:
        """End what is left of the tree and return which processes those were."""
        self.look()
        left = [pid for pid in self.known if pid != self.root and _state(pid) not in {"Z", ""}]
        for pid in self.known:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        return left


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def _held_kb(pid: int) -> int:
    """Return what a process holds, what it shares with others by its part."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


def run(args: Sequence[str], world: World, *, timeout: float) -> Outcome:
    """Run a command in ``world`` and return what was seen; at ``timeout`` seconds it is ended."""
    out, err = world.folder / "out.txt", world.folder / "err.txt"
    started, used = time.monotonic(), _cpu_seconds()
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = subprocess.Popen(
            list(args),
            cwd=world.folder,
            env=world.environment(),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_BYTES, _ADDRESS_BYTES)),  # noqa: PLW1509
        )
        tree = _Tree(process.pid)
        code: int | None = None
        while code is None and time.monotonic() - started < timeout:
            tree.look()
            try:
                code = process.wait(_EVERY_S)
            except subprocess.TimeoutExpired:
                continue
    seconds = time.monotonic() - started
    wrong = []
    if code is None:
        wrong.append(f"not done after {timeout:g} s")
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        tree.stop()
        process.wait()
    elif left := tree.stop():
        wrong.append(f"{len(left)} processes left behind")
    texts = (path.read_text(encoding="utf-8", errors="replace") for path in (out, err))
    return Outcome(seconds, _cpu_seconds() - used, tree.peak_kb / 1024, code, *texts, wrong)


def _cpu_seconds() -> float:
    """Return the processor time of the children that have ended, and of theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def watched(case: Case, world: World, *, timeout: float, before: Sequence[str] = ()) -> Outcome:
    """Take the file of a case in at its door and return what was seen and what was wrong with it.

    ``before`` is put in front of the command (a tracer).
    """
    world.fresh()
    path = world.write(case)
    return observed(case, world, [*before, *command(case.door, path)], timeout=timeout)


def observed(case: Case, world: World, args: Sequence[str], *, timeout: float) -> Outcome:
    """Run ``args`` for a case and return what was seen, judged."""
    world.listener.take()
    data, packages, own = digests(world.data), _packages(), digests(world.folder / "files" / case.id)
    outcome = run(args, world, timeout=timeout)
    outcome.wrong += strayed(world) + judged(case, outcome)
    if outcome.exit_code not in {0, None} and digests(world.data) != data:
        outcome.wrong.append("the data directory changed")
    if _packages() != packages:
        outcome.wrong.append("a folder of packages changed")
    if digests(world.folder / "files" / case.id) != own:
        outcome.wrong.append("the folder of the file changed")
    return outcome


def strayed(world: World) -> list[str]:
    """Return what was written or fetched that may not be, and what was left in the temporary folder."""
    wrong = [f"written: {path.name}" for path in world.scene.canary.iterdir()]
    wrong += [f"fetched: {line}" for line in world.listener.take()]
    left = sorted(path.name for path in world.tmp.iterdir())
    return [*wrong, f"left in TMPDIR: {', '.join(left)[:80]}"] if left else wrong


def judged(case: Case, outcome: Outcome) -> list[str]:
    """Return what is wrong with the answer itself: exit code, words, time and memory."""
    wrong = []
    text = outcome.out + outcome.err
    allowed = {Kind.legal: {0}, Kind.heavy: {1}, Kind.attack: {1}}.get(case.kind, {0, 1})
    if outcome.exit_code not in allowed and outcome.exit_code is not None:
        wrong.append(f"exit code {outcome.exit_code}")
    if "Traceback" in text:
        wrong.append("traceback")
    if outcome.exit_code != 0 and not (_SENTENCE.search(outcome.err) and _REMEDY.search(outcome.err)):
        wrong.append("no sentence that says what to do")
    if outcome.seconds > case.seconds:
        wrong.append(f"over {case.seconds:g} s")
    if outcome.peak_mb > MAX_MB:
        wrong.append(f"over {MAX_MB:,.0f} MB")
    return wrong
