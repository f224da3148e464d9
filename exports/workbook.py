"""Layers as a workbook of Excel: a sheet for each, streamed, in which nothing runs."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import geopandas as gpd
import pyarrow as pa
import pyarrow.compute as pc
from rustpy_xlsxwriter import FastExcel, Format

from exports.arrow import Ends, Seen, column_names, reader, stream
from exports.package_texts import field_rows, source_rows, summary_lines
from exports.tables import place_titles, places
from exports.vector import layer_names, writing
from geo.crs import TargetCrs
from geo.errors import ExportError, ExportWriteError
from geo.export_table import ExportTable

MAX_ROWS = 1_048_575
MAX_TEXT = 32_767
_SHEET_NAME = 31
_TEXT_WIDTH = 28.0
_DEFINITIONS = "指标定义"
_OWN_SHEETS = ("字段", "来源", "说明", _DEFINITIONS, "history")
_PANIC = "PanicException"


def write_xlsx(
    tables: Sequence[ExportTable], path: Path, target: TargetCrs, *, naming: str, approval: str | None
) -> dict[str, Seen]:
    """Write a workbook: a sheet for each layer, then 字段 (definitions), 来源 and 说明.

    An indicator that a person defined has its definition on 指标定义, as the import's form asks for it.

    Numbers are numbers and texts are text cells: neither formulas nor links are made of them. Line breaks
    become LF. Rows pass through in batches; what is written waits in an unnamed temporary file. Raises
    ``ExportError`` for more rows or longer texts than a sheet holds, ``ExportWriteError`` for a full disk.
    """
    for table in tables:
        if table.rows > MAX_ROWS:
            raise ExportError(
                f"图层 {table.title} 有 {table.rows:,} 行，超过工作表的 {MAX_ROWS:,} 行；请裁剪，或用 CSV。"
            )
    out = {table.id: Seen() for table in tables}
    # A number that is no number is told as such; one that is missing is an empty cell.
    book = FastExcel(path, output_format="xlsx").format(inf_value="inf")
    for table, name in zip(tables, sheet_names(tables), strict=True):
        with writing(path, out[table.id]):
            rows = _rows(table, target, naming, out[table.id])
        widths = [min(max(len(title) * 2.0 + 2.0, 10.0), 30.0) for title in rows.schema.names]
        book.freeze(row=1, sheet=name).sheet(name, rows, header_format=_head(), column_widths=widths)
    told = [(line,) for table in tables for line in (*summary_lines(table, target, approval=approval), "")]
    texts: dict[str, Sequence[Sequence[str]]] = {
        "字段": [row for table in tables for row in (*field_rows(table), ())],
        "来源": source_rows(tables),
        "说明": [("说明",), *told],
    }
    defined = dict.fromkeys(row for table in tables for row in table.definition_form)
    if defined:
        texts[_DEFINITIONS] = list(defined)
    for name, lines in texts.items():
        book.sheet(name, _lines(lines), header_format=_head(), column_width=_TEXT_WIDTH)
    with writing(path, *out.values()), _panic_told(path):
        book.save()
    return out


def sheet_names(tables: Sequence[ExportTable]) -> list[str]:
    """Return a name for each layer's sheet: the title without what Excel forbids, at most 31 characters."""
    out: list[str] = []
    for title in layer_names(list(tables)):
        clean = "".join(" " if char in "[]:*?/\\'" or ord(char) < 32 else char for char in title).strip()
        name, number = clean[:_SHEET_NAME] or "数据", 1
        while name.lower() in {other.lower() for other in (*out, *_OWN_SHEETS)}:
            number += 1
            name = f"{clean[: _SHEET_NAME - 4]}({number})"
        out.append(name)
    return out


def _head() -> Format:
    return Format().set_bold().set_background_color("#F3F5F7").set_border_bottom("thin")


@contextlib.contextmanager
def _panic_told(path: Path) -> Iterator[None]:
    """Turn a panic of the writer, which is how it meets a full disk, into an error of the house."""
    try:
        yield
    except BaseException as fault:
        # The bindings give it a class of its own, outside ``Exception``, that cannot be imported.
        if type(fault).__name__ != _PANIC:
            raise
        raise ExportWriteError(
            f"写不出 {path.name}：{fault}。请检查磁盘空间（临时目录 {tempfile.gettempdir()} 也要够用）。"
        ) from fault


def _rows(table: ExportTable, target: TargetCrs, naming: str, seen: Seen) -> pa.RecordBatchReader:
    """Return a layer's columns and, as the last two, a point within each row's shape."""
    fields = tuple(pa.field(name, pa.float64()) for name in place_titles(target, naming))

    def ends(chunk: gpd.GeoDataFrame) -> list[pa.Array]:
        return [pa.array(values, type=pa.float64(), from_pandas=True) for values in places(chunk, target)]

    made = stream(table, target, seen, naming=naming, xml=True, ends=Ends(fields, ends))
    names = [name[:MAX_TEXT] for name in (*column_names(table, naming), *(one.name for one in fields))]
    schema = pa.schema([pa.field(name, one.type) for name, one in zip(names, made.schema, strict=True)])
    return reader(schema, _fitting(made, schema), seen)


def _fitting(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Give batches whose texts fit a cell, with a workbook's own line breaks.

    A carriage return would be shown as a code.
    """
    before = 0
    for batch in batches:
        columns = [
            _fitted(column, name, before) if pa.types.is_string(column.type) else column
            for name, column in zip(schema.names, batch.columns, strict=True)
        ]
        before += batch.num_rows
        yield pa.record_batch(columns, schema=schema)


def _fitted(column: pa.Array, name: str, before: int) -> pa.Array:
    _require_short(column, name, before)
    return pc.replace_substring(pc.replace_substring(column, "\r\n", "\n"), "\r", "\n")


def _require_short(column: pa.Array, name: str, before: int) -> None:
    lengths = pc.utf8_length(column)
    long = pc.indices_nonzero(pc.greater(lengths, MAX_TEXT).fill_null(False))
    if len(long):
        row = long[0].as_py()
        raise ExportError(
            f"第 {before + row + 1} 行“{name}”有 {lengths[row].as_py():,} 个字符，"
            f"工作表一格最多 {MAX_TEXT:,}；请用 CSV。"
        )


def _lines(rows: Sequence[Sequence[str]]) -> pa.Table:
    """Return lines of texts as a table whose first line is the head."""
    head, *rest = rows
    columns = [
        pa.array([row[place][:MAX_TEXT] or None if place < len(row) else None for row in rest], pa.string())
        for place in range(len(head))
    ]
    return pa.table(columns, names=list(head))
