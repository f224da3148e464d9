"""Charts of regional gaps: regions side by side, the gap through the years, its parts, convergence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from geo.gaps import GapAnalysis
from layers.charts.base import INK, MUTED, SELECTED, styled
from layers.model import format_number

BETWEEN, WITHIN = "#1F5A8A", "#E69F00"
_ROW_PX = 98
_PARTS = {"between": "区域之间", "within": "区域内部"}


def region_strip(now: GapAnalysis, colours: Mapping[str, str], *, selected: str | None = None) -> Any:
    """Return the three regions as rows, in ``colours`` by code: a dot per member, a bar for its own figure.

    The dashed line is the province's figure, where the indicator is no total. The highest and the lowest
    member of each region are named; the region ``selected`` (adcode) is marked.
    """
    subject = now.subject
    members = now.frame.dropna(subset="value")
    if members.empty:
        return empty("没有可画的数值")
    rows = pd.DataFrame(
        {
            "adcode": members.index,
            "name": members["short_name"],
            "group": members["group"].map(now.regional["short_name"]),
            "value": members["value"],
            "shown": [format_number(value, subject.decimals) for value in members["value"]],
            "colour": members["group"].map(colours),
            "offset": _scatter(members),
            "end": _ends(members),
        }
    )
    y = alt.Y(
        "group:N",
        sort=list(now.regional["short_name"]),
        title=None,
        axis=alt.Axis(ticks=False, domain=False, labelFontSize=13, labelColor=INK),
    )
    x = alt.X("value:Q", title=f"{subject.name}（{subject.unit}）", scale=alt.Scale(zero=False, padding=26))
    tips = [alt.Tooltip("name:N", title="地区"), alt.Tooltip("shown:N", title=subject.name)]
    colour = alt.Color("colour:N", scale=None)
    offset = alt.YOffset("offset:Q", scale=alt.Scale(domain=[-1, 1]))
    base = alt.Chart(rows).encode(x=x, y=y, yOffset=offset, color=colour, tooltip=tips)
    chosen = rows["adcode"] == (selected or "")
    layers: list[Any] = [
        base.mark_circle(size=70, opacity=0.6, stroke="#FFFFFF", strokeWidth=0.6),
        *_own_figures(now, x, y),
    ]
    for end, beside in (("high", {"align": "left", "dx": 8}), ("low", {"align": "right", "dx": -8})):
        named = alt.Chart(rows[(rows["end"] == end) & ~chosen])
        text = named.mark_text(color=MUTED, **beside)  # type: ignore[arg-type]
        layers.append(text.encode(x=x, y=y, yOffset=offset, text="name:N"))
    if chosen.any():
        mark = alt.Chart(rows[chosen]).encode(x=x, y=y, yOffset=offset, tooltip=tips)
        layers += [
            mark.mark_circle(size=130, opacity=1, color=SELECTED),
            mark.mark_text(dy=-13, color=SELECTED, fontWeight=600).encode(text="name:N"),
        ]
    words = "；".join(
        f"{name} {format_number(value, subject.decimals)}"
        for name, value in zip(now.regional["short_name"], now.regional["value"], strict=True)
        if not np.isnan(value)
    )
    chart = alt.layer(*layers).properties(height=_ROW_PX * len(now.regional))
    return styled(chart, description=f"{subject.name}，{now.year} 年，三大区域及所辖各地：{words}")


def _own_figures(now: GapAnalysis, x: alt.X, y: alt.Y) -> list[Any]:
    """Return the regions' own figures as ticks and the province's as a line; none for totals."""
    if now.subject.additive:
        return []
    own = now.regional.dropna(subset="value")
    ticks = pd.DataFrame(
        {
            "group": own["short_name"],
            "value": own["value"],
            "shown": [format_number(value, now.subject.decimals) for value in own["value"]],
        }
    )
    tips = [alt.Tooltip("group:N", title="区域"), alt.Tooltip("shown:N", title="区域数值")]
    parts: list[Any] = [
        alt.Chart(ticks).mark_tick(thickness=3, size=46, color=INK).encode(x=x, y=y, tooltip=tips),
        alt.Chart(ticks)
        .mark_text(dy=-31, fontWeight=600, color=INK)
        .encode(x=x, y=y, text="shown:N", tooltip=tips),
    ]
    if now.province.defined:
        line = pd.DataFrame({"value": [now.province.value], "text": ["全省"]})
        mark = alt.Chart(line).encode(x=x)
        parts.insert(0, mark.mark_rule(strokeDash=[4, 4], color=MUTED))
        parts.append(
            mark.mark_text(dx=4, dy=-8, align="left", color=MUTED).encode(
                y=alt.YValue("height"), text="text:N"
            )
        )
    return parts


def _scatter(members: pd.DataFrame) -> pd.Series:
    """Return where dots stand in their row, from −1 to 1: in the middle when few, else spread by rank."""
    if len(members) <= 20:
        return pd.Series(0.0, index=members.index)
    rank = members.groupby("group")["value"].rank(method="first")
    return ((rank * 3) % 7 - 3) / 5


def _ends(members: pd.DataFrame) -> pd.Series:
    """Return high and low for the extreme members of each region, an empty text for the others."""
    ends = pd.Series("", index=members.index)
    for _, group in members.groupby("group")["value"]:
        ends = ends.mask(ends.index == group.idxmin(), "low").mask(ends.index == group.idxmax(), "high")
    return ends


def measure_course(
    table: pd.DataFrame, lines: Mapping[str, str], breaks: Mapping[int, str], *, decimals: int
) -> Any:
    """Return measures through the years: one line per column of ``table`` (index year) in ``lines``.

    ``lines`` are names by column; ``breaks`` are remarks by year, drawn as dashed lines.
    """
    rows = [
        {"year": year, "line": name, "value": table.loc[year, column]}
        for column, name in lines.items()
        for year in table.index
        if not np.isnan(table.loc[year, column])
    ]
    if not rows:
        return empty("没有可画的数值")
    frame = pd.DataFrame(rows)
    x = _years(frame["year"])
    y = alt.Y("value:Q", title=None, scale=alt.Scale(zero=False))
    colour = alt.Color(
        "line:N",
        scale=alt.Scale(domain=list(lines.values()), range=[SELECTED, "#1F5A8A"][: len(lines)]),
        legend=None if len(lines) == 1 else alt.Legend(orient="top"),
    )
    tips = [
        alt.Tooltip("year:Q", title="年份", format="d"),
        alt.Tooltip("line:N", title="差距"),
        alt.Tooltip("value:Q", title="数值", format=f".{decimals}f"),
    ]
    base = alt.Chart(frame).encode(x=x, y=y, color=colour, tooltip=tips)
    parts = [
        *_break_marks(breaks, frame["year"], x),
        base.mark_line(strokeWidth=2.2),
        base.mark_point(filled=True, size=44, opacity=1),
    ]
    return styled(
        alt.layer(*parts).properties(height=300), description=f"{'、'.join(lines.values())}历年变化"
    )


def parts_course(table: pd.DataFrame, *, weighted: bool) -> Any:
    """Return the Theil index through the years, stacked: between the regions and inside them.

    ``table``: index year; columns theil and between_share, or the same with ``_weighted``.
    """
    ending = "_weighted" if weighted else ""
    known = table.dropna(subset=[f"theil{ending}", f"between_share{ending}"])
    if known.empty:
        return empty("没有可以分解的年份")
    whole, share = known[f"theil{ending}"], known[f"between_share{ending}"]
    rows = pd.concat(
        [
            pd.DataFrame(
                {"year": known.index, "part": _PARTS[part], "value": value, "share": of, "order": at}
            )
            for at, (part, value, of) in enumerate(
                (("between", whole * share, share), ("within", whole * (1 - share), 1 - share))
            )
        ],
        ignore_index=True,
    )
    x = alt.X("year:O", title=None, axis=alt.Axis(labelAngle=0, labelOverlap=True))
    tips = [
        alt.Tooltip("year:O", title="年份"),
        alt.Tooltip("part:N", title="部分"),
        alt.Tooltip("value:Q", title="泰尔指数", format=".4f"),
        alt.Tooltip("share:Q", title="占比", format=".1%"),
    ]
    bars = (
        alt.Chart(rows)
        .mark_bar(width=alt.RelativeBandSize(0.82 if len(known) > 5 else 0.35))
        .encode(
            x=x,
            y=alt.Y("value:Q", title=None, stack=True),
            order="order:Q",
            color=alt.Color(
                "part:N",
                scale=alt.Scale(domain=list(_PARTS.values()), range=[BETWEEN, WITHIN]),
                legend=alt.Legend(orient="top"),
            ),
            tooltip=tips,
        )
    )
    return styled(bars.properties(height=300), description="泰尔指数及其分解历年变化")


def group_parts(groups: pd.DataFrame, names: pd.Series) -> Any:
    """Return what each group adds to the gap inside the groups: bars, the largest first.

    ``groups`` as `geo.disparity.TheilParts.groups`; ``names`` by group.
    """
    total = float(groups["within"].sum())
    if groups.empty or total <= 0:
        return empty("各组内部没有差距")
    rows = pd.DataFrame(
        {
            "name": [str(names.get(code, code)) for code in groups.index],
            "share": groups["within"].to_numpy() / total,
            "theil": groups["theil"].to_numpy(),
            "n": groups["n"].to_numpy(),
        }
    ).sort_values("share", ascending=False)
    y = alt.Y("name:N", sort=rows["name"].tolist(), title=None, axis=alt.Axis(ticks=False, domain=False))
    x = alt.X("share:Q", title="占组内差距", axis=alt.Axis(format="%", grid=True), scale=alt.Scale(nice=True))
    tips = [
        alt.Tooltip("name:N", title="组"),
        alt.Tooltip("share:Q", title="占组内差距", format=".1%"),
        alt.Tooltip("theil:Q", title="组内泰尔指数", format=".4f"),
        alt.Tooltip("n:Q", title="地区数"),
    ]
    base = alt.Chart(rows).encode(x=x, y=y, tooltip=tips)
    texts = base.mark_text(align="left", dx=5, color=MUTED).encode(text=alt.Text("share:Q", format=".0%"))
    chart = alt.layer(base.mark_bar(color=WITHIN, height=14), texts).properties(height=24 * len(rows) + 30)
    return styled(chart, description="各组对组内差距的贡献")


def beta_scatter(
    rows: pd.DataFrame,
    slope: float,
    intercept: float,
    *,
    colours: Mapping[str, str],
    first: int,
    unit: str,
) -> Any:
    """Return growth against the start: one dot per region, and the line that fits them.

    ``rows``: columns name, group (economic region), start (> 0) and growth (share per year); ``colours`` are
    the groups'. The fit is in logarithms of the start; NaN ``slope`` draws no line.
    """
    known = rows[(rows["start"] > 0) & rows["growth"].notna()].copy()
    if known.empty:
        return empty("没有可画的数值")
    known["colour"] = known["group"].map(colours)
    known["percent"] = known["growth"] * 100
    x = alt.X(
        "start:Q",
        title=f"{first} 年（{unit}，对数刻度）",
        scale=alt.Scale(type="log", nice=False, padding=18),
        axis=alt.Axis(format=",~r", tickCount=5, labelOverlap=True, labelSeparation=12),
    )
    y = alt.Y("percent:Q", title="年均增长（%，对数）", scale=alt.Scale(zero=False))
    tips = [
        alt.Tooltip("name:N", title="地区"),
        alt.Tooltip("start:Q", title=f"{first} 年", format=",.2f"),
        alt.Tooltip("percent:Q", title="年均增长 %", format=".2f"),
    ]
    base = alt.Chart(known).encode(x=x, y=y)
    parts: list[Any] = [
        base.mark_circle(size=70, opacity=0.75).encode(color=alt.Color("colour:N", scale=None), tooltip=tips)
    ]
    if len(known) <= 20:
        parts.append(base.mark_text(dy=-11, color=MUTED).encode(text="name:N"))
    if not np.isnan(slope):
        start = np.geomspace(known["start"].min(), known["start"].max(), 20)
        fit = pd.DataFrame({"start": start, "percent": 100 * (intercept + slope * np.log(start))})
        parts.append(alt.Chart(fit).mark_line(color=SELECTED, strokeWidth=1.6).encode(x=x, y=y))
    return styled(alt.layer(*parts).properties(height=330), description="增长快慢与起点高低")


def share_curves(curves: Mapping[str, pd.DataFrame], *, across: str, up: str, order: str) -> Any:
    """Return Lorenz or concentration curves by name beside the diagonal of no gap."""
    drawn = {name: curve for name, curve in curves.items() if len(curve)}
    if not drawn:
        return empty("曲线没有定义")
    rows = pd.concat(
        [curve.assign(name=name, number=range(len(curve))) for name, curve in drawn.items()],
        ignore_index=True,
    )
    ticks = alt.Axis(format="%", values=[0, 0.25, 0.5, 0.75, 1])
    whole = alt.Scale(domain=[0, 1])
    x = alt.X("population_share:Q", title=f"{across}累计（{order}）", axis=ticks, scale=whole)
    y = alt.Y("value_share:Q", title=f"{up}累计", axis=ticks, scale=alt.Scale(domainMin=0, nice=False))
    diagonal = pd.DataFrame({"population_share": [0.0, 1.0], "value_share": [0.0, 1.0]})
    colours = [SELECTED, "#1F5A8A"][: len(drawn)]
    lines = (
        alt.Chart(rows)
        .mark_line(strokeWidth=2.2, point=alt.OverlayMarkDef(size=22))
        .encode(
            x=x,
            y=y,
            order="number:Q",
            color=alt.Color(
                "name:N",
                scale=alt.Scale(domain=list(drawn), range=colours),
                legend=alt.Legend(orient="top"),
            ),
            tooltip=[
                alt.Tooltip("name:N", title="曲线"),
                alt.Tooltip("population_share:Q", title=across, format=".1%"),
                alt.Tooltip("value_share:Q", title=up, format=".1%"),
            ],
        )
    )
    even = alt.Chart(diagonal).mark_line(strokeDash=[4, 4], color=MUTED).encode(x=x, y=y)
    return styled(alt.layer(even, lines).properties(height=340), description="洛伦兹曲线或集中曲线")


def _years(years: pd.Series) -> alt.X:
    values = sorted({int(year) for year in years})
    pad = 0.4 if len(values) > 3 else 1
    return alt.X(
        "year:Q",
        title=None,
        scale=alt.Scale(domain=[values[0] - pad, values[-1] + pad], nice=False),
        axis=alt.Axis(format="d", values=values if len(values) <= 12 else values[::2], grid=False),
    )


def _break_marks(breaks: Mapping[int, str], years: pd.Series, x: alt.X) -> list[Any]:
    """Return a dashed line just before each year in which the series breaks."""
    inside = {year: text for year, text in breaks.items() if years.min() < year <= years.max()}
    if not inside:
        return []
    marks = pd.DataFrame(
        {"year": [year - 0.5 for year in inside], "note": list(inside.values()), "text": "断点"}
    )
    base = alt.Chart(marks).encode(x=x, tooltip=alt.Tooltip("note:N", title="说明"))
    return [
        base.mark_rule(strokeDash=[3, 4], color=MUTED, strokeWidth=1.5),
        base.mark_text(align="left", dx=4, color=MUTED).encode(y=alt.YValue(8), text="text:N"),
    ]


def empty(text: str) -> Any:
    """Return the words that stand where there is nothing to draw."""
    rows = pd.DataFrame({"text": [text]})
    return styled(
        alt.Chart(rows).mark_text(fontSize=13, color=MUTED).encode(text="text:N").properties(height=120),
        description=text,
    )
