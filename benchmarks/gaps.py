"""Regional gaps beside PySAL: local Moran, contiguity, Gini and Theil; and the time of the two pages.

``python -m benchmarks gaps [--permutations 9999] [--repeats 3] [--store FOLDER] [--no-pages] [--json]``. The
same 95 counties, the same permutations; the largest difference of the figures is printed with the times. esda
compiles its permutations when it first runs: the first run and later ones are given apart.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from inequality.theil import TheilD

from analysis.gaps import gap_analyses, load_gap
from benchmarks.browser_times import chromium
from benchmarks.build import build
from benchmarks.maps import serving
from benchmarks.page_times import views
from benchmarks.table import Row, beside, show
from data.store.store import Store, open_store
from geo.disparity import decompose_theil
from geo.spatial import contiguity, local_moran

PAGES = {
    "区域差距": "gaps",
    "区域差距：县级热点": "gaps?gap_indicator=mean_years_schooling&level=county&gap_panel=spots",
    "目标追踪": "target-tracking",
}


def seconds(job: Callable[[], Any], repeats: int) -> tuple[float, float]:
    """Return the seconds of the first run of a job, and the median of ``repeats`` later ones."""
    taken = []
    for _ in range(repeats + 1):
        begin = time.perf_counter()
        job()
        taken.append(time.perf_counter() - begin)
    return taken[0], median(taken[1:])


def import_seconds(module: str) -> float:
    """Return the seconds of an import in a fresh process that holds what both sides need."""
    code = (
        "import numpy, pandas, geopandas, scipy.sparse, time; begin = time.perf_counter(); "
        f"import {module}; print(time.perf_counter() - begin)"
    )
    told = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], check=True, capture_output=True, text=True
    )
    return float(told.stdout)


def spatial_rows(store: Store, permutations: int, repeats: int) -> list[Row]:
    """Return contiguity and local Moran of the counties beside libpysal and esda."""
    frame = store.regions("county")
    facts = store.facts("mean_years_schooling", year=2020, level="county").set_index("adcode")
    values = facts["value"].reindex(frame.index)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Slow to import, and this benchmark measures that too.
        import esda  # noqa: PLC0415
        import libpysal  # noqa: PLC0415

        queen = libpysal.weights.Queen.from_dataframe
        near = seconds(lambda: contiguity(frame), repeats)
        peer_near = seconds(lambda: queen(frame, use_index=False), repeats)
        pairs, weights = contiguity(frame), queen(frame, use_index=False)
        ours = seconds(
            lambda: local_moran(values, pairs, permutations=permutations, false_discovery=0.05), repeats
        )

        def theirs() -> Any:
            whole = esda.Moran(values.to_numpy(), weights, permutations=permutations)
            return whole, esda.Moran_Local(values.to_numpy(), weights, permutations=permutations, seed=1)

        peer = seconds(theirs, repeats)
        whole, local = theirs()
    found = local_moran(values, pairs, permutations=permutations, false_discovery=0.05)
    count = len(values)
    apart = np.abs(found.table["local_i"] * (count - 1) / count - local.Is).max()
    return [
        beside("95 县相邻关系，对比 libpysal", "s", near[1], peer_near[1]),
        beside(f"莫兰和局部莫兰，置换 {permutations} 次，第一次，对比 esda", "s", ours[0], peer[0]),
        beside(f"莫兰和局部莫兰，置换 {permutations} 次，再次，对比 esda", "s", ours[1], peer[1]),
        Row("莫兰指数与 esda 之差", ours=abs(found.moran.i - float(whole.I))),
        Row("局部莫兰与 esda 之差（最大）", ours=float(apart)),
        beside("载入 geo.spatial，对比 esda", "s", import_seconds("geo.spatial"), import_seconds("esda")),
    ]


def measure_rows(store: Store, repeats: int) -> list[Row]:
    """Return the decomposition of a large sample beside PySAL, and the analyses of 19 years."""
    generator = np.random.default_rng(1)
    values, groups = generator.lognormal(size=20_000), generator.integers(0, 13, 20_000).astype(str)
    ours = seconds(lambda: decompose_theil(values, groups), repeats)
    peer = seconds(lambda: TheilD(values, groups), repeats)
    found, other = decompose_theil(values, groups), TheilD(values, groups)
    source = load_gap(store, "gdp_per_head", "prefecture")
    return [
        beside("泰尔分解，2 万个值 13 组，对比 inequality", "s", ours[1], peer[1]),
        Row("组间部分与 inequality 之差", ours=abs(found.between - float(np.ravel(other.bg)[0]))),
        Row("人均地区生产总值 19 年的全部量", "s", seconds(lambda: gap_analyses(source), repeats)[1]),
    ]


def page_rows(folder: Path, repeats: int) -> list[Row]:
    """Return the first view and later views of the pages."""
    rows = []
    with chromium() as browser, serving(folder) as (address, _seconds):
        for title, path in PAGES.items():
            first, again = views(browser, f"{address}/{path}", repeats)
            rows += [Row(f"{title}：第一次", "s", first), Row(f"{title}：再次", "s", again)]
    return rows


def run(permutations: int, repeats: int, data_dir: Path | None, pages: bool) -> dict[str, Any]:
    """Return the rows and notes."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="sutu-bench-") as name:
        folder = data_dir or Path(name)
        if data_dir is None:
            build(folder)
        store = open_store(folder)
        rows = [*spatial_rows(store, permutations, repeats), *measure_rows(store, repeats)]
        if pages:
            rows += page_rows(folder, repeats)
    notes = [
        f"再次为 {repeats} 次的中位数；esda 第一次运行时要编译",
        f"处理器 {os.cpu_count()} 核，运行前后 1 分钟平均负载 {load:.1f}、{os.getloadavg()[0]:.1f}",
    ]
    return {"rows": rows, "notes": notes}


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(prog="benchmarks gaps", description=__doc__)
    parser.add_argument("--permutations", type=int, default=9999)
    parser.add_argument("--repeats", type=int, default=3, help="how often each job is run again")
    parser.add_argument("--store", type=Path, help="data directory of a built store, instead of building one")
    parser.add_argument("--no-pages", action="store_true", help="leave the pages out")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    report = run(max(9, given.permutations), max(1, given.repeats), given.store, not given.no_pages)
    if given.json:
        data = report | {"rows": [row.as_dict() for row in report["rows"]]}
        print(json.dumps(data, ensure_ascii=False, indent=2))
    else:
        show({"gaps": report["rows"]}, report["notes"])


if __name__ == "__main__":
    main()
