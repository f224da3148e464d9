"""What a package says of itself: a README, its fields, its sources, and metadata inside the files."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as Xml

from geo.crs import NOT_FOR_PUBLICATION, TargetCrs
from geo.export_table import ExportTable

FIELD_HEAD = ("short", "name", "title", "unit", "definition")
_FIELD_TITLES = ("shapefile 字段名", "英文字段名", "中文字段名", "单位", "含义")
LICENCE = (
    "数据许可\n"
    "一、统计数字为公开出版的事实；各来源的许可见“来源.csv”。\n"
    "二、行政区划界线来自“说明.txt”所列的边界来源，其使用受该来源的许可约束，"
    "正式用图请以国家和省标准地图为准。\n"
    "三、没有审图号的图件和数据为内部工作资料，未经审核不得公开（《地图管理条例》第十五条）。\n"
    "四、转用时请注明来源、口径、年份和数据版本。\n"
)


def permission(notice: str, target: TargetCrs, approval: str | None) -> str:
    """Return what may be done with the file: the 审图号, else ``notice``; no encrypted coordinates leave."""
    if not target.publishable:
        return NOT_FOR_PUBLICATION
    return f"审图号：{approval}" if approval else notice


def summary_lines(table: ExportTable, target: TargetCrs, *, approval: str | None) -> list[str]:
    """Return what a reader must know of a layer, a line each."""
    lines = [table.title]
    lines += [f"年份：{table.year}"] if table.year else []
    lines += [f"单位：{table.unit}"] if table.unit else []
    lines += [f"口径：{table.definition}"]
    lines += [f"来源：{table.source_text}"] if table.sources else []
    lines += [f"注意：{remark}" for remark in table.remarks]
    lines += [f"边界：{table.boundary}"] if table.boundary else []
    lines += [f"坐标系：{target.name}（{target.id}）", f"数据版本：{table.data_version}"]
    return [*lines, permission(table.notice, target, approval)]


def field_rows(table: ExportTable) -> list[tuple[str, ...]]:
    """Return the table of fields with its head: short, English and Chinese name, unit and definition."""
    rows: list[tuple[str, ...]] = [_FIELD_TITLES]
    rows += [tuple(str(getattr(one, key)) for key in FIELD_HEAD) for one in table.fields]
    return rows


def source_rows(tables: Sequence[ExportTable]) -> list[tuple[str, ...]]:
    """Return the sources of all layers with their head, each once for each layer."""
    rows: list[tuple[str, ...]] = [("图层", "来源", "发布者", "日期", "许可")]
    for table in tables:
        rows += [(table.title, one.title, one.publisher, one.date, one.licence) for one in table.sources]
        if table.boundary:
            rows.append((table.title, f"边界：{table.boundary}", "", "", ""))
    return rows


def readme(
    tables: Sequence[ExportTable],
    target: TargetCrs,
    *,
    format_name: str,
    files: Sequence[str],
    warnings: Sequence[str],
    approval: str | None,
) -> str:
    """Return the text that comes with a package."""
    parts = ["苏图导出数据", f"格式：{format_name}", f"坐标系：{target.name}（{target.id}）"]
    parts += [*dict.fromkeys(permission(one.notice, target, approval) for one in tables), ""]
    if warnings:
        parts += ["【须知】", *(f"· {one}" for one in warnings), ""]
    for table in tables:
        lines = [*summary_lines(table, target, approval=approval), f"行数：{table.rows:,}"]
        parts += [f"【{lines[0]}】", *lines[1:], ""]
    parts += ["【文件】", *(f"· {name}" for name in files), ""]
    parts += ["字段的中英文对照见“字段.csv”，来源和许可见“来源.csv”“许可.txt”。", ""]
    return "\n".join(parts)


def metadata_xml(table: ExportTable, target: TargetCrs, *, approval: str | None) -> str:
    """Return a layer's metadata in the form QGIS shows in the properties of a layer."""
    root = Xml.Element("qgis", {"version": "3.22.0"})
    abstract = "\n".join(summary_lines(table, target, approval=approval)[1:])
    for name, text in {
        "identifier": table.id,
        "parentidentifier": "",
        "language": "zh",
        "type": "dataset",
        "title": table.title,
        "abstract": abstract,
    }.items():
        Xml.SubElement(root, name).text = text
    Xml.SubElement(root, "fees").text = ""
    Xml.SubElement(root, "rights").text = permission(table.notice, target, approval)
    for one in table.sources:
        Xml.SubElement(root, "license").text = f"{one.title}：{one.licence}" if one.licence else one.title
    Xml.SubElement(root, "encoding").text = "UTF-8"
    return Xml.tostring(root, encoding="unicode")
