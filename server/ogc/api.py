"""What is asked below ``/ogc`` and what pygeoapi answers: within limits, a few at once, refusals in Chinese.

The threads are not those of the pages: however many ask here, the server's own pool stays free. Who waits
holds no thread, and who leaves while waiting gives up the place.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import re
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

from pygeoapi import l10n
from pygeoapi.api import API, APIRequest, itemtypes
from pygeoapi.util import render_j2_template, to_json
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from data.registry.environment import OGC
from data.store.store import Store, open_store
from geo.errors import StoreError, SutuError
from server.ogc.collections import recorded
from server.ogc.config import AT_ONCE, COME_AGAIN_S, MAX_WAITING, configuration, switched_on
from server.ogc.openapi import openapi
from server.ogc.provider import spliced, text_wanted
from server.ogc.question import FORMS, Question, checked_crs, checked_items, form_wanted, question_of
from server.ogc.refusals import RefusedError, code_of, fault_of_ours, refusal
from server.ogc.source import source_of
from server.ogc.tile_answers import FORMS as TILE_SET_FORMS
from server.ogc.tile_answers import tile, tile_set

_HOST = re.compile(r"[A-Za-z0-9.\-]{1,100}(:\d{1,5})?|\[[0-9A-Fa-f:]{2,40}\](:\d{1,5})?")
_PARSED = {"html", "jsonld"}
"""Formats that pygeoapi makes of the features themselves."""
_CLOSED = f"图层服务已关闭（环境变量 {OGC}=off）"

_translated = l10n.translate_struct


def _as_it_is(struct: Any, locale: Any, is_config: bool = False) -> Any:
    """Return a configuration as it is, and anything else translated.

    pygeoapi would show every page with the first configuration that it met, by language. Ours are in one
    language, and differ by the address a page is reached at, by the data and by the office's settings.
    """
    return struct if is_config else _translated(struct, locale)


l10n.translate_struct = _as_it_is

_making = threading.Lock()


@functools.lru_cache(maxsize=4)
def _service(store: Store, base: str, _recorded: tuple[str, ...]) -> Service:
    config = configuration(store, base)
    return Service(config, openapi(config))


def _base(scope: Scope) -> str:
    """Return scheme, host and port by which we were reached; a host that is none is not repeated."""
    hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
    host = hosts[0] if hosts and _HOST.fullmatch(hosts[0]) else "127.0.0.1"
    return f"{scope['scheme']}://{host}"


Answer = Callable[..., tuple[dict[str, str], int, Any]]


def endpoint(answer: Answer, *names: str) -> Callable[[Request], Any]:
    """Return the endpoint for a question; ``names`` are the parts of its path that pygeoapi wants."""

    async def answered(request: Request) -> Response:
        if not switched_on():
            return refusal(404, _CLOSED)
        paths = [request.path_params[name] for name in names]
        work = functools.partial(_answered, answer, dict(request.scope), paths)
        response = await TURNS.answer(request, work)
        return _unchanged(request, response) or response

    return answered


def _answered(answer: Answer, scope: Scope, paths: list[str]) -> Response:
    """Return the answer to a question; runs in a thread, a few at a time."""
    try:
        with _making:
            service = _service(open_store(), _base(scope), recorded())
        with _loop():
            headers, status, content = _told(service, answer, scope, paths)
    except SutuError as fault:
        # What is wrong with a store names its folders, which are nobody's business out there.
        words = "图层的数据读不出来，请管理员查看" if isinstance(fault, StoreError) else str(fault)
        return refusal(503, words)
    except Exception as fault:
        return refusal(503, fault_of_ours(fault))
    if isinstance(content, dict):
        return JSONResponse(content, status_code=status, headers=headers)
    headers = {key: value for key, value in headers.items() if key.lower() != "content-length"}
    return Response(content, status_code=status, headers=headers)


@contextlib.contextmanager
def _loop() -> Iterator[None]:
    """Give this thread an event loop: pygeoapi asks for the loop of its thread, which has none."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield
    finally:
        loop.close()
        asyncio.set_event_loop(None)


