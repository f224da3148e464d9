"""Files that sessions hand over: kept while they are read, read one at a time for each page, called off.

What belongs to a session (the copy of its upload, the reading, its result) is kept here and not with the
session itself, which Streamlit keeps for minutes after its visitor has left: here it goes after seconds.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any, Protocol

import streamlit as st

from data.reader.worker import Control
from data.store.files import disk_in_words
from geo.errors import ReaderStoppedError, SutuError
from pages.shared import components, memory, presence

PATIENCE_S = 1.0
"""A page waits this long for a file before it shows how far the reading is."""

_SWEEP_S = 2.0
_GIVE_BACK = (1, 5, 15)
"""Sweeps after a visitor has left at which memory goes back: threads and sessions let go of it one by one."""
_BROKEN = "程序内部错误，没有写入任何内容。请把文件和时间告诉维护者。"


@dataclass
class Reading:
    """One file being read: for which question, where it stands, and how it ended."""

    key: Hashable
    step: str = "正在读取文件"
    share: float = 0.0
    result: Any = None
    fault: SutuError | None = None
    ended: threading.Event = field(default_factory=threading.Event)
    called_off: threading.Event = field(default_factory=threading.Event)

    def tell(self, step: str, done: int, total: int) -> None:
        """Note where it stands."""
        self.step, self.share = step, min(done / max(total, 1), 1.0)

    @property
    def stopped(self) -> bool:
        """Whether it was called off."""
        return isinstance(self.fault, ReaderStoppedError)


@dataclass
class _Held:
    """What is kept for one session: readings by page, and folders."""

    readings: dict[str, Reading] = field(default_factory=dict)
    folders: set[Path] = field(default_factory=set)


_lock = threading.Lock()
_held: dict[str, _Held] = {}
_sweeper: threading.Thread | None = None


def read(page: str, key: Hashable, work: Callable[[Control], Any]) -> Reading:
    """Return the reading of a page's file for the question ``key``, started when there is none yet.

    ``work`` runs in a thread of its own and is given what it shall ask and tell. Waits a moment for its end.
    A reading for another question of the same page is called off.
    """
    session = presence.session()
    with _lock:
        readings = _keep(session).readings
        reading = readings.get(page)
        if reading is None or reading.key != key:
            if reading is not None:
                reading.called_off.set()
            reading = readings[page] = Reading(key)
            threading.Thread(
                target=_run, args=(session, reading, work), daemon=True, name="sutu-file"
            ).start()
    reading.ended.wait(PATIENCE_S)
    return reading


def current(page: str) -> Reading | None:
    """Return the reading of a page of this session, None when there is none."""
    with _lock:
        held = _held.get(presence.session())
        return None if held is None else held.readings.get(page)


def under_way() -> int:
    """Return how many files are being read, or wait for their turn, for all sessions."""
    with _lock:
        return sum(
            not reading.ended.is_set() for held in _held.values() for reading in held.readings.values()
        )


def call_off(page: str) -> None:
    """Let nobody wait for the reading of a page any more; the worker ends within a moment."""
    reading = current(page)
    if reading is not None:
        reading.called_off.set()


def drop(page: str) -> None:
    """Forget the reading of a page of this session, and call it off when it is still under way."""
    call_off(page)
    with _lock:
        held = _held.get(presence.session())
        if held is not None:
            held.readings.pop(page, None)


def hold(folder: Path) -> None:
    """Keep a folder as long as this session's visitor is there."""
    with _lock:
        _keep(presence.session()).folders.add(folder)


def let_go(folder: Path, *, remove: bool = False) -> None:
    """Keep a folder of this session no longer: somebody else removes it, or, with ``remove``, it goes now."""
    with _lock:
        held = _held.get(presence.session())
        if held is not None:
            held.folders.discard(folder)
    if remove:
        shutil.rmtree(folder, ignore_errors=True)


def _run(session: str, reading: Reading, work: Callable[[Control], Any]) -> None:
    def wanted() -> bool:
        return not reading.called_off.is_set() and not presence.is_gone(session)

    try:
        reading.result = work(Control(tell=reading.tell, wanted=wanted))
    except SutuError as fault:
        reading.fault = fault
    except BaseException:
        reading.fault = SutuError(_BROKEN)
        raise
    finally:
        reading.ended.set()


def _keep(session: str) -> _Held:
    """Return what is kept for a session; ``_lock`` is held. From now on somebody looks whether it is gone."""
    global _sweeper  # noqa: PLW0603 - one for the process
    held = _held.setdefault(session, _Held())
    if _sweeper is None:
        _sweeper = threading.Thread(target=_sweep, daemon=True, name="sutu-sweep")
        _sweeper.start()
    return held


