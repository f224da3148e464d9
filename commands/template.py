"""``sutu template``: the forms that people fill in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from commands.app import examples, group
from data.ingest.templates import facility_template, indicator_template

Out = Annotated[Path, typer.Option("--out", help="写到哪个 .xlsx 文件。")]
Force = Annotated[bool, typer.Option("--force", help="文件已存在时覆盖。")]

templates = group("生成待填写的表格。")


def register(app: typer.Typer) -> None:
    """Add the group of forms to the application."""
    templates.command("indicators", epilog=examples("sutu template indicators --out 指标.xlsx"))(
        indicator_form
    )
    templates.command("facilities", epilog=examples("sutu template facilities --out 设施.xlsx"))(
        facility_form
    )
    app.add_typer(templates, name="template")


def indicator_form(out: Out, force: Force = False) -> None:
    """生成导入指标数值用的表格，附填写说明、现行代码表和已有指标。"""
    write_form(out, indicator_template, force=force)


def write_form(out: Path, write: Callable[[Path], None], *, force: bool) -> None:
    """Let ``write`` make the form ``out``, an XLSX file in an existing folder, replaced only by ``force``."""
    if out.suffix.lower() != ".xlsx":
        raise typer.BadParameter("文件名应以 .xlsx 结尾", param_hint="--out")
    if out.exists() and not force:
        raise typer.BadParameter(f"{out} 已存在；加 --force 覆盖", param_hint="--out")
    if not out.absolute().parent.is_dir():
        raise typer.BadParameter(f"没有文件夹 {out.absolute().parent}", param_hint="--out")
    write(out)
    typer.echo(f"已生成 {out}")


def facility_form(out: Out, force: Force = False) -> None:
    """生成导入设施用的表格，附填写说明、设施类型和现行代码表。"""
    write_form(out, facility_template, force=force)
