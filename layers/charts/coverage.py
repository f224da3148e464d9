"""Charts of coverage: growth with the minutes, ranking of regions, people by minutes, gaps, sensitivity."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from layers.charts.base import INK, MUTED, PICK, ROW_PX, SELECTED, styled

COVERED, AREA = "#1F5A8A", "#B8860B"
OTHERS = ("#C2410C", "#4F9A94", "#7B5EA7", "#8A939B")
NO_FIGURE = "无数据"

_POPULATION, _AREA = "人口覆盖率", "面积覆盖率"
_CURVE_COLUMNS = ("minutes", "share", "name", "what", "main")


def percent(value: float) -> str:
    """Return a share as people read it: one decimal, 无数据 for NaN; never 100.0% or 0.0% unless it is."""
    if pd.isna(value):
        return NO_FIGURE
    text = f"{value * 100:.1f}%"
    if text == "100.0%" and value < 1.0:
        return ">99.9%"
    return "<0.1%" if text == "0.0%" and value > 0.0 else text


class ReadyChart:
    """A chart whose specification is made once; parameters and data are put in for every view.

    ``spec`` is what Altair gives (validated where it is made, in the tests).
    """

    def __init__(self, spec: Mapping[str, Any], values: Mapping[str, Any] | None = None) -> None:
        """Keep ``spec``, and the ``values`` that its parameters have in this view, by name."""
        self._spec = spec
        self._values = dict(values or {})

    def at(self, **values: Any) -> ReadyChart:
        """Return the chart with other values of its parameters."""
        return ReadyChart(self._spec, {**self._values, **values})

    def to_dict(self, *, validate: bool = True) -> dict[str, Any]:
        """Return the specification of this view; with ``validate`` checked against Vega-Lite's schema."""
        parameters = [
            {**one, "value": self._values[one["name"]]} if one["name"] in self._values else one
            for one in self._spec["params"]
        ]
        spec = {**self._spec, "params": parameters}
        if validate:
            alt.LayerChart.from_dict(spec, validate=True)
        return spec


def cumulative_curve_chart(curves: Mapping[str, pd.DataFrame], threshold_minutes: float = 0.0) -> ReadyChart:
    """Return how coverage grows with the minutes: one line per region, and the threshold as a rule.

    ``curves``: by name, the columns ``minutes``, ``population_coverage`` and ``area_coverage`` of
    ``geo.coverage.cumulative_curve``, the threshold among the minutes; the first is drawn thicker and has its
    area as a dashed line. Values at the threshold stand at the rule. Regions without people leave no line.
    The parameter ``threshold`` moves the rule (see `ReadyChart.at`).
    """
    drawn = {name: curve for name, curve in curves.items() if curve["population_coverage"].notna().any()}
    rows, names = _curve_rows(drawn)
    colours = [COVERED, *itertools.islice(itertools.cycle(OTHERS), max(len(drawn) - 1, 0)), AREA]
    colour = alt.Color(
        "name:N",
        scale=alt.Scale(domain=names, range=colours[: len(names)]),
        legend=alt.Legend(orient="bottom", columns=3, symbolType="stroke", symbolStrokeWidth=3),
    )
    x = alt.X("minutes:Q", title="分钟", scale=alt.Scale(nice=False), axis=alt.Axis(grid=False, tickCount=8))
    y = alt.Y("share:Q", title="覆盖率", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format=".0%"))
    threshold = alt.param(name="threshold", value=float(threshold_minutes))
    base = alt.Chart(rows).encode(x=x, y=y, color=colour)
    paths = base.mark_line().encode(
        strokeDash=alt.condition(f"datum.what == '{_AREA}'", alt.value([5, 4]), alt.value([1, 0])),
        strokeWidth=alt.condition("datum.main", alt.value(2.6), alt.value(1.6)),
    )
    tips = [
        alt.Tooltip("name:N", title="地区"),
        alt.Tooltip("what:N", title="指标"),
        alt.Tooltip("minutes:Q", title="分钟", format=".0f"),
        alt.Tooltip("shown:N", title="覆盖率"),
    ]
    hits = base.mark_point(size=90, opacity=0).encode(tooltip=tips)
    here = base.transform_filter("datum.main && datum.minutes == threshold")
    dots = here.mark_circle(size=70, opacity=1)
    values = here.mark_text(align="right", dx=-7, dy=-7, fontWeight=600).encode(text="shown:N")
    chart = alt.layer(paths, *_threshold_rule("minutes"), dots, values, hits).add_params(threshold)
    words = f"覆盖率随分钟数的增长：{'、'.join(drawn) or '没有该人群'}"
    return ReadyChart(styled(chart.properties(height=320), description=words).to_dict(validate=False))


