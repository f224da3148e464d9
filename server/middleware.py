"""What every request passes: the guard of the server's names, the page shell made ours, and our headers."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from data.registry.environment import TIANDITU_KEY
from geo.errors import SutuError
from layers.assets import FONTS_CSS_URL, FONTS_URL, leaflet_url, own_url
from layers.fonts import FontSet, installed
from server.hosts import HOW, Allowed, called_host, called_origin
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


_BAD_REQUEST, _MISDIRECTED = 400, 421
_POLICY_VIOLATION = 1008


class HostGuard:
    """Refuses a request whose ``Host`` or ``Origin`` is not one of the server's names, whatever it asks for.

    ``allowed`` is called once, when the server starts; what it raises is told and the server does not start.
    """

    def __init__(self, app: ASGIApp, allowed: Callable[[], Allowed]) -> None:
        """Wrap ``app``."""
        self.app = app
        self._settle = allowed
        self._settled: Allowed | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan":
            try:
                self._settled = self._settle()
            except SutuError as fault:
                await receive()
                await send({"type": "lifespan.startup.failed", "message": str(fault)})
                return
        elif refused := self._refusal(scope):
            await _refuse(refused, scope, receive, send)
            return
        elif scope["type"] == "websocket":
            scope = _as_one(scope)
        await self.app(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Return status and words when the request is not for us."""
        if self._settled is None:
            self._settled = self._settle()
        hosts, origins = _values(scope, b"host"), _values(scope, b"origin")
        own_port = (scope.get("server") or (None, None))[1]
        called = called_host(hosts[0]) if len(hosts) == 1 else None
        if called is None:
            return _BAD_REQUEST, "请求的 Host 头缺失、重复或无法识别，本服务器不应答。"
        if not self._settled.admits(called, own_port):
            return _MISDIRECTED, (
                f"本服务器不以“{hosts[0]}”这个名字应答。请用管理员告知的地址访问。\n"
                f"如果这个名字确实应当可用，请管理员把它写进允许的名字：{HOW}，然后重新启动。"
            )
        if not origins and scope["type"] != "websocket":
            return None
        origin = called_origin(origins[0]) if len(origins) == 1 else None
        if not self._settled.admits(origin, own_port):
            told = "没有写明来源，或来源无法识别" if origin is None else f"来自别的网站“{origins[0]}”"
            return _MISDIRECTED, (
                f"这个请求{told}，本服务器不应答。请直接打开本服务器的网页再操作。\n"
                f"如果这个来源确实是本服务器的名字，请管理员把它写进允许的名字：{HOW}，然后重新启动。"
            )
        return None


def _values(scope: Scope, wanted: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in scope["headers"] if name.lower() == wanted]


def _as_one(scope: Scope) -> Scope:
    """Return a WebSocket's scope called by the name of its origin; both have been found to be ours.

    A proxy may put its own name for us in ``Host``. Streamlit compares the two as texts, and where they
    differ it would ask a server on the internet for this machine's address.
    """
    origin = _values(scope, b"origin")[0].partition("://")[2].encode("latin-1")
    kept = [pair for pair in scope["headers"] if pair[0].lower() != b"host"]
    return {**scope, "headers": [(b"host", origin), *kept]}


async def _refuse(refused: tuple[int, str], scope: Scope, receive: Receive, send: Send) -> None:
    """Answer in words; as plain text, in which nothing a caller wrote can run."""
    status, words = refused
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": ""})
        return
    # What a refused upload still has to send is not waited for.
    headers = {**security_headers(), "Cache-Control": "no-store", "Connection": "close"}
    await PlainTextResponse(f"{words}\n", status, headers)(scope, receive, send)
