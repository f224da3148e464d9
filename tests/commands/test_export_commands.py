"""``sutu layers``, ``sutu export``, ``sutu atlas``: what they write, and what they refuse with which code."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import geopandas as gpd
import pytest
from typer.testing import CliRunner

from cli import app
from data.ingest.facilities import read_facilities
from data.store.store import Store
from exports.formats import FORMATS

ROOT = Path(__file__).resolve().parents[2]


def run(*words: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(word) for word in words])
    return result.exit_code, result.stdout, result.stderr


def test_layers_are_listed(data_env: Path) -> None:
    code, out, _ = run("layers", "--json")
    told = {one["id"]: one for one in json.loads(out)}
    assert code == 0
    years = {one["name"]: one["options"] for one in told["indicator.population"]["parameters"]}
    assert years["year"] == ["2020", "2010"]
    code, out, _ = run("layers")
    assert code == 0
    assert "population_grid" in out


def test_a_layer_is_written_with_a_note_beside_it(data_env: Path, tmp_path: Path) -> None:
    out = tmp_path / "县.gpkg"
    code, said, _ = run("export", "population_density", "--set", "level=prefecture", "--out", out)
    assert code == 0, said
    frame = gpd.read_file(out, layer="人口密度，设区市，2020 年")
    assert len(frame) == 13
    assert "内部工作图" in (tmp_path / "县.gpkg.说明.txt").read_text(encoding="utf-8")
    assert run("export", "population_density", "--out", out)[0] == 2
    assert run("export", "population_density", "--out", out, "--force", "--fields", "en")[0] == 0
    assert "value" in gpd.read_file(out, layer="人口密度，县（市、区），2020 年").columns


def test_several_layers_in_a_zone_are_packed_with_a_warning(data_env: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.zip"
    words = (
        "export",
        "regions.prefecture",
        "facilities",
        "--format",
        "shp",
        "--crs",
        "EPSG:4549",
        "--out",
        out,
    )
    code, said, _ = run(*words, "--json")
    told = json.loads(said)
    assert code == 0
    assert told["rows"]["regions.prefecture"] == 13
    assert any("三度带" in text for text in told["warnings"])
    with zipfile.ZipFile(out) as package:
        assert {"regions_prefecture_4549.shp", "facilities_2_4549.shp"} <= set(package.namelist())


@pytest.mark.parametrize("form", ["csv", "xlsx", "gpkg", "geojson"])
def test_exported_facilities_can_be_imported_again(
    data_env: Path, built_store: Store, tmp_path: Path, form: str
) -> None:
    out = tmp_path / f"设施{FORMATS[form].suffix}"
    assert (
        run(
            "export",
            "facilities",
            "--set",
            "type=library",
            "--clip",
            "320500",
            "--format",
            form,
            "--out",
            out,
        )[0]
        == 0
    )
    regions = built_store.regions(zoom="full")
    found = read_facilities(out, facility_type=None, datum="cgcs2000", regions=regions).frame
    before = built_store.facilities()
    before = before[(before["type"] == "library") & before["adcode"].fillna("").str.startswith("3205")]
    assert sorted(found["name"]) == sorted(before["name"])
    assert sorted(found["type"]) == ["library"] * len(before)
    assert sorted(found["lon"].round(5)) == sorted(before["lon"].round(5))
    assert sorted(found["adcode"]) == sorted(before["adcode"])


@pytest.fixture
def own_folder(data_env: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["nothing", "--out", "a.gpkg"], 1, "没有图层“nothing”"),
        (["facilities", "--format", "exe", "--out", "a.exe"], 2, "没有导出格式“exe”"),
        (["facilities", "--crs", "EPSG:2437", "--out", "a.gpkg"], 2, "不能导出为坐标系"),
        (["facilities", "--clip", "999999", "--out", "a.gpkg"], 2, "裁剪代码"),
        (["population", "--set", "year=1999", "--out", "a.gpkg"], 1, "没有 1999 年的数据"),
        (["population", "--set", "year", "--out", "a.gpkg"], 2, "名称=值"),
        (["facilities", "--format", "geojson", "--crs", "4549", "--out", "a.geojson"], 1, "只能用经纬度"),
        (["facilities", "--publish", "--out", "a.gpkg"], 1, "第十五条"),
        (["facilities", "--format", "gpkg", "--out", "a.csv"], 1, "应以 .gpkg 结尾"),
        (["facilities", "--out", "no/such/a.gpkg"], 2, "没有文件夹"),
        (["facilities", "regions.county", "--format", "csv", "--out", "a.csv"], 1, "一个文件只放一个图层"),
        (["facilities", "--fields", "fr", "--out", "a.gpkg"], 2, "zh 或 en"),
    ],
)
def test_what_cannot_be_done_is_told(own_folder: Path, words: list[str], code: int, message: str) -> None:
    found, _, said = run("export", *words)
    assert (found, message in said) == (code, True), said
    assert list(own_folder.iterdir()) == []


def test_nothing_is_written_outside_the_allowed_folder(
    data_env: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    monkeypatch.setenv("SUTU_EXPORT_DIR", str(allowed))
    for out in (tmp_path / "a.csv", allowed / ".." / "a.csv"):
        code, _, said = run("export", "regions.province", "--format", "csv", "--out", out)
        assert (code, "SUTU_EXPORT_DIR" in said) == (2, True)
    assert run("export", "regions.province", "--format", "csv", "--out", allowed / "a.csv")[0] == 0
    assert not (tmp_path / "a.csv").exists()


def test_every_format_and_crs_is_in_the_guide() -> None:
    from geo.crs import TARGETS

    guide = (ROOT / "docs" / "guide" / "layer-export.md").read_text(encoding="utf-8")
    commands = (ROOT / "docs" / "guide" / "cli.md").read_text(encoding="utf-8")
    assert [key for key in FORMATS if key not in guide or key not in commands] == []
    assert [key for key in TARGETS if key not in commands] == []
    by_url = (ROOT / "docs" / "guide" / "ogc-api.md").read_text(encoding="utf-8")
    assert "SUTU_OGC" in by_url
