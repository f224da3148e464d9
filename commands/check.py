"""``sutu check``: the store examined, and what holds the processes that read files."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from commands.app import EXIT_FAULT, errors, examples
from commands.console import print_json
from data.reader.files import walls
from data.reader.sandbox import Walls
from data.store.check import CheckReport, check_store
from data.store.store import open_store

_PROBLEMS_SHOWN = 50


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("check", epilog=examples("sutu check", "sutu check --json | python -m json.tool"))(check)


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
