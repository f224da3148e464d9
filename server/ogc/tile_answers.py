"""Answers of OGC API – Tiles: what cannot be answered is refused in words, the rest is pygeoapi's.

pygeoapi checks neither the tile matrix set nor the numbers of a tile, and tells the kind of a tile's fault as
if it were a tile; so tiles are asked of the provider here. Its pages on tile matrix sets are not ours either.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from pygeoapi.api import API, APIRequest, tiles
from pygeoapi.models.provider.base import TileMatrixSetEnum
from pygeoapi.plugin import load_plugin
from pygeoapi.util import get_provider_by_type, render_j2_template, to_json

from geo.tiles import MATRIX_SET, MAX_ZOOM, MIN_ZOOM
from server.ogc.tiling import MIME_TYPE

Answered = tuple[dict[str, str], int, Any]

FORMS = ("tilejson",)
"""Formats that are asked for by name and that pygeoapi knows for tiles only."""

_SCHEME = TileMatrixSetEnum.WEBMERCATORQUAD.value
_NUMBER = re.compile(r"[0-9]{1,7}")


def tile_sets(api: API, asked: APIRequest, collection: str) -> Answered:
    """Return the list of a collection's tile sets, of which there is one."""
    refused = _refused(api, asked, collection)
    if refused is not None:
        return refused
    answer: Answered = tiles.get_collection_tiles(api, asked, collection)
    return answer


def tile_set(api: API, asked: APIRequest, collection: str, matrix_set: str) -> Answered:
    """Return what is to be said of the tiles: JSON, TileJSON (``f=tilejson``) or a page."""
    refused = _refused(api, asked, collection, matrix_set)
    if refused is not None:
        return refused
    answer: Answered = tiles.get_collection_tiles_metadata(api, asked, collection, matrix_set)
    return answer


def tile(api: API, asked: APIRequest, collection: str, matrix_set: str, *place: str) -> Answered:
    """Return one tile, or no content where it would be empty; ``place``: zoom, row and column.

    Its ETag is that of its content, so that a client asks again and is told only whether anything changed;
    it is a weak one, as the content may go out compressed.
    """
    refused = _refused(api, asked, collection, matrix_set) or _no_tile(api, asked, *place)
    if refused is not None:
        return refused
    zoom, row, column = place
    provider = load_plugin("provider", get_provider_by_type(_providers(api, collection), "tile"))
    content = provider.get_tiles(z=zoom, y=row, x=column) or b""
    digest = hashlib.sha256(content).hexdigest()[:32]
    headers = {"Cache-Control": "no-cache", "ETag": f'W/"{digest}"'}
    if not content:
        return headers, 204, ""
    return {**headers, "Content-Type": MIME_TYPE}, 200, content


def matrix_sets(api: API, asked: APIRequest) -> Answered:
    """Return the list of tile matrix sets, which has the one there are tiles in."""
    links = [{"rel": "self", "type": "application/json", "href": f"{_matrix_set_url(api)}?f=json"}]
    entry = {"id": MATRIX_SET, "title": MATRIX_SET, "uri": _SCHEME.tileMatrixSetURI, "links": links}
    return _told(api, asked, "tilematrixsets/index.html", {"tileMatrixSets": [entry]})


def matrix_set(api: API, asked: APIRequest, name: str) -> Answered:
    """Return the definition of a tile matrix set."""
    if name != MATRIX_SET:
        return _refusal(api, asked, 404, f"没有这种瓦片方案，只有 {MATRIX_SET}")
    told = {
        "id": MATRIX_SET,
        "title": MATRIX_SET,
        "uri": _SCHEME.tileMatrixSetURI,
        "crs": _SCHEME.crs,
        "orderedAxes": _SCHEME.orderedAxes,
        "wellKnownScaleSet": _SCHEME.wellKnownScaleSet,
        "tileMatrices": _SCHEME.tileMatrices,
    }
    return _told(api, asked, "tilematrixsets/tilematrixset.html", told)


def _matrix_set_url(api: API) -> str:
    return f"{api.base_url}/tileMatrixSets/{MATRIX_SET}"


def _told(api: API, asked: APIRequest, template: str, told: dict[str, Any]) -> Answered:
    """Return the same facts as JSON or as a page."""
    headers = asked.get_response_headers(**api.api_headers)
    if asked.format != "html":
        return headers, 200, to_json(told, api.pretty_print)
    page = render_j2_template(api.tpl_config, api.config["server"]["templates"], template, told, asked.locale)
    return headers, 200, page


def _providers(api: API, collection: str) -> list[dict[str, Any]]:
    entry = api.config["resources"].get(collection, {})
    found: list[dict[str, Any]] = entry.get("providers", [])
    return found


def _refused(api: API, asked: APIRequest, collection: str, matrix_set: str = MATRIX_SET) -> Answered | None:
    """Return the refusal of a collection without tiles or of another tile matrix set."""
    providers = _providers(api, collection)
    if not providers:
        return _refusal(api, asked, 404, "没有这个图层；图层的编号见 /ogc/collections")
    if not any(one["type"] == "tile" for one in providers):
        return _refusal(api, asked, 404, "这个图层没有矢量瓦片，请用它的 items 读要素")
    if matrix_set != MATRIX_SET:
        return _refusal(api, asked, 404, f"没有这种瓦片方案，只有 {MATRIX_SET}")
    return None


def _no_tile(api: API, asked: APIRequest, zoom: str, row: str, column: str) -> Answered | None:
    """Return the refusal of a tile that there cannot be."""
    form = str(asked.params.get("f", "mvt")).strip()
    if form not in {"", "mvt"}:
        return _refusal(api, asked, 400, "瓦片只有一种格式，请写 f=mvt")
    if not all(_NUMBER.fullmatch(one) for one in (zoom, row, column)):
        return _refusal(api, asked, 400, "瓦片的地址应为 级别/行号/列号，三个都是整数")
    if not MIN_ZOOM <= int(zoom) <= MAX_ZOOM:
        return _refusal(api, asked, 404, f"只有 {MIN_ZOOM} 到 {MAX_ZOOM} 级的瓦片，请在客户端设好级别范围")
    last = 2 ** int(zoom) - 1
    if int(row) > last or int(column) > last:
        return _refusal(api, asked, 404, f"{int(zoom)} 级瓦片的行号、列号为 0 到 {last}，从西北角数起")
    return None


def _refusal(api: API, asked: APIRequest, status: int, words: str) -> Answered:
    # Of a question with f=mvt the refusal would be told to be a tile.
    headers = asked.get_response_headers(force_type="application/json", **api.api_headers)
    code = "NotFound" if status == 404 else "InvalidParameterValue"
    answer: Answered = api.get_exception(status, headers, asked.format, code, words)
    return answer
