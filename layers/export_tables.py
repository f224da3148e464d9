"""Layers as tables: CSV and XLSX, written row by row, in which nothing runs."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.compute as pc
import shapely
import xlsxwriter
import xlsxwriter.exceptions

from geo.errors import ExportError, ExportWriteError
from geo.export_crs import TargetCrs
from geo.export_table import PLACE_TITLES, ExportTable
from layers.export_arrow import Seen, column_names, frames, is_text, text_array
from layers.export_vector import layer_names, writing
from layers.export_words import field_rows, source_rows, summary_lines
from layers.tables import harmless

MAX_ROWS = 1_048_575
MAX_TEXT = 32_767
_SHEET_NAME = 31
_SQUARE = 5
_MAYBE_RISKY = r"[=+\-@\t\r\n]"


def place_titles(target: TargetCrs, naming: str) -> tuple[str, str]:
    """Return what the two columns of a row's place are called."""
    chinese = naming == "title"
    if target.is_geographic:
        return PLACE_TITLES[0 if chinese else 1]
    return ("图上东坐标", "图上北坐标") if chinese else ("place_x", "place_y")


def _places(chunk: gpd.GeoDataFrame, target: TargetCrs) -> tuple[list[Any], list[Any]]:
    """Return a point within each row's shape, rounded to about a millimetre; None where there is none."""
    shapes = chunk.geometry.to_numpy()
    points = shapely.centroid(shapes)
    # The centre of a square lies in it; finding a point in any other shape takes far longer.
    other = shapely.get_num_coordinates(shapes) > _SQUARE
    points[other] = shapely.point_on_surface(shapes[other])
    decimals = 8 if target.is_geographic else 3
    xs, ys = shapely.get_x(points).round(decimals), shapely.get_y(points).round(decimals)
    return xs.tolist(), ys.tolist()


def _cells(column: pd.Series) -> list[Any]:
    """Return plain values, None where there is none."""
    if is_text(column):
        return text_array(column).to_pylist()
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
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow(
            [harmless(name) for name in (*column_names(table, naming), *place_titles(target, naming))]
        )
        for chunk in frames(table, target, seen):
            columns = [_csv_cells(chunk[one.name]) for one in table.fields]
            xs, ys = _places(chunk, target)
            writer.writerows(zip(*columns, _blank(xs), _blank(ys), strict=True))
    return seen


def _csv_cells(column: pd.Series) -> list[Any]:
    """Return values as a CSV holds them: nothing for a missing one, and no text that would run."""
    if not is_text(column):
        return _blank(_cells(column))
    texts = text_array(column)
    cells = texts.fill_null("").to_pylist()
    # Only a text with one of these characters somewhere can be risky; whether it is, `harmless` says.
    for place in pc.indices_nonzero(
        pc.match_substring_regex(texts, _MAYBE_RISKY).fill_null(False)
    ).to_pylist():
        cells[place] = harmless(cells[place])
    return cells


def _blank(values: list[Any]) -> list[Any]:
    """Return the values with an empty text for each that is None or NaN."""
    missing = np.flatnonzero(pd.isna(np.array(values, dtype=object)))
    for place in missing:
        values[place] = ""
    return values


def write_xlsx(
    tables: Sequence[ExportTable], path: Path, target: TargetCrs, *, naming: str, approval: str | None
) -> dict[str, Seen]:
    """Write a workbook: a sheet for each layer, then 字段 (definitions), 来源 and 说明.

    Numbers are numbers and texts are text cells: neither formulas nor links are made of them. Raises
    ``ExportError`` for more rows or longer texts than a sheet holds.
    """
    out: dict[str, Seen] = {}
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "nan_inf_to_errors": False,
    }
    seen = Seen()
    with writing(path, seen):
        try:
            with xlsxwriter.Workbook(str(path), {**options, "tmpdir": str(path.parent)}) as book:
                head = book.add_format({"bold": True, "bg_color": "#F3F5F7", "bottom": 1})
                for table, name in zip(tables, sheet_names(tables), strict=True):
                    out[table.id] = _write_sheet(book, head, table, name, target=target, naming=naming)
                _write_texts(
                    book, head, "字段", [row for table in tables for row in (*field_rows(table), ())]
                )
                _write_texts(book, head, "来源", source_rows(tables))
                told = [
                    (line,)
                    for table in tables
                    for line in (*summary_lines(table, target, approval=approval), "")
                ]
                _write_texts(book, head, "说明", [("说明",), *told])
        except xlsxwriter.exceptions.FileCreateError as fault:
            raise ExportWriteError(f"写不出 {path.name}：{fault}。请检查磁盘空间和目录权限。") from fault
    return out


