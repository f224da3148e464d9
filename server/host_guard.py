"""Answers only those who call the server by one of its names; the first to see every request."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from geo.errors import SutuError
from server.called import called_host, called_origin
from server.hosts import HOW, Allowed
from server.middleware import security_headers

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
