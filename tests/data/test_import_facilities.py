"""Facilities come in from tables and spatial files: one datum, one county each, doubts named."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from data.faults import FaultReport
from data.ingest.datum_check import check_datum
from data.ingest.duplicates import DuplicateLimits, NameReader, find_duplicates
from data.ingest.facilities import FacilityImport, _misplaced, import_facilities, read_facilities
from data.ingest.facility_store import load_facility_sources, load_imported_facilities
from data.ingest.templates import facility_template, write_facility_template
from data.regions.boundaries import load_region_codes
from data.registry.facility_models import load_facility_types, same_kind
from data.registry.import_models import load_import_checks
from data.registry.osm_models import load_osm_mapping
from data.store.store import Store
from geo.crs import STORE_CRS, Datum, from_cgcs2000
from geo.errors import DataFaultError, DatumError, StoreError
from tests.data.facility_world import GOOD, HEADER, SQUARES, regions
from tests.data.faulty import csv_text
from tests.data.name_likeness import name_similarity
from tests.oracles.duplicates_naive import near_pairs
from tests.real_data import real_path

DATUMS: tuple[Datum, ...] = ("wgs84", "cgcs2000", "gcj02", "bd09")
WORLD = regions()


def _write(folder: Path, rows: Any = GOOD, header: Any = HEADER, name: str = "名单.csv") -> Path:
    path = folder / name
    path.write_text(csv_text(rows, header), encoding="utf-8")
    return path


def _read(path: Path, datum: str = "cgcs2000", **options: Any) -> FacilityImport:
    return read_facilities(
        path, facility_type=options.pop("facility_type", None), datum=datum, regions=WORLD, **options
    )


def _changed(row: int, column: str, text: str) -> list[list[str]]:
    rows = [list(cells) for cells in GOOD]
    rows[row - 2][HEADER.index(column)] = text
    return rows


def _tree(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_table_becomes_facilities_with_county_unit_and_origin(tmp_path: Path) -> None:
    found = _read(_write(tmp_path))
    frame = found.frame.set_index("name")
    assert frame["type"].to_dict() == {
        "市第一医院": "general_hospital",
        "玄武社区卫生服务中心": "community_health_centre",
        "鼓楼养老院": "elder_care_home",
    }
    assert frame["adcode"].to_dict() == {
        "市第一医院": "320102",
        "玄武社区卫生服务中心": "320102",
        "鼓楼养老院": "320106",
    }
    hospital = frame.loc["市第一医院"]
    assert (hospital["capacity"], hospital["capacity_unit"], hospital["level"]) == (1200.0, "张", "三级甲等")
    assert (hospital["as_of"], hospital["precision"], hospital["original_datum"]) == (
        "2023-06",
        "surveyed",
        "cgcs2000",
    )
    assert frame.loc["玄武社区卫生服务中心", ["capacity_unit", "address"]].tolist() == [None, None]
    assert (found.outside, found.misplaced, len(found.duplicates)) == (0, 0, 0)
    assert found.datum.suggested is None
    assert frame["id"].is_unique


@pytest.mark.parametrize("datum", DATUMS)
def test_every_datum_gives_the_same_places(datum: Datum, tmp_path: Path) -> None:
    """The same points in another datum land on the same spot, and are converted once."""
    plain = _read(_write(tmp_path)).frame.set_index("name")
    rows = [list(cells) for cells in GOOD]
    for cells in rows:
        lon, lat = from_cgcs2000(float(cells[4]), float(cells[5]), datum)
        cells[4], cells[5] = repr(float(lon)), repr(float(lat))
    other = _read(_write(tmp_path, rows, name="另.csv"), datum).frame.set_index("name")
    np.testing.assert_allclose(other[["lon", "lat"]], plain[["lon", "lat"]], rtol=0, atol=1e-9)
    assert other["adcode"].to_dict() == plain["adcode"].to_dict()
    assert set(other["original_datum"]) == {datum}


@pytest.mark.parametrize("datum", ["unknown", "", "不清楚", "beijing54"])
def test_an_unknown_datum_is_refused_with_the_reason(datum: str, tmp_path: Path) -> None:
    with pytest.raises(DatumError, match="不能猜测"):
        _read(_write(tmp_path), datum)


FAULTS: dict[str, tuple[Any, tuple[tuple[int | None, str | None, str, str], ...]]] = {
    "no_name": (_changed(2, "名称", ""), ((2, "名称", "没有名称", "填写"),)),
    "unknown_type": (_changed(2, "类型", "综合性医"), ((2, "类型", "没有“综合性医”", "可能是“综合医院”"),)),
    "no_type": (_changed(2, "类型", ""), ((2, "类型", "没有写类型", "--type"),)),
    "no_longitude": (_changed(3, "经度", ""), ((3, "经度", "没有经度", "补上坐标"),)),
    "text_as_latitude": (_changed(3, "纬度", "北纬32度"), ((3, "纬度", "度分秒", "十进制度"),)),
    "degrees_minutes": (_changed(3, "经度", "118°51′"), ((3, "经度", "度分秒", "十进制度"),)),
    "zero": ([*_changed(3, "经度", "0")], ((3, "经度", "是零", "删去该行"),)),
    "metres": (_changed(3, "经度", "671234.5"), ((3, "经度", "投影坐标", "换算成经纬度"),)),
    "abroad": (_changed(3, "经度", "-118.8"), ((3, "经度", "不在中国", "核对"),)),
    "one_swapped": (
        [GOOD[0], (*GOOD[1][:4], "32.03", "118.82", *GOOD[1][6:]), GOOD[2]],
        ((3, "经度", "经度和纬度对调了", "交换这一行"),),
    ),
    "all_swapped": (
        [(*cells[:4], cells[5], cells[4], *cells[6:]) for cells in GOOD],
        ((None, "经度", "两列对调了（3 行）", "交换两列的表头"),),
    ),
    "unknown_code": (_changed(2, "行政区划代码", "320199"), ((2, "行政区划代码", "没有代码为", "核对代码"),)),
    "negative_capacity": (_changed(2, "规模", "-5"), ((2, "规模", "不在 0", "留空"),)),
    "text_capacity": (_changed(2, "规模", "1200张"), ((2, "规模", "不是数字", "只写数字"),)),
    "bad_date": (_changed(2, "数据日期", "去年"), ((2, "数据日期", "不是日期", "2023-06"),)),
    "no_such_day": (
        _changed(2, "数据日期", "2023-02-30"),
        ((2, "数据日期", "没有“2023-02-30”这一天", "核对"),),
    ),
    "future_date": (_changed(2, "数据日期", "2999"), ((2, "数据日期", "在将来", "核对"),)),
    "header_only": ([], ((None, None, "没有数据", "逐行填写"),)),
    "elsewhere": (
        [(*cells[:4], "121.5", "31.2", "", *cells[7:]) for cells in GOOD],
        ((None, None, "全部 3 个点都不在江苏省内", "坐标基准"),),
    ),
    "many": (
        [("", "无此类", "", "x", "", "32", "99", "", "x", "")],
        (
            (2, "名称", "没有名称", "填写"),
            (2, "类型", "没有“无此类”", "设施类型"),
            (2, "规模", "不是数字", "只写数字"),
            (2, "经度", "没有经度", "补上"),
            (2, "行政区划代码", "不是六位", "六位"),
            (2, "数据日期", "不是日期", "2023"),
        ),
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_every_fault_is_named_and_nothing_changes(case: str, tmp_path: Path) -> None:
    rows, expected = FAULTS[case]
    data_dir = tmp_path / "var"
    import_facilities(
        _write(tmp_path, name="先.csv"), data_dir, facility_type=None, datum="wgs84", regions=WORLD
    )
    before = _tree(data_dir)
    with pytest.raises(FaultReport) as caught:
        import_facilities(_write(tmp_path, rows), data_dir, facility_type=None, datum="wgs84", regions=WORLD)
    assert _tree(data_dir) == before
    faults = caught.value.faults
    for row, column, problem, remedy in expected:
        hits = [
            fault
            for fault in faults
            if (fault.row, fault.column) == (row, column)
            and problem in fault.problem
            and remedy in fault.remedy
        ]
        assert hits, str(caught.value)
    assert len(faults) == len(expected), str(caught.value)


def test_missing_columns_and_an_unknown_type_option(tmp_path: Path) -> None:
    with pytest.raises(FaultReport, match="缺少“经度”列"):
        _read(_write(tmp_path, [("甲", "32")], ("名称", "纬度")))
    with pytest.raises(DataFaultError, match="没有设施类型“no_such”"):
        _read(_write(tmp_path), facility_type="no_such")


def test_the_type_option_stands_where_the_table_says_nothing_we_know(tmp_path: Path) -> None:
    rows = [(*GOOD[0][:1], "民营", *GOOD[0][2:]), GOOD[1], (*GOOD[2][:1], "", *GOOD[2][2:])]
    found = _read(_write(tmp_path, rows), facility_type="hospital")
    assert found.frame.set_index("name")["type"].to_dict() == {
        "市第一医院": "hospital",
        "玄武社区卫生服务中心": "community_health_centre",
        "鼓楼养老院": "hospital",
    }
    assert any("1 行的类型（民营" in note and "“医院”" in note for note in found.notes)


def test_points_beyond_the_province_are_kept_and_said(tmp_path: Path) -> None:
    rows = [*GOOD, ("邻省医院", "综合医院", "", "", "118.6", "31.5", "", "", "", "A4")]
    found = _read(_write(tmp_path, rows))
    assert found.outside == 1
    assert found.frame.set_index("name").loc["邻省医院", "adcode"] is None
    assert any("1 个点在省外" in note for note in found.notes)


def test_a_point_on_a_shared_edge_goes_to_the_lower_code(tmp_path: Path) -> None:
    found = _read(_write(tmp_path, [("界上医院", "医院", "", "", "118.8", "32.05", "", "", "", "")]))
    assert found.frame["adcode"].tolist() == ["320102"]


def test_a_stated_county_that_does_not_hold_the_point_is_counted(tmp_path: Path) -> None:
    rows = [list(cells) for cells in GOOD]
    rows[0][6], rows[1][6], rows[2][6] = "320106", "320100", "320303"
    found = _read(_write(tmp_path, rows))
    # A prefecture holds the points of its counties.
    assert found.misplaced == 2
    assert found.datum.mismatch_share == pytest.approx(2 / 3)
    assert any("2 个点不在所填的县（市、区）内，占填写了地区的 66.7%" in note for note in found.notes)


def test_the_county_may_be_stated_by_name(tmp_path: Path) -> None:
    header = (*HEADER[:6], "所属区县", *HEADER[7:])
    found = _read(_write(tmp_path, [(*GOOD[0][:6], "玄武区", *GOOD[0][7:])], header))
    assert found.frame["stated_adcode"].tolist() == ["320102"]
    with pytest.raises(FaultReport, match="2 个地区同名"):
        _read(_write(tmp_path, [(*GOOD[0][:6], "鼓楼区", *GOOD[0][7:])], header))


# Spatial files.


def _spatial(folder: Path, name: str, driver: str | None, fields: dict[str, str], **options: Any) -> Path:
    table = pd.DataFrame(GOOD, columns=list(HEADER))
    frame = gpd.GeoDataFrame(
        table.rename(columns=fields)[list(fields.values())],
        geometry=gpd.points_from_xy(table["经度"].astype(float), table["纬度"].astype(float)),
        crs=options.pop("crs", "EPSG:4326"),
    )
    if "to" in options:
        frame = frame.to_crs(options.pop("to"))
    path = folder / name
    if driver is None:
        inner = folder / "shp"
        inner.mkdir()
        frame.to_file(inner / "名单.shp", encoding="utf-8")
        return Path(shutil.make_archive(str(path.with_suffix("")), "zip", inner))
    frame.to_file(path, driver=driver, **options)
    return path


CHINESE = {"名称": "名称", "类型": "类型", "规模": "规模", "编号": "编号", "行政区划代码": "行政区划代码"}
SHORT = {"名称": "name", "类型": "type", "规模": "capacity", "编号": "key", "行政区划代码": "adcode"}


@pytest.mark.parametrize(
    "write",
    [
        lambda folder: _spatial(folder, "名单.gpkg", "GPKG", CHINESE),
        lambda folder: _spatial(folder, "名单.gpkg", "GPKG", SHORT, crs=STORE_CRS),
        lambda folder: _spatial(folder, "名单.gpkg", "GPKG", SHORT, crs=STORE_CRS, to="EPSG:4549"),
        lambda folder: _spatial(folder, "名单.geojson", "GeoJSON", CHINESE),
        lambda folder: _spatial(folder, "名单.zip", None, SHORT),
    ],
    ids=["gpkg", "gpkg_cgcs2000", "gpkg_gauss_krueger", "geojson", "shapefile"],
)
def test_a_spatial_file_gives_what_the_table_gives(write: Callable[[Path], Path], tmp_path: Path) -> None:
    table = _read(_write(tmp_path)).frame.sort_values("name", ignore_index=True)
    spatial = _read(write(tmp_path)).frame.sort_values("name", ignore_index=True)
    np.testing.assert_allclose(spatial[["lon", "lat"]], table[["lon", "lat"]], rtol=0, atol=1e-8)
    columns = ["name", "type", "capacity", "capacity_unit", "adcode", "stated_adcode"]
    pd.testing.assert_frame_equal(spatial[columns], table[columns])


def test_spatial_faults_count_features_and_lines_are_refused(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(
        {"name": ["甲", ""], "type": ["医院", "医院"]},
        geometry=gpd.points_from_xy([118.85, 118.86], [32.05, 32.05]),
        crs="EPSG:4326",
    )
    frame.to_file(tmp_path / "a.geojson", driver="GeoJSON")
    with pytest.raises(FaultReport) as caught:
        _read(tmp_path / "a.geojson")
    assert [(fault.row, fault.column, fault.problem) for fault in caught.value.faults] == [
        (2, "name", "没有名称")
    ]
    lines = frame.set_geometry([shapely.LineString([(118.8, 32), (118.9, 32.1)])] * 2, crs="EPSG:4326")
    lines.to_file(tmp_path / "b.geojson", driver="GeoJSON")
    with pytest.raises(FaultReport, match="图形是线"):
        _read(tmp_path / "b.geojson")


def test_an_area_is_placed_on_itself(tmp_path: Path) -> None:
    """A ring-shaped site: its centre lies outside it, the place taken does not."""
    site = shapely.Point(118.85, 32.05).buffer(0.01).difference(shapely.Point(118.85, 32.05).buffer(0.005))
    frame = gpd.GeoDataFrame({"name": ["甲"], "type": ["医院"]}, geometry=[site], crs="EPSG:4326")
    frame.to_file(tmp_path / "a.gpkg", driver="GPKG")
    found = _read(tmp_path / "a.gpkg")
    assert site.covers(shapely.Point(found.frame["lon"].iloc[0], found.frame["lat"].iloc[0]))
    assert any("1 个面" in note for note in found.notes)


# Duplicates.


def _facilities(rows: list[tuple[str, str, float, float]], kind: str = "hospital") -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["id", "name", "lon", "lat"])
    return frame.assign(type=kind, source="s")


NEAR = st.integers(-40, 40)


@settings(max_examples=80, deadline=None)
@given(
    rows=st.lists(st.tuples(st.sampled_from(["甲医院", "乙医院"]), NEAR, NEAR), min_size=0, max_size=25),
    data=st.data(),
)
def test_near_pairs_agree_with_every_pair_looked_at_in_any_order(
    rows: list[tuple[str, int, int]], data: st.DataObject
) -> None:
    """Steps of about 9 m around one place; distances near the limit are left out of the comparison."""
    frame = _facilities(
        [(f"f{k:02}", name, 118.8 + x * 1e-4, 32.0 + y * 1e-4) for k, (name, x, y) in enumerate(rows)]
    )
    found = find_duplicates(frame, near_m=150.0).pairs
    pairs = set(zip(found["id_a"], found["id_b"], strict=True))
    # Albers is true to 0.042 %: 150 m are between 149.9 and 150.1 m on the ellipsoid.
    assert near_pairs(frame, 149.9) <= pairs <= near_pairs(frame, 150.1)
    shuffled = frame.loc[data.draw(st.permutations(list(frame.index)))]
    pd.testing.assert_frame_equal(find_duplicates(shuffled, near_m=150.0).pairs, found)
    assert len(frame) == len(rows), "nothing is merged"


@settings(deadline=None)
@given(
    st.text(alphabet="江苏南京市第一二3人民医院（东）", max_size=12),
    st.text(alphabet="江苏南京市第一二3人民医院（东）", max_size=12),
)
def test_likeness_of_names_is_symmetric_and_bounded(one: str, other: str) -> None:
    read = NameReader(("江苏", "南京市"))
    first, second = read(one), read(other)
    assert name_similarity(first, second) == name_similarity(second, first)
    assert 0.0 <= name_similarity(first, second) <= 1.0
    assert name_similarity(first, first) == 1.0


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("南京市第一医院", "第一医院", True),
        ("江苏省南京市第一医院", "南京市第1医院", True),
        ("南京市第一医院", "南京市第二医院", False),
        ("市立医院", "市立医院（本部）", True),
        ("锁金村社区卫生服务中心", "锁金村社区卫生中心", True),
        ("玄武门社区卫生服务中心", "锁金村社区卫生服务中心", False),
        ("中医院", "人民医院", False),
    ],
)
def test_names_that_are_and_are_not_alike(one: str, other: str, alike: bool) -> None:
    read = NameReader(("江苏省", "南京市"))
    assert (name_similarity(read(one), read(other)) >= 0.6) is alike


def test_duplicates_within_and_across_sources_are_listed_and_kept(tmp_path: Path) -> None:
    data_dir = tmp_path / "var"
    import_facilities(
        _write(tmp_path, name="先.csv"), data_dir, facility_type=None, datum="wgs84", regions=WORLD
    )
    rows = [
        ("南京市第一医院", "医院", "", "", "118.8505", "32.0503", "", "", "", ""),
        ("南京市第一医院（门诊）", "综合医院", "", "", "118.8506", "32.0503", "", "", "", ""),
        ("第一医院", "药店", "", "", "118.85", "32.05", "", "", "", ""),
        ("南京市第一医院", "医院", "", "", "118.86", "32.05", "", "", "", ""),
    ]
    path = _write(tmp_path, rows, name="后.csv")
    found = _read(path, others=load_imported_facilities(data_dir))
    pairs = found.duplicates
    assert len(found.frame) == 4
    assert len(pairs) == 3, pairs.to_string()
    assert (pairs["source_a"] != pairs["source_b"]).sum() == 2
    assert (pairs["distance_m"] <= 150).all()
    summary = import_facilities(path, data_dir, facility_type=None, datum="wgs84", regions=WORLD)
    assert any("疑似重复 3 对（本文件内 1，与其他来源 2）" in note for note in summary.notes)
    assert len(load_imported_facilities(data_dir)) == 7


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(st.tuples(st.sampled_from(["甲医院", "乙医院", ""]), NEAR, NEAR), max_size=25),
    known=st.lists(st.tuples(st.sampled_from(["甲医院", "乙医院", ""]), NEAR, NEAR), max_size=25),
    bounds=st.tuples(st.integers(1, 60), st.integers(0, 20), st.integers(0, 12)),
)
def test_a_bounded_search_lists_some_of_the_pairs_and_says_so(
    rows: list[tuple[str, int, int]], known: list[tuple[str, int, int]], bounds: tuple[int, int, int]
) -> None:
    own, others = (
        _facilities(
            [
                (f"{mark}{k:02}", name, 118.8 + x * 1e-4, 32.0 + y * 1e-4)
                for k, (name, x, y) in enumerate(part)
            ]
        )
        for mark, part in (("f", rows), ("e", known))
    )
    whole = find_duplicates(own, others=others)
    near, compared, listed = bounds
    found = find_duplicates(own, others=others, limits=DuplicateLimits(near, compared, 10**9, listed))
    all_pairs, pairs = (set(zip(one.pairs["id_a"], one.pairs["id_b"], strict=True)) for one in (whole, found))
    assert whole.notes == ()
    assert pairs <= all_pairs
    assert len(pairs) <= listed
    assert pairs == all_pairs or any("疑似重复太多" in note for note in found.notes)
    # Two known ones are none of this file's business; the rest is what one list of all would give.
    together = find_duplicates(pd.concat([own, others], ignore_index=True)).pairs
    mine = together[together["id_a"].str.startswith("f") | together["id_b"].str.startswith("f")]
    pd.testing.assert_frame_equal(whole.pairs, mine.reset_index(drop=True), check_dtype=False)


@pytest.mark.parametrize("name", ["药店", "", None])
def test_a_heap_on_one_point_is_bounded_and_told(name: str | None) -> None:
    """5,000 in one place are 12 million pairs."""
    frame = _facilities([(f"f{k:04}", name, 118.8, 32.0) for k in range(5_000)])
    found = find_duplicates(frame)
    assert len(found.pairs) == DuplicateLimits().listed < found.found <= DuplicateLimits().near
    assert [note[:6] for note in found.notes] == ["疑似重复太多"] * 2
    assert any("只列出相距最近的 10000 对" in note for note in found.notes)


def test_a_long_name_is_no_work_without_end() -> None:
    """Names of 200 characters that differ everywhere, and brackets that never close."""
    names = [("甲乙" * 100 if k % 2 else "乙甲" * 99) + chr(0x4E00 + k) + "(" * 200 for k in range(600)]
    frame = _facilities([(f"f{k:04}", name, 118.8, 32.0) for k, name in enumerate(names)])
    found = find_duplicates(frame, limits=DuplicateLimits(effort=50_000_000))
    assert any("没有比较名称" in note for note in found.notes)


def test_rows_alike_by_the_thousand_have_ids_of_their_own(tmp_path: Path) -> None:
    rows = [("同名药店", "药店", "", "", "118.85", "32.05", "", "", "", "")] * 20_000
    found = _read(_write(tmp_path, rows))
    assert found.frame["id"].is_unique
    assert found.frame["id"].str.fullmatch(r"t[0-9a-f]{8}-[0-9a-f]{12}(-\d+)?").all()
    assert any("疑似重复太多" in note for note in found.notes)


def test_a_column_wrong_all_over_is_not_read_to_its_end(tmp_path: Path) -> None:
    rows = [("甲", f"无此类{k}", "", "", "118.85", "32.05", "", "", "", "") for k in range(6_000)]
    with pytest.raises(FaultReport) as caught:
        _read(_write(tmp_path, rows))
    told = {fault.problem for fault in caught.value.faults}
    assert any("无此类0”这种设施类型" in problem for problem in told)
    assert any("另有" in problem for problem in told)
    rows = [("甲", "药店", "", "", "118.85", "32.05", f"3299{k:04}", "", "", "") for k in range(1_000)]
    with pytest.raises(FaultReport, match="已有 500 种写法不对，其余没有再核对"):
        _read(_write(tmp_path, rows))


def test_without_a_name_only_the_very_near_pair() -> None:
    frame = _facilities(
        [("a", "", 118.8, 32.0), ("b", "甲医院", 118.8003, 32.0), ("c", "乙医院", 118.801, 32.0)]
    )
    found = find_duplicates(frame).pairs
    assert found[["id_a", "id_b"]].to_numpy().tolist() == [["a", "b"]]
    assert found["similarity"].isna().all()


# The datum.


def _grid(count: int = 25) -> tuple[np.ndarray, np.ndarray, pd.Series]:
    """Return points spread over the world's counties, and the county each lies in."""
    lon, lat, codes = [], [], []
    for code, (_, _, (west, south, east, north)) in SQUARES.items():
        for x in np.linspace(west, east, count, endpoint=False) + (east - west) / count / 2:
            for y in np.linspace(south, north, count, endpoint=False) + (north - south) / count / 2:
                lon.append(x), lat.append(y), codes.append(code)
    return np.array(lon), np.array(lat), pd.Series(codes, dtype=object)


