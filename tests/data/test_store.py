"""The store as everybody reads it: typed answers, one version at a time, a new one noticed at once."""

from __future__ import annotations

import json
import math
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.store.schema import SCHEMA_VERSION, TABLES, Table, create_tables, insert_frame
from data.store.store import Store, connect, data_dir, open_store
from data.store.versions import CURRENT, DATABASE
from geo.errors import StoreError, UnknownIndicatorError, UnknownRegionError
from geo.region_tree import TABLE_LEVELS
from tests.data.small_store import VERSION, contents, fact, publish_small

# Versions on disk


def test_data_dir_is_the_environment_or_var(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUTU_DATA_DIR", "/srv/sutu")
    assert data_dir() == Path("/srv/sutu")
    monkeypatch.delenv("SUTU_DATA_DIR")
    assert data_dir() == Path("var")


def test_the_same_version_is_opened_once_and_a_new_one_noticed(tmp_path: Path) -> None:
    publish_small(tmp_path)
    first = open_store(tmp_path)
    assert open_store(tmp_path) is first
    publish_small(tmp_path, [fact("320102", 7.0)])
    second = open_store(tmp_path)
    assert second is not first
    assert second.facts("population")["value"].tolist() == [7.0]


def test_a_version_in_use_keeps_answering_after_newer_builds(tmp_path: Path) -> None:
    publish_small(tmp_path)
    held = open_store(tmp_path)
    for number in range(4):
        publish_small(tmp_path, [fact("320102", float(number))])
    assert len(held.facts("population")) == 4
    assert len(held.regions(zoom="county")) == 4
    assert held.folder.is_dir()


def test_without_a_store_the_message_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="还没有数据库。请运行 sutu build"):
        open_store(tmp_path / "nothing")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"store": "x"}',
        '{"store": "store-0123456789abcdef-1", "data_version": "a", "schema_version": "one"}',
        '{"store": "../elsewhere", "data_version": "a", "schema_version": 1}',
        '{"store": "/etc", "data_version": "a", "schema_version": 1}',
        '{"store": "store-0123456789abcdef-1/..", "data_version": "a", "schema_version": 1}',
    ],
)
def test_a_damaged_pointer_is_refused_with_the_remedy(tmp_path: Path, text: str) -> None:
    publish_small(tmp_path)
    (tmp_path / CURRENT).write_text(text, encoding="utf-8")
    with pytest.raises(StoreError, match=r"已损坏.*sutu build"):
        open_store(tmp_path)


def test_a_pointer_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / CURRENT).write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(StoreError, match="已损坏"):
        open_store(tmp_path)


def test_a_pointer_to_a_folder_that_is_gone(tmp_path: Path) -> None:
    pointer = {"store": f"store-{VERSION}-7", "data_version": VERSION, "schema_version": SCHEMA_VERSION}
    (tmp_path / CURRENT).write_text(json.dumps(pointer), encoding="utf-8")
    with pytest.raises(StoreError, match=r"不完整.*sutu build"):
        open_store(tmp_path)


def test_another_schema_version_is_refused(tmp_path: Path) -> None:
    pointer = publish_small(tmp_path)
    content = {"store": pointer.store, "data_version": VERSION, "schema_version": SCHEMA_VERSION + 1}
    (tmp_path / CURRENT).write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(StoreError, match=f"数据库结构版本为 {SCHEMA_VERSION + 1}，程序需要 {SCHEMA_VERSION}"):
        open_store(tmp_path)


def test_another_schema_version_inside_the_database_is_refused(tmp_path: Path) -> None:
    pointer = publish_small(tmp_path)
    with duckdb.connect(str(tmp_path / pointer.store / DATABASE)) as connection:
        connection.execute("UPDATE meta SET value = '0' WHERE key = 'schema_version'")
    with pytest.raises(StoreError, match="数据库结构版本为 0"):
        Store(tmp_path / pointer.store)
    with pytest.raises(StoreError, match=r"sutu\.duckdb .*与构建时不同.*sutu build"):
        open_store(tmp_path)


@pytest.mark.parametrize("damage", [b"", b"no database" * 4096])
def test_a_broken_database_file_is_refused(tmp_path: Path, damage: bytes) -> None:
    pointer = publish_small(tmp_path)
    (tmp_path / pointer.store / DATABASE).write_bytes(damage)
    with pytest.raises(StoreError, match="sutu build"):
        open_store(tmp_path)


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    pointer = publish_small(tmp_path)
    (tmp_path / pointer.store / DATABASE).unlink()
    with duckdb.connect(str(tmp_path / pointer.store / DATABASE)) as connection:
        connection.execute("CREATE TABLE other (x INTEGER)")
    with pytest.raises(StoreError, match="不是本程序的数据库"):
        Store(tmp_path / pointer.store)
    with pytest.raises(StoreError, match=r"sutu\.duckdb .*与构建时不同.*sutu build"):
        open_store(tmp_path)


