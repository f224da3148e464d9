"""Long tables of people's files taken in, from the command to the rebuilt store, beside plain readers.

``python -m benchmarks imports [--json] [--scale 1]``. Ours is ``sutu import`` in a fresh data directory: its
start, reading in a process of its own, every check, duplicates, staging and the rebuild of the store. The
peers only read: pandas the table, and for facilities geopandas the points and the county of each. Memory is
that of the largest process.
"""

import argparse
import csv
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from benchmarks.build import build
from benchmarks.table import Row, beside, show
from data.regions.boundaries import load_region_codes
from data.registry import load_registry
from data.store.store import open_store

ROOT = Path(__file__).resolve().parents[1]
INDICATORS, FACILITIES = 300_000, 900_000
GOALS_S = {"indicators": 20.0, "facilities": 60.0}
"""Seconds that an import of so many rows may take on two cores."""

_TYPES = ("药店", "诊所", "小学", "幼儿园", "公交站点", "社区服务中心", "养老机构", "公园绿地")
_PANDAS = """
import sys
import pandas
assert len(pandas.read_csv(sys.argv[1], dtype=str, keep_default_na=False))
"""
_GEOPANDAS = """
import sys
import geopandas as gpd, pandas as pd
counties = gpd.read_parquet(sys.argv[2])
counties = counties[counties["level"] == "county"]
table = pd.read_csv(sys.argv[1])
points = gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(table["经度"], table["纬度"]), crs=counties.crs)
assert len(gpd.sjoin(points, counties[["adcode", "geometry"]], how="left", predicate="intersects"))
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


def write_facilities(path: Path, rows: int, province: shapely.Geometry) -> None:
    """Write a plain list: name, type and position (five decimals) of places spread over ``province``."""
    rng = np.random.default_rng(1)
    west, south, east, north = province.bounds
    shapely.prepare(province)
    places = np.empty((0, 2))
    while len(places) < rows:
        drawn = rng.uniform((west, south), (east, north), (rows, 2))
        places = np.concatenate([places, drawn[shapely.contains_xy(province, drawn)]])
    pd.DataFrame(
        {
            "名称": [f"设施{number}" for number in range(rows)],
            "类型": np.array(_TYPES)[rng.integers(0, len(_TYPES), rows)],
            "经度": places[:rows, 0],
            "纬度": places[:rows, 1],
        }
    ).to_csv(path, index=False, float_format="%.5f")


def measured(command: list[str], data_dir: Path) -> tuple[float, float]:
    """Run a command; return its wall time (s) and the peak memory (MB) of its largest process."""
    script = (
        "import resource, subprocess, sys\n"
        "quiet = {'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL}\n"
        "code = subprocess.run(sys.argv[1:], **quiet).returncode\n"
        "print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", script, *command],
        cwd=ROOT,
        env={**os.environ, "SUTU_DATA_DIR": str(data_dir)},
        capture_output=True,
        text=True,
        check=True,
    )
    seconds = time.perf_counter() - begin
    code, peak_kb = done.stdout.split()
    if int(code):
        raise RuntimeError(f"{' '.join(command[:5])} failed with status {code}")
    return seconds, int(peak_kb) / 1024


def indicators(folder: Path, scale: float) -> list[Row]:
    """Return the rows of a table of indicator values."""
    count = round(INDICATORS * scale)
    path = folder / "indicators.csv"
    with path.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle, lineterminator="\n").writerows(indicator_rows(count))
    peer = measured([sys.executable, "-c", _PANDAS, str(path)], folder / "var")
    ours = measured([sys.executable, "-m", "cli", "import", "indicators", str(path)], folder / "var")
    return _rows("indicators", f"{count:,} 行指标", "pandas.read_csv", ours, peer, whole=scale == 1)


def facilities(folder: Path, scale: float) -> list[Row]:
    """Return the rows of a list of facilities."""
    count = round(FACILITIES * scale)
    path, counties = folder / "facilities.csv", folder / "counties.parquet"
    regions = open_store(folder / "var").regions(zoom="full").reset_index(drop=True)
    regions.to_parquet(counties)
    shapes = regions.loc[regions["level"] == "county"].geometry.to_numpy()
    write_facilities(path, count, shapely.union_all(shapes))
    peer = measured([sys.executable, "-c", _GEOPANDAS, str(path), str(counties)], folder / "var")
    command = ["import", "facilities", str(path), "--datum", "wgs84"]
    ours = measured([sys.executable, "-m", "cli", *command], folder / "var")
    return _rows("facilities", f"{count:,} 处设施", "pandas 与 geopandas.sjoin", ours, peer, whole=scale == 1)


def _rows(
    case: str,
    what: str,
    peer_name: str,
    ours: tuple[float, float],
    peer: tuple[float, float],
    *,
    whole: bool,
) -> list[Row]:
    goal = GOALS_S[case] if whole else None
    return [
        beside(f"{what}，导入并重建数据库；对照：{peer_name}", "s", ours[0], peer[0], goal=goal),
        beside(f"{what}，最大进程的内存峰值", "MB", ours[1], peer[1]),
    ]


CASES = {"indicators": indicators, "facilities": facilities}
"""Every kind of table that is measured."""


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(prog="benchmarks imports", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--scale", type=float, default=1.0, help="part of the rows")
    arguments = parser.parse_args()
    rows = []
    for case in CASES.values():
        with tempfile.TemporaryDirectory(prefix="sutu-bench-") as name:
            build(Path(name) / "var")
            rows += case(Path(name), arguments.scale)
    if arguments.json:
        report: dict[str, Any] = {"rows": [row.as_dict() for row in rows]}
        print(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        show({"imports": rows})


if __name__ == "__main__":
    main()
