"""The map of the page 指标地图 beside a plain folium map of the same regions with unsimplified boundaries.

``python -m benchmarks maps [--json] [--repeats 5] [--store FOLDER]``. A store is built in a temporary folder
(or ``--store`` is used), the real server is started on a free loopback port, and a real Chromium that can
reach nothing else opens the page with empty caches. Times are the browser's own: from the first byte of the
page to the moment the regions are paths in the DOM, and from the press on another indicator to its colours
on the map. The plain map is a finished file, and for another indicator it is loaded
anew. Medians; the first view after the start of the server is given apart.

To the plain map nothing
is done but what lets it draw without internet: no base map, and of folium's scripts and styles
only Leaflet, from our own server. It is served from memory over loopback, already written, so that none
of its time is spent in Python.
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from threading import Thread
from typing import Any
from urllib.parse import urlencode

import folium
import geopandas as gpd
import pandas as pd
import shapely
from playwright.sync_api import Browser

from benchmarks.browser_times import Drawn, chromium, fresh_page, open_map, switch_to
from benchmarks.build import ROOT, build
from benchmarks.map_weight import map_weight
from benchmarks.table import Row, beside, show
from data.registry import load_registry
from data.store.store import Store, open_store
from layers.assets import leaflet_folder
from layers.model import Layer
from pages.indicators.choice import DEFAULT_PALETTE, MapStyle, Subject
from pages.indicators.layers import layers_of
from pages.shared.cached import labels_for

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


LEVELS = {"prefecture": "全省（设区市级）", "county": "县级"}
GOAL_FIRST_S, GOAL_SWITCH_S, GOAL_COUNTY_BYTES = 2.0, 0.5, 300_000
LIST_LABEL = "指标"


def vertex_count(geometries: Sequence[shapely.Geometry]) -> int:
    """Return the coordinates of all geometries together; the closing one of a ring counts."""
    return int(shapely.get_num_coordinates(list(geometries)).sum())


def layer_of(store: Store, indicator: str, year: int, level: str) -> Layer:
    """Return the layer that the page draws for an indicator, in its default style."""
    registry = load_registry()
    style = MapStyle(
        str(registry.setting("class_method")), int(registry.setting("class_count")), DEFAULT_PALETTE
    )
    return layers_of(store, registry, [Subject(store.indicator(indicator), year, level)], style)[0]


def colours_of(layer: Layer) -> pd.Series:
    """Return the colour of each region by adcode."""
    fills = [*layer.style.colours, layer.style.undefined_colour]
    return layer.frame["class_index"].map(lambda index: fills[int(index)])


def plain_frame(store: Store, level: str) -> gpd.GeoDataFrame:
    """Return the regions of a level with unsimplified boundaries."""
    return store.regions(level, zoom="full")


def subjects(store: Store, count: int) -> tuple[int, list[tuple[str, str]]]:
    """Return the default year and ``count`` indicators of counties in it: (id, text in the list)."""
    year = int(load_registry().setting("default_year"))
    table = store.indicators()
    fits = [
        "county" in levels and year in years
        for levels, years in zip(table["levels"], table["years"], strict=True)
    ]
    chosen = table[fits].head(count)
    texts = [f"{domain} ｜ {name}" for domain, name in zip(chosen["domain"], chosen["name"], strict=True)]
    return year, list(zip(chosen["id"], texts, strict=True))


def size_rows(store: Store, indicator: str, year: int, pages: dict[str, bytes]) -> list[Row]:
    """Return bytes and vertices of both maps at each level."""
    rows = []
    for level, name in LEVELS.items():
        weight = map_weight(layer_of(store, indicator, year, level), labels=labels_for(store, level))
        goal = GOAL_COUNTY_BYTES if level == "county" else None
        plain = vertex_count(plain_frame(store, level).geometry)
        rows.append(
            beside(f"{name}地图数据", "B", weight.total_bytes, len(pages[f"/{level}-0.html"]), goal=goal)
        )
        rows.append(beside(f"{name}顶点", "个", weight.vertices, plain))
    return rows


@contextmanager
def serving(data_dir: Path) -> Iterator[tuple[str, float]]:
    """Run the server on a free loopback port; give its address and the seconds until it answered."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "cli.py", "serve", "--port", str(port)]
    environment = os.environ | {"SUTU_DATA_DIR": str(data_dir), "PYTHONUNBUFFERED": "1"}
    begin = time.perf_counter()
    server = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        address = f"http://127.0.0.1:{port}"
        said = []
        for line in server.stdout or ():
            said.append(line)
            if address in line:
                break
        else:
            raise RuntimeError("服务没有启动：\n" + "".join(said))
        yield address, time.perf_counter() - begin
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=60)


