"""What a real Chromium sees of a map, by the page's clock: paths in the DOM, painted, recoloured."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Frame, Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
# No name is resolved and no proxy is asked: what is not on this machine cannot be reached.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--no-first-run",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
TIMEOUT_MS = 60_000
_SHAPES = ".leaflet-overlay-pane path.leaflet-interactive"
# One probe in the outermost page watches the documents of its frames too: all times are of one clock, and a
# frame whose first, empty document is replaced is found again.
_PROBE = """
(() => {
  if (window !== window.top) return;
  const now = () => performance.timeOrigin + performance.now();
  const probe = window.sutuProbe = { paths: {}, painted: {}, token: null, coloured: null, pressed: null };
  const seen = new WeakSet();
  const drawn = (path) => (path.getAttribute("d") || "").length > 10 && path.hasAttribute("fill");
  const look = (place) => {
    const count = [...place.querySelectorAll("SHAPES")].filter(drawn).length;
    if (count && !probe.paths[count]) {
      probe.paths[count] = now();
      requestAnimationFrame(() => setTimeout(() => { probe.painted[count] = now(); }));
    }
    const sheet = place.querySelector("[data-drawn]");
    if (sheet && sheet.dataset.drawn !== probe.token) {
      probe.token = sheet.dataset.drawn;
      probe.coloured = now();
    }
  };
  const watched = ["d", "fill", "data-drawn"];
  const options = { subtree: true, childList: true, attributes: true, attributeFilter: watched };
  const watch = (place) => {
    if (!place || seen.has(place)) return;
    seen.add(place);
    place.addEventListener("pointerdown", () => { probe.pressed = now(); }, true);
    new MutationObserver(() => look(place)).observe(place, options);
    look(place);
  };
  watch(document);
  setInterval(() => {
    for (const frame of document.querySelectorAll("iframe")) watch(frame.contentDocument);
  }, 5);
})();
""".replace("SHAPES", _SHAPES)
_FILLS = f"[...document.querySelectorAll('{_SHAPES}')].map(path => path.getAttribute('fill'))"
_FIRST_BYTE = "performance.timeOrigin + performance.getEntriesByType('navigation')[0].responseStart"
_IDLE = """() => {
  const app = document.querySelector('[data-testid="stApp"]');
  return app !== null && app.dataset.testScriptState === 'notRunning';
}"""


class OutsideRequestError(AssertionError):
    """A page asked another host than this machine."""


@dataclass(frozen=True)
class Drawn:
    """Seconds to the drawn map: from the navigation, and from the page's first byte; then to its painting."""

    from_navigation: float
    from_first_byte: float
    painted: float


@contextmanager
def chromium() -> Iterator[Browser]:
    """Give a Chromium that reaches this machine only."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def fresh_page(browser: Browser) -> Iterator[Page]:
    """Give a page with empty caches; raise `OutsideRequestError` when it asked for anything elsewhere."""
    context: BrowserContext = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_init_script(_PROBE)
    context.set_default_timeout(TIMEOUT_MS)
    abroad: list[str] = []
    context.on("request", lambda request: abroad.append(request.url) if is_outside(request.url) else None)
    try:
        yield context.new_page()
    finally:
        context.close()
    if abroad:
        raise OutsideRequestError(f"页面请求了外部地址：{abroad}")


def is_outside(url: str) -> bool:
    """Return whether an address is on another machine."""
    parts = urlsplit(url)
    return parts.scheme not in ("data", "blob", "about") and parts.hostname != "127.0.0.1"


def open_map(page: Page, url: str, count: int, *, framed: bool) -> tuple[Frame, Drawn]:
    """Open a page and wait for the ``count`` shapes of its map; return its frame and the times.

    ``framed``: the map lies in a frame of the page (Streamlit's component), else in the page.
    """
    page.goto(url, wait_until="commit")
    frame = page.main_frame
    if framed:
        handle = page.wait_for_selector("iframe[src*='streamlit_folium']", state="attached")
        inner = handle.content_frame() if handle else None
        if inner is None:
            raise RuntimeError("页面上没有地图")
        frame = inner
    page.wait_for_function(f"window.sutuProbe && window.sutuProbe.painted[{count}]")
    probe = page.evaluate("window.sutuProbe")
    began, first_byte = page.evaluate(f"[performance.timeOrigin, {_FIRST_BYTE}]")
    paths, painted = probe["paths"][str(count)], probe["painted"][str(count)]
    return frame, Drawn((paths - began) / 1e3, (paths - first_byte) / 1e3, (painted - first_byte) / 1e3)


def switch_to(page: Page, frame: Frame, label: str, option: str) -> float:
    """Choose ``option`` in the list ``label``; return the seconds from the press to the new colours."""
    page.wait_for_function(_IDLE)
    token, fills = page.evaluate("window.sutuProbe.token"), frame.evaluate(_FILLS)
    box = page.get_by_role("combobox", name=label).first
    box.click()
    box.fill(option)
    page.get_by_role("option", name=option, exact=True).first.click()
    page.wait_for_function(
        "token => window.sutuProbe.token !== token && window.sutuProbe.coloured > window.sutuProbe.pressed",
        arg=token,
    )
    if frame.evaluate(_FILLS) == fills:
        raise RuntimeError(f"选择“{option}”后地图颜色没有变化")
    return float(page.evaluate("window.sutuProbe.coloured - window.sutuProbe.pressed")) / 1e3