@pytest.mark.parametrize("actual", ["wgs84", "gcj02", "bd09"])
@pytest.mark.parametrize("declared", DATUMS)
def test_the_datum_that_counties_speak_for(actual: Datum, declared: Datum) -> None:
    lon, lat, stated = _grid()
    x, y = from_cgcs2000(lon, lat, actual)
    counties = WORLD[WORLD["level"] == "county"]
    report = check_datum(x, y, declared, stated=stated, counties=counties)
    right = declared == actual or {declared, actual} == {"wgs84", "cgcs2000"}
    assert report.suggested == (None if right else actual)
    assert report.county_fit[actual] == 1.0
    assert report.mismatch_share == 0.0 if right else report.mismatch_share > 0.05


@pytest.mark.parametrize("actual", ["wgs84", "gcj02", "bd09"])
def test_the_datum_that_known_places_speak_for(actual: Datum) -> None:
    """Eight facilities in the middle of a county, where no county border tells anything."""
    rng = np.random.default_rng(5)
    lon, lat = 118.85 + rng.uniform(-0.01, 0.01, 8), 32.05 + rng.uniform(-0.01, 0.01, 8)
    names = pd.Series([f"医院{k}" for k in range(8)])
    known = pd.DataFrame(
        {"key": names, "lon": lon + rng.normal(0, 3e-4, 8), "lat": lat + rng.normal(0, 3e-4, 8)}
    )
    x, y = from_cgcs2000(lon, lat, actual)
    counties = WORLD[WORLD["level"] == "county"]
    nothing = pd.Series([None] * 8, dtype=object)
    for declared in ("wgs84", "gcj02", "bd09"):
        report = check_datum(x, y, declared, stated=nothing, counties=counties, keys=names, known=known)
        assert report.suggested == (None if declared == actual else actual)
        assert report.pairs == 8
    few = check_datum(
        x[:4], y[:4], "wgs84", stated=nothing[:4], counties=counties, keys=names[:4], known=known
    )
    assert few.suggested is None, "four places prove nothing"


