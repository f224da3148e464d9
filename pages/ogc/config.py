"""What pygeoapi is told: who we are, the limits, and each layer as a collection."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from importlib import resources
from typing import Any

from data.store import Store
from geo.tiles import MATRIX_SET, MAX_ZOOM, MIN_ZOOM
from layers.model import INTERNAL_NOTICE
from layers.vector_tile import MIME_TYPE
from pages.ogc.collections import OFF, Collection, collections

SWITCH = "SUTU_OGC"
"""``off`` switches the API off; anything else, and nothing, leaves it on."""

PREFIX = "/ogc"
DEFAULT_ITEMS, MAX_ITEMS = 100, 2_000
EXTENT = (116.3, 30.7, 122.0, 35.2)
_CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
CRS = (_CRS84, "http://www.opengis.net/def/crs/EPSG/0/4490", "http://www.opengis.net/def/crs/EPSG/0/4326")


def switched_on() -> bool:
    """Return whether the API answers."""
    return os.environ.get(SWITCH, "on").strip().lower() not in OFF


def configuration(store: Store, base: str) -> dict[str, Any]:
    """Return pygeoapi's configuration for a server that is reached at ``base`` (scheme, host and port)."""
    folder = str(resources.files("pages.ogc") / "templates")
    return {
        "server": {
            "bind": {"host": "127.0.0.1", "port": 0},
            "url": f"{base}{PREFIX}",
            "mimetype": "application/json; charset=UTF-8",
            "encoding": "utf-8",
            "gzip": False,
            # Not "zh-CN": for other languages pygeoapi would then look for a locale that does not exist.
            "languages": ["zh"],
            "cors": False,
            "pretty_print": False,
            "admin": False,
            "limits": {"default_items": DEFAULT_ITEMS, "max_items": MAX_ITEMS, "on_exceed": "throttle"},
            "map": {"url": "", "attribution": ""},
            "templates": {"path": folder, "static": folder},
        },
        "logging": {"level": "CRITICAL"},
        "metadata": {
            "identification": {
                "title": "苏图图层服务",
                "description": f"江苏规划图层，只读；数据版本 {store.data_version}。{INTERNAL_NOTICE}",
                "keywords": ["江苏", "规划"],
                "keywords_type": "theme",
                "terms_of_service": INTERNAL_NOTICE,
                "url": base,
            },
            "license": {"name": "见各图层的来源", "url": base},
            "provider": {"name": "苏图", "url": base},
            "contact": {"name": "苏图", "email": "", "url": base},
        },
        "resources": {key: _collection(key, one) for key, one in collections(store).items()},
    }


def _collection(key: str, one: Collection) -> dict[str, Any]:
    extents: dict[str, Any] = {"spatial": {"bbox": list(EXTENT), "crs": _CRS84}}
    if one.years:
        extents["temporal"] = {
            "begin": datetime(one.years[-1], 1, 1, tzinfo=UTC),
            "end": datetime(one.years[0], 12, 31, 23, 59, 59, tzinfo=UTC),
        }
    providers: list[dict[str, Any]] = [
        {
            "type": "feature",
            "name": "pages.ogc.provider.LayerProvider",
            "data": key,
            "id_field": "id",
            "title_field": "name",
            "geom_field": "geometry",
            "crs": list(CRS),
            "storage_crs": _CRS84,
        }
    ]
    if one.of_cells:
        providers.append(
            {
                "type": "tile",
                "name": "pages.ogc.tile_provider.TileProvider",
                "data": key,
                "options": {
                    "schemes": [MATRIX_SET],
                    "zoom": {"min": MIN_ZOOM, "max": MAX_ZOOM},
                    "bounds": EXTENT,
                },
                "format": {"name": "mvt", "mimetype": MIME_TYPE},
            }
        )
    return {
        "type": "collection",
        "title": one.title,
        "description": one.info.definition,
        "keywords": [one.info.group],
        "links": [],
        "extents": extents,
        "providers": providers,
    }


