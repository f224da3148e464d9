"""The population grid as a layer: cells as squares, made chunk by chunk from the numbers of the store."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import Transformer

from data.store.store import Store
from exports.layers.kinds import (
    LayerInfo,
    LayerKind,
    LayerRequest,
    Parameter,
    Words,
    classes,
    fields_of,
    table_of,
)
from geo.crs import ALBERS, STORE_CRS
from geo.export_table import ExportTable, Origin

CHUNK_ROWS = 20_000
_COUNTS = (
    *("population", "urban", "rural", "under_3", "age_3_5", "age_6_14"),
    *("age_60_plus", "age_65_plus", "age_80_plus"),
)
CELL_FIELDS = ("cell_id", "adcode", "x", "y", "land_km2", *_COUNTS)


def cell_size_m(store: Store) -> float:
    """Return the side of the population cells in metres, as the build noted it."""
    meta = store.table("meta").set_index("key")["value"]
    return float(meta.get("population_resolution_m", 500))


def squares(cells: pd.DataFrame, size: float) -> gpd.GeoDataFrame:
    """Return the cells (centres ``x``, ``y`` in metres of ``ALBERS``) as squares in EPSG:4490."""
    x, y, half = cells["x"].to_numpy(), cells["y"].to_numpy(), size / 2.0
    # The corners of each in the order of `shapely.box`: from the lower right one, counter-clockwise.
    to_right = np.array([half, half, -half, -half])
    to_top = np.array([-half, half, half, -half])
    lon, lat = _to_store().transform(x[:, None] + to_right, y[:, None] + to_top)
    corners = np.stack([lon, lat], axis=-1)
    shapes = shapely.polygons(np.concatenate([corners, corners[:, :1]], axis=1))
    return gpd.GeoDataFrame(cells, geometry=shapes, crs=STORE_CRS)


@functools.cache
def _to_store() -> Transformer:
    return Transformer.from_crs(ALBERS, STORE_CRS, always_xy=True)


def in_chunks(cells: pd.DataFrame, columns: list[str], size: float) -> Iterator[gpd.GeoDataFrame]:
    """Give the cells as squares, so many rows at a time."""
    for start in range(0, len(cells), CHUNK_ROWS):
        part = cells.iloc[start : start + CHUNK_ROWS]
        yield squares(part, size)[[*columns, "geometry"]].reset_index(drop=True)


def people_origin(store: Store) -> tuple[tuple[Origin, ...], tuple[str, ...]]:
    """Return where the people of the grid are from, and what must be said of them."""
    meta = store.table("meta").set_index("key")["value"]
    source, note = str(meta.get("population_source", "")), str(meta.get("population_note", ""))
    return ((Origin(source),) if source else ()), ((note,) if note else ())


def _list_grid(store: Store) -> list[LayerInfo]:
    rows = store.query("SELECT rows FROM catalogue WHERE name = 'population_grid'")
    if rows.empty:
        return []
    people = {"all": "全部格子", "populated": "只要有人的格子"}
    return [
        LayerInfo(
            "population_grid",
            "人口格网",
            "人口",
            "polygon",
            int(rows["rows"].iloc[0]),
            "陆地格子的常住人口，按普查分县数推算；各县合计等于普查数",
            (Parameter("cells", "格子", people, "all"),),
            300,
        )
    ]


def _make_grid(request: LayerRequest) -> ExportTable:
    store = request.store
    cells = store.population_grid().rename(columns={"area_km2": "land_km2"})
    cells = cells[request.keeps(cells["adcode"])]
    if request.settings["cells"] == "populated":
        cells = cells[cells["population"] > 0]
    sources, remarks = people_origin(store)
    size = cell_size_m(store)
    words = Words(
        "人口格网",
        f"边长 {size:g} 米的格子，{request.info.definition}",
        (),
        year="2020",
        unit="人",
        remarks=remarks,
        more_origins=sources,
    )
    return table_of(
        request,
        lambda: in_chunks(cells, list(CELL_FIELDS), size),
        len(cells),
        fields_of(*CELL_FIELDS),
        words,
        shading=classes("population", decimals=0, direction="neutral"),
        geometry="polygon",
        name_field="cell_id",
        values=cells["population"].to_numpy(dtype=np.float64),
    )


KINDS = (LayerKind("population_grid", _list_grid, _make_grid),)
