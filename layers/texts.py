"""Every text that pages and documents can show of their own: packaged data and what the code says."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

ROOMS = ("geo", "data", "layers", "analysis", "exports", "reports", "pages", "server")
_ENDINGS = frozenset({".csv", ".yaml", ".py", ".js", ".css", ".html"})


def texts() -> str:
    """Return the texts of all rooms, of every folder in them, one after another."""
    return "".join(
        path.read_text(encoding="utf-8")
        for room in ROOMS
        for path in sorted(Path(str(resources.files(room))).rglob("*"))
        if path.suffix in _ENDINGS
    )
