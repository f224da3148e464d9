"""How long each page takes in a real Chromium, and 设施覆盖 to a first result and to a new threshold.

``python -m benchmarks page_times [--repeats 3] [--store FOLDER] [--json]``. A page is there when its script
has run to the end and every map on it is drawn. ``first`` is its first view after the server's start
(nothing is cached in the server), ``again`` the median of later views; the browser's caches are empty each
time. There is no peer: these are seconds for people to judge, with the load of the machine beside them.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import Browser, Page

from benchmarks.browser_times import chromium, fresh_page
from benchmarks.build import build
from benchmarks.maps import serving
from benchmarks.table import Row, show
from pages.navigation import PAGES, PageSpec, is_present

# The page's own script has run, and the maps of all its frames are drawn (a page without a map has none).
_THERE = """() => {
  const app = document.querySelector('[data-testid="stApp"]');
  if (!app || app.dataset.testScriptState !== 'notRunning' || !document.querySelector('h1')) return false;
  const frames = [...document.querySelectorAll("iframe[src*='streamlit_folium']")];
  const inner = frames.map((frame) => frame.contentDocument);
  return inner.every((document) => document && document.querySelector('[data-drawn]'));
}"""
_NOW = "(performance.timeOrigin + performance.now()) / 1e3"
_FIGURE = """before => [...document.querySelectorAll('[data-testid="stMetricValue"]')]
  .map((node) => node.innerText).join() !== before"""
_FIGURES = (
    "[...document.querySelectorAll('[data-testid=\"stMetricValue\"]')].map((node) => node.innerText).join()"
)
COVERAGE = "coverage?facility=township_health_centre&mode=drive&minutes=30"


def open_page(page: Page, address: str) -> float:
    """Open an address; return the seconds from the navigation until the page is there."""
    page.goto(address, wait_until="commit")
    page.wait_for_function(_THERE)
    return float(page.evaluate(f"{_NOW} - performance.timeOrigin / 1e3"))


def move_slider(page: Page) -> float:
    """Move the threshold by one minute; return the seconds until the figures are those of the new one."""
    before = page.evaluate(_FIGURES)
    page.get_by_role("slider").focus()
    began = page.evaluate(_NOW)
    page.keyboard.press("ArrowRight")
    page.wait_for_function(_FIGURE, arg=before)
    return float(page.evaluate(_NOW)) - float(began)


def views(browser: Browser, address: str, repeats: int) -> tuple[float, float]:
    """Return the seconds of the first view of a page, and the median of ``repeats`` later ones."""
    seconds = []
    for _ in range(repeats + 1):
        with fresh_page(browser) as page:
            seconds.append(open_page(page, address))
    return seconds[0], median(seconds[1:])


def coverage_rows(browser: Browser, address: str, repeats: int) -> list[Row]:
    """Return first result and slider move of 设施覆盖, on a facility type not asked for before."""
    with fresh_page(browser) as page:
        first = open_page(page, f"{address}/{COVERAGE}")
        moves = [move_slider(page) for _ in range(repeats)]
    return [
        Row("设施覆盖：换一类设施，到全省第一个结果", "s", first),
        Row("设施覆盖：拖动时间阈值，到新的覆盖率", "s", median(moves)),
    ]


def run(repeats: int = 3, data_dir: Path | None = None) -> dict[str, Any]:
    """Return the rows and notes."""
    load = os.getloadavg()[0]
    present: list[PageSpec] = [spec for spec in PAGES if is_present(spec)]
    with tempfile.TemporaryDirectory(prefix="sutu-bench-") as name:
        folder = data_dir or Path(name)
        if data_dir is None:
            build(folder)
        rows = []
        with chromium() as browser, serving(folder) as (address, _seconds):
            for number, spec in enumerate(present):
                first, again = views(browser, f"{address}/{spec.path if number else ''}", repeats)
                rows += [Row(f"{spec.title}：第一次", "s", first), Row(f"{spec.title}：再次", "s", again)]
            rows += coverage_rows(browser, address, repeats)
    notes = [
        f"再次打开 {repeats} 次的中位数；浏览器缓存每次清空，断网，没有请求离开 127.0.0.1",
        f"处理器 {os.cpu_count()} 核，运行前后 1 分钟平均负载 {load:.1f}、{os.getloadavg()[0]:.1f}",
    ]
    return {"rows": rows, "notes": notes}


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(prog="benchmarks page_times", description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="how often each page is opened again")
    parser.add_argument("--store", type=Path, help="data directory of a built store, instead of building one")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    report = run(max(1, arguments.repeats), arguments.store)
    if arguments.json:
        data = report | {"rows": [row.as_dict() for row in report["rows"]]}
        print(json.dumps(data, ensure_ascii=False, indent=2))
    else:
        show({"page_times": report["rows"]}, report["notes"])


if __name__ == "__main__":
    main()
