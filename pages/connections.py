"""Connections that send an answer at once, however small it is."""

from __future__ import annotations

import asyncio
import socket
from typing import Any


def send_at_once(loop: asyncio.AbstractEventLoop) -> None:
    """Make servers that ``loop`` will open on a socket of their own send without waiting (TCP_NODELAY).

    asyncio asks for this itself, but only for sockets made with the protocol TCP named. Streamlit's is made
    without, and an answer goes out as head and body: the body of a small file then waits for the browser to
    confirm the head, which it puts off for 40 ms. A first view asks for some hundred small files.
    Accepted connections take the setting over from the listening socket.
    """
    create_server = loop.create_server

    async def without_delay(*args: Any, **options: Any) -> asyncio.Server:
        listening = options.get("sock")
        if isinstance(listening, socket.socket) and listening.family in (socket.AF_INET, socket.AF_INET6):
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return await create_server(*args, **options)

    loop.create_server = without_delay  # type: ignore[method-assign]
