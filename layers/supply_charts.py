"""Charts of supply and demand: the Lorenz curve of access, and access by group of people."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from layers.charts import INK, MUTED, styled
from layers.model import format_number

ACCESS, EVEN = "#1F5A8A", "#8A939B"


def lorenz_chart(curve: pd.DataFrame, gini: float, *, name: str, height: int = 320) -> Any:
    """Return the Lorenz curve of access beside the line of equality.

    ``curve``: columns of ``geo.catchment.lorenz_curve``; without rows the chart says that nobody is served.
    """
    if curve.empty:
        note = pd.DataFrame({"text": ["没有人在服务范围内"]})
        empty = alt.Chart(note).mark_text(color=MUTED, fontSize=13).encode(text="text:N")
        return styled(empty.properties(height=height), description=f"{name}：没有人在服务范围内")
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
    chart = alt.layer(area, even, line, labels, hits).properties(height=height)
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
