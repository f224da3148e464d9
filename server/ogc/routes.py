"""The routes below ``/ogc``, and the gate before them: reading only, nothing overlong, faults numbered."""

from __future__ import annotations

from typing import Any

import pygeoapi.api as core
from pygeoapi.api import API, APIRequest, itemtypes
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route, Router, request_response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.ogc.api import endpoint
from server.ogc.config import MAX_HEADERS, MAX_PATH, MAX_QUERY, PREFIX
from server.ogc.refusals import fault_of_ours, refusal
from server.ogc.tile_answers import matrix_set, matrix_sets, tile, tile_set, tile_sets

_MATRIX_SETS = ("/TileMatrixSets", "/tileMatrixSets")


def _collection(api: API, asked: APIRequest, collection: str) -> tuple[dict[str, str], int, Any]:
    found: tuple[dict[str, str], int, Any] = core.describe_collections(api, asked, collection)
    return found


async def _start(request: Request) -> Response:
    """Lead from the address without a slash, as people write it, to the landing page."""
    query = request.scope["query_string"].decode("latin-1")
    return RedirectResponse(f"{PREFIX}/?{query}" if query else f"{PREFIX}/", status_code=308)


async def _unknown(_request: Request) -> Response:
    return refusal(404, "没有这个地址；从 /ogc/ 开始")


def bare() -> Route:
    """Return the route of ``/ogc`` itself, which a mount leaves to the pages."""
    return Route(PREFIX, Guard(request_response(_start)), name="ogc")


def mount() -> Mount:
    """Return the routes to mount beside the pages; other methods than GET and HEAD are refused."""
    one = "/collections/{collection}"
    of_set, numbers = "/{matrix_set}", ("zoom", "row", "column")
    of_tile = "/".join(f"{{{name}}}" for name in numbers)
    routes = [
        Route("/", endpoint(core.landing_page)),
        Route("/openapi", endpoint(core.openapi_)),
        Route("/conformance", endpoint(core.conformance)),
        Route("/collections", endpoint(core.describe_collections)),
        Route(one, endpoint(_collection, "collection")),
        Route(f"{one}/queryables", endpoint(itemtypes.get_collection_queryables, "collection")),
        Route(f"{one}/schema", endpoint(core.get_collection_schema, "collection")),
        Route(f"{one}/items", endpoint(itemtypes.get_collection_items, "collection")),
        Route(f"{one}/items/{{item}}", endpoint(itemtypes.get_collection_item, "collection", "item")),
        Route(f"{one}/tiles", endpoint(tile_sets, "collection")),
        Route(f"{one}/tiles{of_set}", endpoint(tile_set, "collection", "matrix_set")),
        Route(f"{one}/tiles{of_set}/metadata", endpoint(tile_set, "collection", "matrix_set")),
        Route(f"{one}/tiles{of_set}/{of_tile}", endpoint(tile, "collection", "matrix_set", *numbers)),
        # pygeoapi links to both spellings; the standard has the second.
        *(Route(name, endpoint(matrix_sets)) for name in _MATRIX_SETS),
        *(Route(f"{name}{of_set}", endpoint(matrix_set, "matrix_set")) for name in _MATRIX_SETS),
        Route("/{rest:path}", _unknown),
    ]
    return Mount(PREFIX, app=Guard(Router(routes)))


_READING = ("GET", "HEAD")


class Guard:
    """Passes on what may be asked; whatever goes wrong behind it is logged whole and answered by a number."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap ``app``."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        refused = _refused(scope)
        if refused is not None:
            await refused(scope, receive, send)
            return
        begun = False

        async def sent(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, sent)
        except Exception as fault:
            words = fault_of_ours(fault)
            if not begun:
                await refusal(503, words)(scope, receive, send)


def _refused(scope: Scope) -> ASGIApp | None:
    if scope["method"] not in _READING:
        return refusal(405, "图层服务只读，只回答 GET 和 HEAD", Allow=", ".join(_READING))
    if len(scope["query_string"]) > MAX_QUERY:
        return refusal(414, f"网址参数超过 {MAX_QUERY} 个字符")
    if len(scope["path"]) > MAX_PATH:
        return refusal(414, f"网址超过 {MAX_PATH} 个字符")
    if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADERS:
        return refusal(431, f"请求的头超过 {MAX_HEADERS // 1024} KB")
    headers = Headers(scope=scope)
    if headers.get("content-length", "0").strip("0 ") or "transfer-encoding" in headers:
        return refusal(400, "提问不能带正文，请把条件写在网址的参数里")
    return None