def sheet_names(tables: Sequence[ExportTable]) -> list[str]:
    """Return a name for each layer's sheet: the title without what Excel forbids, at most 31 characters."""
    out: list[str] = []
    for title in layer_names(list(tables)):
        clean = "".join(" " if char in "[]:*?/\\'" or ord(char) < 32 else char for char in title).strip()
        name, number = clean[:_SHEET_NAME] or "数据", 1
        while name.lower() in {other.lower() for other in (*out, "字段", "来源", "说明", "history")}:
            number += 1
            name = f"{clean[: _SHEET_NAME - 4]}({number})"
        out.append(name)
    return out


def _write_sheet(
    book: Any, head: Any, table: ExportTable, name: str, *, target: TargetCrs, naming: str
) -> Seen:
    if table.rows > MAX_ROWS:
        raise ExportError(
            f"图层 {table.title} 有 {table.rows:,} 行，超过工作表的 {MAX_ROWS:,} 行；请裁剪，或用 CSV。"
        )
    seen, sheet = Seen(), book.add_worksheet(name)
    names = [*column_names(table, naming), *place_titles(target, naming)]
    for column, title in enumerate(names):
        sheet.set_column(column, column, min(max(len(title) * 2 + 2, 10), 30))
        sheet.write_string(0, column, title[:MAX_TEXT], head)
    sheet.freeze_panes(1, 0)
    row = 1
    for chunk in frames(table, target, seen, xml=True):
        parts = [chunk[one.name] for one in table.fields]
        xs, ys = _places(chunk, target)
        columns = [*map(_cells, parts), _cells(pd.Series(xs)), _cells(pd.Series(ys))]
        writers = [_writer(sheet, part, name) for part, name in zip(parts, names, strict=False)]
        writers += [sheet.write_number] * 2
        numbered = list(enumerate(writers))
        for cells in zip(*columns, strict=True):
            for (column, write), cell in zip(numbered, cells, strict=True):
                if cell is not None:
                    write(row, column, cell)
            row += 1
    return seen


def _writer(sheet: Any, column: pd.Series, name: str) -> Callable[[int, int, Any], object]:
    """Return what writes one cell of a column."""

    def write_text(row: int, place: int, text: str) -> None:
        if len(text) > MAX_TEXT:
            raise ExportError(
                f"第 {row} 行“{name}”有 {len(text):,} 个字符，工作表一格最多 {MAX_TEXT:,}；请用 CSV。"
            )
        # A workbook's own line break; a carriage return would be shown as a code.
        sheet.write_string(row, place, text.replace("\r\n", "\n").replace("\r", "\n"))

    if is_text(column):
        return write_text
    write: Callable[[int, int, Any], object] = (
        sheet.write_boolean if pd.api.types.is_bool_dtype(column) else sheet.write_number
    )
    return write


def _write_texts(book: Any, head: Any, name: str, rows: Sequence[Sequence[str]]) -> None:
    sheet = book.add_worksheet(name)
    sheet.set_column(0, 6, 28)
    for place, row in enumerate(rows):
        for column, text in enumerate(row):
            if text:
                sheet.write_string(place, column, text[:MAX_TEXT], head if place == 0 else None)
