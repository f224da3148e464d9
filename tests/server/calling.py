"""Calls an ASGI application with headers as they stand on the wire, over HTTP or as a WebSocket."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.loops import run_apart

Pairs = list[tuple[str, str]]


@dataclass
class Beyond:
    """An application that lets everything through and keeps what it was asked."""

    scopes: list[Scope] = field(default_factory=list)

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer 200, or accept."""
        self.scopes.append(scope)
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
        elif scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"beyond"})

    def header(self, name: str) -> list[str]:
        """Return the values of a header of what was asked last."""
        return [value.decode() for key, value in self.scopes[-1]["headers"] if key == name.encode()]


@dataclass(frozen=True)
class Called:
    """Every message sent, and the parts of an answer."""

    messages: list[Message]

    @property
    def status(self) -> int | None:
        """The status of an answer; None for a WebSocket that was accepted or closed."""
        return self.messages[0].get("status")

    @property
    def text(self) -> str:
        """The body."""
        return b"".join(message.get("body", b"") for message in self.messages).decode()

    def header(self, name: str) -> list[str]:
        """Return the values of a header of the answer, or of an accepted WebSocket."""
        pairs = self.messages[0].get("headers", [])
        return [value.decode() for key, value in pairs if key.decode().lower() == name]


def call(app: ASGIApp, path: str = "/", headers: Pairs | None = None, **scope: Any) -> Called:
    """Return what the application sends for one call; ``type="websocket"`` makes it a WebSocket."""
    kind = scope.get("type", "http")
    asked: Scope = {
        "type": kind,
        "method": "GET",
        "scheme": "ws" if kind == "websocket" else "http",
        "path": path,
        "query_string": b"",
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers or []],
        "server": ("127.0.0.1", 8501),
        "extensions": {"websocket.http.response": {}},
        **scope,
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {
            "type": {"websocket": "websocket.connect", "http": "http.request"}.get(kind, "lifespan.startup")
        }

    async def send(message: Message) -> None:
        sent.append(message)

    run_apart(app(asked, receive, send))
    return Called(sent)