def _told(
    service: Service, answer: Answer, scope: Scope, paths: list[str]
) -> tuple[dict[str, str], int, Any]:
    try:
        question = _checked(service, answer, scope, paths)
    except RefusedError as fault:
        code = code_of(fault.status)
        return service.get_exception(fault.status, {}, form_wanted(scope), code, str(fault))
    asked = APIRequest(question.put(scope), service.locales)
    with _as_text(answer, asked) as left:
        headers, status, content = answer(service, asked, *paths)
    if status == HTTPStatus.OK and isinstance(content, str):
        content = spliced(content, left)
    return headers, status, content


def _checked(service: Service, answer: Answer, scope: Scope, paths: list[str]) -> Question:
    """Return the question with nothing in it but what its answer takes."""
    if answer is tile:
        return question_of(scope, ("mvt",), ("f",))
    if answer is itemtypes.get_collection_items:
        question = question_of(scope)
        if paths[0] not in service.config["resources"]:
            raise RefusedError("没有这个图层；图层的编号见 /ogc/collections", 404)
        source = source_of(paths[0])
        return question.asking(checked_items(question.parameters, source.named()))
    if answer is itemtypes.get_collection_item:
        question = question_of(scope, FORMS, ("f", "crs"))
        if "crs" in question.parameters:
            checked_crs("crs", question.parameters["crs"])
        return question
    return question_of(scope, (*FORMS, *TILE_SET_FORMS) if answer is tile_set else FORMS, ("f",))


def _unchanged(request: Request, response: Response) -> Response | None:
    """Return the answer to a client that holds the very content already."""
    tag = response.headers.get("etag")
    held = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    if tag is None or tag.removeprefix("W/") not in held:
        return None
    return Response(
        status_code=304, headers={"ETag": tag, "Cache-Control": response.headers["cache-control"]}
    )


def _as_text(answer: Answer, asked: APIRequest) -> contextlib.AbstractContextManager[list[str]]:
    """Return what catches the text of features, for questions whose answer is GeoJSON."""
    if answer is itemtypes.get_collection_items and asked.format not in _PARSED:
        return text_wanted()
    return contextlib.nullcontext([])


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
            return refusal(429, "同时提问的太多，请过几秒再试", Retry_After=str(COME_AGAIN_S))
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

_WORDS = {
    "Collection not found": "没有这个图层；图层的编号见 /ogc/collections",
    "queryables not available for this collection": "这个图层没有可查询的字段",
    "unknown properties specified": "properties 中有不存在的字段；字段见该图层的 queryables",
    "bad sort property": "sortby 中有不存在的字段；字段见该图层的 queryables",
    "Bad CQL text": "filter 写得不对",
    "Bad CQL JSON": "filter 写得不对",
    "Invalid filter language": "filter-lang 只有 cql-text",
    "Invalid format requested": "没有这种格式",
    "datetime parameter out of range": "datetime 不在这个图层的年份之内；年份见该图层的 extent",
    "identifier not found": "没有这个编号的要素",
}
_BY_STATUS = {404: "没有这个地址或要素；从 /ogc/ 开始"}
_OTHER = "参数写得不对；各参数的写法见 /ogc/openapi"
_CHINESE = re.compile(r"[一-鿿]")


class Service(API):  # type: ignore[misc]  # the library has no types
    """The API of one version of the data, reached at one address."""

    def get_exception(
        self, status: int, headers: dict[str, str], format_: str | None, code: str, description: str
    ) -> tuple[dict[str, str], int, Any]:
        """Return a refusal in OGC's structure, as a page or as JSON; a fault of ours is 503, numbered."""
        if status >= 500:
            status, code = 503, code_of(503)
            description = fault_of_ours(sys.exc_info()[1] or RuntimeError(description))
        elif not _CHINESE.search(description):
            description = _WORDS.get(description, _BY_STATUS.get(status, _OTHER))
        told = {"code": code, "type": code, "description": description}
        headers["Content-Language"] = "zh"
        if format_ != "html":
            headers["Content-Type"] = "application/json"
            return headers, status, to_json(told, self.pretty_print)
        headers["Content-Type"] = "text/html"
        templates = self.config["server"]["templates"]
        page = render_j2_template(self.tpl_config, templates, "exception.html", told, self.default_locale)
        return headers, status, page
