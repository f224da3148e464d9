"""Layers as tables: CSV and XLSX, written row by row, in which nothing runs."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
import xlsxwriter
import xlsxwriter.exceptions

from geo.errors import ExportError, ExportWriteError
from geo.export_crs import TargetCrs
from geo.export_table import ExportTable
from layers.export_arrow import Seen, column_names, frames
from layers.export_vector import layer_names, writing
from layers.export_words import field_rows, source_rows, summary_lines
from layers.tables import harmless

MAX_ROWS = 1_048_575
MAX_TEXT = 32_767
_SHEET_NAME = 31
_SQUARE = 5


def place_titles(target: TargetCrs, naming: str) -> tuple[str, str]:
    """Return what the two columns of a row's place are called."""
    if naming != "title":
        return ("place_lon", "place_lat") if target.is_geographic else ("place_x", "place_y")
    return ("图上经度", "图上纬度") if target.is_geographic else ("图上东坐标", "图上北坐标")


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
    if pd.api.types.is_bool_dtype(column):
        return [bool(value) for value in column]
    return [None if pd.isna(value) else value for value in column.tolist()]


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
    return [
        "" if cell is None else harmless(cell) if isinstance(cell, str) else cell for cell in _cells(column)
    ]


def _blank(values: Sequence[Any]) -> list[Any]:
    return ["" if pd.isna(value) else value for value in values]


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
        columns = [*(_cells(chunk[one.name]) for one in table.fields), *_places(chunk, target)]
        for cells in zip(*columns, strict=True):
            for column, cell in enumerate(cells):
                _write_cell(sheet, row, column, cell, names[column])
            row += 1
    return seen


def _write_cell(sheet: Any, row: int, column: int, cell: Any, name: str) -> None:
    if cell is None or (isinstance(cell, float) and cell != cell):  # noqa: PLR0124 - NaN
        return
    if isinstance(cell, str):
        if len(cell) > MAX_TEXT:
            raise ExportError(
                f"第 {row} 行“{name}”有 {len(cell):,} 个字符，工作表一格最多 {MAX_TEXT:,}；请用 CSV。"
            )
        # A workbook's own line break; a carriage return would be shown as a code.
        sheet.write_string(row, column, cell.replace("\r\n", "\n").replace("\r", "\n"))
    elif isinstance(cell, bool):
        sheet.write_boolean(row, column, cell)
    else:
        sheet.write_number(row, column, cell)


def _write_texts(book: Any, head: Any, name: str, rows: Sequence[Sequence[str]]) -> None:
    sheet = book.add_worksheet(name)
    sheet.set_column(0, 6, 28)
    for place, row in enumerate(rows):
        for column, text in enumerate(row):
            if text:
                sheet.write_string(place, column, text[:MAX_TEXT], head if place == 0 else None)
