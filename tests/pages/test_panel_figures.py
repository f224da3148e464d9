"""Panels of figures: each number stands under its own name, by hand-made rows in which no two are equal."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from pages import (
    circles_panels,
    circles_tables,
    coverage_figures,
    siting_panels,
    standards_figures,
    supply_panels,
)

HERE = "320302"
REGIONS = pd.DataFrame(
    {"name": ["徐州市", "鼓楼区"], "level": ["prefecture", "county"], "parent": ["320000", "320300"]},
    index=["320300", HERE],
)


class Screen:
    """Stands in for Streamlit: keeps the figures by their names, and what is said."""

    def __init__(self) -> None:
        self.figures: dict[str, str] = {}
        self.tips: dict[str, str] = {}
        self.said: list[str] = []

    def columns(self, count: int, **_: Any) -> list[Screen]:
        return [self] * count

    @contextlib.contextmanager
    def container(self, **_: Any) -> Iterator[None]:
        yield

    def metric(self, label: str, value: str, *, help: str = "", delta: str | None = None) -> None:  # noqa: A002
        assert label not in self.figures
        self.figures[label] = value if delta is None else f"{value} {delta}"
        self.tips[label] = help

    def markdown(self, text: str) -> None:
        self.said.append(text)

    caption = markdown


def screen_of(monkeypatch: pytest.MonkeyPatch, module: ModuleType) -> Screen:
    """Return the screen that a module draws on."""
    screen = Screen()
    monkeypatch.setattr(module, "st", screen)
    if hasattr(module, "cached"):
        monkeypatch.setattr(module.cached, "region_table", lambda _store: REGIONS)
    return screen


def answers_of(row: dict[str, Any], **analysis: Any) -> Any:
    """Return answers of an analysis whose every table is this row."""
    rows = pd.DataFrame([{"adcode": HERE, "name": "鼓楼区", "reason": None, **row}])
    return SimpleNamespace(
        table=lambda *_a, **_k: rows,
        comparison=lambda *_a, **_k: rows,
        decimals=2,
        analysis=SimpleNamespace(region=lambda _code: rows.iloc[0], regions=REGIONS, **analysis),
    )


def choice_of(**more: Any) -> Any:
    request = SimpleNamespace(within="320300", minutes=15.0, group="population")
    request.coverage = request
    return SimpleNamespace(
        request=request,
        region=HERE,
        focus=HERE,
        group_name="常住人口",
        minutes=15.0,
        group="population",
        **more,
    )


CIRCLES = {
    "population": 1000.0,
    "score": 0.25,
    "complete_population": 310.0,
    "complete_share": 0.31,
    "missing": "clinic",
    "missing_population": 170.0,
    "services": 4,
}


def test_circles(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = screen_of(monkeypatch, circles_panels)
    answers = answers_of(CIRCLES, services={"clinic": SimpleNamespace(name="诊所")})
    circles_panels.show_region(None, choice_of(tier="all"), answers)  # type: ignore[arg-type]
    assert screen.figures == {"完整度": "25.0%", "各项齐全的人口": "31.0%"}
    assert screen.tips["各项齐全的人口"] == "有数据的 4 项服务全都够得着的人：310 人"
    assert screen.said[-1] == "最缺**诊所**：170 人够不着"


def test_the_table_of_circles() -> None:
    answers = answers_of(CIRCLES, services={"clinic": SimpleNamespace(name="诊所")})
    (row,) = circles_tables.figures_table(choice_of(tier="all", level="county"), answers).to_dict("records")
    assert row == {
        "代码": HERE,
        "地区": "鼓楼区",
        "人口": 1000.0,
        "完整度（%）": 25.0,
        "各项齐全人口": 310.0,
        "齐全占比（%）": 31.0,
        "最缺的服务": "诊所",
        "缺此服务的人口": 170.0,
        "计入的服务数": 4,
        "说明": "",
    }


def test_coverage(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = screen_of(monkeypatch, coverage_figures)
    row = {
        "population": 1000.0,
        "covered_population": 620.0,
        "population_coverage": 0.62,
        "area_coverage": 0.41,
        "mean_minutes": 8.5,
        "median_minutes": 6.5,
        "unreachable_population": 30.0,
    }
    coverage_figures.show_figures(None, choice_of(), answers_of(row))  # type: ignore[arg-type]
    assert screen.figures == {
        "人口覆盖率": "62.0%",
        "面积覆盖率": "41.0%",
        "覆盖人口": "620 人",
        "未覆盖人口": "380 人",
        "平均 / 中位分钟": "8.5 / 6.5",
        "不可达人口": "30 人",
    }
    assert screen.tips["覆盖人口"] == "620 人" and screen.tips["未覆盖人口"] == "380 人"
    assert screen.tips["不可达人口"].endswith("；30 人")


def test_siting(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = screen_of(monkeypatch, siting_panels)
    row = {"coverage_before": 0.5, "coverage_after": 0.625, "covered_before": 500.0, "gained": 125.0}
    siting_panels.show_figures(None, choice_of(), answers_of(row))  # type: ignore[arg-type]
    assert screen.figures == {
        "现状覆盖率": "50.0%",
        "方案后覆盖率": "62.5% +12.5 个百分点",
        "现状覆盖人口": "500 人",
        "新增覆盖人口": "+125 人",
    }


def test_supply(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = screen_of(monkeypatch, supply_panels)
    row = {
        "access": 3.25,
        "gini": 0.125,
        "unserved_population": 40.0,
        "unserved_share": 0.04,
        "median_access": 2.5,
        "lowest_access": 0.75,
    }
    supply_panels.show_figures(choice_of(demand_name="常住人口"), answers_of(row, unit="张/千人"))
    assert screen.figures == {
        "可及性": "3.25",
        "基尼系数": "0.125",
        "无服务人口": "40 人",
        "无服务占比": "4.0%",
        "中位可及性": "2.50",
        "最低十分之一": "0.75",
    }


def test_standards(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = screen_of(monkeypatch, standards_figures)
    parts = pd.DataFrame(
        {
            "adcode": [HERE, HERE],
            "applies": [True, True],
            "required": [7.0, 4.0],
            "provided": [3.0, 5.0],
            "implied": [1.0, 1.0],
            "shortfall": [4.0, 0.0],
            "regions_short": [1.0, 0.0],
            "reason": [None, None],
        }
    )
    entry = SimpleNamespace(unit="所", text="每县一所", share=0.75, rule="per_region")
    analysis = SimpleNamespace(standards={"x": entry}, table=lambda _key: parts, regions=REGIONS)
    choice = SimpleNamespace(standard="x", region=HERE, within="320300", population="2020 年")
    standards_figures.show_figures(choice, analysis)  # type: ignore[arg-type]
    assert screen.figures == {"应配（所）": "11", "已配（所）": "8", "缺口（所）": "4", "其中推定": "2"}
    assert screen.said[-1].replace("\\", "") == "规划要求 75.0%；适用地区 2 个，已配齐 50.0%"
