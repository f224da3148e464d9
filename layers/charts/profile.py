"""Charts of the profiles and of a composite index: spine chart, rank ranges, contributions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt
import numpy as np
import pandas as pd

from geo.peers import Spine
from layers.charts.base import INK, PICK, SELECTED, SERIES, styled
from layers.model import format_number

BAR, BAND = "#E4E9ED", "#C3CDD6"
PROVINCE_COLOUR, ECONOMIC_COLOUR = "#1E2933", "#6B7783"
SPINE_ROW_PX = 26
NEUTRAL_RING = " ○"
# The order in which parts take the colours of the registry's palette 类别: neighbours differ most.
_PART_COLOURS = (0, 4, 3, 6, 5, 1, 7, 2)


@dataclass(frozen=True)
class Mark:
    """One thing marked on the spines: a region compared, or what it is compared with."""

    name: str
    kind: Literal["region", "province", "economic_region"]
    figures: Mapping[str, float]
    adcode: str = ""


def indicator_label(indicator: pd.Series) -> str:
    """Return an indicator's name without its remark; a neutral one carries a small ring."""
    ring = NEUTRAL_RING if indicator["direction"] == "neutral" else ""
    return str(indicator["name"]).partition("（")[0] + ring


def shown_value(value: float, decimals: int) -> str:
    """Return a value as people read it; 无数据 for NaN."""
    return "无数据" if pd.isna(value) else format_number(value, decimals)


