"""What is freed goes back to the system; sessions of who has left end on the loop of the server."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from data.reader.worker import Control
from pages.shared import file_jobs, presence

ROOT = Path(__file__).resolve().parents[2]
# A block that was mapped and freed raises the size from which blocks are mapped; the next one would come from
# the heap, which keeps it.
MAPPED = """
import ctypes, sys
import pyarrow as pa
from pages.shared import memory

class Counts(ctypes.Structure):
    _fields_ = [
        ("before", ctypes.c_size_t * 4),
        ("mapped", ctypes.c_size_t),
        ("after", ctypes.c_size_t * 5),
    ]

libc = ctypes.CDLL(None)
libc.mallinfo2.restype = Counts
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
if sys.argv[1] == "set":
    memory.return_large_blocks()
libc.free(libc.malloc(30 << 20))
before = libc.mallinfo2().mapped
block = libc.malloc(20 << 20)
held = libc.mallinfo2().mapped - before
libc.free(block)
print(held >> 20, libc.mallinfo2().mapped - before, pa.default_memory_pool().backend_name)
"""


def mapped(setting: str) -> list[str]:
    """Return the megabytes mapped for a block of 20, the bytes left once it is freed, and Arrow's pool."""
    line = [sys.executable, "-c", MAPPED, setting]
    # Where dask has started a process, this one's environment sets the allocator of its children.
    own = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    return subprocess.check_output(line, cwd=ROOT, env=own, text=True).split()


def test_large_blocks_are_mapped_and_go_when_they_are_freed() -> None:
    assert mapped("unset")[0] == "0", (
        "without the setting such a block is the heap's: the test measures something"
    )
    assert mapped("set") == ["20", "0", "system"]


def test_a_session_ends_on_the_loop_of_the_server_and_only_without_a_browser(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended: list[tuple[str, int]] = []
    server = SimpleNamespace(
        is_active_session=lambda session: session == "back",
        close_session=lambda session: ended.append((session, threading.get_ident())),
    )
    monkeypatch.setattr(presence, "Runtime", SimpleNamespace(exists=lambda: True, instance=lambda: server))
    loop = asyncio.new_event_loop()
    monkeypatch.setattr(presence, "_loop", loop)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        presence.forget("gone")
        presence.forget("back")
        assert ended == [("gone", thread.ident)]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
    presence.forget("late")
    assert len(ended) == 1, "a loop that is closed is asked for nothing"


def test_memory_goes_back_when_the_readings_of_who_left_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    there, told, go = threading.Event(), list[int](), threading.Event()
    there.set()
    monkeypatch.setattr(presence, "session", lambda: "a")
    monkeypatch.setattr(presence, "is_connected", lambda _session: there.is_set())
    monkeypatch.setattr(presence, "grace_seconds", lambda: 0.0)
    monkeypatch.setattr(presence, "forget", lambda _session: None)
    monkeypatch.setattr(file_jobs, "_held", {})
    monkeypatch.setattr(file_jobs, "_SWEEP_S", 0.01)
    monkeypatch.setattr(file_jobs, "PATIENCE_S", 0.0)
    monkeypatch.setattr(file_jobs.memory, "give_back", lambda: told.append(go.is_set()))

    def work(_control: Control) -> None:
        go.wait(60)

    reading = file_jobs.read("import", "k", work)
    there.clear()
    threading.Event().wait(0.3)
    assert told == [], "nothing is free while the reading goes on"
    go.set()
    assert reading.ended.wait(60)
    for _ in range(600):
        if file_jobs._sweeper is None:
            break
        threading.Event().wait(0.05)
    assert told == [True] * len(file_jobs._GIVE_BACK)
