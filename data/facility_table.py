"""The table ``facility``: what was imported and what the plans' standards imply, side by side.

Nothing is merged here: an implied hospital stays beside an imported one, marked by its ``precision``, and an
analysis chooses between them. The county of an imported position follows from the boundaries in force, not
from those at the time of the import.
"""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from data.implied import build_implied_facilities
from data.ingest.osm_store import FACILITY_FOLDER, STORED_COLUMNS, read_facility_file
from data.ingest.staging import imports_dir
from data.registry.facility_models import FacilityType, load_facility_types
from data.schema import TABLES
from geo.crs import STORE_CRS
from geo.regions import assign_regions

COLUMNS = tuple(TABLES["facility"].columns)


def load_imported_facilities(data_dir: Path) -> pd.DataFrame:
    """Return every imported facility (``STORED_COLUMNS``), one row per id, sorted by id.

    ``StoreError`` when a file below ``imports/facilities`` is damaged.
    """
    paths = sorted((imports_dir(data_dir) / FACILITY_FOLDER).glob("[!.]*.parquet"))
    frames = [frame for path in paths if len(frame := read_facility_file(path))]
    if not frames:
        return pd.DataFrame(columns=list(STORED_COLUMNS))
    frame = pd.concat(frames, ignore_index=True)
    return frame.drop_duplicates("id", keep="last").sort_values("id", ignore_index=True)


def build_facility_table(
    data_dir: Path, regions: gpd.GeoDataFrame, *, types: dict[str, FacilityType] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return (facilities, rows left out).

    ``facilities`` has the columns of the table ``facility``; ``adcode`` is missing beyond the province. A
    facility without a name is called after its type. ``regions``: the region table with geometry and seats.
    Rows whose type the registry does not know (any more) are left out and returned with the columns of
    ``unmatched``.
    """
    known = load_facility_types() if types is None else types
    imported = load_imported_facilities(data_dir)
    stray = imported[~imported["type"].isin(known)]
    imported = imported.drop(stray.index).assign(note=None)
    imported["adcode"] = _counties(imported, regions)
    frame = pd.concat([imported, build_implied_facilities(regions)], ignore_index=True)
    frame = frame.rename(columns={"original_datum": "datum"})
    unnamed = frame["name"].isna() | (frame["name"].str.strip() == "")
    frame["name"] = frame["name"].mask(unnamed, "未命名" + frame["type"].map(lambda kind: known[kind].name))
    text = [column for column in COLUMNS if column not in {"capacity", "lon", "lat"}]
    frame[text] = frame[text].astype(object).where(frame[text].notna(), None)
    return frame[list(COLUMNS)].sort_values("id", ignore_index=True), _unmatched(stray)


def _counties(frame: pd.DataFrame, regions: gpd.GeoDataFrame) -> np.ndarray:
    counties = regions.loc[regions["level"] == "county", ["adcode", "geometry"]]
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(frame["lon"], frame["lat"]), crs=STORE_CRS)
    return assign_regions(points, gpd.GeoDataFrame(counties, crs=regions.crs)).to_numpy()


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
