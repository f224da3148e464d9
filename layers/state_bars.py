"""Stacked bars of how many targets are in which state: counts as text, never a share."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt
import pandas as pd

from layers.charts import styled

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
    return styled(
        chart.properties(height=BAR_PX * len(counts) + _LEGEND_PX, width="container"), description=words
    )


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
