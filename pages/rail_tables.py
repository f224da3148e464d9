"""The railway plan's projects as tables: by stage, one by one, by prefecture, to take away."""

from __future__ import annotations

import pandas as pd

from data.corridor_reports import STAGES
from pages.corridor_store import STATUS_NAMES

SPANS: dict[str, tuple[int, int]] = {
    "既有": (2015, 2020),
    "十四五续建": (2019, 2025),
    "十四五开工": (2022, 2030),
    "十四五建设": (2022, 2030),
    "十四五规划": (2024, 2032),
    "十四五研究": (2027, 2035),
    "中长期与远景": (2028, 2035),
}
"""Where the bar of a stage stands: of the plan's wording only, no dates of single projects."""
_FIRM = ("既有", "十四五续建")


def stage_rows(shown: pd.DataFrame) -> pd.DataFrame:
    """Return the projects by stage and family: stage, family, projects, names, order."""
    order = {name: number for number, name in enumerate(dict.fromkeys(shown["family_name"]))}
    grouped = (
        shown.groupby(["stage", "family_name"], sort=False)["name"].agg(["size", "、".join]).reset_index()
    )
    grouped.columns = pd.Index(["stage", "family", "projects", "names"])
    return grouped.assign(order=grouped["family"].map(order))


def project_rows(shown: pd.DataFrame, names: pd.Series) -> pd.DataFrame:
    """Return one bar per project in the order of stages: name, family, stage, start, end, firm; its tip."""
    ordered = shown.assign(at=shown["stage"].map(list(STAGES).index)).sort_values(
        ["at", "family"], kind="stable"
    )
    return pd.DataFrame(
        {
            "name": ordered["name"],
            "family": ordered["family_name"],
            "stage": ordered["stage"],
            "period": ordered["period"].where(ordered["period"] != "", ordered["status"].map(STATUS_NAMES)),
            "start": ordered["stage"].map(lambda stage: SPANS[stage][0]),
            "end": ordered["stage"].map(lambda stage: SPANS[stage][1]),
            "firm": ordered["stage"].isin(_FIRM),
            "where": ordered["prefectures"].map(lambda codes: "、".join(str(names[code]) for code in codes)),
            "source": ordered["doc_no"] + "　" + ordered["seed_line"],
        }
    )


def prefecture_rows(shown: pd.DataFrame, names: pd.Series) -> pd.DataFrame:
    """Return how many projects touch each prefecture, by stage."""
    long = shown.explode("prefectures").dropna(subset="prefectures")
    grouped = (
        long.groupby(["prefectures", "stage"]).size().reset_index(name="projects").sort_values("prefectures")
    )
    return grouped.assign(prefecture=grouped["prefectures"].map(names))[["prefecture", "stage", "projects"]]


def table_rows(shown: pd.DataFrame, names: pd.Series) -> pd.DataFrame:
    """Return the projects as a table to read and take away."""
    return pd.DataFrame(
        {
            "项目": shown["name"],
            "类别": shown["family_name"],
            "状态": shown["status"].map(STATUS_NAMES),
            "期限": shown["period"],
            "阶段": shown["stage"],
            "设区市": shown["prefectures"].map(lambda codes: "、".join(str(names[code]) for code in codes)),
            "文号": shown["doc_no"],
            "原文行号": shown["seed_line"],
        }
    )