def openapi(config: dict[str, Any]) -> dict[str, Any]:
    """Return the description of the API: one path for each kind of question, not one for each layer."""

    def get(summary: str, *parameters: dict[str, Any]) -> dict[str, Any]:
        answer = {"description": "成功", "content": {"application/json": {}, "text/html": {}}}
        return {"get": {"summary": summary, "parameters": list(parameters), "responses": {"200": answer}}}

    def tile(*parameters: dict[str, Any]) -> dict[str, Any]:
        answers = {
            "200": {"description": "矢量瓦片", "content": {MIME_TYPE: {}}},
            "204": {"description": "空"},
        }
        return {"get": {"summary": "一块矢量瓦片", "parameters": list(parameters), "responses": answers}}

    def query(name: str, kind: str, text: str, **more: Any) -> dict[str, Any]:
        return {"name": name, "in": "query", "description": text, "schema": {"type": kind, **more}}

    ids = list(config["resources"])
    one = {"name": "collectionId", "in": "path", "required": True, "schema": {"type": "string", "enum": ids}}
    item = {"name": "featureId", "in": "path", "required": True, "schema": {"type": "string"}}
    form = query("f", "string", "格式", enum=["json", "html"])
    tiled = [key for key, entry in config["resources"].items() if len(entry["providers"]) > 1]
    of_cells = {**one, "schema": {"type": "string", "enum": tiled}}
    in_path = {"in": "path", "required": True}
    matrix_set = {"name": "tileMatrixSetId", **in_path, "schema": {"type": "string", "enum": [MATRIX_SET]}}
    zoom = {"type": "integer", "minimum": MIN_ZOOM, "maximum": MAX_ZOOM}
    numbers = (
        {"name": "tileMatrix", **in_path, "description": "级别", "schema": zoom},
        {"name": "tileRow", **in_path, "description": "行号，从北数起", "schema": {"type": "integer"}},
        {"name": "tileCol", **in_path, "description": "列号，从西数起", "schema": {"type": "integer"}},
    )
    tileset_form = query("f", "string", "格式", enum=["json", "tilejson", "html"])
    in_set = "/collections/{collectionId}/tiles/{tileMatrixSetId}"
    crs = query("crs", "string", "坐标系", enum=list(CRS))
    # GDAL and QGIS look for the largest page under this name; without it they ask for ten items at a time.
    limit = query("limit", "integer", "每页行数", minimum=1, maximum=MAX_ITEMS, default=DEFAULT_ITEMS)
    items = (
        {"$ref": "#/components/parameters/limit"},
        query("offset", "integer", "从第几行开始", minimum=0, default=0),
        query("bbox", "string", "范围：西,南,东,北（度）"),
        query("bbox-crs", "string", "范围的坐标系", enum=list(CRS)),
        query("datetime", "string", "年份或时段，如 2010、2000/2020；不写为最近一年"),
        query("filter", "string", "CQL 文本，如 value > 20 AND name LIKE '苏%'"),
        query("sortby", "string", "排序字段，前加 - 为倒序"),
        query("properties", "string", "只要这些字段，逗号分开"),
        query("skipGeometry", "boolean", "不要图形"),
    )
    return {
        "openapi": "3.0.2",
        "info": {"title": config["metadata"]["identification"]["title"], "version": "1.0.0"},
        "servers": [{"url": config["server"]["url"]}],
        "components": {"parameters": {"limit": limit}},
        "paths": {
            "/": get("首页", form),
            "/conformance": get("符合的规范", form),
            "/collections": get("全部图层", form),
            "/collections/{collectionId}": get("一个图层", one, form),
            "/collections/{collectionId}/queryables": get("可查询的字段", one, form),
            "/collections/{collectionId}/schema": get("字段", one, form),
            "/collections/{collectionId}/items": get("要素", one, form, crs, *items),
            "/collections/{collectionId}/items/{featureId}": get("一个要素", one, item, form, crs),
            "/collections/{collectionId}/tiles": get("瓦片集", of_cells, form),
            in_set: get("瓦片集的说明", of_cells, matrix_set, tileset_form),
            f"{in_set}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}": tile(of_cells, matrix_set, *numbers),
            "/tileMatrixSets": get("瓦片方案", form),
            "/tileMatrixSets/{tileMatrixSetId}": get("一种瓦片方案", matrix_set, form),
        },
    }
