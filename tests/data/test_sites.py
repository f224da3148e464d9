"""Candidate sites of a file: read in any form and datum, every fault with its row, column and remedy."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.faults import FaultReport
from data.ingest.sites import Site, read_sites
from data.registry.rule_models import load_siting_rules
from data.store.store import Store
from geo.errors import DatumError

XUZHOU = (117.20, 34.26)

MOST = load_siting_rules().most_candidates


@pytest.fixture(scope="module")
def regions(built_store: Store) -> gpd.GeoDataFrame:
    return built_store.regions(zoom="full")


def written(folder: Path, text: str, name: str = "候选.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def faults(path: Path, regions: gpd.GeoDataFrame, datum: str = "cgcs2000") -> list[dict[str, str]]:
    with pytest.raises(FaultReport) as told:
        read_sites(path, datum=datum, regions=regions)
    return told.value.as_rows()


def test_order_and_names_are_those_of_the_file(tmp_path: Path, regions: gpd.GeoDataFrame) -> None:
    text = "名称,经度,纬度,备注\n乙<b>,117.95,34.31,x\n,117.2,34.26,\n甲,117.2,34.26,\n"
    found = read_sites(written(tmp_path, text), datum="cgcs2000", regions=regions)
    assert found.sites == (
        Site("乙<b>", 117.95, 34.31),
        Site("候选点 2", 117.2, 34.26),
        Site("甲", 117.2, 34.26),
    )
    assert any("备注" in note for note in found.notes)
    assert any("1 个候选点与前面的点位置相同" in note for note in found.notes)


def test_names_are_not_required_and_datums_are_converted(tmp_path: Path, regions: gpd.GeoDataFrame) -> None:
    path = written(tmp_path, "经度,纬度\n117.2,34.26\n")
    (plain,) = read_sites(path, datum="wgs84", regions=regions).sites
    (mars,) = read_sites(path, datum="gcj02", regions=regions).sites
    assert plain == Site("候选点 1", *XUZHOU)
    # GCJ-02 lies some hundred metres east and south of it here.
    assert 0.003 < plain.lon - mars.lon < 0.009 and 0.0005 < abs(plain.lat - mars.lat) < 0.004
    with pytest.raises(DatumError):
        read_sites(path, datum="mars", regions=regions)


def test_a_spatial_file_gives_its_points(tmp_path: Path, regions: gpd.GeoDataFrame) -> None:
    path = tmp_path / "候选.gpkg"
    gpd.GeoDataFrame(
        {"名称": ["甲"]}, geometry=gpd.points_from_xy(*[[one] for one in XUZHOU]), crs=4490
    ).to_file(path)
    (site,) = read_sites(path, datum="cgcs2000", regions=regions).sites
    assert site.name == "甲"
    assert (site.lon, site.lat) == pytest.approx(XUZHOU, abs=1e-9)


def test_every_fault_is_told_at_once(tmp_path: Path, regions: gpd.GeoDataFrame) -> None:
    rows = ["甲,abc,34.31", "乙,116.4,39.9", "丙,,34.2", f"{'长' * 201},117.2,34.26", "丁,34.26,117.2"]
    found = faults(written(tmp_path, "名称,经度,纬度\n" + "\n".join(rows) + "\n"), regions)
    assert [(row["行"], row["列"]) for row in found] == [
        ("2", "经度"),
        ("3", "经度"),
        ("4", "经度"),
        ("5", "名称"),
        ("6", "经度"),
    ]
    assert "不在江苏省内" in found[1]["问题"]
    assert "对调" in found[4]["问题"]
    assert all(row["处理办法"] and row["文件"] == "候选.csv" for row in found)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "空的"),
        ("经度,纬度\n", "没有数据"),
        ("名称,经度\n甲,117.2\n", "缺少“纬度”列"),
        ("经度,纬度\n" + "117.2,34.26\n" * (MOST + 1), f"超过上限 {MOST}"),
    ],
)
def test_files_that_hold_no_sites_are_refused(
    tmp_path: Path, regions: gpd.GeoDataFrame, text: str, told: str
) -> None:
    assert any(told in row["问题"] for row in faults(written(tmp_path, text), regions))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=300))
def test_any_text_is_sites_or_a_report(tmp_path: Path, regions: gpd.GeoDataFrame, text: str) -> None:
    path = tmp_path / "随机.csv"
    path.write_text("经度,纬度\n" + text, encoding="utf-8", errors="replace")
    try:
        assert read_sites(path, datum="cgcs2000", regions=regions).sites
    except FaultReport as report:
        assert report.faults
