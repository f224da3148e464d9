"""Map sheets on A4 or A3 as an office prints them, drawn with matplotlib in the measuring CRS.

A sheet carries title, subtitle, legend, scale bar, north arrow, graticule in a neat line, an inset of the
province when the map shows part of it, and at its foot sources, borders, CRS, date and the notice.
"""

from __future__ import annotations

import io
import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import shapely
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from exports.arrow import Seen
from exports.package_texts import permission
from exports.painting import SheetRows, rows_of
from exports.style import Symbols, symbols_of
from geo.crs import ALBERS, STORE_CRS, TARGETS, to_albers
from geo.export_table import ExportTable
from layers.figure import require_glyphs, scale_length, wrapped

Page = Literal["A4", "A3"]
Orientation = Literal["portrait", "landscape"]
PAGES_MM: dict[str, tuple[float, float]] = {"A4": (210.0, 297.0), "A3": (297.0, 420.0)}
ORIENTATIONS = {"portrait": "纵向", "landscape": "横向"}
PART_OF_PROVINCE = 0.6
"""What is narrower and lower than this share of the province has an inset that says where it lies."""
MOST_COUNTY_LABELS = 24
"""A sheet of a region names its counties if there are no more than these, else the prefectures."""

_INK, _MUTED, _LINE, _GRID, _NOTICE = "#1E2933", "#5A6B7B", "#33424F", "#9FB0BD", "#8C1D22"
_LAND, _BORDER = "#F3F1EC", "#8796A3"
_MARGIN_MM, _HEAD_MM, _FOOT_LINE_MM = 12.0, 21.0, 4.2
_PT_PER_MM = 72.0 / 25.4
_MAX_LABELS = 120


