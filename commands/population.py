"""``sutu import population``: a measured pattern for the population grid."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.app import examples
from commands.imports import AsJson, ImportFile, imports, run_import
from data.builder.intake import population_intake
from data.store.store import data_dir


def register(_app: typer.Typer) -> None:
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
