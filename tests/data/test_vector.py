"""Spatial files come in whole or are refused with every fault; nothing of a file decides how it is opened."""

import errno
import json
import resource
import sqlite3
import stat
import warnings
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from data.faults import FaultReport
from data.ingest.vector import VectorLimits, list_layers, read_vector, to_store_datum
from data.ingest.vector_source import prepare
from geo.crs import from_cgcs2000
from geo.errors import UnpackError
from tests.geo.worlds import checkerboard

NAMES = ["玄武区", "秦淮区", "鼓楼区"]


def _frame(crs: object = "EPSG:4490") -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"name": NAMES, "beds": [10, 20, 30]},
        geometry=[shapely.box(118 + i, 32, 119 + i, 33) for i in range(3)],
        crs=crs,
    )


def _gpkg(folder: Path, frame: gpd.GeoDataFrame, name: str = "数据.gpkg", **options: object) -> Path:
    path = folder / name
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame.to_file(path, driver="GPKG", **options)
    return path


def _shapefile(folder: Path, frame: gpd.GeoDataFrame, encoding: str = "UTF-8", stem: str = "layer") -> Path:
    target = folder / "parts"
    target.mkdir(exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame.to_file(target / f"{stem}.shp", driver="ESRI Shapefile", encoding=encoding)
    return target


def _zip(folder: Path, parts: Path, *, leave_out: tuple[str, ...] = (), inside: str = "") -> Path:
    path = folder / "数据.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in sorted(parts.iterdir()):
            if part.suffix not in leave_out:
                archive.write(part, f"{inside}{part.name}")
    return path


def _geojson(folder: Path, content: object, encoding: str = "utf-8") -> Path:
    path = folder / "数据.geojson"
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    path.write_bytes(text.encode(encoding))
    return path


def _feature(geometry: object, **properties: object) -> dict:
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def _collection(*features: dict, **extra: object) -> dict:
    return {"type": "FeatureCollection", "features": list(features), **extra}


def _problems(path: Path, **options: object) -> list[str]:
    with pytest.raises(FaultReport) as caught:
        read_vector(path, **options)
    for fault in caught.value.faults:
        assert fault.file == path.name
        assert fault.remedy
    return [f"{fault.row or ''}:{fault.problem}" for fault in caught.value.faults]


def test_the_three_formats_give_the_same_frame(tmp_path: Path) -> None:
    frame = _frame()
    paths = [
        _gpkg(tmp_path, frame),
        _zip(tmp_path, _shapefile(tmp_path, frame)),
        _geojson(tmp_path, frame.to_json(to_wgs84=True)),
    ]
    for path in paths:
        read = read_vector(path)
        assert read["name"].tolist() == NAMES, path.suffix
        assert read["beds"].tolist() == [10, 20, 30]
        assert read.index.tolist() == [0, 1, 2]
        assert shapely.equals(read.geometry.to_numpy(), frame.geometry.to_numpy()).all()
        assert read.crs.to_epsg() in (4490, 4326)


def test_the_name_of_the_file_decides_nothing(tmp_path: Path) -> None:
    disguised = _gpkg(tmp_path, _frame()).rename(tmp_path / "看似.zip")
    assert read_vector(disguised)["name"].tolist() == NAMES
    text = _geojson(tmp_path, _frame().to_json(to_wgs84=True)).rename(tmp_path / "GPKG:x,y.gpkg")
    assert len(read_vector(text)) == 3


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "文件是空的"),
        (b"\x00\x00\x27\x0a" + bytes(96), "单独的 .shp 文件"),
        (b"Rar!\x1a\x07\x00", "RAR"),
        (b"<OGRVRTDataSource><OGRVRTLayer/></OGRVRTDataSource>", "XML"),
        (b"<kml/>", "XML"),
        (b"name,lon,lat\n1,2,3\n", "认不出"),
        (b"PAR1 rubbish", "Parquet"),
        (b"SQLite format 3\x00" + bytes(200), "不是 GeoPackage"),
        (b"PK\x03\x04 broken", "压缩包已损坏"),
    ],
)
def test_other_formats_are_refused_by_content(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "边界.gpkg"
    path.write_bytes(content)
    found = _problems(path)
    assert len(found) == 1
    assert problem in found[0]


def test_a_missing_file_or_folder_is_a_fault(tmp_path: Path) -> None:
    assert "文件不存在" in _problems(tmp_path / "没有.gpkg")[0]
    assert "不是普通文件" in _problems(tmp_path)[0]


def test_sizes_are_bounded_before_reading(tmp_path: Path) -> None:
    path = _gpkg(tmp_path, _frame())
    assert "超过上限" in _problems(path, limits=VectorLimits(file_bytes=1000))[0]
    assert "有 3 个要素" in _problems(path, limits=VectorLimits(features=2))[0]
    assert "15 个顶点" in _problems(path, limits=VectorLimits(vertices=14))[0]
    assert len(read_vector(path, limits=VectorLimits(features=3, vertices=15))) == 3


def test_a_file_without_crs_is_refused(tmp_path: Path) -> None:
    parts = _shapefile(tmp_path, _frame())
    assert _problems(_zip(tmp_path, parts, leave_out=(".prj",))) == [":文件没有坐标系信息"]
    assert _problems(_gpkg(tmp_path, _frame(None))) == [":文件没有坐标系信息"]


def test_geojson_without_crs_is_wgs84_and_a_legacy_crs_is_kept(tmp_path: Path) -> None:
    feature = _feature({"type": "Point", "coordinates": [118.8, 32.1]}, name="甲")
    assert read_vector(_geojson(tmp_path, _collection(feature))).crs.to_epsg() == 4326
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4549"}}
    assert read_vector(_geojson(tmp_path, _collection(feature, crs=crs))).crs.to_epsg() == 4549


def test_every_broken_geometry_is_listed_by_feature(tmp_path: Path) -> None:
    square = [[[118, 32], [119, 32], [119, 33], [118, 32]]]
    bowtie = [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]
    path = _geojson(
        tmp_path,
        _collection(
            _feature({"type": "Polygon", "coordinates": square}),
            _feature({"type": "Polygon", "coordinates": bowtie}),
            _feature(None),
            _feature({"type": "Polygon", "coordinates": []}),
            _feature({"type": "Polygon", "coordinates": bowtie}),
        ),
    )
    found = _problems(path)
    assert [text.split(":")[0] for text in found] == ["2", "3", "4", "5"]
    assert "Self-intersection" in found[0]
    assert "没有图形" in found[1]
    assert "没有图形" in found[2]


def test_z_is_dropped_and_dates_do_not_trip(tmp_path: Path) -> None:
    feature = _feature({"type": "Point", "coordinates": [118.8, 32.1, 7.5]}, built="2020-01-01", note=None)
    read = read_vector(_geojson(tmp_path, _collection(feature)))
    assert not read.geometry.has_z.any()
    assert read["built"].astype(str).tolist()[0].startswith("2020-01-01")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('{"type": "FeatureCollection", "features": [', "无法读取"),
        ('{"hello": 1}', "无法读取"),
        ('{"type": "FeatureCollection", "features": []}', "没有"),
        (
            '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"a": 1}}]}',
            "没有图形",
        ),
    ],
)
def test_json_that_is_no_map_is_refused(tmp_path: Path, content: str, problem: str) -> None:
    assert problem in _problems(_geojson(tmp_path, content))[0]


