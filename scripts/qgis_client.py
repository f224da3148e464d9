"""What QGIS says of a layer, run by Debian's Python beside ``python3-qgis``: one line of JSON.

``qgis_client.py file SOURCE PICTURE`` opens a vector layer as it is; ``qgis_client.py tiles URL STEPS BOX
PICTURE`` draws vector tiles in classes of people per km². Both write the picture and count its colours.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsFillSymbol,
    QgsMapLayer,
    QgsMapRendererSequentialJob,
    QgsMapSettings,
    QgsRectangle,
    QgsVectorLayer,
    QgsVectorTileBasicRenderer,
    QgsVectorTileBasicRendererStyle,
    QgsVectorTileLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor

SIDE = 1000
FEWEST = 100
"""A colour counts from so many looked-at pixels on: fewer are edges."""


def of_file(source: str, picture: str) -> dict[str, Any]:
    """Return rows, CRS, legend and colours of a layer that nobody gave a style."""
    layer = QgsVectorLayer(source, "layer", "ogr")
    renderer = layer.renderer()
    return {
        "valid": layer.isValid(),
        "rows": layer.featureCount(),
        "crs": layer.crs().authid(),
        "renderer": renderer.type(),
        "legend": [item.label() for item in renderer.legendSymbolItems()],
        "title": layer.metadata().title(),
        "colours": drawn(layer, layer.crs(), layer.extent(), picture),
    }


def of_tiles(
    url: str, steps: Sequence[tuple[float, str]], box: Sequence[float], picture: str
) -> dict[str, Any]:
    """Return the colours of tiles drawn in classes; ``box`` is in EPSG:3857."""
    layer = QgsVectorTileLayer(f"type=xyz&url={url}&zmin=5&zmax=12", "tiles")
    styles = []
    for low, colour in steps:
        style = QgsVectorTileBasicRendererStyle(str(low), "cells", QgsWkbTypes.PolygonGeometry)
        above = [other for other, _ in steps if other > low]
        upper = f' AND "people_per_km2" < {above[0]}' if above else ""
        style.setFilterExpression(f'"people_per_km2" >= {low}{upper}')
        style.setSymbol(QgsFillSymbol.createSimple({"color": colour, "outline_style": "no"}))
        styles.append(style)
    renderer = QgsVectorTileBasicRenderer()
    renderer.setStyles(styles)
    layer.setRenderer(renderer)
    crs = QgsCoordinateReferenceSystem("EPSG:3857")
    return {"valid": layer.isValid(), "colours": drawn(layer, crs, QgsRectangle(*box), picture)}


def drawn(
    layer: QgsMapLayer, crs: QgsCoordinateReferenceSystem, extent: QgsRectangle, picture: str
) -> dict[str, int]:
    """Draw a layer, save the picture, and return how often its colours were met."""
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setDestinationCrs(crs)
    settings.setExtent(extent)
    settings.setOutputSize(QSize(SIDE, SIDE))
    settings.setBackgroundColor(QColor("white"))
    job = QgsMapRendererSequentialJob(settings)
    job.start()
    job.waitForFinished()
    image = job.renderedImage()
    image.save(picture)
    counts: dict[str, int] = {}
    for x in range(0, SIDE, 2):
        for y in range(0, SIDE, 2):
            name = image.pixelColor(x, y).name()
            counts[name] = counts.get(name, 0) + 1
    return {name: count for name, count in counts.items() if count >= FEWEST}


if __name__ == "__main__":
    application = QgsApplication([], False)
    application.initQgis()
    kind, *words = sys.argv[1:]
    told = (
        of_file(*words)
        if kind == "file"
        else of_tiles(words[0], json.loads(words[1]), json.loads(words[2]), words[3])
    )
    print(json.dumps(told, ensure_ascii=False), flush=True)
    # QGIS may crash while it is taken down.
    os._exit(0)
