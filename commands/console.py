"""What the commands share: progress that keeps stdout clean, and rows as a table, CSV or JSON."""

from __future__ import annotations

import io
import json
import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

import pandas as pd
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from commands.app import errors, examples
from data.builder.build import STEPS, ProgressCallback
from geo.spreadsheet import write_rows

__all__ = [
    "Format",
    "build_progress",
    "csv_text",
    "errors",
    "examples",
    "plain",
    "print_json",
    "print_rows",
]

_PIPE_WIDTH = 200


class Format(StrEnum):
    """How a command writes its rows."""

    table = "table"
    csv = "csv"
    json = "json"


@contextmanager
def build_progress() -> Iterator[ProgressCallback]:
    """Give a callback that shows a build's steps on stderr: a bar on a terminal, elsewhere a line each."""
    console = errors()
    if not console.is_terminal:
        yield lambda step, done, total: console.print(f"[{done}/{total}] {step}", markup=False)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("准备", total=len(STEPS))
        yield lambda step, done, _total: progress.update(task, description=step, completed=done)


def print_json(value: Any) -> None:
    """Write a value as JSON on stdout; NaN and infinity, which JSON has no word for, become null."""
    sys.stdout.write(json.dumps(plain(value), ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def plain(value: Any) -> Any:
    """Return a value of plain types only, missing values as None."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_rows(
    rows: Sequence[dict[str, Any]], headers: dict[str, str], form: Format, *, title: str | None = None
) -> None:
    """Write rows on stdout: a table with Chinese ``headers``, or CSV or JSON under the keys of these."""
    if form is Format.json:
        print_json([{key: row.get(key) for key in headers} for row in rows])
    elif form is Format.csv:
        sys.stdout.write(csv_text(rows, list(headers)))
    else:
        _print_table(rows, headers, title)


def csv_text(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> str:
    """Return rows as CSV with a header line; text that a spreadsheet takes for a formula gets a ``'``."""
    buffer = io.StringIO()
    cells = ([_cell(plain(row.get(column))) for column in columns] for row in rows)
    write_rows(buffer, [columns, *cells], ending="\n")
    return buffer.getvalue()


def _cell(value: Any) -> Any:
    """Return what a cell holds: a list as one text."""
    return " ".join(str(item) for item in value) if isinstance(value, list) else value


def _print_table(rows: Sequence[dict[str, Any]], headers: dict[str, str], title: str | None) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_PIPE_WIDTH)
    table = Table(title=title, title_justify="left", header_style="bold")
    for key, header in headers.items():
        numeric = any(isinstance(plain(row.get(key)), (int, float)) for row in rows)
        table.add_column(header, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        # Text, not str: what comes from data is never read as markup.
        table.add_row(*(Text(_shown(plain(row.get(key)))) for key in headers))
    console.print(table)


def _shown(value: Any) -> str:
    if value is None:
        return "—"
    return " ".join(str(item) for item in value) if isinstance(value, list) else str(value)
