"""The tables of the page 15分钟服务圈 as people read them."""

from __future__ import annotations

import pandas as pd

from data.circles import PointAnswer
from layers.model import format_number
from pages.circles_choice import CircleChoice
from pages.circles_data import CircleAnswers
from pages.coverage_store import mode_names

COLUMNS = {
    "adcode": "代码",
    "name": "地区",
    "population": "人口",
    "score": "完整度（%）",
    "complete_population": "各项齐全人口",
    "complete_share": "齐全占比（%）",
    "missing": "最缺的服务",
    "missing_population": "缺此服务的人口",
    "services": "计入的服务数",
    "reason": "说明",
}


def place_table(place: PointAnswer) -> pd.DataFrame:
    """Return the measured services of a place as people read them, the missing first."""
    modes = mode_names()
    order = sorted(place.measured, key=lambda one: bool(one.met))
    return pd.DataFrame(
        {
            "服务": [one.name for one in order],
            "结论": ["够得着" if one.met else "缺" for one in order],
            "分钟": ["—" if pd.isna(one.minutes) else format_number(one.minutes, 1) for one in order],
            "阈值": [f"{modes[one.mode]} {one.threshold_minutes:g}" for one in order],
            "最近的设施": [one.facility or one.reason or "" for one in order],
        }
    )


def figures_table(choice: CircleChoice, answers: CircleAnswers) -> pd.DataFrame:
    """Return the circles of the level shown as people read them, the most complete first."""
    rows = answers.table(choice.level, choice.tier, choice.group)
    rows = rows.sort_values(["score", "adcode"], ascending=[False, True], na_position="last")
    names = {key: service.name for key, service in answers.analysis.services.items()}
    shown = rows.assign(
        score=rows["score"] * 100.0,
        complete_share=rows["complete_share"] * 100.0,
        missing=rows["missing"].map(names).fillna(""),
        reason=rows["reason"].fillna(""),
    )
    return shown[list(COLUMNS)].rename(columns=COLUMNS).reset_index(drop=True)


def matrix_table(choice: CircleChoice, answers: CircleAnswers) -> pd.DataFrame:
    """Return one row per region and one column per measured service: people in reach, in per cent."""
    rows = answers.services(choice.level, choice.tier, choice.group)
    rows = rows[~rows["service"].isin(answers.analysis.undefined)]
    wide = rows.assign(coverage=rows["coverage"] * 100.0).pivot_table(
        index="adcode", columns="service_name", values="coverage"
    )
    order = [one.name for one in answers.analysis.services.values() if one.name in wide]
    regions = rows.drop_duplicates("adcode").set_index("adcode")["name"]
    wide = wide.reindex(index=regions.index, columns=order)
    wide.insert(0, "地区", regions)
    return wide.reset_index(names="代码").rename_axis(columns=None)
