"""What all comparisons share: what is measured, and one table of ours, the peer, their ratio, the goal."""

import resource
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

WIDTH = 110


@dataclass(frozen=True)
class Row:
    """One figure of ours beside the peer's; ``ratio`` is peer / ours unless ``what`` names another."""

    what: str
    unit: str = ""
    ours: float | None = None
    peer: float | None = None
    ratio: float | None = None
    goal: float | None = None

    @property
    def reached(self) -> bool | None:
        """Whether ours is within the goal; None where there is no goal."""
        return None if self.goal is None or self.ours is None else self.ours <= self.goal

    def as_dict(self) -> dict[str, Any]:
        """Return the row as JSON takes it."""
        return asdict(self) | {"reached": self.reached}


def beside(what: str, unit: str, ours: float, peer: float | None = None, *, goal: float | None = None) -> Row:
    """Return a row with its ratio peer / ours, where there is a peer and ours is not zero."""
    return Row(what, unit, ours, peer, None if peer is None or not ours else peer / ours, goal)


def report_rows(name: str, report: Any) -> list[Row]:
    """Return the rows of what comparison ``name`` printed as JSON.

    A report with ``rows`` gives them itself; coverage and osm_import have forms of their own; of any other
    report every number is a row.
    """
    if isinstance(report, dict) and "rows" in report:
        return [_row(entry) for entry in report["rows"]]
    if name == "coverage":
        return [Row(what, ratio=ratio) for what, ratio in report["ratios"].items()] + [
            Row(what, ours=number) for what, number in numbers(report.get("agreement", {}))
        ]
    if name == "osm_import":
        return [_import_row(entry) for entry in report]
    return [Row(what, ours=number) for what, number in numbers(report)]


def _row(entry: dict[str, Any]) -> Row:
    return Row(**{key: value for key, value in entry.items() if key != "reached"})


def _import_row(entry: dict[str, Any]) -> Row:
    peer = entry["peer"]["seconds"] if entry["peer"] else None
    return beside(f"{entry['file']} {entry['job']}，对比 pyrosm", "s", entry["ours"]["seconds"], peer)


def numbers(report: Any, path: str = "") -> list[tuple[str, float]]:
    """Return every number in nested dictionaries and lists with the names that lead to it."""
    if isinstance(report, bool) or report is None or isinstance(report, str):
        return []
    if isinstance(report, int | float):
        return [(path, float(report))]
    entries: Iterable[tuple[Any, Any]] = report.items() if isinstance(report, dict) else enumerate(report)
    return [found for key, value in entries for found in numbers(value, f"{path} {key}".strip())]


def figure(value: float | None, unit: str = "") -> str:
    """Return a number as the table shows it."""
    if value is None:
        return "—"
    if unit in ("B", "个") or abs(value) >= 1000:
        text = f"{value:,.0f}"
    else:
        text = f"{value:.2f}" if abs(value) >= 0.01 or value == 0 else f"{value:.2g}"
    return f"{text} {unit}".strip()


def verdict(row: Row) -> str:
    """Return the goal and whether it is reached, as the table says it."""
    if row.goal is None:
        return ""
    return f"≤ {row.goal:g} {row.unit}，{'达到' if row.reached else '未达到'}"


def show(groups: dict[str, list[Row]], notes: Iterable[str] = (), *, console: Console | None = None) -> None:
    """Print the rows of each comparison in one table, and the notes below it."""
    table = Table(title="基准对比", width=WIDTH)
    for heading in ("对比", "项目"):
        table.add_column(heading, overflow="fold")
    for heading in ("本项目", "对照", "比值"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("目标", overflow="fold")
    for name, rows in groups.items():
        for number, row in enumerate(rows):
            table.add_row(
                "" if number else name,
                row.what,
                figure(row.ours, row.unit),
                figure(row.peer, row.unit),
                figure(row.ratio),
                verdict(row),
                end_section=number == len(rows) - 1,
            )
    out = console or Console(width=WIDTH, highlight=False)
    out.print(table)
    out.print("比值是 对照 / 本项目，大于 1 为本项目较优；项目名写明了别的比值的，按项目名。", markup=False)
    for note in notes:
        out.print(f"· {note}", markup=False)


class Clock:
    """Seconds of named steps, by the wall and by the processor.

    The processor's are what remains comparable on a machine that others use too.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.cpu_seconds: dict[str, float] = {}
        self.start()

    def start(self) -> None:
        """Begin anew: what lies between steps is not counted."""
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def step(self, name: str) -> None:
        """End a step that began with the last one, or with ``start``."""
        self.seconds[name] = time.perf_counter() - self._wall
        self.cpu_seconds[name] = time.process_time() - self._cpu
        self.start()


def peak_mb() -> float:
    """Return the peak of this process's resident memory in MB.

    ``getrusage`` would count the parent's memory at the time of the fork as well.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return float(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
