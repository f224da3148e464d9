"""Exports asked for on the page: a few at a time, each in a file of its own that is gone after an hour."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from data.store import data_dir
from geo.export_table import ExportTable
from layers.export_formats import Options
from layers.export_package import Exported, export

AT_ONCE = 2
"""How many exports run at the same time; the others wait, so that memory stays bounded."""

KEPT_SECONDS = 3600.0
_slots = threading.BoundedSemaphore(AT_ONCE)


def exports_folder() -> Path:
    """Return the folder of finished exports, made when it is not there."""
    folder = data_dir() / "cache" / "exports"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def run_export(
    make_tables: Callable[[], Sequence[ExportTable]], options: Options, tell: Callable[[str, int, int], None]
) -> Exported:
    """Make the layers, write them as a package under a name of its own and return it.

    Waits for its turn. Files of earlier exports older than ``KEPT_SECONDS`` are removed. Raises as
    ``layers.export_package.export``.
    """
    if not _slots.acquire(blocking=False):
        tell("排队等候", 0, 1)
        _slots.acquire()
    try:
        folder = exports_folder()
        sweep(folder)
        tell("准备图层", 0, 1)
        return export(make_tables(), folder / f"{secrets.token_hex(16)}.zip", options, progress=tell)
    finally:
        _slots.release()


def sweep(folder: Path, *, now: float | None = None) -> None:
    """Remove finished exports that nobody has fetched for ``KEPT_SECONDS``."""
    now = time.time() if now is None else now
    for path in folder.glob("*.zip"):
        with contextlib.suppress(OSError):
            if now - path.stat().st_mtime > KEPT_SECONDS:
                path.unlink()


def discard(path: Path | None) -> None:
    """Remove a finished export that is no longer wanted."""
    if path is not None:
        path.unlink(missing_ok=True)
