"""What browsers fetch from us: scripts, styles and fonts, and map data named by its content."""

from __future__ import annotations

import functools
import gzip
import hashlib
import re
import threading
from collections import OrderedDict
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import Path

ASSETS_URL = "/assets"
FONTS_URL = f"{ASSETS_URL}/fonts"
FONTS_CSS_URL = f"{FONTS_URL}/fonts.css"
PUBLISHED_URL = f"{ASSETS_URL}/data"


def own_folder() -> Path:
    """Return the folder of this project's own scripts, styles and images."""
    return Path(str(resources.files("layers"))) / "assets"


def leaflet_folder() -> Path:
    """Return the folder of Leaflet 1.9.4 as its package installs it."""
    return Path(str(resources.files("js_lib_leaflet"))) / "static" / "js_lib_leaflet"


@functools.cache
def own_url(name: str) -> str:
    """Return the address of one of our own assets; it changes with the content, so it may be kept for ever.

    Raises ``FileNotFoundError`` when there is no such asset.
    """
    digest = hashlib.sha256((own_folder() / name).read_bytes()).hexdigest()[:12]
    return f"{ASSETS_URL}/own/{name}?v={digest}"


def leaflet_url(name: str) -> str:
    """Return the address of a file of Leaflet; it names the package's version."""
    return f"{ASSETS_URL}/leaflet/{name}?v={metadata.version('django-js-lib-leaflet')}"


_NAME = re.compile(r"[0-9a-f]{24}\.(json|png)")
_TYPES = {"json": "application/json", "png": "image/png"}


@dataclass(frozen=True)
class Published:
    """One piece: its bytes as sent, their media type, and their encoding (``gzip`` or None)."""

    content: bytes
    media_type: str
    encoding: str | None


class Publisher:
    """Keeps the latest pieces in memory, up to a limit in bytes; safe to share between threads.

    A name is the digest of the content, so whoever knows a name already knows what it holds: the pieces are
    boundaries and images that the maps of any user may show, never what a user brought.
    """

    def __init__(self, limit_bytes: int = 256 * 2**20) -> None:
        """Keep at most ``limit_bytes`` (compressed); the pieces unused for longest go first."""
        self._limit = limit_bytes
        self._held = 0
        self._pieces: OrderedDict[str, Published] = OrderedDict()
        self._lock = threading.Lock()

    def publish(self, content: bytes, kind: str = "json") -> str:
        """Keep ``content`` and return its address; ``kind`` is ``json`` or ``png``."""
        name = f"{hashlib.sha256(content).hexdigest()[:24]}.{kind}"
        with self._lock:
            known = name in self._pieces
            if known:
                self._pieces.move_to_end(name)
        if not known:
            self._keep(name, _pack(content, kind))
        return f"{PUBLISHED_URL}/{name}"

    def _keep(self, name: str, piece: Published) -> None:
        with self._lock:
            if name in self._pieces:
                return
            self._pieces[name] = piece
            self._held += len(piece.content)
            while self._held > self._limit and len(self._pieces) > 1:
                _, dropped = self._pieces.popitem(last=False)
                self._held -= len(dropped.content)

    def get(self, name: str) -> Published | None:
        """Return the piece of that name, or None when it is not held (any longer)."""
        if not _NAME.fullmatch(name):
            return None
        with self._lock:
            piece = self._pieces.get(name)
            if piece is not None:
                self._pieces.move_to_end(name)
            return piece


def _pack(content: bytes, kind: str) -> Published:
    if kind == "json":
        # mtime=0: equal content gives equal bytes.
        return Published(gzip.compress(content, 6, mtime=0), _TYPES[kind], "gzip")
    return Published(content, _TYPES[kind], None)


PUBLISHER = Publisher()
"""The one of this process: pages publish, the server's route answers."""
