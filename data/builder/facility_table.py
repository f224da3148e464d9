"""The table ``facility``: what was imported and what the plans' standards imply, side by side.

Nothing is merged here: an implied hospital stays beside an imported one, marked by its ``precision``, and an
analysis chooses between them. The county of an imported position follows from the boundaries in force, not
from those at the time of the import.
"""

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from data.builder.implied import build_implied_facilities
from data.ingest.facility_store import load_facility_sources, load_imported_facilities
from data.registry.facility_models import FacilityType, load_facility_types
from data.store.schema import TABLES
from geo.crs import STORE_CRS
from geo.regions import locate

COLUMNS = tuple(TABLES["facility"].columns)


@dataclass(frozen=True)
class FacilityTables:
    """What a build takes in.

    ``facility``: the columns of that table, sorted by id; ``adcode`` is missing beyond the province.
    ``source``: the sources that people's tables brought along, as rows of ``source``. ``unmatched``: rows
    left out because the registry does not know their type (any more), as rows of ``unmatched``.
    """

    facility: pd.DataFrame
    source: pd.DataFrame
    unmatched: pd.DataFrame


def build_facility_table(
    data_dir: Path, regions: gpd.GeoDataFrame, *, types: dict[str, FacilityType] | None = None
) -> FacilityTables:
    """Return imported and built-in facilities as tables.

    A facility without a name is called after its type. ``regions``: the region table with geometry and seats.
    ``StoreError`` when an imported file is damaged.
    """
    known = load_facility_types() if types is None else types
    imported = load_imported_facilities(data_dir)
    stray = imported[~imported["type"].isin(known)]
    imported = imported.drop(stray.index)
    imported["adcode"] = pd.Series(_counties(imported, regions), index=imported.index, dtype=object)
    frame = pd.concat([imported, build_implied_facilities(regions)], ignore_index=True)
    frame = frame.rename(columns={"original_datum": "datum"})
    unnamed = frame["name"].isna() | (frame["name"].str.strip() == "")
    called = {kind: f"未命名{entry.name}" for kind, entry in known.items()}
    frame["name"] = frame["name"].mask(unnamed, frame["type"].map(called))
    order = pc.sort_indices(pa.array(frame["id"], type=pa.string())).to_numpy()
    columns = {column: _plain(frame[column])[order] for column in COLUMNS}
    facility = pd.DataFrame({name: pd.Series(one, dtype=one.dtype) for name, one in columns.items()})
    return FacilityTables(facility, load_facility_sources(data_dir), _unmatched(stray))


def _counties(frame: pd.DataFrame, regions: gpd.GeoDataFrame) -> np.ndarray:
    counties = regions.loc[regions["level"] == "county", ["adcode", "geometry"]]
    return locate(frame["lon"], frame["lat"], gpd.GeoDataFrame(counties, crs=regions.crs), crs=STORE_CRS)


def _plain(column: pd.Series) -> np.ndarray:
    """Return a column as numbers, or as texts with None where there is none."""
    if column.dtype.kind == "f":
        return column.to_numpy()
    values = column.to_numpy(dtype=object, copy=True)
    missing = column.isna().to_numpy()
    if missing.any():
        values[missing] = None
    return values


def _unmatched(stray: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "table_name": "facility",
            "source": stray["source"],
            "row": stray["id"],
            "code": stray["adcode"],
            "name": stray["name"],
            "value": stray["type"],
            "reason": "登记表 facility_types.yaml 里没有这个设施类型",
        },
        columns=list(TABLES["unmatched"].columns),
    ).reset_index(drop=True)
