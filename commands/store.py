"""``sutu build`` and ``sutu check``: the store made, and examined."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from commands.app import EXIT_FAULT, errors, examples
from commands.console import build_progress, print_json
from data.builder.build import BuildSummary, build_store
from data.reader.files import walls
from data.reader.sandbox import Walls
from data.registry.environment import DATA_DIR
from data.store.check import CheckReport, check_store
from data.store.store import data_dir, open_store

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
_PROBLEMS_SHOWN = 50


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("build", epilog=examples("sutu build", f"{DATA_DIR}=/srv/sutu sutu build --force"))(build)
    app.command("check", epilog=examples("sutu check", "sutu check --json | python -m json.tool"))(check)


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


def check(
    as_json: Annotated[bool, typer.Option("--json", help="输出一个 JSON 对象。")] = False,
) -> None:
    """数据体检：核对库内数据。

    核对地区、人口合计、可加指标、各表引用、规划和边界文件；有问题时逐条列出，退出码为 1。
    """
    report = check_store(open_store())
    around = walls()
    if as_json:
        print_json({**report.as_dict(), "readers": asdict(around)})
    else:
        _print_report(report, around)
    if not report.ok:
        _print_problems(report)
        raise typer.Exit(EXIT_FAULT)


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


def _print_report(report: CheckReport, around: Walls) -> None:
    population = report.population_2020
    kinds = "、".join(f"{kind} {count}" for kind, count in report.regions["kinds"].items())
    residual = "、".join(f"{code} {count:,}" for code, count in population["unallocated"].items()) or "无"
    lines = [
        f"数据版本 {report.data_version}，结构版本 {report.schema_version}",
        f"地区：经济区 {report.regions['economic_region']}，设区市 {report.regions['prefecture']}，"
        f"县（市、区）{report.regions['county']}（{kinds}）",
        f"2020 年人口：全省 {_people(population['province'])}，"
        f"设区市合计 {_people(population['sum_prefectures'])}，"
        f"县（市、区）合计 {_people(population['sum_counties'])}，未分配 {residual}",
        f"指标 {report.indicators}，数据 {report.facts:,} 条，规划 {report.plan_documents} 个，"
        f"规划指标值 {report.plan_targets:,} 行",
        f"未匹配到地区的行：{len(report.unmatched)}",
    ]
    lines += [
        f"  · {row['source']} {row['code']} {row['name']}：{row['reason']}"
        for row in report.unmatched[:_PROBLEMS_SHOWN]
    ]
    lines.append(f"读取文件的进程：{around.words()}")
    for line in [*lines, "体检通过" if report.ok else "体检未通过"]:
        typer.echo(line)


def _print_problems(report: CheckReport) -> None:
    console = errors()
    console.print(f"发现 {len(report.problems)} 个问题：", style="red")
    for problem in report.problems[:_PROBLEMS_SHOWN]:
        console.print(f"  · {problem}", markup=False)


def _people(count: int | None) -> str:
    return "不全" if count is None else f"{count:,}"
