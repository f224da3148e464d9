"""``sutu network``: the imported roads, and their removal."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from commands.app import errors, examples
from commands.console import build_progress, print_json
from data.builder.intake import network_removal, run_intake
from data.ingest.osm_store import network_info
from data.reader.worker import Control
from data.store.store import data_dir

NONE = "没有导入路网：通行时间按直线距离 × 绕行系数估算。导入：sutu import osm 文件。"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("network", epilog=examples("sutu network", "sutu network --json", "sutu network --remove"))(
        network
    )


def network(
    *,
    remove: Annotated[bool, typer.Option("--remove", help="移除导入的路网，并重建数据库。")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="以 JSON 输出。")] = False,
) -> None:
    """查看导入的路网，或把它移除；再次 sutu import osm 则替换它。"""
    if remove:
        with build_progress() as progress:
            summary = run_intake(
                data_dir(),
                network_removal(data_dir()),
                control=Control(tell=progress),
                progress=progress,
                on_wait=errors().print,
            )
        if as_json:
            print_json(summary.as_dict())
        else:
            for line in summary.lines():
                typer.echo(line)
        return
    info = network_info(data_dir())
    if as_json:
        print_json(None if info is None else asdict(info))
    else:
        typer.echo(NONE if info is None else info.line())
