"""The provider pygeoapi asks for the tiles of a collection, and what is to be said of them."""

from __future__ import annotations

from typing import Any

from pygeoapi.models.provider.base import TileMatrixSetEnum
from pygeoapi.provider.base_mvt import BaseMVTProvider

from data.store.store import open_store
from geo.export_table import Field
from geo.tiles import MATRIX_SET, MAX_ZOOM, MIN_ZOOM, gathering, tile_range
from reports.provenance import internal_notice
from server.ogc.source import Cells, source_of
from server.ogc.tiling import LAYER, MIME_TYPE, Tiling, tile_of, tiling_of


class TileProvider(BaseMVTProvider):  # type: ignore[misc]  # the library has no types
    """Tiles of one collection.

    ``data`` in the definition is its id; ``options`` hold ``bounds`` in degrees.
    """

    def __repr__(self) -> str:
        """Return the name with the collection."""
        return f"<TileProvider> {self.data}"

    def get_layer(self) -> str:
        """Return the name of the one layer in the tiles."""
        return LAYER

    def get_fields(self) -> dict[str, Any]:
        """Return the attributes: JSON type, Chinese title and definition."""
        return schema_of(tiling_of(self.data))

    def get_tiles_service(
        self,
        baseurl: str = "",  # noqa: ARG002 - the library gives it
        servicepath: str = "",
        dirpath: str = "",  # noqa: ARG002
        tile_type: str = "",  # noqa: ARG002
    ) -> dict[str, Any]:
        """Return the links from the list of tile sets: the tiles, and their description as TileJSON."""
        base = servicepath.split("/{tileMatrixSetId}", maxsplit=1)[0]
        return {
            "links": [
                {"type": self.mimetype, "rel": "item", "title": "矢量瓦片", "href": servicepath},
                {
                    "type": "application/json",
                    "rel": "describedby",
                    "title": "TileJSON",
                    "href": f"{base}/{MATRIX_SET}/metadata?f=tilejson",
                },
            ]
        }

    def get_tiles(
        self,
        *,
        z: int | str,
        y: int | str,
        x: int | str,
        **_told: Any,
    ) -> bytes | None:
        """Return a tile, None for an empty one. Raises ``ValueError`` for one that there is not."""
        return tile_of(self.data, int(z), int(x), int(y)) or None

    def get_metadata(
        self, dataset: str, server_url: str, metadata_format: str | None = None, **told: Any
    ) -> dict[str, Any]:
        """Return what a client must know: as OGC's tile set metadata, or as TileJSON."""
        facts = source_of(self.data).cells
        if facts is None:
            raise KeyError(self.data)
        here = f"{server_url}/collections/{dataset}/tiles/{MATRIX_SET}"
        attribution = "；".join((internal_notice(), *facts.remarks))
        form = (metadata_format or "json").lower()
        about = {**told, "attribution": attribution}
        tiling, bounds = tiling_of(self.data), self.options["bounds"]
        if form == "tilejson":
            return tilejson(here, tiling, bounds, about)
        answer = tileset(here, tiling, facts, bounds, about, server_url=server_url)
        return {**answer, "id": dataset, "here": here} if form == "html" else answer


Bounds = tuple[float, float, float, float]

_TYPES = {"b": "boolean", "i": "integer", "f": "number"}
_TILEJSON_TYPES = {"boolean": "Boolean", "integer": "Number", "number": "Number", "string": "String"}