def test_random_misplacement_suggests_no_datum() -> None:
    """Wrong codes by the dozen are wrong codes, not a shift."""
    lon, lat, stated = _grid(12)
    rng = np.random.default_rng(3)
    wrong = stated.mask(pd.Series(rng.random(len(stated)) < 0.3), "320303")
    report = check_datum(lon, lat, "wgs84", stated=wrong, counties=WORLD[WORLD["level"] == "county"])
    assert report.suggested is None
    assert report.mismatch_share > 0.15


def test_nothing_to_compare_with_says_nothing() -> None:
    report = check_datum(
        [118.85],
        [32.05],
        "gcj02",
        stated=pd.Series([None], dtype=object),
        counties=WORLD[WORLD["level"] == "county"],
    )
    assert (report.stated, report.pairs, report.suggested) == (0, 0, None)
    assert np.isnan(report.mismatch_share)


# At rest.


def test_what_is_stored_is_what_was_read(tmp_path: Path) -> None:
    data_dir = tmp_path / "var"
    summary = import_facilities(
        _write(tmp_path), data_dir, facility_type=None, datum="gcj02", regions=WORLD, source="卫健委名录"
    )
    frame = load_imported_facilities(data_dir)
    assert tuple(frame.columns) == (
        *("id", "name", "type", "level", "capacity", "capacity_unit", "lon", "lat", "adcode"),
        *("source", "precision", "original_datum", "as_of"),
        *("address", "stated_adcode", "note", "origin_id", "origin_source"),
    )
    assert dict(zip(frame["name"], frame["origin_id"], strict=True)) == {row[0]: row[9] for row in GOOD}
    assert frame["address"].dropna().tolist() == ["某路1号"]
    assert frame["origin_source"].isna().all()
    sources = load_facility_sources(data_dir)
    assert sources["title"].tolist() == ["卫健委名录"]
    assert set(frame["source"]) == set(sources["id"])
    assert (summary.rows, summary.added, summary.unchanged) == (3, 3, 0)
    assert summary.details["types"] == {
        "community_health_centre": 1,
        "elder_care_home": 1,
        "general_hospital": 1,
    }


