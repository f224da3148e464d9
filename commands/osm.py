"""``sutu import osm``: an OpenStreetMap extract, at hand or fetched first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from commands.app import errors, examples
from commands.console import Format, print_rows
from commands.imports import AsJson, imports, run_import
from data.builder.intake import osm_intake
from data.ingest.download import Progress as DownloadProgress
from data.ingest.download import checksum_address, download_extract, extract_url, file_name
from data.ingest.web import web_address
from data.registry.environment import OSM_EXTRACT_URL
from data.registry.facility_models import load_facility_types
from data.registry.osm_models import load_osm_mapping
from data.store.store import data_dir

_DOWNLOADS = "downloads"
_TYPE_HEADERS = {"name": "设施类型", "facilities": "数量"}
_COUNTY_HEADERS = {"adcode": "代码", "name": "县（市、区）", "facilities": "设施", "kinds": "其中"}
_LINES_PER_DOWNLOAD = 10


def register(_app: typer.Typer) -> None:
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
