"""Importing a long list of facilities beside a plain reading of it with pandas and geopandas.

``facilities_case`` is a case of ``python -m benchmarks imports``. Ours is ``sutu import facilities``
in a fresh data folder: reading, every check, duplicates, staging and the rebuild of the store. The peer only
reads the file, makes points and finds the county of each.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from data.build import build_store
from data.store import open_store

ROOT = Path(__file__).resolve().parents[1]
ROWS = 900_000
TYPES = ("药店", "诊所", "小学", "幼儿园", "公交站点", "社区服务中心", "养老机构", "公园绿地")

_PEER = """
import sys
import geopandas as gpd, pandas as pd
counties = gpd.read_parquet(sys.argv[2])
counties = counties[counties["level"] == "county"]
table = pd.read_csv(sys.argv[1])
points = gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(table["经度"], table["纬度"]), crs=counties.crs)
print(len(gpd.sjoin(points, counties[["adcode", "geometry"]], how="left", predicate="intersects")))
"""


def write_list(path: Path, rows: int, province: shapely.Geometry) -> None:
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
            "类型": np.array(TYPES)[rng.integers(0, len(TYPES), rows)],
            "经度": places[:rows, 0],
            "纬度": places[:rows, 1],
        }
    ).to_csv(path, index=False, float_format="%.5f")


def measured(command: list[str], environment: dict[str, str]) -> dict[str, float]:
    """Run a command; return its wall time, processor time and the peak memory of its largest process."""
    begin = time.perf_counter()
    done = subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(done.pid, 0)
    if status:
        raise RuntimeError(f"{' '.join(command[:4])} failed with status {status}")
    return {
        "seconds": time.perf_counter() - begin,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss / 1024,
    }


def facilities_case(rows: int = ROWS) -> dict[str, Any]:
    """Return size, time and peak memory of our import and of the peer's reading, and their ratios."""
    with tempfile.TemporaryDirectory(prefix="sutu-bench-") as name:
        folder = Path(name)
        build_store(folder / "var")
        store = open_store(folder / "var")
        province = shapely.union_all(store.regions("county", zoom="full").geometry.to_numpy())
        counties = str(store.folder / "regions_full.parquet")
        path = folder / "设施.csv"
        write_list(path, rows, province)
        # The peer first: our import makes a store anew and may remove the one whose counties it reads.
        peer = measured([sys.executable, "-c", _PEER, str(path), counties], {})
        store.close()
        ours = measured(
            [sys.executable, "-m", "cli", "import", "facilities", str(path), "--datum", "wgs84"],
            {"SUTU_DATA_DIR": str(folder / "var")},
        )
        size = path.stat().st_size / 1e6
    return {
        "rows": rows,
        "file_mb": size,
        "ours": ours,
        "peer": peer,
        "times_slower": ours["seconds"] / peer["seconds"],
        "memory_ratio": ours["peak_mb"] / peer["peak_mb"],
    }
