"""``sutu import``: people's files into the store, all or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from commands.app import errors, examples, group
from commands.console import build_progress, print_json
from data.builder.intake import Intake, boundary_intake, indicator_intake, run_intake
from data.ingest.summary import ImportSummary
from data.reader.worker import Control
from data.store.store import data_dir

ImportFile = Annotated[Path, typer.Argument(help="要导入的文件。", metavar="文件")]
AsJson = Annotated[bool, typer.Option("--json", help="以 JSON 输出导入结果。")]

imports = group("导入文件。\n\n先核对全部内容：有问题就逐条列出、什么也不写；没有问题才写入并重建数据库。")


def register(app: typer.Typer) -> None:
    """Add the group to the application."""
    imports.command(
        "indicators",
        epilog=examples(
            "sutu template indicators --out 表.xlsx",
            "sutu import indicators 表.xlsx",
        ),
    )(indicators)
    imports.command(
        "boundaries",
        epilog=examples(
            "sutu import boundaries 县界.gpkg",
            "sutu import boundaries 县界.zip --datum gcj02 --source 省测绘院 --source-date 2023-06",
        ),
    )(boundaries)
    app.add_typer(imports, name="import")


def indicators(file: ImportFile, as_json: AsJson = False) -> None:
    """导入指标数值。

    文件是 CSV 或 XLSX，每行一个地区、一个指标、一年和一个数值；表格用 sutu template indicators 生成。
    """
    run_import(file, indicator_intake(file, data_dir()), as_json=as_json)


def boundaries(
    file: ImportFile,
    *,
    datum: Annotated[str, typer.Option(help="坐标基准：cgcs2000、wgs84、gcj02 或 bd09。")] = "cgcs2000",
    layer: Annotated[str | None, typer.Option(help="文件里有多个图层时，用哪一个。")] = None,
    source: Annotated[str | None, typer.Option(help="边界来源，写在每张地图的页脚。")] = None,
    source_date: Annotated[str | None, typer.Option(help="边界的日期。")] = None,
    as_json: AsJson = False,
) -> None:
    """导入县（市、区）边界。

    文件可以是 GeoPackage、GeoJSON 或打包的 shapefile，含行政区划代码一列，95 个县（市、区）一次导全，
    取代随程序安装的边界。
    """

    intake = boundary_intake(
        file, data_dir(), datum=datum, layer=layer, source=source, source_date=source_date
    )
    run_import(file, intake, as_json=as_json)


def run_import(file: Path, intake: Intake[Any], *, as_json: bool) -> ImportSummary:
    """Take a file in, showing how far it is, report what was done, and return it."""
    if not file.is_file():
        raise typer.BadParameter(f"没有文件 {file}", param_hint="文件")
    with build_progress() as progress:
        summary = run_intake(
            data_dir(),
            intake,
            control=Control(tell=progress),
            progress=progress,
            on_wait=errors().print,
            in_a_hurry=True,
        )
    if as_json:
        print_json(summary.as_dict())
    else:
        for line in summary.lines():
            typer.echo(line)
    return summary
