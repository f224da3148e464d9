"""Charts of services: siting and its scenarios, life circles, supply and demand."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from layers.charts.base import INK, MUTED, ROW_PX, SELECTED, styled
from layers.charts.coverage import percent
from layers.model import format_number

_BEFORE, _AFTER = "#9aa7b2", "#1b7837"


def budget_chart(curve: pd.DataFrame, chosen: int, objective: str) -> Any:
    """Return what so many new sites bring: a stepwise line, the number chosen marked.

    ``curve``: columns ``sites``, ``value``, ``share`` of ``analysis.siting.SitingAnalysis.curve``.
    """
    covers = objective == "coverage"
    title = "覆盖人口" if covers else "人均分钟"
    rows = curve.assign(shown=[f"{value:,.0f}" if covers else f"{value:,.1f}" for value in curve["value"]])
    x = alt.X("sites:Q", title="新增设施（处）", axis=alt.Axis(tickMinStep=1, grid=False))
    y = alt.Y("value:Q", title=title, scale=alt.Scale(zero=False), axis=alt.Axis(format=",.0f"))
    tips = [alt.Tooltip("sites:Q", title="新增"), alt.Tooltip("shown:N", title=title)]
    base = alt.Chart(rows).encode(x=x, y=y, tooltip=tips)
    parts: list[Any] = [
        base.mark_line(color=_AFTER, strokeWidth=2.4),
        base.mark_circle(color=_AFTER, size=46),
    ]
    here = rows[rows["sites"] == chosen]
    if len(here):
        mark = alt.Chart(here).encode(x=x, y=y, tooltip=tips)
        parts.append(mark.mark_circle(color=SELECTED, size=120))
        below = mark.mark_text(align="left", dx=9, dy=14 if covers else -10, color=SELECTED, fontWeight=600)
        parts.append(below.encode(text="shown:N"))
    return styled(alt.layer(*parts).properties(height=300), description=f"{title}随新增设施数的变化")


def before_after_chart(rows: pd.DataFrame) -> Any:
    """Return per row (``name``, ``coverage_before``, ``coverage_after``) a line from before to after.

    Rows in order of the share after; those without any share are left out.
    """
    shown = rows.dropna(subset=["coverage_after"]).sort_values("coverage_after", ascending=False)
    if shown.empty:
        chart = (
            alt.Chart(pd.DataFrame({"text": ["没有可画的数值"]})).mark_text(color=MUTED).encode(text="text:N")
        )
        return styled(chart.properties(height=80), description="没有可画的数值")
    key = "adcode" if shown["adcode"].is_unique else "name"
    shown = pd.DataFrame(
        {
            "key": shown[key],
            "name": shown["name"],
            "before": shown["coverage_before"],
            "after": shown["coverage_after"],
            "gained": shown["gained"],
            "text": [
                f"{percent(before)} → {percent(after)}" if before != after else percent(after)
                for before, after in zip(shown["coverage_before"], shown["coverage_after"], strict=True)
            ],
        }
    )
    y = alt.Y(
        "key:N", sort=list(shown["key"]), title=None, axis=alt.Axis(labels=False, ticks=False, domain=False)
    )
    scale = alt.Scale(domain=[0, 1.12], nice=False)
    axis = alt.Axis(format="%", orient="top", values=[0, 0.25, 0.5, 0.75, 1.0])
    x = alt.X("before:Q", title="覆盖率：灰为现状，绿为方案后", scale=scale, axis=axis)
    tips = [
        alt.Tooltip("name:N", title="名称"),
        alt.Tooltip("text:N", title="覆盖率"),
        alt.Tooltip("gained:Q", title="新增人口", format="+,.0f"),
    ]
    base = alt.Chart(shown).encode(y=y, tooltip=tips)
    parts = [
        base.mark_rule(strokeWidth=2.4, color="#b9d8bf").encode(x=x, x2="after:Q"),
        base.mark_circle(size=56, opacity=1, color=_BEFORE).encode(x=x),
        base.mark_circle(size=70, opacity=1, color=_AFTER).encode(x=alt.X("after:Q", scale=scale)),
        base.mark_text(align="left", dx=9, color=MUTED).encode(
            x=alt.X("after:Q", scale=scale), text="text:N"
        ),
        base.mark_text(align="right", dx=-8, color=INK).encode(x=alt.XValue(0), text="name:N"),
    ]
    chart = alt.layer(*parts).properties(
        height=max(ROW_PX, 22) * len(shown), padding={"left": 96, "right": 10, "top": 5, "bottom": 5}
    )
    return styled(chart, description="覆盖率，现状与方案后")


def scenario_chart(rows: pd.DataFrame) -> Any:
    """Return one bar per scenario: the people it covers beyond the present (``name``, ``gained``, ``id``)."""
    shown = rows.assign(
        gained=rows["gained"].fillna(0.0),
        text=[f"{gain:+,.0f} 人" if pd.notna(gain) else "现状未知" for gain in rows["gained"]],
        label=rows["name"].astype(str) + "　" + rows["id"].astype(str).str[-6:],
    )[["label", "gained", "text"]]
    y = alt.Y(
        "label:N",
        sort=list(shown["label"]),
        title=None,
        axis=alt.Axis(ticks=False, domain=False, labelColor=INK, labelLimit=200),
    )
    base = alt.Chart(shown).encode(y=y, tooltip=["label:N", "text:N"])
    top = max(float(shown["gained"].max()), 1.0)
    low = min(float(shown["gained"].min()), 0.0)
    x = alt.X(
        "gained:Q",
        title="比现状多覆盖的人",
        scale=alt.Scale(domain=[low, top * 1.25]),
        axis=alt.Axis(format=",.0f"),
    )
    bars = base.mark_bar(height=16, color=_AFTER).encode(x=x)
    texts = base.mark_text(align="left", dx=6, color=MUTED).encode(x=x, text="text:N")
    return styled(
        alt.layer(bars, texts).properties(height=max(34 * len(shown), 56)), description="各方案新增覆盖人口"
    )


_BAR, _ROW_PX = "#2c7fb8", 28


def service_bars(rows: pd.DataFrame) -> Any:
    """Return one bar per service: the share of people in reach; services without data say why.

    ``rows``: the rows of one region of ``geo.circles.service_table`` with ``service_name``.
    """
    shown = pd.DataFrame(
        {
            "service": rows["service_name"],
            "share": rows["coverage"],
            "text": [
                percent(value) if pd.notna(value) else str(reason)
                for value, reason in zip(rows["coverage"], rows["reason"], strict=True)
            ],
            "people": rows["covered_population"],
            "at": rows["coverage"].fillna(0.0),
        }
    )
    y = alt.Y(
        "service:N",
        sort=list(shown["service"]),
        title=None,
        axis=alt.Axis(ticks=False, domain=False, labelColor=INK, labelLimit=120),
    )
    scale = alt.Scale(domain=[0, 1])
    tips = [
        alt.Tooltip("service:N", title="服务"),
        alt.Tooltip("text:N", title="够得着"),
        alt.Tooltip("people:Q", title="人数", format=",.0f"),
    ]
    base = alt.Chart(shown).encode(y=y, tooltip=tips)
    bars = base.mark_bar(height=15, color=_BAR).encode(
        x=alt.X("share:Q", title="够得着的人口占比", scale=scale, axis=alt.Axis(format="%", tickCount=5))
    )
    texts = base.mark_text(align="left", dx=6, color=MUTED).encode(
        x=alt.X("at:Q", scale=scale), text="text:N"
    )
    chart = alt.layer(bars, texts).properties(height=_ROW_PX * max(len(shown), 1))
    return styled(chart, description="每项服务够得着的人口占比")


ACCESS, EVEN = "#1F5A8A", "#8A939B"


def lorenz_chart(curve: pd.DataFrame, gini: float, *, name: str) -> Any:
    """Return the Lorenz curve of access beside the line of equality.

    ``curve``: columns of ``geo.catchment.lorenz_curve``; without rows the chart says that nobody is served.
    """
    if curve.empty:
        note = pd.DataFrame({"text": ["没有人在服务范围内"]})
        empty = alt.Chart(note).mark_text(color=MUTED, fontSize=13).encode(text="text:N")
        return styled(empty.properties(height=320), description=f"{name}：没有人在服务范围内")
    rows = curve.assign(
        who=[f"可及性最低的 {share:.0%} 人口" for share in curve["people_share"]],
        has=[f"占有 {share:.1%}" for share in curve["access_share"]],
    )
    scale = alt.Scale(domain=[0, 1])
    x = alt.X(
        "people_share:Q", title="人口累计占比（按可及性由低到高）", scale=scale, axis=alt.Axis(format=".0%")
    )
    y = alt.Y("access_share:Q", title="可及供给累计占比", scale=scale, axis=alt.Axis(format=".0%"))
    tips = [alt.Tooltip("who:N", title="人口"), alt.Tooltip("has:N", title="供给")]
    base = alt.Chart(rows).encode(x=x)
    even = base.mark_line(color=EVEN, strokeDash=[5, 4]).encode(y="people_share:Q")
    area = base.mark_area(color=ACCESS, opacity=0.12).encode(y="access_share:Q", y2="people_share:Q")
    line = base.mark_line(color=ACCESS, strokeWidth=2.6).encode(y=y)
    hits = base.mark_point(size=90, opacity=0).encode(y="access_share:Q", tooltip=tips)
    words = pd.DataFrame(
        {
            "people_share": [0.04, 0.4],
            "access_share": [0.93, 0.53],
            "text": [f"基尼系数 {format_number(gini, 3)}", "绝对平均"],
        }
    )
    labels = (
        alt.Chart(words)
        .mark_text(align="left", fontWeight=600, color=INK)
        .encode(x="people_share:Q", y="access_share:Q", text="text:N")
    )
    chart = alt.layer(area, even, line, labels, hits).properties(height=320)
    return styled(chart, description=f"{name}可及性的洛伦兹曲线，基尼系数 {format_number(gini, 3)}")


def group_chart(rows: pd.DataFrame, *, unit: str, decimals: int) -> Any:
    """Return the access of every group of people as bars, the groups in the order of ``rows``.

    ``rows``: ``who`` (name), ``access`` (NaN: none), ``unserved_share``, ``reason``.
    """
    drawn = rows.assign(
        shown=[
            "无数据" if pd.isna(value) else f"{format_number(value, decimals)}　无服务 {share:.1%}"
            for value, share in zip(rows["access"], rows["unserved_share"], strict=True)
        ],
        why=rows["reason"].fillna(""),
        value=rows["access"].fillna(0.0),
    )
    order = drawn["who"].tolist()
    top = float(drawn["value"].max()) or 1.0
    y = alt.Y(
        "who:N",
        sort=order,
        title=None,
        axis=alt.Axis(ticks=False, domain=False, labelColor=INK, labelLimit=110),
    )
    x = alt.X("value:Q", title=f"人均可及性（{unit}）", scale=alt.Scale(domain=[0, top * 1.7], nice=False))
    tips = [
        alt.Tooltip("who:N", title="人群"),
        alt.Tooltip("shown:N", title="可及性"),
        alt.Tooltip("why:N", title="说明"),
    ]
    base = alt.Chart(drawn).encode(y=y, x=x, tooltip=tips)
    bars = base.mark_bar(height=15, color=ACCESS)
    texts = base.mark_text(align="left", dx=6, color=MUTED).encode(text="shown:N")
    chart = alt.layer(bars, texts).properties(height=26 * len(order) + 20)
    return styled(chart, description=f"各人群的可及性（{unit}）：" + "、".join(order))
