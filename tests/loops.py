"""Runs a coroutine of a test in a thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_Answer = TypeVar("_Answer")


def run_apart(work: Awaitable[_Answer]) -> _Answer:
    """Return what `work` returns.

    A browser that another test of this process holds open keeps an event loop in the main thread, and a
    thread runs one loop at a time.
    """

    async def whole() -> _Answer:
        return await work

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(whole())).result()