def test_the_same_list_again_changes_nothing_and_a_new_one_takes_its_place(tmp_path: Path) -> None:
    data_dir = tmp_path / "var"
    options: dict[str, Any] = {"facility_type": None, "datum": "wgs84", "regions": WORLD, "source": "名录"}
    import_facilities(_write(tmp_path), data_dir, **options)
    before = _tree(data_dir)
    shuffled = _write(tmp_path, GOOD[::-1], name="倒序.csv")
    again = import_facilities(shuffled, data_dir, rebuild=lambda: pytest.fail("nothing to build"), **options)
    assert _tree(data_dir) == before
    assert (again.changed, again.unchanged) == (False, 3)
    rows = [GOOD[0], (*GOOD[1][:4], "118.83", *GOOD[1][5:]), ("新医院", "医院", *GOOD[2][2:9], "A9")]
    summary = import_facilities(_write(tmp_path, rows), data_dir, **options)
    assert (summary.rows, summary.added, summary.unchanged) == (3, 1, 2)
    assert any("此前导入的 3 个设施已整份替换，其中 1 个不在新文件里" in note for note in summary.notes)
    assert set(load_imported_facilities(data_dir)["name"]) == {"市第一医院", "玄武社区卫生服务中心", "新医院"}


def test_a_failed_build_takes_the_list_back(tmp_path: Path) -> None:
    data_dir = tmp_path / "var"

    def fail() -> None:
        assert len(load_imported_facilities(data_dir)) == 3
        raise StoreError("构建失败")

    with pytest.raises(StoreError, match="构建失败"):
        import_facilities(
            _write(tmp_path), data_dir, facility_type=None, datum="wgs84", regions=WORLD, rebuild=fail
        )
    assert load_imported_facilities(data_dir).empty


