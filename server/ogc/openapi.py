"""The description of the API by its own paths: one for each kind of question, not one for each layer."""

from __future__ import annotations

from typing import Any

from geo.tiles import MATRIX_SET, MAX_ZOOM, MIN_ZOOM
from server.ogc.config import CRS, DEFAULT_ITEMS, MAX_ITEMS
from server.ogc.tiling import MIME_TYPE

Described = dict[str, Any]

_IN_PATH: Described = {"in": "path", "required": True}


def openapi(config: Described) -> Described:
    """Return the description of the API that pygeoapi's configuration makes, as OpenAPI 3.0.2."""
    form = _query("f", "string", "格式", enum=["json", "html"])
    # GDAL and QGIS look for the largest page under this name; without it they ask for ten items at a time.
    limit = _query("limit", "integer", "每页行数", minimum=1, maximum=MAX_ITEMS, default=DEFAULT_ITEMS)
    entries = config["resources"]
    tiled = [key for key, entry in entries.items() if len(entry["providers"]) > 1]
    return {
        "openapi": "3.0.2",
        "info": {"title": config["metadata"]["identification"]["title"], "version": "1.0.0"},
        "servers": [{"url": config["server"]["url"]}],
        "components": {"parameters": {"limit": limit}},
        "paths": {
            "/": _get("首页", form),
            "/conformance": _get("符合的规范", form),
            "/collections": _get("全部图层", form),
            **_feature_paths(list(entries), form),
            **_tile_paths(tiled, form),
        },
    }


def _feature_paths(ids: list[str], form: Described) -> Described:
    one = _one_of("collectionId", ids)
    item = {"name": "featureId", **_IN_PATH, "schema": {"type": "string"}}
    crs = _query("crs", "string", "坐标系", enum=list(CRS))
    items = (
        {"$ref": "#/components/parameters/limit"},
        _query("offset", "integer", "从第几行开始", minimum=0, default=0),
        _query("bbox", "string", "范围：西,南,东,北（度）"),
        _query("bbox-crs", "string", "范围的坐标系", enum=list(CRS)),
        _query("datetime", "string", "年份或时段，如 2010、2000/2020；不写为最近一年"),
        _query("filter", "string", "CQL 文本，如 value > 20 AND name LIKE '苏%'"),
        _query("sortby", "string", "排序字段，前加 - 为倒序"),
        _query("properties", "string", "只要这些字段，逗号分开"),
        _query("skipGeometry", "boolean", "不要图形"),
    )
    return {
        "/collections/{collectionId}": _get("一个图层", one, form),
        "/collections/{collectionId}/queryables": _get("可查询的字段", one, form),
        "/collections/{collectionId}/schema": _get("字段", one, form),
        "/collections/{collectionId}/items": _get("要素", one, form, crs, *items),
        "/collections/{collectionId}/items/{featureId}": _get("一个要素", one, item, form, crs),
    }


def _tile_paths(ids: list[str], form: Described) -> Described:
    one, matrix_set = _one_of("collectionId", ids), _one_of("tileMatrixSetId", [MATRIX_SET])
    numbers = (
        {
            "name": "tileMatrix",
            **_IN_PATH,
            "description": "级别",
            "schema": {"type": "integer", "minimum": MIN_ZOOM, "maximum": MAX_ZOOM},
        },
        {"name": "tileRow", **_IN_PATH, "description": "行号，从北数起", "schema": {"type": "integer"}},
        {"name": "tileCol", **_IN_PATH, "description": "列号，从西数起", "schema": {"type": "integer"}},
    )
    answers = {
        "200": {"description": "矢量瓦片", "content": {MIME_TYPE: {}}},
        "204": {"description": "空"},
    }
    tile = {"summary": "一块矢量瓦片", "parameters": [one, matrix_set, *numbers], "responses": answers}
    set_form = _query("f", "string", "格式", enum=["json", "tilejson", "html"])
    in_set = "/collections/{collectionId}/tiles/{tileMatrixSetId}"
    return {
        "/collections/{collectionId}/tiles": _get("瓦片集", one, form),
        in_set: _get("瓦片集的说明", one, matrix_set, set_form),
        f"{in_set}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}": {"get": tile},
        "/tileMatrixSets": _get("瓦片方案", form),
        "/tileMatrixSets/{tileMatrixSetId}": _get("一种瓦片方案", matrix_set, form),
    }


def _get(summary: str, *parameters: Described) -> Described:
    answer = {"description": "成功", "content": {"application/json": {}, "text/html": {}}}
    return {"get": {"summary": summary, "parameters": list(parameters), "responses": {"200": answer}}}


def _query(name: str, kind: str, text: str, **more: Any) -> Described:
    return {"name": name, "in": "query", "description": text, "schema": {"type": kind, **more}}


def _one_of(name: str, values: list[str]) -> Described:
    return {"name": name, **_IN_PATH, "schema": {"type": "string", "enum": values}}
