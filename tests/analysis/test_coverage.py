"""One coverage analysis end to end: the store's cells and facilities, travel times kept, runs on record."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from analysis.coverage import (
    COLUMNS,
    IMPLIED_POINTS,
    NO_ROADS,
    SCARCE,
    CoverageRequest,
    covered_types,
    prepare_coverage,
    require_group,
)
from analysis.given import gather
from analysis.left_out import AROUND
from analysis.networks import TRAVEL_FOLDER, cached_travel, content_key, imported_digest
from analysis.runs import list_runs, read_result, read_run, record_run, result_digest
from data.ingest.osm_store import EDGES, NODES, NetworkSource, imports_dir
from data.registry.mode_models import load_modes
from data.store.store import Store
from geo.coverage import GROUPS
from geo.crs import ALBERS, STORE_CRS
from geo.errors import CoverageError, StoreError, UnknownRegionError
from geo.travel import TravelResult, nearest_facility_straight

HOSPITALS = CoverageRequest(types=("general_hospital",))
NANJING = CoverageRequest(types=("general_hospital",), within="320100")


def naive_minutes(cells: pd.DataFrame, facilities: pd.DataFrame, metres_per_minute: float) -> np.ndarray:
    """Return the minutes to the nearest facility by looking at every pair."""
    points = gpd.GeoSeries.from_xy(facilities["lon"], facilities["lat"], crs=STORE_CRS).to_crs(ALBERS)
    xy = np.column_stack([points.x, points.y])
    at = cells[["x", "y"]].to_numpy()
    gaps = [np.hypot(*(xy - point).T).min() for point in at]
    return np.asarray(gaps) / metres_per_minute


def test_coverage_of_a_prefecture_equals_a_loop_over_cells(built_store: Store, tmp_path: Path) -> None:
    analysis = prepare_coverage(gather(built_store, tmp_path), NANJING)
    table = analysis.table(45.0)
    assert tuple(table.columns) == COLUMNS
    assert table.index.tolist() == list(range(len(table)))
    rows = table.set_index("adcode")
    minutes = naive_minutes(analysis.cells, analysis.facilities, analysis.mode.straight_m_per_minute)
    # Half a second on either side of the threshold is the rounding of minutes, not a matter of coverage.
    assert (np.abs(minutes - 45.0) > 1e-4).all()
    covered = analysis.cells["population"].where(minutes <= 45.0, 0).groupby(analysis.cells["adcode"]).sum()
    everybody = analysis.cells.groupby("adcode")["population"].sum()
    assert rows["covered_population"].to_dict() == pytest.approx(covered.to_dict())
    assert rows["population"].to_dict() == pytest.approx(everybody.to_dict())


def test_people_of_the_grid_are_those_of_the_census(built_store: Store, tmp_path: Path) -> None:
    rows = prepare_coverage(gather(built_store, tmp_path), HOSPITALS).table(30.0).set_index("adcode")
    facts = built_store.facts("population", year=2020, level="county").set_index("adcode")["value"]
    assert len(rows) == 95
    assert rows["population"].to_dict() == facts.to_dict()


@pytest.mark.parametrize("group", GROUPS)
def test_every_group_in_every_county_and_the_sums_above(
    built_store: Store, built_data_dir: Path, group: str
) -> None:
    analysis = prepare_coverage(gather(built_store, built_data_dir), HOSPITALS)
    counties = analysis.table(40.0, group=group)
    province = analysis.table(40.0, level="province", group=group).iloc[0]
    assert len(counties) == 95
    empty = counties["population"] == 0
    assert counties.loc[~empty, "population_coverage"].between(0, 1).all()
    assert counties.loc[empty, "population_coverage"].isna().all()
    assert counties.loc[empty, "reason"].str.contains("人数为零").all()
    assert province["population"] == counties["population"].sum()
    assert province["covered_population"] == counties["covered_population"].sum()
    share = counties["covered_population"].sum() / counties["population"].sum()
    assert province["population_coverage"] == pytest.approx(share)


def test_residual_people_are_told(built_store: Store, tmp_path: Path) -> None:
    told = " ".join(prepare_coverage(gather(built_store, tmp_path), HOSPITALS).notes)
    residual = built_store.facts("population", year=2020, level="unallocated")
    assert len(residual) == 2
    for people in residual["value"]:
        assert f"{people:,.0f}" in told
    assert "未列入" not in " ".join(prepare_coverage(gather(built_store, tmp_path), NANJING).notes)


def test_implied_facilities_say_so(built_store: Store, tmp_path: Path) -> None:
    analysis = prepare_coverage(gather(built_store, tmp_path), HOSPITALS)
    assert analysis.implied
    assert any("推定" in note for note in analysis.notes)


def test_same_question_is_solved_once(
    built_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prepare_coverage(gather(built_store, tmp_path), NANJING)
    before = first.table(30.0)
    assert len(list((tmp_path / TRAVEL_FOLDER).glob("*.parquet"))) == 1

    def never(*_args: object, **_more: object) -> TravelResult:
        raise AssertionError("solved a second time")

    monkeypatch.setattr("analysis.coverage.nearest_facility_straight", never)
    again = prepare_coverage(gather(built_store, tmp_path), NANJING)
    pd.testing.assert_frame_equal(again.table(30.0), before)
    assert again.travel.method == "straight"


def test_order_of_facilities_does_not_matter(built_store: Store, tmp_path: Path) -> None:
    frame = built_store.facilities()
    turned = frame.iloc[::-1].reset_index(drop=True)
    one = prepare_coverage(gather(built_store, tmp_path / "a", facilities=frame), NANJING).table(30.0)
    two = prepare_coverage(gather(built_store, tmp_path / "b", facilities=turned), NANJING).table(30.0)
    pd.testing.assert_frame_equal(one, two)


def test_a_damaged_cache_file_is_solved_again(tmp_path: Path) -> None:
    cells = np.array([[0.0, 3_500_000.0], [1000.0, 3_500_000.0]])

    def solve() -> TravelResult:
        return nearest_facility_straight(cells[:1], cells, mode=load_modes()["walk"], max_minutes=60)

    key = content_key("k", cells)
    _, held = cached_travel(tmp_path, key, solve)
    assert not held
    path = tmp_path / TRAVEL_FOLDER / f"{key}.parquet"
    path.write_bytes(path.read_bytes()[:100])
    result, held = cached_travel(tmp_path, key, solve)
    assert not held
    kept, held = cached_travel(tmp_path, key, solve)
    assert held
    np.testing.assert_array_equal(kept.minutes, result.minutes)
    np.testing.assert_array_equal(kept.facility, result.facility)
    assert kept.max_minutes == result.max_minutes


def test_key_tells_arrays_and_texts_apart() -> None:
    array = np.arange(6, dtype=np.int64)
    keys = {
        content_key("ab", "c"),
        content_key("a", "bc"),
        content_key(array),
        content_key(array.reshape(2, 3)),
        content_key(array.astype(np.float64)),
        content_key(array.tobytes()),
    }
    assert len(keys) == 6


def test_a_network_is_used_where_it_is_given(built_store: Store, tmp_path: Path) -> None:
    places = built_store.facilities()
    hospital = places[(places["type"] == "general_hospital") & (places["adcode"] == "320508")].iloc[0]
    lon, lat = float(hospital["lon"]), float(hospital["lat"])
    nodes = pd.DataFrame({"node_id": [1, 2, 3], "lon": [lon - 0.01, lon, lon + 0.01], "lat": [lat] * 3})
    edges = pd.DataFrame(
        {"from_node": [1, 2], "to_node": [2, 3], "length_m": [950.0, 950.0], "highway": ["residential"] * 2}
    )
    request = CoverageRequest(types=("general_hospital",), mode="walk", within="320508")
    source = NetworkSource(nodes, edges, "试验", "one")
    analysis = prepare_coverage(gather(built_store, tmp_path, network=source), request)
    row = analysis.table(30.0).iloc[0]
    assert analysis.travel.method == "network"
    assert "路网" in analysis.method
    assert 0 < row["covered_population"] < row["population"]
    straight = prepare_coverage(gather(built_store, tmp_path), request)
    assert straight.travel.method == "straight"
    assert any("没有导入路网" in note for note in straight.notes)


@pytest.mark.parametrize(
    ("request_", "error", "told"),
    [
        (CoverageRequest(types=("metro_station",)), CoverageError, "没有类型为"),
        (CoverageRequest(types=("general_hospital",), mode="rocket"), CoverageError, "出行方式"),
        (CoverageRequest(types=("general_hospital",), within="999999"), UnknownRegionError, "999999"),
        (CoverageRequest(types=("general_hospital",), origin="imported"), CoverageError, "导入"),
        (CoverageRequest(types=("general_hospital",), levels=("九级",)), CoverageError, "没有类型为"),
    ],
)
def test_bad_questions_are_answered_in_words(
    built_store: Store, tmp_path: Path, request_: CoverageRequest, error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        prepare_coverage(gather(built_store, tmp_path), request_)


@pytest.mark.parametrize("minutes", [-1.0, 121.0, float("nan")])
def test_threshold_outside_the_search_radius(built_store: Store, tmp_path: Path, minutes: float) -> None:
    with pytest.raises(CoverageError, match="阈值"):
        prepare_coverage(gather(built_store, tmp_path), NANJING).table(minutes)


def test_a_broad_type_brings_its_kinds_along() -> None:
    assert {"hospital", "general_hospital"} <= set(covered_types(["hospital"]))
    assert covered_types(["general_hospital"]) == ("general_hospital",)
    with pytest.raises(CoverageError, match="没有设施类型 医馆"):
        covered_types(["医馆"])
    with pytest.raises(CoverageError, match="没有指定"):
        covered_types([])
    assert require_group("all") == "population"
    with pytest.raises(CoverageError, match="人群"):
        require_group("cats")


def test_a_run_gives_the_same_numbers_again(built_store: Store, tmp_path: Path) -> None:
    rows = prepare_coverage(gather(built_store, tmp_path), NANJING).table(30.0)
    asked = {"request": NANJING.as_dict(), "minutes": 30.0, "group": "population", "level": "county"}
    run = record_run(
        tmp_path,
        kind="coverage",
        parameters=asked,
        data_version=built_store.data_version,
        result=rows,
        seconds=0.5,
    )
    found = read_run(tmp_path, run.id)
    assert found == run
    assert [held.id for held in list_runs(tmp_path)] == [run.id]
    again = prepare_coverage(
        gather(built_store, tmp_path), CoverageRequest.from_dict(found.parameters["request"])
    )
    assert result_digest(again.table(found.parameters["minutes"])) == run.digest
    pd.testing.assert_frame_equal(read_result(tmp_path, run), rows, check_dtype=False)


def test_spoilt_runs_are_told(built_store: Store, tmp_path: Path) -> None:
    rows = prepare_coverage(gather(built_store, tmp_path), NANJING).table(30.0)
    run = record_run(tmp_path, kind="coverage", parameters={}, data_version="v", result=rows, seconds=1)
    result = tmp_path / "runs" / run.id / "result.parquet"
    rows.assign(covered_population=0.0).to_parquet(result, index=False)
    with pytest.raises(StoreError, match="改动"):
        read_result(tmp_path, run)
    (tmp_path / "runs" / run.id / "run.json").write_text(json.dumps({"id": 1}), encoding="utf-8")
    with pytest.raises(StoreError, match="损坏"):
        read_run(tmp_path, run.id)
    assert list_runs(tmp_path) == []
    for name in ("../../etc", "nothing", "20250101-000000-aaaaaa"):
        with pytest.raises(StoreError, match="编号"):
            read_run(tmp_path, name)


DIGESTED = pd.DataFrame({"adcode": ["320102", "320104"], "value": [1.5, float("nan")], "count": [3, 4]})


@pytest.mark.parametrize(
    "changed",
    [
        DIGESTED.rename(columns={"value": "values"}),
        DIGESTED[["adcode", "count", "value"]],
        DIGESTED.iloc[::-1],
        DIGESTED.iloc[:1],
        DIGESTED.assign(value=[1.5 + 2**-52, float("nan")]),
        DIGESTED.assign(value=[float("nan"), 1.5]),
        DIGESTED.assign(value=[1.5, 0.0]),
        DIGESTED.assign(adcode=["320102", "320105"]),
        DIGESTED.assign(count=["3", "4"]),
        DIGESTED.assign(more=0),
        DIGESTED.iloc[:0],
    ],
    ids=["names", "columns", "rows", "fewer", "last_bit", "missing", "zero", "text", "type", "more", "none"],
)
def test_a_digest_tells_every_part_of_a_result(changed: pd.DataFrame) -> None:
    assert result_digest(changed) != result_digest(DIGESTED)


def test_the_digest_of_an_imported_network_tells_its_nodes_and_its_edges(tmp_path: Path) -> None:
    assert imported_digest(tmp_path) is None
    folder = imports_dir(tmp_path)
    (folder / NODES).parent.mkdir(parents=True)
    found = set()
    for nodes, edges in (("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")):
        for name, text in ((NODES, nodes), (EDGES, edges)):
            (folder / name).write_text(text, encoding="utf-8")
        found.add(imported_digest(tmp_path))
    assert len(found) == 4 and None not in found
    (folder / EDGES).unlink()
    assert imported_digest(tmp_path) is None


def test_a_digest_is_that_of_the_content_and_not_of_the_index() -> None:
    written = '[["adcode", "value", "count"], [["320102", 1.5, 3], ["320104", null, 4]]]'
    assert result_digest(DIGESTED) == hashlib.sha256(written.encode()).hexdigest()
    assert result_digest(DIGESTED.set_index(pd.Index(["x", "y"]))) == result_digest(DIGESTED)


def known_in(*adcodes: str) -> pd.DataFrame:
    """Return a hospital in each of these counties, at one place of Nanjing: only the codes matter here."""
    return pd.DataFrame(
        {
            "id": [f"f{number}" for number in range(len(adcodes))],
            "name": "医院",
            "type": "general_hospital",
            "level": None,
            "precision": "surveyed",
            "source": "x",
            "adcode": list(adcodes),
            "lon": 118.8,
            "lat": 32.05,
        }
    )


def test_facilities_known_in_some_counties_only_are_told_with_their_number(
    built_store: Store, tmp_path: Path
) -> None:
    def told(within: str, *adcodes: str) -> list[str]:
        request = CoverageRequest(types=("general_hospital",), within=within)
        found = prepare_coverage(gather(built_store, tmp_path, facilities=known_in(*adcodes)), request)
        return [note for note in found.notes if SCARCE in note]

    said = "{} 个县（市、区）中有 {} 个在该设施数据里没有点位：空白可能是数据缺失"
    assert told("320100", "320102", "320104", "320105") == [said.format(11, 8)]
    assert told("320000", "320102", "320104") == [said.format(95, 93)]
    every = built_store.region_table("county")
    assert told("320100", *every.index[every["parent"] == "320100"]) == []


def test_every_note_of_a_coverage_is_said(built_store: Store, tmp_path: Path) -> None:
    """Implied points, scarce counties, people in no cell, missing roads, water: each once, in this order."""
    notes = prepare_coverage(
        gather(built_store, tmp_path), CoverageRequest(types=("general_hospital",), mode="walk")
    ).notes
    kinds = [IMPLIED_POINTS, "不在格网内", "不在格网内", NO_ROADS, AROUND]
    assert len(notes) == len(kinds)
    assert all(kind in note for kind, note in zip(kinds, notes, strict=True))
