"""``sutu catchment`` and ``sutu standards``: the figures of the engine, on the right stream."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import cli
from analysis.catchment import TABLE_COLUMNS, CatchmentRequest, prepare_catchment
from analysis.given import gather
from analysis.standards import SUMMARY_COLUMNS, prepare_standards
from commands.catchment import _write_cells
from data.store.store import open_store
from geo.standards import COLUMNS

ASK = ("catchment", "--type", "general_hospital", "--minutes", "60", "--within", "320300")


def run(*words: str) -> Any:
    return CliRunner(env={"COLUMNS": "200"}).invoke(cli.app, list(words))


@pytest.fixture
def here(own_data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SUTU_DATA_DIR", str(own_data_dir))
    return own_data_dir


def test_access_as_json_csv_geopackage_and_on_record(here: Path, tmp_path: Path) -> None:
    answer = run(*ASK, "--json", "--step", "20:1", "--step", "60:0.5")
    assert answer.exit_code == 0, answer.stderr
    rows = json.loads(answer.stdout)
    request = CatchmentRequest(
        types=("general_hospital",), minutes=60.0, within="320300", steps=((20.0, 1.0), (60.0, 0.5))
    )
    table = prepare_catchment(gather(open_store(here), here), request).table()
    assert tuple(rows[0]) == TABLE_COLUMNS
    assert [row["access"] for row in rows] == table["access"].tolist()
    assert [row["gini"] for row in rows] == table["gini"].tolist()
    assert "推定" in answer.stderr and "Σ" in answer.stderr
    out, geopackage, cells = (tmp_path / name for name in ("out.csv", "out.gpkg", "cells.parquet"))
    assert run(*ASK, "--format", "csv", "--out", str(out), "--cells", str(cells)).exit_code == 0
    found = pd.read_parquet(cells).assign(given=lambda cell: cell["access"] * cell["population"])
    sums = found.groupby("adcode")[["given", "population"]].sum()
    plain = prepare_catchment(
        gather(open_store(here), here),
        CatchmentRequest(types=("general_hospital",), minutes=60.0, within="320300"),
    )
    means = plain.table().set_index("adcode")["access"]
    assert (sums["given"] / sums["population"]).to_dict() == pytest.approx(means.to_dict())
    read = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8-sig"))))
    assert len(read) == 10
    assert run(*ASK, "--format", "gpkg", "--out", str(geopackage)).exit_code == 0
    layer = gpd.read_file(geopackage, layer="catchment")
    assert layer["access"].tolist() == [float(row["access"]) for row in read]
    listed = json.loads(run("runs", "--json").stdout)
    assert {entry["kind"] for entry in listed} == {"catchment"}
    again = run("replay", listed[0]["id"])
    assert again.exit_code == 0 and "完全一致" in again.stderr


def test_cells_as_csv_are_those_of_the_table_and_none_runs(tmp_path: Path) -> None:
    cells = pd.DataFrame(
        {"cell_id": [7, 8], "adcode": ["320302", "320303"], "access": [1.25e-7, np.nan], "unit": "张/千人"}
    )
    _write_cells(cells, tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text(encoding="utf-8-sig") == cells.to_csv(index=False)
    _write_cells(cells.assign(unit="\u3000=1"), tmp_path / "b.csv")
    rows = list(csv.reader(io.StringIO((tmp_path / "b.csv").read_text(encoding="utf-8-sig"))))
    assert [row[-1] for row in rows[1:]] == ["'\u3000=1"] * 2


def test_pieces_are_recorded_and_done_again_without_their_scheduler(here: Path) -> None:
    answer = run(*ASK, "--engine", "dask", "--json")
    assert answer.exit_code == 0, answer.stderr
    whole = json.loads(run(*ASK, "--json").stdout)
    assert [row["access"] for row in json.loads(answer.stdout)] == pytest.approx(
        [row["access"] for row in whole], rel=1e-12
    )
    listed = json.loads(run("runs", "--json").stdout)
    (pieces,) = [one for one in listed if one["parameters"]["request"]["engine"] == "dask"]
    again = run("replay", pieces["id"])
    assert again.exit_code == 0 and "完全一致" in again.stderr
    lost = run(*ASK, "--scheduler", "tcp://127.0.0.1:1")
    assert lost.exit_code == 2 and "dask" in lost.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("standards",),
        ("standards", "--within", "320300", "--origin", "implied"),
        ("standards", "--standard", "kindergarten_98", "--year", "2030", "--by", "prefecture"),
    ],
)
def test_standards_are_recorded_and_replayed(here: Path, words: tuple[str, ...]) -> None:
    answer = run(*words, "--json")
    assert answer.exit_code == 0, answer.stderr
    saved = json.loads(run("runs", "--json").stdout)[0]
    assert saved["kind"] == "standards" and saved["id"] in answer.stderr
    again = run("replay", saved["id"], "--json")
    assert again.exit_code == 0 and "完全一致" in again.stderr, again.stderr
    assert json.loads(again.stdout) == json.loads(answer.stdout)
    record = here / "runs" / saved["id"] / "run.json"
    changed = json.loads(record.read_text(encoding="utf-8"))
    changed["parameters"]["request"]["within"] = "320500"
    record.write_text(json.dumps(changed), encoding="utf-8")
    other = run("replay", saved["id"])
    assert other.exit_code == 1 and "不一致" in other.stderr


def test_standards_against_a_file_are_not_on_record(here: Path, tmp_path: Path) -> None:
    path = tmp_path / "园.csv"
    path.write_text("名称,经度,纬度\n甲,117.2,34.26\n", encoding="utf-8")
    more = ("--facilities", str(path), "--datum", "cgcs2000", "--type", "kindergarten")
    answer = run("standards", "--standard", "kindergarten_98", *more)
    assert answer.exit_code == 0, answer.stderr
    assert "运行编号" not in answer.stderr


def test_beds_of_a_file_count_for_one_run(here: Path, tmp_path: Path) -> None:
    seats = open_store(here).region_table("county").loc["320311"]
    path = tmp_path / "养老院.csv"
    path.write_text(
        f"名称,经度,纬度,规模\n甲,{seats['seat_lon']},{seats['seat_lat']},120\n"
        f"乙,{seats['seat_lon']},{seats['seat_lat']},\n",
        encoding="utf-8-sig",
    )
    words = ("catchment", "--type", "elder_care_home", "--minutes", "60", "--measure", "capacity")
    more = ("--facilities", str(path), "--datum", "wgs84", "--demand", "age_60_plus", "--json")
    answer = run(*words, *more, "--by", "province", "--method", "3sfca", "--decay", "gaussian")
    assert answer.exit_code == 0, answer.stderr
    [row] = json.loads(answer.stdout)
    assert row["unit"] == "张/千人"
    assert row["access"] * row["population"] / 1000 == pytest.approx(120.0)
    assert "1 处设施没有规模" in answer.stderr
    assert json.loads(run("runs", "--json").stdout) == []


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--type", "医馆", "--minutes", "30"), 1, "没有设施类型"),
        (("--type", "general_hospital", "--minutes", "0"), 1, "大于 0"),
        (("--type", "general_hospital", "--minutes", "30", "--measure", "capacity"), 1, "没有规模"),
        (("--type", "park", "--minutes", "30"), 1, "没有类型为"),
        (("--type", "general_hospital", "--minutes", "30", "--demand", "cats"), 1, "人群"),
        (("--type", "general_hospital", "--minutes", "30", "--step", "cats"), 2, "分钟:权重"),
        (("--type", "general_hospital", "--minutes", "30", "--format", "gpkg"), 2, "--out"),
        (("--type", "general_hospital", "--minutes", "30", "--facilities", "x.csv"), 2, "--datum"),
        (("--type", "general_hospital", "--minutes", "30", "--decay", "linear"), 2, "--decay"),
        (("--type", "general_hospital", "--minutes", "30", "--cells", "x.txt"), 2, "--cells"),
        (("--type", "general_hospital"), 2, "--minutes"),
    ],
)
def test_faults_of_catchment(data_env: Path, words: tuple[str, ...], code: int, told: str) -> None:
    answer = run("catchment", *words)
    assert answer.exit_code == code
    assert told in answer.stderr


def test_standards_in_all_and_one_by_one(data_env: Path, tmp_path: Path) -> None:
    analysis = prepare_standards(gather(open_store(data_env)))
    answer = run("standards", "--json")
    assert answer.exit_code == 0, answer.stderr
    rows = json.loads(answer.stdout)
    assert tuple(rows[0]) == SUMMARY_COLUMNS and len(rows) >= 25
    summary = analysis.summary()
    assert [row["required"] for row in rows] == summary["required"].tolist()
    assert all(row["doc_no"] and row["seed_line"] for row in rows)
    one = ("standards", "--standard", "township_health_centre_85", "--by", "prefecture")
    answer = run(*one, "--json")
    rows = json.loads(answer.stdout)
    table = analysis.table("township_health_centre_85", level="prefecture")
    assert tuple(rows[0]) == COLUMNS
    assert [row["shortfall"] for row in rows] == table["shortfall"].tolist()
    assert "003:1018" in answer.stderr and "推定" in answer.stderr
    assert "718" in run("standards", "--standard", "township_health_centre_85", "--by", "province").stdout
    out = tmp_path / "缺口.gpkg"
    assert run(*one, "--format", "gpkg", "--out", str(out)).exit_code == 0
    assert len(gpd.read_file(out, layer="standards")) == 13


def test_standards_for_other_people_and_facilities(data_env: Path, tmp_path: Path) -> None:
    projected = run(
        "standards", "--standard", "kindergarten_98", "--year", "2030", "--by", "province", "--json"
    )
    assert projected.exit_code == 0, projected.stderr
    assert "推算" in projected.stderr and "外推" in projected.stderr
    census = run("standards", "--standard", "kindergarten_98", "--by", "province", "--json")
    assert json.loads(projected.stdout)[0]["required"] != json.loads(census.stdout)[0]["required"]
    seats = open_store(data_env).region_table("county").loc["320311"]
    path = tmp_path / "园.csv"
    path.write_text(f"名称,经度,纬度\n园,{seats['seat_lon']},{seats['seat_lat']}\n", encoding="utf-8-sig")
    words = ("standards", "--standard", "kindergarten_98", "--within", "320300", "--json")
    given = run(*words, "--facilities", str(path), "--datum", "wgs84", "--type", "kindergarten")
    assert given.exit_code == 0, given.stderr
    rows = {row["adcode"]: row for row in json.loads(given.stdout)}
    assert (rows["320311"]["provided"], rows["320311"]["surveyed"], rows["320311"]["implied"]) == (1, 1, 0)
    assert rows["320322"]["provided"] == 0 and rows["320322"]["shortfall"] == rows["320322"]["required"]


def test_standards_are_listed_with_their_contradictions(data_env: Path) -> None:
    listed = json.loads(run("standards", "--list", "--json").stdout)
    assert len(listed) == len({row["standard"] for row in listed}) >= 25
    found = json.loads(run("standards", "--contradictions", "--json").stdout)
    assert {"special_school_96", "special_school_115"} <= {row["standard"] for row in found}
    assert run("standards", "--contradictions").exit_code == 0


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--standard", "cats"), 1, "没有标准 cats"),
        (("--year", "2050"), 1, "2035"),
        (("--within", "999999"), 1, "999999"),
        (("--format", "gpkg"), 2, "--out"),
        (("--facilities", "x.csv", "--datum", "wgs84"), 2, "--type"),
    ],
)
def test_faults_of_standards(data_env: Path, words: tuple[str, ...], code: int, told: str) -> None:
    answer = run("standards", *words)
    assert answer.exit_code == code
    assert told in answer.stderr
