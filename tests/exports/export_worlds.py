"""Small tables to export, and readers of what was written."""

from __future__ import annotations

import csv
import gc
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import shapely

from exports.sheet import SheetOptions
from geo.export_table import ExportTable, Field, Origin, Shading, with_short_names
from tests.layers.worlds import NOTICE, UNDEFINED

RAMP = {3: ("#edf8b1", "#7fcdbb", "#2c7fb8"), 5: ("#ffffcc", "#a1dab4", "#41b6c4", "#2c7fb8", "#253494")}


def table(
    texts: Sequence[str],
    *,
    values: Sequence[float] | None = None,
    title: str = "测试图层",
    layer_id: str = "test.layer",
    geometry: str = "polygon",
    chunk_rows: int = 1000,
) -> ExportTable:
    """Return a layer of squares (or places) in a row, one for each text, given in chunks."""
    count = len(texts)
    numbers = [float(n) for n in range(count)] if values is None else list(values)
    shapes = [shapely.box(119 + n / 100, 32, 119.01 + n / 100, 32.01) for n in range(count)]
    if geometry == "point":
        shapes = [shape.centroid for shape in shapes]
    if geometry == "line":
        shapes = [shape.exterior for shape in shapes]
    frame = gpd.GeoDataFrame(
        {
            "name": pd.Series(list(texts), dtype=object),
            "value": np.asarray(numbers, dtype=float),
            "whole": np.arange(count, dtype=np.int64) + 2**40,
            "flag": np.arange(count) % 2 == 0,
        },
        geometry=shapes,
        crs=4490,
    )
    fields = (
        Field("name", "名称", "name", "", "叫什么"),
        Field("value", "数值", "value", "%", "多少"),
        Field("whole", "整数", "whole"),
        Field("flag", "标志", "flag"),
    )
    return ExportTable(
        id=layer_id,
        title=title,
        geometry=geometry,  # type: ignore[arg-type]
        rows=count,
        fields=with_short_names(fields),
        chunks=lambda: (frame.iloc[at : at + chunk_rows] for at in range(0, count, chunk_rows)),
        definition="测试口径",
        sources=(Origin("测试来源", "测试社", "2020", "公开"),),
        boundary="测试边界",
        data_version="0123",
        notice=NOTICE,
        undefined_colour=UNDEFINED,
        year="2020",
        unit="%",
        remarks=("测试说明",),
        shading=Shading("classes", "value", 1, "neutral", "neutral", RAMP, k=3),
        values=np.asarray(numbers, dtype=float),
    )


def watched(layer: ExportTable) -> tuple[ExportTable, list[int]]:
    """Return a layer, and a list of how many of its chunks are held when each of them is made."""
    made: list[weakref.ref[gpd.GeoDataFrame]] = []
    held: list[int] = []

    def chunks() -> Iterator[gpd.GeoDataFrame]:
        for chunk in layer.chunks():
            own = chunk.copy()
            made.append(weakref.ref(own))
            gc.collect()
            held.append(sum(one() is not None for one in made))
            yield own

    return replace(layer, chunks=chunks), held


def sheet_options(font: Path) -> SheetOptions:
    """Return a small sheet over a province of two prefectures."""
    shapes = [shapely.box(117, 31, 119, 34), shapely.box(119, 31, 121, 34)]
    province = gpd.GeoDataFrame({"short_name": ["甲", "乙"]}, geometry=shapes, crs=4490)
    return SheetOptions(font, province, "2025-01-02", labels=province, dpi=60)


def csv_rows(path: Path) -> list[list[str]]:
    """Return the rows of a CSV with BOM."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def sheet_rows(path: Path, sheet: int = 0) -> list[list[object]]:
    """Return the rows of one sheet of a workbook."""
    book = openpyxl.load_workbook(path)
    rows = [list(row) for row in book.worksheets[sheet].iter_rows(values_only=True)]
    book.close()
    return rows
