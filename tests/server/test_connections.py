"""Connections that send at once: what asyncio leaves out for a socket whose protocol is not named."""

from __future__ import annotations

import asyncio
import socket

from server.static_files import send_at_once
from tests.loops import run_apart


async def _delays(*, at_once: bool) -> bool:
    """Return whether a connection accepted on such a socket holds small pieces back."""
    loop = asyncio.get_running_loop()
    if at_once:
        send_at_once(loop)
    seen: asyncio.Future[int] = loop.create_future()

    class Protocol(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            accepted = transport.get_extra_info("socket")
            seen.set_result(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            transport.close()

    listening = socket.socket(socket.AF_INET)
    listening.bind(("127.0.0.1", 0))
    server = await loop.create_server(Protocol, sock=listening)
    async with server:
        _reader, writer = await asyncio.open_connection(*listening.getsockname()[:2])
        kept = await seen
        writer.close()
        await writer.wait_closed()
    return kept == 0


def test_an_accepted_connection_sends_at_once() -> None:
    assert run_apart(_delays(at_once=False))
    assert not run_apart(_delays(at_once=True))


def test_a_server_without_a_socket_of_its_own_opens_as_before() -> None:
    async def opened() -> int:
        loop = asyncio.get_running_loop()
        send_at_once(loop)
        server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
        async with server:
            return len(server.sockets)

    assert run_apart(opened()) == 1
