"""What a page will ask for once its script has run, named in its head so that it is there by then.

Streamlit loads the parts of a page when the first of their kind arrives, and the map's own scripts when its
frame is made: one after another, each waiting for the one before. The server knows them all beforehand.
"""

from __future__ import annotations

import functools
import gzip
import re

from layers.assets import leaflet_url, own_url
from pages.static_files import (
    MAP_COMPONENT_URL,
    STREAMLIT_URL,
    kept_files,
    map_component_folder,
    static_folder,
)

# The parts that pages with a map use first, by Streamlit's names for them.
FIRST_PARTS = ("Selectbox", "ButtonGroup", "ComponentInstance", "Metric")
_IMPORTED = re.compile(r'(?:from|import)\s*"\./([^"/]+\.js)"')


@functools.cache
def early_links(page: str) -> tuple[str, ...]:
    """Return the ``<link>`` elements for the head of ``page``, without what it names already.

    First parts of Streamlit as modules, then scripts and styles of the map component, Leaflet and ours.
    """
    parts = [
        f"{STREAMLIT_URL}js/{name}" for name in parts_with_imports(FIRST_PARTS) if f"/{name}" not in page
    ]
    component = [
        f"{MAP_COMPONENT_URL}{name}"
        for name in kept_files(map_component_folder())
        if name.startswith("static/js/")
    ]
    scripts = [*component, leaflet_url("leaflet.js"), own_url("map.js")]
    styles = [leaflet_url("leaflet.css"), own_url("map.css")]
    return (
        *(f'<link rel="modulepreload" fetchpriority="low" href="{address}">' for address in parts),
        *(f'<link rel="prefetch" as="script" href="{address}">' for address in scripts),
        *(f'<link rel="prefetch" as="style" href="{address}">' for address in styles),
    )


def parts_with_imports(parts: tuple[str, ...]) -> list[str]:
    """Return the file names of ``parts`` of Streamlit and of all that they import, each once, sorted.

    A part that this version of Streamlit does not have is left out: then it is loaded when it is needed.
    """
    scripts = {
        name.removeprefix("js/"): file
        for name, file in kept_files(static_folder()).items()
        if name.startswith("js/") and name.endswith(".js")
    }
    wanted = [name for name in scripts if name.split(".")[0] in parts]
    found: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name in found or name not in scripts:
            continue
        found.add(name)
        content = scripts[name].content
        wanted += _IMPORTED.findall(gzip.decompress(content).decode())
    return sorted(found)
