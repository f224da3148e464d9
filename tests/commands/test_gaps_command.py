"""``sutu gaps``: the keys of its JSON, its figures beside the store and PySAL, and what it refuses."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from inequality.gini import Gini
from inequality.theil import TheilD
from typer.testing import CliRunner

import cli
from analysis.gaps import compare_years, gap_of, load_gap
from data.store.store import Store
from layers.words.gap import gap_sentences

pytestmark = pytest.mark.usefixtures("data_env")
KEYS = {
    *("gini", "cv", "cv_weighted", "theil", "max_min_ratio", "south_north_ratio"),
    *("by_region", "n", "undefined"),
}


def run(*words: str) -> Any:
    return CliRunner(env={"COLUMNS": "200"}).invoke(cli.app, ["gaps", *words])


def report(*words: str) -> dict[str, Any]:
    result = run(*words, "--json")
    assert result.exit_code == 0, result.stderr
    return dict(json.loads(result.stdout))


def test_the_figures_are_those_of_the_store_and_of_pysal(built_store: Store) -> None:
    found = report("gdp_per_head", "--year", "2023", "--level", "prefecture", "--before", "2005")
    assert set(found) >= KEYS
    facts = built_store.facts("gdp_per_head", year=2023, level="prefecture")
    values, groups = facts["value"].to_numpy(), facts["economic_region"].to_numpy()
    peer = TheilD(values, groups)
    assert found["gini"] == pytest.approx(Gini(values).g, abs=1e-12)
    assert found["theil"]["total"] == pytest.approx(float(np.ravel(peer.T)[0]), abs=1e-12)
    assert found["theil"]["between"] == pytest.approx(float(np.ravel(peer.bg)[0]), abs=1e-12)
    assert found["theil"]["within"] == pytest.approx(float(np.ravel(peer.wg)[0]), abs=1e-12)
    regions = built_store.facts("gdp_per_head", year=2023, level="economic_region").set_index("adcode")
    ratio = regions["value"]["320S00"] / regions["value"]["320N00"]
    assert found["south_north_ratio"] == pytest.approx(ratio)
    assert [region["value"] for region in found["by_region"]] == pytest.approx(
        regions["value"].reindex(["320S00", "320C00", "320N00"]).tolist()
    )
    assert (found["n"], found["undefined"]) == (13, [])
    assert found["before"]["year"] == 2005
    assert any("二手" in text for text in found["remarks"])
    assert any("第七次全国人口普查" in text for text in found["remarks"])
    source = load_gap(built_store, "gdp_per_head", "prefecture")
    assert found["sentences"] == gap_sentences(compare_years(source, 2023, 2005))


def test_undefined_is_null_with_its_reason() -> None:
    found = report("population_change_rate", "--year", "2020", "--level", "county")
    assert found["gini"] is None
    assert found["theil"]["total"] is None
    assert "为负" in found["reasons"]["gini"]
    assert len(found["undefined"]) == 95 - found["n"] > 0
    assert all(entry["reason"] for entry in found["undefined"])


def test_hot_spots_are_named(built_store: Store) -> None:
    found = report("mean_years_schooling", "--year", "2020", "--level", "county", "--spots")
    names = set(built_store.region_table("county")["name"])
    assert found["moran"]["i"] > 0.5
    assert found["moran"]["p_value"] < 0.001
    for kind in ("HH", "LL"):
        assert {entry["name"] for entry in found["spots"][kind]} <= names
        assert found["spots"][kind]
        assert found["spots"][kind][0]["name"] in found["sentences"]["spots"]
    assert report("mean_years_schooling", "--level", "county", "--spots")["spots"] == found["spots"]


def test_people_read_a_table_and_sentences(built_store: Store) -> None:
    result = run("人均地区生产总值", "--year", "2023", "--before", "2005")
    assert result.exit_code == 0
    now = gap_of(load_gap(built_store, "gdp_per_head", "prefecture"), 2023)
    for name in ("gini", "cv_weighted"):
        assert f"{now.measures[name].value:.4f}" in result.stdout
    for words in ("极值比", "其中区域之间", "苏南/苏北", "2005 年", "缩小", "二手转录"):
        assert words in result.stdout
    negative = run("population_change_rate", "--level", "county")
    assert "未写年份，取最近的 2020 年。" in negative.stderr
    assert "的数值为负，基尼系数无定义" in negative.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["no_such"], "没有指标“no_such”"),
        (["gdp_per_head", "--year", "1999"], "没有 1999 年的数据；有：2005–2023"),
        (["gdp_per_head", "--year", "2023", "--before", "2001"], "没有 2001 年的数据"),
        (["gdp_per_head", "--year", "2010", "--before", "2020"], "应早于 2010 年"),
        (["gdp_per_head", "--year", "2010", "--before", "2010"], "应早于 2010 年"),
        (["gdp_per_head", "--level", "county"], "没有县（市、区）一级的数据"),
        (["gdp_per_head", "--level", "province"], "province"),
    ],
)
def test_wrong_words_are_refused(words: list[str], told: str) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert told in result.stderr
    assert result.stdout == ""
