"""However a reader ends, its parent has a sentence, and nothing of it is left: no process, no folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from data.faults import FaultReport
from data.reader import worker
from data.reader.orders import Given, Order
from data.reader.sandbox import Bounds
from data.reader.worker import PREFIX, Control, run
from geo.errors import ReaderStoppedError, UnpackError

BOUNDS = Bounds(500, 20, 60, 20, 5, 128)

JOBS = {
    "fill": "kept = [bytes(10_000_000) for _ in range(1000)]",
    "spin": "while True: pass",
    "sleep": "import time; time.sleep(1000)",
    "die": "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
    "leave": "import os; os._exit(0)",
    "break": "{}['missing']",
    "talk": "import time\nfor n in range(3): tell(f'步骤{n}', n, 3)\ntime.sleep(0.3)",
    "babble": "import os; os.write(1, b'\\xff' * 500_000 + b'\\n[1]\\n{}\\n[\"a\",\"b\",2]\\n')",
    "fork": "import os, time; os.fork() == 0 and time.sleep(1000)",
    "environment": "raise DataFaultError(' '.join(sorted(os.environ)))",
    "litter": "(folder / 'much.bin').write_bytes(bytes(10_000_000)); raise DataFaultError('乱')",
}


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give every test a temporary folder of its own, and see that nothing is left in it."""
    below = tmp_path / "temporary"
    below.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(below))
    yield below
    assert list(below.iterdir()) == []


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run readers whose jobs are those of this module, in place of the program's."""
    root = Path(worker.__file__).parents[2]
    script = tmp_path / "child.py"
    script.write_text(
        f"""
import os, sys, types
sys.path.insert(0, {str(root)!r})
from pathlib import Path
from data.reader import child
from geo.errors import DataFaultError
jobs = {JOBS!r}
def made(name):
    def read(folder, order, tell):
        exec(jobs[order.job])
        from data.reader.answers import Answer
        return Answer({{}}, {{}})
    module = types.ModuleType(name)
    module.read = read
    return module
import data.reader.jobs
for name in jobs:
    sys.modules[f"data.reader.jobs.{{name}}"] = made(name)
os._exit(child.main(Path(sys.argv[1])))
""",
        encoding="utf-8",
    )
    monkeypatch.setattr(worker, "_CHILD", script)


def order(job: str, path: Path, **changes: int) -> Order:
    return Order(job, str(path), {}, "any", replace(BOUNDS, **changes))


def ended(job: str, path: Path, **changes: int) -> str:
    """Return what is said of a file whose reader does not come to an answer."""
    with pytest.raises(FaultReport) as report:
        run(order(job, path, **changes), Given(), {})
    (fault,) = report.value.faults
    assert fault.file == "甲.csv" and fault.remedy
    return fault.problem


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "甲.csv"
    path.write_text("x", encoding="utf-8")
    return path


@pytest.mark.usefixtures("child")
def test_each_bound_has_its_sentence(file: Path) -> None:
    assert "内存" in ended("fill", file, memory_mb=400) and "400" in ended("fill", file, memory_mb=400)
    assert "计算时间" in ended("spin", file, cpu_seconds=1)
    assert "超过了 2 秒" in ended("sleep", file, wall_seconds=2)


@pytest.mark.usefixtures("child")
def test_a_reader_that_dies_or_says_nothing_is_a_damaged_file(file: Path) -> None:
    assert "已损坏" in ended("die", file)
    assert "已损坏" in ended("leave", file)
    assert "出乎意料" in ended("break", file)


@pytest.mark.usefixtures("child")
def test_progress_is_heard_and_rubbish_is_not(file: Path) -> None:
    told: list[tuple[str, int, int]] = []
    run(order("talk", file), Given(), {}, Control(tell=lambda *one: told.append(one)))
    assert told[-1] == ("步骤2", 2, 3)
    heard: list[object] = []
    run(order("babble", file), Given(), {}, Control(tell=lambda *one: heard.append(one)))
    assert heard == []