def test_a_missing_boundary_file_is_named(tmp_path: Path) -> None:
    pointer = publish_small(tmp_path)
    store = open_store(tmp_path)
    (tmp_path / pointer.store / "regions_county.parquet").unlink()
    with pytest.raises(StoreError, match=r"regions_county\.parquet"):
        store.regions(zoom="county")
    assert len(store.regions(zoom="province")) == 4


def test_reading_writes_nothing(tmp_path: Path) -> None:
    publish_small(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    store = open_store(tmp_path)
    store.facts("population")
    store.regions()
    store.close()
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_readers_can_neither_write_nor_reach_other_files(built_store: Store, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n", encoding="utf-8")
    for statement in (
        "DELETE FROM fact",
        "CREATE TABLE extra (x INTEGER)",
        f"SELECT * FROM read_csv('{secret}')",
        f"COPY fact TO '{tmp_path / 'out.csv'}'",
        "ATTACH ':memory:' AS other",
        "INSTALL spatial",
        "SET enable_external_access = true",
    ):
        with pytest.raises(duckdb.Error):
            built_store.query(statement)
    assert not (tmp_path / "out.csv").exists()


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        connect(tmp_path / "none.duckdb")
    assert list(tmp_path.iterdir()) == []


def test_many_threads_read_at_once(built_store: Store) -> None:
    barrier = threading.Barrier(8)
    expected = {
        code: built_store.series("population", code)["value"].tolist() for code in ("320100", "320500")
    }

    def read(number: int) -> bool:
        barrier.wait()
        code = "320100" if number % 2 else "320500"
        answers = [built_store.series("population", code)["value"].tolist() for _ in range(5)]
        return all(answer == expected[code] for answer in answers)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read, range(8)))


def test_many_threads_open_one_store(tmp_path: Path) -> None:
    publish_small(tmp_path)
    barrier = threading.Barrier(8)

    def opened(_number: int) -> int:
        barrier.wait()
        return id(open_store(tmp_path))

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(opened, range(8)))) == 1


# Regions


def test_region_table(built_store: Store) -> None:
    table = built_store.region_table()
    assert list(table.columns) == list(TABLES["region"].columns)
    assert (table.index == table["adcode"]).all()
    assert table["level"].value_counts().to_dict() == {
        "county": 95,
        "prefecture": 13,
        "economic_region": 3,
        "unallocated": 2,
        "province": 1,
    }
    assert list(dict.fromkeys(table["level"])) == list(TABLE_LEVELS)


@pytest.mark.parametrize("zoom", ["province", "prefecture", "county", "full"])
def test_regions_have_geometry_in_the_store_crs(built_store: Store, zoom: str) -> None:
    regions = built_store.regions(zoom=zoom)
    assert isinstance(regions, gpd.GeoDataFrame)
    assert regions.crs.to_string() == "EPSG:4490"
    assert len(regions) == 112
    assert not regions.geometry.is_empty.any()
    assert len(built_store.regions("county", zoom=zoom)) == 95


def test_frames_belong_to_the_caller(built_store: Store) -> None:
    spoiled = built_store.regions("prefecture")
    spoiled["name"] = "改"
    spoiled["geometry"] = spoiled.geometry.iloc[0]
    again = built_store.regions("prefecture")
    assert again.loc["320100", "name"] == "南京市"
    assert not again.geometry.iloc[0].equals(again.geometry.iloc[1])


def test_unknown_levels_zooms_and_tables_are_named(built_store: Store) -> None:
    with pytest.raises(UnknownRegionError, match="没有“city”这一级"):
        built_store.region_table("city")
    with pytest.raises(UnknownRegionError, match="没有“city”这一级"):
        built_store.facts("population", level="city")
    with pytest.raises(StoreError, match="没有“street”这一级的边界"):
        built_store.regions(zoom="street")
    with pytest.raises(StoreError, match="没有名为 secrets 的表"):
        built_store.table("secrets")


# Indicators and facts


