"""``sutu coverage``, ``sutu runs``, ``sutu replay``: the figures of the engine, on the right stream."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
from typer.testing import CliRunner

import cli
from analysis.coverage import CoverageRequest, prepare_coverage
from analysis.given import gather
from data.store.store import open_store
from geo.crs import from_cgcs2000
from tests.real_data import real_path

KEYS = {
    "adcode",
    "name",
    "level",
    "population",
    "covered_population",
    "population_coverage",
    "area_km2",
    "covered_area_km2",
    "area_coverage",
    "mean_minutes",
    "unreachable_population",
    "edge",
}
ASK_REAL = ("coverage", "--type", "hospital", "--minutes", "30", "--within", "320300")
ASK = ("coverage", "--type", "general_hospital", "--minutes", "45", "--within", "320300")


def run(*words: str) -> Any:
    return CliRunner(env={"COLUMNS": "200"}).invoke(cli.app, list(words))


@pytest.fixture
def here(own_data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SUTU_DATA_DIR", str(own_data_dir))
    return own_data_dir


def test_json_holds_the_figures_of_the_engine(here: Path) -> None:
    answer = run(*ASK, "--format", "json")
    assert answer.exit_code == 0, answer.stderr
    rows = json.loads(answer.stdout)
    assert len(rows) == 10
    assert set(rows[0]) >= KEYS
    request = CoverageRequest(types=("general_hospital",), within="320300")
    table = prepare_coverage(gather(open_store(here), here), request).table(45.0)
    assert [row["covered_population"] for row in rows] == table["covered_population"].tolist()
    assert [row["population_coverage"] for row in rows] == table["population_coverage"].tolist()
    assert "推定" in answer.stderr
    assert "直线距离" in answer.stderr


def test_csv_and_table_and_geopackage_say_the_same(here: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    assert run(*ASK, "--format", "csv", "--out", str(out)).exit_code == 0
    rows = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8-sig"))))
    geopackage = tmp_path / "out.gpkg"
    assert run(*ASK, "--format", "gpkg", "--out", str(geopackage)).exit_code == 0
    layer = gpd.read_file(geopackage, layer="coverage")
    assert layer.crs.to_epsg() == 4490
    assert layer["adcode"].tolist() == [row["adcode"] for row in rows]
    assert layer["covered_population"].tolist() == [float(row["covered_population"]) for row in rows]
    assert set(gpd.read_file(geopackage, layer="facilities")["precision"]) == {"implied"}
    shown = run(*ASK)
    assert f"{float(rows[0]['covered_population']):,.0f}" in shown.stdout


def test_a_run_is_recorded_and_replayed(here: Path) -> None:
    assert run(*ASK).exit_code == 0
    listed = json.loads(run("runs", "--json").stdout)
    assert [entry["kind"] for entry in listed] == ["coverage"]
    again = run("replay", listed[0]["id"])
    assert again.exit_code == 0
    assert "完全一致" in again.stderr
    record = here / "runs" / listed[0]["id"] / "run.json"
    changed = json.loads(record.read_text(encoding="utf-8"))
    changed["parameters"]["minutes"] = 20.0
    record.write_text(json.dumps(changed), encoding="utf-8")
    other = run("replay", listed[0]["id"])
    assert other.exit_code == 1
    assert "不一致" in other.stderr


def test_a_file_of_facilities_counts_for_one_run_only(here: Path, tmp_path: Path) -> None:
    seats = open_store(here).region_table("county").loc[["320311"]].iloc[0]
    path = tmp_path / "医院.csv"
    path.write_text(
        f"名称,经度,纬度\n试验医院,{seats['seat_lon']},{seats['seat_lat']}\n", encoding="utf-8-sig"
    )
    answer = run(*ASK, "--facilities", str(path), "--datum", "wgs84", "--format", "json")
    assert answer.exit_code == 0, answer.stderr
    rows = {row["adcode"]: row for row in json.loads(answer.stdout)}
    assert rows["320311"]["covered_population"] > 0
    assert rows["320321"]["covered_population"] == 0
    assert json.loads(run("runs", "--json").stdout) == []


def test_real_points_cover_the_same_people_whatever_datum_they_come_in(
    data_env: Path, tmp_path: Path
) -> None:
    points = pd.read_csv(real_path("facilities_xuzhou_osm/xuzhou_osm_facilities_451.csv"))
    points = points[points["shelter_type"] == "hospital"]
    answers = {}
    for datum in ("wgs84", "cgcs2000", "gcj02", "bd09"):
        lon, lat = from_cgcs2000(points["lon"], points["lat"], datum)
        table = pd.DataFrame({"名称": points["shelter_name"], "经度": lon, "纬度": lat})
        path = tmp_path / f"{datum}.csv"
        table.to_csv(path, index=False)
        answer = run(*ASK_REAL, "--facilities", str(path), "--datum", datum, "--format", "json")
        assert answer.exit_code == 0, answer.stderr
        answers[datum] = pd.DataFrame(json.loads(answer.stdout)).set_index("adcode")
    truth = answers.pop("wgs84")
    assert len(truth) == 10 and truth["covered_population"].sum() > 1_000_000
    for found in answers.values():
        pd.testing.assert_frame_equal(found, truth, rtol=1e-9)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--type", "医馆", "--minutes", "30"), 1, "没有设施类型"),
        (("--type", "hospital", "--minutes", "-1"), 1, "阈值"),
        (("--type", "hospital", "--minutes", "30", "--within", "999999"), 1, "999999"),
        (("--type", "hospital", "--minutes", "30", "--group", "cats"), 1, "人群"),
        (("--type", "hospital", "--minutes", "30", "--format", "gpkg"), 2, "--out"),
        (("--type", "hospital", "--minutes", "30", "--facilities", "x.csv"), 2, "--datum"),
        (("--type", "hospital", "--minutes", "30", "--scheduler", "tcp://127.0.0.1:1"), 2, "dask"),
        (("--type", "hospital"), 2, "--minutes"),
    ],
)
def test_faults_have_their_message_and_code(
    data_env: Path, words: tuple[str, ...], code: int, told: str
) -> None:
    answer = run("coverage", *words)
    assert answer.exit_code == code
    assert told in answer.stderr
