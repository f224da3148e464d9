"""The figures of one region on the page 设施覆盖: people and area within reach, minutes, the unreachable."""

from __future__ import annotations

from typing import Any, cast

import pandas as pd
import streamlit as st

from data.store import Store
from geo.coverage import Level
from layers.coverage_charts import percent
from layers.model import format_number
from pages import cached
from pages.components import plain
from pages.coverage_answers import Answers
from pages.coverage_choice import CoverageChoice
from pages.coverage_words import notes
from pages.numbers import readable


def focus(store: Store, choice: CoverageChoice) -> str:
    """Return the region the figures are of: the one looked at, or all that was asked for."""
    return choice.region or choice.request.within


def row_of(store: Store, choice: CoverageChoice, answers: Answers, adcode: str) -> pd.Series:
    """Return the row of the coverage table of one region inside the request's region."""
    level = cast(Level, cached.region_table(store).loc[adcode, "level"])
    rows = answers.table(choice.minutes, level, choice.group).set_index("adcode", drop=False)
    row = rows.loc[adcode]
    assert isinstance(row, pd.Series)  # noqa: S101 - one row per region
    return row


def show_figures(store: Store, choice: CoverageChoice, answers: Answers) -> None:
    """Draw the figures of the region looked at."""
    row = row_of(store, choice, answers, focus(store, choice))
    with st.container(key="coverage_figures"):
        st.markdown(f"**{plain(row['name'])}**　{plain(choice.group_name)}，{choice.minutes:g} 分钟内")
        for pair in (_first(row), _second(row), _third(row)):
            for column, (label, value, tip) in zip(st.columns(2), pair, strict=True):
                column.metric(label, value, help=tip)
        if isinstance(row["reason"], str):
            what = "" if pd.isna(row["population_coverage"]) else "分钟数"
            st.caption(plain(f"{what}无法计算：{row['reason']}"))


def _first(row: pd.Series) -> list[tuple[str, str, str]]:
    return [
        ("人口覆盖率", percent(row["population_coverage"]), "覆盖人口 ÷ 该人群总数；每人只计一次"),
        ("面积覆盖率", percent(row["area_coverage"]), "覆盖的陆地面积 ÷ 陆地面积；与人口覆盖率是两个数"),
    ]


def _second(row: pd.Series) -> list[tuple[str, str, str]]:
    uncovered = row["population"] - row["covered_population"]
    return [
        ("覆盖人口", _people(row["covered_population"]), _exact(row["covered_population"])),
        ("未覆盖人口", _people(uncovered), _exact(uncovered)),
    ]


def _third(row: pd.Series) -> list[tuple[str, str, str]]:
    minutes = [_minutes(row[name]) for name in ("mean_minutes", "median_minutes")]
    return [
        ("平均 / 中位分钟", " / ".join(minutes), "按人口加权，只计能够到达的人"),
        (
            "不可达人口",
            _people(row["unreachable_population"]),
            "搜索半径内到不了任何设施的人，已计入未覆盖；" + _exact(row["unreachable_population"]),
        ),
    ]


def _people(value: Any) -> str:
    return readable(float(value), "人", 0)


def _exact(value: Any) -> str:
    return "无数据" if pd.isna(value) else f"{format_number(float(value), 0)} 人"


def _minutes(value: Any) -> str:
    return "—" if pd.isna(value) else format_number(float(value), 1)


def show_notes(store: Store, choice: CoverageChoice, answers: Answers) -> None:
    """Say what a reader must know of the figures, and which regions may look worse than they are."""
    lines = [plain(note) for note in notes(store, answers.analysis)]
    rows = answers.table(choice.minutes, choice.level, choice.group)
    flagged = rows[rows["edge"].astype(bool)]
    if len(flagged):
        lines.append(
            plain(
                f"* {len(rows)} 个地区中有 {len(flagged)} 个靠近省界（相距不足 {choice.minutes:g} 分钟路程）"
                "，而数据里没有省外的设施：这些地区的覆盖率可能偏低"
            )
        )
    with st.container(key="coverage_notes"):
        st.caption("\n".join(f"- {line}" for line in lines))
