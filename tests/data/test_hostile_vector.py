"""Spatial files made to exhaust a reader, or to make it do more than read, end with a sentence."""

from __future__ import annotations

import json
import shutil
import sqlite3
import struct
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from data.faults import FaultReport
from data.ingest.vector import VectorLimits, list_layers, read_vector

POINT = '"geometry":{"type":"Point","coordinates":[118.8,32.1]}'
VRT = (
    "<OGRVRTDataSource><OGRVRTLayer name='a'><SrcDataSource>{}</SrcDataSource></OGRVRTLayer>"
    "</OGRVRTDataSource>"
)


def _problem(path: Path, limits: VectorLimits | None = None) -> str:
    with pytest.raises(FaultReport) as caught:
        read_vector(path, limits=limits)
    assert caught.value.faults[0].remedy
    return caught.value.faults[0].problem


def _text(folder: Path, content: str | bytes) -> Path:
    path = folder / "数据.geojson"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def _collection(*properties: str, more: str = "") -> str:
    features = ",".join(f'{{"type":"Feature","properties":{one},{POINT}}}' for one in properties)
    return f'{{"type":"FeatureCollection",{more}"features":[{features}]}}'


def _keys(count: int, first: int = 0) -> str:
    return json.dumps({f"k{i}": i for i in range(first, first + count)})


def _crs(value: str) -> str:
    return f'"crs":{value},'


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (_collection(_keys(200_000)), "不同的字段"),
        (_collection(*[_keys(100, 100 * i) for i in range(6)]), "不同的字段"),
        (_collection(*[_keys(20_000)] * 3), "不同的字段"),
        ('{"type":"FeatureCollection","features":' + "[" * 100_000 + "]" * 100_000 + "}", "嵌套"),
        ('{"a":' * 100_000, "嵌套"),
        (_collection('{"a":' + "9" * 5_000 + "}"), "5,000 个字符"),
        (_collection('{"a":"' + "9" * 1_100_000 + '"}'), "1,100,000 字节"),
        (_collection('{"a":"' + "9" * 9_000_000 + '"}'), "属性值长"),
        ("{}" + VRT.format("x"), "不止一个 JSON"),
        (_collection("{}") + "\n" + VRT.format("x"), "不止一个 JSON"),
        (_collection("{}") + "{}", "不止一个 JSON"),
        ("\n".join([f'{{"type":"Feature","properties":{{}},{POINT}}}'] * 3), "不止一个 JSON"),
        ('{"type":"Topology","objects":{},"arcs":[]}', "TopoJSON"),
        ('{"geometryType":"esriGeometryPoint","features":[]}', "Esri JSON"),
        ('{"type":"Something","features":[]}', "type 是“Something”"),
        ('{"type":["FeatureCollection"],"features":[]}', "没有 GeoJSON 的 type"),
        ('{"type":"Feature","\\u0074ype":"Topology"}', "写了两次"),
        (_collection("{}", more='"type":"Feature",'), "写了两次"),
        ('{"type":"FeatureCollection","features":[]', "没有写完"),
        ('{"type":"FeatureCollection","features":["', "没有写完"),
        (b'{"type":"Feature\x00Collection"}', "空字节"),
        (_collection("{}").encode("utf-16"), "认不出"),
        (b"\xef\xbb\xbf" + b'{"type":"\xff"}', "不是 UTF-8"),
        ("[" + _collection("{}") + "]", "认不出"),
        (_collection("{}", more=_crs('{"type":"link","properties":{"href":"http://127.0.0.1:9/"}}')), "crs"),
        (_collection("{}", more=_crs('{"type":"name","properties":{"name":"http://127.0.0.1:9/"}}')), "crs"),
        (_collection("{}", more=_crs('{"type":"name","properties":{"name":"/vsicurl/http://h/"}}')), "crs"),
        (_collection("{}", more=_crs('"' + "x" * 70_000 + '"')), "crs"),
    ],
)
def test_text_that_is_no_plain_map_ends_with_its_sentence(
    tmp_path: Path, content: str | bytes, problem: str
) -> None:
    assert problem in _problem(_text(tmp_path, content))


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        (VectorLimits(features=3), "要素"),
        (VectorLimits(cells=7), "要素数乘字段数是 8"),
        (VectorLimits(vertices=3), "顶点"),
        (VectorLimits(fields=1), "字段"),
        (VectorLimits(text_bytes=40), "属性文字"),
        (VectorLimits(depth=4), "嵌套"),
    ],
)
def test_bounds_of_text_hold_before_it_is_opened(tmp_path: Path, limits: VectorLimits, problem: str) -> None:
    path = _text(tmp_path, _collection(*['{"a":1,"b":2}'] * 4))
    assert problem in _problem(path, limits)
    assert (
        len(read_vector(path, limits=VectorLimits(features=4, cells=8, vertices=4, fields=2, depth=6))) == 4
    )


