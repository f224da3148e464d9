"""``sutu import facilities`` and the form for it."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.app import examples
from commands.imports import AsJson, ImportFile, imports, run_import
from commands.templates import Force, Out, templates, write_form
from data.builder.intake import facility_intake
from data.ingest.templates import facility_template
from data.registry.facility_models import load_facility_types
from data.store.store import data_dir


def register(_app: typer.Typer) -> None:
    """Add the commands to the groups of imports and forms."""
    imports.command(
        "facilities",
        epilog=examples(
            "sutu template facilities --out 设施.xlsx",
            "sutu import facilities 设施.xlsx --datum gcj02",
            "sutu import facilities 医院.geojson --type general_hospital --datum wgs84 --source 省卫健委名录",
        ),
    )(facilities)
    templates.command("facilities", epilog=examples("sutu template facilities --out 设施.xlsx"))(form)


def facilities(
    file: ImportFile,
    *,
    datum: Annotated[
        str, typer.Option(help="坐标基准：wgs84、cgcs2000、gcj02（高德、腾讯）或 bd09（百度），不猜测。")
    ],
    facility_type: Annotated[
        str | None, typer.Option("--type", help="没有写明类型的行作哪一类设施（标识，见设施表格）。")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="来源名称，缺省为文件名；同一来源再次导入时整份替换。")
    ] = None,
    layer: Annotated[str | None, typer.Option(help="文件里有多个图层时，用哪一个。")] = None,
    as_json: AsJson = False,
) -> None:
    """导入设施点位。

    文件可以是 CSV、XLSX（表格用 sutu template facilities 生成）、GeoPackage、GeoJSON 或打包的 shapefile。
    设施归哪个县（市、区）由坐标决定；疑似重复、坐标基准可疑、与所填地区不符的都会报告，不会自动合并或丢弃。
    """
    known = load_facility_types()
    if facility_type is not None and facility_type not in known:
        raise typer.BadParameter(
            f"没有设施类型 {facility_type}；可选：{'、'.join(known)}", param_hint="--type"
        )
    intake = facility_intake(
        file, data_dir(), datum=datum, facility_type=facility_type, source=source, layer=layer
    )
    run_import(file, intake, as_json=as_json)


def form(out: Out, force: Force = False) -> None:
    """生成导入设施用的表格，附填写说明、设施类型和现行代码表。"""
    write_form(out, facility_template, force=force)
