"""The figure renderer: a static map for papers and reports, drawn with matplotlib in the measuring CRS."""

from __future__ import annotations

import io
import math
import warnings
from pathlib import Path
from typing import Literal
from unicodedata import east_asian_width

import geopandas as gpd
from fontTools.ttLib import TTFont
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Patch

from geo.crs import to_albers
from layers.fonts import FontError
from layers.model import Layer

Format = Literal["png", "svg", "pdf"]
MEDIA_TYPES: dict[Format, str] = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}

_SIZE_INCHES = (8.27, 8.6)
_INK, _MUTED, _BORDER, _LINE = "#1E2933", "#5A6B7B", "#8796A3", "#33424F"
_HATCH = "////"
_NOTE_WIDTH = 140


def figure_bytes(
    layer: Layer,
    kind: Format,
    *,
    font: Path,
    labels: gpd.GeoDataFrame | None = None,
    outlines: gpd.GeoDataFrame | None = None,
    dpi: int = 200,
    size: tuple[float, float] = _SIZE_INCHES,
    selected: str | None = None,
    legend_room: float = 0.0,
) -> bytes:
    """Return the map of ``layer`` as a PNG, SVG or PDF file.

    It carries title, unit, year, legend, scale bar, north arrow, sources, borders, CRS and the notice.
    ``font`` is a font file with every character used: a missing one raises `FontError`. ``labels`` (columns
    short_name and geometry) names regions, ``outlines`` draws borders of a coarser level on top. ``size`` is
    in inches; the region ``selected`` of ``outlines`` or the layer is drawn round in red;
    ``legend_room`` is the share of the map's width that is kept free at its left for the legend. Equal
    input gives equal bytes: no date is written into the file.
    """
    texts = [*_texts(layer), *(labels["short_name"] if labels is not None else [])]
    require_glyphs(font, texts)
    with rc_context(
        {"svg.fonttype": "path", "svg.hashsalt": "sutu", "pdf.fonttype": 42, "hatch.linewidth": 0.5}
    ):
        drawing = _draw(
            layer, FontProperties(fname=font), labels, outlines, size=size, legend_room=legend_room
        )
        _draw_selected(drawing.axes[0], layer, outlines, selected)
        out = io.BytesIO()
        dates = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message="Glyph .* missing")
            drawing.savefig(out, format=kind, dpi=dpi, metadata=dates[kind])
    return out.getvalue()


def require_glyphs(font: Path, texts: list[str]) -> None:
    """Raise `FontError` naming every character of ``texts`` that the font file lacks."""
    with TTFont(font, lazy=True) as opened:
        held = set(opened.getBestCmap())
    lacking = sorted(
        {char for text in texts for char in text if not char.isspace() and ord(char) not in held}
    )
    if lacking:
        raise FontError(f"字体缺少这些字符，无法出图：{'、'.join(lacking)}；请用规范汉字，或更换字体文件")


def _texts(layer: Layer) -> list[str]:
    legend = [entry.label for entry in layer.legend.entries] + [layer.legend.title, layer.legend.note]
    return [layer.title, _subtitle(layer), *legend, *_notes(layer), "公里北0123456789.,"]


def _subtitle(layer: Layer) -> str:
    return f"{layer.year} 年　单位：{layer.unit}" if layer.unit else f"{layer.year} 年"


def _notes(layer: Layer, width: int = _NOTE_WIDTH) -> list[str]:
    origin = layer.provenance
    notes = [
        f"来源：{origin.source_text}",
        *origin.remarks,
        f"边界：{origin.boundary}",
        f"坐标系：{origin.crs}；本图以等积圆锥（Albers）投影绘制",
    ]
    lines = [line for note in notes for line in wrapped(note, width)]
    return [*lines, origin.permission]


def wrapped(text: str, width: int) -> list[str]:
    """Return a text in lines of at most ``width`` columns, a Chinese character counting two."""
    lines, line, used = [], "", 0
    for char in text:
        columns = 2 if east_asian_width(char) in "WF" else 1
        if used + columns > width:
            lines.append(line)
            line, used = "", 0
        line += char
        used += columns
    return [*lines, line]


def _draw(
    layer: Layer,
    font: FontProperties,
    labels: gpd.GeoDataFrame | None,
    outlines: gpd.GeoDataFrame | None,
    *,
    size: tuple[float, float],
    legend_room: float,
) -> Figure:
    figure = Figure(figsize=size, facecolor="white")
    notes = _notes(layer, int(_NOTE_WIDTH * size[0] / _SIZE_INCHES[0]))
    # Type keeps its size on a smaller sheet, so a line takes more of it.
    unit = _SIZE_INCHES[1] / size[1]
    foot = 0.022 * unit * (len(notes) + 1)
    axes = figure.add_axes((0.03, foot + 0.02, 0.94, 1 - 0.1 * unit - foot))
    axes.set_axis_off()
    axes.set_aspect("equal")
    _draw_regions(axes, layer)
    if outlines is not None:
        to_albers(outlines).boundary.plot(ax=axes, color=_LINE, linewidth=0.7)
    _draw_labels(axes, labels, font)
    west, east = axes.get_xlim()
    axes.set_xlim(west - legend_room * (east - west), east)
    figure.text(0.04, 1 - 0.038 * unit, layer.title, fontproperties=font, fontsize=17, color=_INK)
    figure.text(0.04, 1 - 0.066 * unit, _subtitle(layer), fontproperties=font, fontsize=10.5, color=_MUTED)
    for number, note in enumerate(reversed(notes)):
        colour = "#8C1D22" if number == 0 else _MUTED
        figure.text(
            0.04, (0.018 + 0.02 * number) * unit, note, fontproperties=font, fontsize=7.5, color=colour
        )
    _draw_legend(axes, layer, font)
    _draw_scale(axes, font)
    _draw_north(axes, font)
    return figure


