"""The real server in a process of its own, as people start it; ended with the block that asked for it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SERVE = ("-m", "cli", "serve", "--port", "0")
"""``sutu serve`` on a port that the system chooses."""

_STARTED = "苏图已启动："
_PATIENCE_SECONDS = 180


@contextmanager
def program(
    arguments: Sequence[str], data: Path, folder: Path, **environment: str
) -> Iterator[subprocess.Popen[str]]:
    """Run Python with ``arguments`` in ``folder`` on the data directory ``data``; stdout has stderr too."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        env={
            **os.environ,
            "SUTU_DATA_DIR": str(data),
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "PYTHONUTF8": "1",
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def address_of(process: subprocess.Popen[str]) -> str:
    """Read what the server says until it names its address; go on reading, or its pipe would fill."""
    assert process.stdout is not None
    told: list[str] = []
    guard = threading.Timer(_PATIENCE_SECONDS, process.kill)
    guard.start()
    try:
        for line in process.stdout:
            told.append(line)
            if _STARTED in line:
                threading.Thread(target=told.extend, args=(process.stdout,), daemon=True).start()
                return line.partition(_STARTED)[2].strip()
    finally:
        guard.cancel()
    raise AssertionError("the server did not start:\n" + "".join(told))