def tileset(
    here: str, tiling: Tiling, facts: Cells, bounds: Bounds, about: dict[str, Any], *, server_url: str
) -> dict[str, Any]:
    """Return the tile set metadata of OGC API – Tiles for the tiles at the address ``here``.

    ``about`` holds title, description and attribution; ``bounds`` are in degrees.
    """
    west, south, east, north = bounds
    scheme = TileMatrixSetEnum.WEBMERCATORQUAD.value
    links = (
        (f"{here}?f=json", "self", "application/json", "瓦片集的说明"),
        (f"{here}?f=tilejson", "alternate", "application/json", "TileJSON"),
        (f"{here}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}?f=mvt", "item", MIME_TYPE, "矢量瓦片"),
        (
            f"{server_url}/tileMatrixSets/{MATRIX_SET}?f=json",
            "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme",
            "application/json",
            MATRIX_SET,
        ),
    )
    return {
        "title": about["title"],
        "description": about["description"],
        "keywords": list(facts.marks),
        "attribution": about["attribution"],
        "version": open_store().data_version,
        "mediaTypes": [MIME_TYPE],
        "dataType": "vector",
        "crs": scheme.crs,
        "tileMatrixSetURI": scheme.tileMatrixSetURI,
        "tileMatrixSetLimits": _limits(bounds),
        "boundingBox": {
            "lowerLeft": [west, south],
            "upperRight": [east, north],
            "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
        },
        "layers": [
            {
                "id": LAYER,
                "title": about["title"],
                "dataType": "vector",
                "geometryDimension": 2,
                "minTileMatrix": str(MIN_ZOOM),
                "maxTileMatrix": str(MAX_ZOOM),
                "propertiesSchema": {"type": "object", "properties": schema_of(tiling)},
            }
        ],
        "links": [
            {"href": href, "rel": rel, "type": kind, "title": title} for href, rel, kind, title in links
        ],
        # Not of the standard: how large the squares of each zoom are.
        "squareSideMetres": _sides(tiling),
    }


def tilejson(here: str, tiling: Tiling, bounds: Bounds, about: dict[str, Any]) -> dict[str, Any]:
    """Return the same as TileJSON 3.0.0, which map clients of the web read."""
    west, south, east, north = bounds
    sides = "、".join(f"{zoom} 级 {side:g} 米" for zoom, side in _sides(tiling).items())
    schema = schema_of(tiling)
    return {
        "tilejson": "3.0.0",
        "name": about["title"],
        "description": f"{about['description']}。方格边长：{sides}",
        "attribution": about["attribution"],
        "version": "1.0.0",
        "scheme": "xyz",
        "tiles": [f"{here}/{{z}}/{{y}}/{{x}}?f=mvt"],
        "minzoom": MIN_ZOOM,
        "maxzoom": MAX_ZOOM,
        "bounds": [west, south, east, north],
        "center": [(west + east) / 2, (south + north) / 2, MIN_ZOOM + 1],
        "vector_layers": [
            {
                "id": LAYER,
                "description": about["title"],
                "minzoom": MIN_ZOOM,
                "maxzoom": MAX_ZOOM,
                "fields": {
                    name: f"{_TILEJSON_TYPES[one['type']]}：{one['title']}" for name, one in schema.items()
                },
            }
        ],
    }


def _limits(bounds: Bounds) -> list[dict[str, Any]]:
    limits = []
    for zoom in range(MIN_ZOOM, MAX_ZOOM + 1):
        west, north, east, south = tile_range(bounds, zoom)
        limits.append(
            {
                "tileMatrix": str(zoom),
                "minTileRow": north,
                "maxTileRow": south,
                "minTileCol": west,
                "maxTileCol": east,
            }
        )
    return limits


def _sides(tiling: Tiling) -> dict[str, float]:
    side = tiling.cells.side_m
    return {str(zoom): side * gathering(zoom, side) for zoom in range(MIN_ZOOM, MAX_ZOOM + 1)}


def schema_of(tiling: Tiling) -> dict[str, Any]:
    """Return the attributes of the squares: JSON type, Chinese title and definition."""
    frame = tiling.cells.frame
    return {
        one.name: {
            "type": _TYPES.get(frame[one.name].dtype.kind, "string") if one.name in frame else "number",
            "title": one.label,
            "description": _said(one, single=one.name in tiling.single),
        }
        for one in tiling.fields()
    }


def _said(one: Field, *, single: bool) -> str:
    return f"{one.definition}（只在不合并的级别）" if single else one.definition
