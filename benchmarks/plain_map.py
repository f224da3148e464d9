"""The peer of the map benchmark: a plain folium map of the same regions with unsimplified boundaries.

Nothing is done to it but what lets it draw without internet: no base map, and of folium's scripts and styles
only Leaflet, from our own server. It is served from memory over loopback, already written, so that none
of its time is spent in Python.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import folium
import geopandas as gpd
import pandas as pd

from layers.assets import leaflet_folder

LEAFLET = ("leaflet.js", "leaflet.css")
_TYPES = {"js": "text/javascript", "css": "text/css", "html": "text/html; charset=utf-8"}


class PlainMap(folium.Map):
    """A folium map as folium makes it, with Leaflet from our server and no other script or style."""

    default_js = [("leaflet", "/leaflet.js")]  # noqa: RUF012
    default_css = [("leaflet_css", "/leaflet.css")]  # noqa: RUF012


def plain_html(frame: gpd.GeoDataFrame, colours: pd.Series) -> bytes:
    """Return the page of a plain map: regions of ``frame`` as they are, filled with ``colours`` by adcode."""
    sheet = PlainMap(location=(32.95, 119.2), zoom_start=7, tiles=None)
    fills = colours.to_dict()
    shapes = frame[["adcode", "name", "geometry"]]
    folium.GeoJson(
        shapes,
        style_function=lambda feature: {
            "fillColor": fills[feature["properties"]["adcode"]],
            "fillOpacity": 1,
            "color": "#7C8B97",
            "weight": 0.5,
        },
    ).add_to(sheet)
    return str(sheet.get_root().render()).encode()


@contextmanager
def serving_plain(pages: Mapping[str, bytes]) -> Iterator[str]:
    """Serve ``pages`` (by path, ending .html) and Leaflet on a free loopback port; give the address."""
    files = {f"/{name}": (leaflet_folder() / name).read_bytes() for name in LEAFLET} | dict(pages)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            content = files.get(self.path)
            self.send_response(200 if content is not None else 404)
            kind = _TYPES.get(self.path.rpartition(".")[2], "application/octet-stream")
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in http.server
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
