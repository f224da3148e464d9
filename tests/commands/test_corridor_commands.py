from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli import app

runner = CliRunner()


def run(*arguments: str) -> Result:
    return runner.invoke(app, list(arguments))


@pytest.mark.usefixtures("data_env")
def test_families_are_counted_and_a_family_is_listed() -> None:
    counted = run("corridors")
    assert counted.exit_code == 0
    assert "高速铁路六纵六横" in counted.output
    listed = run("corridors", "--family", "高速铁路六纵六横")
    assert listed.output.count("苏政办发〔2021〕76号") == 12
    assert run("corridors", "--family", "空中走廊").exit_code == 2


@pytest.mark.usefixtures("data_env")
def test_the_json_holds_all_structures_and_every_reason() -> None:
    answer = json.loads(run("corridors", "--json").stdout)
    assert len(answer["corridors"]) == 800
    drawn = sum(row["drawn"] for row in answer["corridors"])
    assert drawn + len(answer["undrawn"]) == 800
    assert all(row["reason"] for row in answer["undrawn"])
    assert answer["hsr_coverage_estimate"]["plan_percent"] == {"2020": 70.0, "2025": 90.0}
    undrawn = run("corridors", "--undrawn")
    assert "原文没有列出成员或走向" in undrawn.output


@pytest.mark.usefixtures("data_env")
def test_a_corridor_is_told_whole() -> None:
    answer = json.loads(run("corridor", "沪宁通道", "--json", "--stations").stdout)
    assert [m["text"] for m in answer["members"]][:5] == ["苏州", "无锡", "常州", "镇江", "南京"]
    assert answer["precision"] == "示意"
    assert answer["doc_no"] == "苏政办发〔2021〕76号"
    assert len(answer["counties_named"]) > len(answer["counties_passed"]) > 0
    people = answer["people_within_km"]
    assert people["5"] < people["30"]
    assert answer["stations"]["method"] == "直线距离"
    places = answer["stations"]["places"]
    assert len(places) == answer["stations"]["count"] and answer["stations"]["surveyed"] == 0
    assert {place["precision"] for place in places} == {"示意"} and all(place["reason"] for place in places)
    shown = run("corridor", "railway-002-3903-3", "--stations")
    assert "示意的原因" in shown.output and "60 分钟内" in shown.output
    assert "占全省" in shown.output
    assert "两侧人口" in shown.output


@pytest.mark.usefixtures("data_env")
def test_a_corridor_that_is_not_drawn_still_has_its_card() -> None:
    answer = json.loads(run("corridor", "江苏绿道·江海道", "--json").stdout)
    assert not answer["drawn"]
    assert answer["reason"]
    assert "figures" not in answer


@pytest.mark.usefixtures("data_env")
def test_a_profile_is_csv_and_unknown_things_are_usage_or_data_faults() -> None:
    told = run("corridor", "沪宁通道", "--profile", "population_65_plus_share", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(told.stdout)))
    assert float(rows[0]["from_km"]) == 0.0
    assert rows[0]["adcode"] == "320508"
    assert rows[-1]["name"] == "鼓楼区"
    assert run("corridor", "不存在的通道").exit_code == 2
    assert run("corridor", "南京都市圈").exit_code == 2
    assert run("corridor", "沪宁通道", "--profile", "happiness").exit_code == 1
    assert run("corridor", "扬子江城市群", "--profile", "gdp").exit_code == 1


def test_without_a_store_it_is_a_data_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUTU_DATA_DIR", str(tmp_path))
    assert run("corridors").exit_code == 1
