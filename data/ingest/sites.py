"""Candidate sites of a file: read with every fault told at once, and kept by their content."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd

from data.faults import FaultReport
from data.ingest.facilities import VECTOR_SUFFIXES
from data.ingest.facility_rows import FACILITY_FORM, FACILITY_FORM_COLUMNS, FacilityColumns
from data.ingest.facility_vector import read_vector_table
from data.ingest.matching import match_columns
from data.ingest.reading import FaultList, Limits
from data.ingest.tabular import read_table
from data.registry.rule_models import load_siting_rules
from data.store.files import disk_in_words, put_aside, read_json
from geo.crs import STORE_CRS, parse_datum, to_cgcs2000
from geo.errors import SitingError
from geo.regions import assign_regions

FOLDER = "cache/candidates"
_KEPT = 200
_MOST_BYTES = 16 * 1024**2
_KEY = re.compile(r"[0-9a-f]{16}")


class Site(NamedTuple):
    """A place where a facility may stand: its name, and its position in degrees (CGCS2000)."""

    name: str
    lon: float
    lat: float


def parse_sites(values: Any) -> tuple[Site, ...]:
    """Return the sites that a run or a kept file names; ``SitingError`` for anything else."""
    try:
        sites = tuple(Site(str(name), float(lon), float(lat)) for name, lon, lat in values)
        if not all(-180 <= site.lon <= 180 and -90 <= site.lat <= 90 for site in sites):
            raise ValueError("no place on the earth")
    except (TypeError, ValueError, OverflowError) as fault:
        raise SitingError("记录的候选点已损坏，请重新选择候选点文件。") from fault
    return sites


def keep_sites(data_dir: Path, sites: Sequence[Site]) -> str:
    """Write sites below the data directory and return the key of their content.

    The same sites have the same key. The latest ``_KEPT`` sets are kept. Raises ``StoreError`` when the
    directory cannot be written.
    """
    text = _text(sites)
    key = hashlib.sha256(text.encode()).hexdigest()[:16]
    folder = data_dir / FOLDER
    path, staged = folder / f"{key}.json", folder / f".{os.getpid()}-{secrets.token_hex(4)}-{key}"
    with disk_in_words("保存候选点"):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            staged.write_text(text, encoding="utf-8")
            if path.is_dir():
                put_aside(path)
            staged.replace(path)
        finally:
            staged.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            by_age = sorted(folder.glob("*.json"), key=lambda one: one.stat().st_mtime_ns, reverse=True)
            for old in by_age[_KEPT:]:
                old.unlink(missing_ok=True)
    return key


def kept_sites(data_dir: Path, key: str) -> tuple[Site, ...]:
    """Return the sites kept under a key. ``SitingError`` for none such, or a file that was changed."""
    gone = SitingError("这个链接里的候选点不在本机（或已被清理），请重新选择候选点文件。")
    if not _KEY.fullmatch(key):
        raise gone
    try:
        sites = parse_sites(read_json(data_dir / FOLDER / f"{key}.json", most=_MOST_BYTES))
    except (OSError, ValueError) as fault:
        raise gone from fault
    if hashlib.sha256(_text(sites).encode()).hexdigest()[:16] != key:
        raise gone
    return sites


def _text(sites: Sequence[Site]) -> str:
    return json.dumps([list(site) for site in sites], ensure_ascii=False)


def site_counties(sites: Sequence[Site], counties: gpd.GeoDataFrame) -> pd.Series:
    """Return the adcode of the county of each site, None beyond the province.

    ``counties``: polygons in ``STORE_CRS`` with the adcode as column or index.
    """
    points = gpd.GeoSeries.from_xy([site.lon for site in sites], [site.lat for site in sites], crs=STORE_CRS)
    return assign_regions(points.to_frame("geometry").set_geometry("geometry"), counties)


ENDINGS: Final = ("csv", "xlsx", "gpkg", "geojson", "json", "zip")
_COLUMNS: Final = tuple(
    replace(column, required=column.key != "name")
    for column in FACILITY_FORM_COLUMNS
    if column.key in {"name", "lon", "lat"}
)
"""Names are welcome, not required."""
_MAX_NAME = 200


@dataclass(frozen=True)
class SiteFile:
    """The sites of a file without a fault, in its order, and what a person should know of it."""

    sites: tuple[Site, ...]
    notes: tuple[str, ...]


def site_limits() -> Limits:
    """Return the bounds of a table of candidate sites."""
    return Limits.of_sites(load_siting_rules().most_candidates)


def read_sites(path: Path, *, datum: str, regions: gpd.GeoDataFrame) -> SiteFile:
    """Return the candidate sites of a CSV, XLSX, GeoPackage, GeoJSON or zipped shapefile.

    Columns 经度, 纬度 and, where there is one, 名称; ``datum`` as for ``read_facilities``. ``regions``: the
    region table with geometry (EPSG:4490). Raises ``FaultReport`` with every fault, a site beyond the
    province among them, and ``DatumError``.
    """
    declared = parse_datum(datum)
    is_vector = path.suffix.lower() in VECTOR_SUFFIXES
    table = read_vector_table(path, declared) if is_vector else read_table(path, limits=site_limits())
    faults = FaultList(table.file, table.sheet)
    faults.extend(table.faults)
    matched = match_columns(table, _COLUMNS, faults, form=FACILITY_FORM)
    if len(matched.frame) == 0:
        faults.add(None, None, "只有表头，没有数据", "在表头下面逐行填写候选点")
    most = load_siting_rules().most_candidates
    if len(matched.frame) > most:
        problem = f"候选点有 {len(matched.frame)} 个，最多 {most} 个"
        faults.add(None, None, problem, "按地区拆成几个文件")
    if matched.missing or len(matched.frame) > most:
        raise FaultReport(faults.report())
    check = FacilityColumns(matched.frame, matched.headers, faults)
    lon, lat = check.coordinates()
    # Half a position is no position: its fault is told, and nothing is converted.
    whole = np.isfinite(lon) & np.isfinite(lat)
    lon[~whole] = lat[~whole] = np.nan
    lon[whole], lat[whole] = to_cgcs2000(lon[whole], lat[whole], declared)
    names = [text or f"候选点 {number}" for number, text in enumerate(matched.frame["name"], start=1)]
    for row, name in zip(matched.frame.index, names, strict=True):
        if len(name) > _MAX_NAME:
            problem = f"名称有 {len(name)} 字，超过 {_MAX_NAME} 字"
            faults.add(int(row), matched.headers["name"], problem, "只写名称，说明写到别的列")
    sites = tuple(Site(name, float(x), float(y)) for name, x, y in zip(names, lon, lat, strict=True))
    _refuse_outside(matched.frame.index, sites, regions, faults, matched.headers["lon"])
    faults.raise_if_any()
    return SiteFile(sites, (*table.notes, *matched.notes, *_same_place(sites)))


def _refuse_outside(
    rows: pd.Index, sites: tuple[Site, ...], regions: gpd.GeoDataFrame, faults: FaultList, column: str
) -> None:
    """Report the sites with a position that lies in no county."""
    placed = [at for at, site in enumerate(sites) if np.isfinite(site.lon) and np.isfinite(site.lat)]
    if not placed:
        return
    codes = site_counties([sites[at] for at in placed], regions[regions["level"] == "county"])
    for at, code in zip(placed, codes, strict=True):
        if code is None:
            site = sites[at]
            problem = f"“{site.name}”（{site.lon:.5f}，{site.lat:.5f}）不在江苏省内"
            remedy = "核对经纬度和坐标基准，或删去该行"
            faults.add(int(rows[at]), column, problem, remedy)


def _same_place(sites: tuple[Site, ...]) -> list[str]:
    """Return the note on sites that stand twice at one place."""
    twice = len(sites) - len({(site.lon, site.lat) for site in sites})
    return [f"{twice} 个候选点与前面的点位置相同：选中其一后，另一个不再增加覆盖"] if twice else []
