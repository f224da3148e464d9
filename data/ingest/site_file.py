"""Candidate sites from a person's table or spatial file, every fault of it told at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd

from data.faults import FaultReport
from data.ingest.columns import match_columns
from data.ingest.facilities import VECTOR_SUFFIXES
from data.ingest.facility_rows import FACILITY_FORM, FACILITY_FORM_COLUMNS, FacilityColumns
from data.ingest.facility_vector import read_vector_table
from data.ingest.reading import FaultList, Limits
from data.ingest.sites import MAX_CANDIDATES, Site, site_counties
from data.ingest.tabular import read_table
from geo.crs import parse_datum, to_cgcs2000

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
    return Limits.of_sites(MAX_CANDIDATES)


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
    if len(matched.frame) > MAX_CANDIDATES:
        problem = f"候选点有 {len(matched.frame)} 个，最多 {MAX_CANDIDATES} 个"
        faults.add(None, None, problem, "按地区拆成几个文件")
    if matched.missing or len(matched.frame) > MAX_CANDIDATES:
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
