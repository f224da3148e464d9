"""The figures of a report, drawn with matplotlib in the packaged Chinese typeface, as PNG bytes."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from layers.charts import GRID, INK, MUTED, SERIES
from layers.figure import require_glyphs
from layers.profile_charts import BAND, BAR, ECONOMIC_COLOUR, PROVINCE_COLOUR

DPI = 170
_CM = 1 / 2.54


def _png(drawing: Figure, font: Path, texts: Sequence[str]) -> bytes:
    """Return a drawing as PNG; a missing character raises `FontError`."""
    require_glyphs(font, [*texts, "0123456789.,−-–%"])
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Glyph .* missing")
        drawing.savefig(out, format="png", dpi=DPI, metadata={"Software": None})
    return out.getvalue()


def _plain_axes(axes: Axes, font: FontProperties) -> None:
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color("#B9C3CC")
    axes.tick_params(length=0, colors=MUTED, labelsize=8.5)
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        label.set_fontproperties(font)
        label.set_fontsize(8.5)


def spine_png(
    bars: pd.DataFrame, dots: pd.DataFrame, name: str, *, font: Path, size_cm: tuple[float, float]
) -> bytes:
    """Return the spine chart of one region as PNG; frames as of `layers.profile_charts.spine_frames`.

    The region's value and rank stand at the right of its line.
    """
    face = FontProperties(fname=font)
    with rc_context({"axes.unicode_minus": True}):
        drawing = Figure(figsize=(size_cm[0] * _CM, size_cm[1] * _CM), facecolor="white")
        axes = drawing.add_axes((0.3, 0.03, 0.44, 0.9))
        rows = {label: number for number, label in enumerate(reversed(list(bars["label"])))}
        for bar in bars.to_dict("records"):
            level = rows[str(bar["label"])]
            axes.barh(level, 1.0, height=0.42, color=BAR, zorder=1)
            if not bar["reason"]:
                axes.barh(
                    level,
                    float(bar["q3"]) - float(bar["q1"]),
                    left=float(bar["q1"]),
                    height=0.42,
                    color=BAND,
                    zorder=2,
                )
        texts = _spine_marks(axes, dots, rows, face)
        axes.set_xlim(-0.05, 1.05)
        axes.set_ylim(-0.7, len(rows) - 0.3)
        axes.set_yticks(list(rows.values()), list(rows))
        axes.set_xticks([0, 0.5, 1], ["最差", "正中", "最优"])
        axes.xaxis.tick_top()
        _plain_axes(axes, face)
        axes.spines["bottom"].set_visible(False)
        for label in axes.get_yticklabels():
            label.set_color(INK)
        axes.text(
            1.09,
            len(rows) - 0.25,
            f"{name}的数值与位次",
            fontproperties=face,
            fontsize=8.5,
            color=MUTED,
            va="bottom",
        )
    return _png(drawing, font, [*rows, *texts, name, "最差正中最优的数值与位次"])


def _spine_marks(axes: Axes, dots: pd.DataFrame, rows: dict[str, int], face: FontProperties) -> list[str]:
    texts = []
    for dot in dots.to_dict("records"):
        level, place = rows[str(dot["label"])], float(dot["position"])
        if dot["kind"] == "province":
            axes.plot([place] * 2, [level - 0.33, level + 0.33], color=PROVINCE_COLOUR, lw=1.8, zorder=4)
        elif dot["kind"] == "economic_region":
            axes.plot(place, level, "D", ms=4.5, mfc="white", mec=ECONOMIC_COLOUR, zorder=3)
        else:
            axes.plot(place, level, "o", ms=7, color=SERIES[0], mec="white", mew=0.8, zorder=5)
            text = f"{dot['shown']}　{dot['standing']}"
            texts.append(text)
            axes.text(1.09, level, text, fontproperties=face, fontsize=8.5, color=INK, va="center")
    return texts


def lines_png(
    frame: pd.DataFrame,
    *,
    label: str,
    font: Path,
    size_cm: tuple[float, float],
    break_year: float | None = None,
    break_text: str = "",
) -> bytes:
    """Return lines through the years as PNG: columns name, year, value; the first name is drawn strongest.

    ``break_year`` draws a dotted line where the series is not continuous, with ``break_text`` beside it.
    """
    face = FontProperties(fname=font)
    drawing = Figure(figsize=(size_cm[0] * _CM, size_cm[1] * _CM), facecolor="white")
    axes = drawing.add_axes((0.1, 0.1, 0.74, 0.78))
    names = list(dict.fromkeys(frame["name"]))
    ends = []
    for number, name in enumerate(names):
        own = frame[frame["name"] == name].sort_values("year")
        axes.plot(
            own["year"], own["value"], color=SERIES[number], lw=2.4 if number == 0 else 1.4, marker="o", ms=3
        )
        last = own.dropna(subset="value").tail(1)
        if len(last):
            ends.append((float(last["value"].iloc[0]), float(last["year"].iloc[0]), name, SERIES[number]))
    low, high = axes.get_ylim()
    before = -np.inf
    for value, year, name, colour in sorted(ends):
        at = max(value, before + (high - low) * 0.095)
        before = at
        axes.annotate(
            f" {name}",
            (year, at),
            fontproperties=face,
            fontsize=9,
            color=colour,
            va="center",
            annotation_clip=False,
        )
    axes.grid(axis="y", color=GRID, lw=0.8)
    axes.set_axisbelow(True)
    years = sorted(frame["year"].unique())
    axes.set_xticks(years if len(years) < 12 else years[::3])
    axes.yaxis.set_major_formatter(
        lambda value, _place: f"{value:,.0f}" if abs(value) >= 100 else f"{value:g}"
    )
    if break_year is not None:
        axes.axvline(break_year, color=MUTED, lw=1, ls=":")
        axes.text(
            break_year,
            low,
            f"{break_text} ",
            fontproperties=face,
            fontsize=8,
            color=MUTED,
            va="bottom",
            ha="right",
        )
    _plain_axes(axes, face)
    drawing.text(0.02, 0.93, label, fontproperties=face, fontsize=9, color=MUTED)
    return _png(drawing, font, [*names, label, break_text])


def bars_png(
    frame: pd.DataFrame, *, label: str, decimals: int, font: Path, size_cm: tuple[float, float]
) -> bytes:
    """Return horizontal bars as PNG: columns name and value (NaN: 无数据) in order, the first strongest."""
    face = FontProperties(fname=font)
    drawing = Figure(figsize=(size_cm[0] * _CM, size_cm[1] * _CM), facecolor="white")
    axes = drawing.add_axes((0.2, 0.04, 0.72, 0.84))
    places = np.arange(len(frame))[::-1]
    values = frame["value"].to_numpy(dtype=np.float64)
    colours = [SERIES[0], *["#9DB3C5"] * (len(frame) - 1)]
    axes.barh(places, np.nan_to_num(values), height=0.62, color=colours)
    texts = ["无数据" if np.isnan(value) else f"{value:,.{decimals}f}" for value in values]
    for place, value, text in zip(places, np.nan_to_num(values), texts, strict=True):
        axes.text(value, place, f" {text}", fontproperties=face, fontsize=9, color=INK, va="center")
    axes.set_yticks(places, list(frame["name"]))
    axes.set_xticks([])
    axes.margins(x=0.15)
    _plain_axes(axes, face)
    axes.spines["bottom"].set_visible(False)
    drawing.text(0.02, 0.93, label, fontproperties=face, fontsize=9, color=MUTED)
    return _png(drawing, font, [*frame["name"], *texts, label])
