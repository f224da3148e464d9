"""``sutu import``: people's files into the store, all or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from commands.app import errors, examples, group
from commands.console import Format, build_progress, print_json, print_rows
from data.builder.intake import (
    Intake,
    boundary_intake,
    facility_intake,
    indicator_intake,
    osm_intake,
    population_intake,
    run_intake,
)
from data.ingest.download import Progress as DownloadProgress
from data.ingest.download import checksum_address, download_extract, extract_url, file_name
from data.ingest.summary import ImportSummary
from data.ingest.web import web_address
from data.reader.worker import Control
from data.registry.environment import OSM_EXTRACT_URL
from data.registry.facility_models import load_facility_types
from data.registry.osm_models import load_osm_mapping
from data.store.store import data_dir

ImportFile = Annotated[Path, typer.Argument(help="要导入的文件。", metavar="文件")]
AsJson = Annotated[bool, typer.Option("--json", help="以 JSON 输出导入结果。")]

imports = group("导入文件。\n\n先核对全部内容：有问题就逐条列出、什么也不写；没有问题才写入并重建数据库。")


def register(app: typer.Typer) -> None:
    """Add the group of imports to the application."""
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
    _add_osm()
    _add_facilities()
    _add_population()


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


_DOWNLOADS = "downloads"
_TYPE_HEADERS = {"name": "设施类型", "facilities": "数量"}
_COUNTY_HEADERS = {"adcode": "代码", "name": "县（市、区）", "facilities": "设施", "kinds": "其中"}
_LINES_PER_DOWNLOAD = 10


def _add_osm() -> None:
    """Add the command to the group of imports."""
    imports.command(
        "osm",
        epilog=examples(
            "sutu import osm 徐州.osm.pbf",
            "sutu import osm --download",
            "sutu import osm 江苏.osm.pbf --download --url http://10.0.0.8/jiangsu-latest.osm.pbf",
        ),
    )(osm)


def osm(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="要导入的 .osm.pbf 数据包；与 --download 合用时是下载后保存的位置。", metavar="文件"
        ),
    ] = None,
    *,
    download: Annotated[
        bool, typer.Option("--download", help="先下载数据包；中断后再次运行，从断点继续。")
    ] = False,
    url: Annotated[
        str | None,
        typer.Option(help=f"下载地址；不写则取环境变量 {OSM_EXTRACT_URL}，再取 osm_mapping.yaml。"),
    ] = None,
    checksum: Annotated[
        bool, typer.Option("--checksum/--no-checksum", help="是否核对服务器上的校验文件。")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """导入 OpenStreetMap 数据包：设施、路网、铁路和水系。

    数据包里没有的内容不动此前的导入：设施和道路可以来自两个数据包。
    """
    if url is not None and not download:
        raise typer.BadParameter("--url 要与 --download 合用", param_hint="--url")
    if download:
        file = _fetch(file, url, checksum=checksum)
    if file is None:
        raise typer.BadParameter("请写要导入的文件，或加 --download 下载江苏省的数据包", param_hint="文件")
    summary = run_import(file, osm_intake(file, data_dir()), as_json=as_json)
    if not as_json:
        _print_counts(summary.details)


def _fetch(file: Path | None, url: str | None, *, checksum: bool) -> Path:
    """Fetch the extract and return where it is."""
    settings = load_osm_mapping().extract
    address = url or extract_url(settings)
    target = file or data_dir() / _DOWNLOADS / file_name(web_address(address))
    suffix = settings.checksum_suffix if checksum else ""
    errors().print(f"下载 {address}", markup=False)
    with _download_progress() as progress:
        result = download_extract(
            address,
            target,
            progress,
            checksum_url=checksum_address(address, suffix) if suffix else None,
            max_bytes=settings.max_bytes,
        )
    checked = f"，校验 {result.checksum.split(':')[0]} 相符" if result.checksum else "，未校验"
    errors().print(f"已下载到 {target}（{result.size / 1024**2:,.1f} MiB{checked}）", markup=False)
    return target


@contextmanager
def _download_progress() -> Iterator[DownloadProgress]:
    """Give a callback that shows a download on stderr: a bar on a terminal, ten lines elsewhere."""
    console = errors()
    if not console.is_terminal:
        shown = [-1]

        def tell(done: int, total: int | None) -> None:
            step = _LINES_PER_DOWNLOAD * done // total if total else 0
            if step > shown[0]:
                shown[0] = step
                console.print(f"已收到 {done / 1024**2:,.1f} MiB", markup=False)

        yield tell
        return
    columns = (TextColumn("下载"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _print_counts(details: dict[str, Any]) -> None:
    """Print the facilities by type, and by county."""
    if not details["by_type"]:
        return
    types = load_facility_types()
    by_type = [{"name": types[kind].name, "facilities": count} for kind, count in details["by_type"].items()]
    print_rows(by_type, _TYPE_HEADERS, Format.table)
    counties: dict[str, dict[str, Any]] = {}
    for row in details["by_county"]:
        entry = counties.setdefault(
            row["adcode"], {"adcode": row["adcode"], "name": row["name"], "facilities": 0, "kinds": []}
        )
        entry["facilities"] += row["facilities"]
        entry["kinds"].append(f"{types[row['type']].name} {row['facilities']}")
    rows = [{**entry, "kinds": "、".join(entry["kinds"])} for entry in counties.values()]
    print_rows(rows, _COUNTY_HEADERS, Format.table)


def _add_facilities() -> None:
    """Add the command to the group of imports."""
    imports.command(
        "facilities",
        epilog=examples(
            "sutu template facilities --out 设施.xlsx",
            "sutu import facilities 设施.xlsx --datum gcj02",
            "sutu import facilities 医院.geojson --type general_hospital --datum wgs84 --source 省卫健委名录",
        ),
    )(facilities)


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


def _add_population() -> None:
    """Add the command to the group of imports."""
    imports.command(
        "population",
        epilog=examples(
            "sutu import population 人口.tif",
            "sutu import population 人口.tif --unscaled --source WorldPop2020",
        ),
    )(population)


def population(
    file: ImportFile,
    *,
    unscaled: Annotated[bool, typer.Option("--unscaled", help="人数取栅格原值，不按普查数缩放。")] = False,
    source: Annotated[str | None, typer.Option(help="栅格来源，写在用到人口格网的图上。")] = None,
    as_json: AsJson = False,
) -> None:
    """导入人口栅格，取代推算的人口分布。

    文件是 GeoTIFF，一个波段，像元值为人数。缺省只取分布，各县（市、区）人口仍等于普查数。
    """

    intake = population_intake(file, data_dir(), scale_to_census=not unscaled, source=source)
    run_import(file, intake, as_json=as_json)
