"""Where the browser's scripts, styles and fonts lie, and the addresses they have: our own only."""

from __future__ import annotations

import functools
import hashlib
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
