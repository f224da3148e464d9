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

from layers.charts.base import GRID, INK, MUTED, SERIES
from layers.charts.profile import BAND, BAR, ECONOMIC_COLOUR, PROVINCE_COLOUR
from layers.figure import require_glyphs

DPI = 170
_CM = 1 / 2.54


def drawing_png(drawing: Figure, font: Path, texts: Sequence[str]) -> bytes:
    """Return a drawing as PNG; a missing character raises `FontError`."""
    require_glyphs(font, [*texts, "0123456789.,−-–%"])
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Glyph .* missing")
        drawing.savefig(out, format="png", dpi=DPI, metadata={"Software": None})
    return out.getvalue()


def plain_axes(axes: Axes, font: FontProperties) -> None:
    """Take away what a chart of the report needs no line for, and set the type of its axes."""
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
    """Return the spine chart of one region as PNG; frames as of `layers.charts.profile.spine_frames`.

    The region's value and rank stand at the right of its line.
    """
    face = FontProperties(fname=font)
    with rc_context({"axes.unicode_minus": True}):
        drawing = sheet(size_cm)
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
        plain_axes(axes, face)
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
    return drawing_png(drawing, font, [*rows, *texts, name, "最差正中最优的数值与位次"])


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
    drawing = sheet(size_cm)
    axes = drawing.add_axes((0.1, 0.1, 0.74, 0.78))
    names = list(dict.fromkeys(frame["name"]))
    _name_ends(axes, draw_lines(axes, frame), face)
    axes.grid(axis="y", color=GRID, lw=0.8)
    axes.set_axisbelow(True)
    years = sorted(frame["year"].unique())
    axes.set_xticks(years if len(years) < 12 else years[::3])
    axes.yaxis.set_major_formatter(
        lambda value, _place: f"{value:,.0f}" if abs(value) >= 100 else f"{value:g}"
    )
    if break_year is not None:
        _mark_break(axes, break_year, break_text, face)
    plain_axes(axes, face)
    drawing.text(0.02, 0.93, label, fontproperties=face, fontsize=9, color=MUTED)
    return drawing_png(drawing, font, [*names, label, break_text])


def sheet(size_cm: tuple[float, float]) -> Figure:
    """Return an empty white drawing of a size in centimetres."""
    return Figure(figsize=(size_cm[0] * _CM, size_cm[1] * _CM), facecolor="white")


def draw_lines(axes: Axes, frame: pd.DataFrame) -> list[tuple[float, float, str, str]]:
    """Draw a line per name (columns name, year, value), the first strongest.

    Returns the ends of those with a value: value, year, name, colour.
    """
    ends = []
    for number, name in enumerate(dict.fromkeys(frame["name"])):
        own = frame[frame["name"] == name].sort_values("year")
        width, colour = (2.4 if number == 0 else 1.4), SERIES[number]
        axes.plot(own["year"], own["value"], color=colour, lw=width, marker="o", ms=3, label=name)
        last = own.dropna(subset="value").tail(1)
        if len(last):
            ends.append((float(last["value"].iloc[0]), float(last["year"].iloc[0]), str(name), colour))
    return ends


def _name_ends(axes: Axes, ends: list[tuple[float, float, str, str]], face: FontProperties) -> None:
    """Write the names at the ends of the lines, so far apart that none covers another."""
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


def _mark_break(axes: Axes, year: float, text: str, face: FontProperties) -> None:
    """Draw where the series is not continuous, and say why at the foot."""
    low = axes.get_ylim()[0]
    axes.axvline(year, color=MUTED, lw=1, ls=":")
    axes.text(year, low, f"{text} ", fontproperties=face, fontsize=8, color=MUTED, va="bottom", ha="right")


def bars_png(
    frame: pd.DataFrame, *, label: str, decimals: int, font: Path, size_cm: tuple[float, float]
) -> bytes:
    """Return horizontal bars as PNG: columns name and value (NaN: 无数据) in order, the first strongest."""
    face = FontProperties(fname=font)
    drawing = sheet(size_cm)
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
    plain_axes(axes, face)
    axes.spines["bottom"].set_visible(False)
    drawing.text(0.02, 0.93, label, fontproperties=face, fontsize=9, color=MUTED)
    return drawing_png(drawing, font, [*frame["name"], *texts, label])


def track_png(
    observed: pd.DataFrame,
    goals: pd.DataFrame,
    *,
    label: str,
    comparable: bool,
    font: Path,
    size_cm: tuple[float, float],
) -> bytes:
    """Return observed lines and the targets ahead of them as PNG.

    ``observed``: columns name, year, value, the target's own region first; ``goals``: year, value, text. A
    dashed way leads from the last observed value to the first target after it, unless the two are not
    ``comparable``.
    """
    face = FontProperties(fname=font)
    drawing = sheet(size_cm)
    axes = drawing.add_axes((0.08, 0.11, 0.74, 0.66))
    names = list(dict.fromkeys(observed["name"]))
    ends = draw_lines(axes, observed)
    last = next(((value, year) for value, year, name, _ in ends if name == names[0]), None)
    ahead = goals[goals["year"] > last[1]].sort_values("year") if last else goals.iloc[:0]
    if last and comparable and len(ahead):
        way = ([last[1], float(ahead["year"].iloc[0])], [last[0], float(ahead["value"].iloc[0])])
        axes.plot(*way, color=MUTED, lw=1.4, ls="--", zorder=1)
    axes.plot(goals["year"], goals["value"], "D", ms=6.5, color=INK, ls="none", zorder=5)
    texts = [f"目标 {text}" for text in goals["text"]]
    for year, value, text in zip(goals["year"], goals["value"], texts, strict=True):
        axes.annotate(
            f"  {text}",
            (float(year), float(value)),
            fontproperties=face,
            fontsize=9,
            color=INK,
            va="center",
            annotation_clip=False,
        )
    axes.grid(axis="y", color=GRID, lw=0.8)
    axes.set_axisbelow(True)
    axes.margins(y=0.12)
    axes.set_xticks(sorted({int(year) for year in (*observed["year"], *goals["year"])}))
    small = face.copy()
    small.set_size(9)
    axes.legend(
        loc="lower left", bbox_to_anchor=(0, 1), ncols=len(names), frameon=False, prop=small, labelcolor=INK
    )
    plain_axes(axes, face)
    drawing.text(0.02, 0.94, label, fontproperties=face, fontsize=9, color=MUTED)
    return drawing_png(drawing, font, [*names, *texts, label])
