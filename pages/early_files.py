"""What a page with a map will ask for once its script has run, named in its head to be there by then.

A map's frame asks for its scripts one after another, each when the one before has run. The server knows them
all beforehand, and a browser fetches what is named so when it has nothing better to do.
"""

from __future__ import annotations

import functools

from layers.assets import leaflet_url, own_url
from pages.static_files import MAP_COMPONENT_URL, kept_files, map_component_folder


@functools.cache
def early_links() -> tuple[str, ...]:
    """Return the ``<link>`` elements: scripts of the map component, of Leaflet and our own, then styles."""
    component = [
        f"{MAP_COMPONENT_URL}{name}"
        for name in kept_files(map_component_folder())
        if name.startswith("static/js/")
    ]
    scripts = [*component, leaflet_url("leaflet.js"), own_url("map.js")]
    styles = [leaflet_url("leaflet.css"), own_url("map.css")]
    return (
        *(f'<link rel="prefetch" as="script" href="{address}">' for address in scripts),
        *(f'<link rel="prefetch" as="style" href="{address}">' for address in styles),
    )