def test_indicators_name_what_they_have(built_store: Store) -> None:
    frame = built_store.indicators()
    assert len(frame) >= 60
    assert frame.loc["population", "years"] == [2010, 2020]
    assert frame.loc["population", "levels"] == list(TABLE_LEVELS)
    assert frame.loc["gdp", "years"] == list(range(2000, 2024))
    assert built_store.indicator("population")["unit"] == "人"


def test_facts_carry_names_and_levels(built_store: Store) -> None:
    facts = built_store.facts("population", year=2020, level="prefecture")
    assert list(facts.columns) == [
        "adcode", "name", "short_name", "level", "parent", "economic_region", "indicator", "year", "source",
        "value", "status", "quality", "flag", "note", "reason",
    ]  # fmt: skip
    assert facts["value"].sum() == 84_748_016
    assert facts["value"].dtype == np.float64
    assert facts["adcode"].is_monotonic_increasing


def test_undefined_facts_are_nan_with_a_reason(built_store: Store) -> None:
    facts = built_store.facts("gdp", year=2000, level="prefecture").set_index("adcode")
    assert math.isnan(facts.loc["320800", "value"])
    assert facts.loc["320800", "status"] == "undefined"
    assert len(facts.loc["320800", "reason"]) > 0
    assert facts.drop(index="320800")["value"].notna().all()


def test_facts_match_a_plain_filter_of_the_table(built_store: Store) -> None:
    table = built_store.table("fact").merge(
        built_store.region_table()[["adcode", "level"]].reset_index(drop=True), on="adcode"
    )
    for indicator, year, level in (("population", 2010, "county"), ("gdp", 2015, "prefecture")):
        expected = table[
            (table["indicator"] == indicator) & (table["year"] == year) & (table["level"] == level)
        ].sort_values("adcode")
        found = built_store.facts(indicator, year=year, level=level)
        assert found["adcode"].tolist() == expected["adcode"].tolist()
        np.testing.assert_array_equal(found["value"], expected["value"])


def test_one_value_per_region_and_year_by_precedence(tmp_path: Path) -> None:
    facts = [
        fact("320102", 1.0, source="d", quality="secondary"),
        fact("320102", 2.0, source="c", quality="derived"),
        fact("320102", 3.0, source="b", quality="imported"),
        fact("320102", 4.0, source="a", quality="official"),
        fact("320100", 5.0, source="b", quality="imported"),
        fact("320100", 6.0, source="d", quality="secondary"),
        fact("320000", 7.0, source="y", quality="imported"),
        fact("320000", 8.0, source="x", quality="imported"),
    ]
    publish_small(tmp_path, facts)
    store = open_store(tmp_path)
    assert store.facts("population").set_index("adcode")["value"].to_dict() == {
        "320000": 8.0,
        "320100": 5.0,
        "320102": 4.0,
    }
    every = store.facts("population", level="county", every_source=True)
    assert every["value"].tolist() == [4.0, 3.0, 2.0, 1.0]
    assert store.facts("population", source="d")["value"].tolist() == [6.0, 1.0]


def test_fact_matrix_has_every_region_of_the_level(built_store: Store) -> None:
    matrix = built_store.fact_matrix(["population", "gdp"], year=2020, level="prefecture")
    assert matrix.shape == (13, 2)
    assert (matrix.dtypes == np.float64).all()
    assert matrix.loc["320500", "population"] == 12_748_262
    counties = built_store.fact_matrix(["population", "gdp"], year=2020, level="county")
    assert counties["gdp"].isna().all()
    assert counties["population"].notna().all()


def test_series_run_through_the_years(built_store: Store) -> None:
    series = built_store.series("gdp", "320500")
    assert series["year"].tolist() == list(range(2000, 2024))
    assert (series["adcode"] == "320500").all()


def test_unknown_indicators_and_regions_are_named(built_store: Store) -> None:
    for call in (
        lambda: built_store.facts("nothing"),
        lambda: built_store.indicator("nothing"),
        lambda: built_store.series("nothing", "320100"),
    ):
        with pytest.raises(UnknownIndicatorError, match="没有指标“nothing”"):
            call()
    with pytest.raises(UnknownRegionError, match="没有行政区划代码为“999999”的地区"):
        built_store.series("population", "999999")


@given(text=st.text(max_size=40))
@settings(max_examples=40, deadline=None)
def test_values_are_bound_never_read_as_sql(built_store: Store, text: str) -> None:
    with pytest.raises(UnknownIndicatorError):
        built_store.facts(f"{text}' OR '1'='1")
    with pytest.raises(UnknownRegionError):
        built_store.series("population", f"{text}' OR '1'='1")


