"""What may be imported on the page 数据导入, from which files, and in which datums."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One kind of import: its name, the endings of its files, their size in MB at most, and a hint."""

    id: str
    name: str
    endings: tuple[str, ...]
    megabytes: int
    hint: str


KINDS = {
    "facilities": Kind(
        "facilities",
        "设施",
        ("csv", "xlsx", "gpkg", "geojson", "json", "zip"),
        50,
        "CSV、XLSX（先下载表格填写）、GeoPackage、GeoJSON 或打包的 shapefile；每行（每个要素）一处设施。",
    ),
    "indicators": Kind(
        "indicators",
        "指标",
        ("csv", "xlsx"),
        50,
        "CSV 或 XLSX（先下载表格填写）：每行一个地区、一个指标、一年和一个数值。",
    ),
    "osm": Kind(
        "osm",
        "OpenStreetMap",
        ("pbf",),
        256,
        "江苏省的 .osm.pbf 数据包：设施、路网、铁路和水系一次导入。超过 256 MB 的用命令 sutu import osm。",
    ),
}
