"""Candidate sites of a file, kept by their content: a link, a scenario and a replay need no file any more."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import geopandas as gpd
import pandas as pd

from data.store.files import disk_in_words, put_aside, read_json
from geo.crs import STORE_CRS
from geo.errors import SitingError
from geo.regions import assign_regions

FOLDER = "cache/candidates"
MAX_CANDIDATES = 10_000
"""Places that are weighed against each other in one question, a file's or others."""

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