def our_times(
    browser: Browser,
    address: str,
    year: int,
    indicators: list[tuple[str, str]],
    *,
    count: int,
    repeats: int,
) -> tuple[list[Drawn], list[float]]:
    """Return the times of ``repeats`` + 1 first maps, and of switches through ``indicators`` on the last."""
    query = urlencode({"indicator": indicators[0][0], "year": year, "level": "county"})
    drawn, switches = [], []
    for view in range(repeats + 1):
        with fresh_page(browser) as page:
            frame, times = open_map(page, f"{address}/indicator-map?{query}", count, framed=True)
            drawn.append(times)
            if view == repeats:
                switches = [switch_to(page, frame, LIST_LABEL, text) for _, text in indicators[1:]]
    return drawn, switches


def plain_times(
    browser: Browser, pages: dict[str, bytes], count: int, repeats: int
) -> tuple[list[Drawn], list[float]]:
    """Return the same of the plain map: a switch opens the page of the other indicator in the same tab."""
    drawn, switches = [], []
    with serving_plain(pages) as address:
        for _ in range(repeats):
            with fresh_page(browser) as page:
                drawn.append(open_map(page, f"{address}/county-0.html", count, framed=False)[1])
                again = open_map(page, f"{address}/county-1.html", count, framed=False)[1]
                switches.append(again.from_navigation)
    return drawn, switches


def time_rows(
    ours: tuple[list[Drawn], list[float]], plain: tuple[list[Drawn], list[float]], start: Row
) -> list[Row]:
    """Return the rows of the times; the first of ours is the first view after the server's start."""
    (first, *later), switches = ours
    peer = {name: median(getattr(one, name) for one in plain[0]) for name in vars(first)}
    rows = [start]
    for name, views in (("启动后第一次打开", [first]), ("再次打开（浏览器无缓存）", later)):
        since = {key: median(getattr(one, key) for one in views) for key in vars(first)}
        rows += [
            beside(
                f"{name}：首字节 → 县级地图画出",
                "s",
                since["from_first_byte"],
                peer["from_first_byte"],
                goal=GOAL_FIRST_S,
            ),
            beside(f"{name}：首字节 → 屏幕上可见", "s", since["painted"], peer["painted"]),
            beside(f"{name}：导航 → 县级地图画出", "s", since["from_navigation"], peer["from_navigation"]),
        ]
    rows.append(
        beside(
            "切换指标 → 新颜色（对照：整页重载）",
            "s",
            median(switches),
            median(plain[1]),
            goal=GOAL_SWITCH_S,
        )
    )
    return rows


def run(repeats: int = 5, data_dir: Path | None = None) -> dict[str, Any]:
    """Return the rows and notes of the comparison."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="sutu-bench-") as name:
        folder = data_dir or Path(name)
        if data_dir is None:
            build(folder)
        store = open_store(folder)
        year, indicators = subjects(store, repeats + 1)
        pages = {
            f"/{level}-{number}.html": plain_html(
                plain_frame(store, level), colours_of(layer_of(store, indicator, year, level))
            )
            for level in LEVELS
            for number, (indicator, _) in enumerate(indicators[:2])
        }
        count = len(store.region_table("county"))
        rows = size_rows(store, indicators[0][0], year, pages)
        store.close()
        with chromium() as browser:
            plain = plain_times(browser, pages, count, repeats)
            cut = any((folder / "cache").glob("fonts-*"))
            with serving(folder) as (address, seconds):
                ours = our_times(browser, address, year, indicators, count=count, repeats=repeats)
    start = Row("启动服务（中文网页字体已有）" if cut else "首次启动服务（含生成中文网页字体）", "s", seconds)
    notes = [
        f"对照为 folium 普通地图：同样 {count} 个县（市、区）的未简化边界，无底图，Leaflet 由本机提供",
        "对照是事先写好的静态文件，不经过应用服务器；本项目的时间包含整个页面（Streamlit、图表、字体）的装载",
        f"打开 {repeats} 次、切换 {len(ours[1])} 次的中位数；浏览器断网，没有请求离开 127.0.0.1",
        f"处理器 {os.cpu_count()} 核，运行前后 1 分钟平均负载 {load:.1f}、{os.getloadavg()[0]:.1f}",
    ]
    return {"rows": rows + time_rows(ours, plain, start), "notes": notes}


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(prog="benchmarks maps", description=__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="how often each map is opened")
    parser.add_argument("--store", type=Path, help="data directory of a built store, instead of building one")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    report = run(max(1, arguments.repeats), arguments.store)
    if arguments.json:
        data = report | {"rows": [row.as_dict() for row in report["rows"]]}
        print(json.dumps(data, ensure_ascii=False, indent=2))
    else:
        show({"maps": report["rows"]}, report["notes"])


if __name__ == "__main__":
    main()
