"""Whose turn it is: a few questions are answered at once, in threads of their own, the others wait.

The threads are not those of the pages: however many ask here, the server's own pool stays free. Who waits
holds no thread, and who leaves while waiting gives up the place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from server.ogc.refusals import refusal

AT_ONCE = 4
"""How many questions are answered at the same time; the others wait their turn."""

MAX_WAITING = 200
"""How many may wait; who comes then is asked to come again."""

_LEFT = 499


class Turns:
    """Answers questions in the order they came, ``at_once`` at a time."""

    def __init__(self, at_once: int = AT_ONCE, waiting: int = MAX_WAITING) -> None:
        """Begin with nobody waiting; ``waiting`` may wait at most."""
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="ogc")
        self._most = at_once + waiting
        self.present = 0
        """How many are being answered or wait; counted on the server's one event loop."""

    async def answer(self, request: Request, work: Callable[[], Response]) -> Response:
        """Return what ``work`` returns when its turn comes; it is not begun for a client that has left."""
        if self.present >= self._most:
            return refusal(429, "同时提问的太多，请过几秒再试", Retry_After="5")
        self.present += 1
        job = self._pool.submit(work)
        answered = asyncio.ensure_future(asyncio.wrap_future(job))
        leaving = asyncio.ensure_future(_left(request))
        try:
            either: set[asyncio.Future[Any]] = {answered, leaving}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if answered.done():
                return answered.result()
            if not job.cancel():
                # It has begun: its place is free when it ends, not before.
                return await answered
            return Response(status_code=_LEFT)
        finally:
            self.present -= 1
            for task in (answered, leaving):
                task.cancel()
            await asyncio.wait({leaving})


async def _left(request: Request) -> None:
    """Return when the client has left; what it sends meanwhile is dropped, piece by piece."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


TURNS = Turns()
"""The one of this process."""