def _curve_rows(drawn: Mapping[str, pd.DataFrame]) -> tuple[pd.DataFrame, list[str]]:
    """Return the points of all lines, and the lines' names in their order."""
    parts = [
        curve[["minutes"]].assign(
            share=curve["population_coverage"], name=name, what=_POPULATION, main=number == 0
        )
        for number, (name, curve) in enumerate(drawn.items())
    ]
    names = list(drawn)
    for name, curve in itertools.islice(drawn.items(), 1):
        area = curve.dropna(subset="area_coverage")
        shown = f"{name}（面积）"
        parts.append(area[["minutes"]].assign(share=area["area_coverage"], name=shown, what=_AREA, main=True))
        names += [shown] if len(area) else []
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(_CURVE_COLUMNS))
    return rows.assign(shown=rows["share"].map(percent)), names


def _threshold_rule(field: str) -> list[Any]:
    """Return a rule and its label at the parameter ``threshold``, on the axis of ``field``."""
    mark = alt.Chart(alt.InlineData(values=[{"one": 1}])).transform_calculate(
        **{field: "threshold", "text": "threshold + ' 分钟'"}
    )
    x = alt.X(f"{field}:Q")
    label = mark.mark_text(color=SELECTED, align="left", dx=5, fontWeight=600)
    return [
        mark.mark_rule(color=SELECTED, strokeWidth=1.6).encode(x=x),
        label.encode(x=x, y=alt.value(9), text="text:N"),
    ]


def ranking_chart(table: pd.DataFrame, *, selected: str | None = None) -> ReadyChart:
    """Return one bar per region of a ``coverage_table``: the people covered, a tick for the area covered.

    Best first; equal figures by code; regions without a figure last, with 无数据. Regions with an edge flag
    carry a star. Clicking a bar makes the selection ``layers.charts.base.PICK`` (field adcode).
    """
    rows = table[["adcode", "name", "population_coverage", "area_coverage", "reason", "edge"]].sort_values(
        ["population_coverage", "adcode"], ascending=[False, True], na_position="last", ignore_index=True
    )
    ranks = rows["population_coverage"].rank(method="min", ascending=False)
    records = [_ranking_row(row, rank) for row, rank in zip(rows.to_dict("records"), ranks, strict=True)]
    template = _ranking_template()
    y = {
        "field": "adcode",
        "type": "nominal",
        "title": None,
        "sort": [record["adcode"] for record in records],
        "axis": {
            "labelExpr": f"({_names(records)})[datum.label]",
            "labelLimit": 120,
            "labelColor": INK,
            "ticks": False,
            "domain": False,
        },
    }
    layers = [{**layer, "encoding": {**layer["encoding"], "y": y}} for layer in template["layer"]]
    spec = {
        **template,
        "layer": layers,
        "data": {"values": records},
        "height": ROW_PX * max(len(records), 1),
        "description": f"人口覆盖率排名，共 {len(records)} 个地区；竖线为面积覆盖率",
    }
    return ReadyChart(spec, {"chosen": selected or ""})


def _names(records: list[dict[str, Any]]) -> str:
    """Return the labels by code as an object of Vega's expressions; names are texts in it, never code."""
    return json.dumps({record["adcode"]: record["label"] for record in records}, ensure_ascii=False)


def _ranking_row(row: dict[Any, Any], rank: float) -> dict[str, Any]:
    """Return what the chart needs of one region; an undefined figure is null."""
    people, area = (float(row[name]) for name in ("population_coverage", "area_coverage"))
    return {
        "adcode": row["adcode"],
        "name": row["name"],
        "label": f"{row['name']} *" if row["edge"] else row["name"],
        "people": None if np.isnan(people) else people,
        "area": None if np.isnan(area) else area,
        "shown": percent(people),
        "shown_area": percent(area),
        "standing": str(row["reason"] or NO_FIGURE) if np.isnan(rank) else f"第 {int(rank)} 位",
    }


