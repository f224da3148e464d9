"""What a reader is told to do: a small file of plain values, tables beside it; and the drivers it has.

GDAL opens a file with whatever registered driver claims its content: a VRT that calls itself GeoJSON would
read, write and fetch whatever it names. pyogrio's API has no list of allowed drivers, and its drivers are
registered when it is imported, so the environment that the process starts with says which are left out.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import geopandas as gpd

from data.reader.sandbox import Bounds

Family = Literal["vector", "raster", "none"]

_HEAD_BYTES: Final = 4096
_BOM: Final = b"\xef\xbb\xbf"

NO_NETWORK: Final = {
    "GDAL_HTTP_PROXY": "127.0.0.1:9",
    "GDAL_HTTP_MAX_RETRY": "0",
    "GDAL_HTTP_TIMEOUT": "1",
    "CPL_CURL_ENABLE_VSIMEM": "NO",
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": "{none}",
    "CPL_VSIL_CURL_USE_HEAD": "NO",
    "PROJ_NETWORK": "OFF",
}
"""No network by configuration, where the system gives no namespace of its own."""

NO_PROGRAMS: Final = {
    "GDAL_DRIVER_PATH": "disable",
    "GDAL_PYTHON_DRIVER_PATH": "",
    "GDAL_VRT_ENABLE_PYTHON": "NO",
    "GDAL_VRT_ENABLE_RAWRASTERBAND": "NO",
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "OGR_SQLITE_PRAGMA": "trusted_schema=OFF",
    "OGR_SQLITE_LOAD_EXTENSIONS": "NONE",
    "OGR_ENABLE_PARTIAL_REPROJECTION": "NO",
    "CPL_TMPDIR": ".",
}
"""No plug-ins, no code or SQL from files, no files beside the one that is meant."""


def driver_of(path: Path) -> str | None:
    """Return the vector driver for a file, told by its first bytes; None where there is none."""
    try:
        with path.open("rb") as handle:
            head = handle.read(_HEAD_BYTES)
    except OSError:
        return None
    if head.startswith(b"SQLite format 3\x00"):
        return "GPKG"
    if head.startswith(b"PK\x03\x04"):
        return "ESRI Shapefile"
    return "GeoJSON" if head.removeprefix(_BOM).lstrip()[:1] == b"{" else None


@functools.cache
def known_drivers(family: Family) -> frozenset[str]:
    """Return the names of all drivers that the installed libraries bring."""
    if family == "none":
        return frozenset()
    if family == "vector":
        import pyogrio  # noqa: PLC0415 - the server imports each of the two libraries only when it is asked for

        return frozenset(pyogrio.list_drivers())
    import rasterio  # noqa: PLC0415

    with rasterio.Env() as environment:
        return frozenset(environment.drivers())


def environment(family: Family, allowed: str | None) -> dict[str, str]:
    """Return the settings with which the drivers of ``family`` but the one ``allowed`` are left out.

    A job of no family has no use for GDAL, and must find none of its vector drivers either.
    """
    left_out = ",".join(sorted(known_drivers("vector" if family == "none" else family) - {allowed}))
    return {**NO_NETWORK, **NO_PROGRAMS, **({"GDAL_SKIP": left_out} if left_out else {})}


Tell = Callable[[str, int, int], None]
"""Told what is being done (Chinese), and how many of how many steps are done."""

ORDER: Final = "order.json"
REGIONS: Final = "regions.arrow"


@dataclass(frozen=True)
class Order:
    """One job: its name (a module of `data.reader.jobs`), the person's file, and options as plain values.

    ``door`` is what the file came in by, ``bounds`` what reading it may use.
    ``family`` and ``driver`` say which of GDAL's drivers may be registered; ``reads`` are further files and
    folders of ours that the job needs, ``parent`` the process it belongs to.
    """

    job: str
    path: str
    options: Mapping[str, Any]
    door: str
    bounds: Bounds
    family: Family = "none"
    driver: str | None = None
    reads: tuple[str, ...] = ()
    parent: int = 0


@dataclass(frozen=True)
class Given:
    """What goes along with an order: the regions with geometry, where the job places things."""

    regions: gpd.GeoDataFrame | None = field(default=None)

    def write(self, folder: Path) -> None:
        """Put the tables where the reader finds them."""
        if self.regions is not None:
            self.regions.to_feather(folder / REGIONS, compression="uncompressed")


def write_order(folder: Path, order: Order) -> None:
    """Put an order where the reader finds it."""
    (folder / ORDER).write_text(json.dumps(asdict(order), ensure_ascii=False), encoding="utf-8")


def read_order(folder: Path) -> Order:
    """Return the order of a reader; it is ours, so nothing is checked."""
    content = json.loads((folder / ORDER).read_text(encoding="utf-8"))
    content["bounds"] = Bounds(**content["bounds"])
    content["reads"] = tuple(content["reads"])
    return Order(**content)


def given_regions(folder: Path) -> gpd.GeoDataFrame:
    """Return the regions that came with the order, as the store has them."""
    return gpd.read_feather(folder / REGIONS)