def test_geojson_must_be_utf8(tmp_path: Path) -> None:
    content = _collection(_feature({"type": "Point", "coordinates": [118.8, 32.1]}, name="玄武区"))
    assert "不是 UTF-8" in _problems(_geojson(tmp_path, content, encoding="gbk"))[0]
    with_mark = _geojson(tmp_path, content, encoding="utf-8-sig")
    assert read_vector(with_mark)["name"].tolist() == ["玄武区"]


@pytest.mark.parametrize("encoding", ["UTF-8", "CP936"])
@pytest.mark.parametrize("cpg", ["kept", "missing", "wrong"])
def test_chinese_names_of_a_shapefile_survive_whatever_the_cpg_says(
    tmp_path: Path, encoding: str, cpg: str
) -> None:
    parts = _shapefile(tmp_path, _frame(), encoding=encoding)
    dbf = bytearray((parts / "layer.dbf").read_bytes())
    dbf[29] = 0
    (parts / "layer.dbf").write_bytes(dbf)
    if cpg == "wrong":
        (parts / "layer.cpg").write_text("CP936" if encoding == "UTF-8" else "UTF-8")
    path = _zip(tmp_path, parts, leave_out=(".cpg",) if cpg == "missing" else ())
    assert read_vector(path)["name"].tolist() == NAMES


def test_values_cut_in_mid_character_do_not_turn_the_encoding(tmp_path: Path) -> None:
    frame = _frame().assign(name=["玄武区" * 40, "秦淮区", "鼓楼区"])
    path = _zip(tmp_path, _shapefile(tmp_path, frame), leave_out=(".cpg",))
    assert read_vector(path)["name"].tolist()[1:] == ["秦淮区", "鼓楼区"]