@lru_cache(maxsize=1)
def _ranking_template() -> dict[str, Any]:
    """Return the specification of `ranking_chart` without data, and without its axis of regions."""
    tips = [
        alt.Tooltip("name:N", title="地区"),
        alt.Tooltip("shown:N", title=_POPULATION),
        alt.Tooltip("shown_area:N", title=_AREA),
        alt.Tooltip("standing:N", title="位次"),
    ]
    x = alt.X(
        "people:Q",
        title=None,
        scale=alt.Scale(domain=[0, 1.25], nice=False),
        axis=alt.Axis(labels=False, ticks=False, values=[0, 0.25, 0.5, 0.75, 1.0]),
    )
    chosen = "datum.adcode == chosen"
    base = alt.Chart().encode(tooltip=tips)
    pick = alt.selection_point(name=PICK, fields=["adcode"], on="click", clear=False)
    bars = (
        base.mark_bar(height=13, cursor="pointer", color=COVERED)
        .encode(
            x=x,
            stroke=alt.condition(chosen, alt.value(SELECTED), alt.value("#FFFFFF")),
            strokeWidth=alt.condition(chosen, alt.value(2.2), alt.value(0)),
        )
        .add_params(pick)
    )
    ticks = base.mark_tick(color=AREA, thickness=2.4, size=15).encode(x=alt.X("area:Q"))
    texts = (
        base.transform_calculate(at="max(datum.people || 0, datum.area || 0)")
        .mark_text(align="left", dx=6, color=MUTED)
        .encode(x=alt.X("at:Q"), text="shown:N")
    )
    chart = alt.layer(bars, ticks, texts, data=alt.InlineData(values=[]))
    chart = chart.add_params(alt.param(name="chosen", value=""))
    spec: dict[str, Any] = styled(chart, description="").to_dict(validate=False)
    # The empty data set that stands for the rows to come.
    return {key: value for key, value in spec.items() if key != "datasets"}


def minutes_bins(curve: pd.DataFrame, unreachable: float) -> pd.DataFrame:
    """Return people between one minute mark of a cumulative curve and the next, the unreachable last.

    ``curve``: ``minutes`` ascending from 0 and ``population``. Columns ``low``, ``high`` (NaN for the
    unreachable), ``people``; they add up to all people within the last mark, and the unreachable.
    """
    people = np.diff(curve["population"].to_numpy(dtype=np.float64))
    marks = curve["minutes"].to_numpy(dtype=np.float64)
    people[:1] += curve["population"].iloc[0]
    rows = pd.DataFrame({"low": marks[:-1], "high": marks[1:], "people": people})
    rest = pd.DataFrame({"low": [np.nan], "high": [np.nan], "people": [float(unreachable)]})
    return pd.concat([rows, rest], ignore_index=True)


def distribution_chart(bins: pd.DataFrame, threshold_minutes: float) -> Any:
    """Return how many people live how far: a column per band of minutes, those within the threshold dark.

    ``bins`` as `minutes_bins`, with the threshold among their marks.
    """
    rows = bins[bins["low"].notna()].copy()
    rest = float(bins.loc[bins["low"].isna(), "people"].sum())
    rows["covered"] = rows["high"] <= threshold_minutes
    rows["wan"] = rows["people"] / 1e4
    rows["range"] = [f"{low:g}–{high:g} 分钟" for low, high in zip(rows["low"], rows["high"], strict=True)]
    rows["shown"] = [f"{people:,.0f} 人" for people in rows["people"]]
    x = alt.X(
        "low:Q",
        bin="binned",
        title="到最近设施的分钟数",
        scale=alt.Scale(nice=False),
        axis=alt.Axis(grid=False),
    )
    bars = (
        alt.Chart(rows)
        .mark_bar(stroke="#FFFFFF", strokeWidth=0.5)
        .encode(
            x=x,
            x2="high:Q",
            y=alt.Y("wan:Q", title="万人"),
            color=alt.condition("datum.covered", alt.value(COVERED), alt.value("#A9B7C3")),
            tooltip=[alt.Tooltip("range:N", title="区间"), alt.Tooltip("shown:N", title="人数")],
        )
    )
    threshold = alt.param(name="threshold", value=float(threshold_minutes))
    chart = alt.layer(bars, *_threshold_rule("low")).add_params(threshold).properties(height=280)
    reach = f"，另有 {rest:,.0f} 人不可达" if rest else ""
    return styled(chart, description=f"人口按到最近设施的分钟数分布{reach}")


