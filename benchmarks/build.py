"""Building the store, beside reading the same boundaries and writing them as one plain folium map.

``python -m benchmarks build [--json]``. Each is a whole process, imports included. The peer makes far less
(one map without figures, where the build makes every table); it is the least that a map of the counties
costs without a store. A second build of unchanged inputs is what ``sutu serve`` does at each start.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.table import Row, beside, show

ROOT = Path(__file__).resolve().parents[1]
_CURRENT = """
import sys
from pathlib import Path
from data.builder.build import is_current
print(is_current(Path(sys.argv[1])))
"""
_PLAIN = """
import sys
from pathlib import Path
import pandas as pd
from benchmarks.maps import plain_html
from data.regions.boundaries import load_packaged_boundaries
counties = load_packaged_boundaries()
colours = pd.Series("#CCCCCC", index=counties["adcode"])
Path(sys.argv[1]).write_bytes(plain_html(counties, colours))
"""


def timed(command: list[str], data_dir: Path) -> tuple[float, str]:
    """Return the seconds a Python command takes with ``data_dir`` as data directory, and what it prints."""
    environment = os.environ | {"SUTU_DATA_DIR": str(data_dir)}
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command[:2]} 失败：\n{done.stdout}{done.stderr}")
    return time.perf_counter() - begin, done.stdout


def build(data_dir: Path) -> float:
    """Build the store of ``data_dir`` in a process of its own; return its seconds."""
    return timed(["cli.py", "build"], data_dir)[0]


def run() -> list[Row]:
    """Return the rows of the comparison."""
    with tempfile.TemporaryDirectory(prefix="sutu-bench-") as name:
        folder = Path(name)
        first = build(folder)
        check, answer = timed(["-c", _CURRENT, str(folder)], folder)
        if answer.strip() != "True":
            raise RuntimeError("刚构建的数据库被认为已过期")
        plain, _ = timed(["-c", _PLAIN, str(folder / "plain.html")], folder)
    return [
        beside("构建数据库（sutu build）；对照：读边界并写出一张 folium 县级图", "s", first, plain),
        beside("启动时确认数据库没有过期", "s", check, plain),
    ]


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(prog="benchmarks build", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    rows = run()
    if arguments.json:
        report: dict[str, Any] = {"rows": [row.as_dict() for row in rows]}
        print(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        show({"build": rows})


if __name__ == "__main__":
    main()
