"""``sutu circles``: the figures of the analysis, what is missing at a place, and usage faults."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
from typer.testing import CliRunner

import cli
from analysis.circles import CircleRequest, prepare_circles
from analysis.given import gather
from data.store.store import open_store
from geo.crs import ALBERS

ASK = ("circles", "--within", "320300", "--origin", "imported")


def run(*words: str) -> Any:
    return CliRunner(env={"COLUMNS": "200"}).invoke(cli.app, list(words))


@pytest.fixture
def here(xuzhou_data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SUTU_DATA_DIR", str(xuzhou_data_dir))
    return xuzhou_data_dir


def test_json_holds_the_figures_of_the_analysis(here: Path) -> None:
    answer = run(*ASK, "--json")
    assert answer.exit_code == 0, answer.stderr
    rows = json.loads(answer.stdout)
    table = prepare_circles(
        gather(open_store(here), here), CircleRequest(origin="imported", within="320300")
    ).table()
    assert [row["score"] for row in rows] == table["score"].tolist()
    assert [row["missing"] for row in rows] == table["missing"].tolist()
    assert "没有数据不等于没有服务" in answer.stderr
    shown = run(*ASK)
    assert f"{rows[0]['score']:.2%}" in shown.stdout


def test_each_service_is_a_row_and_the_undefined_are_empty(here: Path, tmp_path: Path) -> None:
    out = tmp_path / "each.csv"
    asked = ("--each", "--by", "prefecture", "--tier", "urban", "--format", "csv")
    answer = run(*ASK, *asked, "--out", str(out))
    assert (answer.exit_code, answer.stdout) == (0, "")
    text = out.read_text(encoding="utf-8-sig")
    rows = {row["service"]: row for row in csv.DictReader(io.StringIO(text))}
    lost = run(*ASK, *asked, "--out", str(tmp_path / "nowhere" / "each.csv"))
    assert (lost.exit_code, "无法写入" in lost.stderr) == (1, True)
    assert rows["bus_stop"]["coverage"] == ""
    assert rows["bus_stop"]["reason"] == "数据里没有此类设施"
    assert 0.0 < float(rows["primary_school"]["coverage"]) < 1.0


def test_a_place_says_what_is_missing(here: Path) -> None:
    answer = run(*ASK, "--at", "117.19,34.26", "--json")
    assert answer.exit_code == 0, answer.stderr
    found = json.loads(answer.stdout)
    assert found["tier"] == "urban"
    assert found["measured"] == 5
    assert found["met"] + len(found["missing"]) == 5
    assert {one["service"]: one["met"] for one in found["services"]}["bus_stop"] is None
    shown = run(*ASK, "--at", "117.19,34.26")
    assert "数据里没有此类设施" in shown.stdout


def test_a_geopackage_has_regions_cells_and_facilities(here: Path, tmp_path: Path) -> None:
    path = tmp_path / "服务圈.gpkg"
    asked = ("--by", "prefecture", "--tier", "urban")
    answer = run(*ASK, *asked, "--format", "gpkg", "--out", str(path))
    assert answer.exit_code == 0, answer.stderr
    assert f"已写入 {path}" in answer.stderr.replace("\n", "")
    (row,) = json.loads(run(*ASK, *asked, "--json").stdout)
    (region,) = gpd.read_file(path, layer="circles").to_dict("records")
    assert (region["adcode"], region["score"], region["missing"]) == ("320300", row["score"], row["missing"])
    cells = gpd.read_file(path, layer="cells")
    assert cells.crs.to_epsg() == 4490
    assert cells.geometry.to_crs(ALBERS).area.to_numpy() == pytest.approx(250_000.0, rel=1e-4)
    scored = cells[cells["score"].notna()]
    assert cells.loc[cells["score"].isna(), "missing"].isna().all()
    assert (scored["missing_count"] == scored["missing"].fillna("").str.split().str.len()).all()
    assert ((scored["score"] == 1.0) == (scored["missing_count"] == 0)).all()
    # The region is the sum of its cells.
    lacking = {name for text in scored["missing"].fillna("") for name in text.split()}
    assert row["missing"] in lacking and lacking <= {one["service"] for one in services()}
    assert len(gpd.read_file(path, layer="facilities")) > 100
    for words in (("--format", "gpkg"), ("--format", "gpkg", "--out", str(path), "--at", "117.2,34.26")):
        refused = run(*ASK, *words)
        assert refused.exit_code == 2


def services() -> list[dict[str, str]]:
    answer = run(*ASK, "--each", "--by", "prefecture", "--json")
    found: list[dict[str, str]] = json.loads(answer.stdout)
    return found


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--at", "here"), 2, "经度,纬度"),
        (("--at", "116.4,39.9", "--service", "hospital"), 1, "不在江苏省内"),
        (("--service", "澡堂"), 1, "没有服务"),
        (("--tier", "suburb"), 2, "层级"),
        (("--group", "cats"), 1, "人群"),
        (("--facilities", "x.csv"), 2, "--datum"),
        (("--out", "x.csv"), 2, "--format"),
        (("--scheduler", "tcp://127.0.0.1:1"), 2, "dask"),
        (("--search-minutes", "3"), 1, "搜索半径"),
        (("--within", "999999"), 1, "999999"),
    ],
)
def test_faults_have_their_message_and_code(here: Path, words: tuple[str, ...], code: int, told: str) -> None:
    answer = run("circles", *words)
    assert answer.exit_code == code
    assert told in answer.stderr
