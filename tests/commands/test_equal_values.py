"""Equal values through the command: imported, compared, and said to be equal, on every line alike."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import cli
from data.store.store import open_store
from geo.disparity import NO_GAP

NAME = "齐平指标"
HEAD = "行政区划代码,指标,年份,数值,来源,备注,单位,方向,口径"


def run(*words: object) -> str:
    result = CliRunner(env={"COLUMNS": "200"}).invoke(cli.app, [str(word) for word in words])
    assert result.exit_code == 0, result.stderr
    return result.stdout


@pytest.fixture
def constant(own_data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Import an indicator that is 7 in 2020 and 0.7 in 2021 in every county, into a store of its own."""
    monkeypatch.setenv("SUTU_DATA_DIR", str(own_data_dir))
    counties = open_store(own_data_dir).region_table("county").index
    rows = [
        f"{code},{NAME},{year},{value},试验,,个,正向,自拟口径"
        for year, value in ((2020, 7.0), (2021, 0.7))
        for code in counties
    ]
    table = tmp_path / "equal.csv"
    table.write_text("\n".join([HEAD, *rows]), encoding="utf-8")
    run("import", "indicators", table)
    return own_data_dir


def test_equal_values_have_no_gap_to_split(constant: Path) -> None:
    """7 in all 95 counties had a Theil index of 4.4e-16, nine parts in a hundred of it "the largest"."""
    for year, value in ((2020, "7.00"), (2021, "0.70")):
        found: dict[str, Any] = json.loads(
            run("gaps", NAME, "--year", year, "--level", "county", "--spots", "--json")
        )
        assert found["n"] == 95
        parts = found["theil"]
        assert (parts["total"], parts["within"], parts["between"]) == (0.0, 0.0, 0.0)
        assert (parts["between_share"], parts["between_share_reason"]) == (None, NO_GAP)
        nested = found["theil_nested"]
        parts_of_nested = [nested[key] for key in ("between_outer", "between_inner", "within_inner")]
        assert (nested["total"], *parts_of_nested) == (0.0, 0.0, 0.0, 0.0)
        assert [found[key] for key in ("gini", "cv", "max_min_ratio")] == [0.0, 0.0, 1.0]
        assert [(row["cv"], row["max_min"]) for row in found["by_region"]] == [(0.0, 1.0)] * 3
        said = found["sentences"]
        assert said["extremes"] == f"{year} 年各县（市、区）的{NAME}相同，都是 {value} 个。"
        assert said["where"] == f"{year} 年的差距无法分解：{NO_GAP}。"
        assert said["inside"].endswith("之间的差距相同（变异系数都是 0.000）。")
        assert "各地区数值全部相同" in said["moran"]
    # People read the same.
    told = run("gaps", NAME, "--year", 2020, "--level", "county")
    assert NO_GAP in told
    assert "最大的一块" not in told
    # Of two years that both have none, the gap is the same.
    both = json.loads(run("gaps", NAME, "--year", 2021, "--before", 2020, "--level", "county", "--json"))
    assert "与 2020 年持平" in both["sentences"]["spread"]
