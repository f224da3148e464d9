"""The page shell made ours: language, title, fonts and styles, and headers that keep to our own host."""

from __future__ import annotations

import functools
import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from data.registry.environment import TIANDITU_KEY
from layers.assets import FONTS_CSS_URL, FONTS_URL, leaflet_url, own_url
from layers.fonts import FontSet, installed
from server.static_files import MAP_COMPONENT_URL, kept_files, map_component_folder


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


_NOT_THE_SHELL = ("/_stcore", "/static/", "/assets/", "/media/", "/component/", "/healthz", "/ogc")
_SHELL_MUST_COME_WHOLE = (b"accept-encoding", b"if-none-match", b"if-modified-since", b"range")
# Told where the server is, Streamlit does not go looking for it below a page's own address first.
_BASE = (
    "const home = location.origin + '/';"
    "window.__streamlit = {BACKEND_BASE_URL: home, MAIN_PAGE_BASE_URL: home};"
)


def rewrite(page: str, fonts: FontSet | None) -> str:
    """Return Streamlit's page shell in Chinese, with our styles, fonts and icon named in its head."""
    links = [
        f'<link rel="icon" type="image/svg+xml" href="{own_url("mark.svg")}">',
        f'<link rel="stylesheet" href="{own_url("page.css")}">',
        *early_links(),
    ]
    if fonts is not None:
        core = f"{FONTS_URL}/{fonts.core.name}"
        links.insert(0, f'<link rel="stylesheet" href="{FONTS_CSS_URL}">')
        links.insert(0, f'<link rel="preload" as="font" type="font/woff2" href="{core}" crossorigin>')
    page = page.replace('<html lang="en">', '<html lang="zh-CN">')
    page = page.replace("<head>", f"<head>\n<script>{{{_BASE}}}</script>", 1)
    page = re.sub(r"<title>.*?</title>", "<title>苏图</title>", page, count=1)
    page = re.sub(r'<link rel="shortcut icon"[^>]*>', "", page, count=1)
    # The typeface Streamlit preloads is not the one these pages are set in.
    page = re.sub(r'<link\s+rel="preload"[^>]*SourceSans[^>]*>', "", page, count=1)
    return page.replace("</head>", "\n".join(links) + "\n</head>", 1)


class ShellMiddleware:
    """Sends the page shell rewritten, and every answer with headers that keep the browser at home."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap ``app``."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        accept = Headers(scope=scope).get("accept", "")
        is_page = "text/html" in accept and not scope["path"].startswith(_NOT_THE_SHELL)
        if is_page:
            kept = [pair for pair in scope["headers"] if pair[0] not in _SHELL_MUST_COME_WHOLE]
            scope = {**scope, "headers": kept}
        await self.app(scope, receive, _Sender(send, is_page))


class _Sender:
    """Passes one answer on with its headers; holds the page shell back until it is rewritten."""

    def __init__(self, send: Send, is_page: bool) -> None:
        self._send = send
        self._is_page = is_page
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in security_headers().items():
                headers.setdefault(name, value)
            if self._is_page and headers.get("content-type", "").startswith("text/html"):
                self._start = message
                return
        elif self._start is not None:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._send_page(self._start)
            return
        await self._send(message)

    async def _send_page(self, start: Message) -> None:
        body = rewrite(self._body.decode(), installed()).encode() if self._body else b""
        headers = MutableHeaders(scope=start)
        for name in ("etag", "last-modified"):
            if name in headers:
                del headers[name]
        headers["content-length"] = str(len(body))
        headers["cache-control"] = "no-cache"
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})


def security_headers() -> dict[str, str]:
    """Return the headers of every answer: the browser may load nothing from another host.

    Streamlit and its map component run inline styles and evaluated scripts, so those are allowed. The one
    exception is the tile service of 天地图, when the office has configured a key for it.
    """
    tiles = " https://*.tianditu.gov.cn" if TIANDITU_KEY.value() else ""
    policy = (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
        f"style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:{tiles}; font-src 'self' data:; "
        "connect-src 'self' data: blob:; worker-src 'self' blob:; frame-src 'self' blob: data:; "
        "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
    }
