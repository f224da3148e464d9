"""Siting on the real store: Xuzhou's ten hospitals, a planner's changes, candidates, scenarios, faults."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.coverage import CoverageRequest, covered_types, prepare_coverage
from analysis.given import gather
from analysis.runs import (
    compare_scenarios,
    list_runs,
    list_scenarios,
    read_run,
    replay_scenario,
    save_scenario,
)
from analysis.siting import (
    COMPARISON_COLUMNS,
    NO_EXISTING,
    SitingAnalysis,
    SitingRequest,
    group_comparison,
    prepare_siting,
)
from analysis.siting_inputs import Edit, edits_text, parse_edits
from data.ingest.sites import FOLDER, Site, keep_sites, kept_sites
from data.store.store import Store, open_store
from geo.errors import SitingError
from geo.siting import NO_DEMAND
from tests.made_once import RUNS

XUZHOU = "320300"
HOSPITALS = CoverageRequest(covered_types(["hospital"]), mode="ebike", origin="imported", within=XUZHOU)
TEN = SitingRequest(HOSPITALS, 15.0, add=10)


@pytest.fixture(scope="module")
def folder(xuzhou_data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(xuzhou_data_dir, tmp_path_factory.mktemp("siting") / "data", ignore=RUNS))


@pytest.fixture(scope="module")
def store(folder: Path) -> Store:
    return open_store(folder)


@pytest.fixture(scope="module")
def cells(store: Store) -> pd.DataFrame:
    return store.population_grid()


@pytest.fixture(scope="module")
def ten(store: Store, folder: Path, cells: pd.DataFrame) -> SitingAnalysis:
    return prepare_siting(gather(store, folder, cells=cells), TEN)


def solve(store: Store, folder: Path, cells: pd.DataFrame, **changes: object) -> SitingAnalysis:
    request = dataclasses.replace(TEN, **{"add": 0, **changes})  # type: ignore[arg-type]
    return prepare_siting(gather(store, folder, cells=cells), request)


def test_ten_hospitals_in_xuzhou_gain_what_the_coverage_of_the_result_says(
    store: Store, folder: Path, ten: SitingAnalysis
) -> None:
    """The figures are those of an ordinary coverage with the chosen sites among the facilities."""
    sites = ten.sites()
    assert sites["rank"].tolist() == list(range(1, 11))
    assert set(sites["adcode"].str[:4]) == {"3203"}
    total = ten.summary()
    assert total["gained"] == pytest.approx(sites["gain"].sum())
    left = total["population"] - total["covered_before"]
    assert (sites["share"] * left).tolist() == pytest.approx(sites["gain"].tolist())
    assert total["gained"] > 500_000
    assert 0.0 <= total["gap"] < 1.0
    known = store.facilities()
    known = known[known["type"].isin(HOSPITALS.types) & (known["precision"] == "surveyed")]
    new = pd.DataFrame({name: sites[name] for name in ("id", "name", "adcode", "lon", "lat")}).assign(
        type="hospital", level=None, precision="surveyed", source="x"
    )
    again = prepare_coverage(
        gather(store, folder, facilities=pd.concat([known, new], ignore_index=True)), HOSPITALS
    )
    row = again.table(15.0, level="prefecture").iloc[0]
    assert row["covered_population"] == pytest.approx(total["covered_after"])
    assert prepare_coverage(gather(store, folder), HOSPITALS).table(15.0, level="prefecture").iloc[0][
        "covered_population"
    ] == pytest.approx(total["covered_before"])


def test_exact_is_not_below_greedy_and_proves_itself(
    store: Store, folder: Path, cells: pd.DataFrame, ten: SitingAnalysis
) -> None:
    exact = solve(store, folder, cells, add=10, method="exact", spacing_km=10.0)
    greedy = solve(store, folder, cells, add=10, spacing_km=10.0)
    assert exact.result is not None and greedy.result is not None
    assert exact.result.value >= greedy.result.value
    assert exact.result.gap < 1e-6
    assert len(exact.candidates) < len(ten.candidates)


def test_regions_and_groups_add_up(ten: SitingAnalysis) -> None:
    counties, whole = ten.comparison("county"), ten.comparison("prefecture").iloc[0]
    assert tuple(counties.columns) == COMPARISON_COLUMNS
    for figure in ("population", "covered_before", "covered_after", "gained"):
        assert counties[figure].sum() == pytest.approx(whole[figure])
    assert (counties["gained"] >= 0).all()
    groups = group_comparison(ten, ["population", "urban", "rural"]).set_index("group")
    assert groups.loc["urban", "gained"] + groups.loc["rural", "gained"] == pytest.approx(
        groups.loc["population", "gained"]
    )


def test_fewer_minutes_for_everybody(store: Store, folder: Path, cells: pd.DataFrame) -> None:
    found = solve(store, folder, cells, add=3, objective="minutes")
    people = found.before.cells["population"].to_numpy(dtype=float)
    mean = [
        float((people * np.minimum(np.nan_to_num(one.travel.minutes, nan=60.0), 60.0)).sum() / people.sum())
        for one in (found.before, found.after)
    ]
    assert found.curve["value"].iloc[[0, 3]].tolist() == pytest.approx(mean, rel=1e-9)
    assert mean[1] < mean[0]


def test_adding_moving_and_closing(store: Store, folder: Path, cells: pd.DataFrame) -> None:
    ids = prepare_coverage(gather(store, folder, cells=cells), HOSPITALS).facilities["id"]
    edits = (
        Edit("add", None, 117.95, 34.31),
        Edit("close", ids[0]),
        Edit("move", ids[1], 118.34, 34.38),
        Edit("move", "new-1", 117.96, 34.32),
    )
    found = solve(store, folder, cells, edits=edits)
    after = found.after.facilities.set_index("id")
    assert len(after) == len(ids)
    assert ids[0] not in after.index
    assert after.loc[ids[1], ["lon", "lat"]].tolist() == [118.34, 34.38]
    assert after.loc["new-1", ["lon", "lat", "adcode"]].tolist() == [117.96, 34.32, "320382"]
    assert found.before.facilities["id"].tolist() == ids.tolist()
    assert found.comparison("county").set_index("adcode").loc["320382", "gained"] > 100_000
    closed = solve(store, folder, cells, edits=tuple(Edit("close", one) for one in ids))
    assert closed.summary()["covered_after"] == 0.0
    assert closed.comparison("county")["coverage_after"].eq(0.0).all()


def test_a_service_without_facility_is_undefined_before_and_not_zero(
    store: Store, folder: Path, cells: pd.DataFrame
) -> None:
    stops = dataclasses.replace(HOSPITALS, types=("bus_stop",))
    found = solve(store, folder, cells, coverage=stops, add=2)
    total = found.summary()
    assert np.isnan(total["covered_before"]) and np.isnan(total["gained"])
    assert total["reason"] == NO_EXISTING
    assert total["covered_after"] > 0
    rows = found.comparison("county")
    assert rows["coverage_before"].isna().all()
    assert set(rows["reason"]) == {NO_EXISTING}
    assert NO_EXISTING in found.notes


def test_nobody_to_serve_is_said(store: Store, folder: Path, cells: pd.DataFrame) -> None:
    empty = cells.assign(under_3=0)
    given = (Site("甲", 117.2, 34.26), Site("乙", 117.3, 34.3))
    request = dataclasses.replace(TEN, add=1, group="under_3", candidates="file", sites=given)
    found = prepare_siting(gather(store, folder, cells=empty), request)
    assert found.summary()["reason"] == NO_DEMAND
    assert len(found.sites()) == 0
    assert np.isnan(found.summary()["coverage_after"])
    assert found.curve["share"].isna().all()


def test_townships_and_a_file_are_candidates(store: Store, folder: Path, cells: pd.DataFrame) -> None:
    nanjing = dataclasses.replace(HOSPITALS, within="320100", origin="auto")
    found = solve(store, folder, cells, coverage=nanjing, add=2, candidates="townships")
    assert any("有已知位置" in note for note in found.notes)
    assert set(found.candidates["adcode"].str[:4]) == {"3201"}
    given = (Site("甲", 117.2, 34.26), Site("乙", 117.95, 34.31), Site("宿迁", 118.27, 33.96))
    chosen = solve(store, folder, cells, add=1, candidates="file", sites=given)
    assert chosen.sites()["name"].tolist() == ["乙"]
    assert any(note.startswith("1 个候选点在所选范围之外") for note in chosen.notes)


def test_a_scenario_keeps_the_candidates_of_a_file(
    store: Store, folder: Path, cells: pd.DataFrame, tmp_path: Path
) -> None:
    given = (Site("甲", 117.2, 34.26), Site("乙", 117.95, 34.31), Site("丙", 117.9500000001, 34.3))
    chosen = solve(store, folder, cells, add=2, candidates="file", sites=given)
    kept = save_scenario(tmp_path, store, chosen, "取自文件")
    (again,) = list_scenarios(tmp_path)
    assert again.request == chosen.request
    assert kept.request.sites == given
    rows = replay_scenario(gather(store, folder), read_run(tmp_path, kept.run.id))
    pd.testing.assert_frame_equal(rows, chosen.comparison(), check_exact=True)
    record = tmp_path / "runs" / kept.run.id / "run.json"
    record.write_text(record.read_text(encoding="utf-8").replace("34.26", '"x"'), encoding="utf-8")
    with pytest.raises(SitingError, match="已损坏"):
        replay_scenario(gather(store, folder), read_run(tmp_path, kept.run.id))


def test_a_scenario_of_an_earlier_version_has_no_sites() -> None:
    asked = TEN.as_dict()
    assert "sites" not in asked
    assert SitingRequest.from_dict(asked) == TEN


@given(st.lists(st.builds(Site, st.text(max_size=9), st.floats(116, 122), st.floats(30, 36)), max_size=9))
def test_sites_are_kept_by_content(tmp_path_factory: pytest.TempPathFactory, sites: list[Site]) -> None:
    folder = tmp_path_factory.getbasetemp() / "kept-sites"
    key = keep_sites(folder, sites)
    assert kept_sites(folder, key) == tuple(sites)
    assert keep_sites(folder, sites) == key


def test_sites_that_are_gone_or_changed_are_not_used(tmp_path: Path) -> None:
    key = keep_sites(tmp_path, [Site("甲", 117.2, 34.26)])
    path = tmp_path / FOLDER / f"{key}.json"
    for text in ('[["甲", 117.2, 34.27]]', "[1]", "{", ""):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(SitingError, match="重新选择候选点文件"):
            kept_sites(tmp_path, key)
    for bad in ("../../runs", "", "0" * 16, key + "0"):
        with pytest.raises(SitingError, match="重新选择候选点文件"):
            kept_sites(tmp_path, bad)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"add": 10, "candidates": "townships"}, "要新增 10 处，候选点只有"),
        ({"add": 101}, "0 到 100"),
        ({"add": 1, "candidates": "file"}, "没有给出文件"),
        ({"objective": "fame"}, "目标"),
        ({"add": 1, "spacing_km": 0.1}, "间距"),
        ({"cap_minutes": 500.0}, "计时上限"),
        ({"edits": (Edit("add", None, 116.4, 39.9),)}, "不在江苏省内：第 1 个"),
        ({"edits": (Edit("close", "nobody"),)}, "nobody"),
    ],
)
def test_what_cannot_be_asked_says_so(
    store: Store, folder: Path, cells: pd.DataFrame, changes: dict[str, object], told: str
) -> None:
    with pytest.raises(SitingError, match=told):
        solve(store, folder, cells, **changes)


def test_candidates_outside_the_province_are_listed(store: Store, folder: Path, cells: pd.DataFrame) -> None:
    given = (Site("甲", 117.2, 34.26), Site("乙", 116.4, 39.9), Site("丙", 121.5, 31.2))
    with pytest.raises(SitingError, match=r"2 个不在江苏省内：第 2 个（116.4,39.9）、第 3 个"):
        solve(store, folder, cells, add=1, candidates="file", sites=given)


def test_scenarios_are_saved_listed_compared_and_done_again(
    store: Store, folder: Path, cells: pd.DataFrame, ten: SitingAnalysis
) -> None:
    first = save_scenario(folder, store, ten, "  十处   医院 ")
    added = solve(store, folder, cells, edits=(Edit("add", None, 117.95, 34.31),))
    second = save_scenario(folder, store, added, "邳州一处")
    assert {one.name for one in list_scenarios(folder)} == {"邳州一处", "十处 医院"}
    assert {one.name: one.request for one in list_scenarios(folder)}[first.name] == TEN
    rows = compare_scenarios(folder, [first, second])
    for figure in ("population", "covered_before", "covered_after", "gained", "coverage_after"):
        expected = [one.summary()[figure] for one in (ten, added)]
        assert rows[figure].tolist() == pytest.approx(expected), figure
    again = replay_scenario(gather(store, folder), read_run(folder, second.run.id))
    pd.testing.assert_frame_equal(again, added.comparison(), check_exact=True)
    for name in ("", " ", "长" * 61):
        with pytest.raises(SitingError, match="方案名称"):
            save_scenario(folder, store, ten, name)
    assert {run.kind for run in list_runs(folder)} == {"siting"}


names = st.text(min_size=1, max_size=20)


@given(
    st.lists(
        st.one_of(
            st.builds(Edit, st.just("add"), st.none(), st.floats(116, 122), st.floats(30, 36)),
            st.builds(
                Edit,
                st.just("move"),
                names,
                st.floats(116, 122),
                st.floats(30, 36),
            ),
            st.builds(Edit, st.just("close"), names),
        ),
        max_size=5,
    )
)
def test_changes_survive_being_written_into_an_address(edits: list[Edit]) -> None:
    def rounded(value: float | None) -> float | None:
        return None if value is None else round(value, 5)

    kept = [dataclasses.replace(edit, lon=rounded(edit.lon), lat=rounded(edit.lat)) for edit in edits]
    assert list(parse_edits(edits_text(edits))) == kept


@pytest.mark.parametrize(
    "text", ["add", "add@1", "close@1,2", "move!x", "add!x@1,2", "fly!x", "<b>", "add@1,2;"]
)
def test_other_texts_are_no_changes(text: str) -> None:
    with pytest.raises(SitingError):
        parse_edits(text)
    with pytest.raises(SitingError, match="最多"):
        parse_edits("~".join(["add@117,34"] * 61))
