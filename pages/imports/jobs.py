"""Imports that run beside the pages: one at a time, to their end, whoever is watching."""

from __future__ import annotations

import shutil
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data.builder.intake import Found, Intake, run_intake
from data.faults import FaultReport
from data.ingest.summary import ImportSummary
from data.reader.worker import Control
from geo.errors import SutuError


@dataclass
class Job:
    """One import under way or ended: where it stands, and how it ended."""

    name: str
    folder: Path = Path()
    step: str = "等待开始"
    done: int = 0
    total: int = 1
    summary: ImportSummary | None = None
    failure: str | None = None
    faults: FaultReport | None = None
    ended: threading.Event = field(default_factory=threading.Event)
    called_off: threading.Event = field(default_factory=threading.Event)
    reading: bool = False

    def read(self, step: str, done: int, total: int) -> None:
        """Note where the reading of the file stands, which can be called off."""
        self.reading = True
        self.tell(step, done, total)

    def build(self, step: str, done: int, total: int) -> None:
        """Note where the build stands, which runs to its end."""
        self.reading = False
        self.tell(step, done, total)

    def tell(self, step: str, done: int, total: int) -> None:
        """Note where it stands."""
        self.step, self.done, self.total = step, done, max(total, 1)

    @property
    def share(self) -> float:
        """How much is done, from 0 to 1."""
        return min(self.done / self.total, 1.0)


_jobs: dict[Path, Job] = {}
_lock = threading.Lock()


def current(data_dir: Path) -> Job | None:
    """Return the latest import of a data directory, or None before the first."""
    with _lock:
        return _jobs.get(data_dir.resolve())


def forget(data_dir: Path) -> None:
    """Forget an import that has ended."""
    with _lock:
        job = _jobs.get(data_dir.resolve())
        if job is not None and job.ended.is_set():
            del _jobs[data_dir.resolve()]


def start(
    data_dir: Path, folder: Path, name: str, intake: Intake[Any], found: Found[Any] | None = None
) -> Job:
    """Start an import in a thread of its own and return it; the one that runs already, when there is one.

    ``found`` is what an earlier look at the file found; ``folder`` holds the file and is removed at the end.
    """
    with _lock:
        running = _jobs.get(data_dir.resolve())
        if running is not None and not running.ended.is_set():
            return running
        job = _jobs[data_dir.resolve()] = Job(name, folder)
    threading.Thread(
        target=_run, args=(job, data_dir, folder, intake, found), daemon=True, name="sutu-import"
    ).start()
    return job


def _run(job: Job, data_dir: Path, folder: Path, intake: Intake[Any], found: Found[Any] | None) -> None:
    try:
        job.summary = run_intake(
            data_dir,
            intake,
            found=found,
            control=Control(tell=job.read, wanted=lambda: not job.called_off.is_set()),
            progress=job.build,
            on_wait=lambda text: job.build(text, 0, 1),
        )
    except FaultReport as report:
        job.faults, job.failure = report, f"数据有 {report.total} 处问题，未写入任何内容"
    except SutuError as fault:
        job.failure = str(fault)
    except OSError as fault:
        job.failure = f"读写文件失败：{fault.strerror or fault}。未写入任何内容。"
    except BaseException:
        job.failure = "程序内部错误，未写入任何内容。请把文件和时间告诉维护者。"
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        job.ended.set()
