"""The gate before everything below ``/ogc``: reading only, nothing overlong, no fault without a number."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.ogc.refusals import fault_of_ours, refusal

MAX_QUERY = 4_000
MAX_PATH = 1_000
MAX_HEADERS = 32_768
"""Bytes of all header lines together."""

_READING = ("GET", "HEAD")


class Guard:
    """Passes on what may be asked; whatever goes wrong behind it is logged whole and answered by a number."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap ``app``."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        refused = _refused(scope)
        if refused is not None:
            await refused(scope, receive, send)
            return
        begun = False

        async def sent(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, sent)
        except Exception as fault:
            words = fault_of_ours(fault)
            if not begun:
                await refusal(503, words)(scope, receive, send)


def _refused(scope: Scope) -> ASGIApp | None:
    if scope["method"] not in _READING:
        return refusal(405, "图层服务只读，只回答 GET 和 HEAD", Allow=", ".join(_READING))
    if len(scope["query_string"]) > MAX_QUERY:
        return refusal(414, f"网址参数超过 {MAX_QUERY} 个字符")
    if len(scope["path"]) > MAX_PATH:
        return refusal(414, f"网址超过 {MAX_PATH} 个字符")
    if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADERS:
        return refusal(431, f"请求的头超过 {MAX_HEADERS // 1024} KB")
    headers = Headers(scope=scope)
    if headers.get("content-length", "0").strip("0 ") or "transfer-encoding" in headers:
        return refusal(400, "提问不能带正文，请把条件写在网址的参数里")
    return None
