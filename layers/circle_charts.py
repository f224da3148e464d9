"""Charts of life circles: how many people reach each service, and the ranking of regions."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from layers.charts import INK, MUTED, styled
from layers.coverage_charts import percent

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