def test_pieces_make_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ['引"号', "括}]号", "反斜\\", '\\"', "a,b:c", ""]
    content = _collection(*[json.dumps({"name": name, "n": {"deep": [1, {"x": "}"}]}}) for name in names])
    for size in (1, 2, 3, 7, 50):
        monkeypatch.setattr("data.ingest.geojson_check._BLOCK_BYTES", size)
        assert read_vector(_text(tmp_path, content))["name"].tolist() == names
        assert "不止一个" in _problem(_text(tmp_path, content + "x"))
        assert "没有写完" in _problem(_text(tmp_path, content[:-1]))


def test_a_driver_named_inside_a_valid_text_is_not_opened(tmp_path: Path) -> None:
    other = tmp_path / "other.gpkg"
    gpd.GeoDataFrame({"s": [1]}, geometry=[shapely.Point(1, 1)], crs=4326).to_file(other, driver="GPKG")
    more = f'"a":{json.dumps(VRT.format(other))},'
    read = read_vector(_text(tmp_path, _collection('{"b":5}', more=more)))
    assert read["b"].tolist() == [5]


def test_lone_surrogates_are_text_or_a_fault(tmp_path: Path) -> None:
    path = _text(tmp_path, _collection('{"a":"\\ud800","\\ud801":1}'))
    try:
        assert len(read_vector(path)) == 1
    except FaultReport as report:
        assert report.faults[0].remedy


def test_a_zigzag_of_too_many_vertices_is_told_before_its_validity(tmp_path: Path) -> None:
    ring = [[118 + (i % 2) / 2, 32 + i / 1e6] for i in range(2_000)]
    shape = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    content = json.dumps({"type": "Feature", "properties": {}, "geometry": shape})
    assert "有 2,001 个顶点" in _problem(_text(tmp_path, content), VectorLimits(vertices_per_feature=2_000))


# ── GeoPackage ──


def _functions(database: sqlite3.Connection) -> None:
    """Give the functions that the triggers of a GeoPackage call."""
    database.create_function("ST_IsEmpty", 1, lambda _: 0)
    for name in ("ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY"):
        database.create_function(name, 1, lambda _: 0.0)


def _gpkg(folder: Path, *statements: str, script: str = "", name: str = "数据.gpkg") -> Path:
    path = folder / name
    frame = gpd.GeoDataFrame(
        {"name": ["甲", "乙"], "n": [1, 2]}, geometry=[shapely.Point(118, 32)] * 2, crs=4326
    )
    frame.to_file(path, driver="GPKG", layer="a")
    with closing(sqlite3.connect(path)) as database:
        _functions(database)
        for statement in statements:
            database.execute(statement)
        database.executescript(script)
        database.commit()
    return path


ENDLESS = "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r) SELECT"


