"""The routes below ``/ogc``: what pygeoapi answers, within limits, for reading only."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import re
import threading
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pygeoapi.api as core
from pygeoapi.api import API, APIRequest, itemtypes
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route

from data.store import Store, open_store
from geo.errors import StoreError, SutuError
from pages.ogc.collections import recorded
from pages.ogc.config import PREFIX, configuration, openapi, switched_on
from pages.ogc.features import spliced, text_wanted
from pages.ogc.tile_answers import FORMS, matrix_set, matrix_sets, tile, tile_set, tile_sets

AT_ONCE = 4
"""How many questions are answered at the same time; the others wait their turn."""

MAX_QUERY = 4_000
_HOST = re.compile(r"[A-Za-z0-9.\-]{1,100}(:\d{1,5})?|\[[0-9A-Fa-f:]{2,40}\](:\d{1,5})?")
_PARSED = {"html", "jsonld"}
"""Formats that pygeoapi makes of the features themselves."""
_MATRIX_SETS = ("/TileMatrixSets", "/tileMatrixSets")

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


def _endpoint(answer: Answer, *names: str) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        if not switched_on():
            return _refusal(404, "图层服务已关闭（环境变量 SUTU_OGC=off）")
        if len(request.url.query) > MAX_QUERY:
            return _refusal(414, f"网址参数超过 {MAX_QUERY} 个字符")
        try:
            with _making:
                api = _api(open_store(), _base(request), recorded())
            asked = await APIRequest.from_starlette(request, api.locales)
        except SutuError as fault:
            return _refusal(503, str(fault))
        paths = [request.path_params[name] for name in names]
        response = await run_in_threadpool(_answered, answer, api, asked, paths)
        return _unchanged(request, response) or response

    return endpoint


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
            return _refusal(503, words)
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


def _refusal(status: int, text: str) -> JSONResponse:
    return JSONResponse({"code": status, "description": text}, status_code=status)


def _collection(api: API, asked: APIRequest, collection: str) -> tuple[dict[str, str], int, Any]:
    return core.describe_collections(api, asked, collection)


async def _start(request: Request) -> Response:
    """Lead from the address without a slash, as people write it, to the landing page."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"{PREFIX}/{query}", status_code=308)


async def _unknown(_request: Request) -> Response:
    return _refusal(404, "没有这个地址；从 /ogc/ 开始")


def bare() -> Route:
    """Return the route of ``/ogc`` itself, which a mount leaves to the pages."""
    return Route(PREFIX, _start)


def mount() -> Mount:
    """Return the routes to mount beside the pages; other methods than GET and HEAD are refused."""
    one = "/collections/{collection}"
    of_set, numbers = "/{matrix_set}", ("zoom", "row", "column")
    of_tile = "/".join(f"{{{name}}}" for name in numbers)
    routes = [
        Route("/", _endpoint(core.landing_page)),
        Route("/openapi", _endpoint(core.openapi_)),
        Route("/conformance", _endpoint(core.conformance)),
        Route("/collections", _endpoint(core.describe_collections)),
        Route(one, _endpoint(_collection, "collection")),
        Route(f"{one}/queryables", _endpoint(itemtypes.get_collection_queryables, "collection")),
        Route(f"{one}/schema", _endpoint(core.get_collection_schema, "collection")),
        Route(f"{one}/items", _endpoint(itemtypes.get_collection_items, "collection")),
        Route(f"{one}/items/{{item}}", _endpoint(itemtypes.get_collection_item, "collection", "item")),
        Route(f"{one}/tiles", _endpoint(tile_sets, "collection")),
        Route(f"{one}/tiles{of_set}", _endpoint(tile_set, "collection", "matrix_set")),
        Route(f"{one}/tiles{of_set}/metadata", _endpoint(tile_set, "collection", "matrix_set")),
        Route(f"{one}/tiles{of_set}/{of_tile}", _endpoint(tile, "collection", "matrix_set", *numbers)),
        # pygeoapi links to both spellings; the standard has the second.
        *(Route(name, _endpoint(matrix_sets)) for name in _MATRIX_SETS),
        *(Route(f"{name}{of_set}", _endpoint(matrix_set, "matrix_set")) for name in _MATRIX_SETS),
        Route("/{rest:path}", _unknown),
    ]
    return Mount(PREFIX, routes=routes)
