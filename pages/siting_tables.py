"""The tables of the page 选址优化 as people read them."""

from __future__ import annotations

import pandas as pd

from geo.coverage import GROUPS
from pages.siting_choice import SitingChoice
from pages.siting_data import SitingAnswers

_HEADERS = {
    "adcode": "代码",
    "name": "地区",
    "population": "人口",
    "covered_before": "现状覆盖人口",
    "covered_after": "方案覆盖人口",
    "gained": "新增覆盖人口",
    "coverage_before": "现状覆盖率（%）",
    "coverage_after": "方案覆盖率（%）",
    "reason": "说明",
}


def regions_table(choice: SitingChoice, answers: SitingAnswers) -> pd.DataFrame:
    """Return before and after of the level shown, most people gained first, ratios in per cent."""
    rows = answers.comparison(choice.level, choice.request.group)
    return _shown(rows.sort_values(["gained", "adcode"], ascending=[False, True], na_position="last"))


def groups_table(answers: SitingAnswers) -> pd.DataFrame:
    """Return before and after of every population group of the whole."""
    rows = answers.groups()
    return (
        _shown(rows.assign(name=rows["group"].map(GROUPS)))
        .drop(columns="代码")
        .rename(columns={"地区": "人群"})
    )


def _shown(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows.assign(
        coverage_before=rows["coverage_before"] * 100.0,
        coverage_after=rows["coverage_after"] * 100.0,
        reason=rows["reason"].fillna(""),
    )
    return rows[list(_HEADERS)].rename(columns=_HEADERS).reset_index(drop=True)


def sites_table(choice: SitingChoice, answers: SitingAnswers) -> pd.DataFrame:
    """Return the proposed sites in order of choice."""
    rows = answers.analysis.sites()
    gain = "新增覆盖（人）" if choice.request.objective == "coverage" else "节省（人·分钟）"
    return pd.DataFrame(
        {
            "次序": rows["rank"].astype("int64"),
            "位置": rows["name"],
            gain: rows["gain"].astype("float64"),
            "经度": rows["lon"].map("{:.4f}".format),
            "纬度": rows["lat"].map("{:.4f}".format),
        }
    )
