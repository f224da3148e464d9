"""Panels and tables of figures: each number stands under its own name; in hand-made rows no two are equal."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import streamlit as st

from analysis.corridors import RAIL_GROUP
from data.registry.corridor_models import load_corridor_families
from geo.coverage import GROUPS
from geo.standards import METHOD
from pages.circles import panels as circles_panels
from pages.circles import panels as circles_tables
from pages.corridors import panels as corridor_compare
from pages.coverage import downloads as coverage_record
from pages.coverage import panels as coverage_figures
from pages.gaps import panels as gaps_tables
from pages.siting import panels as siting_panels
from pages.siting import panels as siting_tables
from pages.standards import panels as standards_figures
from pages.standards import panels as standards_tables
from pages.supply import panels as supply_panels
from pages.supply import panels as supply_tables

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
        self.tables: list[pd.DataFrame] = []
        self.options: list[dict[str, Any]] = []
        self.session_state: dict[str, Any] = {}
        self.column_config = st.column_config

    def columns(self, count: int, **_: Any) -> list[Screen]:
        return [self] * count

    @contextlib.contextmanager
    def container(self, **_: Any) -> Iterator[None]:
        yield

    def metric(self, label: str, value: str, *, help: str | None = None, delta: str | None = None) -> None:  # noqa: A002
        assert label not in self.figures
        self.figures[label] = value if delta is None else f"{value} {delta}"
        self.tips[label] = help or ""

    def markdown(self, text: str) -> None:
        self.said.append(text)

    caption = markdown

    def dataframe(self, table: pd.DataFrame, **options: Any) -> None:
        self.tables.append(table)
        self.options.append(options)


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
    "straight_population": 120.0,
    "edge_population": 45.0,
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
        "按直线估算人口": 120.0,
        "省界附近人口": 45.0,
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


def numbered(*columns: str) -> dict[str, float]:
    """Return a number of its own for each column: 1, 2, 3 …"""
    return {column: float(number) for number, column in enumerate(columns, start=1)}


def only(table: pd.DataFrame) -> dict[str, Any]:
    (row,) = table.to_dict("records")
    return {str(key): value for key, value in row.items()}


def test_the_table_of_coverage(monkeypatch: pytest.MonkeyPatch) -> None:
    screen_of(monkeypatch, coverage_record)
    row = numbered("population", "covered_population", "population_coverage", "area_km2", "covered_area_km2")
    row |= {"area_coverage": 6.0, "mean_minutes": 7.0, "median_minutes": 8.0, "unreachable_population": 9.0}
    row |= {"straight_population": 10.0, "edge_population": 11.0}
    found = only(
        coverage_record.figures_table(None, choice_of(level="county"), answers_of(row | {"edge": True}))
    )  # type: ignore[arg-type]
    assert found == {
        **{
            "代码": HERE,
            "地区": "鼓楼区",
            "所属": "徐州市",
            "人口": 1.0,
            "覆盖人口": 2.0,
            "人口覆盖率（%）": 300.0,
        },
        **{"面积（平方公里）": 4.0, "覆盖面积（平方公里）": 5.0, "面积覆盖率（%）": 600.0, "平均分钟": 7.0},
        **{"中位分钟": 8.0, "不可达人口": 9.0, "按直线估算人口": 10.0, "省界附近人口": 11.0},
        **{"近省界": "是", "无法计算的原因": None},
    }


def test_the_tables_of_siting() -> None:
    row = numbered(
        "population", "covered_before", "covered_after", "gained", "coverage_before", "coverage_after"
    )
    sites = pd.DataFrame(
        [{"rank": 1, "name": "甲村", "gain": 2.0, "lon": 118.5, "lat": 32.25, "straight": True}]
    )
    answers = answers_of(row, sites=lambda: sites)
    answers.groups = lambda: pd.DataFrame([{"adcode": "", "group": "under_3", "reason": None, **row}])
    choice = choice_of(level="county")
    choice.request.objective = "coverage"
    figures = {
        **{"人口": 1.0, "现状覆盖人口": 2.0, "方案覆盖人口": 3.0, "新增覆盖人口": 4.0},
        **{"现状覆盖率（%）": 500.0, "方案覆盖率（%）": 600.0, "说明": ""},
    }
    assert only(siting_tables.regions_table(choice, answers)) == {"代码": HERE, "地区": "鼓楼区", **figures}
    assert only(siting_tables.groups_table(answers)) == {"人群": GROUPS["under_3"], **figures}
    wanted = {"次序": 1, "位置": "甲村", "新增覆盖（人）": 2.0, "依据": "直线估算"}
    wanted |= {"经度": "118.5000", "纬度": "32.2500"}
    assert only(siting_tables.sites_table(choice, answers)) == wanted


def test_the_tables_of_supply(monkeypatch: pytest.MonkeyPatch) -> None:
    screen_of(monkeypatch, supply_tables)
    row = numbered(
        "population", "access", "unserved_population", "unserved_share", "lowest_access", "median_access"
    )
    rows = pd.DataFrame([{"adcode": HERE, "name": "鼓楼区", "reason": None, **row, "gini": 0.5}])
    rows = rows.assign(straight_population=7.0, edge_population=8.0)
    place = {"id": "a", "name": "甲院", "adcode": HERE, "precision": "seat", "reason": None}
    place |= {"supply": 11.0, "weighted_demand": 12.0, "ratio": 13.0, "straight": False}
    analysis = SimpleNamespace(
        table=lambda **_: rows,
        unit="张/千人",
        supply_unit="张",
        facility_table=lambda: pd.DataFrame([place]),
        cells=pd.DataFrame({"adcode": [HERE]}),
        cells_of=lambda _code: [True],
    )
    answers: Any = SimpleNamespace(analysis=analysis)
    choice = choice_of(level="county")
    assert only(supply_tables.figures_table(None, choice, answers)) == {  # type: ignore[arg-type]
        **{
            "代码": HERE,
            "地区": "鼓楼区",
            "所属": "徐州市",
            "人口": 1.0,
            "可及性（张/千人）": 2.0,
            "无服务人口": 3.0,
        },
        **{"无服务占比（%）": 400.0, "按直线估算人口": 7.0, "最低十分之一（张/千人）": 5.0},
        **{"中位（张/千人）": 6.0, "基尼系数": 0.5, "省界附近人口": 8.0},
        "无法计算的原因": "",
    }
    assert only(supply_tables.load_table(None, choice, answers)) == {  # type: ignore[arg-type]
        **{
            "设施": "甲院",
            "县（市、区）": "鼓楼区",
            "供给（张）": 11.0,
            "加权需求（人）": 12.0,
            "供需比（张/千人）": 13.0,
        },
        **{"位置": "驻地代替", "依据": "路网", "说明": ""},
    }


def test_the_tables_of_standards(monkeypatch: pytest.MonkeyPatch) -> None:
    screen_of(monkeypatch, standards_tables)
    row = numbered("base", "required", "required_most", "provided", "surveyed", "implied", "shortfall")
    rows = pd.DataFrame([{"adcode": HERE, "name": "鼓楼区", "applies": True, "reason": None, **row}])
    entry = SimpleNamespace(name="每万人一所", unit="所", rule="per_population", per_people_most=1.0)
    summary = {"standard": "x", "name": "每万人一所", "unit": "所", "doc_no": "98号", "seed_line": "001:2"}
    summary |= {"rule": "per_region", "regions": 12, "met_share": 0.25, "share_required": 0.75}
    summary |= {"reason": None, "contradicted_by": None, **row}
    analysis: Any = SimpleNamespace(
        standards={"x": entry}, table=lambda *_a, **_k: rows, summary=lambda: pd.DataFrame([summary])
    )
    choice: Any = SimpleNamespace(standard="x", level="county")
    assert only(standards_tables.region_table(None, choice, analysis)) == {  # type: ignore[arg-type]
        **{
            "代码": HERE,
            "地区": "鼓楼区",
            "所属": "徐州市",
            "适用": "是",
            "计算人口": 1.0,
            "应配（所）": 2.0,
        },
        **{
            "应配上限（所）": 3.0,
            "已配（所）": 4.0,
            "其中实测": 5.0,
            "其中推定": 6.0,
            "缺口（所）": 7.0,
            "说明": "",
        },
    }
    assert only(standards_tables.overview_table(analysis)) == {
        **{
            "标准": "每万人一所",
            "应配": 2.0,
            "已配": 4.0,
            "其中推定": 6.0,
            "缺口": 7.0,
            "单位": "所",
            "文号": "98号",
        },
        **{"原文行": "001:2", "规则": standards_tables.RULE_NAMES["per_region"], "适用地区": 12},
        **{"达标地区（%）": 25.0, "要求达标（%）": 75.0, "说明": ""},
    }


def test_the_table_of_the_three_regions() -> None:
    columns = ("value", "n", "undefined", "low", "median", "high", "cv", "max_min")
    regional = pd.DataFrame([{"short_name": "苏北", **numbered(*columns)}])
    now: Any = SimpleNamespace(regional=regional, subject=SimpleNamespace(decimals=1))
    assert only(gaps_tables.region_table(now)) == {
        **{
            "区域": "苏北",
            "区域数值": 1.0,
            "有数值的地区": 2.0,
            "无数值的地区": 3.0,
            "最低": 4.0,
            "中位": 5.0,
        },
        **{"最高": 6.0, "内部变异系数": 7.0, "内部极值比": 8.0},
    }


def test_the_two_sides_of_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = screen_of(monkeypatch, corridor_compare)
    gap = {
        "year": 2020,
        "unit": "%",
        "on": {"counties": 30, "value": 12.5, "reason": ""},
        "off": {"counties": 65, "value": 10.0, "reason": ""},
        "difference": 2.5,
    }
    table = pd.DataFrame({"name": ["沿海通道"]}, index=["c"])
    found: Any = SimpleNamespace(gap=lambda *_: gap, table=table)
    store: Any = SimpleNamespace(indicator=lambda _id: {"decimals": 1})
    monkeypatch.setattr(corridor_compare, "_indicator", lambda _store: "x")
    corridor_compare.show_gap(store, found, SimpleNamespace(picked="c", scope="passed", visible=("c",)))  # type: ignore[arg-type]
    assert screen.figures == {
        "沿线（30 个县）": "12.5 %",
        "其余（65 个县）": "10.0 %",
        "相差（沿线 − 其余）": "2.5",
    }


NONE_KNOWN = float("nan")


def test_what_all_standards_come_to(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = screen_of(monkeypatch, standards_figures)
    for name in ("show_overview", "show_notes"):
        monkeypatch.setattr(standards_figures, name, lambda *_: None)
    monkeypatch.setattr(standards_figures, "contradiction_table", lambda _analysis: pd.DataFrame())
    rows = pd.DataFrame({"plan": ["a", "b", "a", "c"], "shortfall": [3.0, 0.0, NONE_KNOWN, 0.5]})
    analysis: Any = SimpleNamespace(summary=lambda: rows, contradictions=lambda: ["x"])
    standards_figures.show_all(choice_of(), analysis)
    assert screen.figures == {
        "配置标准": "4 条",
        "能判断的": "3 条",
        "有缺口的": "2 条",
        "互相矛盾的": "1 组",
    }
    assert screen.tips["配置标准"].startswith("出自 3 个规划")


def test_the_overview_shows_every_column_but_what_is_required_and_what_can_be_judged_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = screen_of(monkeypatch, standards_figures)
    names = [
        "标准",
        *standards_figures._FIGURES,
        "适用地区",
        "达标地区（%）",
        "要求达标（%）",
        "说明",
        "A",
        "龥",
    ]
    rows = pd.DataFrame([dict.fromkeys(names, 1.0), dict.fromkeys(names, 2.0)], index=["x", "y"])
    rows.loc["x", "缺口"] = NONE_KNOWN
    monkeypatch.setattr(standards_figures, "overview_table", lambda _analysis: rows)
    standards_figures.show_overview(SimpleNamespace())  # type: ignore[arg-type]
    assert screen.options[0]["column_order"] == [name for name in rows if name != "要求达标（%）"]
    assert screen.tables[0].index.tolist() == ["y", "x"]
    assert screen.tables[0]["缺口"].tolist() == ["2", "未知"]


@pytest.mark.parametrize("projected", [True, False])
def test_the_notes_on_standards_are_all_told_and_the_method_once_where_it_was_used(
    monkeypatch: pytest.MonkeyPatch, projected: bool
) -> None:
    screen = screen_of(monkeypatch, standards_figures)
    analysis: Any = SimpleNamespace(
        notes=["A 注", METHOD, "龥 注"], projected=projected, repeat_notes=lambda _key: ["重复"]
    )
    choice: Any = SimpleNamespace(population="2020 年", standard="x")
    standards_figures.show_notes(choice, analysis)
    told = [line.removeprefix("- ").replace("\\", "") for line in screen.said[0].split("\n")]
    assert told == ["人口：2020 年", "A 注", "龥 注", *([METHOD] if projected else []), "重复"]


def test_a_region_without_a_figure_tells_its_own_reason_or_that_the_standard_is_not_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn: dict[str, Any] = {}
    monkeypatch.setattr(standards_figures, "region_frame", lambda *_: None)
    monkeypatch.setattr(standards_figures, "choropleth", lambda _frame, values, **more: drawn.update(more))
    rows = pd.DataFrame(
        [
            ("a", True, 5.0, 2.0, "没有此类设施的数据"),
            ("b", False, 5.0, 2.0, "没有此类设施的数据"),
            ("c", False, NONE_KNOWN, 2.0, "没有人口"),
            ("d", True, NONE_KNOWN, 2.0, "没有乡镇数"),
        ],
        columns=["adcode", "applies", "required", "shortfall", "reason"],
    )
    entry = SimpleNamespace(name="每县一所", unit="所", region_level="county")
    analysis: Any = SimpleNamespace(standards={"x": entry}, table=lambda *_a, **_k: rows)
    choice: Any = SimpleNamespace(standard="x", level="county", view="shortfall", within="320000", year=2020)
    standards_figures.region_layer(None, choice, analysis, None)  # type: ignore[arg-type]
    assert drawn["reasons"].to_dict() == {
        "a": "没有此类设施的数据",
        "b": "这条标准不适用于此地区",
        "c": "没有人口",
        "d": "没有乡镇数",
    }


@pytest.mark.parametrize("none", [0, 2])
def test_counties_are_told_by_how_many_corridors_touch_them(
    monkeypatch: pytest.MonkeyPatch, none: int
) -> None:
    screen = screen_of(monkeypatch, corridor_compare)
    touched = [0] * none + [3] * (3 - none) + [7, 3]
    counts = pd.DataFrame(
        {"name": list("甲乙丙丁戊"), "corridors": touched, "plans": [1, 1, 1, 2, 2]},
        index=[f"32010{number}" for number in range(5)],
    )
    corridor_compare.show_counties(counts)
    told = "一条也没有的 0 个。" if none == 0 else "一条也没有的 2 个：甲、乙"
    assert screen.said == [f"最多的县（市、区）有 7 条通道；{told}"]
    assert screen.tables[0]["地区"].str.cat() == ("丁戊甲乙丙" if none == 0 else "丁戊丙甲乙")


@pytest.mark.parametrize("group", sorted({family.group for family in load_corridor_families().values()}))
def test_only_a_railway_has_stations(monkeypatch: pytest.MonkeyPatch, group: str) -> None:
    screen = screen_of(monkeypatch, corridor_compare)
    asked: list[str] = []
    monkeypatch.setattr(corridor_compare, "show_stations", lambda _store, key: asked.append(key))
    member = {"position": 1, "text": "南京", "role": "end", "name": "南京市", "adcode": "320100"}
    found: Any = SimpleNamespace(
        members_of=lambda _key: pd.DataFrame([member | {"reason": None, "note": None}]),
        families={"f": SimpleNamespace(group=group)},
        table=pd.DataFrame({"family": ["f"]}, index=["c"]),
    )
    corridor_compare.show_members(None, found, SimpleNamespace(picked="c"))  # type: ignore[arg-type]
    assert screen.tables[0]["作用"].tolist() == ["端点"]
    assert asked == (["c"] if group == RAIL_GROUP else [])


@pytest.mark.parametrize(
    ("candidates", "sites", "told"),
    [
        ("file", (), "先选好候选点文件"),
        ("file", ("甲",), "里选数量"),
        ("grid", (), "里选数量"),
        ("townships", (), "里选数量"),
    ],
)
def test_what_to_do_for_sites_depends_on_where_they_come_from(
    monkeypatch: pytest.MonkeyPatch, candidates: str, sites: tuple[str, ...], told: str
) -> None:
    screen = screen_of(monkeypatch, siting_panels)
    choice: Any = SimpleNamespace(request=SimpleNamespace(candidates=candidates, sites=sites))
    answers: Any = SimpleNamespace(analysis=SimpleNamespace(result=None))
    siting_panels.show_sites(choice, answers)
    assert told in screen.said[-1]
