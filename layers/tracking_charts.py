"""Charts of the page 目标追踪: a series and its target, and the three regions' own targets side by side."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from layers.charts import INK, MUTED, SELECTED, styled
from layers.gap_charts import REGION_COLOURS, empty

_OTHERS = ("#1F5A8A", "#009E73", "#B8860B", "#7B5EA7")


def track_chart(
    observed: pd.DataFrame, targets: pd.DataFrame, *, title: str, unit: str, comparable: bool, digits: int
) -> Any:
    """Return the observed lines, the target as a diamond, and the dashed way from the last value to it.

    ``observed``: columns adcode, name, year, value, note; the target's own region first. ``targets``: year,
    value and text. Without ``comparable`` no way is drawn: the two are not of one kind.
    """
    known = observed.dropna(subset="value")
    if known.empty:
        return empty("没有可画的数值")
    names = list(dict.fromkeys(observed["name"]))
    colours = [SELECTED, *_OTHERS[: len(names) - 1]]
    years = [int(year) for year in (*known["year"], *targets["year"])]
    x = alt.X(
        "year:Q",
        title=None,
        scale=alt.Scale(domain=[min(years) - 0.6, max(years) + 1.4], nice=False),
        axis=alt.Axis(format="d", values=sorted(set(years)), grid=False),
    )
    y = alt.Y(
        "value:Q", title=f"{title}（{unit}）" if unit else title, scale=alt.Scale(zero=False, padding=12)
    )
    colour = alt.Color(
        "name:N", scale=alt.Scale(domain=names, range=colours), legend=alt.Legend(orient="top")
    )
    tips = [
        alt.Tooltip("name:N", title="地区"),
        alt.Tooltip("year:Q", title="年份", format="d"),
        alt.Tooltip("value:Q", title="数值", format=f",.{digits}f"),
        alt.Tooltip("note:N", title="说明"),
    ]
    drawn = known.assign(note=known["note"].fillna(""))
    base = alt.Chart(drawn).encode(x=x, y=y, color=colour)
    parts: list[Any] = [
        base.mark_line(strokeWidth=2.2),
        base.mark_point(filled=True, size=52, opacity=1).encode(tooltip=tips),
    ]
    own = known[known["adcode"] == observed["adcode"].iloc[0]].sort_values("year")
    goal = targets.assign(label=[f"目标 {text}" for text in targets["text"]])
    ahead = goal[goal["year"] > own["year"].max()] if len(own) else goal.iloc[:0]
    if comparable and len(ahead):
        last = own.iloc[-1]
        way = pd.DataFrame(
            {"year": [last["year"], ahead["year"].iloc[0]], "value": [last["value"], ahead["value"].iloc[0]]}
        )
        parts.append(alt.Chart(way).mark_line(strokeDash=[5, 4], color=MUTED).encode(x=x, y=y))
    marks = alt.Chart(goal).encode(x=x, y=y)
    goal_tips = [alt.Tooltip("year:Q", title="目标年", format="d"), alt.Tooltip("text:N", title="目标")]
    parts += [
        marks.mark_point(shape="diamond", filled=True, size=150, color=INK, opacity=1).encode(
            tooltip=goal_tips
        ),
        marks.mark_text(dy=-14, fontWeight=600, color=INK).encode(text="label:N"),
    ]
    words = "、".join(
        f"{year} 年 {text}" for year, text in zip(targets["year"], targets["text"], strict=True)
    )
    return styled(alt.layer(*parts).properties(height=340), description=f"{title}：实测与目标（{words}）")


def regional_bars(rows: pd.DataFrame, *, unit: str) -> Any:
    """Return the targets of one kind: a row per region, in its colour.

    ``rows``: columns text, denominator, region, region_name, value, value_text; all of one denominator.
    """
    known = rows.dropna(subset="value")
    if known.empty:
        return empty("目标没有数值")
    known = known.assign(colour=known["region"].map(REGION_COLOURS))
    y = alt.Y(
        "region_name:N",
        sort=known["region_name"].tolist(),
        title=None,
        axis=alt.Axis(ticks=False, domain=False, labelColor=INK),
    )
    top = float(known["value"].max()) * 1.3
    x = alt.X("value:Q", title=unit or None, scale=alt.Scale(domain=[0, 100 if unit == "%" else top]))
    base = alt.Chart(known).encode(
        x=x,
        y=y,
        tooltip=[
            alt.Tooltip("region_name:N", title="区域"),
            alt.Tooltip("denominator:N", title="分母"),
            alt.Tooltip("value_text:N", title="目标（原文）"),
        ],
    )
    bars = base.mark_bar(height=16).encode(color=alt.Color("colour:N", scale=None))
    texts = base.mark_text(align="left", dx=5, color=MUTED).encode(text="value_text:N")
    return styled(
        alt.layer(bars, texts).properties(height=30 * len(known) + 30),
        description="；".join(
            f"{name} {text}" for name, text in zip(known["region_name"], known["value_text"], strict=True)
        ),
    )
