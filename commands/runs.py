"""``sutu runs`` and ``sutu replay``: what was calculated and recorded, and the same answer once more."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from analysis.given import gather
from analysis.run_kinds import difference, rerun
from analysis.runs import list_runs, read_result, read_run, result_digest
from commands.app import examples
from commands.console import Format, errors, print_json, print_rows
from data.store.store import data_dir, open_store
from geo.errors import StoreError


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("runs", epilog=examples("sutu runs"))(runs)
    app.command("replay", epilog=examples("sutu replay 20250101-080000-1a2b3c"))(replay)


def runs(as_json: Annotated[bool, typer.Option("--json", help="以 JSON 输出。")] = False) -> None:
    """列出记录下来的运行。"""
    found = list_runs(data_dir())
    if as_json:
        print_json([run.__dict__ for run in found])
        return
    rows: list[dict[str, Any]] = [run.__dict__ for run in found]
    headers = {
        "id": "编号",
        "kind": "类别",
        "started_at": "时间（UTC）",
        "rows": "行数",
        "seconds": "秒",
        "data_version": "数据版本",
    }
    print_rows(rows, headers, Format.table, title="运行记录")


def replay(
    run_id: Annotated[str, typer.Argument(metavar="编号", help="运行编号（sutu runs 列出）。")],
    as_json: Annotated[bool, typer.Option("--json", help="以 JSON 输出结果。")] = False,
) -> None:
    """按记录重算一次，并核对数字与当时是否一致；不一致时退出码为 1。"""
    run = read_run(data_dir(), run_id)
    before = read_result(data_dir(), run)
    store = open_store()
    rows = rerun(gather(store), run)
    if as_json:
        print_json(rows.to_dict("records"))
    # What a later version tells besides is no difference.
    told = [name for name in before if name in rows]
    if result_digest(rows[told]) == run.digest:
        errors().print(f"重算 {len(rows)} 行，与 {run.started_at} 的结果完全一致。", markup=False)
        return
    changed = "数据已更新" if store.data_version != run.data_version else "数据版本未变"
    raise StoreError(
        f"重算结果与 {run.started_at} 的记录不一致（{changed}：当时 {run.data_version}，现在 "
        f"{store.data_version}）。{difference(run, before, rows)}"
    )
