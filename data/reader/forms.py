"""The forms of what readers hand back: the schema of each table, and frames into tables and out of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import geopandas as gpd
import pandas as pd
import pyarrow as pa

from data.ingest.duplicates import DUPLICATE_COLUMNS
from data.ingest.facility_store import FACILITY_COLUMNS, column_values
from data.ingest.osm_facilities import MERGE_COLUMNS
from data.ingest.osm_store import STORED_COLUMNS
from geo.crs import STORE_CRS

_TEXT, _REAL, _WHOLE, _FLAG, _SHAPE = pa.string(), pa.float64(), pa.int64(), pa.bool_(), pa.binary()
_NUMBERS: Final = {"capacity", "lon", "lat", "distance_m", "similarity"}


def _columns(names: tuple[str, ...]) -> pa.Schema:
    """Return texts, but for what is a number by its name."""
    return pa.schema([(name, _REAL if name in _NUMBERS else _TEXT) for name in names])


FACILITIES: Final = _columns(FACILITY_COLUMNS)
LOCATED: Final = _columns(STORED_COLUMNS)
MERGES: Final = _columns(MERGE_COLUMNS)
DUPLICATES: Final = _columns(DUPLICATE_COLUMNS)
SITES: Final = pa.schema([("name", _TEXT), ("lon", _REAL), ("lat", _REAL)])
FACTS: Final = pa.schema(
    [
        ("row", _WHOLE),
        ("adcode", _TEXT),
        ("indicator", _TEXT),
        ("year", _WHOLE),
        ("value", _REAL),
        ("source", _TEXT),
        ("note", _TEXT),
    ]
)
PEOPLE: Final = pa.schema([("cell_id", _WHOLE), ("people", _REAL)])
BOUNDARIES: Final = pa.schema(
    [*((name, _TEXT) for name in ("adcode", "name", "source", "source_date", "datum")), ("geometry", _SHAPE)]
)
NODES: Final = pa.schema([("node_id", _WHOLE), ("lon", _REAL), ("lat", _REAL)])
EDGES: Final = pa.schema(
    [
        ("from_node", _WHOLE),
        ("to_node", _WHOLE),
        ("length_m", _REAL),
        ("highway", pa.dictionary(pa.int8(), _TEXT)),
        ("oneway", pa.int8()),
        ("maxspeed_kmh", pa.float32()),
        ("bridge", _FLAG),
        ("tunnel", _FLAG),
        ("ferry", _FLAG),
        ("duration_minutes", pa.float32()),
        ("walk", _FLAG),
        ("ebike", _FLAG),
        ("drive", _FLAG),
    ]
)
_MAY_LACK: Final = ("walk", "ebike", "drive")
LINES: Final = pa.schema([("id", _TEXT), ("name", _TEXT), ("kind", _TEXT), ("geometry", _SHAPE)])
WATERS: Final = pa.schema([("id", _TEXT), ("name", _TEXT), ("area_km2", _REAL), ("geometry", _SHAPE)])


def table(frame: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    """Return a frame as a table of ``schema``; shapes become WKB."""
    if isinstance(frame, gpd.GeoDataFrame):
        wkb = frame.geometry.to_wkb()
        frame = pd.DataFrame(frame.drop(columns=frame.geometry.name)).assign(geometry=wkb)
    made = pa.Table.from_pandas(frame[schema.names], schema=schema, preserve_index=False)
    return made.replace_schema_metadata(None)


def frame(found: pa.Table) -> pd.DataFrame:
    """Return a table as a frame: texts as objects, a missing one None, a missing number NaN."""
    return pd.DataFrame({name: column_values(found.column(name)) for name in found.column_names})


def shapes(found: pa.Table) -> gpd.GeoDataFrame:
    """Return a table with WKB as a frame of shapes in EPSG:4490."""
    made = frame(found)
    geometry = gpd.GeoSeries.from_wkb(made["geometry"], crs=STORE_CRS)
    return gpd.GeoDataFrame(made.drop(columns="geometry"), geometry=geometry)


def edges(found: pa.Table) -> pd.DataFrame:
    """Return a table of edges as `data.ingest.osm_network.OsmNetwork` has them."""
    made = found.to_pandas()
    whole = found.select(list(_MAY_LACK)).to_pandas(types_mapper=_nullable)
    result: pd.DataFrame = made.assign(**{name: whole[name] for name in _MAY_LACK})
    return result


def _nullable(kind: pa.DataType) -> Any:
    return pd.BooleanDtype() if kind == _FLAG else None


def tables(frames: Mapping[str, pd.DataFrame], schemas: Mapping[str, pa.Schema]) -> dict[str, pa.Table]:
    """Return frames as the tables of ``schemas``, by name."""
    return {name: table(frames[name], schema) for name, schema in schemas.items()}


FACILITY_FILE: Final = {"frame": FACILITIES, "duplicates": DUPLICATES}
ROADS: Final = {"nodes": NODES, "edges": EDGES}
OSM: Final = {
    "located": LOCATED,
    "merges": MERGES,
    "duplicates": DUPLICATES,
    **ROADS,
    "rail": LINES,
    "rivers": LINES,
    "water": WATERS,
}
