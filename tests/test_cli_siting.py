"""``sutu siting``: the figures of the analysis, a scenario saved and replayed, and usage faults."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
from typer.testing import CliRunner

import cli
from analysis.coverage import CoverageRequest, covered_types
from analysis.given import gather
from analysis.siting import SitingRequest, prepare_siting
from data.store.store import open_store
from tests.made_once import RUNS

ASK = (
    *("siting", "--type", "hospital", "--mode", "ebike", "--minutes", "15"),
    *("--within", "320300", "--origin", "imported"),
)


def run(*words: str) -> Any:
    return CliRunner(env={"COLUMNS": "200"}).invoke(cli.app, list(words))


@pytest.fixture(scope="module")
def folder(xuzhou_data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(xuzhou_data_dir, tmp_path_factory.mktemp("siting-cli") / "data", ignore=RUNS))


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SUTU_DATA_DIR", str(folder))
    return folder


def test_json_holds_the_figures_of_the_analysis(here: Path) -> None:
    answer = run(*ASK, "--add", "10", "--json")
    assert answer.exit_code == 0, answer.stderr
    found = json.loads(answer.stdout)
    coverage = CoverageRequest(covered_types(["hospital"]), mode="ebike", origin="imported", within="320300")
    analysis = prepare_siting(gather(open_store(here), here), SitingRequest(coverage, 15.0, add=10))
    assert [site["gain"] for site in found["sites"]] == analysis.sites()["gain"].tolist()
    assert [row["gained"] for row in found["regions"]] == analysis.comparison()["gained"].tolist()
    assert found["summary"]["covered_after"] == analysis.summary()["covered_after"]
    assert len(found["curve"]) == 21
    shown = run(*ASK, "--add", "10")
    assert f"{found['sites'][0]['gain']:,.0f} 人" in shown.stdout
    assert "与上界相差不超过" in shown.stderr
    assert "直线距离" in shown.stderr


def test_a_plan_is_saved_and_replayed(here: Path) -> None:
    answer = run(*ASK, "--open", "117.95,34.31", "--save", "邳州一处", "--format", "csv")
    assert answer.exit_code == 0, answer.stderr
    rows = {row["adcode"]: row for row in csv.DictReader(io.StringIO(answer.stdout))}
    assert float(rows["320382"]["gained"]) > 100_000
    saved = json.loads(run("runs", "--json").stdout)[0]
    assert (saved["kind"], saved["parameters"]["name"]) == ("siting", "邳州一处")
    again = run("replay", saved["id"])
    assert again.exit_code == 0, again.stderr
    assert "完全一致" in again.stderr
    record = here / "runs" / saved["id"] / "run.json"
    changed = json.loads(record.read_text(encoding="utf-8"))
    changed["parameters"]["request"]["minutes"] = 5.0
    record.write_text(json.dumps(changed), encoding="utf-8")
    other = run("replay", saved["id"])
    assert other.exit_code == 1
    assert "最多相差" in other.stderr


def test_candidates_of_a_file_are_checked(here: Path, tmp_path: Path) -> None:
    path = tmp_path / "候选.csv"
    path.write_text("名称,经度,纬度\n甲,117.95,34.31\n乙,117.20,34.26\n", encoding="utf-8-sig")
    good = run(*ASK, "--add", "1", "--sites", str(path), "--datum", "cgcs2000", "--json")
    assert good.exit_code == 0, good.stderr
    assert [site["name"] for site in json.loads(good.stdout)["sites"]] == ["甲"]
    kept = run(*ASK, "--add", "1", "--sites", str(path), "--datum", "gcj02", "--save", "取自文件", "--json")
    assert kept.exit_code == 0, kept.stderr
    path.rename(tmp_path / "别处.csv")
    saved = json.loads(run("runs", "--json").stdout)[0]
    assert [site[0] for site in saved["parameters"]["request"]["sites"]] == ["甲", "乙"]
    again = run("replay", saved["id"])
    assert (again.exit_code, "完全一致" in again.stderr) == (0, True), again.stderr
    (tmp_path / "别处.csv").rename(path)
    many = run(*ASK, "--add", "3", "--sites", str(path), "--datum", "cgcs2000")
    assert many.exit_code == 1
    assert "候选点只有 2 个" in many.stderr
    path.write_text("名称,经度,纬度\n甲,abc,34.31\n乙,116.4,39.9\n,,34.2\n", encoding="utf-8")
    bad = run(*ASK, "--add", "1", "--sites", str(path), "--datum", "cgcs2000")
    assert bad.exit_code == 1
    for place in ("第 2 行，“经度”列", "第 3 行，“经度”列：“乙”", "第 4 行，“经度”列：没有经度"):
        assert place in bad.stderr


def test_a_geopackage_has_regions_sites_and_facilities(here: Path, tmp_path: Path) -> None:
    path = tmp_path / "选址.gpkg"
    answer = run(*ASK, "--add", "3", "--format", "gpkg", "--out", str(path))
    assert answer.exit_code == 0, answer.stderr
    found = json.loads(run(*ASK, "--add", "3", "--json").stdout)
    regions = gpd.read_file(path, layer="siting").set_index("adcode")
    for row in found["regions"]:
        assert regions.loc[row["adcode"], "gained"] == row["gained"]
    sites = gpd.read_file(path, layer="sites")
    assert sites["name"].tolist() == [site["name"] for site in found["sites"]]
    assert sites.geometry.x.tolist() == pytest.approx([site["lon"] for site in found["sites"]])
    places = gpd.read_file(path, layer="facilities")
    assert len(places) == found["summary"]["facilities_after"]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--add", "10", "--candidates", "townships"), 1, "候选点只有"),
        (("--open", "116.4,39.9"), 1, "不在江苏省内"),
        (("--open", "here"), 2, "--open"),
        (("--move", "117,34"), 2, "--move"),
        (("--close", "nobody"), 1, "nobody"),
        (("--add", "1", "--sites", "x.csv"), 2, "--datum"),
        (("--add", "1", "--minutes", "-1"), 1, "阈值"),
        (("--group", "cats"), 1, "人群"),
        (("--out", "x.csv"), 2, "--format"),
        (("--scheduler", "tcp://127.0.0.1:1"), 2, "dask"),
    ],
)
def test_faults_have_their_message_and_code(here: Path, words: tuple[str, ...], code: int, told: str) -> None:
    answer = run(*ASK, *words)
    assert answer.exit_code == code
    assert told in answer.stderr
