"""``sutu export``: layers as files, packages and map sheets; and what ``sutu atlas`` shares with it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from commands.app import errors, examples
from commands.console import print_json
from data.registry.environment import EXPORT_DIR
from data.store.store import Store, data_dir, open_store
from exports.atlas import sheet_options
from exports.catalogue import clip_to, layer_list, make_layer
from exports.formats import FORMATS, SHEETS, Options, find_format, require_allowed
from exports.layers.kinds import Clip
from exports.package import Exported, export, safe_name
from geo.crs import TARGETS, target_crs
from geo.errors import CrsError, ExportError, UnknownRegionError
from geo.export_table import ExportTable

_FORMAT_HELP = f"格式：{'、'.join(FORMATS)}。"
_CRS_HELP = f"坐标系：{'、'.join(TARGETS)}。"

Settings = Annotated[
    list[str] | None, typer.Option("--set", help="图层的设置，如 year=2020、level=county，可重复。")
]
Approval = Annotated[str | None, typer.Option("--approval", help="审图号，如 苏S(2023)5号。")]
Publish = Annotated[bool, typer.Option("--publish", help="用于公开出版：没有审图号即拒绝。")]
PageSize = Annotated[str, typer.Option("--page", help="图幅：A4 或 A3。")]
Orientation = Annotated[str, typer.Option("--orientation", help="方向：portrait 纵向、landscape 横向。")]
Force = Annotated[bool, typer.Option("--force", help="文件已存在时覆盖。")]


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(
        "export",
        epilog=examples(
            "sutu export regions.county --format gpkg --out 县界.gpkg",
            "sutu export population_65_plus_share facilities --format gpkg --set year=2020 --out 图层.zip",
            "sutu export facilities --format shp --crs EPSG:4549 --clip 320500 --out 苏州设施.zip",
            "sutu export population_density --format pdf --page A3 --out 人口密度.pdf",
        ),
    )(export_layers)


def export_layers(  # noqa: PLR0917 - a command's options are its documented inputs
    names: Annotated[
        list[str], typer.Argument(metavar="图层…", help="图层，见 sutu layers；指标可直接写代号。")
    ],
    out: Annotated[
        Path, typer.Option("--out", help="写到哪个文件；以 .zip 结尾则打包，附说明、字段、来源和许可。")
    ],
    form: Annotated[str, typer.Option("--format", help=_FORMAT_HELP)] = "gpkg",
    crs: Annotated[str, typer.Option("--crs", help=_CRS_HELP)] = "EPSG:4490",
    clip: Annotated[str | None, typer.Option("--clip", help="只要这个地区（行政区划代码）。")] = None,
    settings: Settings = None,
    fields: Annotated[str, typer.Option("--fields", help="字段名：zh 中文、en 英文。")] = "zh",
    approval: Approval = None,
    publish: Publish = False,
    page: PageSize = "A4",
    orientation: Orientation = "portrait",
    force: Force = False,
    as_json: Annotated[bool, typer.Option("--json", help="以 JSON 输出结果。")] = False,
) -> None:
    """导出图层：GIS 文件、表格、图件或离线网页地图。"""
    if fields not in {"zh", "en"}:
        raise typer.BadParameter("字段名只能是 zh 或 en", param_hint="--fields")
    require_place(out, force=force)
    options = export_options(
        form, crs, approval, publish=publish, naming="title" if fields == "zh" else "name"
    )
    store = open_store()
    region = _clip(store, clip)
    tables = _tables(store, names, settings, region)
    if options.format in SHEETS:
        sheet = sheet_options(store, page, orientation, region, date=today())
        options = Options(options.format, options.target, options.naming, approval, publish, sheet)
    done = export(tables, out, options, progress=tell)
    report(done, as_json=as_json)


def export_options(
    form: str, crs: str, approval: str | None, *, publish: bool, naming: str = "title"
) -> Options:
    """Return the options; what is not on offer is a fault of the command line."""
    try:
        known = find_format(form)
    except ExportError as fault:
        raise typer.BadParameter(str(fault), param_hint="--format") from fault
    try:
        target = target_crs(crs)
    except CrsError as fault:
        raise typer.BadParameter(str(fault), param_hint="--crs") from fault
    options = Options(known.id, target, naming, approval, publish)  # type: ignore[arg-type]
    require_allowed(options)
    return options


def given_settings(texts: list[str] | None) -> dict[str, str]:
    """Return the settings that were given as name=value."""
    out = {}
    for text in texts or []:
        name, sign, value = text.partition("=")
        if not sign or not name or not value:
            raise typer.BadParameter(f"应写成 名称=值，如 year=2020；收到“{text}”", param_hint="--set")
        out[name.strip()] = value.strip()
    return out


def _tables(
    store: Store, names: list[str], settings: list[str] | None, region: Clip | None
) -> list[ExportTable]:
    """Return the layers; a setting must belong to at least one of them."""
    chosen = given_settings(settings)
    strict = len(names) == 1
    tables = [
        make_layer(store, data_dir(), name, chosen, clip=region, strict=strict)
        for name in dict.fromkeys(names)
    ]
    known = {one.name for info in layer_list(store) for one in info.parameters}
    unknown = [name for name in chosen if name not in known]
    if unknown:
        raise ExportError(f"没有图层有设置“{'、'.join(unknown)}”。用 sutu layers --json 查看可设的项。")
    return tables


def _clip(store: Store, adcode: str | None) -> Clip | None:
    if adcode is None:
        return None
    try:
        return clip_to(store, adcode)
    except UnknownRegionError as fault:
        raise typer.BadParameter(str(fault), param_hint="--clip") from fault


def require_place(out: Path, *, force: bool) -> None:
    """Refuse a place that is not allowed, has no folder, or is taken."""
    allowed = EXPORT_DIR.value()
    folder = out.absolute().parent
    if allowed and not folder.resolve().is_relative_to(Path(allowed).resolve()):
        raise typer.BadParameter(f"只能写到 {EXPORT_DIR} 指定的目录之内，{out} 在它之外", param_hint="--out")
    if not folder.is_dir():
        raise typer.BadParameter(f"没有文件夹 {folder}", param_hint="--out")
    if out.is_dir():
        raise typer.BadParameter(f"{out} 是文件夹，请写文件名", param_hint="--out")
    if safe_name(out.name) != out.name.strip(" ._"):
        raise typer.BadParameter(f"文件名“{out.name[:60]}”含有不能用的字符或太长", param_hint="--out")
    if out.exists() and not force:
        raise typer.BadParameter(f"{out} 已存在；加 --force 覆盖", param_hint="--out")


def tell(step: str, done: int, total: int) -> None:
    """Say on stderr how far the export is."""
    errors().print(f"[{done}/{total}] {step}", markup=False)


def today() -> str:
    """Return the date that a map sheet bears."""
    return dt.datetime.now(dt.UTC).astimezone().date().isoformat()


def report(done: Exported, *, as_json: bool) -> None:
    """Say what was written, and what must be known of it."""
    if as_json:
        told = {
            "path": str(done.path),
            "bytes": done.bytes,
            "rows": done.rows,
            "warnings": list(done.warnings),
        }
        print_json(told)
        return
    for warning in done.warnings:
        errors().print(f"须知：{warning}", markup=False)
    rows = "、".join(f"{key} {count:,} 行" for key, count in done.rows.items())
    typer.echo(f"已写出 {done.path}（{done.bytes / 1e6:.1f} MB）：{rows}")
