"""数据体检: right about a good store, and not silent about a spoilt one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from data.store import check
from data.store.check import CheckReport, check_store
from data.store.store import Store, connect
from data.store.versions import DATABASE

CENSUS = "indicator = 'population' AND year = 2020"
KEYS = [
    "ok",
    "schema_version",
    "data_version",
    "regions",
    "population_2020",
    "indicators",
    "facts",
    "plan_documents",
    "plan_targets",
    "corridors",
    "unmatched",
    "problems",
]


def test_the_built_store_is_right(built_store: Store) -> None:
    report = check_store(built_store)
    assert report.problems == []
    assert report.ok
    assert report.regions == {
        "economic_region": 3,
        "prefecture": 13,
        "county": 95,
        "kinds": {"区": 55, "县级市": 21, "县": 19},
    }
    population = report.population_2020
    assert population["province"] == population["sum_prefectures"] == 84_748_016
    assert population["sum_counties"] + sum(population["unallocated"].values()) == 84_748_016
    assert population["unallocated"] == {"320700": 263_480, "321100": 263_813}
    assert (report.plan_documents, report.plan_targets) == (24, 2513)
    assert report.indicators >= 60
    assert report.facts == len(built_store.table("fact"))


def test_the_report_is_json_with_the_keys_agreed(built_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "coverage_problems", lambda _counties: [])
    report = check_store(built_store).as_dict()
    assert list(report) == KEYS
    assert json.loads(json.dumps(report, allow_nan=False)) == report


@pytest.fixture
def spoilt(built_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., CheckReport]:
    """Return a function that runs statements on a copy of the store and checks it."""
    folder = Path(shutil.copytree(built_store.folder, tmp_path / "store"))
    monkeypatch.setattr(check, "coverage_problems", lambda _counties: [])

    def spoil(*statements: str) -> CheckReport:
        connection = connect(folder / DATABASE, read_only=False)
        for statement in statements:
            connection.execute(statement)
        connection.close()
        store = Store(folder)
        try:
            return check_store(store)
        finally:
            store.close()

    return spoil


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("DELETE FROM region WHERE adcode = '320102'", "地区：county 应有 95 个，实有 94 个"),
        ("UPDATE region SET kind = '县' WHERE adcode = '320102'", "地区：区应有 55 个，实有 54 个"),
        ("UPDATE region SET kind = '县' WHERE adcode = '320102'", "地区：县应有 19 个，实有 20 个"),
        ("UPDATE region SET parent = '320S00' WHERE adcode = '320102'", "上级 320S00 不是 prefecture"),
        ("UPDATE region SET parent = '320500' WHERE adcode = '320102'", "代码与上级 320500 不一致"),
        (
            f"UPDATE fact SET value = value + 1 WHERE {CENSUS} AND adcode = '320102'",
            "三者不等",
        ),
        (
            f"UPDATE fact SET value = value + 1 WHERE {CENSUS} AND adcode = '320102'",
            "指标 population，2020 年：320100 为",
        ),
        (
            f"DELETE FROM fact WHERE {CENSUS} AND adcode = '320000'",
            "2020 年人口：省、设区市或县（市、区）的数值不全",
        ),
        (
            "UPDATE fact SET value = value - 2 WHERE indicator = 'household_count' AND year = 2010 "
            "AND adcode = '320S00'",
            "指标 household_count，2010 年：320000 为",
        ),
        ("DELETE FROM indicator WHERE id = 'sex_ratio'", "表 fact 的 indicator 有 1 个值不在表 indicator 中"),
        ("DELETE FROM source WHERE id = 'census_2020'", "表 fact 的 source 有 1 个值不在表 source 中"),
        ("DELETE FROM plan_target WHERE id = 'health-001'", "规划 health：文件清单写 233 行，库中有 232 行"),
        (
            "DELETE FROM plan_target WHERE id = 'women-027'",
            "表 headline_target 的 target_row 有 1 个值不在表 plan_target 中",
        ),
        (
            "DELETE FROM plan_document WHERE plan = 'women'",
            "表 plan_target 的 plan 有 1 个值不在表 plan_document",
        ),
        (
            "UPDATE headline_target SET state = 'undefined', state_reason = ' ' WHERE state = 'met'",
            "没有数值，也没有写明原因",
        ),
        ("DELETE FROM catalogue WHERE name = 'regions_full'", "文件目录中没有 regions_full"),
        (
            "UPDATE catalogue SET sha256 = 'x' WHERE name = 'regions_full'",
            "regions_full.parquet 的内容与构建时不同",
        ),
        (
            "UPDATE catalogue SET rows = 7 WHERE name = 'regions_full'",
            "regions_full.parquet 应有 7 行，实有 112 行",
        ),
        ("UPDATE catalogue SET path = 'gone' WHERE name = 'regions_full'", "文件 gone 不见了"),
    ],
)
def test_what_is_wrong_is_told(spoilt: Callable[..., CheckReport], statement: str, problem: str) -> None:
    report = spoilt(statement)
    assert not report.ok
    assert any(problem in told for told in report.problems), report.problems


def test_every_fault_is_told_at_once(spoilt: Callable[..., CheckReport]) -> None:
    report = spoilt(
        "UPDATE region SET kind = '县' WHERE adcode = '320102'",
        "DELETE FROM source WHERE id = 'census_2020'",
        "DELETE FROM catalogue WHERE name = 'regions_full'",
    )
    assert len(report.problems) == 4


def test_imported_counts_need_not_add_up(spoilt: Callable[..., CheckReport]) -> None:
    """An office may import its counties from one table and its prefecture from another."""
    report = spoilt(
        "INSERT INTO source VALUES ('import_x', 'x', NULL, NULL, NULL, NULL, 'imported', NULL)",
        "INSERT INTO fact SELECT adcode, indicator, year, 'import_x', value + 1, status, 'imported', flag, "
        f"note, reason FROM fact WHERE {CENSUS}",
    )
    assert report.problems == []


def test_a_sum_with_an_undefined_part_is_not_compared(spoilt: Callable[..., CheckReport]) -> None:
    report = spoilt(
        "UPDATE fact SET value = NULL, status = 'undefined', reason = '未公布' "
        "WHERE indicator = 'household_count' AND year = 2020 AND adcode = '320102'"
    )
    assert report.problems == []


def test_unmatched_rows_are_shown_and_are_no_fault(spoilt: Callable[..., CheckReport]) -> None:
    report = spoilt(
        "INSERT INTO unmatched VALUES ('fact', 'census_2020', '7', '329999', '某区', NULL, '代码未知')"
    )
    assert report.ok
    assert report.unmatched == [
        {
            "table_name": "fact",
            "source": "census_2020",
            "row": "7",
            "code": "329999",
            "name": "某区",
            "value": None,
            "reason": "代码未知",
        }
    ]


def test_borders_that_overlap_or_are_missing_are_told(built_store: Store, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(built_store.folder, tmp_path / "store"))
    path = folder / "regions_province.parquet"
    frame = gpd.read_parquet(path)
    moved = frame["adcode"] == "320582"
    frame.loc[moved, "geometry"] = shapely.transform(
        frame.loc[moved, "geometry"].to_numpy(), lambda xy: xy + 0.02
    )
    frame[frame["adcode"] != "320102"].to_parquet(path, index=False)
    store = Store(folder)
    problems = check_store(store).problems
    store.close()
    assert "文件 regions_province.parquet 的内容与构建时不同" in problems
    assert "边界 province：缺少 1 个地区：320102" in problems
    assert any(problem.startswith("边界 province：") and "320582" in problem for problem in problems)
    assert not any(problem.startswith("边界 county：") for problem in problems)


def test_a_border_file_that_cannot_be_read_is_told(
    built_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "coverage_problems", lambda _counties: [])
    folder = Path(shutil.copytree(built_store.folder, tmp_path / "store"))
    (folder / "regions_county.parquet").write_bytes(b"no parquet")
    store = Store(folder)
    problems = check_store(store).problems
    store.close()
    assert sum("regions_county.parquet" in problem for problem in problems) == 2
