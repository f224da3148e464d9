"""Small worlds for the layers: squares in a row, as regions with codes and names."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from data.registry import load_registry
from layers.model import Layer, Provenance
from layers.themes import Ramp, choropleth

NOTICE, UNDEFINED = "未经审核，内部测试图", "#c0ffee"
ORIGIN = Provenance(("测试来源",), "测试边界 2020 年", NOTICE)


def ramp(palette_id: str = "sequential") -> Ramp:
    """Return a palette of the registry, with a colour for no value that the registry does not have."""
    return Ramp(palette_id, load_registry().palette(palette_id).colours, UNDEFINED)


def squares(
    count: int, *, codes: list[str] | None = None, names: list[str] | None = None
) -> gpd.GeoDataFrame:
    """Return ``count`` adjoining squares of a tenth of a degree, from 119°E 32°N eastward."""
    codes = codes or [f"32{number // 90 + 1:02d}{number % 90 + 1:02d}" for number in range(count)]
    shapes = [shapely.box(119 + n / 10, 32, 119 + (n + 1) / 10, 32.1) for n in range(count)]
    frame = gpd.GeoDataFrame({"name": names or [f"地区{n}" for n in range(count)]}, geometry=shapes, crs=4490)
    frame.index = pd.Index(codes)
    frame["short_name"] = frame["name"]
    frame["level"] = "county"
    frame["parent_name"] = "测试市"
    return frame


def layer(values: list[float], **settings: object) -> Layer:
    """Return a choropleth of squares with these values."""
    frame = settings.pop("frame", None)
    frame = squares(len(values)) if frame is None else frame
    wanted = {
        "title": "测试指标",
        "unit": "%",
        "year": 2020,
        "direction": "higher_better",
        "provenance": ORIGIN,
        "palette": ramp(),
        **settings,
    }
    return choropleth(frame, pd.Series(np.asarray(values, dtype=float), index=frame.index), **wanted)  # type: ignore[arg-type]