def test_ids_are_unique_even_for_the_same_row_twice(tmp_path: Path) -> None:
    rows = [(*GOOD[0][:9], ""), (*GOOD[0][:9], "")]
    found = _read(_write(tmp_path, rows))
    assert found.frame["id"].is_unique
    assert len(found.duplicates) == 1


def test_the_form_filled_in_goes_straight_in(tmp_path: Path) -> None:
    path = tmp_path / "设施填报.xlsx"
    write_facility_template(path, load_facility_types(), WORLD)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["填报", "设施类型", "行政区划代码", "说明"]
    headers = [str(cell.value) for cell in book["填报"][1]]
    for cells in GOOD:
        given = dict(zip(HEADER, cells, strict=True))
        book["填报"].append([given.get(header) or None for header in headers])
    book.save(path)
    pd.testing.assert_frame_equal(
        _read(path, source="s").frame, _read(_write(tmp_path), source="s").frame, check_dtype=False
    )


# The registry.


def test_every_type_has_its_words_once_and_every_source_of_types_is_known() -> None:
    types = load_facility_types()
    assert len(types) >= 25
    assert {rule.type for rule in load_osm_mapping().facilities} <= set(types)
    words = [word for entry in types.values() for word in (entry.id, entry.name, *entry.aliases)]
    assert len(words) == len(set(words))
    assert same_kind("general_hospital", "hospital", types)
    assert not same_kind("general_hospital", "specialist_hospital", types)
    assert not same_kind("hospital", "clinic", types)