def test_empty_text_columns_are_text(tmp_path: Path) -> None:
    publish_small(tmp_path)
    facts = open_store(tmp_path).facts("population")
    assert facts["flag"].isna().all()
    assert facts["flag"].dtype == facts["name"].dtype


@pytest.mark.parametrize(
    ("method", "table"),
    [
        ("plan_documents", "plan_document"),
        ("plan_targets", "plan_target"),
        ("headline_targets", "headline_target"),
        ("contradictions", "target_contradiction"),
        ("sources", "source"),
        ("zones", "zone"),
        ("census_changes", "census_change"),
        ("unmatched", "unmatched"),
    ],
)
def test_whole_tables(built_store: Store, method: str, table: str) -> None:
    frame = getattr(built_store, method)()
    assert list(frame.columns) == list(TABLES[table].columns)


# The schema


def test_docs_name_every_column() -> None:
    text = (Path(__file__).parents[2] / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = {line.split("|")[1].strip(" `"): line for line in text.splitlines() if line.startswith("| `")}
    for name, table in TABLES.items():
        assert name in rows, f"docs/architecture.md does not describe the table {name}"
        missing = [column for column in table.columns if column not in rows[name]]
        assert missing == [], f"docs/architecture.md: {name} lacks {missing}"


@pytest.fixture
def database() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    create_tables(connection)
    return connection


def test_every_table_is_made(database: duckdb.DuckDBPyConnection) -> None:
    made = {
        name for (name,) in database.execute("SELECT table_name FROM information_schema.tables").fetchall()
    }
    assert made == set(TABLES)


@pytest.mark.parametrize(
    "changes",
    [
        {"adcode": "32010"},
        {"adcode": None},
        {"year": 1066},
        {"status": "guessed"},
        {"quality": "rumour"},
        {"value": None},
        {"value": math.inf},
        {"status": "undefined", "value": None, "reason": None},
        {"status": "undefined", "value": None, "reason": ""},
        {"status": "undefined", "reason": "未公布"},
    ],
)
def test_facts_that_break_a_rule_are_refused(
    database: duckdb.DuckDBPyConnection, changes: dict[str, object]
) -> None:
    insert_frame(database, "fact", pd.DataFrame([fact("320102", 1.0)]))
    with pytest.raises(StoreError, match="表 fact 有不合规则的行"):
        insert_frame(database, "fact", pd.DataFrame([fact("320100", 1.0) | changes]))
    assert database.execute("SELECT count(*) FROM fact").fetchone() == (1,)


def test_a_key_twice_is_refused(database: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(StoreError, match="表 fact"):
        insert_frame(database, "fact", pd.DataFrame([fact("320102", 1.0), fact("320102", 2.0)]))


def test_columns_must_be_those_of_the_table(database: duckdb.DuckDBPyConnection) -> None:
    frame = pd.DataFrame([fact("320102", 1.0)]).drop(columns="year").assign(extra=1)
    with pytest.raises(StoreError, match=r"缺少 \['year'\]，多出 \['extra'\]"):
        insert_frame(database, "fact", frame)


def test_rows_keep_their_order_and_nan_is_null(database: duckdb.DuckDBPyConnection) -> None:
    codes = ["320102", "320100", "320000"]
    insert_frame(
        database, "fact", pd.DataFrame([fact(code, None if code == "320100" else 1.0) for code in codes])
    )
    rows = database.execute("SELECT adcode, value FROM fact ORDER BY rowid").fetchall()
    assert rows == [("320102", 1.0), ("320100", None), ("320000", 1.0)]


def test_text_from_data_stays_text(database: duckdb.DuckDBPyConnection) -> None:
    nasty = "'); DROP TABLE fact; --"
    insert_frame(database, "fact", pd.DataFrame([fact("320102", 1.0, note=nasty)]))
    assert database.execute("SELECT note FROM fact").fetchone() == (nasty,)


def test_ddl_of_a_small_table() -> None:
    table = Table({"a": "VARCHAR NOT NULL", "b": "DOUBLE"}, key=("a",), checks=("b > 0",))
    columns = '"a" VARCHAR NOT NULL,\n  "b" DOUBLE,\n  PRIMARY KEY ("a"),\n  CHECK (b > 0)'
    assert table.ddl("t") == f'CREATE TABLE "t" (\n  {columns}\n)'


def test_small_contents_are_complete() -> None:
    assert set(contents().tables) <= set(TABLES)
