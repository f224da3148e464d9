"""Charts of siting: the curve of the budget, coverage before and after, scenarios side by side."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from layers.charts import INK, MUTED, ROW_PX, SELECTED, styled
from layers.coverage_charts import percent

_BEFORE, _AFTER = "#9aa7b2", "#1b7837"


def budget_chart(curve: pd.DataFrame, chosen: int, objective: str, *, height: int = 300) -> Any:
    """Return what so many new sites bring: a stepwise line, the number chosen marked.

    ``curve``: columns ``sites``, ``value``, ``share`` of ``data.siting.SitingAnalysis.curve``.
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
    return styled(alt.layer(*parts).properties(height=height), description=f"{title}随新增设施数的变化")


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