def test_a_zip_may_hold_folders_and_extra_files(tmp_path: Path) -> None:
    parts = _shapefile(tmp_path, _frame())
    (parts / "layer.shp.xml").write_text("<metadata/>")
    path = _zip(tmp_path, parts, inside="成果/2024/")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("__MACOSX/._layer.shp", b"resource fork")
    assert read_vector(path)["name"].tolist() == NAMES


def test_a_layer_is_asked_for_where_there_are_several(tmp_path: Path) -> None:
    parts = _shapefile(tmp_path, _frame())
    _shapefile(tmp_path, _frame().iloc[:1], stem="second")
    path = _zip(tmp_path, parts)
    assert "2 个图层" in _problems(path)[0]
    assert len(read_vector(path, layer="second")) == 1
    assert "没有图层“third”" in _problems(path, layer="third")[0]
    geopackage = _gpkg(tmp_path, _frame(), layer="甲")
    _gpkg(tmp_path, _frame().iloc[:2], layer="乙")
    assert sorted(list_layers(geopackage)) == ["乙", "甲"]
    assert "2 个图层" in _problems(geopackage)[0]
    assert len(read_vector(geopackage, layer="乙")) == 2
    assert "没有图层“丙”" in _problems(geopackage, layer="丙")[0]


def test_incomplete_shapefiles_name_what_is_missing(tmp_path: Path) -> None:
    parts = _shapefile(tmp_path, _frame())
    assert "缺少 .dbf" in _problems(_zip(tmp_path, parts, leave_out=(".dbf",)))[0]
    assert "缺少 .shx、.dbf" in _problems(_zip(tmp_path, parts, leave_out=(".dbf", ".shx")))[0]
    assert "没有 .shp" in _problems(_zip(tmp_path, parts, leave_out=(".shp",)))[0]


@pytest.mark.parametrize(
    "name", ["../evil.shp", "/etc/evil.shp", "a/../../evil.shp", "C:\\evil.shp", "..\\evil.shp"]
)
def test_a_zip_that_points_outside_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, b"x")
    assert "越界" in _problems(path)[0]
    assert not (tmp_path.parent / "evil.shp").exists()


def test_a_zip_with_a_link_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    link = zipfile.ZipInfo("layer.shp")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert "符号链接" in _problems(path)[0]


def test_zip_bombs_are_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("layer.shp", bytes(30_000_000))
    assert "解开后是压缩前的" in _problems(path)[0]
    assert "解开后有 30.0 MB" in _problems(path, limits=VectorLimits(unpacked_bytes=29_000_000))[0]
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(30):
            archive.writestr(f"{number}.shp", b"x")
    assert "30 个文件" in _problems(path, limits=VectorLimits(members=20))[0]


def test_sizes_that_lie_in_the_archives_list_do_not_help(tmp_path: Path) -> None:
    parts = _shapefile(tmp_path, _frame())
    path = _zip(tmp_path, parts)
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo("layer.dbf")
    directory = content.rindex(b"layer.dbf") - 46
    content[directory + 24 : directory + 28] = (1).to_bytes(4, "little")
    path.write_bytes(content)
    assert member.file_size > 1
    assert len(_problems(path)) == 1


def test_a_full_disk_is_not_called_a_damaged_archive(tmp_path: Path) -> None:
    path = _zip(tmp_path, _shapefile(tmp_path, _frame()))
    folder = tmp_path / "unpacked"
    folder.mkdir()
    # The kernel's own disk without room: every write to it is refused.
    (folder / "input.dbf").symlink_to("/dev/full")
    with pytest.raises(UnpackError, match=r"数据\.zip.*磁盘已满.*没有发现问题.*腾出空间") as told:
        prepare(path, folder, VectorLimits(), None)
    assert isinstance(told.value.__cause__, OSError)
    assert "损坏" not in str(told.value)


def test_a_limit_on_files_is_not_called_a_damaged_archive(tmp_path: Path) -> None:
    path = _zip(tmp_path, _shapefile(tmp_path, _frame()))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, before[1]))
    try:
        with pytest.raises(UnpackError, match="单个文件大小"):
            read_vector(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert len(read_vector(path)) == len(_frame())


@pytest.mark.parametrize(("number", "why"), [(errno.EDQUOT, "配额"), (errno.EROFS, "只读")])
def test_what_else_refuses_to_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, why: str
) -> None:
    path = _zip(tmp_path, _shapefile(tmp_path, _frame()))
    real = Path.open

    def refuses(self: Path, mode: str = "r", *more: object) -> object:
        if mode == "wb":
            raise OSError(number, "no")
        return real(self, mode, *more)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", refuses)
    with pytest.raises(UnpackError, match=why):
        read_vector(path)