@pytest.mark.parametrize(
    ("statements", "problem"),
    [
        (
            [
                "ALTER TABLE gpkg_contents RENAME TO c",
                f"CREATE VIEW gpkg_contents AS {ENDLESS} 'a' AS table_name, 'features' AS data_type FROM r",
            ],
            "视图",
        ),
        (["DROP TABLE gpkg_extensions", f"CREATE VIEW gpkg_extensions AS {ENDLESS} i FROM r"], "视图"),
        (
            [
                "ALTER TABLE gpkg_spatial_ref_sys RENAME TO s",
                "CREATE VIEW gpkg_spatial_ref_sys AS SELECT * FROM s",
            ],
            "视图",
        ),
        (["ALTER TABLE a ADD COLUMN big AS (hex(zeroblob(50000000)))"], "由算式生成"),
        (["ALTER TABLE gpkg_contents ADD COLUMN big AS (hex(zeroblob(50000000)))"], "由算式生成"),
        (["CREATE VIRTUAL TABLE gpkg_x USING fts5(a)"], "虚拟表"),
        (["CREATE VIRTUAL TABLE other USING fts5(a)"], "虚拟表"),
        (["CREATE INDEX odd ON a (hex(name))"], "含有表达式"),
        (["CREATE INDEX odd ON a (name) WHERE n > 1"], "含有表达式"),
        (["UPDATE gpkg_spatial_ref_sys SET definition = hex(zeroblob(100000))"], "一格过长"),
        (["UPDATE a SET name = hex(zeroblob(600000))"], "1,200,000 字节"),
        (["UPDATE a SET geom = zeroblob(21000000)"], "图形有 21.0 MB"),
        (["UPDATE a SET name = zeroblob(26000000)"], "MB"),
        (["CREATE TABLE gpkg_empty (x)", "INSERT INTO gpkg_empty VALUES (hex(zeroblob(60000)))"], "一格过长"),
    ],
)
def test_a_geopackage_that_computes_or_swells_is_refused(
    tmp_path: Path, statements: list[str], problem: str
) -> None:
    assert problem in _problem(_gpkg(tmp_path, *statements))


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        (VectorLimits(features=1), "有 2 个要素"),
        (VectorLimits(cells=5), "要素数乘字段数"),
        (VectorLimits(fields=2), "字段"),
        (VectorLimits(text_chars=2), "3"),
        (VectorLimits(text_bytes=4), "属性文字"),
        (VectorLimits(geometry_bytes=10), "图形有"),
        (VectorLimits(schema_entries=5), "表、索引和触发器"),
        (VectorLimits(registered_rows=2), "登记表行数"),
        (VectorLimits(registered_chars=50), "一格过长"),
    ],
)
def test_bounds_of_a_geopackage_hold(tmp_path: Path, limits: VectorLimits, problem: str) -> None:
    path = _gpkg(tmp_path)
    assert problem in _problem(path, limits)
    assert read_vector(path)["name"].tolist() == ["甲", "乙"]


def test_too_many_layers_are_not_listed(tmp_path: Path) -> None:
    path = _gpkg(tmp_path)
    frame = gpd.GeoDataFrame(geometry=[shapely.Point(118, 32)], crs=4326)
    frame.to_file(path, driver="GPKG", layer="b")
    assert list_layers(path) == ["a", "b"]
    with pytest.raises(FaultReport, match="超过上限 1 个"):
        list_layers(path, limits=VectorLimits(layers=1))


def test_looking_ends_in_time(tmp_path: Path) -> None:
    path = _gpkg(tmp_path)
    with closing(sqlite3.connect(path)) as database:
        rows = ((f"x{i}", "attributes", f"x{i}") for i in range(15_000))
        database.executemany(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES (?,?,?)", rows
        )
        database.commit()
    assert "查看数据库内容超过了" in _problem(path, VectorLimits(look_seconds=0))


@pytest.mark.parametrize("layer", ['a"; DROP TABLE a; --', "a]b", "select", "甲 乙"])
def test_names_of_layers_that_are_sql_are_names(tmp_path: Path, layer: str) -> None:
    path = tmp_path / "名.gpkg"
    gpd.GeoDataFrame({"n": [3]}, geometry=[shapely.Point(118, 32)], crs=4326).to_file(
        path, driver="GPKG", layer=layer
    )
    assert list_layers(path) == [layer]
    assert read_vector(path, layer=layer)["n"].tolist() == [3]


def test_what_lies_beside_a_geopackage_is_not_read(tmp_path: Path) -> None:
    path = _gpkg(tmp_path)
    journal = path.with_name(f"{path.name}-wal")
    with closing(sqlite3.connect(path)) as database:
        _functions(database)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("UPDATE a SET n = 99 WHERE rowid = 1")
        database.commit()
        shutil.copy(journal, tmp_path / "kept")
        shutil.copy(path, tmp_path / "kept.gpkg")
    again = tmp_path / "b.gpkg"
    shutil.copy(tmp_path / "kept.gpkg", again)
    shutil.copy(tmp_path / "kept", tmp_path / "b.gpkg-wal")
    before = sorted(tmp_path.iterdir())
    assert read_vector(again)["n"].tolist() == [1, 2]
    assert sorted(tmp_path.iterdir()) == before


# ── shapefile in a zip ──


def _parts(folder: Path) -> Path:
    target = folder / "parts"
    target.mkdir(exist_ok=True)
    frame = gpd.GeoDataFrame(
        {"name": ["甲", "乙"], "n": [1, 2]}, geometry=[shapely.Point(118, 32)] * 2, crs=4326
    )
    frame.to_file(target / "layer.shp", driver="ESRI Shapefile", encoding="UTF-8")
    return target


def _zipped(folder: Path, parts: Path, method: int = zipfile.ZIP_STORED) -> Path:
    path = folder / "数据.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        for part in sorted(parts.iterdir()):
            archive.write(part, part.name)
    return path


