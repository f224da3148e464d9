"""Items by URL from ``/ogc`` beside the same rows through GDAL from a file.

``python -m benchmarks ogc [--cells 20000] [--page 2000] [--store FOLDER] [--json]``. The real server runs on
a loopback port. Two clients page through the counties (an indicator, full borders) and through cells of the
population grid until they hold every item:

- plain HTTP on one kept connection, each page parsed with ``json`` into features; its peer is GDAL of the
  pyogrio wheel, which reads the same rows from a GeoPackage, makes GeoJSON of them, parsed likewise;
- GDAL's own OAPIF driver (``ogr2ogr`` of Debian's ``gdal-bin``, where it is installed) writing GeoJSON, told
  the size of a page (before GDAL 3.8 it asks for ten items at a time); its peer is the same ``ogr2ogr``
  reading the GeoPackage.

Figures are items per second after one pass to warm up, as medians; the ratio is URL / file, so 1 means as
quick as the file. Items, ids and values of both ways are compared before anything is timed.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode, urlsplit

import numpy as np
from pyogrio.raw import read_arrow, write_arrow

from benchmarks.build import build
from benchmarks.maps import serving
from benchmarks.table import Row, show
from data.store.store import open_store
from exports.catalogue import make_layer
from exports.vector import write_geopackage
from geo.crs import TARGETS
from server.ogc.config import PREFIX

_SAME = ("adcode", "population", "value")
Features = list[dict[str, Any]]


@dataclass(frozen=True)
class Job:
    """One collection to page through: ``layer`` and ``settings`` make the same rows for the file."""

    name: str
    collection: str
    layer: str
    settings: dict[str, str]
    items: int | None = None


def jobs(cells: int) -> list[Job]:
    """Return the counties, and so many cells of the grid."""
    return [
        Job("县（面，全部顶点）", "indicator.population.county", "population", {"level": "county"}),
        Job("人口格网", "population_grid", "population_grid", {}, cells),
    ]


def by_url(address: str, job: Job, page: int) -> Features:
    """Return the items of a collection, page after page over one connection, by the links to the next."""
    connection = HTTPConnection(urlsplit(address).netloc, timeout=120)
    found: Features = []
    path = f"{PREFIX}/collections/{job.collection}/items?{urlencode({'limit': page})}"
    try:
        while path and (job.items is None or len(found) < job.items):
            connection.request("GET", path)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{path}：{answer.status}")
            told = json.loads(text)
            found += told["features"]
            following = [one["href"] for one in told["links"] if one["rel"] == "next"]
            path = following[0].removeprefix(address) if following else ""
    finally:
        connection.close()
    return found[: job.items]


def from_file(source: Path, layer: str, job: Job) -> Features:
    """Return the same rows as features, read by GDAL from the file."""
    written = io.BytesIO()
    meta, rows = read_arrow(source, layer=layer, max_features=job.items)
    write_arrow(
        rows,
        written,
        driver="GeoJSON",
        layer="items",
        geometry_name=meta["geometry_name"] or "wkb_geometry",
        geometry_type=meta["geometry_type"],
        crs=meta["crs"],
        layer_options={"RFC7946": "YES"},
    )
    features: Features = json.loads(written.getvalue())["features"]
    return features


def require_same(job: Job, ours: Features, theirs: Features) -> None:
    """Raise ``RuntimeError`` when the two ways do not give the same rows in the same places."""
    if len(ours) != len(theirs):
        raise RuntimeError(f"{job.name}：网址读到 {len(ours)} 个要素，文件读到 {len(theirs)} 个")
    for one, other in zip(ours, theirs, strict=True):
        for name in _SAME:
            if one["properties"].get(name) != other["properties"].get(name):
                raise RuntimeError(f"{job.name}：第 {one['id']} 个要素的 {name} 不同")
    for one, other in zip(ours[:50], theirs[:50], strict=True):
        if not np.allclose(_first_point(one), _first_point(other), atol=2e-7):
            raise RuntimeError(f"{job.name}：第 {one['id']} 个要素的位置不同")


def _first_point(feature: dict[str, Any]) -> list[float]:
    """Return the south-west corner of a feature: a ring may begin at another of its points."""
    points: Any = feature["geometry"]["coordinates"]
    while isinstance(points[0][0], list):
        points = [point for part in points for point in part]
    return [min(point[0] for point in points), min(point[1] for point in points)]


def timed(work: Callable[[], object], repeats: int) -> float:
    """Return the median seconds of a piece of work, after once to warm up."""
    taken = []
    for turn in range(repeats + 1):
        begin = time.perf_counter()
        work()
        if turn:
            taken.append(time.perf_counter() - begin)
    return median(taken)


def gdal(source: str, layer: str, job: Job, folder: Path, *options: str) -> None:
    """Have ``ogr2ogr`` write a layer, the first of its items, as GeoJSON; ``options`` open the source."""
    out = folder / "gdal.geojson"
    out.unlink(missing_ok=True)
    bound = [] if job.items is None else ["-limit", str(job.items)]
    command = ["ogr2ogr", "-f", "GeoJSON", *bound, *options, str(out), source, layer]
    subprocess.run(command, check=True, capture_output=True)


def compare(address: str, data_dir: Path, folder: Path, job: Job, *, page: int, repeats: int) -> list[Row]:
    """Return the rows of one collection, both clients."""
    store = open_store(data_dir)
    source = folder / f"{job.collection}.gpkg"
    table = make_layer(store, data_dir, job.layer, job.settings)
    write_geopackage([table], source, TARGETS["EPSG:4490"], naming="name", approval=None)
    features = by_url(address, job, page)
    require_same(job, features, from_file(source, table.title, job))
    items = len(features)

    def row(client: str, url: Callable[[], object], file: Callable[[], object]) -> Row:
        ours, theirs = items / timed(url, repeats), items / timed(file, repeats)
        what = f"{job.name}（{items:,} 个），{client}，每秒要素；比值为 网址 / 文件"
        return Row(what, "个", ours, theirs, ours / theirs)

    rows = [
        row("HTTP 与 json", lambda: by_url(address, job, page), lambda: from_file(source, table.title, job))
    ]
    if shutil.which("ogr2ogr") is not None:
        url = f"OAPIF:{address}{PREFIX}"
        rows.append(
            row(
                "ogr2ogr",
                lambda: gdal(url, job.collection, job, folder, "-oo", f"PAGE_SIZE={page}"),
                lambda: gdal(str(source), table.title, job, folder),
            )
        )
    return rows


def server_peak_mb() -> float:
    """Return the largest peak of resident memory (MB) among the processes started here and still alive."""
    task = Path("/proc/self/task") / str(threading.get_native_id()) / "children"
    peaks = [0.0]
    for child in task.read_text(encoding="ascii").split() if task.exists() else ():
        lines = (Path("/proc") / child / "status").read_text(encoding="ascii").splitlines()
        peaks += [float(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")]
    return max(peaks)


def run(cells: int, page: int, repeats: int, data_dir: Path | None = None) -> dict[str, Any]:
    """Return the rows and notes."""
    load = os.getloadavg()[0]
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="sutu-bench-") as name:
        folder = Path(name)
        data = data_dir or folder / "data"
        if data_dir is None:
            build(data)
        with serving(data) as (address, _):
            by_url(address, Job("", "regions.province", "", {}), 1)
            before = server_peak_mb()
            for job in jobs(cells):
                rows += compare(address, data, folder, job, page=page, repeats=repeats)
            after = server_peak_mb()
            rows.append(Row("服务器内存峰值：全部读完后；对照为读之前", "MB", after, before, before / after))
    notes = [
        f"每页 {page:,} 个要素，同一连接逐页；热身一次后 {repeats} 次的中位数；两种读法的要素逐个比较过",
        f"处理器 {os.cpu_count()} 核，运行前后 1 分钟平均负载 {load:.1f}、{os.getloadavg()[0]:.1f}",
    ]
    if shutil.which("ogr2ogr") is None:
        notes.append("没有 ogr2ogr（Debian 包 gdal-bin），未与 GDAL 的 OAPIF 驱动比较")
    return {"rows": rows, "notes": notes}


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(prog="benchmarks ogc", description=__doc__)
    parser.add_argument("--cells", type=int, default=20_000, help="how many cells of the grid to read")
    parser.add_argument("--page", type=int, default=2_000, help="items to a page")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--store", type=Path, help="data directory of a built store, instead of building one")
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args()
    report = run(max(1, asked.cells), max(1, asked.page), max(1, asked.repeats), asked.store)
    if asked.json:
        data = report | {"rows": [row.as_dict() for row in report["rows"]]}
        print(json.dumps(data, ensure_ascii=False, indent=2))
    else:
        show({"ogc": report["rows"]}, report["notes"])


if __name__ == "__main__":
    main()
