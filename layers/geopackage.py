"""The GIS file renderer: frames as layers of one GeoPackage."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd

GPKG_TYPE = "application/geopackage+sqlite3"


def geopackage_bytes(layers: Mapping[str, gpd.GeoDataFrame], description: str = "") -> bytes:
    """Return a GeoPackage with each frame as a layer of that name, in the CRS the frames have.

    ``description`` (sources, year, notice) goes into the description of every layer. Columns of lists or
    other objects than text are not supported. Raises ``ValueError`` when there is no layer.
    """
    if not layers:
        raise ValueError("a GeoPackage needs at least one layer")
    with tempfile.TemporaryDirectory(prefix="sutu-") as folder:
        path = Path(folder) / "layers.gpkg"
        for name, frame in layers.items():
            frame.to_file(path, layer=name, driver="GPKG", index=False, DESCRIPTION=description)
        return path.read_bytes()
