"""15分钟服务圈: the same figures as by command, a place from the address, and what cannot be measured."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from analysis.circles import CircleRequest
from cli import app as command_line
from data.store.store import open_store
from layers.charts.coverage import percent
from layers.charts.services import service_bars
from pages.circles.answers import circle_answers
from pages.circles.choice import CircleChoice
from pages.circles.map import region_layer
from pages.circles.panels import figures_table, matrix_table
from tests.pages.running import assert_calm, link, start, text_of

XUZHOU = {"within": "320300", "origin": "imported"}


@pytest.fixture(autouse=True)
def environment(xuzhou_data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SUTU_DATA_DIR", str(xuzhou_data_dir))
    yield


def command(*words: str) -> Any:
    result = CliRunner().invoke(command_line, ["circles", *words, "--json"])
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def choice_of(tier: Any = "all", **request: Any) -> CircleChoice:
    asked = CircleRequest(origin="imported", within="320300", **request)
    return CircleChoice(asked, tier, "population", "county", None, "surface", None)


def test_the_table_is_the_one_of_the_command_line() -> None:
    choice = choice_of("urban")
    answers = circle_answers(open_store(), choice.request, lambda _step: None)
    rows = command("--within", "320300", "--origin", "imported", "--tier", "urban")
    shown = figures_table(choice, answers).set_index("代码")
    for row in rows:
        assert shown.loc[row["adcode"], "完整度（%）"] == row["score"] * 100.0
        assert shown.loc[row["adcode"], "缺此服务的人口"] == row["missing_population"]
    each = command("--within", "320300", "--origin", "imported", "--tier", "urban", "--each")
    matrix = matrix_table(choice, answers).set_index("代码")
    assert matrix.shape == (10, 1 + 5)
    for row in each:
        if row["coverage"] is not None:
            assert matrix.loc[row["adcode"], row["service_name"]] == row["coverage"] * 100.0
    layer = region_layer(open_store(), choice, answers)
    assert layer.values.to_dict() == {row["adcode"]: row["score"] * 100.0 for row in rows}
    chart = service_bars(answers.services("prefecture", "urban", "population"))
    assert "数据里没有此类设施" in json.dumps(chart.to_dict(), ensure_ascii=False)


def test_a_place_of_the_address_is_answered_as_by_command() -> None:
    app = start("pages.circles.page", **XUZHOU, at="117.19,34.26")
    found = command("--within", "320300", "--origin", "imported", "--at", "117.19,34.26")
    assert f"有数据的 {found['measured']} 项中够得着 {found['met']} 项" in text_of(app)
    rows = next(frame.value for frame in app.dataframe if "结论" in frame.value)
    by_name = {one["name"]: one for one in found["services"]}
    for row in rows.to_dict("records"):
        assert row["结论"] == ("够得着" if by_name[row["服务"]]["met"] else "缺")
        assert row["分钟"] == f"{by_name[row['服务']]['minutes']:.1f}"
    assert "没有设施数据，不能判断：社区卫生服务" in text_of(app)
    assert link(app)["at"] == "117.19000,34.26000"
    app.button(key="circles_clear").click().run()
    assert_calm(app)
    assert "at" not in link(app)


def test_the_figures_follow_region_and_tier() -> None:
    app = start("pages.circles.page", **XUZHOU, region="320302", tier="rural", circles_panel="table")
    row = next(
        one
        for one in command("--within", "320300", "--origin", "imported", "--tier", "rural")
        if one["adcode"] == "320302"
    )
    assert {one.label: one.value for one in app.metric}["完整度"] == percent(row["score"])


def test_faults_of_the_address_are_told() -> None:
    app = start("pages.circles.page", **XUZHOU, at="somewhere", services="bathhouse")
    said = "".join(box.value for box in app.warning)
    assert "somewhere" in said and "bathhouse" in said
    away = start("pages.circles.page", **XUZHOU, at="116.4,39.9")
    assert "不在江苏省内" in "".join(box.value for box in away.warning).replace("\\", "")


def test_nothing_measured_is_said_and_not_drawn_as_zero() -> None:
    app = start("pages.circles.page", **XUZHOU, services="bus_stop")
    assert {one.label: one.value for one in app.metric}["完整度"] == "无数据"
    assert "没有任何一项服务有设施数据" in text_of(app)
