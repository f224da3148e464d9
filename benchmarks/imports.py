"""Tables of people's files taken in: from the command to the rebuilt store, beside pandas reading the file.

``python -m benchmarks imports [--json] [--rows 300000]``. One function per kind of table makes its file and
returns its rows. Every run is a process of its own, its start included; the ratio says how often pandas,
which checks nothing and stores nothing, reads the file in the time of our import.
"""

import argparse
import csv
import itertools
import json
import random
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.build import build, timed
from benchmarks.table import Row, beside, show
from data.boundaries import load_region_codes
from data.registry import load_registry

ROWS = 300_000
GOAL_S = 20.0
"""Seconds that an import of ``ROWS`` rows of indicators may take on two cores."""

_WITH_PEAK = "from benchmarks.measure import peak_mb\nprint(peak_mb())\n"
_IMPORT = """
import sys
from pathlib import Path
from data.intake import {intake}, run_intake
path, folder = (Path(text) for text in sys.argv[1:])
assert run_intake(folder, {intake}(path, folder)).changed
"""
_CHECK = """
import sys
from pathlib import Path
from data.intake import {check}
from data.store import open_store
path, folder = (Path(text) for text in sys.argv[1:])
{check}(path, folder, open_store(folder))
"""
_PANDAS = """
import sys
import pandas
assert len(pandas.read_csv(sys.argv[1], dtype=str, keep_default_na=False))
"""


def indicator_rows(count: int) -> Iterator[tuple[str, ...]]:
    """Yield the head and ``count`` rows of a table of indicators: counties, indicators, years, sources."""
    codes = load_region_codes()
    counties = codes.loc[codes["valid_to"].isna() & (codes["level"] == "county"), "adcode"].tolist()
    names = [entry.name for entry in load_registry().indicators if entry.unit != "%"][:20]
    chance = random.Random(20)
    yield ("行政区划代码", "指标", "年份", "数值", "来源", "备注")
    keys = (
        (issue, *key)
        for issue in itertools.count(1)
        for key in itertools.product(counties, names, range(2000, 2025))
    )
    for issue, adcode, name, year in itertools.islice(keys, count):
        yield (adcode, name, str(year), f"{chance.random() * 100:.2f}", f"统计年鉴第{issue}册", "")


def indicators(folder: Path, count: int) -> list[Row]:
    """Return the rows of a table of ``count`` indicator values."""
    path = folder / "indicators.csv"
    with path.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle, lineterminator="\n").writerows(indicator_rows(count))
    goal = GOAL_S if count == ROWS else None
    return _measured(path, folder, f"{count:,} 行指标", ("indicator_intake", "check_indicator_file"), goal)


CASES: dict[str, Callable[[Path, int], list[Row]]] = {"indicators": indicators}
"""Every kind of table that is measured."""


def _measured(path: Path, folder: Path, what: str, names: tuple[str, str], goal: float | None) -> list[Row]:
    """Return check and import of a file, seconds and peak memory, beside pandas."""
    intake, check = names
    data_dir = folder / "var"
    build(data_dir)

    def run(script: str) -> tuple[float, float]:
        seconds, printed = timed(["-c", script + _WITH_PEAK, str(path), str(data_dir)], data_dir)
        return seconds, float(printed.splitlines()[-1])

    pandas_s, pandas_mb = run(_PANDAS)
    check_s, check_mb = run(_CHECK.format(check=check))
    import_s, import_mb = run(_IMPORT.format(intake=intake))
    return [
        beside(f"{what}，只核对；对照：pandas.read_csv", "s", check_s, pandas_s),
        beside(f"{what}，导入并重建数据库；对照：pandas.read_csv", "s", import_s, pandas_s, goal=goal),
        beside(f"{what}，核对的内存峰值", "MB", check_mb, pandas_mb),
        beside(f"{what}，导入的内存峰值", "MB", import_mb, pandas_mb),
    ]


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(prog="benchmarks imports", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--rows", type=int, default=ROWS, help="rows of each table")
    arguments = parser.parse_args()
    rows = []
    for case in CASES.values():
        with tempfile.TemporaryDirectory(prefix="sutu-bench-") as name:
            rows += case(Path(name), arguments.rows)
    if arguments.json:
        report: dict[str, Any] = {"rows": [row.as_dict() for row in rows]}
        print(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        show({"imports": rows})


if __name__ == "__main__":
    main()
