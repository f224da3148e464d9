"""What the server answers beside the pages: our own assets, published map data, and its health."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from data.store.store import open_store
from geo.errors import SutuError
from layers.assets import ASSETS_URL, FONTS_URL, PUBLISHED_URL, PUBLISHER, leaflet_folder, own_folder
from layers.fonts import installed
from pages.navigation import PAGES
from pages.shared.map_first import DRAWINGS, DRAWN_URL
from server.ogc.routes import bare as ogc_start
from server.ogc.routes import mount as ogc_api

_FOREVER = "public, max-age=31536000, immutable"


class _Kept(StaticFiles):
    """Files whose address changes with their content, so that a browser asks for each only once."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file with the time it may be kept."""
        try:
            response = await super().get_response(path, scope)
        except HTTPException as fault:
            words = "没有这个文件" if fault.status_code == 404 else "文件只能读取"
            return PlainTextResponse(words, status_code=fault.status_code)
        # The style sheet of the fonts keeps its address when they are cut anew.
        response.headers["Cache-Control"] = "no-cache" if path == "fonts.css" else _FOREVER
        return response


async def _fonts(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with a file of the fonts in use; which they are is known when the server has started."""
    fonts = installed()
    files = (
        PlainTextResponse("字体尚未生成", status_code=404) if fonts is None else _Kept(directory=fonts.folder)
    )
    await files(scope, receive, send)


def routes() -> list[BaseRoute]:
    """Return the routes to mount beside the pages."""
    return [
        Mount(FONTS_URL, app=_fonts),
        Mount(f"{ASSETS_URL}/own", app=_Kept(directory=own_folder())),
        Mount(f"{ASSETS_URL}/leaflet", app=_Kept(directory=leaflet_folder())),
        Route(f"{PUBLISHED_URL}/{{name}}", published),
        Route(f"{DRAWN_URL}/{{token}}", drawn, methods=["POST"]),
        Mount(ASSETS_URL, app=PlainTextResponse("没有这个文件", status_code=404)),
        Route("/healthz", healthz),
        ogc_start(),
        ogc_api(),
        Route(f"/{PAGES[0].path}", first_page),
    ]


def published(request: Request) -> Response:
    """Answer with a published piece of map data."""
    piece = PUBLISHER.get(request.path_params["name"])
    if piece is None:
        return PlainTextResponse("数据已过期，请刷新页面", status_code=404)
    headers = {"Cache-Control": _FOREVER}
    if piece.encoding:
        headers["Content-Encoding"] = piece.encoding
    return Response(piece.content, media_type=piece.media_type, headers=headers)


async def drawn(request: Request) -> Response:
    """Take a browser's word that it has drawn a map; there is nothing to answer."""
    DRAWINGS.tell(request.path_params["token"])
    return Response(status_code=204)


def first_page(request: Request) -> Response:
    """Lead from the first page's name to the root, which is the only address Streamlit gives it."""
    # Not by the request's URL: the name it was asked under may make none.
    query = request.scope["query_string"].decode("latin-1")
    return RedirectResponse(f"/?{query}" if query else "/")


def healthz(_request: Request) -> JSONResponse:
    """Answer whether the store opens: 200 with its versions, or 503 with the reason."""
    try:
        store = open_store()
    except SutuError as fault:
        return JSONResponse({"ok": False, "reason": str(fault)}, status_code=503)
    versions = {name: getattr(store, name) for name in ("data_version", "schema_version", "built_at")}
    return JSONResponse({"ok": True, **versions})
