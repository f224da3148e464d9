"""The 13 briefings of the prefectures: total, each, and what the first one costs that later ones share.

Seconds by the wall, and by the processor, which others on the machine change less.

``python -m benchmarks reports [--json] [--format docx] [--store FOLDER] [--count 13]``. The store is built in
a temporary folder unless ``--store`` names one; the fonts must have been cut in its cache, or are cut first,
outside the times.
"""

import argparse
import json
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.table import Clock, Row, show
from data.builder.build import build_store
from data.registry import load_registry
from data.store.store import open_store
from layers.fonts import prepare_fonts, texts
from reports.briefing import briefing, report_bytes
from reports.region import Briefings


def times(folder: Path, form: str, count: int) -> tuple[list[float], list[float]]:
    """Return the seconds of every briefing in turn, by the wall and by the processor."""
    font = prepare_fonts(folder / "cache", texts()).regular
    store = open_store(folder)
    made = Briefings(store, load_registry(), folder, font)
    clock = Clock()
    for code in list(store.region_table("prefecture").index)[:count]:
        report_bytes(briefing(made, str(code)), form, made)  # type: ignore[arg-type]
        clock.step(str(code))
    return list(clock.seconds.values()), list(clock.cpu_seconds.values())


def _rows(name: str, seconds: list[float], form: str) -> list[Row]:
    return [
        Row(f"{len(seconds)} 份简报（{form}）合计{name}", "s", sum(seconds)),
        Row(f"第一份（含各份共用的覆盖计算）{name}", "s", seconds[0]),
        Row(f"其后每份（中位数）{name}", "s", median(seconds[1:] or seconds)),
    ]


def main() -> None:
    """Run the measurement."""
    options = argparse.ArgumentParser(prog="benchmarks reports")
    options.add_argument("--json", action="store_true")
    options.add_argument("--format", default="docx", choices=["docx", "pdf", "html"])
    options.add_argument("--store", type=Path)
    options.add_argument("--count", type=int, default=13)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as spare:
        folder = given.store or Path(spare)
        build_store(folder, only_if_stale=True)
        wall, processor = times(folder, given.format, given.count)
    rows = [
        row
        for name, seconds in (("", wall), ("，处理器时间", processor))
        for row in _rows(name, seconds, given.format)
    ]
    if given.json:
        print(json.dumps({"rows": [row.as_dict() for row in rows]}, ensure_ascii=False))
    else:
        show({"reports": rows})
