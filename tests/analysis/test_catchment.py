"""Supply and demand end to end: people and facilities of the store, capacities, what is said and refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.catchment import CatchmentAnalysis, CatchmentRequest, decay_of, prepare_catchment
from analysis.given import gather
from analysis.run_kinds import rerun
from analysis.runs import Run, result_digest
from benchmarks.straight_pairs import straight_reach
from data.registry.rule_models import load_catchment_rules
from data.store.store import Store
from geo.errors import CatchmentError, CoverageError, StoreError
from tests.oracles import catchment_naive as naive

HOSPITALS = CatchmentRequest(types=("general_hospital",), minutes=60.0)


@pytest.fixture(scope="module")
def hospitals(built_store: Store, tmp_path_factory: pytest.TempPathFactory) -> CatchmentAnalysis:
    return prepare_catchment(gather(built_store, tmp_path_factory.mktemp("supply")), HOSPITALS)


def homes(store: Store, capacities: list[float | None], units: list[str | None]) -> pd.DataFrame:
    """Return care homes at county seats of Xuzhou with these capacities."""
    seats = store.region_table("county")
    codes = [code for code in seats.index if code.startswith("3203")][: len(capacities)]
    return pd.DataFrame(
        {
            "id": [f"h{code}" for code in codes],
            "name": "养老院",
            "type": "elder_care_home",
            "level": None,
            "capacity": pd.array(capacities, dtype="float64"),
            "capacity_unit": units,
            "adcode": codes,
            "precision": "surveyed",
            "source": "x",
            "lon": seats.loc[codes, "seat_lon"].to_numpy(),
            "lat": seats.loc[codes, "seat_lat"].to_numpy(),
        }
    )


def beds(store: Store, folder: Path, frame: pd.DataFrame, **changes: object) -> CatchmentAnalysis:
    asked = {"types": ("elder_care_home",), "minutes": 60.0, "measure": "capacity", "within": "320300"}
    return prepare_catchment(
        gather(store, folder, facilities=frame), CatchmentRequest(**{**asked, **changes})
    )


def test_all_supply_reaches_somebody_and_nothing_is_lost(hospitals: CatchmentAnalysis) -> None:
    result = hospitals.result
    assert result.supply_used == 95.0
    assert result.access_given == pytest.approx(95.0, rel=1e-9)
    province = hospitals.region("320000")
    people = hospitals.cells["population"].sum()
    assert province["access"] == pytest.approx(95.0 / people * 100_000, rel=1e-9)
    assert province["unit"] == "处/十万人"
    assert not np.isnan(result.access).any()


def test_levels_are_weighted_by_people_not_averaged(hospitals: CatchmentAnalysis) -> None:
    for group in ("population", "age_80_plus", "rural"):
        counties = hospitals.table(group=group)
        for level in ("prefecture", "economic_region", "province"):
            rows = hospitals.table(level=level, group=group)  # type: ignore[arg-type]
            total = (counties["access"] * counties["population"]).sum()
            assert (rows["access"] * rows["population"]).sum() == pytest.approx(total)
            assert rows["unserved_population"].sum() == pytest.approx(counties["unserved_population"].sum())
    assert set(hospitals.groups("320300")["group"]) >= {"under_3", "age_65_plus"}


def test_cells_of_one_county_equal_the_loop(hospitals: CatchmentAnalysis) -> None:
    """The catchment of three facilities, over the cells that any of them reaches."""
    chosen = hospitals.facilities.head(3)
    pairs = straight_reach(
        chosen[["x", "y"]].to_numpy(),
        hospitals.cells[["x", "y"]].to_numpy(),
        mode=hospitals.base.mode,
        decay=hospitals.decay,
    )
    near = np.unique(pairs.cell)
    weights = np.zeros((len(near), 3))
    weights[np.searchsorted(near, pairs.cell), pairs.facility] = pairs.weight
    demand = hospitals.cells["population"].to_numpy(dtype=float)[near]
    expected = naive.access(weights.tolist(), demand, np.ones(3))
    own = prepare_catchment_of(hospitals, chosen)
    np.testing.assert_allclose(own[near], expected, rtol=1e-9)
    assert own.sum() == pytest.approx(np.sum(expected))


def prepare_catchment_of(analysis: CatchmentAnalysis, facilities: pd.DataFrame) -> np.ndarray:
    """Return the access of every cell to some of the facilities."""
    few = CatchmentAnalysis(
        request=analysis.request,
        base=analysis.base,
        cells=analysis.cells,
        facilities=facilities,
        supply=np.ones(len(facilities)),
        decay=analysis.decay,
        cell_size_m=analysis.cell_size_m,
        supply_unit="处",
        given_notes=(),
    )
    return few.result.access


def test_people_beyond_the_region_compete_too(
    built_store: Store, tmp_path: Path, hospitals: CatchmentAnalysis
) -> None:
    xuzhou = prepare_catchment(
        gather(built_store, tmp_path),
        CatchmentRequest(types=("general_hospital",), minutes=60.0, within="320300"),
    )
    whole = hospitals.table().set_index("adcode")["access"]
    rows = xuzhou.table().set_index("adcode")["access"]
    assert len(rows) == 10
    assert rows.to_dict() == whole[rows.index].to_dict()


def test_what_is_implied_or_left_out_is_told(hospitals: CatchmentAnalysis) -> None:
    told = " ".join(hospitals.notes)
    assert "推定" in told and "263,480" in told and hospitals.implied
    assert "增强型两步移动搜索法" in hospitals.method_text and "直线距离" in hospitals.method_text


def test_capacity_zero_and_missing_are_told_apart(built_store: Store, tmp_path: Path) -> None:
    frame = homes(built_store, [100.0, None, 0.0, 50.0], ["张"] * 4)
    found = beds(built_store, tmp_path, frame)
    assert found.unit == "张/千人" and len(found.facilities) == 3
    assert any("1 处设施没有规模" in note for note in found.notes)
    assert any("1 处设施的规模为零" in note for note in found.notes)
    assert found.result.access_given == pytest.approx(150.0)
    loads = found.facility_table().set_index("id")
    assert loads.loc["h320305", "reason"] == "供给为零"


def test_demand_may_be_one_group_and_access_of_another(built_store: Store, tmp_path: Path) -> None:
    frame = homes(built_store, [100.0, 80.0], ["张", "张"])
    found = beds(built_store, tmp_path, frame, demand="age_80_plus")
    old = found.cells["age_80_plus"].to_numpy(dtype=float)
    assert float(np.dot(found.result.access, old)) == pytest.approx(180.0)
    assert found.table()["population"].sum() == old[found.cells_of("320300")].sum()
    assert found.table(group="population")["population"].sum() > found.table()["population"].sum()


@pytest.mark.parametrize(
    ("capacities", "units", "words"),
    [
        ([None, None], ["张", "张"], "都没有规模"),
        ([0.0, 0.0], ["张", "张"], "供给全部为零"),
        ([5.0, -1.0], ["张", "张"], "供给有 1 个值缺失或为负"),
        ([5.0, 7.0], ["张", "平方米"], "单位不同"),
    ],
)
def test_bad_capacities_are_refused(
    built_store: Store, tmp_path: Path, capacities: list[float | None], units: list[str | None], words: str
) -> None:
    with pytest.raises(CatchmentError, match=words):
        _ = beds(built_store, tmp_path, homes(built_store, capacities, units)).result


def test_nobody_who_asks_is_refused(built_store: Store, tmp_path: Path) -> None:
    nobody = built_store.population_grid().assign(population=0)
    with pytest.raises(CatchmentError, match="需求全部为零"):
        _ = prepare_catchment(gather(built_store, tmp_path, cells=nobody), HOSPITALS).result


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"minutes": 0.0}, CatchmentError, "大于 0"),
        ({"minutes": 500.0}, CatchmentError, "不超过 120"),
        ({"types": ("park",)}, CoverageError, "没有类型为 park"),
        ({"mode": "boat"}, CoverageError, "boat"),
        ({"steps": ((10.0, 1.0),)}, CatchmentError, "止于服务范围"),
    ],
)
def test_bad_questions_are_refused(
    built_store: Store, tmp_path: Path, changes: dict[str, object], error: type[Exception], words: str
) -> None:
    asked = {"types": ("general_hospital",), "minutes": 60.0, **changes}
    with pytest.raises(error, match=words):
        prepare_catchment(gather(built_store, tmp_path), CatchmentRequest(**asked))  # type: ignore[arg-type]


def test_a_request_survives_its_record_and_replays(built_store: Store, tmp_path: Path) -> None:
    request = CatchmentRequest(
        types=("general_hospital",), minutes=45.0, steps=((15.0, 1.0), (45.0, 0.4)), within="320300"
    )
    assert CatchmentRequest.from_dict(request.as_dict()) == request
    rows = prepare_catchment(gather(built_store, tmp_path), request).table(level="prefecture")
    parameters = {"request": request.as_dict(), "group": "population", "level": "prefecture"}
    digest = result_digest(rows)
    run = Run("20250101-080000-1a2b3c", "catchment", parameters, "v", digest, len(rows), "t", 0.0)
    assert result_digest(rerun(gather(built_store, tmp_path), run)) == digest
    with pytest.raises(StoreError, match="不认识"):
        rerun(gather(built_store, tmp_path), Run("x", "cats", parameters, "v", digest, 1, "t", 0.0))


@pytest.mark.parametrize("decay", ["step", "gaussian"])
def test_prefectures_one_by_one_give_the_province(
    built_store: Store, hospitals: CatchmentAnalysis, tmp_path: Path, decay: str
) -> None:
    asked = dataclasses.replace(HOSPITALS, decay=decay)  # type: ignore[arg-type]
    whole = hospitals if decay == HOSPITALS.decay else prepare_catchment(gather(built_store, tmp_path), asked)
    pieces = prepare_catchment(gather(built_store, tmp_path), dataclasses.replace(asked, engine="dask"))
    assert pieces.result.access == pytest.approx(whole.result.access, rel=1e-12, abs=0.0)
    assert np.array_equal(pieces.result.served, whole.result.served)
    assert pieces.table()["access"].to_numpy() == pytest.approx(whole.table()["access"].to_numpy(), rel=1e-12)


def test_where_it_ran_is_not_part_of_the_question() -> None:
    asked = dataclasses.replace(HOSPITALS, engine="dask", scheduler="tcp://10.0.0.1:8786")
    kept = CatchmentRequest.from_dict(asked.as_dict())
    assert kept == dataclasses.replace(asked, scheduler=None)
    earlier = {key: value for key, value in HOSPITALS.as_dict().items() if key not in {"engine", "scheduler"}}
    assert CatchmentRequest.from_dict(earlier) == HOSPITALS


def test_zones_that_are_not_given_are_weighed_as_the_registry_says(monkeypatch: pytest.MonkeyPatch) -> None:
    assert decay_of("step", 30.0).steps == ((10.0, 1.0), (20.0, 0.68), (30.0, 0.22))
    assert decay_of("step", 30.0, steps=((30.0, 0.5),)).steps == ((30.0, 0.5),)
    rules = load_catchment_rules().model_copy(update={"step_weights": (1.0, 0.3)})
    monkeypatch.setattr("analysis.catchment.load_catchment_rules", lambda: rules)
    assert decay_of("step", 30.0).steps == ((15.0, 1.0), (30.0, 0.3))
    assert decay_of("none", 30.0).steps == ((30.0, 1.0),)
    assert decay_of("gaussian", 30.0).steps == ()
