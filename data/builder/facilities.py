"""The table ``facility``: what was imported, and the points that the plans' own standards imply.

Nothing is merged here: an implied hospital stays beside an imported one, marked by its ``precision``, and an
analysis chooses between them. The county of an imported position follows from the boundaries in force, not
from those at the time of the import.

None of the implied points was surveyed.
A general hospital stands at every county seat; a health centre and an elder-care
centre in every township that GeoNames can place; the libraries and service centres that the gazette names at
the seat of their county or city; the airports where a public data package puts them. Rules and their sources:
``implied.yaml``; townships, gazette places and airports: tables of their own under ``data/facts``.
"""

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import airportsdata
import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from data.ingest.facility_store import load_facility_sources, load_imported_facilities
from data.ingest.osm_store import STORED_COLUMNS
from data.regions.seats import load_places
from data.registry.facility_models import FacilityType, ImpliedRule, load_facility_types, load_implied_rules
from data.store.schema import TABLES
from geo.crs import STORE_CRS
from geo.regions import assign_regions, locate

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


_ENDING = re.compile(r"(街道办事处|街道|镇|乡)$")
_LEAST_STEM = 2


def _fact_rows(name: str) -> list[dict[str, str]]:
    with (resources.files("data.facts") / name).open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def _stem(name: str) -> str:
    """Return a place name without its ending, unless next to nothing would be left."""
    stem = _ENDING.sub("", name)
    return stem if len(stem) >= _LEAST_STEM else name


def _county_points(frame: gpd.GeoDataFrame, regions: gpd.GeoDataFrame) -> pd.Series:
    counties = regions.loc[regions["level"] == "county", ["adcode", "geometry"]]
    return assign_regions(frame, gpd.GeoDataFrame(counties, geometry="geometry", crs=regions.crs))


def locate_townships(regions: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return every township with its place, where one is known: code, name, adcode, geonameid, lon, lat.

    A township is placed by the populated place of GeoNames in the same county that has its name (endings such
    as 镇 and 街道 aside; the full name first, then the larger population, then the lower id). Where there is
    none, ``geonameid``, ``lon`` and ``lat`` are missing: no place is made up. ``regions``: the region table
    with geometry (EPSG:4490). Rows are sorted by code.
    """
    places = load_places()
    places["adcode"] = _county_points(places, regions)
    places = places[places["adcode"].notna()].sort_values(
        ["population", "geonameid"], ascending=[False, True], kind="stable"
    )
    exact: dict[tuple[str, str], int] = {}
    alike: dict[tuple[str, str], int] = {}
    for index, adcode, names in zip(places.index, places["adcode"], places["names_zh"], strict=True):
        for name in names:
            exact.setdefault((adcode, name), index)
            alike.setdefault((adcode, _stem(name)), index)
    rows = []
    for township in _fact_rows("townships.csv"):
        key = township["adcode"]
        found = exact.get((key, township["name"]), alike.get((key, _stem(township["name"]))))
        place = None if found is None else places.loc[found]
        rows.append(
            {
                **township,
                "geonameid": pd.NA if place is None else int(place["geonameid"]),
                "lon": np.nan if place is None else place.geometry.x,
                "lat": np.nan if place is None else place.geometry.y,
            }
        )
    frame = pd.DataFrame(rows).sort_values("code", ignore_index=True)
    return frame.astype({"geonameid": "Int64", "lon": "float64", "lat": "float64"})


def _rows(
    rule: ImpliedRule, places: Iterable[tuple[str, str, float, float]], as_of: str | None = None
) -> list[dict[str, object]]:
    """Return one facility per (key, name, lon, lat); its note says by which rule it stands there."""
    line = f"（原文 {rule.seed_line}）" if rule.seed_line else ""
    return [
        {
            "id": f"{rule.precision}-{rule.id}-{key}",
            "name": name,
            "type": rule.type,
            "level": rule.level or None,
            "capacity": np.nan,
            "capacity_unit": None,
            "lon": lon,
            "lat": lat,
            "source": rule.source,
            "precision": rule.precision,
            "original_datum": "wgs84",
            "as_of": as_of,
            "note": f"{rule.rule}{line}",
        }
        for key, name, lon, lat in places
    ]


def _at_county_seats(rule: ImpliedRule, regions: gpd.GeoDataFrame) -> list[dict[str, object]]:
    counties = regions[regions["level"] == "county"].sort_values("adcode")
    return _rows(
        rule,
        (
            (code, f"{name}{rule.name_suffix}", lon, lat)
            for code, name, lon, lat in zip(
                counties["adcode"],
                counties["name"],
                counties["seat_lon"],
                counties["seat_lat"],
                strict=True,
            )
        ),
    )


def _at_townships(rule: ImpliedRule, townships: pd.DataFrame) -> list[dict[str, object]]:
    placed = townships[townships["geonameid"].notna()]
    return _rows(
        rule,
        (
            (code, f"{name}{rule.name_suffix}", lon, lat)
            for code, name, lon, lat in zip(
                placed["code"], placed["name"], placed["lon"], placed["lat"], strict=True
            )
            if name.endswith(rule.endings)
        ),
    )


def _named_by_the_gazette(rule: ImpliedRule, regions: gpd.GeoDataFrame) -> list[dict[str, object]]:
    seats = regions.set_index("adcode")[["seat_lon", "seat_lat"]]
    return _rows(
        rule,
        (
            (row["seed_line"].replace(":", "-"), row["name"], *seats.loc[row["adcode"]])
            for row in _fact_rows("gazette_places.csv")
            if row["type"] == rule.named_type
        ),
        as_of="2021",
    )


def _airports(rule: ImpliedRule) -> list[dict[str, object]]:
    known = airportsdata.load("ICAO")
    return _rows(
        rule,
        (
            (row["icao"], row["name"], known[row["icao"]]["lon"], known[row["icao"]]["lat"])
            for row in _fact_rows("airports.csv")
            if row["icao"] in known
        ),
    )


def build_implied_facilities(
    regions: gpd.GeoDataFrame, rules: Sequence[ImpliedRule] | None = None
) -> pd.DataFrame:
    """Return the built-in facilities: ``STORED_COLUMNS`` as imported ones, and ``note``; sorted by id.

    ``regions`` is the region table with geometry and seats (EPSG:4490); ``rules`` default to
    ``implied.yaml``. ``precision`` is ``implied`` (the facility itself is inferred) or ``seat`` (it exists,
    its place is the county seat); ``source`` is an id of the table of sources. Every point lies in the county
    it names. The same inputs give the same frame.
    """
    townships = locate_townships(regions)
    rows: list[dict[str, object]] = []
    for rule in rules if rules is not None else load_implied_rules():
        if rule.place == "county_seat":
            rows += _at_county_seats(rule, regions)
        elif rule.place == "township":
            rows += _at_townships(rule, townships)
        elif rule.place == "gazette":
            rows += _named_by_the_gazette(rule, regions)
        else:
            rows += _airports(rule)
    frame = pd.DataFrame(rows).sort_values("id", ignore_index=True)
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(frame["lon"], frame["lat"]), crs=STORE_CRS)
    frame["adcode"] = _county_points(points, regions).astype("str")
    return frame[[*STORED_COLUMNS, "note"]]
