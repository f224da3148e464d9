"""The workbook of layers: how it looks, what it refuses, and that rows only pass through."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pytest

from exports.formats import Options
from exports.package import export
from exports.workbook import MAX_ROWS, MAX_TEXT
from geo.crs import TARGETS
from geo.errors import ExportError
from geo.export_table import ExportTable
from tests.exports.export_worlds import sheet_rows, table, watched

OPTIONS = Options("xlsx", TARGETS["EPSG:4490"])


def written(layers: list[ExportTable], folder: Path) -> Path:
    out = folder / "图层.xlsx"
    export(layers, out, OPTIONS)
    return out


def test_each_layer_has_a_sheet_with_a_head_that_stays_in_sight(tmp_path: Path) -> None:
    layers = [table(["甲", "乙"], title="一/二"), table(["丙"], title="一/二", layer_id="b")]
    book = openpyxl.load_workbook(written(layers, tmp_path))
    assert book.sheetnames == ["一 二", "一 二（2）", "字段", "来源", "说明"]
    for sheet in book.worksheets[:2]:
        assert sheet.freeze_panes == "A2"
        assert [cell.value for cell in sheet[1]] == ["名称", "数值", "整数", "标志", "图上经度", "图上纬度"]
    for sheet in book:
        assert all(cell.font.b for cell in sheet[1])
        assert not any(cell.font.b for cell in sheet[2])
        assert sheet.column_dimensions["A"].width >= 10
    fields = [row[:2] for row in book["字段"].iter_rows(values_only=True)]
    assert fields.count(("name", "name")) == 2
    book.close()


def test_what_is_missing_is_empty_and_what_is_no_number_says_so(tmp_path: Path) -> None:
    layer = table(["甲", "", "丙", "丁"], values=[1.5, np.nan, np.inf, -np.inf], chunk_rows=2)
    rows = sheet_rows(written([layer], tmp_path))[1:]
    assert [row[:3] for row in rows] == [
        ["甲", 1.5, 2**40],
        [None, None, 2**40 + 1],
        ["丙", "inf", 2**40 + 2],
        ["丁", "-inf", 2**40 + 3],
    ]


def test_a_text_too_long_for_a_cell_is_refused_with_its_place(tmp_path: Path) -> None:
    fits = table(["甲", "长" * MAX_TEXT, "😀" * MAX_TEXT], chunk_rows=2)
    assert [len(str(row[0])) for row in sheet_rows(written([fits], tmp_path))[2:]] == [MAX_TEXT, MAX_TEXT]
    long = table(["甲", "乙", "丙", "长" * (MAX_TEXT + 1)], title="二", layer_id="b", chunk_rows=2)
    with pytest.raises(ExportError, match=r"第 4 行“名称”有 32,768 个字符.*32,767.*CSV"):
        export([table(["甲"]), long], tmp_path / "长.xlsx", OPTIONS)
    assert not list(tmp_path.glob("长*"))


def test_more_rows_than_a_sheet_holds_are_refused_before_any_is_made(tmp_path: Path) -> None:
    def chunks() -> Iterator[gpd.GeoDataFrame]:
        raise AssertionError("rows were made")
        yield

    large = replace(table(["甲"]), rows=MAX_ROWS + 1, chunks=chunks)
    with pytest.raises(ExportError, match=r"有 1,048,576 行，超过工作表的 1,048,575 行"):
        export([large], tmp_path / "多.xlsx", OPTIONS)
    assert list(tmp_path.iterdir()) == []


def test_rows_pass_through_and_are_not_gathered(tmp_path: Path) -> None:
    whole = table([f"{n}" for n in range(4_000)], chunk_rows=100)
    layer, held = watched(whole)
    out = written([layer], tmp_path)
    assert len(sheet_rows(out)) == 4_001
    assert len(held) == 40
    assert max(held) <= 4


def test_twenty_workbooks_at_once_stay_apart(tmp_path: Path) -> None:
    def one(number: int) -> tuple[int, set[object]]:
        layer = table([f"{number}-{row}" for row in range(500)], chunk_rows=50)
        out = tmp_path / f"{number}.xlsx"
        export([layer], out, OPTIONS)
        return number, {row[0] for row in sheet_rows(out)[1:]}

    with ThreadPoolExecutor(20) as pool:
        for number, texts in pool.map(one, range(20)):
            assert texts == {f"{number}-{row}" for row in range(500)}
    assert {path.suffix for path in tmp_path.iterdir()} == {".xlsx", ".txt"}
