"""Hot and cold spots as a layer: regions in the colours of their cluster, the rest pale."""

from __future__ import annotations

import geopandas as gpd

from geo.spatial import HIGH_HIGH, HIGH_LOW, LOW_HIGH, LOW_LOW, LocalMoran
from layers.model import Layer, Legend, LegendEntry, Provenance, Style
from layers.themes import NO_VALUE, Ramp, ranks

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