def _put(name: str, place: int, content: bytes) -> Callable[[Path], None]:
    def change(parts: Path) -> None:
        path = parts / name
        data = bytearray(path.read_bytes())
        data[place : place + len(content)] = content
        path.write_bytes(bytes(data))

    return change


def _whole(name: str, content: bytes) -> Callable[[Path], None]:
    return lambda parts: (parts / name).write_bytes(content) and None


DBF, SHX = "layer.dbf", "layer.shx"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (_put(DBF, 10, struct.pack("<H", 0)), "表头与内容不符"),
        (_put(DBF, 10, struct.pack("<H", 1)), "表头与内容不符"),
        (_put(DBF, 10, struct.pack("<H", 60_000)), "表头与内容不符"),
        (_put(DBF, 8, struct.pack("<H", 0)), "表头与内容不符"),
        (_put(DBF, 8, struct.pack("<H", 65_000)), "表头与内容不符"),
        (_put(DBF, 4, struct.pack("<I", 4_000_000_000)), "表头与内容不符"),
        (_put(DBF, 4, struct.pack("<I", 1)), "1 条属性"),
        (_put(DBF, 32 + 16, b"\xff"), "表头与内容不符"),
        (_whole(DBF, b""), "表头与内容不符"),
        (_whole(DBF, bytes(9_000_000)), "表头与内容不符"),
        (_put(SHX, 100, struct.pack(">ii", 2**31 - 1, 10)), "不符"),
        (_put(SHX, 104, struct.pack(">i", 2**31 - 1)), "MB"),
        (_put(SHX, 104, struct.pack(">i", -5)), "不符"),
        (_put(SHX, 100, struct.pack(">i", -5)), "不符"),
        (_whole(SHX, b"\x00\x00\x27\x0a"), "不完整"),
        (_put("layer.shp", 0, b"<OGRVRTDataSource>"), "不是 shapefile 的文件"),
        (_put(SHX, 0, b"SQLite"), "不是 shapefile 的文件"),
        (_whole("layer.prj", b"GEOGCS[" * 20_000), "一格过长"),
    ],
)
def test_parts_that_lie_are_refused(tmp_path: Path, change: Callable[[Path], None], problem: str) -> None:
    parts = _parts(tmp_path)
    change(parts)
    assert problem in _problem(_zipped(tmp_path, parts))


@pytest.mark.parametrize("prj", ["GEOGCS[", 'GEOGCS["a",DATUM["b"]]', "\x00\x01", "EPSG:0", "x" * 900])
def test_a_broken_prj_is_a_fault_in_words(tmp_path: Path, prj: str) -> None:
    parts = _parts(tmp_path)
    (parts / "layer.prj").write_text(prj)
    assert "坐标系" in _problem(_zipped(tmp_path, parts))


def test_a_long_odd_cpg_is_no_matter(tmp_path: Path) -> None:
    parts = _parts(tmp_path)
    (parts / "layer.cpg").write_bytes(b"\xff\x00" * 1_000_000)
    assert read_vector(_zipped(tmp_path, parts))["name"].tolist() == ["甲", "乙"]


def test_other_files_of_the_archive_are_not_unpacked(tmp_path: Path) -> None:
    parts = _parts(tmp_path)
    for name in ("layer.vrt", "layer.qix", "layer.dbt", "layer.shp.xml", "layer.sbn"):
        (parts / name).write_text(VRT.format("/etc/passwd"))
    assert read_vector(_zipped(tmp_path, parts))["n"].tolist() == [1, 2]


def test_one_member_that_swells_is_refused_among_honest_ones(tmp_path: Path) -> None:
    parts = _parts(tmp_path)
    (parts / "layer.dbf").write_bytes(bytes(6_000_000))
    (parts / "noise.bin").write_bytes(np.random.default_rng(1).bytes(3_000_000))
    assert "解开后是压缩前的" in _problem(_zipped(tmp_path, parts, zipfile.ZIP_DEFLATED))


def test_records_of_one_byte_are_too_many_features(tmp_path: Path) -> None:
    head = struct.pack("<BBBBIHH20x", 3, 0, 0, 0, 2_000_000, 65, 2)
    field = b"A".ljust(11, b"\x00") + b"C" + bytes(4) + b"\x01" + bytes(15)
    parts = _parts(tmp_path)
    (parts / DBF).write_bytes(head + field + b"\x0d" + b" " * 4_000_000)
    assert "2,000,000 个要素" in _problem(_zipped(tmp_path, parts))