def test_a_zip_with_a_spoilt_byte_is_damaged_wherever_the_disk_stands(tmp_path: Path) -> None:
    path = _zip(tmp_path, _shapefile(tmp_path, _frame()))
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo(next(name for name in archive.namelist() if name.endswith(".shp")))
    content = bytearray(path.read_bytes())
    content[member.header_offset + 30 + len(member.filename.encode()) + member.compress_size // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(FaultReport, match="压缩包已损坏"):
        read_vector(path)


def test_a_password_is_named(tmp_path: Path) -> None:
    path = _zip(tmp_path, _shapefile(tmp_path, _frame()))
    content = bytearray(path.read_bytes())
    start = 0
    while (start := content.find(b"PK\x01\x02", start)) >= 0:
        content[start + 8] |= 1
        start += 4
    path.write_bytes(content)
    assert "密码" in _problems(path)[0]


def test_a_geopackage_cut_in_half_is_refused(tmp_path: Path) -> None:
    path = _gpkg(tmp_path, _frame())
    path.write_bytes(path.read_bytes()[:6000])
    assert len(_problems(path)) == 1


def test_a_view_is_no_layer(tmp_path: Path) -> None:
    path = _gpkg(tmp_path, _frame(), layer="plain")
    with sqlite3.connect(path) as database:
        database.execute("CREATE VIEW sly AS SELECT * FROM plain")
        database.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('sly', 'features', 'sly')"
        )
    database.close()
    assert list_layers(path) == ["plain"]
    assert "没有图层“sly”" in _problems(path, layer="sly")[0]


def test_attributes_alone_are_no_layer(tmp_path: Path) -> None:
    path = _gpkg(tmp_path, _frame())
    with sqlite3.connect(path) as database:
        database.execute("UPDATE gpkg_contents SET data_type = 'attributes'")
    database.close()
    assert "没有矢量图层" in _problems(path)[0]


@pytest.mark.parametrize(
    "crs", ["EPSG:4490", "EPSG:4326", "EPSG:4549", "EPSG:4548", "EPSG:32650", "EPSG:3857"]
)
@pytest.mark.parametrize("datum", ["wgs84", "gcj02", "bd09"])
def test_coordinates_reach_the_store_from_any_projection_and_datum(crs: str, datum: str) -> None:
    truth = _frame("EPSG:4490")
    shifted = truth.set_geometry(
        gpd.GeoSeries(
            shapely.transform(
                truth.geometry.to_numpy(), lambda xy: np.column_stack(from_cgcs2000(*xy.T, datum))
            ),
            crs="EPSG:4490",
        )
    )
    stored = to_store_datum(shifted.to_crs(crs), datum, "x.gpkg")
    assert stored.crs.to_epsg() == 4490
    assert shapely.equals_exact(stored.geometry.to_numpy(), truth.geometry.to_numpy(), tolerance=1e-8).all()
    assert shapely.coverage_is_valid(stored.geometry.to_numpy())
    assert stored["name"].tolist() == NAMES


@pytest.mark.parametrize("crs", ["EPSG:4214", "EPSG:4610", "EPSG:2436"])
def test_other_datums_are_refused_by_name(crs: str) -> None:
    with pytest.raises(FaultReport, match=r"Beijing 1954|Xian 1980"):
        to_store_datum(checkerboard(1, 1).set_crs(crs, allow_override=True), "cgcs2000", "x.gpkg")


def test_metres_passed_off_as_degrees_are_named() -> None:
    wrong = gpd.GeoDataFrame(
        geometry=[shapely.Point(119, 32), shapely.Point(500000, 3500000)], crs="EPSG:4490"
    )
    with pytest.raises(FaultReport) as caught:
        to_store_datum(wrong, "wgs84", "x.gpkg")
    assert [fault.row for fault in caught.value.faults] == [2]
    swapped = gpd.GeoDataFrame(geometry=[shapely.Point(32, 119)], crs="EPSG:4490")
    with pytest.raises(FaultReport, match="颠倒"):
        to_store_datum(swapped, "wgs84", "x.gpkg")
