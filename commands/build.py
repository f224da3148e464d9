"""``sutu build``: the store made from facts, registry and imports."""

from __future__ import annotations

import time
from typing import Annotated

import typer
from rich.table import Table

from commands.app import errors, examples
from commands.console import build_progress
from data.builder.build import BuildSummary, build_store
from data.registry.environment import DATA_DIR
from data.store.store import data_dir

_ROW_NAMES = {
    "region": "地区",
    "indicator": "指标",
    "fact": "数据",
    "plan_document": "规划",
    "plan_target": "规划指标值",
    "facility": "设施",
    "headline_target": "主要指标目标",
    "target_contradiction": "规划间矛盾",
}


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("build", epilog=examples("sutu build", f"{DATA_DIR}=/srv/sutu sutu build --force"))(build)


def build(
    force: Annotated[bool, typer.Option("--force", help="已是最新也重新构建。")] = False,
) -> None:
    """构建数据库，已是最新则不动；文件有损坏则重新构建。

    读取随程序发布的数据、登记表和已导入的文件，写成一个新版本，体检通过后一次替换。

    数据目录由环境变量 SUTU_DATA_DIR 指定，默认为当前目录下的 var。构建中断不影响原有数据库。
    """
    started = time.perf_counter()
    with build_progress() as progress:
        summary = build_store(data_dir(), progress=progress, only_if_stale=not force)
    _print_summary(summary, time.perf_counter() - started)


def _print_summary(summary: BuildSummary, seconds: float) -> None:
    console = errors()
    if not summary.built:
        console.print(f"数据库已是最新（数据版本 {summary.data_version}），没有重新构建。")
        return
    table = Table(title=f"数据版本 {summary.data_version}", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, label in _ROW_NAMES.items():
        if name in summary.rows:
            table.add_row(label, f"{summary.rows[name]:,}")
    table.add_row("未匹配到地区的行", f"{summary.unmatched:,}")
    console.print(table)
    for phrase in summary.mended:
        console.print(f"已修复：{phrase}。", markup=False)
    slowest = max(summary.seconds, key=lambda step: summary.seconds[step])
    console.print(f"用时 {seconds:.1f} 秒，其中“{slowest}”{summary.seconds[slowest]:.1f} 秒。")
    console.print(f"数据目录：{data_dir().resolve() / summary.store}")
