"""The drawing: a CAD layer for each class, every value beside its object, as ezdxf itself would write it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import ezdxf
import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

from data.registry.limit_models import limit
from exports.dxf import APPLICATION, XDATA_TEXT_BYTES
from exports.formats import Options
from exports.package import export
from geo.crs import reproject, target_crs
from geo.errors import ExportError
from geo.export_table import ExportTable, Field
from tests.exports.export_worlds import table, watched

HARD = ["甲", "乙,=1", "100%s %% %d", "<b>&amp;\\P{\\C1;x}", "第一行\n第二行", "长" * 300, "😀"]


def written(layer: ExportTable, folder: Path, target: str = "4490") -> Path:
    out = folder / "图.dxf"
    export([layer], out, Options("dxf", target_crs(target)))
    return out


def entities(path: Path) -> list[str]:
    """Return the lines of the section of objects."""
    text = path.read_text(encoding="utf-8")
    return text.partition("\nENTITIES\n")[2].partition("ENDSEC")[0].splitlines()


def test_there_is_a_layer_for_each_class_and_the_values(tmp_path: Path) -> None:
    layer = table(["甲", "乙,=1", "丙"], values=[1.0, 2.0, np.nan])
    drawing = ezdxf.readfile(written(layer, tmp_path, "4549"))
    lines = drawing.modelspace().query("LWPOLYLINE")
    assert len(lines) == 3
    assert all(line.closed for line in lines)
    data = [[value for _, value in line.get_xdata(APPLICATION)] for line in lines]
    assert data[1] == ["名称=乙,=1", "数值=2.0", f"整数={2**40 + 1}", "标志=False"]
    assert not any(value.startswith("数值=") for value in data[2])
    colours = {ezdxf.colors.int2rgb(drawing.layers.get(line.dxf.layer).dxf.true_color) for line in lines}
    assert len(colours) == 3
    assert [text.dxf.text for text in drawing.modelspace().query("TEXT")] == ["甲", "乙,=1", "丙"]
    assert not drawing.audit().errors


def test_more_rows_than_a_drawing_takes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="DXF 最多 1,000,000 行"):
        written(replace(table(["甲"]), rows=limit("export.dxf_rows") + 1), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["polygon", "line", "point"])
def test_the_library_reads_it_and_writes_the_same_again(tmp_path: Path, kind: str) -> None:
    layer = table(HARD, geometry=kind, values=[1.0, np.nan, 3.0, 4.0, 5.0, 6.0, 7.0], chunk_rows=3)
    fields = (Field("name", "名%s称", "name"), Field("value", "数" * 90, "value"), *layer.fields[2:])
    path = written(replace(layer, fields=fields), tmp_path)
    drawing = ezdxf.readfile(path)
    assert not drawing.audit().errors
    drawing.saveas(tmp_path / "again.dxf")
    assert entities(path) == entities(tmp_path / "again.dxf")
    objects = [one for one in drawing.modelspace() if one.dxftype() != "TEXT"]
    assert len(objects) == len(HARD)
    handles = [one.dxf.handle for one in drawing.entitydb.values()]
    assert len(set(handles)) == len(handles)
    assert int(drawing.header["$HANDSEED"], 16) > max(int(one, 16) for one in handles)
    for one, text in zip(objects, HARD, strict=True):
        parts = [value for _, value in one.get_xdata(APPLICATION)]
        assert all(len(part.encode()) <= XDATA_TEXT_BYTES for part in parts)
        assert f"名%s称={text}".replace("\n", " ") in "".join(parts)


@pytest.mark.parametrize("target", ["4490", "4549"])
def test_every_corner_of_every_ring_is_there(tmp_path: Path, target: str) -> None:
    hole = shapely.box(119.2, 32.2, 119.4, 32.4)
    shapes = [
        shapely.box(119, 32, 120, 33) - hole,
        shapely.MultiPolygon(
            [shapely.box(118, 32, 118.1, 32.1), shapely.Point(118.5, 32.123456789).buffer(0.1)]
        ),
        None,
    ]
    layer = table(["甲", "乙", "丙"])
    frame = layer.frame().set_geometry(gpd.GeoSeries(shapes, crs=4490))
    moved = reproject(frame, target_crs(target)).geometry.dropna()
    path = written(replace(layer, chunks=lambda: [frame]), tmp_path, target)
    lines = list(ezdxf.readfile(path).modelspace().query("LWPOLYLINE"))
    parts = [part for shape in moved for part in getattr(shape, "geoms", [shape])]
    rings = [ring for part in parts for ring in (part.exterior, *part.interiors)]
    assert [line.dxf.count for line in lines] == [len(ring.coords) - 1 for ring in rings]
    for line, ring in zip(lines, rings, strict=True):
        assert [(x, y) for x, y, *_ in line] == list(ring.coords)[:-1]
        assert {tuple(rest) for _, _, *rest in line} == {(0.0, 0.0, 0.0)}


def test_many_rows_pass_through_and_gdal_counts_them(tmp_path: Path) -> None:
    whole = table([f"{n}" for n in range(6_000)], chunk_rows=500)
    layer, held = watched(whole)
    path = written(layer, tmp_path)
    assert len(held) == 12
    assert max(held) <= 3
    found = pyogrio.read_dataframe(path)
    assert found["SubClasses"].tolist() == ["AcDbEntity:AcDbPolyline"] * 6_000
    boxes = shapely.bounds(pd.concat(list(whole.chunks())).geometry.to_numpy())
    assert shapely.bounds(found.geometry.to_numpy()).tolist() == boxes.tolist()


def test_more_than_an_object_can_carry_is_refused_with_its_row(tmp_path: Path) -> None:
    fits = written(table(["甲", "长" * 5_000]), tmp_path)
    assert not ezdxf.readfile(fits).audit().errors
    with pytest.raises(ExportError, match=r"第 4 行的属性共 1[78],\d{3} 字节.*16,383.*GeoPackage"):
        export(
            [table(["甲", "乙", "丙", "长" * 5_700], chunk_rows=3)],
            tmp_path / "多.dxf",
            Options("dxf", target_crs("4490")),
        )
    assert not list(tmp_path.glob("多*"))


def test_an_error_on_the_way_leaves_nothing(tmp_path: Path) -> None:
    layer = table(["甲", "乙", "坏\x02"], chunk_rows=1)
    with pytest.raises(ExportError, match="第 3 行“名称”含有不能写入文件的控制字符"):
        written(layer, tmp_path)
    assert list(tmp_path.iterdir()) == []
