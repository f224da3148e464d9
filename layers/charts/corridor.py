"""Charts of corridors: the strip along a line, two corridors side by side, projects by stage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from layers.charts.base import INK, MUTED, styled

BAR, OTHER = "#4C8BB5", "#C2410C"
_HATCH = "#D9DEE3"

_PROFILE_PX = 300


def profile_chart(
    rows: pd.DataFrame, stops: pd.DataFrame, *, unit: str, title: str, decimals: int = 1
) -> Any:
    """Return the strip of a line: one step per county from kilometre to kilometre, its places as rules.

    ``rows``: from_km, to_km, name, value (NaN where undefined), reason. ``stops``: name, km.
    """
    shown = rows.assign(
        text=[
            f"{value:,.{decimals}f} {unit}" if pd.notna(value) else (reason or "无数据")
            for value, reason in zip(rows["value"], rows["reason"], strict=True)
        ]
    )[["from_km", "to_km", "name", "value", "text"]]
    end = float(rows["to_km"].max())
    x = alt.X("from_km:Q", title="公里（大地线，自起点）", scale=alt.Scale(domain=[0, end], nice=False))
    tips = [
        alt.Tooltip("name:N", title="地区"),
        alt.Tooltip("text:N", title=title),
        alt.Tooltip("from_km:Q", title="起（公里）", format=".1f"),
        alt.Tooltip("to_km:Q", title="止（公里）", format=".1f"),
    ]
    known, lost = shown[shown["value"].notna()], shown[shown["value"].isna()]
    bars = (
        alt.Chart(known)
        .mark_rect(color=BAR, stroke="#FFFFFF", strokeWidth=0.6)
        .encode(x=x, x2="to_km:Q", y=alt.Y("value:Q", title=unit or title), y2=alt.datum(0), tooltip=tips)
    )
    gaps = (
        alt.Chart(lost)
        .mark_rect(color=_HATCH)
        .encode(x=x, x2="to_km:Q", y=alt.value(0), y2=alt.value(_PROFILE_PX), tooltip=tips)
    )
    marks = alt.Chart(stops[["name", "km"]])
    rules = marks.mark_rule(color=INK, strokeDash=[3, 3], strokeWidth=1).encode(x="km:Q")
    labels = marks.mark_text(angle=0, align="left", dx=3, dy=-6, color=INK, fontWeight=600).encode(
        x="km:Q", y=alt.value(0), text="name:N"
    )
    chart = alt.layer(gaps, bars, rules, labels).properties(
        height=_PROFILE_PX, padding={"top": 18, "right": 40}
    )
    return styled(chart, description=f"沿线剖面：{title}")


def comparison_chart(rows: pd.DataFrame, names: Sequence[str]) -> Any:
    """Return the shares of the province of two corridors by indicator: indicator, corridor, share."""
    chart = (
        alt.Chart(rows)
        .mark_bar()
        .encode(
            y=alt.Y("indicator:N", title=None, sort=None),
            yOffset=alt.YOffset("corridor:N", sort=list(names)),
            x=alt.X("share:Q", title="占全省", axis=alt.Axis(format=".0%")),
            color=alt.Color(
                "corridor:N",
                sort=list(names),
                scale=alt.Scale(domain=list(names), range=[BAR, OTHER]),
                legend=alt.Legend(title=None, orient="bottom"),
            ),
            tooltip=[
                alt.Tooltip("corridor:N", title="通道"),
                alt.Tooltip("indicator:N", title="指标"),
                alt.Tooltip("share:Q", title="占全省", format=".1%"),
            ],
        )
        .properties(height=220)
    )
    return styled(chart, description="两条通道占全省的比重")


def timeline_chart(
    rows: pd.DataFrame, stages: Sequence[str], families: Sequence[str], colours: Sequence[str]
) -> Any:
    """Return the projects by stage, stacked by family: stage, family, projects."""
    chart = (
        alt.Chart(rows)
        .mark_bar(stroke="#FFFFFF", strokeWidth=0.6)
        .encode(
            x=alt.X("stage:N", sort=list(stages), title=None, axis=alt.Axis(labelAngle=0, labelLimit=110)),
            y=alt.Y("projects:Q", title="项目数"),
            color=alt.Color(
                "family:N",
                sort=list(families),
                scale=alt.Scale(domain=list(families), range=list(colours)),
                legend=alt.Legend(title=None, orient="bottom", columns=4),
            ),
            order=alt.Order("order:Q"),
            tooltip=[
                alt.Tooltip("stage:N", title="阶段"),
                alt.Tooltip("family:N", title="类别"),
                alt.Tooltip("projects:Q", title="项目数"),
                alt.Tooltip("names:N", title="项目"),
            ],
        )
        .properties(height=320)
    )
    return styled(chart, description="铁路项目按阶段")


def project_chart(
    rows: pd.DataFrame,
    stages: Sequence[str],
    families: Sequence[str],
    colours: Sequence[str],
    *,
    years: tuple[int, int],
) -> Any:
    """Return the timeline of projects: a mark per project and year span; name, family, start, end, stage.

    ``years`` are the first and the last of the axis.
    """
    names = list(rows["name"])
    chart = (
        alt.Chart(rows)
        .mark_bar(height=11, cornerRadius=2)
        .encode(
            y=alt.Y("name:N", sort=names, title=None, axis=alt.Axis(labelLimit=270)),
            x=alt.X("start:Q", title=None, scale=alt.Scale(domain=list(years)), axis=alt.Axis(format="d")),
            x2="end:Q",
            color=alt.Color(
                "family:N",
                scale=alt.Scale(domain=list(families), range=list(colours)),
                legend=alt.Legend(title=None, orient="top", columns=4),
            ),
            opacity=alt.condition("datum.firm", alt.value(0.95), alt.value(0.4)),
            tooltip=[
                alt.Tooltip("name:N", title="项目"),
                alt.Tooltip("family:N", title="类别"),
                alt.Tooltip("stage:N", title="阶段"),
                alt.Tooltip("period:N", title="原文"),
                alt.Tooltip("where:N", title="设区市"),
                alt.Tooltip("source:N", title="文号、行号"),
            ],
        )
        .properties(height=max(18 * len(rows), 60))
    )
    return styled(chart, description=f"铁路项目时序，{len(stages)} 个阶段")


def prefecture_chart(rows: pd.DataFrame, stages: Sequence[str]) -> Any:
    """Return a heat map of projects by prefecture and stage: prefecture, stage, projects."""
    # Two lines, for the names to fit on a phone.
    words = "[slice(datum.label, 0, 3), slice(datum.label, 3)]"
    axis = alt.Axis(labelAngle=0, orient="top", labelExpr=words, labelLineHeight=14)
    x = alt.X("stage:N", sort=list(stages), title=None, axis=axis)
    y = alt.Y("prefecture:N", sort=None, title=None)
    base = alt.Chart(rows)
    cells = base.mark_rect(stroke="#FFFFFF").encode(
        x=x, y=y, color=alt.Color("projects:Q", scale=alt.Scale(scheme="blues"), legend=None)
    )
    text = base.mark_text(color=MUTED, fontWeight=600).encode(
        x=x,
        y=y,
        text="projects:Q",
        color=alt.condition("datum.projects > 9", alt.value("#FFFFFF"), alt.value(INK)),
    )
    return styled(
        alt.layer(cells, text).properties(height=24 * rows["prefecture"].nunique() + 30),
        description="各设区市各阶段的铁路项目数",
    )
