"""A browser window for tests: opens pages, waits for what it needs, and notes all that it asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from playwright.sync_api import Browser, Frame, Page, Request, expect

LAUNCH: dict[str, Any] = {
    "executable_path": "/usr/bin/chromium",
    "args": [
        "--no-sandbox",
        "--disable-background-networking",
        "--no-first-run",
        # No network: every name but this machine's own address fails to resolve.
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ],
}
PATIENCE_MS = 60_000
# The library keeps this for the whole process: said in one test file, it would hold for the others too, but
# only when they run together.
expect.set_options(timeout=PATIENCE_MS)
_MAP_COMPONENT = "streamlit_folium"
# Streamlit sets features on its frames that this browser no longer knows, and says so; no fault of ours.
_NOISE = ("Unrecognized feature:", "allow-scripts and allow-same-origin")


class Window:
    """One window on the server, with a log of its requests and of whatever went wrong in it."""

    def __init__(self, browser: Browser, server: str, *, width: int = 1280, height: int = 900) -> None:
        self.server = server
        self.context = browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True)
        self.context.set_default_timeout(PATIENCE_MS)
        self.requests: list[str] = []
        self.problems: list[str] = []
        self.context.on("request", lambda request: self.requests.append(request.url))
        self.context.on("requestfailed", self._failed)
        self.context.on(
            "response", lambda answer: answer.status >= 400 and self._note(f"{answer.status} {answer.url}")
        )
        self.context.on("console", lambda said: said.type in {"error", "warning"} and self._note(said.text))
        self.context.on("weberror", lambda fault: self._note(str(fault.error)))
        self.page: Page = self.context.new_page()

    def _failed(self, request: Request) -> None:
        # What a page still waited for when it was left or closed was called off by the browser itself.
        if request.failure != "net::ERR_ABORTED":
            self._note(f"failed ({request.failure}): {request.url}")

    def _note(self, text: str) -> None:
        if not any(noise in text for noise in _NOISE):
            self.problems.append(text)

    def open(self, path: str, **address: str) -> Page:
        """Open a page and wait until its script has run."""
        query = f"?{urlencode(address)}" if address else ""
        self.page.goto(f"{self.server}/{path}{query}")
        self.settle()
        return self.page

    def settle(self) -> None:
        """Wait until the script has run, nothing stands in for what is still to come, and fonts are there."""
        self.page.wait_for_selector(
            '[data-testid="stApp"][data-test-script-state="notRunning"]', state="attached"
        )
        self.page.wait_for_selector('[data-testid="stSkeleton"]', state="detached")
        self.page.wait_for_function("document.fonts.status === 'loaded'")

    @contextmanager
    def reruns(self) -> Iterator[None]:
        """Wait, after what is done inside, until the script has run anew: it does not start at once."""
        self.page.evaluate(
            """() => {
              window.sutuRan = false;
              new MutationObserver(() => { window.sutuRan = true; }).observe(
                document.querySelector('[data-testid="stApp"]'),
                {attributes: true, attributeFilter: ['data-test-script-state']});
            }"""
        )
        yield
        self.page.wait_for_function("window.sutuRan")
        self.settle()

    def follow(self, link: str) -> Page:
        """Go to another page by its link in the navigation, once this one has drawn all its maps.

        A map whose page is left while it still loads greets a place that is gone, and Streamlit warns of it.
        """
        self.settle()
        self.maps(self.page.locator(f"iframe[src*={_MAP_COMPONENT}]").count())
        self.page.get_by_role("link", name=link).click()
        return self.page

    def maps(self, count: int = 1) -> list[Frame]:
        """Return the frames of the maps on the page, each with its map drawn."""
        self.page.wait_for_function(
            f"count => document.querySelectorAll('iframe[src*={_MAP_COMPONENT}]').length === count", arg=count
        )
        frames = [frame for frame in self.page.frames if _MAP_COMPONENT in frame.url]
        for frame in frames:
            frame.wait_for_selector("[data-drawn]")
        return frames

    def map(self) -> Frame:
        """Return the frame of the page's only map."""
        return self.maps()[0]

    def address(self) -> dict[str, str]:
        """Return the query parameters in the address bar."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.page.url).query).items()}

    def scrolls_sideways(self) -> bool:
        """Tell whether the page, or the part of it that scrolls, is wider than the window."""
        return bool(
            self.page.evaluate(
                """() => {
                  const main = document.querySelector('[data-testid="stMain"]');
                  return document.documentElement.scrollWidth > innerWidth
                    || main.scrollWidth > main.clientWidth;
                }"""
            )
        )

    def close(self) -> None:
        """Close the window."""
        self.context.close()

    def assert_clean(self) -> None:
        """Assert that nothing was asked of another host and that nothing went wrong."""
        hosts = {
            urlsplit(url).hostname for url in self.requests if urlsplit(url).scheme in {"http", "https", "ws"}
        }
        assert hosts == {"127.0.0.1"}, hosts
        assert self.problems == [], self.problems


def drawn(frame: Frame) -> str:
    """Return the mark of what a map shows now; it changes with anything that is shown."""
    return str(frame.eval_on_selector("[data-drawn]", "node => node.dataset.drawn"))


def wait_for_change(frame: Frame, before: str) -> None:
    """Wait until a map shows something other than before."""
    frame.wait_for_function(
        "before => document.querySelector('[data-drawn]').dataset.drawn !== before", arg=before
    )


def fills(frame: Frame) -> dict[str, str]:
    """Return the fill of every region that is drawn, by adcode."""
    return dict(
        frame.evaluate(
            """() => Object.fromEntries([...document.querySelectorAll('path.sutu-region')]
                 .map((path) => [path.dataset.adcode, path.getAttribute('fill')]))"""
        )
    )