def test_the_method_note_lists_every_type_as_the_registry_has_it() -> None:
    note = (Path(__file__).parents[2] / "docs" / "methods" / "facilities.md").read_text(encoding="utf-8")
    modes = {"walk": "步行", "ebike": "电动自行车", "drive": "驾车", "straight": "直线"}
    types = load_facility_types()
    for entry in types.values():
        broader = types[entry.broader].name if entry.broader else ""
        row = f"| {entry.name} | `{entry.id}` | {entry.domain} | {broader} | {entry.capacity_unit} |"
        assert f"{row} {entry.minutes:g} 分钟，{modes[entry.mode]} |" in note


# Real points.


def test_451_real_points_land_in_their_counties_in_every_datum(built_store: Store, tmp_path: Path) -> None:
    table = pd.read_csv(real_path("facilities_xuzhou_osm/xuzhou_osm_facilities_451.csv"), dtype=str)
    every = built_store.regions(zoom="full")
    expected = table["county_code"].value_counts().to_dict()
    for actual in ("wgs84", "gcj02", "bd09"):
        lon, lat = from_cgcs2000(table["lon"].astype(float), table["lat"].astype(float), actual)
        path = tmp_path / f"{actual}.csv"
        pd.DataFrame(
            {
                "名称": table["shelter_name"],
                "类型": table["shelter_type"].replace("stadium", "体育场"),
                "经度": [repr(float(x)) for x in lon],
                "纬度": [repr(float(y)) for y in lat],
                "行政区划代码": table["county_code"],
            }
        ).to_csv(path, index=False, encoding="utf-8-sig")
        found = read_facilities(path, facility_type=None, datum=actual, regions=every)
        assert len(found.frame) == 451
        assert found.frame["adcode"].value_counts().to_dict() == expected
        assert (found.outside, found.misplaced, found.datum.suggested) == (0, 0, None)
        declared: Datum = "gcj02" if actual == "wgs84" else "wgs84"
        wrong = read_facilities(path, facility_type=None, datum=declared, regions=every)
        assert wrong.datum.suggested == actual
        assert any("坐标基准可疑" in note and f"--datum {actual}" in note for note in wrong.notes)


