"""Turns: so many at once and no more, the others in order, and none for a client that has left."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from server.ogc.api import Turns
from tests.loops import run_apart


def request_of(receive: Callable[[], Awaitable[dict[str, Any]]]) -> Request:
    return Request({"type": "http", "method": "GET", "path": "/", "headers": []}, receive)


async def stays() -> dict[str, Any]:
    """Be a client that waits for its answer."""
    return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]


class _Work:
    """Counts how many are at work at the same time, and holds them until told."""

    def __init__(self) -> None:
        self.go, self.lock = threading.Event(), threading.Lock()
        self.now = self.most = self.begun = 0

    def __call__(self) -> Response:
        with self.lock:
            self.now += 1
            self.begun += 1
            self.most = max(self.most, self.now)
        self.go.wait(60)
        with self.lock:
            self.now -= 1
        return PlainTextResponse("ok")


async def begun(work: _Work, count: int) -> None:
    while work.begun < count:
        await asyncio.sleep(0.005)


def test_fifty_at_once_are_answered_in_turn_and_leave_the_servers_threads_alone() -> None:
    work, turns = _Work(), Turns(at_once=4)

    async def scene() -> list[Response]:
        asked = [asyncio.ensure_future(turns.answer(request_of(stays), work)) for _ in range(50)]
        await begun(work, 4)
        # The pool that pages and files use is free while fifty wait here.
        assert await anyio.to_thread.run_sync(lambda: "free") == "free"
        assert anyio.to_thread.current_default_thread_limiter().borrowed_tokens == 0
        work.go.set()
        return await asyncio.gather(*asked)

    assert [one.status_code for one in run_apart(scene())] == [200] * 50
    assert work.most == 4
    assert turns.present == 0


def test_who_comes_when_too_many_wait_is_asked_to_come_again() -> None:
    work, turns = _Work(), Turns(at_once=1, waiting=2)

    async def scene() -> tuple[Response, list[Response]]:
        asked = [asyncio.ensure_future(turns.answer(request_of(stays), work)) for _ in range(3)]
        await begun(work, 1)
        late = await turns.answer(request_of(stays), work)
        work.go.set()
        return late, await asyncio.gather(*asked)

    late, others = run_apart(scene())
    assert late.status_code == 429
    assert late.headers["retry-after"] == "5"
    assert [one.status_code for one in others] == [200] * 3
    assert turns.present == 0


def test_who_leaves_while_waiting_gives_up_the_place_and_nothing_is_begun() -> None:
    work, turns = _Work(), Turns(at_once=1, waiting=5)

    async def scene() -> None:
        gone = asyncio.Event()

        async def leaves() -> dict[str, Any]:
            await gone.wait()
            return {"type": "http.disconnect"}

        first = asyncio.ensure_future(turns.answer(request_of(stays), work))
        await begun(work, 1)
        leaving = [asyncio.ensure_future(turns.answer(request_of(leaves), work)) for _ in range(3)]
        await asyncio.sleep(0)
        assert turns.present == 4
        gone.set()
        assert [one.status_code for one in await asyncio.gather(*leaving)] == [499] * 3
        assert turns.present == 1
        work.go.set()
        assert (await first).status_code == 200

    run_apart(scene())
    assert work.begun == 1
    assert turns.present == 0


def test_who_leaves_in_the_middle_holds_the_place_until_the_work_is_done() -> None:
    work, turns = _Work(), Turns(at_once=1)

    async def scene() -> None:
        async def leaves() -> dict[str, Any]:
            await begun(work, 1)
            return {"type": "http.disconnect"}

        leaving = asyncio.ensure_future(turns.answer(request_of(leaves), work))
        await begun(work, 1)
        await asyncio.sleep(0.02)
        assert turns.present == 1
        work.go.set()
        await leaving

    run_apart(scene())
    assert (turns.present, work.most) == (0, 1)
