"""选址优化: the same figures as by command, clicks that change the plan, scenarios opened again."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from analysis.coverage import CoverageRequest, covered_types
from analysis.runs import list_scenarios
from analysis.siting import SitingRequest
from analysis.siting_inputs import Edit
from cli import app as command_line
from data.store.store import open_store
from layers.charts.services import before_after_chart, budget_chart, scenario_chart
from pages.siting.answers import siting_answers
from pages.siting.choice import nearest
from tests.made_once import RUNS
from tests.pages.running import assert_calm, link, start, text_of

ASKED = {"facility": "hospital", "mode": "ebike", "minutes": "15", "within": "320300", "origin": "imported"}
HOSPITALS = CoverageRequest(covered_types(["hospital"]), mode="ebike", origin="imported", within="320300")


@pytest.fixture(scope="module")
def folder(xuzhou_data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(
        shutil.copytree(xuzhou_data_dir, tmp_path_factory.mktemp("siting-page") / "data", ignore=RUNS)
    )


@pytest.fixture(autouse=True)
def environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SUTU_DATA_DIR", str(folder))
    yield


def command(*words: str) -> Any:
    asked = ["siting", "--type", "hospital", "--mode", "ebike", "--minutes", "15", "--within", "320300"]
    result = CliRunner().invoke(command_line, [*asked, "--origin", "imported", *words, "--json"])
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: str(metric.value) for metric in app.metric}


def table_with(app: AppTest, column: str) -> pd.DataFrame:
    found: pd.DataFrame = next(frame.value for frame in app.dataframe if column in frame.value)
    return found


def test_ten_hospitals_are_the_ones_of_the_command_line() -> None:
    app = start("pages.siting.page", **ASKED, add="10", siting_panel="table")
    found = command("--add", "10")
    assert metrics(app)["新增覆盖人口"] == f"{found['summary']['gained']:+,.0f} 人"
    sites = table_with(app, "次序")
    assert sites["新增覆盖（人）"].tolist() == [site["gain"] for site in found["sites"]]
    rows = table_with(app, "代码").set_index("代码")
    for row in found["regions"]:
        assert rows.loc[row["adcode"], "方案覆盖人口"] == row["covered_after"]
        assert rows.loc[row["adcode"], "新增覆盖人口"] == row["gained"]
    assert "534 个候选点中选出 10 处" in text_of(app)


def test_a_plan_of_the_address_is_shown_undone_saved_and_opened_again() -> None:
    edits = "add@117.95000,34.31000~add@118.34000,34.38000"
    app = start("pages.siting.page", **ASKED, edits=edits, siting_panel="scenarios")
    found = command("--open", "117.95,34.31", "--open", "118.34,34.38")
    assert metrics(app)["新增覆盖人口"] == f"{found['summary']['gained']:+,.0f} 人"
    assert link(app)["edits"] == edits
    app.text_input(key="siting_name").set_value("两处").run()
    app.button(key="siting_save").click().run()
    assert_calm(app)
    kept = Path(os.environ["SUTU_DATA_DIR"])
    (saved,) = list_scenarios(kept)
    assert saved.name == "两处"
    assert saved.request.edits == (Edit("add", None, 117.95, 34.31), Edit("add", None, 118.34, 34.38))
    app.button(key="siting_undo").click().run()
    assert link(app)["edits"] == "add@117.95000,34.31000"
    app.button(key="siting_clear").click().run()
    assert "edits" not in link(app)
    assert metrics(app)["新增覆盖人口"] == "+0 人"
    assert table_with(app, "运行编号")["新增覆盖人口"].tolist() == [found["summary"]["gained"]]
    app.button(key="siting_open").click().run()
    assert_calm(app)
    assert link(app)["edits"] == edits
    command("--add", "7", "--spacing-km", "7", "--save", "页面没有的间距")
    app.run()
    app.selectbox(key="siting_opened").set_value(list_scenarios(kept)[0].run.id).run()
    app.button(key="siting_open").click().run()
    assert "sutu replay" in "".join(box.value for box in app.warning)
    assert link(app)["edits"] == edits
    app.text_input(key="siting_name").set_value("").run()
    app.button(key="siting_save").click().run()
    assert "方案名称" in app.error[0].value


def test_groups_and_curve_are_drawn() -> None:
    app = start("pages.siting.page", **ASKED, add="3", siting_panel="groups", region="320382")
    rows = table_with(app, "人群").set_index("人群")
    whole = command("--add", "3")["summary"]
    assert rows.loc["常住人口", "新增覆盖人口"] == whole["gained"]
    assert "邳州市" in text_of(app)
    curve = start("pages.siting.page", **ASKED, add="3", siting_panel="curve")
    assert "逐个新增" in text_of(curve)


def test_faults_are_said_and_the_plan_can_still_be_undone() -> None:
    app = start("pages.siting.page", **ASKED, edits="fly!x")
    assert "方案改动无效" in app.warning[0].value
    gone = AppTest.from_string(
        "from pages.shared import choices\n"
        "from pages.siting.page import page\nchoices.begin()\npage()\nchoices.finish()\n",
        default_timeout=60,
    )
    for name, text in {**ASKED, "edits": "close!nobody"}.items():
        gone.query_params[name] = text
    gone.run()
    assert "nobody" in gone.error[0].value
    gone.button(key="siting_undo").click().run()
    assert_calm(gone)
    many = start("pages.siting.page", **{**ASKED, "edits": ""}, candidates="cells", add="0")
    many.selectbox(key="choice_candidates").set_value("townships").run()
    many.selectbox(key="choice_add").set_value(10).run()
    assert "候选点只有" in many.error[0].value


def test_a_service_without_facility_is_unknown_now() -> None:
    app = start("pages.siting.page", **{**ASKED, "facility": "bus_stop"}, add="1")
    assert metrics(app)["现状覆盖率"] == "无数据"
    assert "现状未知" in text_of(app)


def test_a_click_takes_the_nearest_facility_only_when_it_is_near_on_the_screen() -> None:
    frame = pd.DataFrame({"id": ["a", "b"], "lon": [117.20, 117.30], "lat": [34.26, 34.26]})
    assert nearest(117.201, 34.26, 12.0, frame) == "a"
    assert nearest(117.25, 34.26, 12.0, frame) is None
    assert nearest(117.26, 34.26, 5.0, frame) == "b"
    assert nearest(117.2, 34.26, 12.0, frame.iloc[:0]) is None


def test_the_charts_are_valid() -> None:
    request = SitingRequest(HOSPITALS, 15.0, add=3)
    answers = siting_answers(open_store(), request, lambda _step: None)
    rows = answers.comparison("county", "population")
    for chart in (
        budget_chart(answers.analysis.curve, 3, "coverage"),
        before_after_chart(rows),
        before_after_chart(rows.assign(coverage_after=np.nan)),
        scenario_chart(pd.DataFrame({"id": ["1", "2"], "name": ["甲", "甲"], "gained": [5.0, np.nan]})),
    ):
        chart.to_dict(validate=True)
    assert answers.change_png()[:4] == b"\x89PNG"
    assert siting_answers(open_store(), request, lambda _step: None) is answers


SITES = "名称,经度,纬度\n甲<b>,117.95,34.31\n乙,117.20,34.26\n宿迁,118.27,33.96\n"


def upload(app: AppTest, text: str, datum: str = "cgcs2000") -> AppTest:
    app.selectbox(key="siting_datum").set_value(datum)
    box = app.get("file_uploader")[0]
    box.upload("候选.csv", text.encode(), "text/csv").run()
    return app


def test_candidates_of_an_uploaded_file_are_the_ones_of_the_command_line(tmp_path: Path) -> None:
    app = start("pages.siting.page", **ASKED, add="2", candidates="file", siting_panel="scenarios")
    assert "选好候选点文件和坐标基准" in app.info[0].value
    assert metrics(app)["新增覆盖人口"] == "+0 人"
    assert_calm(upload(app, SITES))
    path = tmp_path / "候选.csv"
    path.write_text(SITES, encoding="utf-8")
    found = command("--add", "2", "--sites", str(path), "--datum", "cgcs2000")
    assert metrics(app)["新增覆盖人口"] == f"{found['summary']['gained']:+,.0f} 人"
    assert table_with(app, "次序")["新增覆盖（人）"].tolist() == [site["gain"] for site in found["sites"]]
    assert "3 个候选点，2 个在徐州市，1 个在徐州市之外" in app.success[0].value.replace("\\", "")
    sites = table_with(app, "位置").set_index("名称")
    assert sites["位置"].to_dict() == {"宿迁": "范围外", "甲<b>": "范围内", "乙": "范围内"}
    # The link holds the content: it opens the same view elsewhere, without the file.
    again = start("pages.siting.page", **link(app))
    assert metrics(again) == metrics(app)
    assert link(again) == link(app)
    app.text_input(key="siting_name").set_value("取自文件").run()
    app.button(key="siting_save").click().run()
    assert_calm(app)
    saved = list_scenarios(Path(os.environ["SUTU_DATA_DIR"]))[0]
    assert [site.name for site in saved.request.sites] == ["甲<b>", "乙", "宿迁"]
    fresh = start("pages.siting.page", **ASKED, siting_panel="scenarios")
    fresh.selectbox(key="siting_opened").set_value(saved.run.id).run()
    fresh.button(key="siting_open").click().run()
    assert_calm(fresh)
    assert link(fresh)["sites"] == link(app)["sites"]
    assert metrics(fresh)["新增覆盖人口"] == f"{found['summary']['gained']:+,.0f} 人"


def test_faults_of_a_candidate_file_are_listed_and_nothing_of_it_is_used() -> None:
    app = start("pages.siting.page", **ASKED, add="2", candidates="file")
    upload(app, "名称,经度,纬度\n甲,abc,34.31\n乙,116.4,39.9\n")
    assert "“候选.csv”有 2 处问题" in app.error[0].value.replace("\\", "")
    rows = table_with(app, "处理办法")
    assert rows[["文件", "行", "列"]].to_numpy().tolist() == [
        ["候选.csv", "2", "经度"],
        ["候选.csv", "3", "经度"],
    ]
    assert "sites" not in link(app)
    lost = start("pages.siting.page", **ASKED, add="2", candidates="file", sites="0" * 16)
    assert "sites" not in link(lost)