def _sweep() -> None:
    """Remove what sessions left behind, until nothing is kept for anybody."""
    global _sweeper  # noqa: PLW0603
    pause, ending, since = threading.Event(), list[Reading](), max(_GIVE_BACK)
    while True:
        pause.wait(_SWEEP_S)
        since += 1
        if since in _GIVE_BACK:
            memory.give_back()
        gone = [session for session in list(_held) if presence.is_gone(session)]
        for session in gone:
            ending += _forget(session)
        if (gone or ending) and all(reading.ended.is_set() for reading in ending):
            ending.clear()
            since = 0
        with _lock:
            for session in [one for one, held in _held.items() if not held.readings and not held.folders]:
                del _held[session]
            if not (_held or ending) and since >= max(_GIVE_BACK):
                _sweeper = None
                return


def _forget(session: str) -> list[Reading]:
    """Remove what is kept for a session, and return the readings that were called off."""
    with _lock:
        held = _held.pop(session, _Held())
    for reading in held.readings.values():
        reading.called_off.set()
    for folder in held.folders:
        shutil.rmtree(folder, ignore_errors=True)
    presence.forget(session)
    return list(held.readings.values())


_REFRESH_SECONDS, _LONGEST_SECONDS = 0.5, 3.0


def refresh_seconds(under_way: int) -> float:
    """Return after how long a page looks again: together, all that wait ask about as often as two would."""
    return min(max(_REFRESH_SECONDS * under_way / 2, _REFRESH_SECONDS), _LONGEST_SECONDS)


def show_progress(page: str) -> None:
    """Draw how far the reading of a page's file is; the whole page anew when it has ended."""
    st.fragment(_progress, run_every=refresh_seconds(under_way()))(page)


def _progress(page: str) -> None:
    reading = current(page)
    if reading is None or reading.ended.is_set():
        st.rerun()
        return
    st.progress(reading.share, text=components.plain(f"{reading.step}…"))
    st.button(
        "取消",
        on_click=call_off,
        args=(page,),
        key=f"{page}_file_cancel",
        icon=":material/cancel:",
    )


def show_end(page: str, reading: Reading) -> None:
    """Say why a reading ended without a result, and offer to read again."""
    if reading.stopped:
        st.info("已取消，没有写入任何内容。", icon=":material/block:")
    else:
        st.error(components.plain(str(reading.fault)), icon=":material/error:")
    st.button("重新读取", on_click=drop, args=(page,), key=f"{page}_file_again")


UPLOADS = "cache/uploads"
DATUMS = {
    "": "请选择",
    "wgs84": "WGS84（GPS、OpenStreetMap、天地图）",
    "cgcs2000": "CGCS2000（国家 2000，测绘成果）",
    "gcj02": "GCJ-02（高德、腾讯）",
    "bd09": "BD-09（百度）",
}
_NAME = re.compile(r"[^\w.()（）\-]+")
_CHUNK = 1 << 20
_STALE_SECONDS = 86_400.0


class Upload(Protocol):
    """What a file uploader hands over."""

    name: str

    def seek(self, offset: int) -> int:
        """Go to a place in the file."""

    def read(self, size: int) -> bytes:
        """Return the next bytes."""


def keep_upload(data_dir: Path, upload: Upload) -> Path:
    """Write an upload below the data directory and return its path, in a folder of its own.

    Only the last part of its name is kept, without anything that a file system or a path could trip over.
    Raises ``DiskError``, and keeps nothing, when there is no room.
    """
    below = data_dir / UPLOADS
    with disk_in_words("保存上传的文件"):
        below.mkdir(parents=True, exist_ok=True)
        _remove_stale(below)
        folder = Path(tempfile.mkdtemp(dir=below))
        path = folder / safe_name(upload.name)
        upload.seek(0)
        try:
            with path.open("wb") as handle:
                while chunk := upload.read(_CHUNK):
                    handle.write(chunk)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    return path


def _remove_stale(below: Path) -> None:
    """Remove what sessions left behind that ended without an import."""
    for folder in below.iterdir():
        if time.time() - folder.stat().st_mtime > _STALE_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def safe_name(name: str) -> str:
    """Return a file name that is only a file name: no folders, no control characters, at most 120 long."""
    last = PurePath(name.replace("\\", "/")).name
    plain = _NAME.sub("_", last).strip("._ ") or "upload"
    return plain if len(plain) <= 120 else plain[-120:].lstrip("._ ")
