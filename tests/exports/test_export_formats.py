"""Every format: rows, types, CRS and texts come back; hostile texts survive or are refused with a message."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as Xml

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyogrio
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from exports.formats import FORMATS, SHEETS, Options, estimated_bytes, find_format, require_allowed
from exports.package import export, safe_name
from exports.style import qml, sld, symbols_of
from exports.vector import DBF_TEXT_BYTES
from geo.crs import TARGETS, target_crs
from geo.errors import ExportError, PublicationError
from geo.export_table import Field, Shading, with_short_names
from tests.exports.export_worlds import csv_rows, sheet_rows, table
from tests.layers.worlds import NOTICE, UNDEFINED

STORE = TARGETS["EPSG:4490"]
VECTOR = ("gpkg", "parquet", "fgb", "geojson", "shp", "kml")
HOSTILE = [
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "“引号\"与'撇号",
    "第一行\n第二行\r\n第三行",
    "😀 表情",
    "长" * 300,
    "\t@SUM(1)",
    "]]>&amp;</name>",
    "a'; DROP TABLE x; --",
    " 前后空格 ",
]


def write(layer: object, form: str, folder: Path, **more: object) -> Path:
    options = Options(form, more.pop("target", STORE), **more)  # type: ignore[arg-type]
    out = folder / ("out.zip" if form == "shp" else f"out{FORMATS[form].suffix}")
    export([layer], out, options)  # type: ignore[list-item]
    return out


def read(path: Path) -> gpd.GeoDataFrame:
    """Return what another reader (GDAL, or pyarrow for Parquet) finds in a file."""
    if path.suffix == ".parquet":
        return gpd.read_parquet(path)
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as package:
            package.extractall(path.parent / "open")
        path = next((path.parent / "open").glob("*.shp"))
    names = [name for name, _ in pyogrio.list_layers(path) if name != "layer_styles"]
    frame = gpd.read_file(path, layer=names[0])
    # FlatGeobuf keeps rows in the order of its index.
    return frame.sort_values("整数", ignore_index=True) if path.suffix == ".fgb" else frame


def texts_of(path: Path, form: str) -> list[str]:
    if form == "csv":
        return [row[0] for row in csv_rows(path)[1:]]
    if form == "xlsx":
        return ["" if row[0] is None else str(row[0]) for row in sheet_rows(path)[1:]]
    frame = read(path)
    return ["" if pd.isna(text) else str(text) for text in frame["name" if form == "shp" else "名称"]]


@pytest.mark.parametrize("form", VECTOR)
def test_a_vector_format_gives_back_rows_types_and_shapes(form: str, tmp_path: Path) -> None:
    layer = table(["甲", "乙", "丙"], values=[1.5, np.nan, 2.25], chunk_rows=2)
    frame = read(write(layer, form, tmp_path))
    names = [one.short if form == "shp" else one.title for one in layer.fields]
    assert len(frame) == 3
    assert list(frame[names[0]]) == ["甲", "乙", "丙"]
    assert frame[names[1]].tolist() == pytest.approx([1.5, np.nan, 2.25], nan_ok=True)
    assert frame[names[2]].tolist() == [2**40, 2**40 + 1, 2**40 + 2]
    assert [int(value) for value in frame[names[3]]] == [1, 0, 1]
    expected = layer.frame().geometry.to_numpy()
    assert shapely.hausdorff_distance(frame.geometry.to_numpy(), expected).max() < 1e-7
    assert frame.crs.to_epsg() == (4326 if form in {"geojson", "kml"} else 4490)


@pytest.mark.parametrize("kind", ["point", "line"])
@pytest.mark.parametrize("form", VECTOR)
def test_places_and_lines_leave_too(form: str, kind: str, tmp_path: Path) -> None:
    frame = read(write(table(["甲", "乙"], geometry=kind), form, tmp_path))
    assert len(frame) == 2
    expected = {"point": {"Point"}, "line": {"LineString", "MultiLineString"}}[kind]
    assert set(frame.geom_type) <= expected


@pytest.mark.parametrize("form", [*VECTOR, "csv", "xlsx"])
def test_hostile_texts_come_back_as_they_were(form: str, tmp_path: Path) -> None:
    out = write(table(HOSTILE), form, tmp_path)
    found = texts_of(out, form)
    if form == "csv":
        found = [text.removeprefix("'") for text in found]
    if form == "shp":
        # A DBF drops spaces at the end, and the long text is cut; the whole of it is beside it.
        assert found[5].endswith("…")
        assert len(found[5].encode()) <= DBF_TEXT_BYTES
        whole = csv_rows(next((tmp_path / "open").glob("*_long_texts.csv")))
        assert whole[1] == ["6", "name", HOSTILE[5]]
        assert [text.rstrip() for text in found[:5]] == [text.rstrip() for text in HOSTILE[:5]]
        return
    if form == "kml":
        # GDAL's reader trims; the file itself is read below.
        root = Xml.parse(out).getroot()
        space = "{http://www.opengis.net/kml/2.2}"
        cells = [node for node in root.iter(f"{space}SimpleData") if node.get("name") == "名称"]
        assert [node.text for node in cells] == [text.replace("\r\n", "\n") for text in HOSTILE]
        return
    if form == "xlsx":
        assert [text.replace("\r\n", "\n") for text in found] == [
            text.replace("\r\n", "\n") for text in HOSTILE
        ]
        return
    assert found == HOSTILE


TEXT = st.text(st.characters(codec=None, exclude_characters=""), max_size=40)


@given(texts=st.lists(TEXT, min_size=1, max_size=4))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("form", ["gpkg", "parquet", "geojson", "fgb", "csv", "xlsx", "kml", "dxf"])
def test_any_text_survives_or_is_refused(
    form: str, texts: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("any")
    try:
        out = write(table(texts), form, folder)
    except ExportError as fault:
        bad = any(_unfit(text, form) for text in texts)
        assert bad, (texts, str(fault))
        assert "第" in str(fault)
        assert list(folder.iterdir()) == []
        return
    assert not any("\0" in text for text in texts)
    if form in {"kml", "dxf"}:
        assert out.stat().st_size > 0
        return
    found = texts_of(out, form)
    expected = [text.replace("\r\n", "\n").replace("\r", "\n") if form == "xlsx" else text for text in texts]
    if form == "csv":
        assert [text.removeprefix("'") for text in found] == [text.removeprefix("'") for text in expected]
        assert not any(text.lstrip()[:1] in set("=+-@") for text in found)
    elif form == "xlsx":
        assert [text.replace("\r\n", "\n").replace("\r", "\n").strip() for text in found] == [
            text.strip() for text in expected
        ]
    else:
        assert found == expected


def _unfit(text: str, form: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    control = {chr(n) for n in range(1, 32)} - {"\t", "\n", "\r"} | {"\ufffe", "\uffff"}
    return "\0" in text or (form in {"kml", "xlsx", "dxf"} and bool(control & set(text)))


def test_no_cell_of_a_workbook_is_a_formula(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(write(table(HOSTILE), "xlsx", tmp_path))
    assert book.sheetnames == ["测试图层", "字段", "来源", "说明"]
    assert all(cell.data_type != "f" for sheet in book for row in sheet.iter_rows() for cell in row)
    kinds = [cell.data_type for cell in book.worksheets[0][2]]
    assert kinds == ["s", "n", "n", "b", "n", "n"]
    book.close()


def test_a_geopackage_has_looks_titles_and_metadata(tmp_path: Path) -> None:
    two = [table(["甲", "乙"], title="图层一", layer_id="a"), table(["丙"], title="图层一", layer_id="b")]
    out = tmp_path / "two.gpkg"
    export(two, out, Options("gpkg", STORE))
    assert [name for name, _ in pyogrio.list_layers(out)] == ["图层一", "图层一（2）", "layer_styles"]
    with sqlite3.connect(out) as file:
        styles = file.execute(
            "SELECT f_table_name, f_geometry_column, useAsDefault, styleQML, styleSLD FROM layer_styles"
        )
        rows = styles.fetchall()
        assert [(row[0], row[1], row[2]) for row in rows] == [
            ("图层一", "geom", 1),
            ("图层一（2）", "geom", 1),
        ]
        for row in rows:
            Xml.fromstring(row[3].partition("\n")[2])
            Xml.fromstring(row[4])
        titles = dict(
            file.execute("SELECT column_name, title FROM gpkg_data_columns WHERE table_name = '图层一'")
        )
        assert titles == {"名称": "name", "数值": "value", "整数": "whole", "标志": "flag"}
        texts = [text for (text,) in file.execute("SELECT metadata FROM gpkg_metadata")]
        assert len(texts) == 2
        for part in ("测试口径", "测试来源", "测试边界", "0123", NOTICE):
            assert part in texts[0]
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    file.close()


def test_the_look_has_a_rule_for_each_class_in_the_colours_of_the_legend() -> None:
    layer = table(["a", "b", "c", "d"], values=[1.0, 2.0, 3.0, np.nan])
    symbols = symbols_of(layer)
    assert [one.colour for one in symbols.entries] == ["#edf8b1", "#7fcdbb", "#2c7fb8"]
    assert [symbols.colour_of(value) for value in (1.0, 2.04, 3.0, np.nan, None)] == [
        "#edf8b1",
        "#7fcdbb",
        "#2c7fb8",
        UNDEFINED,
        UNDEFINED,
    ]
    style = Xml.fromstring(qml(symbols, '数"值').partition("\n")[2])
    rules = [rule.get("filter") for rule in style.iter("rule")]
    assert rules == [
        'round("数""值", 1) <= 1.0',
        'round("数""值", 1) > 1.0 AND round("数""值", 1) <= 2.0',
        'round("数""值", 1) > 2.0 AND round("数""值", 1) <= 3.0',
        '"数""值" IS NULL',
    ]
    assert "#2c7fb8" in sld(symbols, "数值", "层")
    kinds = Shading("categories", "name", colours={"甲": "#000000"}, labels={"甲": "<甲>"})
    named = symbols_of(replace(layer, shading=kinds, values=None))
    assert Xml.fromstring(qml(named, "名称").partition("\n")[2]).find(".//category").get("label") == "<甲>"  # type: ignore[union-attr]


def test_geoparquet_says_its_crs_and_bounds(tmp_path: Path) -> None:
    out = write(table(["甲", "乙"]), "parquet", tmp_path, target=target_crs("albers"))
    told = json.loads(parquet.read_metadata(out).metadata[b"geo"])
    column = told["columns"]["geometry"]
    assert told["version"] == "1.1.0"
    assert column["crs"]["type"] == "ProjectedCRS"
    assert column["bbox"] == pytest.approx(read(out).total_bounds.tolist())
    gcj = write(table(["甲"]), "parquet", tmp_path, target=target_crs("gcj02"))
    assert json.loads(parquet.read_metadata(gcj).metadata[b"geo"])["columns"]["geometry"]["crs"] is None


def test_geojson_follows_rfc_7946(tmp_path: Path) -> None:
    told = json.loads(write(table(["甲"]), "geojson", tmp_path).read_text(encoding="utf-8"))
    assert "crs" not in told
    ring = told["features"][0]["geometry"]["coordinates"][0][0]
    assert shapely.LinearRing(ring).is_ccw


def test_a_shapefile_has_ascii_names_a_code_page_and_a_table_of_fields(tmp_path: Path) -> None:
    long = [Field(f"population_group_{n}", f"人口{n}", "") for n in range(12)]
    assert [one.short for one in with_short_names(long)][:2] == ["population", "populati_2"]
    assert len({one.short.lower() for one in with_short_names(long)}) == 12
    with zipfile.ZipFile(write(table(["甲"]), "shp", tmp_path)) as package:
        names = package.namelist()
        assert {"test_layer.shp", "test_layer.dbf", "test_layer.cpg", "test_layer.prj"} <= set(names)
        assert package.read("test_layer.cpg") == b"UTF-8"
        assert "名称" in package.read("test_layer_fields.csv").decode("utf-8-sig")


def test_the_html_map_shows_text_as_text_and_asks_for_nothing(tmp_path: Path) -> None:
    page = write(table(HOSTILE, title="<b>标题</b>"), "html", tmp_path).read_text(encoding="utf-8")
    body = page.partition('id="data">')[2].partition("</script>")[0]
    assert "<" not in body
    told = json.loads(body)
    assert [one["properties"]["name"] for one in told["layers"][0]["features"]] == HOSTILE
    assert "<title>&lt;b&gt;标题&lt;/b&gt;</title>" in page
    assert "src=" not in page.partition("<script>")[0]
    assert "@import" not in page
    assert NOTICE in body


@pytest.mark.parametrize("form", [one for one in FORMATS if one not in SHEETS])
def test_a_package_says_what_it_is(form: str, tmp_path: Path) -> None:
    out = tmp_path / "包.zip"
    done = export([table(["甲"]), table(["乙"], title="二", layer_id="x.y")], out, Options(form, STORE))
    with zipfile.ZipFile(out) as package:
        assert package.testzip() is None
        assert {"说明.txt", "字段.csv", "来源.csv", "许可.txt"} <= set(package.namelist())
        text = package.read("说明.txt").decode()
    for part in ("测试口径", "测试来源", "测试边界", "数据版本：0123", NOTICE, "EPSG:4490"):
        assert part in text
    assert done.rows == {"test.layer": 1, "x.y": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["包.zip"]


def test_encrypted_coordinates_are_marked_and_never_published(tmp_path: Path) -> None:
    out = tmp_path / "g.zip"
    done = export([table(["甲"])], out, Options("geojson", target_crs("gcj02")))
    assert any("加密坐标" in text for text in done.warnings)
    with zipfile.ZipFile(out) as package:
        assert "测试图层_gcj02.geojson" in package.namelist()
        assert "不得公开出版" in package.read("说明.txt").decode()
    with pytest.raises(PublicationError, match="加密坐标"):
        require_allowed(Options("geojson", target_crs("bd09"), approval="苏S(2023)5号", publish=True))


def test_publication_without_an_approval_is_refused_with_the_rule(tmp_path: Path) -> None:
    with pytest.raises(PublicationError, match=r"《地图管理条例》.*第十五条"):
        export([table(["甲"])], tmp_path / "a.gpkg", Options("gpkg", STORE, publish=True))
    with pytest.raises(PublicationError, match="不是审图号"):
        export([table(["甲"])], tmp_path / "a.gpkg", Options("gpkg", STORE, approval="没有", publish=True))
    assert list(tmp_path.iterdir()) == []
    out = tmp_path / "a.zip"
    export([table(["甲"])], out, Options("gpkg", STORE, approval="苏S(2023)5号", publish=True))
    with zipfile.ZipFile(out) as package:
        text = package.read("说明.txt").decode()
    assert "审图号：苏S(2023)5号" in text
    assert NOTICE not in text


@pytest.mark.parametrize(
    ("form", "crs", "message"),
    [
        ("geojson", "4549", "经纬度"),
        ("kml", "gcj02", "EPSG:4326"),
        ("html", "3857", "自带投影"),
        ("pdf", "4326", "自带投影"),
    ],
)
def test_a_crs_a_format_cannot_have_is_refused(form: str, crs: str, message: str) -> None:
    with pytest.raises(ExportError, match=message):
        require_allowed(Options(form, target_crs(crs)))


@pytest.mark.parametrize("text", ["", "exe", "gpkg;", "../gpkg"])
def test_an_unknown_format_is_refused_with_the_choices(text: str) -> None:
    with pytest.raises(ExportError, match="gpkg、parquet"):
        find_format(text)


@given(st.text(max_size=200))
@settings(max_examples=100)
def test_a_file_name_never_leads_elsewhere(text: str) -> None:
    name = safe_name(text)
    assert name
    assert Path(name).name == name
    assert not name.startswith(".")
    assert not set(name) & set('\\/:*?"<>|\0\n')


def test_an_error_on_the_way_leaves_nothing(tmp_path: Path) -> None:
    layer = table(["好", "坏\0"], chunk_rows=1)
    with pytest.raises(ExportError, match=r"第 2 行“名称”"):
        export([layer], tmp_path / "a.zip", Options("gpkg", STORE))
    assert list(tmp_path.iterdir()) == []

    def broken() -> Callable[[], object]:
        raise RuntimeError("chunk")

    with pytest.raises(RuntimeError, match="chunk"):
        export([replace(layer, chunks=broken)], tmp_path / "a.zip", Options("gpkg", STORE))  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_what_was_there_stays_when_an_export_fails(tmp_path: Path) -> None:
    out = tmp_path / "a.gpkg"
    export([table(["甲"])], out, Options("gpkg", STORE))
    before = out.read_bytes()
    with pytest.raises(ExportError):
        export([table(["\0"])], out, Options("gpkg", STORE))
    assert out.read_bytes() == before


def test_rows_of_all_chunks_are_written(tmp_path: Path) -> None:
    layer = table([str(n) for n in range(2_500)], chunk_rows=700)
    for form in ("gpkg", "parquet", "csv"):
        out = write(layer, form, tmp_path)
        rows = csv_rows(out)[1:] if form == "csv" else read(out)
        assert len(rows) == 2_500
    assert isinstance(read(tmp_path / "out.gpkg"), pd.DataFrame)


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_table_is_about_as_large_as_was_said(form: str, tmp_path: Path) -> None:
    layer = table([f"名称{n}" for n in range(3_000)])
    told = estimated_bytes(layer.rows, 60_000, FORMATS[form], areas=True)
    assert 0.25 < write(layer, form, tmp_path).stat().st_size / told < 4


def test_a_picture_does_not_grow_with_its_areas() -> None:
    for form in (*SHEETS, "html"):
        sizes = {estimated_bytes(rows, 270, FORMATS[form], areas=True) for rows in (30_000, 388_607)}
        assert len(sizes) == 1
        assert max(sizes) < 2_000_000
    assert estimated_bytes(388_607, 270, FORMATS["gpkg"], areas=True) > 50_000_000