def processes(session: int) -> list[int]:
    """Return the living processes of a session (in the kernel's sense)."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (
                    (entry / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
                )
            except OSError:
                continue
            if int(fields[3]) == session and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def started(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the list that the ids of all readers started from now on go into."""
    ids: list[int] = []
    real = worker._wait

    def noting(process, *rest):  # type: ignore[no-untyped-def]
        ids.append(process.pid)
        return real(process, *rest)

    monkeypatch.setattr(worker, "_wait", noting)
    return ids


@pytest.mark.usefixtures("child")
def test_whoever_is_called_off_is_gone_at_once(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = started(monkeypatch)
    wanted = threading.Event()
    wanted.set()
    timer = threading.Timer(1.0, wanted.clear)
    timer.start()
    with pytest.raises(ReaderStoppedError):
        run(order("sleep", file), Given(), {}, Control(wanted=wanted.is_set))
    timer.join()
    assert len(ids) == 1 and processes(ids[0]) == []


@pytest.mark.usefixtures("child")
def test_a_process_that_a_reader_makes_goes_with_it(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = started(monkeypatch)
    run(order("fork", file), Given(), {})
    deadline = time.monotonic() + 30
    while processes(ids[0]) and time.monotonic() < deadline:
        threading.Event().wait(0.05)
    assert processes(ids[0]) == []


@pytest.mark.usefixtures("child")
def test_nothing_of_the_servers_environment_goes_along(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "SUTU_TIANDITU_KEY",
        "LD_PRELOAD_X",
        "PYTHONPATH",
        "GDAL_DRIVER_PATH",
        "http_proxy",
        "PROJ_DATA",
    ):
        monkeypatch.setenv(name, "/tmp/secret")
    with pytest.raises(Exception, match="TMPDIR") as said:
        run(order("environment", file), Given(), {})
    names = set(str(said.value).split())
    assert not names & {"SUTU_TIANDITU_KEY", "LD_PRELOAD_X", "PYTHONPATH", "http_proxy", "PROJ_DATA"}
    assert {"GDAL_DRIVER_PATH", "GDAL_SKIP", "PROJ_NETWORK", "HOME"} <= names


@pytest.mark.usefixtures("child")
def test_what_a_reader_leaves_in_its_folder_goes(file: Path) -> None:
    with pytest.raises(Exception, match="乱"):
        run(order("litter", file), Given(), {})


@pytest.mark.usefixtures("child")
def test_a_reader_dies_with_its_parent(file: Path, tmp_path: Path, own_temporary_folder: Path) -> None:
    script = tmp_path / "parent.py"
    root = Path(worker.__file__).parents[2]
    script.write_text(
        f"""
import sys, tempfile
sys.path.insert(0, {str(root)!r})
from pathlib import Path
from data.reader import worker
from data.reader.orders import Given, Order
from data.reader.sandbox import Bounds
worker._CHILD = Path({str(tmp_path / "child.py")!r})
real = worker._wait
def noting(process, *rest):
    print(process.pid, flush=True)
    return real(process, *rest)
worker._wait = noting
worker.run(Order("sleep", {str(file)!r}, {{}}, "any", Bounds(500, 20, 60, 20, 5, 128)), Given(), {{}})
""",
        encoding="utf-8",
    )
    environment = {**os.environ, "TMPDIR": str(own_temporary_folder)}
    parent = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert parent.stdout is not None
    reader = int(parent.stdout.readline())
    assert processes(reader) == [reader]
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 30
    while processes(reader) and time.monotonic() < deadline:
        threading.Event().wait(0.05)
    assert processes(reader) == []
    # What it left goes with the next reader, once it is a minute old.
    (left,) = own_temporary_folder.glob(f"{PREFIX}*")
    os.utime(left, (1_000_000, 1_000_000))
    run(order("talk", file), Given(), {})
    assert not left.exists()


def test_no_room_for_a_folder_is_said(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/proc/nowhere")
    with pytest.raises(UnpackError, match="TMPDIR"):
        run(order("talk", file), Given(), {})
