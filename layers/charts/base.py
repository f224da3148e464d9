"""The chart renderer: Altair charts in one look, their colours those of the map they stand beside."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from layers.fonts import FAMILY
from layers.model import Layer

INK, MUTED, GRID, PLAIN, SELECTED = "#1E2933", "#5A6B7B", "#E6EAEE", "#6F8FA8", "#B4232A"
SERIES = ("#B4232A", "#1F5A8A", "#4F9A94", "#8A939B", "#B8860B", "#7B5EA7")
ROW_PX = 19
PICK = "region"
"""The name of the selection a click on a region makes; it carries the field adcode."""


_AXIS = {
    "labelFont": FAMILY,
    "titleFont": FAMILY,
    "labelFontSize": 12,
    "titleFontSize": 12,
    "titleFontWeight": 500,
    "labelColor": MUTED,
    "titleColor": MUTED,
    "gridColor": GRID,
    "domainColor": "#B9C3CC",
    "tickColor": "#B9C3CC",
}
_CONFIG = {
    "font": FAMILY,
    "background": "#FFFFFF",
    "view": {"stroke": None},
    "axis": _AXIS,
    "legend": {"labelFont": FAMILY, "labelFontSize": 12, "labelColor": INK, "title": None},
    "text": {"font": FAMILY, "fontSize": 11.5},
    "title": {"font": FAMILY, "fontSize": 14, "fontWeight": 600, "color": INK, "anchor": "start"},
}


def styled(chart: Any, *, description: str) -> Any:
    """Return a chart in the look of the house; ``description`` tells screen readers what it shows."""
    # Set at once: each of Altair's configure methods would copy the whole chart with its data.
    chart.config = _CONFIG
    if chart.padding is alt.Undefined:
        chart.padding = {"left": 2, "top": 4, "right": 6, "bottom": 4}
    chart.description = description
    return chart


def _rows(layer: Layer) -> pd.DataFrame:
    """Return one row per region in order of rank, the undefined last."""
    frame = pd.DataFrame(layer.frame.drop(columns="geometry"))
    frame["adcode"] = frame.index
    frame["colour"] = [
        layer.style.colours[number] if number >= 0 else "#FFFFFF" for number in frame["class_index"]
    ]
    frame["shown"] = [layer.text(value) for value in frame["value"]]
    frame["standing"] = [
        reason if pd.isna(rank) else f"第 {int(rank)} 位"
        for rank, reason in zip(frame["rank"], frame["reason"], strict=True)
    ]
    if "parent_name" not in frame:
        frame["parent_name"] = ""
    columns = ["adcode", "name", "parent_name", "value", "shown", "standing", "rank", "colour"]
    return frame.sort_values(["rank", "adcode"])[columns].reset_index(drop=True)


def _tips(layer: Layer) -> list[alt.Tooltip]:
    unit = f"（{layer.unit}）" if layer.unit else ""
    return [
        alt.Tooltip("name:N", title="地区"),
        alt.Tooltip("parent_name:N", title="所属"),
        alt.Tooltip("shown:N", title=f"{layer.title}{unit}"),
        alt.Tooltip("standing:N", title="位次"),
    ]


def _where(chosen: pd.Series, colour: str, other: str) -> list[str]:
    """Return the colour of each row: chosen or not."""
    return [colour if one else other for one in chosen]


def bar_ranking(layer: Layer, *, selected: str | None = None) -> Any:
    """Return horizontal bars of every region in order of rank, in the colours of their classes.

    Regions without a value stand last with 无数据; the region ``selected`` (adcode) is outlined. Clicking a
    bar makes the selection `PICK`.
    """
    rows = _rows(layer)
    chosen = rows["adcode"] == (selected or "")
    rows = rows.assign(edge=_where(chosen, SELECTED, "#8796A3"), edge_width=np.where(chosen, 2.2, 0.4))
    order = rows["adcode"].tolist()
    names = dict(zip(rows["adcode"], rows["name"], strict=True))
    value = rows["value"]
    low, high = min(0.0, value.min(skipna=True)), max(0.0, value.max(skipna=True))
    room = (high - low) * 0.16 or 1.0
    domain = [low - (room if low < 0 else 0), high + (room if high > 0 else 0)]
    y = alt.Y(
        "adcode:N",
        sort=order,
        title=None,
        axis=alt.Axis(
            labelExpr=f"({json.dumps(names)})[datum.label]",
            labelLimit=110,
            ticks=False,
            domain=False,
            labelColor=INK,
        ),
    )
    x = alt.X(
        "value:Q",
        title=None,
        scale=alt.Scale(domain=domain, nice=False),
        axis=alt.Axis(labels=False, ticks=False),
    )
    pick = alt.selection_point(name=PICK, fields=["adcode"], on="click", clear=False)
    base = alt.Chart(rows).encode(y=y, tooltip=_tips(layer))
    bars = (
        base.mark_bar(height=13, cursor="pointer")
        .encode(
            x=x,
            color=alt.Color("colour:N", scale=None),
            stroke=alt.Stroke("edge:N", scale=None),
            strokeWidth=alt.StrokeWidth("edge_width:Q", scale=None),
        )
        .add_params(pick)
    )
    right = base.transform_filter("!isValid(datum.value) || datum.value >= 0").transform_calculate(
        at="isValid(datum.value) ? datum.value : 0"
    )
    left = base.transform_filter("isValid(datum.value) && datum.value < 0").transform_calculate(
        at="datum.value"
    )
    texts = [
        right.mark_text(align="left", dx=5, color=MUTED).encode(x=alt.X("at:Q"), text="shown:N"),
        left.mark_text(align="right", dx=-5, color=MUTED).encode(x=alt.X("at:Q"), text="shown:N"),
    ]
    chart = alt.layer(bars, *texts).properties(height=ROW_PX * len(rows))
    return styled(chart, description=f"{layer.title}排名，{layer.year} 年，共 {len(rows)} 个地区")


def _axis_format(values: np.ndarray) -> str:
    """Return a number format for an axis: plain digits, as few as are needed."""
    return ",d" if np.abs(values).max() >= 1000 else ",.4~f"


def _bands(layer: Layer, low: float, high: float) -> pd.DataFrame:
    """Return where each class lies between ``low`` and ``high``; classes beyond them are left out."""
    inner = layer.style.breaks[:-1]
    bands = pd.DataFrame({"low": (low, *inner), "high": (*inner, high), "colour": layer.style.colours})
    bands[["low", "high"]] = bands[["low", "high"]].clip(low, high)
    return bands[bands["low"] < bands["high"]]


def histogram(layer: Layer, *, marks: Sequence[tuple[str, float]] = (), bins: int = 20) -> Any:
    """Return how many regions lie where: bars over bands in the colours of the classes.

    ``marks`` are (name, value) drawn as labelled lines, such as the province and the region selected.
    """
    values = layer.defined[layer.value_column].to_numpy(dtype="float64")
    if values.size == 0:
        return _empty("没有可画的数值")
    counts, edges = np.histogram(values, bins=min(bins, max(5, values.size // 3)))
    bars = pd.DataFrame({"low": edges[:-1], "high": edges[1:], "count": counts})
    bars["range"] = [f"{layer.text(low)} – {layer.text(high)}" for low, high in itertools.pairwise(edges)]
    unit = f"（{layer.unit}）" if layer.unit else ""
    x = alt.X(
        "low:Q",
        title=f"{layer.title}{unit}",
        scale=alt.Scale(zero=False, nice=False),
        axis=alt.Axis(format=_axis_format(values), grid=False),
    )
    ground = (
        alt.Chart(_bands(layer, edges[0], edges[-1]))
        .mark_rect(opacity=0.4)
        .encode(
            x=x,
            x2="high:Q",
            y=alt.YValue(0),
            y2=alt.Y2Value("height"),
            color=alt.Color("colour:N", scale=None),
        )
    )
    columns = (
        alt.Chart(bars)
        .mark_bar(color="#4A5A68", opacity=0.9, stroke="#FFFFFF", strokeWidth=0.6)
        .encode(
            x=x,
            x2="high:Q",
            y2=alt.Y2Datum(0),
            y=alt.Y(
                "count:Q",
                title="地区数",
                axis=alt.Axis(tickMinStep=1),
                scale=alt.Scale(domain=[0, float(counts.max()) * 1.15], nice=False),
            ),
            tooltip=[alt.Tooltip("range:N", title="区间"), alt.Tooltip("count:Q", title="地区数")],
        )
    )
    parts: list[Any] = [ground, columns, *_marks(layer, marks, x)]
    chart = alt.layer(*parts).properties(height=300)
    return styled(chart, description=f"{layer.title}的分布，{layer.year} 年，竖带为分级")


def _marks(layer: Layer, marks: Sequence[tuple[str, float]], x: Any) -> list[Any]:
    """Return a labelled line for every mark that has a value, one label below the other."""
    parts: list[Any] = []
    for number, (name, value) in enumerate(marks):
        if np.isnan(value):
            continue
        point = pd.DataFrame({"low": [value], "text": [f"{name} {layer.text(value)}"]})
        colour = (SELECTED, INK, "#4F9A94")[number % 3]
        parts.append(alt.Chart(point).mark_rule(color=colour, strokeWidth=1.8).encode(x=x))
        parts.append(
            alt.Chart(point)
            .mark_text(align="left", dx=4, color=colour, fontWeight=600, stroke="white", strokeWidth=0)
            .encode(x=x, y=alt.YValue(10 + 16 * number), text="text:N")
        )
    return parts


_SERIES_PX = 300


def time_series(frame: pd.DataFrame, *, title: str, unit: str, decimals: int) -> Any:
    """Return lines through the years, one per region, each named at its end.

    ``frame``: columns name, year, value and note (a remark on that value, or empty); the order of the names
    is that of the colours. Undefined years leave a gap.
    """
    if frame["value"].notna().sum() == 0:
        return _empty("没有可画的数值")
    names = list(dict.fromkeys(frame["name"]))
    years = sorted(frame["year"].unique())
    frame = frame.assign(note=frame["note"].fillna(""))
    last = frame.dropna(subset="value").groupby("name", sort=False).tail(1)
    last = last.assign(
        at=_apart(last["value"], (frame["value"].max() - frame["value"].min()) * 16 / _SERIES_PX)
    )
    label = f"{title}（{unit}）" if unit else title
    colour = alt.Color("name:N", scale=alt.Scale(domain=names, range=list(SERIES[: len(names)])), legend=None)
    pad = 0.5 if len(years) > 3 else 1
    x = alt.X(
        "year:Q",
        title=None,
        scale=alt.Scale(domain=[years[0] - pad * 0.3, years[-1] + max(1.2, (years[-1] - years[0]) * 0.16)]),
        axis=alt.Axis(format="d", values=years if len(years) <= 12 else years[::2], grid=False),
    )
    y = alt.Y("value:Q", title=label, scale=alt.Scale(zero=False))
    tips = [
        alt.Tooltip("name:N", title="地区"),
        alt.Tooltip("year:Q", title="年份", format="d"),
        alt.Tooltip("value:Q", title=label, format=f",.{decimals}f"),
        alt.Tooltip("note:N", title="说明"),
    ]
    base = alt.Chart(frame).encode(x=x, y=y, color=colour)
    lines = base.mark_line(strokeWidth=2.2)
    dots = base.mark_point(filled=True, size=46, opacity=1).encode(tooltip=tips)
    flagged = frame[frame["note"].ne("") & frame["value"].notna()]
    rings = [
        alt.Chart(flagged).mark_point(size=130, strokeWidth=1.4, color=MUTED).encode(x=x, y=y, tooltip=tips)
    ]
    ends = (
        alt.Chart(last)
        .mark_text(align="left", dx=8, fontWeight=600)
        .encode(x=x, y=alt.Y("at:Q"), color=colour, text="name:N")
    )
    chart = alt.layer(lines, *(rings if len(flagged) else []), dots, ends).properties(height=_SERIES_PX)
    return styled(chart, description=f"{title}历年变化：{'、'.join(names)}")


def _apart(values: pd.Series, least: float) -> pd.Series:
    """Return where to write names, so that those of near values do not cover each other."""
    at: dict[Any, float] = {}
    before = -np.inf
    for label, value in values.sort_values().items():
        before = max(float(value), before + least)
        at[label] = before
    return pd.Series(at).reindex(values.index)


def scatter(across: Layer, up: Layer, *, selected: str | None = None) -> Any:
    """Return one dot per region that has both values; the region ``selected`` is named and marked."""
    rows = _rows(across).merge(_rows(up)[["adcode", "value", "shown"]], on="adcode", suffixes=("", "_up"))
    rows = rows.dropna(subset=["value", "value_up"])
    if rows.empty:
        return _empty("没有两项都有数值的地区")
    chosen = rows["adcode"] == (selected or "")
    rows = rows.assign(colour=_where(chosen, SELECTED, PLAIN))
    names = [f"{layer.title}（{layer.unit}，{layer.year}）" for layer in (across, up)]
    x = alt.X("value:Q", title=names[0], scale=alt.Scale(zero=False))
    y = alt.Y("value_up:Q", title=names[1], scale=alt.Scale(zero=False))
    tips = [
        alt.Tooltip("name:N", title="地区"),
        alt.Tooltip("parent_name:N", title="所属"),
        alt.Tooltip("shown:N", title=names[0]),
        alt.Tooltip("shown_up:N", title=names[1]),
    ]
    pick = alt.selection_point(name=PICK, fields=["adcode"], on="click", clear=False)
    dots = (
        alt.Chart(rows)
        .mark_circle(size=75, opacity=0.8, stroke="#FFFFFF", strokeWidth=0.8, cursor="pointer")
        .encode(
            x=x,
            y=y,
            tooltip=tips,
            color=alt.Color("colour:N", scale=None),
        )
        .add_params(pick)
    )
    name = (
        alt.Chart(rows[chosen])
        .mark_text(align="left", dx=8, dy=-6, fontWeight=600, color=SELECTED)
        .encode(x=x, y=y, text="name:N")
    )
    parts = [dots, name] if chosen.any() else [dots]
    return styled(alt.layer(*parts).properties(height=420), description=f"{names[0]}与{names[1]}")


def paired_dots(before: Layer, after: Layer, *, selected: str | None = None) -> Any:
    """Return per region a line from its earlier to its later value, in order of the later rank."""
    rows = _rows(after).merge(
        _rows(before)[["adcode", "value", "shown"]], on="adcode", suffixes=("", "_before")
    )
    rows = rows.dropna(subset=["value", "value_before"])
    if rows.empty:
        return _empty("没有两个年份都有数值的地区")
    chosen = rows["adcode"] == (selected or "")
    rows = rows.assign(
        label=rows["adcode"],
        line=_where(chosen, SELECTED, "#B9C3CC"),
        colour=_where(chosen, SELECTED, "#1F5A8A"),
    )
    unit = f"（{after.unit}）" if after.unit else ""
    x = alt.X(
        "value_before:Q",
        title=f"{after.title}{unit}",
        scale=alt.Scale(zero=False),
        axis=alt.Axis(orient="top"),
    )
    y = alt.Y(
        "label:N",
        sort=rows["adcode"].tolist(),
        title=None,
        axis=alt.Axis(labels=False, ticks=False, domain=False, grid=False),
    )
    tips = [
        alt.Tooltip("name:N", title="地区"),
        alt.Tooltip("shown_before:N", title=f"{before.year} 年"),
        alt.Tooltip("shown:N", title=f"{after.year} 年"),
    ]
    base = alt.Chart(rows).encode(y=y, tooltip=tips)
    lines = base.mark_rule(strokeWidth=2).encode(x=x, x2="value:Q", color=alt.Color("line:N", scale=None))
    earlier = base.mark_circle(size=48, opacity=1, color="#9AA7B2").encode(x=x)
    later = base.mark_circle(size=62, opacity=1).encode(
        x=alt.X("value:Q"), color=alt.Color("colour:N", scale=None)
    )
    names = base.mark_text(align="right", dx=-8, color=INK).encode(x=alt.XValue(0), text="name:N")
    chart = alt.layer(lines, earlier, later, names).properties(
        height=ROW_PX * len(rows), padding={"left": 86, "right": 10, "top": 5, "bottom": 5}
    )
    return styled(chart, description=f"{after.title}：{before.year} 年与 {after.year} 年")


def comparison_bars(rows: pd.DataFrame, *, decimals: int) -> Any:
    """Return one bar per row of ``rows`` (columns name, value), in order; the first is the region itself."""
    rows = rows.assign(
        colour=[SELECTED] + ["#9DB3C5"] * (len(rows) - 1),
        shown=[f"{value:,.{decimals}f}" for value in rows["value"]],
    )
    top = max(0.0, float(rows["value"].max()))
    low = min(0.0, float(rows["value"].min()))
    span = (top - low) or 1.0
    x = alt.X(
        "value:Q",
        title=None,
        axis=None,
        scale=alt.Scale(domain=[low - (0.2 * span if low < 0 else 0), top + 0.22 * span], nice=False),
    )
    y = alt.Y(
        "name:N",
        sort=list(rows["name"]),
        title=None,
        axis=alt.Axis(ticks=False, domain=False, labelColor=INK, labelLimit=90),
    )
    base = alt.Chart(rows).encode(y=y, tooltip=["name:N", "shown:N"])
    bars = base.mark_bar(height=15).encode(x=x, color=alt.Color("colour:N", scale=None))
    texts = base.mark_text(align="left", dx=5, color=INK).encode(x=x, text="shown:N")
    chart = alt.layer(bars, texts).properties(height=26 * len(rows))
    return styled(chart, description="与上级地区比较：" + "、".join(rows["name"]))


def _empty(text: str) -> Any:
    """Return a chart that says why there is nothing on it."""
    chart = (
        alt.Chart(pd.DataFrame({"text": [text]})).mark_text(color=MUTED, fontSize=13).encode(text="text:N")
    )
    return styled(chart.properties(height=120), description=text)
