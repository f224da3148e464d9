"""What is asked below ``/ogc`` and what pygeoapi answers, within limits, for reading only."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import re
import threading
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

from pygeoapi.api import APIRequest, itemtypes
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from data.registry.environment import OGC
from data.store.store import Store, open_store
from geo.errors import StoreError, SutuError
from server.ogc.collections import recorded
from server.ogc.config import configuration, switched_on
from server.ogc.features import spliced, text_wanted
from server.ogc.item_parameters import checked_crs, checked_items
from server.ogc.openapi import openapi
from server.ogc.question import FORMS, Question, form_wanted, question_of
from server.ogc.refusals import RefusedError, code_of, fault_of_ours, refusal
from server.ogc.service import Service
from server.ogc.source import source_of
from server.ogc.tile_answers import FORMS as TILE_SET_FORMS
from server.ogc.tile_answers import tile, tile_set
from server.ogc.turns import TURNS

_HOST = re.compile(r"[A-Za-z0-9.\-]{1,100}(:\d{1,5})?|\[[0-9A-Fa-f:]{2,40}\](:\d{1,5})?")
_PARSED = {"html", "jsonld"}
"""Formats that pygeoapi makes of the features themselves."""
_CLOSED = f"图层服务已关闭（环境变量 {OGC}=off）"

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