def test_points_lie_in_the_province_and_economic_region_they_state() -> None:
    codes = load_region_codes()
    stated = ["320000", "320S00", "320500", "320581", "320N00", "320582", None]
    placed = pd.DataFrame({"stated_adcode": stated, "adcode": "320581"}).astype(object)
    misplaced = _misplaced(placed, codes[codes["valid_to"].isna()])
    assert misplaced.tolist() == [False, False, False, False, True, True, False]


def test_how_near_a_pair_lies_is_the_offices_to_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of one name 94 m apart, one of them unnamed 47 m from a third."""
    frame = _facilities(
        [("a", "甲医院", 118.8, 32.0), ("b", "甲医院", 118.801, 32.0), ("c", "", 118.8015, 32.0)]
    )
    assert set(find_duplicates(frame).pairs["id_b"]) == {"b", "c"}
    checks = load_import_checks()
    for change, left in (({"duplicate_m": 80.0}, {"c"}), ({"duplicate_unnamed_m": 40.0}, {"b"})):
        other = checks.model_copy(update=change)
        monkeypatch.setattr("data.ingest.duplicates.load_import_checks", lambda other=other: other)
        assert set(find_duplicates(frame).pairs["id_b"]) == left
    near = checks.model_copy(update={"duplicate_m": 80.0})
    monkeypatch.setattr("data.ingest.templates.load_import_checks", lambda: near)
    facility_template(tmp_path / "设施.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "设施.xlsx")["说明"]
    assert any("相距 80 米以内" in str(row[0].value) for row in sheet.iter_rows())
