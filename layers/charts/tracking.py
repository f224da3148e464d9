"""Charts of the page 目标追踪: a series and its target, and the three regions' own targets side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
import pandas as pd

from layers.charts.base import INK, MUTED, SELECTED, styled
from layers.charts.gap import empty

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


def regional_bars(rows: pd.DataFrame, colours: Mapping[str, str], *, unit: str) -> Any:
    """Return the targets of one kind: a row per region, in its colour (``colours`` by code).

    ``rows``: columns text, denominator, region, region_name, value, value_text; all of one denominator.
    """
    known = rows.dropna(subset="value")
    if known.empty:
        return empty("目标没有数值")
    known = known.assign(colour=known["region"].map(colours))
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


BAR_PX = 19
_LEGEND_PX = 34
LABEL_PX = 180


def state_bars(counts: pd.DataFrame, colours: Mapping[str, str], *, longest: int) -> alt.Chart:
    """Return horizontal stacked bars, one per row of ``counts``, the number written in each part.

    ``counts``: text index (the labels, unique, drawn from the top), one int column per state, in the order
    of ``colours``, whose keys are the states' words and whose values are ``#rrggbb``. ``longest`` is the
    total at the right edge, so that several charts share a scale. A part of zero is not drawn. Every bar
    is described in words for screen readers and pointers.
    """
    states = list(colours)
    long = counts[states].rename_axis("label").reset_index()
    long = long.melt("label", states, var_name="state", value_name="count")
    long["order"] = long["state"].map({state: number for number, state in enumerate(states)})
    long = long.sort_values(["order"], kind="stable")
    long["end"] = long.groupby("label")["count"].cumsum()
    long["start"] = long["end"] - long["count"]
    long["middle"] = (long["start"] + long["end"]) / 2
    long = long[long["count"] > 0]
    base = alt.Chart(long).encode(
        y=alt.Y(
            "label:N",
            sort=list(counts.index),
            title=None,
            axis=alt.Axis(labelLimit=LABEL_PX, labelPadding=6, ticks=False, domain=False),
        ),
        tooltip=[
            alt.Tooltip("label:N", title="规划"),
            alt.Tooltip("state:N", title="状态"),
            alt.Tooltip("count:Q", title="项数"),
        ],
    )
    bars = base.mark_bar(stroke="white", strokeWidth=1).encode(
        x=alt.X("start:Q", title=None, axis=None, scale=alt.Scale(domain=[0, max(longest, 1)], nice=False)),
        x2="end:Q",
        color=alt.Color(
            "state:N",
            scale=alt.Scale(domain=states, range=list(colours.values())),
            legend=alt.Legend(title=None, orient="top", symbolType="square"),
        ),
    )
    numbers = base.mark_text(fontSize=11, fontWeight=600).encode(
        x="middle:Q",
        text="count:Q",
        color=alt.Color(
            "state:N",
            scale=alt.Scale(domain=states, range=[ink_on(colour) for colour in colours.values()]),
            legend=None,
        ),
    )
    chart = alt.layer(bars, numbers).resolve_scale(color="independent")
    words = "；".join(
        f"{label}：{'，'.join(f'{state} {row[state]} 项' for state in states if row[state])}"
        for label, row in counts[states].iterrows()
    )
    found: alt.Chart = styled(
        chart.properties(height=BAR_PX * len(counts) + _LEGEND_PX, width="container"), description=words
    )
    return found


def ink_on(colour: str) -> str:
    """Return the ink (near-black or white) that stands out more on ``#rrggbb``, by WCAG contrast."""
    luminance = _luminance(colour)
    dark = _luminance("#111111")
    on_dark = (luminance + 0.05) / (dark + 0.05)
    on_white = 1.05 / (luminance + 0.05)
    return "#111111" if on_dark >= on_white else "#ffffff"


def _luminance(colour: str) -> float:
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