def gap_chart(gaps: pd.DataFrame) -> Any:
    """Return town and country of every region as two dots on a line.

    ``gaps``: columns of ``geo.coverage.urban_rural_gap``. A region in which one side has no figure shows the
    other alone.
    """
    rows = gaps.melt(
        id_vars=["adcode", "name"],
        value_vars=["urban_coverage", "rural_coverage"],
        var_name="who",
        value_name="share",
    )
    rows["who"] = rows["who"].map({"urban_coverage": "城镇", "rural_coverage": "乡村"})
    rows = rows.dropna(subset="share")
    if rows.empty:
        return _empty("城镇和乡村都没有覆盖率")
    rows["shown"] = rows["share"].map(percent)
    order = gaps["name"].tolist()
    y = alt.Y(
        "name:N",
        sort=order,
        title=None,
        scale=alt.Scale(domain=order),
        axis=alt.Axis(ticks=False, domain=False, labelColor=INK, labelLimit=110),
    )
    x = alt.X("share:Q", title=_POPULATION, scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format=".0%"))
    spans = gaps.dropna(subset=["urban_coverage", "rural_coverage"])
    lines = (
        alt.Chart(spans)
        .mark_rule(color="#B9C3CC", strokeWidth=2.5)
        .encode(y=y, x=alt.X("rural_coverage:Q"), x2="urban_coverage:Q")
    )
    dots = (
        alt.Chart(rows)
        .mark_circle(size=90, opacity=1)
        .encode(
            x=x,
            y=y,
            color=alt.Color(
                "who:N",
                scale=alt.Scale(domain=["城镇", "乡村"], range=[COVERED, "#C2410C"]),
                legend=alt.Legend(orient="top"),
            ),
            tooltip=[
                alt.Tooltip("name:N", title="地区"),
                alt.Tooltip("who:N", title="人群"),
                alt.Tooltip("shown:N", title=_POPULATION),
            ],
        )
    )
    chart = alt.layer(lines, dots).properties(height=26 * len(order) + 90)
    return styled(chart, description="城镇与乡村人口覆盖率：" + "、".join(order))


def sensitivity_chart(rows: pd.DataFrame, *, threshold_minutes: float) -> Any:
    """Return coverage for other speeds and thresholds as a small grid of figures, the case itself outlined.

    ``rows``: one region's rows of ``geo.coverage.sensitivity``. Cases that cannot be answered show 无数据.
    """
    grid = rows.copy()
    grid["speed"] = [f"速度 ×{factor:g}" for factor in grid["speed_factor"]]
    grid["limit"] = [f"{minutes:g} 分钟" for minutes in grid["threshold_minutes"]]
    grid["shown"] = grid["population_coverage"].map(percent)
    grid["why"] = grid["reason"].fillna("")
    grid["own"] = np.isclose(grid["speed_factor"], 1.0) & np.isclose(
        grid["threshold_minutes"], threshold_minutes
    )
    x = alt.X(
        "limit:N",
        sort=list(dict.fromkeys(grid["limit"])),
        title="阈值",
        axis=alt.Axis(orient="top", labelAngle=0, ticks=False, domain=False),
    )
    y = alt.Y(
        "speed:N",
        sort=list(dict.fromkeys(grid["speed"])),
        title=None,
        axis=alt.Axis(ticks=False, domain=False),
    )
    tips = [
        alt.Tooltip("speed:N", title="速度"),
        alt.Tooltip("limit:N", title="阈值"),
        alt.Tooltip("shown:N", title=_POPULATION),
        alt.Tooltip("why:N", title="说明"),
    ]
    base = alt.Chart(grid).encode(x=x, y=y, tooltip=tips)
    shades = alt.Scale(domain=[0, 1], range=["#F3F5F7", "#6FA3C8"])
    cells = base.mark_rect(stroke="#FFFFFF", strokeWidth=1.5).encode(
        color=alt.Color("population_coverage:Q", scale=shades, legend=None)
    )
    own = base.transform_filter("datum.own").mark_rect(filled=False, stroke=SELECTED, strokeWidth=2.4)
    texts = base.mark_text(fontSize=14, fontWeight=600, color=INK).encode(text="shown:N")
    chart = alt.layer(cells, own, texts).properties(height=60 + 48 * grid["speed"].nunique())
    return styled(chart, description="速度上下浮动 20%、阈值上下浮动时的人口覆盖率")


def minute_marks(limit: float, threshold_minutes: float) -> list[float]:
    """Return 0, 5, 10 … up to ``limit``, with the threshold among them; ascending."""
    return sorted({*np.arange(0.0, limit, 5.0).tolist(), float(limit), float(threshold_minutes)})


def _empty(text: str) -> Any:
    """Return a chart that says why there is nothing on it."""
    chart = (
        alt.Chart(pd.DataFrame({"text": [text]})).mark_text(color=MUTED, fontSize=13).encode(text="text:N")
    )
    return styled(chart.properties(height=120), description=text)
