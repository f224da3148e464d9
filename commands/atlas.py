"""``sutu atlas``: a layer as map sheets, one of the province and one of every prefecture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.app import examples
from commands.export import (
    Approval,
    Force,
    Orientation,
    PageSize,
    Publish,
    Settings,
    export_options,
    given_settings,
    report,
    require_place,
    tell,
    today,
)
from data.store.store import data_dir, open_store
from exports.atlas import Atlas
from exports.catalogue import make_layer
from exports.formats import SHEETS
from exports.layers.kinds import Clip
from geo.export_table import ExportTable


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(
        "atlas",
        epilog=examples(
            "sutu atlas population_density --out 人口密度图集.zip",
            "sutu atlas facilities --format png --out 图集.zip",
        ),
    )(atlas)


def atlas(  # noqa: PLR0917
    name: Annotated[str, typer.Argument(metavar="图层", help="图层，见 sutu layers。")],
    out: Annotated[Path, typer.Option("--out", help="写到哪个 .zip 文件（pdf 也可写成一个 .pdf）。")],
    form: Annotated[str, typer.Option("--format", help="pdf、png 或 svg。")] = "pdf",
    settings: Settings = None,
    approval: Approval = None,
    publish: Publish = False,
    page: PageSize = "A4",
    orientation: Orientation = "portrait",
    force: Force = False,
) -> None:
    """图集：全省一幅，各设区市各一幅。"""
    if form not in SHEETS:
        raise typer.BadParameter(f"图集的格式只能是 {'、'.join(SHEETS)}", param_hint="--format")
    if out.suffix.lower() != ".zip":
        raise typer.BadParameter("图集的文件名应以 .zip 结尾", param_hint="--out")
    require_place(out, force=force)
    options = export_options(form, "EPSG:4490", approval, publish=publish)
    store = open_store()
    chosen = given_settings(settings)

    def make(region: Clip | None) -> ExportTable:
        return make_layer(store, data_dir(), name, chosen, clip=region)

    drawn = Atlas(store, make, page, orientation, today())
    done = drawn.write(out, options, tell=tell)
    report(done, as_json=False)
