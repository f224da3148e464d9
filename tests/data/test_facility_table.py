"""The table of facilities: imported beside implied, each with its county, nothing lost without a word."""

from pathlib import Path

import duckdb
import geopandas as gpd
import pandas as pd
import pytest

from data.builder.facility_table import COLUMNS, build_facility_table
from data.builder.implied import build_implied_facilities
from data.ingest.osm import import_osm
from data.regions.boundaries import build_region_table, load_packaged_boundaries
from data.registry.facility_models import load_facility_types
from data.store.schema import create_tables, insert_frame
from tests.data.osm_files import World
from tests.real_data import real_path

XUZHOU = "osm/xuzhou_facilities.osm.pbf"


@pytest.fixture(scope="module")
def regions() -> gpd.GeoDataFrame:
    return build_region_table(load_packaged_boundaries())


def test_a_fresh_machine_has_the_implied_ones(tmp_path: Path, regions: gpd.GeoDataFrame) -> None:
    tables = build_facility_table(tmp_path, regions)
    table = tables.facility
    implied = build_implied_facilities(regions)
    assert tuple(table.columns) == COLUMNS
    assert table["id"].tolist() == implied["id"].tolist()
    assert set(table["precision"]) == {"implied", "seat"}
    assert tables.source.empty
    assert tables.unmatched.empty


def test_imported_ones_stand_beside_them_and_fit_the_schema(
    tmp_path: Path, regions: gpd.GeoDataFrame
) -> None:
    counties = regions[regions["level"] == "county"]
    import_osm(real_path(XUZHOU), tmp_path, counties)
    tables = build_facility_table(tmp_path, regions)
    table = tables.facility
    surveyed = table[table["precision"] == "surveyed"]

    assert len(surveyed) == 451
    assert len(table) == 451 + len(build_implied_facilities(regions))
    assert surveyed["name"].str.startswith("未命名").sum() == 185
    assert tables.unmatched.empty
    expected = pd.read_csv(
        real_path("facilities_xuzhou_osm/xuzhou_osm_facilities_451.csv"), dtype={"county_code": str}
    )
    assert surveyed["adcode"].value_counts().to_dict() == expected["county_code"].value_counts().to_dict()
    with duckdb.connect() as connection:
        create_tables(connection)
        assert insert_frame(connection, "facility", table) == len(table)
        nulls = connection.execute("SELECT count(*) FROM facility WHERE capacity IS NULL").fetchone()
    assert nulls == (len(table),)


def test_the_county_follows_the_boundaries_in_force(tmp_path: Path, regions: gpd.GeoDataFrame) -> None:
    counties = regions[regions["level"] == "county"].reset_index(drop=True)
    path = World({1: (118.8, 32.05, {"amenity": "hospital"})}).write(tmp_path / "one.osm.pbf")
    import_osm(path, tmp_path, counties)
    swapped = regions.copy()
    swapped["adcode"] = swapped["adcode"].replace({"320102": "320104", "320104": "320102"})
    for frame, expected in ((regions, "320102"), (swapped, "320104")):
        table = build_facility_table(tmp_path, frame).facility
        assert table.set_index("id").loc["osm-n1", "adcode"] == expected


def test_a_type_the_registry_lost_is_reported(tmp_path: Path, regions: gpd.GeoDataFrame) -> None:
    counties = regions[regions["level"] == "county"]
    import_osm(real_path(XUZHOU), tmp_path, counties)
    fewer = {name: kind for name, kind in load_facility_types().items() if name != "square"}
    tables = build_facility_table(tmp_path, regions, types=fewer)
    assert "square" not in set(tables.facility["type"])
    assert len(tables.unmatched) == 9
    assert set(tables.unmatched["value"]) == {"square"}
