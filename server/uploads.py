"""An upload belongs to the browser that opened the page: the cookie that tells it, and the check of uploads.

Streamlit takes a file for any open session from whoever knows the session's id. Here every browser has a
cookie that no script can read; the WebSocket that opens a session brings it along, and so must whatever is
sent to the session's addresses, and whoever wants to resume the session.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import runtime

COOKIE = "sutu_browser"
HEADER = "x-sutu-browser"
TRUSTED_HEADERS = {HEADER: "browser"}
"""For Streamlit's ``server.trustedUserHeaders``: it then resumes a session for the same browser only."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_UPLOADS = "/_stcore/upload_file/"
# What a page asks for before it opens its WebSocket.
_ASKED_FIRST = ("/_stcore/health", "/_stcore/host-config")
_REFUSED = (
    "这个上传地址不属于本浏览器打开的页面，或页面与服务器的连接已断开。请刷新页面，再选一次文件；"
    "浏览器须允许本网站使用 Cookie。\n"
)


def opened_by(session: str) -> str | None:
    """Return the mark of the browser whose WebSocket holds a session, None when none does."""
    client = runtime.get_instance().get_client(session) if runtime.exists() else None
    context = None if client is None else client.client_context
    return None if context is None else dict(context.headers).get(HEADER)


class UploadGuard:
    """Gives each browser its cookie, marks WebSockets with it, and refuses uploads of any other browser."""

    def __init__(self, app: ASGIApp, owner: Callable[[str], str | None] = opened_by) -> None:
        """Wrap ``app``; ``owner`` tells which browser a session belongs to."""
        self.app = app
        self._owner = owner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        token = _token(scope)
        if scope["type"] == "websocket":
            if token is None:
                token = secrets.token_urlsafe(32)
                send = _with_cookie(send, scope, token)
            scope = _marked(scope, token)
        elif _UPLOADS in scope["path"] and scope["method"] != "OPTIONS" and not self._owns(token, scope):
            await PlainTextResponse(_REFUSED, 403, {"Cache-Control": "no-store"})(scope, receive, send)
            return
        elif token is None and _comes_from_a_page(scope):
            send = _with_cookie(send, scope, secrets.token_urlsafe(32))
        await self.app(scope, receive, send)

    def _owns(self, token: str | None, scope: Scope) -> bool:
        session = scope["path"].rpartition(_UPLOADS)[2].partition("/")[0]
        owner = self._owner(session)
        return token is not None and owner is not None and hmac.compare_digest(owner, _mark(token))


def _token(scope: Scope) -> str | None:
    found = HTTPConnection(scope).cookies.get(COOKIE, "")
    return found if _TOKEN.fullmatch(found) else None


def _mark(token: str) -> str:
    """Return what stands for a browser inside the server, where the token itself is not kept."""
    return hashlib.sha256(token.encode()).hexdigest()


def _marked(scope: Scope, token: str) -> Scope:
    kept = [pair for pair in scope["headers"] if pair[0].lower() != HEADER.encode()]
    return {**scope, "headers": [*kept, (HEADER.encode(), _mark(token).encode())]}


def _comes_from_a_page(scope: Scope) -> bool:
    """Tell whether a page of ours asks this, one that is about to open its WebSocket.

    Who follows a link from elsewhere comes without the cookie although the browser has it
    (``SameSite=Strict``). Given another, the tabs that are open already could upload no more. Such a visit
    asks for HTML.
    """
    return scope["path"].endswith(_ASKED_FIRST) and "text/html" not in Headers(scope=scope).get("accept", "")


def _with_cookie(send: Send, scope: Scope, token: str) -> Send:
    secure = "; Secure" if scope["scheme"] in {"https", "wss"} else ""
    cookie = f"{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict{secure}"

    async def sending(message: Message) -> None:
        if message["type"] in {"http.response.start", "websocket.accept"}:
            message = {**message, "headers": list(message.get("headers", []))}
            MutableHeaders(scope=message).append("set-cookie", cookie)
        await send(message)

    return sending