def spine_frames(
    spines: Mapping[str, Spine], indicators: pd.DataFrame, marks: Sequence[Mark]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what a spine chart draws: one row per indicator, and one per indicator and mark.

    ``indicators``: index id; columns name, unit, year, decimals, group. First frame: id, label, q1, q3,
    median (positions; NaN where nothing can be placed), worst, best (texts), neutral, reason. Second: id,
    label, full, name, kind, number (order of the mark), position, shown, standing. Marks without a value are
    left out; those beyond the peers stand at the end of the line.
    """
    bars, dots = [], []
    for name, one in spines.items():
        entry = indicators[indicators["id"] == name].iloc[0]
        decimals = int(entry["decimals"])
        label = indicator_label(entry)
        full = f"{entry['name']}（{entry['unit']}，{entry['year']}）"
        places = {key: one.place(getattr(one, key)) for key in ("q1", "median", "q3")}
        ends = {key: shown_value(getattr(one, key), decimals) for key in ("worst", "best")}
        neutral = one.direction == "neutral"
        bars.append(
            {
                "id": name,
                "label": label,
                "full": full,
                **places,
                **ends,
                "neutral": neutral,
                "reason": one.reason,
                "low": 0.0,
                "high": 1.0,
            }
        )
        for number, mark in enumerate(marks):
            value = float(mark.figures.get(name, float("nan")))
            place = one.place(value)
            if np.isnan(place):
                continue
            dots.append(
                {
                    "id": name,
                    "label": label,
                    "full": full,
                    "name": mark.name,
                    "kind": mark.kind,
                    "number": number,
                    "position": float(np.clip(place, -0.03, 1.03)),
                    "shown": shown_value(value, decimals),
                    "standing": _standing(one, mark),
                }
            )
    columns = ["id", "label", "full", "name", "kind", "number", "position", "shown", "standing"]
    return pd.DataFrame(bars), pd.DataFrame(dots, columns=columns)


def _standing(one: Spine, mark: Mark) -> str:
    """Return the rank of a region, in words; nothing for what is no peer."""
    rank = one.ranks.get(mark.adcode, float("nan")) if mark.kind == "region" else float("nan")
    return "" if pd.isna(rank) else f"第 {int(rank)} 位 / {one.among}"


def region_colours(names: Sequence[str]) -> dict[str, str]:
    """Return the colour of each region compared, in order."""
    return dict(zip(names, SERIES, strict=False))


def spine_chart(bars: pd.DataFrame, dots: pd.DataFrame, names: Sequence[str]) -> Any:
    """Return the spine chart: every indicator a line from worst to best, the regions ``names`` as dots on it.

    The darker band is the middle half of the peers, the dark tick the province, hollow diamonds economic
    regions. ``bars`` and ``dots`` as of `spine_frames`.
    """
    y = alt.Y(
        "label:N",
        sort=list(bars["label"]),
        title=None,
        axis=alt.Axis(labelLimit=250, ticks=False, domain=False, labelColor=INK, grid=False),
    )
    x = alt.X(
        "low:Q",
        title=None,
        scale=alt.Scale(domain=[-0.05, 1.05], nice=False),
        axis=alt.Axis(
            values=[0, 0.5, 1],
            orient="top",
            grid=False,
            ticks=False,
            domain=False,
            labelExpr="({'0': '最差', '0.5': '正中', '1': '最优'})[datum.value]",
        ),
    )
    tips = [
        alt.Tooltip("full:N", title="指标"),
        alt.Tooltip("worst:N", title="最差（中性：最低）"),
        alt.Tooltip("best:N", title="最优（中性：最高）"),
        alt.Tooltip("reason:N", title="说明"),
    ]
    ground = alt.Chart(bars).encode(y=y, tooltip=tips)
    layers: list[Any] = [
        ground.mark_bar(height=12, color=BAR, cornerRadius=3).encode(x=x, x2="high:Q"),
        ground.mark_bar(height=12, color=BAND).encode(x=alt.X("q1:Q"), x2="q3:Q"),
    ]
    layers += _mark_layers(dots, y, region_colours(names))
    chart = alt.layer(*layers).properties(height=SPINE_ROW_PX * max(len(bars), 1))
    return styled(chart, description=f"{'、'.join(names)}在各指标上的位置，左为最差，右为最优")


def _mark_layers(dots: pd.DataFrame, y: Any, colours: Mapping[str, str]) -> list[Any]:
    tips = [
        alt.Tooltip("name:N", title="地区"),
        alt.Tooltip("full:N", title="指标"),
        alt.Tooltip("shown:N", title="数值"),
        alt.Tooltip("standing:N", title="位次"),
    ]
    place = alt.X("position:Q")
    province = alt.Chart(dots[dots["kind"] == "province"]).encode(y=y, x=place, tooltip=tips)
    regions = dots[dots["kind"] == "economic_region"]
    own = dots[dots["kind"] == "region"]
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    legend = alt.Legend(orient="top", title=None, symbolType="circle") if len(colours) > 1 else None
    return [
        province.mark_tick(thickness=2.5, size=18, color=PROVINCE_COLOUR),
        alt.Chart(regions)
        .mark_point(
            shape="diamond", size=70, filled=True, fill="white", stroke=ECONOMIC_COLOUR, strokeWidth=1.6
        )
        .encode(y=y, x=place, tooltip=tips),
        alt.Chart(own)
        .mark_circle(size=120, opacity=1, stroke="white", strokeWidth=1)
        .encode(y=y, x=place, tooltip=tips, color=alt.Color("name:N", scale=scale, legend=legend)),
    ]


def rank_range_chart(table: pd.DataFrame, *, selected: str | None = None) -> Any:
    """Return how the rank of each region moves: a line from best to worst, the middle half, and its own rank.

    ``table``: columns adcode, name, rank, best, q1, median, q3, worst, shown (the score); rows in the order
    of the index; regions without a rank are left out. Clicking makes the selection `PICK`.
    """
    rows = table.dropna(subset=["rank", "best"])
    chosen = rows["adcode"] == (selected or "")
    rows = rows.assign(colour=np.where(chosen, SELECTED, "#1F5A8A"))
    names = [f"{int(rank)}　{name}" for rank, name in zip(rows["rank"], rows["name"], strict=True)]
    rows = rows.assign(label=pd.Series(_unique(names), index=rows.index))
    y = alt.Y(
        "label:N",
        sort=list(rows["label"]),
        title=None,
        axis=alt.Axis(labelLimit=170, ticks=False, domain=False, labelColor=INK),
    )
    x = alt.X(
        "best:Q",
        title="位次（左为前）",
        scale=alt.Scale(domain=[0, len(rows) + 1], nice=False),
        axis=alt.Axis(orient="top", tickMinStep=1, format="d"),
    )
    tips = [
        alt.Tooltip("name:N", title="地区"),
        alt.Tooltip("shown:N", title="得分"),
        alt.Tooltip("rank:Q", title="位次", format="d"),
        alt.Tooltip("best:Q", title="最好位次", format="d"),
        alt.Tooltip("median:Q", title="位次中位数", format=".1~f"),
        alt.Tooltip("worst:Q", title="最差位次", format="d"),
    ]
    base = alt.Chart(rows).encode(y=y, tooltip=tips)
    pick = alt.selection_point(name=PICK, fields=["adcode"], on="click", clear=False)
    dots = (
        base.mark_circle(size=80, opacity=1, cursor="pointer")
        .encode(x=alt.X("rank:Q"), color=alt.Color("colour:N", scale=None))
        .add_params(pick)
    )
    chart = alt.layer(
        base.mark_rule(color="#9AA7B2", strokeWidth=2).encode(x=x, x2="worst:Q"),
        base.mark_bar(color="#B9CBDA", height=9).encode(x=alt.X("q1:Q"), x2="q3:Q"),
        dots,
    ).properties(height=max(18 * len(rows), 60))
    return styled(chart, description="各地区在所有方法组合下的位次范围")


def _unique(labels: Sequence[str]) -> list[str]:
    """Return the labels, repeated ones told apart by trailing spaces that nobody sees."""
    seen: dict[str, int] = {}
    found = []
    for label in labels:
        seen[label] = seen.get(label, -1) + 1
        found.append(label + "\u2009" * seen[label])
    return found


def contribution_chart(
    rows: pd.DataFrame, order: Sequence[str], parts: Sequence[str], palette: Sequence[str]
) -> Any:
    """Return stacked bars of what each component brings to the index of each region.

    ``rows``: columns region, part, points, shown; ``order`` the regions from the top, ``parts`` the
    components in the order of the stack.
    """
    colours = [palette[_PART_COLOURS[number % len(_PART_COLOURS)]] for number in range(len(parts))]
    number = {part: place for place, part in enumerate(parts)}
    rows = rows.assign(place=rows["part"].map(number))
    chart = (
        alt.Chart(rows)
        .mark_bar(height=13, stroke="white", strokeWidth=0.5)
        .encode(
            y=alt.Y(
                "region:N",
                sort=list(order),
                title=None,
                axis=alt.Axis(labelLimit=150, ticks=False, domain=False, labelColor=INK),
            ),
            x=alt.X("points:Q", title="得分", stack="zero", axis=alt.Axis(orient="top")),
            color=alt.Color(
                "part:N",
                scale=alt.Scale(domain=list(parts), range=colours),
                legend=alt.Legend(orient="bottom", columns=2, labelLimit=260, title=None),
            ),
            order=alt.Order("place:Q"),
            tooltip=[
                alt.Tooltip("region:N", title="地区"),
                alt.Tooltip("part:N", title="组成指标"),
                alt.Tooltip("shown:N", title="贡献（分）"),
            ],
        )
        .properties(height=max(20 * len(order), 60))
    )
    return styled(chart, description="各组成指标对得分的贡献")
