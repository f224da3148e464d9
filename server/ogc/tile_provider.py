"""The provider pygeoapi asks for the tiles of a collection and for what is to be said of them."""

from __future__ import annotations

from typing import Any

from pygeoapi.provider.base_mvt import BaseMVTProvider

from geo.tiles import MATRIX_SET
from reports.provenance import internal_notice
from server.ogc.source import source_of
from server.ogc.tile_metadata import schema_of, tilejson, tileset
from server.ogc.tiling import LAYER, tile_of, tiling_of


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
