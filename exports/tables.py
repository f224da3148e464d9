"""Layers as CSV, written row by row, in which nothing runs; and the place of a row, as tables tell it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.compute as pc
import shapely

from exports.arrow import Seen, column_names, frames, is_text, text_array
from exports.vector import writing
from geo.crs import TargetCrs
from geo.export_table import PLACE_TITLES, ExportTable
from geo.spreadsheet import MAYBE_RISKY, harmless, write_harmless_rows, write_rows

_SQUARE = 5


def place_titles(target: TargetCrs, naming: str) -> tuple[str, str]:
    """Return what the two columns of a row's place are called."""
    chinese = naming == "title"
    if target.is_geographic:
        return PLACE_TITLES[0 if chinese else 1]
    return ("图上东坐标", "图上北坐标") if chinese else ("place_x", "place_y")


def places(chunk: gpd.GeoDataFrame, target: TargetCrs) -> tuple[np.ndarray, np.ndarray]:
    """Return a point within each row's shape, rounded to about a millimetre; NaN where there is none."""
    shapes = chunk.geometry.to_numpy()
    points = shapely.centroid(shapes)
    # The centre of a square lies in it; finding a point in any other shape takes far longer.
    other = shapely.get_num_coordinates(shapes) > _SQUARE
    points[other] = shapely.point_on_surface(shapes[other])
    decimals = 8 if target.is_geographic else 3
    return shapely.get_x(points).round(decimals), shapely.get_y(points).round(decimals)


def _cells(column: pd.Series) -> list[Any]:
    """Return plain values, None where there is none."""
    if is_text(column):
        found: list[Any] = text_array(column).to_pylist()
        return found
    values, missing = column.tolist(), column.isna().to_numpy()
    for place in np.flatnonzero(missing):
        values[place] = None
    return values


def write_csv(table: ExportTable, path: Path, target: TargetCrs, *, naming: str) -> Seen:
    """Write a CSV: UTF-8 with BOM, so that Excel reads the Chinese; one header line, then the rows only.

    A text that a spreadsheet would run as a formula gets an apostrophe in front. The last two columns are a
    point within the row's shape.
    """
    seen = Seen()
    with writing(path, seen), path.open("w", encoding="utf-8-sig", newline="") as out:
        write_rows(out, [(*column_names(table, naming), *place_titles(target, naming))])
        for chunk in frames(table, target, seen):
            columns = [_csv_cells(chunk[one.name]) for one in table.fields]
            ends = [_blank(values.tolist()) for values in places(chunk, target)]
            write_harmless_rows(out, zip(*columns, *ends, strict=True))
    return seen


def _csv_cells(column: pd.Series) -> list[Any]:
    """Return values as a CSV holds them: nothing for a missing one, and no text that would run."""
    if not is_text(column):
        return _blank(_cells(column))
    texts = text_array(column)
    cells: list[Any] = texts.fill_null("").to_pylist()
    # Only a text with one of these characters somewhere can be risky; whether it is, `harmless` says.
    for place in pc.indices_nonzero(
        pc.match_substring_regex(texts, MAYBE_RISKY).fill_null(False)
    ).to_pylist():
        cells[place] = harmless(cells[place])
    return cells


def _blank(values: list[Any]) -> list[Any]:
    """Return the values with an empty text for each that is None or NaN."""
    missing = np.flatnonzero(pd.isna(np.array(values, dtype=object)))
    for place in missing:
        values[place] = ""
    return values
