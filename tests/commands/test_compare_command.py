"""``sutu compare``, ``sutu index`` and ``sutu report``: the figures of the engine, faults with their code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from docx import Document
from typer.testing import CliRunner

import cli
import commands.report as report_command
from analysis.composite import compute_index
from analysis.peers import load_profiles
from data.registry.index_models import load_index_examples
from data.store.store import Store
from reports.region import Briefings

EXAMPLE = "基本公共服务水平指数（示例权重）"


def run(*words: str) -> Any:
    return CliRunner(env={"COLUMNS": "200"}).invoke(cli.app, list(words))


def index_file(folder: Path, **changes: Any) -> str:
    spec = load_index_examples()[EXAMPLE].model_dump(mode="json", exclude_none=True)
    path = folder / "指数.yaml"
    path.write_text(yaml.safe_dump({**spec, **changes}, allow_unicode=True), encoding="utf-8")
    return str(path)


def test_compare_gives_the_profile_and_a_region_counts_once(data_env: Path, built_store: Store) -> None:
    answer = run("compare", "320500", "320300", "320500", "--json")
    assert answer.exit_code == 0, answer.stderr
    assert "重复的地区只算一次" in answer.stderr
    found = json.loads(answer.stdout)
    assert [one["name"] for one in found["regions"]] == ["苏州市", "徐州市"]
    profiles = load_profiles(built_store, "prefecture")
    for entry in found["indicators"]:
        one = profiles.spines[entry["id"]]
        for region in entry["regions"]:
            assert region["value"] == profiles.value(region["adcode"], entry["id"])
            assert region["rank"] == one.ranks[region["adcode"]]
            assert region["position"] == one.positions[region["adcode"]]
    assert [near["adcode"] for near in found["similar"]["320500"]] == list(
        profiles.similar("320500")["adcode"]
    )
    table = run("compare", "320500", "320500")
    assert "苏州市" in table.stdout and "最相近" in table.stderr


def test_compare_says_why_there_is_no_value(data_env: Path) -> None:
    found = json.loads(run("compare", "320214", "--json").stdout)
    change = next(one for one in found["indicators"] if one["id"] == "population_change_rate")
    region = change["regions"][0]
    assert (region["value"], region["rank"], region["position"]) == (None, None, None)
    assert "范围不能对应" in region["reason"]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("compare", "999999"), 1, "没有行政区划代码为“999999”"),
        (("compare", "320500", "320682"), 1, "不在同一层级"),
        (("compare", "320000"), 1, "没有可比较的同级地区"),
        (("compare", *(f"320{n}00" for n in range(1, 8))), 1, "1 至 6 个地区"),
        (("compare",), 2, "缺少参数"),
        (("report", "320500", "--out", "x.odt"), 2, "docx、pdf、html"),
        (("report", "--out", "x.pdf"), 2, "--all-prefectures"),
        (("report", "320500", "--all-prefectures", "--out", "x"), 2, "二者取一"),
        (("report", "320500", "320300", "--format", "odt", "--out", "x"), 2, "docx、pdf、html"),
    ],
)
def test_faults_have_their_message_and_code(
    data_env: Path, words: tuple[str, ...], code: int, told: str
) -> None:
    answer = run(*words)
    assert answer.exit_code == code
    assert told in answer.stderr


def test_index_gives_scores_ranges_and_contributions(
    data_env: Path, built_store: Store, tmp_path: Path
) -> None:
    answer = run("index", index_file(tmp_path), "--json")
    assert answer.exit_code == 0, answer.stderr
    found = json.loads(answer.stdout)
    analysis = compute_index(built_store, load_index_examples()[EXAMPLE])
    assert found["weights"] == analysis.result.weights.to_dict()
    assert found["combinations"] == len(analysis.sensitivity.ranks) == 3 * 4 * 2 * 7
    for row in found["regions"]:
        assert row["score"] == analysis.result.frame["score"][row["adcode"]]
        assert sum(row["contributions"].values()) == pytest.approx(row["score"])
        assert row["best"] <= row["median"] <= row["worst"]
    table = run("index", index_file(tmp_path, base_year=2010))
    assert "较2010年" in table.stdout
    assert "168 种方法组合" in table.stderr


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"parts": [{"id": "tap_water_share", "weight": 0.9}]}, "权重之和为 0.9，应为 1"),
        ({"parts": [{"id": "nothing", "weight": 1.0}]}, "没有指标“nothing”"),
        ({"parts": [{"id": "population", "weight": 1.0}]}, "中性指标"),
        ({"year": 2015}, "没有 2015 年的数据，有：2010、2020"),
        ({"weighting": "guess"}, "weighting"),
        ({"parts": []}, "parts"),
        ({"colour": "red"}, "不认识此项"),
        ({"base_year": 2020}, "应早于"),
        ({"level": "county", "parts": [{"id": "gdp", "weight": 1.0}]}, "在这一层级没有数据"),
    ],
)
def test_a_faulty_index_is_refused(
    data_env: Path, tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    answer = run("index", index_file(tmp_path, **changes))
    assert answer.exit_code == 1
    assert told in answer.stderr


def test_an_index_file_that_is_missing_or_too_large_is_refused(data_env: Path, tmp_path: Path) -> None:
    assert "读不出来" in run("index", str(tmp_path / "无.yaml")).stderr
    large = tmp_path / "大.yaml"
    large.write_text("# " + "x" * 70_000, encoding="utf-8")
    assert "最多 65,536 字节" in run("index", str(large)).stderr


def test_report_writes_a_file_for_each_region(
    own_data_dir: Path, report_font: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUTU_DATA_DIR", str(own_data_dir))
    monkeypatch.setattr(report_command, "_font", lambda: report_font)
    # Coverage is solved in the tests of briefings; without any facility its section says so.
    monkeypatch.setattr(Briefings, "coverages", [])
    answer = run("report", "320682", "320685", "--format", "docx", "--out", str(tmp_path / "简报"))
    assert answer.exit_code == 0, answer.stderr
    written = sorted(path.name for path in (tmp_path / "简报").iterdir())
    assert written == ["320682_如皋市.docx", "320685_海安市.docx"]
    paragraphs = Document(str(tmp_path / "简报" / written[0])).paragraphs
    assert (paragraphs[0].style.name, paragraphs[0].text) == ("Title", "如皋市发展与公共服务简报")
    assert any("没有简报所列类型的设施" in one.text for one in paragraphs)
    blocked = tmp_path / "文件"
    blocked.write_text("", encoding="utf-8")
    fault = run("report", "320682", "--out", str(blocked / "x.html"))
    assert fault.exit_code == 1 and "无法写入" in fault.stderr
