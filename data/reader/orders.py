"""What a reader is told to do: a small file of plain values, and tables beside it, in the reader's folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import geopandas as gpd

from data.reader.drivers import Family
from data.reader.sandbox import Bounds

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
