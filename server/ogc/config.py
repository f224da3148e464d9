"""What pygeoapi is told: who we are and each layer as a collection; and every number of what may be asked."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import resources
from typing import Any

from data.registry.environment import OGC
from data.store.store import Store
from geo.tiles import MATRIX_SET, MAX_ZOOM, MIN_ZOOM
from reports.provenance import internal_notice
from server.ogc.collections import Collection, collections
from server.ogc.tiling import MIME_TYPE

PREFIX = "/ogc"

DEFAULT_ITEMS, MAX_ITEMS = 100, 2_000
"""How many features one answer holds, where the client does not say, and at most."""
AT_ONCE = 4
"""How many questions are answered at the same time; the others wait their turn."""
MAX_WAITING = 200
"""How many may wait; who comes then is asked to come again."""
COME_AGAIN_S = 5
"""After how many seconds."""

MAX_QUERY, MAX_PATH = 4_000, 1_000
"""Characters of an address."""
MAX_HEADERS = 32_768
"""Bytes of all header lines together."""
MAX_ACCEPT = 2_000
"""Characters of the header ``Accept`` that are looked at."""
MAX_PARAMETERS, MAX_SORTS = 60, 10
"""Parameters of a question; fields that its answer is sorted by."""

MAX_CONDITIONS, MAX_SPATIAL, MAX_LIKE = 50, 3, 8
"""Conditions of a filter, those with shapes among them, and those with patterns: each looks at every row."""
MAX_WILDCARDS = 20
"""Percent signs of one pattern."""
MAX_BRACKETS, MAX_DEPTH = 60, 20
"""Brackets that may stand in brackets, and conditions in conditions."""

EXTENT = (116.3, 30.7, 122.0, 35.2)
_CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
CRS = (_CRS84, "http://www.opengis.net/def/crs/EPSG/0/4490", "http://www.opengis.net/def/crs/EPSG/0/4326")


def switched_on() -> bool:
    """Return whether the API answers."""
    return not OGC.is_off()


def configuration(store: Store, base: str) -> dict[str, Any]:
    """Return pygeoapi's configuration for a server that is reached at ``base`` (scheme, host and port)."""
    folder = str(resources.files("server.ogc") / "templates")
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
                "description": f"江苏规划图层，只读；数据版本 {store.data_version}。{internal_notice()}",
                "keywords": ["江苏", "规划"],
                "keywords_type": "theme",
                "terms_of_service": internal_notice(),
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
            "name": "server.ogc.provider.LayerProvider",
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
                "name": "server.ogc.tile_provider.TileProvider",
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
