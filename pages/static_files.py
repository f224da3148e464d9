"""Streamlit's own scripts and styles from memory, packed once: a first view asks for some hundred of them."""

from __future__ import annotations

import functools
import gzip
import mimetypes
from dataclasses import dataclass
from pathlib import Path

import streamlit
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

_PREFIX = "/static/"
_PACKED = {".js", ".css", ".svg", ".json"}
_FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Kept:
    """One file as it is sent: gzip-compressed when ``packed``, else as it is on disk."""

    content: bytes
    media_type: str
    packed: bool


def static_folder() -> Path:
    """Return the folder of Streamlit's scripts, styles and fonts; their names change with their content."""
    return Path(streamlit.__file__).parent / "static" / "static"


@functools.cache
def kept_files(folder: Path) -> dict[str, Kept]:
    """Return every file below ``folder`` by its relative path with slashes; read and packed once."""
    return {
        path.relative_to(folder).as_posix(): _keep(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _keep(path: Path) -> Kept:
    content = path.read_bytes()
    packed = path.suffix in _PACKED
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return Kept(gzip.compress(content, 6, mtime=0) if packed else content, kind, packed)


class StaticFilesInMemory:
    """Answers for the files of ``folder``; whatever else is asked goes on to the application.

    Starlette reads a file in a thread of its own each time, a few milliseconds that a first view would pay a
    hundred times, one after another, before its map can even begin to load.
    """

    def __init__(self, app: ASGIApp, folder: Path | None = None) -> None:
        """Wrap ``app``; the files are those of ``folder`` (default: Streamlit's)."""
        self.app = app
        self.folder = static_folder() if folder is None else folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        kept = self._wanted(scope)
        await (self.app if kept is None else _answer(scope, kept))(scope, receive, send)

    def _wanted(self, scope: Scope) -> Kept | None:
        if scope["type"] != "http" or scope["method"] != "GET":
            return None
        if not scope["path"].startswith(_PREFIX) or "range" in Headers(scope=scope):
            return None
        return kept_files(self.folder).get(scope["path"].removeprefix(_PREFIX))


def _answer(scope: Scope, kept: Kept) -> Response:
    headers = {"Cache-Control": _FOREVER}
    content = kept.content
    if kept.packed:
        headers["Vary"] = "Accept-Encoding"
        if "gzip" in Headers(scope=scope).get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
        else:
            content = gzip.decompress(content)
    return Response(content, media_type=kept.media_type, headers=headers)
