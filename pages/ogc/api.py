"""What is asked below ``/ogc`` and what pygeoapi answers, within limits, for reading only."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import re
import threading
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from pygeoapi.api import API, APIRequest, itemtypes
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from data.store import Store, open_store
from geo.errors import StoreError, SutuError
from pages.ogc.collections import recorded
from pages.ogc.config import configuration, switched_on
from pages.ogc.features import spliced, text_wanted
from pages.ogc.openapi import openapi
from pages.ogc.tile_answers import FORMS, tile_set

AT_ONCE = 4
"""How many questions are answered at the same time; the others wait their turn."""

MAX_QUERY = 4_000
_HOST = re.compile(r"[A-Za-z0-9.\-]{1,100}(:\d{1,5})?|\[[0-9A-Fa-f:]{2,40}\](:\d{1,5})?")
_PARSED = {"html", "jsonld"}
"""Formats that pygeoapi makes of the features themselves."""

_gate = threading.BoundedSemaphore(AT_ONCE)
_making = threading.Lock()


@functools.lru_cache(maxsize=4)
def _api(store: Store, base: str, _recorded: tuple[str, ...]) -> API:
    config = configuration(store, base)
    return API(config, openapi(config))


def _base(request: Request) -> str:
    """Return scheme, host and port by which we were reached; a host that is none is not repeated."""
    host = request.headers.get("host", "")
    if not _HOST.fullmatch(host):
        host = "127.0.0.1"
    return f"{request.url.scheme}://{host}"


Answer = Callable[..., tuple[dict[str, str], int, Any]]


def endpoint(answer: Answer, *names: str) -> Callable[[Request], Any]:
    """Return the endpoint for a question; ``names`` are the parts of its path that pygeoapi wants."""

    async def answered(request: Request) -> Response:
        if not switched_on():
            return refusal(404, "图层服务已关闭（环境变量 SUTU_OGC=off）")
        if len(request.url.query) > MAX_QUERY:
            return refusal(414, f"网址参数超过 {MAX_QUERY} 个字符")
        try:
            with _making:
                api = _api(open_store(), _base(request), recorded())
            asked = await APIRequest.from_starlette(request, api.locales)
        except SutuError as fault:
            return refusal(503, str(fault))
        paths = [request.path_params[name] for name in names]
        response = await run_in_threadpool(_answered, answer, api, asked, paths)
        return _unchanged(request, response) or response

    return answered


def _answered(answer: Answer, api: API, asked: APIRequest, paths: list[str]) -> Response:
    """Return pygeoapi's answer; runs in a thread, a few at a time."""
    with _gate:
        # pygeoapi asks for the loop of its thread, which has none.
        asyncio.set_event_loop(asyncio.new_event_loop())
        try:
            if not asked.is_valid(FORMS if answer is tile_set else None):
                headers, status, content = api.get_format_exception(asked)
            else:
                with _as_text(answer, asked) as left:
                    headers, status, content = answer(api, asked, *paths)
                if status == HTTPStatus.OK and isinstance(content, str):
                    content = spliced(content, left)
        except SutuError as fault:
            # What is wrong with a store names its folders, which are nobody's business out there.
            words = "图层的数据读不出来，请管理员查看" if isinstance(fault, StoreError) else str(fault)
            return refusal(503, words)
        finally:
            asyncio.get_event_loop().close()
            asyncio.set_event_loop(None)
    if isinstance(content, dict):
        return JSONResponse(content, status_code=status, headers=headers)
    headers = {key: value for key, value in headers.items() if key.lower() != "content-length"}
    return Response(content, status_code=status, headers=headers)


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


def refusal(status: int, text: str) -> JSONResponse:
    """Return the answer that says why there is none."""
    return JSONResponse({"code": status, "description": text}, status_code=status)
