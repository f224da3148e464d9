"""The formats layers can leave in: what each is for, what it can hold, and the function that writes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from exports.arrow import Seen
from exports.dxf import write_dxf
from exports.html import write_html
from exports.kml import write_kml
from exports.painting import PAINTED_FROM
from exports.sheet import SheetOptions, write_sheet
from exports.tables import write_csv
from exports.vector import (
    write_flatgeobuf,
    write_geojson,
    write_geopackage,
    write_geoparquet,
    write_shapefile,
)
from exports.workbook import write_xlsx
from geo.crs import TargetCrs
from geo.errors import ExportError, PublicationError
from geo.export_table import ExportTable
from layers.model import approval_number

Crs = Literal["any", "degrees", "earth", "own"]
Naming = Literal["title", "name"]
_PICTURE_BYTES = 800_000
RULE = "《地图管理条例》（国务院令第664号）第十五条：国家实行地图审核制度，向社会公开的地图应当送审"


@dataclass(frozen=True)
class Options:
    """How layers leave.

    ``naming``: Chinese column names (``title``) or English ones (``name``). ``publish``: for publication,
    which asks for ``approval`` (审图号). ``sheet`` is needed for map sheets only.
    """

    format: str
    target: TargetCrs
    naming: Naming = "title"
    approval: str | None = None
    publish: bool = False
    sheet: SheetOptions | None = None


@dataclass(frozen=True)
class Format:
    """One format.

    ``many``: several layers go into one file. ``crs``: any; ``degrees``: longitude and latitude of any
    datum; ``earth``: CGCS2000 or WGS 84 longitude and latitude; ``own``: the format brings its own.
    ``weight`` is its usual size beside a GeoPackage; a table has no shapes, only about ``row_bytes`` a row.
    """

    id: str
    name: str
    suffix: str
    about: str
    write: Callable[[Sequence[ExportTable], Path, Options], dict[str, Seen]]
    many: bool = False
    crs: Crs = "any"
    weight: float = 1.0
    row_bytes: int = 0
    ascii_name: bool = False
    media_type: str = field(default="application/octet-stream")


def _single(
    write: Callable[..., Seen], *, approval: bool = True, naming: bool = True
) -> Callable[[Sequence[ExportTable], Path, Options], dict[str, Seen]]:
    """Return a writer of one layer as a writer of layers."""

    def write_one(tables: Sequence[ExportTable], path: Path, options: Options) -> dict[str, Seen]:
        more: dict[str, object] = {"approval": options.approval} if approval else {}
        if naming:
            more["naming"] = options.naming
        return {table.id: write(table, path, options.target, **more) for table in tables}

    return write_one


def _geopackage(tables: Sequence[ExportTable], path: Path, options: Options) -> dict[str, Seen]:
    return write_geopackage(
        list(tables), path, options.target, naming=options.naming, approval=options.approval
    )


def _xlsx(tables: Sequence[ExportTable], path: Path, options: Options) -> dict[str, Seen]:
    return write_xlsx(tables, path, options.target, naming=options.naming, approval=options.approval)


def _html(tables: Sequence[ExportTable], path: Path, options: Options) -> dict[str, Seen]:
    return write_html(tables, path, options.target, naming=options.naming, approval=options.approval)


def _sheet(tables: Sequence[ExportTable], path: Path, options: Options) -> dict[str, Seen]:
    if options.sheet is None:
        raise ExportError("出图需要字体和省域轮廓；请从命令行或页面导出。")
    return {table.id: write_sheet(table, path, options.sheet, approval=options.approval) for table in tables}


FORMATS: dict[str, Format] = {
    one.id: one
    for one in (
        Format("gpkg", "GeoPackage", ".gpkg", "QGIS、ArcGIS；多图层合一，自带样式", _geopackage, many=True),
        Format(
            "parquet", "GeoParquet", ".parquet", "数据分析；体积最小", _single(write_geoparquet), weight=0.2
        ),
        Format("fgb", "FlatGeobuf", ".fgb", "大图层；可按范围读取", _single(write_flatgeobuf), weight=1.3),
        Format(
            *("geojson", "GeoJSON", ".geojson", "网络地图；RFC 7946", _single(write_geojson)),
            crs="degrees",
            weight=2.0,
        ),
        Format(
            *("shp", "Shapefile", ".shp", "旧版 GIS；英文字段名，打成 zip"),
            _single(write_shapefile, approval=False, naming=False),
            weight=1.5,
            ascii_name=True,
        ),
        Format("kml", "KML", ".kml", "谷歌地球等", _single(write_kml), crs="earth", weight=3.0),
        Format("dxf", "DXF", ".dxf", "CAD；按类分层，属性为扩展数据", _single(write_dxf), weight=3.0),
        Format("csv", "CSV", ".csv", "表格；UTF-8 带 BOM", _single(write_csv, approval=False), row_bytes=120),
        Format("xlsx", "Excel", ".xlsx", "表格；附字段、来源、说明", _xlsx, many=True, row_bytes=80),
        Format("html", "离线网页地图", ".html", "浏览器直接打开，不需网络", _html, many=True, crs="own"),
        Format("png", "PNG 图件", ".png", "插入文稿", _sheet, crs="own", weight=0.1),
        Format("svg", "SVG 图件", ".svg", "矢量图，可再编辑", _sheet, crs="own", weight=0.5),
        Format("pdf", "PDF 图件", ".pdf", "打印", _sheet, crs="own", weight=0.3),
    )
}
"""Every format, by id, in the order people see."""

SHEETS = ("png", "svg", "pdf")


def find_format(text: str) -> Format:
    """Return the format of that id, ending or name; ``ExportError`` naming the choices for another."""
    word = text.strip().lower().removeprefix(".")
    other = {
        "geopackage": "gpkg",
        "geoparquet": "parquet",
        "flatgeobuf": "fgb",
        "shapefile": "shp",
        "excel": "xlsx",
    }
    word = other.get(word, word)
    if word not in FORMATS:
        raise ExportError(f"没有导出格式“{text[:40]}”；可选：{'、'.join(FORMATS)}。")
    return FORMATS[word]


def require_allowed(options: Options) -> Format:
    """Return the format when it can leave as asked.

    Raises ``ExportError`` for a CRS the format cannot have, ``PublicationError`` for a publication without a
    审图号 or in coordinates that may not be published.
    """
    form, target = find_format(options.format), options.target
    wrong = {
        "any": False,
        "degrees": not target.is_geographic,
        "earth": target.kind != "geographic",
        "own": target.id != "EPSG:4490",
    }[form.crs]
    if wrong:
        allowed = {
            "degrees": "只能用经纬度：EPSG:4490、EPSG:4326、gcj02 或 bd09",
            "earth": "只能用 EPSG:4490 或 EPSG:4326",
            "own": "自带投影，不能另选坐标系",
        }[form.crs]
        raise ExportError(f"{form.name} {allowed}；不能导出为 {target.id}。")
    if options.publish:
        if not target.publishable:
            raise PublicationError(f"{target.name}是加密坐标，只供内部对接，不能用于公开出版。")
        if not options.approval:
            raise PublicationError(f"公开出版需要审图号，没有审图号不能导出。依据：{RULE}。")
    if options.approval:
        approval_number(options.approval)
    return form


def estimated_bytes(rows: int, bytes_per_row: int, form: Format, *, areas: bool = False) -> int:
    """Return about how large a layer (of ``areas``) will be in a format, before it is packed."""
    if form.row_bytes:
        return rows * form.row_bytes + 20_000
    if areas and rows > PAINTED_FROM and form.id in {*SHEETS, "html"}:
        return _PICTURE_BYTES
    return int(rows * bytes_per_row * form.weight) + 20_000
