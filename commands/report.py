"""``sutu report``: a briefing on a region as Word, PDF or HTML; all prefectures at once."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, cast, get_args

import typer

from commands.app import examples
from commands.console import errors
from data.registry import load_registry
from data.store.store import data_dir, open_store
from layers.fonts import prepare_fonts, texts
from reports.briefing import briefing, report_bytes
from reports.document import Format, ReportError
from reports.region import Briefings

FORMATS: tuple[str, ...] = get_args(Format)


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(
        "report",
        epilog=examples(
            "sutu report 320500 --out 苏州.docx",
            "sutu report 320682 --out 如皋.pdf",
            "sutu report 320N00 --out 苏北.docx",
            "sutu report --all-prefectures --out 简报 --format docx",
        ),
    )(report)


def report(
    out: Annotated[Path, typer.Option("--out", help="写入的文件（.docx、.pdf、.html）；多个地区时为目录。")],
    adcodes: Annotated[
        list[str] | None, typer.Argument(metavar="代码…", help="设区市、县（市、区）、经济区域或全省的代码。")
    ] = None,
    all_prefectures: Annotated[
        bool, typer.Option("--all-prefectures", help="为 13 个设区市各制一份。")
    ] = False,
    form: Annotated[str, typer.Option("--format", help="多个地区时的格式：docx、pdf 或 html。")] = "docx",
) -> None:
    """制作一个地区的简报：4 至 6 页，句子、图表都由数据算出。

    一个地区时按文件名的后缀决定格式；几个地区或 --all-prefectures 时写入目录，每个地区一个文件。
    """
    codes = list(dict.fromkeys(adcodes or ()))
    if bool(codes) == all_prefectures:
        raise typer.BadParameter("请给出地区代码，或用 --all-prefectures（二者取一）", param_hint="代码")
    many = all_prefectures or len(codes) > 1
    kind = form if many else out.suffix.removeprefix(".").lower()
    if kind not in FORMATS:
        hint = "--format" if many else "--out"
        raise typer.BadParameter(f"格式应为 {'、'.join(FORMATS)}，收到“{kind}”", param_hint=hint)
    store = open_store()
    made = Briefings(store, load_registry(), data_dir(), _font())
    if all_prefectures:
        codes = list(store.region_table("prefecture").index)
    for code in codes:
        made.require(code)
    started = time.perf_counter()
    for code in codes:
        began = time.perf_counter()
        target = out / f"{code}_{made.name(code)}.{kind}" if many else out
        _write(target, report_bytes(briefing(made, code), cast(Format, kind), made))
        errors().print(f"已写入 {target}（{time.perf_counter() - began:.1f} 秒）", markup=False)
    if many:
        errors().print(f"共 {len(codes)} 份，{time.perf_counter() - started:.1f} 秒。", markup=False)


def _write(target: Path, content: bytes) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    except OSError as fault:
        raise ReportError(f"无法写入 {target}（{fault.strerror}）；请检查目录是否存在、能否写入。") from fault


def _font() -> Path:
    """Return the font file for figures and PDF; the first time it is cut, which takes most of a minute."""
    told: list[str] = []

    def tell(step: str, _done: float) -> None:
        if step not in told:
            told.append(step)
            errors().print(f"首次使用：{step}…", markup=False)

    return prepare_fonts(data_dir() / "cache", texts(), tell).regular