def _draw_regions(axes: Axes, layer: Layer) -> None:
    frame = to_albers(layer.frame)
    for number, colour in enumerate(layer.style.colours):
        part = frame[frame["class_index"] == number]
        if len(part):
            part.plot(ax=axes, color=colour, edgecolor=_BORDER, linewidth=0.3)
    undefined = frame[frame["class_index"] < 0]
    if len(undefined):
        undefined.plot(
            ax=axes, color=layer.style.undefined_colour, edgecolor="#A4AEB6", linewidth=0.3, hatch=_HATCH
        )
    outline = frame.geometry.union_all().boundary
    gpd.GeoSeries([outline], crs=frame.crs).plot(ax=axes, color=_LINE, linewidth=0.9)


def _draw_selected(axes: Axes, layer: Layer, outlines: gpd.GeoDataFrame | None, selected: str | None) -> None:
    for frame in (outlines, layer.frame):
        if selected is not None and frame is not None and selected in frame.index:
            to_albers(frame.loc[[selected]]).boundary.plot(ax=axes, color="#B4232A", linewidth=1.8, zorder=5)
            return


def _draw_labels(axes: Axes, labels: gpd.GeoDataFrame | None, font: FontProperties) -> None:
    if labels is None:
        return
    frame = to_albers(labels)
    for place, name in zip(frame.geometry.representative_point(), frame["short_name"], strict=True):
        axes.annotate(
            name,
            (place.x, place.y),
            ha="center",
            va="center",
            fontproperties=font,
            fontsize=9,
            color=_INK,
            path_effects=_halo(),
        )


def _halo() -> list[object]:
    from matplotlib import patheffects  # noqa: PLC0415 - only labels need it

    return [patheffects.withStroke(linewidth=2.2, foreground="white", alpha=0.85)]


def _draw_legend(axes: Axes, layer: Layer, font: FontProperties) -> None:
    patches = [
        Patch(
            facecolor=entry.colour,
            edgecolor="#8796A3",
            linewidth=0.4,
            hatch=None if entry.class_index >= 0 else _HATCH,
            label=f"{entry.label}（{entry.count}）",
        )
        for entry in layer.legend.entries
    ]
    small = font.copy()
    small.set_size(9)
    legend = axes.legend(
        handles=patches,
        title=layer.legend.title,
        loc="lower left",
        frameon=False,
        prop=small,
        title_fontproperties=small,
        alignment="left",
        handlelength=1.9,
        labelcolor=_INK,
    )
    legend.set_in_layout(False)
    if layer.legend.note:
        axes.text(
            0.0,
            -0.012,
            layer.legend.note,
            transform=axes.transAxes,
            va="top",
            fontproperties=small,
            color=_MUTED,
        )


def scale_length(width_m: float) -> float:
    """Return a round length (1, 2 or 5 times a power of ten metres) of about a fifth of ``width_m``."""
    target = width_m / 5
    power = 10 ** math.floor(math.log10(target))
    found: float = max(step * power for step in (1, 2, 5) if step * power <= target)
    return found


def _draw_scale(axes: Axes, font: FontProperties) -> None:
    west, east = axes.get_xlim()
    south, north = axes.get_ylim()
    length = scale_length(east - west)
    right, level = east - 0.02 * (east - west), south + 0.03 * (north - south)
    tick = 0.008 * (north - south)
    xs = [
        right - length,
        right - length,
        right - length / 2,
        right - length / 2,
        right - length / 2,
        right,
        right,
    ]
    ys = [level + tick, level, level, level + tick, level, level, level + tick]
    axes.plot(xs, ys, color=_LINE, linewidth=1.1, solid_capstyle="butt")
    # On a short bar the two figures would cover each other.
    short = length < 0.15 * (east - west)
    whole = (0.5, f"{length / 1000:g} 公里", "center") if short else (1.0, f"{length / 1000:g} 公里", "right")
    for share, text, align in ([] if short else [(0.0, "0", "center")]) + [whole]:
        axes.text(
            right - length * (1 - share),
            level + 1.6 * tick,
            text,
            ha=align,
            va="bottom",
            fontproperties=font,
            fontsize=8.5,
            color=_LINE,
        )


def _draw_north(axes: Axes, font: FontProperties) -> None:
    """Point up: on this projection north deviates less than two degrees within the province."""
    axes.annotate(
        "",
        xy=(0.955, 0.985),
        xytext=(0.955, 0.915),
        xycoords="axes fraction",
        arrowprops={"arrowstyle": "-|>", "color": _LINE, "linewidth": 1.4, "mutation_scale": 16},
    )
    axes.text(
        0.955,
        0.905,
        "北",
        transform=axes.transAxes,
        ha="center",
        va="top",
        fontproperties=font,
        fontsize=11,
        color=_LINE,
    )
