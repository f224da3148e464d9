"""Scripts and styles of Streamlit and of its map component from memory, packed once.

A first view asks for some hundred of them.
"""

from __future__ import annotations

import asyncio
import functools
import gzip
import mimetypes
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import streamlit
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

STREAMLIT_URL = "/static/"
MAP_COMPONENT_URL = "/component/streamlit_folium.st_folium/"
_PACKED = {".js", ".css", ".svg", ".json", ".html"}
_LEFT_OUT = {".map", ".txt"}
# The names that builders give to files whose content never changes: name.DormvYxC.js, main.521860b0.js.
_NAMED_BY_CONTENT = re.compile(r"\.[\w-]{8}\.\w+$")
_FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Kept:
    """One file as it is sent: gzip-compressed when ``packed``, else as it is on disk."""

    content: bytes
    media_type: str
    packed: bool
    forever: bool


def static_folder() -> Path:
    """Return the folder of Streamlit's scripts, styles and fonts; their names change with their content."""
    return Path(streamlit.__file__).parent / "static" / "static"


def map_component_folder() -> Path:
    """Return the folder of the map component's page and script.

    Raises ``ModuleNotFoundError`` when the component is not installed. It is found without importing it:
    it registers itself only when a page view imports it.
    """
    found = find_spec("streamlit_folium")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("streamlit_folium", name="streamlit_folium")
    return Path(found.submodule_search_locations[0]) / "frontend" / "build"


def served_folders() -> dict[str, Path]:
    """Return the folders that are answered for from memory, by the address they begin with."""
    return {STREAMLIT_URL: static_folder(), MAP_COMPONENT_URL: map_component_folder()}


@functools.cache
def kept_files(folder: Path) -> dict[str, Kept]:
    """Return every file below ``folder`` by its relative path with slashes; read and packed once."""
    return {
        path.relative_to(folder).as_posix(): _keep(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix not in _LEFT_OUT
    }


def _keep(path: Path) -> Kept:
    content = path.read_bytes()
    packed = path.suffix in _PACKED
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    forever = _NAMED_BY_CONTENT.search(path.name) is not None
    return Kept(gzip.compress(content, 6, mtime=0) if packed else content, kind, packed, forever)


class StaticFilesInMemory:
    """Answers for the files of ``folders``; whatever else is asked goes on to the application.

    Starlette reads a file in a thread of its own each time and packs it anew, milliseconds that a first view
    would pay a hundred times, one after another, before its map can even begin to load.
    """

    def __init__(self, app: ASGIApp, folders: Mapping[str, Path] | None = None) -> None:
        """Wrap ``app``; ``folders`` by the address they begin with (default: `served_folders`)."""
        self.app = app
        self.folders = served_folders() if folders is None else folders

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        kept = self._wanted(scope)
        await (self.app if kept is None else _answer(scope, kept))(scope, receive, send)

    def _wanted(self, scope: Scope) -> Kept | None:
        if scope["type"] != "http" or scope["method"] != "GET" or "range" in Headers(scope=scope):
            return None
        path = scope["path"]
        for prefix, folder in self.folders.items():
            if path.startswith(prefix):
                return kept_files(folder).get(path.removeprefix(prefix))
        return None


def _answer(scope: Scope, kept: Kept) -> Response:
    headers = {"Cache-Control": _FOREVER if kept.forever else "no-cache"}
    content = kept.content
    if kept.packed:
        headers["Vary"] = "Accept-Encoding"
        if "gzip" in Headers(scope=scope).get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
        else:
            content = gzip.decompress(content)
    return Response(content, media_type=kept.media_type, headers=headers)


def send_at_once(loop: asyncio.AbstractEventLoop) -> None:
    """Make servers that ``loop`` will open on a socket of their own send without waiting (TCP_NODELAY).

    asyncio asks for this itself, but only for sockets made with the protocol TCP named. Streamlit's is made
    without, and an answer goes out as head and body: the body of a small file then waits for the browser to
    confirm the head, which it puts off for 40 ms. A first view asks for some hundred small files.
    Accepted connections take the setting over from the listening socket.
    """
    create_server = loop.create_server

    async def without_delay(*args: Any, **options: Any) -> asyncio.Server:
        listening = options.get("sock")
        if isinstance(listening, socket.socket) and listening.family in (socket.AF_INET, socket.AF_INET6):
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return await create_server(*args, **options)

    loop.create_server = without_delay  # type: ignore[method-assign]
