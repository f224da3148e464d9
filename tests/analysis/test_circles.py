"""Circles of the real store: the registry's rules, real Xuzhou by a naive loop, places and their faults."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from analysis.circle_notes import NO_FACILITY, service_notes
from analysis.circles import (
    CircleAnalysis,
    CircleRequest,
    chosen_services,
    prepare_circles,
)
from analysis.coverage import SCARCE
from analysis.given import gather
from data.registry.facility_models import load_circle_services
from data.store.store import open_store
from geo.crs import ALBERS, STORE_CRS
from geo.errors import CircleError, RegistryError, UnknownRegionError
from tests.oracles.circles_naive import naive_region

XUZHOU = "320300"
REAL = ("hospital", "primary_school", "secondary_school", "park", "sports")


@pytest.fixture(scope="module")
def analysis(xuzhou_data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> CircleAnalysis:
    request = CircleRequest(origin="imported", within=XUZHOU)
    return prepare_circles(gather(open_store(xuzhou_data_dir), tmp_path_factory.mktemp("circles")), request)


def test_only_what_xuzhou_has_is_measured(analysis: CircleAnalysis) -> None:
    services = load_circle_services()
    assert [key for key in services if key not in analysis.undefined] == list(REAL)
    rows = analysis.table()
    assert len(rows) == 10
    assert set(rows["services"]) == {len(REAL)}
    at = list(rows.columns).index("services")
    assert rows.columns[at - 2 : at].tolist() == ["edge_population", "edge"]
    assert rows["edge"].tolist() == rows["edge_population"].gt(0.0).tolist()
    assert "bus_stop" in rows["undefined"].iloc[0]
    absent = analysis.service_table("prefecture").set_index("service").loc["bus_stop"]
    assert np.isnan(absent["coverage"])
    assert absent["reason"] == NO_FACILITY
    said = "；".join(analysis.notes)
    assert "公交站点" in said and "没有数据不等于没有服务" in said
    assert "小学计入了学校（级别未明）" in said
    assert "直线距离" in said


def test_the_figures_of_a_county_are_those_of_a_loop_over_its_cells_and_facilities(
    analysis: CircleAnalysis,
) -> None:
    county = "320302"
    cells = analysis.cells[analysis.cells["adcode"] == county].reset_index(drop=True)
    rules = []
    for service in analysis.services.values():
        for tier in ("urban", "rural"):
            rule = service.rule(tier)
            if rule is None:
                continue
            solved = analysis.coverages.get((service.id, rule.mode))
            minutes = None
            if solved is not None:
                sites = solved.facilities[["x", "y"]].to_numpy()
                speed = solved.mode.straight_kmh * 1000 / 60 / solved.mode.detour_factor
                minutes = [
                    min(float(np.hypot(x - sx, y - sy)) for sx, sy in sites) / speed
                    for x, y in cells[["x", "y"]].to_numpy()
                ]
            rules.append(
                {
                    "service": service.id,
                    "tier": tier,
                    "threshold": rule.minutes,
                    "minutes": minutes,
                    "weight": 1,
                }
            )
    score, complete, lacking = naive_region(cells, rules, {county})
    row = analysis.table().set_index("adcode").loc[county]
    assert row["score"] == pytest.approx(float(score), rel=1e-12)
    assert row["complete_population"] == complete
    assert row["missing_population"] == max(lacking.values())
    assert lacking[row["missing"]] == max(lacking.values())
    assert 0.0 < row["score"] < 1.0


def test_the_mean_of_the_cells_is_the_score_of_the_region(analysis: CircleAnalysis) -> None:
    for tier, people in (("all", "population"), ("urban", "urban"), ("rural", "rural")):
        scores, weights = analysis.scores(tier), analysis.cells[people].to_numpy(dtype=float)
        rows = analysis.table("prefecture", tier)
        if tier == "all":
            # Town and country ask for different numbers of services: people count by what they ask for.
            assert np.nanmin(scores) >= 0.0 and np.nanmax(scores) <= 1.0
            continue
        assert rows["score"].iloc[0] == pytest.approx(np.nansum(scores * weights) / weights.sum(), rel=1e-9)


def test_a_place_names_the_nearest_of_each_service(analysis: CircleAnalysis) -> None:
    answer = analysis.at(117.19, 34.26)
    assert answer.tier == "urban"
    assert answer.adcode.startswith("3203")
    by_service = {one.service: one for one in answer.services}
    school = by_service["primary_school"]
    solved = analysis.coverages["primary_school", "walk"]
    point = gpd.GeoSeries.from_xy([117.19], [34.26], crs=STORE_CRS).to_crs(ALBERS).iloc[0]
    metres = np.hypot(solved.facilities["x"] - point.x, solved.facilities["y"] - point.y)
    assert school.facility == solved.facilities["name"][metres.idxmin()]
    assert school.minutes == pytest.approx(metres.min() / 80 * 1.3, abs=1e-4)
    assert school.met is (school.minutes <= 10)
    assert by_service["bus_stop"].met is None
    assert by_service["bus_stop"].reason == NO_FACILITY
    assert {one.service for one in answer.missing} == {
        one.service for one in answer.measured if not one.minutes <= one.threshold_minutes
    }
    assert "park" not in {one.service for one in analysis.at(117.19, 34.26, tier="rural").services}


@pytest.mark.parametrize(
    ("lon", "lat", "told"),
    [(34.26, 117.2, "不对"), (116.4, 39.9, "不在江苏省内"), (np.nan, 34.0, "不对")],
)
def test_a_place_elsewhere_is_refused(analysis: CircleAnalysis, lon: float, lat: float, told: str) -> None:
    with pytest.raises(CircleError, match=told):
        analysis.at(lon, lat)


def test_a_request_survives_being_written_down() -> None:
    request = CircleRequest(services=("park",), mode="walk", origin="imported", within=XUZHOU)
    assert CircleRequest.from_dict(request.as_dict()) == request


def test_services_are_named_by_id_or_by_name() -> None:
    assert list(chosen_services(["公园绿地", "hospital"])) == ["hospital", "park"]
    with pytest.raises(CircleError, match="没有服务 澡堂"):
        chosen_services(["澡堂"])


def test_unknown_mode_and_region_are_refused(built_data_dir: Path) -> None:
    store = open_store(built_data_dir)
    with pytest.raises(CircleError, match="出行方式"):
        prepare_circles(gather(store, built_data_dir), CircleRequest(mode="fly"))
    with pytest.raises(UnknownRegionError, match="999999"):
        prepare_circles(gather(store, built_data_dir), CircleRequest(within="999999"))


def test_a_faulty_registry_names_entry_and_field(tmp_path: Path) -> None:
    (tmp_path / "service_circles.yaml").write_text(
        "- {id: a, name: 甲, types: [bathhouse], urban: {minutes: 5, mode: walk}, basis: x}\n"
        "- {id: b, name: 甲, types: [park], rural: {minutes: 5, mode: walk}, basis: x}\n",
        encoding="utf-8",
    )
    with pytest.raises(RegistryError, match=r"(?s)条目 a.*bathhouse.*条目 b.*“甲”已用于 a"):
        load_circle_services(tmp_path)
    (tmp_path / "service_circles.yaml").write_text(
        "- {id: a, name: 甲, types: [park], basis: x}\n", encoding="utf-8"
    )
    with pytest.raises(RegistryError, match="至少要写一项"):
        load_circle_services(tmp_path)
    (tmp_path / "service_circles.yaml").write_text(
        "- {id: a, name: 甲, types: [park], urban: {minutes: 0, mode: walk}, basis: x}\n", encoding="utf-8"
    )
    with pytest.raises(RegistryError, match=r"urban\.minutes"):
        load_circle_services(tmp_path)


def solved_of(*notes: str, kinds: tuple[str, ...], precision: str, roads: object, mode: str) -> Any:
    """Return what the notes look at of a solved service."""
    facilities = pd.DataFrame({"type": kinds, "precision": precision})
    return SimpleNamespace(
        facilities=facilities, network=roads, mode=SimpleNamespace(name=mode), given_notes=notes
    )


def test_every_note_of_circles_is_said_of_the_services_it_is_true_of() -> None:
    every = load_circle_services()
    services = {key: every[key] for key in ("primary_school", "park", "hospital", "bus_stop")}
    unsure = services["primary_school"].unsorted[0]
    solved = {
        ("primary_school", "urban"): solved_of(
            kinds=(unsure, unsure, "primary_school"), precision="surveyed", roads=object(), mode="步行"
        ),
        ("park", "urban"): solved_of(
            f"3 {SCARCE}：空白", kinds=("park",), precision="surveyed", roads=None, mode="电动车"
        ),
        ("hospital", "urban"): solved_of(
            kinds=("hospital",), precision="implied", roads=object(), mode="步行"
        ),
    }
    assert service_notes(services, solved) == [
        f"公交站点：{NO_FACILITY}，不计入得分（没有数据不等于没有服务）",
        "小学计入了学校（级别未明） 2 处，其中哪些是小学未知",
        f"{services['hospital'].name}为按规划标准推定的点位，不是实测位置；导入真实设施后再作结论",
        "没有路网的出行方式（电动车）按直线距离 × 绕行系数估算",
        "部分服务的设施数据只有一部分县（市、区）有点位：空白可能是数据缺失",
    ]
