"""Photograph the pages for the user guide: the real server on the built store, in Chromium, offline."""

from __future__ import annotations

import io
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from data.builder.build import build_store
from data.store.store import data_dir, open_store
from pages.navigation import PAGES

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "guide" / "images"
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-background-networking", "--no-first-run"]
DESK, PHONE = 1280, 400
LIMIT_BYTES = 300_000
LONGEST_PX = 4000
_SETTLED = """() => {
  const main = document.querySelector('[data-testid="stMain"]');
  const app = document.querySelector('[data-testid="stApp"]');
  if (!main || !app || app.dataset.testScriptState !== 'notRunning') return false;
  if (document.querySelector('[data-testid="stSkeleton"], [data-testid="stSpinner"]')) return false;
  if (document.fonts.status !== 'loaded') return false;
  const state = JSON.stringify([main.scrollHeight, main.querySelectorAll('canvas, svg, iframe').length]);
  if (window.sutuState !== state) { window.sutuState = state; window.sutuSince = Date.now(); return false; }
  return Date.now() - window.sutuSince > 1500;
}"""


SITING = (("facility", "general_hospital"), ("mode", "drive"), ("minutes", "15"), ("within", "320300"))


@dataclass(frozen=True)
class Shot:
    """One picture: file name without ending, page, width in pixels, and what the address asks for."""

    name: str
    path: str
    width: int = DESK
    height: int | None = None
    address: tuple[tuple[str, str], ...] = ()


def shots() -> list[Shot]:
    """Return every picture: each page that exists at the width of a desk, and some views besides."""
    present = [spec.path for spec in PAGES if find_spec(spec.module) is not None]
    extra = [
        Shot("overview-phone", "overview", PHONE, 860),
        Shot("overview-region", "overview", DESK, 900, (("region", "320500"),)),
        Shot("indicator-map-phone", "indicator-map", PHONE, 860),
        Shot("indicator-map-county", "indicator-map", DESK, None, (("region", "320506"),)),
        Shot("targets-phone", "targets", PHONE, 860),
        Shot(
            "targets-search",
            "targets",
            DESK,
            None,
            (("view", "rows"), ("q", "养老"), ("attribute", "约束性")),
        ),
        Shot("targets-row", "targets", DESK, 760, (("row", _judged_row()),)),
        Shot("standards-one", "standards", DESK, None, (("standard", "township_health_centre_85"),)),
        Shot(
            "gaps-spots",
            "gaps",
            DESK,
            None,
            (("gap_indicator", "mean_years_schooling"), ("level", "county"), ("gap_panel", "spots")),
        ),
        Shot("gaps-phone", "gaps", PHONE, 860),
        Shot("compare-phone", "compare-counties", PHONE, 860),
        Shot("target-tracking-regions", "target-tracking", DESK, None, (("tracking", "regions"),)),
        Shot("circles-place", "circles", DESK, None, (("within", "320300"), ("at", "117.19,34.26"))),
        Shot("siting-ten", "siting", DESK, None, (*SITING, ("add", "10"))),
        Shot("siting-plan", "siting", DESK, None, (*SITING, ("edits", "add@117.95,34.31"))),
        Shot("targets-contradictions", "targets", DESK, 900, (("view", "contradictions"),)),
        Shot(
            "layer-export-chosen",
            "layer-export",
            DESK,
            1000,
            (("layers", "indicator.population_65_plus_share~facilities"),),
        ),
    ]
    extra += [
        Shot("corridors-card", "corridors", DESK, None, (("corridor", "railway-002-3903-3"),)),
        Shot(
            "corridors-hsr",
            "corridors",
            DESK,
            None,
            (("families", "hsr_line~existing_rail"), ("corridor_panel", "hsr"), ("horizon", "2025")),
        ),
        Shot("corridors-phone", "corridors", PHONE, 860),
        Shot("rail-timeline-prefectures", "rail-timeline", DESK, 900, (("rail_view", "prefectures"),)),
    ]
    return [Shot(path, path) for path in present] + [one for one in extra if one.path in present]


def _judged_row() -> str:
    """Return the first target row of the plans that run to 2025 whose base does not meet it."""
    targets = open_store().headline_targets()
    return str(
        targets.loc[(targets["period"] == "十四五") & (targets["state"] == "not_met"), "target_row"].iloc[0]
    )


@contextmanager
def serving() -> Iterator[str]:
    """Serve the pages on a free port while the block runs; give the address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "cli.py", "serve", "--port", str(port)]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        address = f"http://127.0.0.1:{port}"
        assert server.stdout is not None
        for line in server.stdout:
            print(line, end="", flush=True)
            if address in line:
                break
        else:
            raise SystemExit("服务没有启动")
        with urlopen(f"{address}/healthz", timeout=30) as answer:
            assert json.load(answer)["ok"]
        yield address
    finally:
        server.terminate()
        server.wait(timeout=30)


def take(browser: Browser, address: str, shot: Shot) -> bytes:
    """Return the picture of a view as PNG bytes; raise when it asked another host or said an error."""
    page = browser.new_page(viewport={"width": shot.width, "height": shot.height or 900})
    faults: list[str] = []
    page.on("request", lambda request: faults.append(request.url) if _abroad(request.url, address) else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    query = f"?{urlencode(shot.address)}" if shot.address else ""
    path = "" if shot.path == PAGES[0].path else shot.path
    page.goto(f"{address}/{path}{query}")
    _settle(page)
    if page.get_by_text("Page not found").count():
        faults.append(f"没有这个页面：{path}")
    if shot.height is None:
        height = page.evaluate("document.querySelector('[data-testid=\"stMain\"]').scrollHeight")
        page.set_viewport_size({"width": shot.width, "height": min(int(height), LONGEST_PX)})
        _settle(page)
    picture = page.screenshot()
    page.close()
    if faults:
        raise SystemExit(f"{shot.name}：{faults}")
    return picture


def _abroad(url: str, address: str) -> bool:
    own = (address, address.replace("http", "ws"), "data:", "blob:")
    return not url.startswith(own)


def _settle(page: Page) -> None:
    page.evaluate("window.sutuState = undefined")
    page.wait_for_function(_SETTLED, timeout=120_000, polling=100)


def compressed(picture: bytes) -> bytes:
    """Return a PNG of at most `LIMIT_BYTES`: as few colours as that takes."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    for colours in (256, 128, 64, 32):
        out = io.BytesIO()
        image.quantize(colours, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
        if out.tell() <= LIMIT_BYTES:
            return out.getvalue()
    raise SystemExit(f"图片压缩后仍超过 {LIMIT_BYTES} 字节")


def main() -> None:
    """Take every picture anew."""
    build_store(data_dir(), only_if_stale=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    with serving() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for shot in shots():
            content = compressed(take(browser, address, shot))
            (FOLDER / f"{shot.name}.png").write_bytes(content)
            print(f"{shot.name}.png　{len(content) / 1000:.0f} KB", flush=True)
        browser.close()


if __name__ == "__main__":
    main()
