"""Themes: each makes a `Layer` of values. A new theme is one more function here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

from geo import rounding
from geo.errors import SutuError
from geo.spatial import HIGH_HIGH, HIGH_LOW, LOW_HIGH, LOW_LOW, LocalMoran
from layers.classify import Classes, assign, classify
from layers.model import Layer, Legend, LegendEntry, Provenance, Style, format_number

DIRECTIONS = ("higher_better", "lower_better", "neutral")
NO_VALUE = "无数据"


class ThemeError(SutuError, ValueError):
    """Regions, values or palette do not fit together."""


@dataclass(frozen=True)
class Ramp:
    """The colours of one palette by number of classes, from the lowest class to the highest.

    ``undefined`` is the colour of what has no value.
    """

    id: str
    colours: Mapping[int, Sequence[str]]
    undefined: str

    def take(self, k: int) -> tuple[str, ...]:
        """Return ``k`` colours; fewer classes than the palette is made for take evenly from its smallest."""
        if k in self.colours:
            return tuple(self.colours[k])
        smallest = tuple(self.colours[min(self.colours)])
        if k > len(smallest):
            raise ThemeError(f"配色“{self.id}”没有 {k} 级的颜色")
        if k == 1:
            return (smallest[len(smallest) // 2],)
        return tuple(smallest[round(step * (len(smallest) - 1) / (k - 1))] for step in range(k))


def choropleth(
    frame: gpd.GeoDataFrame,
    values: pd.Series,
    *,
    title: str,
    unit: str,
    year: int | str,
    direction: str,
    provenance: Provenance,
    palette: Ramp,
    scheme: str = "quantiles",
    k: int = 5,
    reasons: pd.Series | None = None,
    limits: Sequence[float] | None = None,
    like: Classes | None = None,
    decimals: int = 1,
) -> Layer:
    """Return the layer that shades each region of ``frame`` by its value.

    ``frame``: index adcode (unique text), ``name`` and ``geometry``, EPSG:4490. ``values``: float64 by
    adcode; a region it does not name is undefined like one with NaN, and drawn hatched with its reason from
    ``reasons`` (text by adcode). ``direction`` (higher_better, lower_better, neutral) sets what rank 1 means
    (the best; for neutral the highest). ``scheme``, ``k``, ``limits`` and
    ``decimals`` as in `layers.classify.classify`; with ``like`` (`pooled_classes`) several layers share their
    classes. A diverging palette splits at zero. Raises `ThemeError` for values of unknown regions, duplicate
    codes or an unknown direction, and `ClassificationError`.
    """
    _require_fit(frame, values, direction)
    aligned = pd.to_numeric(values.reindex(frame.index)).astype("float64")
    array = np.asarray(aligned, dtype=np.float64)
    if like is not None:
        classes = assign(array, like, decimals=decimals)
    else:
        classes = classify(
            array, scheme, k, decimals=decimals, limits=limits, split_at_zero=palette.id == "diverging"
        )
    why = reasons.reindex(frame.index) if reasons is not None else pd.Series(index=frame.index, dtype="str")
    out = frame.assign(
        value=aligned,
        class_index=classes.index,
        rank=ranks(aligned, direction),
        reason=why.fillna("")
        .where(aligned.isna(), "")
        .mask(aligned.isna() & why.fillna("").eq(""), NO_VALUE),
    )
    style = Style(scheme, classes.breaks, ramp_colours(palette, classes), palette.id, palette.undefined)
    legend = _legend(out, classes, style, unit, decimals)
    return Layer(out, "value", style, legend, provenance, title, unit, str(year), decimals)


def pooled_classes(
    values: Sequence[pd.Series], scheme: str, k: int, *, decimals: int, split_at_zero: bool = False
) -> Classes:
    """Return the classes of several sets of values taken together, for maps that are compared."""
    pooled = np.concatenate([np.asarray(part, dtype=np.float64) for part in values])
    return classify(pooled, scheme, k, decimals=decimals, split_at_zero=split_at_zero)


def _require_fit(frame: gpd.GeoDataFrame, values: pd.Series, direction: str) -> None:
    if direction not in DIRECTIONS:
        raise ThemeError(f"指标方向“{direction}”无效；可用：{'、'.join(DIRECTIONS)}")
    for what, index in (("地区", frame.index), ("数值", values.index)):
        doubled = index[index.duplicated()].unique()
        if len(doubled):
            raise ThemeError(f"{what}的行政区划代码有重复：{'、'.join(map(str, doubled))}")
    unknown = values.index.difference(frame.index)
    if len(unknown):
        raise ThemeError(f"这些代码不在地图上：{'、'.join(map(str, unknown))}；请检查层级是否一致")


def ranks(values: pd.Series, direction: str) -> pd.Series:
    """Return the rank of each value (float64, NaN stays NaN): 1 is the best, equal values share a rank.

    For ``lower_better`` the lowest value is 1; for the other directions the highest.
    """
    return rounding.ranks(values, ascending=direction == "lower_better")


def ramp_colours(ramp: Ramp, classes: Classes) -> tuple[str, ...]:
    """Take as many colours as there are classes; of a diverging palette by the number of steps from zero."""
    if classes.k == 0:
        return ()
    if ramp.id != "diverging":
        return ramp.take(classes.k)
    below = sum(limit <= 0 for limit in classes.breaks)
    above = classes.k - below
    side = max(below, above)
    colours = ramp.take({1: 3, 2: 4, 3: 6}.get(side, 8))
    half = len(colours) // 2
    down = _spread(colours[:half], side)
    up = _spread(colours[len(colours) - half :], side)
    return (*down[side - below :], *up[:above])


def _spread(colours: Sequence[str], k: int) -> list[str]:
    """Return ``k`` colours along the way from the first to the last, mixed where there are not enough."""
    if k == len(colours):
        return list(colours)
    channels = np.array([[int(colour[start : start + 2], 16) for start in (1, 3, 5)] for colour in colours])
    stops = np.linspace(0, len(colours) - 1, k)
    mixed = [np.interp(stops, np.arange(len(colours)), channels[:, channel]) for channel in range(3)]
    return [f"#{round(r):02x}{round(g):02x}{round(b):02x}" for r, g, b in zip(*mixed, strict=True)]


def _legend(frame: pd.DataFrame, classes: Classes, style: Style, unit: str, decimals: int) -> Legend:
    counts = classes.counts()
    labels = class_labels(classes, decimals)
    entries = [
        LegendEntry(number, style.colours[number], labels[number], counts[number])
        for number in reversed(range(classes.k))
    ]
    undefined = frame[frame["value"].isna()]
    if len(undefined):
        entries.append(LegendEntry(-1, style.undefined_colour, NO_VALUE, len(undefined)))
    # Only what comes before the colon: the whole reason of each region is in its tip.
    kinds = list(dict.fromkeys(why.partition("：")[0] for why in undefined["reason"] if why != NO_VALUE))
    note = f"{NO_VALUE}：{'；'.join(kinds[:2])}" if kinds else ""
    return Legend(f"单位：{unit}" if unit else "类别", tuple(entries), note)


def class_labels(classes: Classes, decimals: int) -> list[str]:
    """Return the text of each class, lowest first: its limits, the upper one included.

    The lower limit is included only in the first class; a first class of a single value shows that value.
    """
    labels = []
    for number, upper in enumerate(classes.breaks):
        high = format_number(upper, decimals)
        if number == 0:
            low = format_number(classes.lowest, decimals)
            labels.append(high if low == high else f"{low} – {high}")
        else:
            low = format_number(classes.breaks[number - 1], decimals)
            labels.append(f"{low} – {high}")
    return labels


SPOT_WORDS = {
    HIGH_HIGH: "热点：高值集聚",
    LOW_LOW: "冷点：低值集聚",
    HIGH_LOW: "高于四周",
    LOW_HIGH: "低于四周",
}
SPOT_NAMES = {HIGH_HIGH: "热点", LOW_LOW: "冷点", HIGH_LOW: "高于四周", LOW_HIGH: "低于四周"}
NOT_SIGNIFICANT = "不显著"
_PALE = "#eef1f4"
# Vermilion, blue, orange, sky blue of the registry's palette of categories (Okabe–Ito).
_COLOURS = {HIGH_HIGH: 1, LOW_LOW: 0, HIGH_LOW: 4, LOW_HIGH: 5}


def spot_layer(
    frame: gpd.GeoDataFrame,
    found: LocalMoran,
    *,
    title: str,
    unit: str,
    year: int,
    decimals: int,
    direction: str,
    provenance: Provenance,
    palette: Ramp,
) -> Layer:
    """Return the layer of ``found`` on ``frame`` (index adcode, ``name`` and geometry, EPSG:4490).

    ``palette``: the registry's palette of categories. A tip shows the value and its rank, a
    region that took no part its reason.
    """
    table = found.table.reindex(frame.index)
    kinds = [NOT_SIGNIFICANT, *SPOT_WORDS]
    numbers = {kind: number for number, kind in enumerate(kinds)}
    cluster = table["quadrant"].where(table["significant"].fillna(False).astype(bool), NOT_SIGNIFICANT)
    index = cluster.map(numbers).astype("int64").mask(table["reason"].notna(), -1)
    out = frame.assign(
        value=table["value"].mask(table["reason"].notna()),
        class_index=index,
        rank=ranks(table["value"].mask(table["reason"].notna()), direction),
        reason=table["reason"].fillna(""),
    )
    every = palette.colours[max(palette.colours)]
    colours = (_PALE, *(every[_COLOURS[kind]] for kind in SPOT_WORDS))
    words = {NOT_SIGNIFICANT: NOT_SIGNIFICANT} | SPOT_WORDS
    entries = [
        LegendEntry(numbers[kind], colours[numbers[kind]], words[kind], int((index == numbers[kind]).sum()))
        for kind in (*SPOT_WORDS, NOT_SIGNIFICANT)
    ]
    missing = int((index == -1).sum())
    if missing:
        entries.append(LegendEntry(-1, palette.undefined, NO_VALUE, missing))
    note = f"假发现率 {found.false_discovery:.0%}，置换 {found.moran.permutations:,} 次"
    style = Style(
        "manual",
        tuple(float(number) for number in range(len(colours))),
        colours,
        palette.id,
        palette.undefined,
    )
    return Layer(
        out,
        "value",
        style,
        Legend("集聚类型", tuple(entries), note),
        provenance,
        f"{title}：热点与冷点",
        unit,
        str(year),
        decimals,
    )