@dataclass(frozen=True)
class SheetOptions:
    """What a sheet needs beside its layer.

    ``font``: a font file with every character used. ``province``: the outlines of the prefectures
    (EPSG:4490, ``short_name``), drawn as the background and in the inset. ``labels``: regions to name, None
    for none. ``date``: the date printed. ``subtitle`` replaces the line below the title.
    """

    font: Path
    province: gpd.GeoDataFrame
    date: str
    page: Page = "A4"
    orientation: Orientation = "portrait"
    subtitle: str = ""
    labels: gpd.GeoDataFrame | None = None
    focus: shapely.Geometry | None = None
    dpi: int = 200

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height of the paper in millimetres."""
        short, long = PAGES_MM[self.page]
        return (short, long) if self.orientation == "portrait" else (long, short)


def write_sheet(table: ExportTable, path: Path, options: SheetOptions, *, approval: str | None) -> Seen:
    """Write a layer as a map sheet, PNG, SVG or PDF by the ending of ``path``.

    Equal input gives equal bytes: the date is the one in ``options``. Very many areas are a picture in it.
    Raises ``ExportError`` for more places or lines than can be drawn and ``FontError`` when the font lacks a
    character.
    """
    seen, symbols = Seen(), symbols_of(table)
    pixels = round(max(options.size_mm) / 25.4 * options.dpi)
    rows = rows_of(table, symbols, seen, pixels=pixels)
    words = _Words.of(table, options, permission(table.notice, TARGETS[STORE_CRS], approval))
    require_glyphs(options.font, [*words.every(symbols), *_label_texts(options)])
    kind = path.suffix.removeprefix(".")
    settings: Any = {"svg.fonttype": "path", "svg.hashsalt": "sutu", "pdf.fonttype": 42}
    with rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("error", message="Glyph .* missing")
        drawing = _Sheet(rows, symbols, words, options).draw()
        out = io.BytesIO()
        dates: dict[str, dict[str, Any]] = {
            "png": {"Software": None},
            "svg": {"Date": None},
            "pdf": {"CreationDate": None, "Title": table.title},
        }
        drawing.savefig(out, format=kind, dpi=options.dpi, metadata=dates[kind])
    path.write_bytes(out.getvalue())
    return seen


def _label_texts(options: SheetOptions) -> list[str]:
    return [] if options.labels is None else [str(name) for name in options.labels["short_name"]]


@dataclass(frozen=True)
class _Words:
    """The texts of a sheet, long ones broken to the width of the paper."""

    title: str
    subtitle: str
    legend: str
    notes: tuple[str, ...]
    permission: str

    @classmethod
    def of(cls, table: ExportTable, options: SheetOptions, allowed: str) -> _Words:
        """Return the texts for a table on this paper."""
        width, _ = options.size_mm
        columns = int((width - 2 * _MARGIN_MM) / 1.42)
        year = f"{table.year} 年" if table.year and table.year not in table.title else ""
        unit = f"单位：{table.unit}" if table.unit else ""
        subtitle = options.subtitle or "　".join(part for part in (year, unit) if part)
        told = [f"来源：{table.source_text}"] if table.sources else []
        told += [f"口径：{table.definition}"] if table.definition else []
        told += [f"注：{'；'.join(table.remarks)}"] if table.remarks else []
        told += [f"边界：{table.boundary}"] if table.boundary else []
        told += [
            "坐标系：2000 国家大地坐标系（EPSG:4490），以等积圆锥（Albers）投影绘制，标准纬线 31.5°、34.5°",
            f"制图日期：{options.date}　数据版本：{table.data_version}",
        ]
        lines = []
        for text in told:
            broken = wrapped(text, columns)
            lines += [*broken[:2], broken[2][:-1] + "…"] if len(broken) > 3 else broken
        return cls(table.title, subtitle, unit or "图例", tuple(lines), allowed)

    def every(self, symbols: Symbols) -> list[str]:
        """Return every text that is drawn."""
        entries = [*symbols.entries, *([symbols.undefined] if symbols.undefined else [])]
        return [
            *(self.title, self.subtitle, self.legend, *self.notes, self.permission),
            *(entry.label for entry in entries),
            "公里北本图位置0123456789.,°EN",
        ]


class _Sheet:
    """One sheet being drawn; all positions on the paper are in millimetres from its lower left corner."""

    def __init__(self, rows: SheetRows, symbols: Symbols, words: _Words, options: SheetOptions) -> None:
        self.rows, self.symbols, self.words, self.options = rows, symbols, words, options
        self.width, self.height = options.size_mm
        self.figure = Figure(figsize=(self.width / 25.4, self.height / 25.4), facecolor="white")
        self.foot = _FOOT_LINE_MM * (len(words.notes) + 1) + 3.0
        self.province = to_albers(options.province)
        self.subject = rows.bounds

    def font(self, points: float) -> FontProperties:
        """Return the sheet's typeface at a size."""
        return FontProperties(fname=self.options.font, size=points)

    def draw(self) -> Figure:
        """Return the finished sheet."""
        left, bottom = _MARGIN_MM, _MARGIN_MM + self.foot
        width = self.width - 2 * _MARGIN_MM
        height = self.height - bottom - _MARGIN_MM - _HEAD_MM
        axes = self._axes(left, bottom, width, height)
        self._set_extent(axes, width / height)
        self._draw_map(axes)
        self._draw_graticule(axes)
        self._draw_legend(axes)
        self._draw_scale(axes)
        self._draw_north(axes)
        self._draw_inset(axes)
        self._draw_words()
        return self.figure

    def _axes(self, left: float, bottom: float, width: float, height: float) -> Axes:
        axes = self.figure.add_axes(
            (left / self.width, bottom / self.height, width / self.width, height / self.height)
        )
        axes.set_xticks([])
        axes.set_yticks([])
        for side in axes.spines.values():
            side.set_color(_LINE)
            side.set_linewidth(1.1)
        return axes

    def _set_extent(self, axes: Axes, shape: float) -> None:
        """Show the layer, or what the sheet is about, with a margin, in the shape of the paper."""
        box = self.rows.bounds
        if self.options.focus is not None:
            focus = to_albers(gpd.GeoDataFrame(geometry=[self.options.focus], crs=STORE_CRS)).total_bounds
            box = np.array([*np.minimum(box[:2], focus[:2]), *np.maximum(box[2:], focus[2:])])
        self.subject = box
        width, height = max(box[2] - box[0], 2_000.0) * 1.12, max(box[3] - box[1], 2_000.0) * 1.12
        if width / height < shape:
            width = height * shape
        else:
            height = width / shape
        x, y = (box[0] + box[2]) / 2.0, (box[1] + box[3]) / 2.0
        axes.set_xlim(x - width / 2.0, x + width / 2.0)
        axes.set_ylim(y - height / 2.0, y + height / 2.0)
        axes.set_aspect("equal", adjustable="box")

    def _draw_map(self, axes: Axes) -> None:
        limits = axes.get_xlim(), axes.get_ylim()
        self.province.plot(ax=axes, color=_LAND, edgecolor=_GRID, linewidth=0.5, zorder=1)
        self.rows.draw(axes, self.symbols)
        self.province.boundary.plot(ax=axes, color=_LINE, linewidth=0.7, zorder=4)
        # GeoPandas names the axes of a projected frame; the graticule says more.
        axes.set_xlabel("")
        axes.set_ylabel("")
        self._draw_labels(axes)
        axes.set_xlim(limits[0])
        axes.set_ylim(limits[1])
        axes.set_aspect("equal", adjustable="box")

    def _draw_labels(self, axes: Axes) -> None:
        if self.options.labels is None:
            return
        from matplotlib import patheffects  # noqa: PLC0415 - only labels need it

        west, east = axes.get_xlim()
        south, north = axes.get_ylim()
        labels = to_albers(self.options.labels)
        points = labels.geometry.representative_point()
        inside = points.x.between(west, east) & points.y.between(south, north)
        shown = labels[inside.to_numpy()]
        for name, place in list(zip(shown["short_name"], points[inside], strict=True))[:_MAX_LABELS]:
            axes.annotate(
                name,
                (place.x, place.y),
                ha="center",
                va="center",
                fontproperties=self.font(8.5 if len(shown) < 40 else 6.0),
                color=_INK,
                zorder=6,
                annotation_clip=True,
                path_effects=[patheffects.withStroke(linewidth=2.0, foreground="white", alpha=0.85)],
            )

    def _draw_graticule(self, axes: Axes) -> None:
        """Draw meridians and parallels at round degrees, named where they meet the neat line."""
        west, east = axes.get_xlim()
        south, north = axes.get_ylim()
        edge = shapely.segmentize(shapely.box(west, south, east, north), (east - west) / 20.0)
        degrees = gpd.GeoSeries([edge], crs=ALBERS).to_crs(STORE_CRS).total_bounds
        step = graticule_step(max(degrees[2] - degrees[0], degrees[3] - degrees[1]))
        lines = []
        for kind, low, high in (("E", degrees[0], degrees[2]), ("N", degrees[1], degrees[3])):
            for at in np.arange(math.ceil(low / step) * step, high + 1e-9, step):
                along = np.linspace(
                    *((degrees[1] - 1, degrees[3] + 1) if kind == "E" else (degrees[0] - 1, degrees[2] + 1)),
                    60,
                )
                fixed = np.full_like(along, at)
                pairs = np.column_stack([fixed, along] if kind == "E" else [along, fixed])
                line = gpd.GeoSeries([shapely.LineString(pairs)], crs=STORE_CRS).to_crs(ALBERS).iloc[0]
                points = shapely.get_coordinates(line)
                lines.append(points)
                self._name_line(axes, points, f"{at:g}°{kind}", meridian=kind == "E")
        axes.add_collection(
            LineCollection(lines, colors=_GRID, linewidths=0.35, zorder=5, alpha=0.8), autolim=False
        )

    def _name_line(self, axes: Axes, points: np.ndarray, text: str, *, meridian: bool) -> None:
        west, east = axes.get_xlim()
        south, north = axes.get_ylim()
        if meridian:
            order = np.argsort(points[:, 1])
            x = float(np.interp(north, points[order, 1], points[order, 0]))
            if west < x < east:
                axes.annotate(
                    text, (x, north), xytext=(0, 1.5), textcoords="offset points", ha="center", va="bottom",
                    fontproperties=self.font(6.5), color=_MUTED, annotation_clip=False,
                )  # fmt: skip
            return
        order = np.argsort(points[:, 0])
        y = float(np.interp(west, points[order, 0], points[order, 1]))
        if south < y < north:
            axes.annotate(
                text, (west, y), xytext=(-1.5, 0), textcoords="offset points", ha="right", va="center",
                rotation=90, fontproperties=self.font(6.5), color=_MUTED, annotation_clip=False,
            )  # fmt: skip

    def _draw_legend(self, axes: Axes) -> None:
        entries = [
            *reversed(self.symbols.entries),
            *([self.symbols.undefined] if self.symbols.undefined else []),
        ]
        handles: list[Any] = []
        for one in entries:
            if self.symbols.geometry == "polygon":
                handles.append(Patch(facecolor=one.colour, edgecolor=_BORDER, linewidth=0.4, label=one.label))
            elif self.symbols.geometry == "line":
                handles.append(Line2D([], [], color=one.colour, linewidth=2, label=one.label))
            else:
                mark: dict[str, Any] = {
                    "marker": "o",
                    "markersize": 5,
                    "markeredgecolor": "white",
                    "linestyle": "none",
                }
                handles.append(Line2D([], [], color=one.colour, label=one.label, **mark))
        if not handles:
            return
        legend = axes.legend(
            handles=handles,
            title=self.words.legend,
            loc="lower left",
            prop=self.font(8.5),
            title_fontproperties=self.font(8.5),
            alignment="left",
            frameon=True,
            framealpha=0.94,
            edgecolor=_GRID,
            facecolor="white",
            fancybox=False,
            borderpad=0.8,
            labelcolor=_INK,
        )
        legend.set_zorder(8)

    def _draw_scale(self, axes: Axes) -> None:
        west, east = axes.get_xlim()
        south, north = axes.get_ylim()
        length = scale_length((east - west) * 1.5)
        right, level = east - 0.03 * (east - west), south + 0.028 * (north - south)
        tall = 0.006 * (north - south)
        for part in range(4):
            axes.add_patch(
                Rectangle(
                    (right - length + part * length / 4, level),
                    *(length / 4, tall),
                    facecolor=_LINE if part % 2 == 0 else "white",
                    edgecolor=_LINE,
                    linewidth=0.6,
                    zorder=8,
                )
            )
        for share in (0.0, 0.5, 1.0):
            text = f"{length * share / 1000:g}" + (" 公里" if share == 1.0 else "")
            axes.text(
                right - length * (1 - share), level + 1.5 * tall, text, ha="center" if share < 1 else "right",
                va="bottom", fontproperties=self.font(7.5), color=_LINE, zorder=8,
            )  # fmt: skip

    def _draw_north(self, axes: Axes) -> None:
        axes.annotate(
            "", xy=(0.045, 0.975), xytext=(0.045, 0.915), xycoords="axes fraction", zorder=8,
            arrowprops={"arrowstyle": "-|>", "color": _LINE, "linewidth": 1.4, "mutation_scale": 16},
        )  # fmt: skip
        axes.text(
            0.045, 0.908, "北", transform=axes.transAxes, ha="center", va="top", zorder=8,
            fontproperties=self.font(10), color=_LINE,
        )  # fmt: skip

    def _draw_inset(self, axes: Axes) -> None:
        """Show where in the province a map of a part of it lies."""
        whole = self.province.total_bounds
        west, east = axes.get_xlim()
        south, north = axes.get_ylim()
        subject = self.subject
        wide, tall_share = (subject[2:] - subject[:2]) / (whole[2:] - whole[:2])
        share = max(wide, tall_share)
        if share > PART_OF_PROVINCE:
            return
        side = min(self.width, self.height) * 0.2
        right, top = self.width - _MARGIN_MM - 2.0, self.height - _MARGIN_MM - _HEAD_MM - 2.0
        tall = side * (whole[3] - whole[1]) / (whole[2] - whole[0])
        inset = self._axes(right - side, top - tall, side, tall)
        inset.set_zorder(9)
        self.province.plot(ax=inset, color="#E4E8EC", edgecolor="white", linewidth=0.4)
        inset.add_patch(
            Rectangle(
                (west, south), east - west, north - south, facecolor="none", edgecolor=_NOTICE, linewidth=1.2
            )
        )
        pad = 0.04 * (whole[2] - whole[0])
        inset.set_xlim(whole[0] - pad, whole[2] + pad)
        inset.set_ylim(whole[1] - pad, whole[3] + pad)
        inset.set_xlabel("")
        inset.set_ylabel("")
        inset.set_aspect("equal", adjustable="box")

    def _draw_words(self) -> None:
        def put(x: float, y: float, text: str, size: float, colour: str, **more: Any) -> None:
            self.figure.text(
                x / self.width, y / self.height, text, fontproperties=self.font(size), color=colour, **more
            )

        top = self.height - _MARGIN_MM
        room = (self.width - 2 * _MARGIN_MM) * _PT_PER_MM
        columns = sum(2 if ord(char) > 0x2E7F else 1 for char in self.words.title)
        size = max(9.0, min(20.0, room / max(columns, 1) * 1.9))
        put(self.width / 2, top - 7.5, self.words.title, size, _INK, ha="center")
        put(self.width / 2, top - 14.0, self.words.subtitle, 10.5, _MUTED, ha="center")
        base = _MARGIN_MM + self.foot - 6.0
        for number, line in enumerate(self.words.notes):
            put(_MARGIN_MM, base - number * _FOOT_LINE_MM, line, 7.2, _MUTED)
        put(self.width - _MARGIN_MM, _MARGIN_MM, self.words.permission, 8.0, _NOTICE, ha="right")


def graticule_step(degrees: float) -> float:
    """Return a round step in degrees that gives about four to eight lines across so many degrees."""
    for step in (0.05, 0.1, 0.2, 0.25, 0.5, 1.0, 2.0):
        if degrees / step <= 8:
            return step
    return 5.0
