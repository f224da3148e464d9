"""What ``sutu coverage`` reads for one run without importing it, and the GeoPackage it writes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import pandas as pd

from analysis.coverage import CoverageAnalysis
from data.ingest.osm_store import NetworkSource
from data.ingest.population import store_population
from data.ingest.sites import Site
from data.reader.files import read_facility_file, read_network_file, read_population_file, read_site_file
from data.regions.population import make_population_grid
from data.registry import load_registry
from data.store.store import Store
from geo.crs import STORE_CRS
from geo.errors import CoverageError


def given_facilities(
    store: Store, path: Path | None, datum: str | None, facility_type: str
) -> pd.DataFrame | None:
    """Return the facilities of a file (columns of the table ``facility`` that an analysis needs), or None.

    Rows that name no type are of ``facility_type``. Raises as `read_facility_file`.
    """
    if path is None or datum is None:
        return None
    found = read_facility_file(
        path, None, store.regions(zoom="full"), datum=datum, facility_type=facility_type
    )
    return found.frame.reset_index(drop=True)


def given_sites(store: Store, path: Path | None, datum: str | None) -> tuple[Site, ...]:
    """Return the candidate sites of a file, none without one. Raises as `read_site_file`."""
    if path is None or datum is None:
        return ()
    return read_site_file(path, store.regions(zoom="full"), datum=datum).sites


def given_population(store: Store, path: Path | None) -> pd.DataFrame | None:
    """Return the population cells that follow a raster, scaled to the census, or None.

    The raster passes the same checks as an import, in a folder of its own that is removed again. Raises as
    `read_population_file`.
    """
    if path is None:
        return None
    registry, regions = load_registry(), store.regions(zoom="full").reset_index(drop=True)
    with tempfile.TemporaryDirectory(prefix="sutu-") as folder:
        store_population(read_population_file(path, store.regions(zoom="full")), Path(folder), path.name)
        return make_population_grid(registry, regions, Path(folder)).frame


def given_network(path: Path | None) -> NetworkSource | None:
    """Return the roads of an OpenStreetMap extract, or None. Raises as `read_network_file`."""
    if path is None:
        return None
    return read_network_file(path)


def write_geopackage(rows: pd.DataFrame, store: Store, analysis: CoverageAnalysis, out: Path) -> None:
    """Write the regions with their figures and the facilities as layers of one GeoPackage (EPSG:4490).

    The file appears whole or not at all. Raises ``CoverageError`` when it cannot be written.
    """
    write_regions(rows, store, analysis.facilities, out, layer="coverage")


def write_regions(
    rows: pd.DataFrame,
    store: Store,
    facilities: pd.DataFrame,
    out: Path,
    *,
    layer: str,
    more: Mapping[str, gpd.GeoDataFrame] | None = None,
) -> None:
    """Write rows by ``adcode`` as the ``layer`` of regions, and ``facilities``, as `write_geopackage`.

    ``more``: further layers by name (EPSG:4490), written before these.
    """
    if out.suffix.lower() != ".gpkg":
        raise CoverageError(f"GeoPackage 文件名应以 .gpkg 结尾，收到 {out.name}。")
    shapes = store.regions(zoom="full")[["geometry"]]
    regions = gpd.GeoDataFrame(rows.join(shapes, on="adcode"), geometry="geometry", crs=shapes.crs)
    columns = ["id", "name", "type", "level", "capacity", "adcode", "source", "precision", "lon", "lat"]
    points = gpd.GeoDataFrame(
        facilities[columns],
        geometry=gpd.points_from_xy(facilities["lon"], facilities["lat"]),
        crs=shapes.crs,
    )
    staged = out.with_name(f".{os.getpid()}-{out.name}")
    try:
        for name, frame in {**(more or {}), layer: regions, "facilities": points}.items():
            frame.to_file(staged, layer=name, driver="GPKG")
        staged.replace(out)
    except (OSError, RuntimeError) as fault:
        raise CoverageError(f"无法写入 {out}：{fault}。请检查目录和权限。") from fault
    finally:
        staged.unlink(missing_ok=True)


def site_points(sites: pd.DataFrame) -> gpd.GeoDataFrame:
    """Return places (``lon``, ``lat`` in degrees, EPSG:4490) with their columns as points."""
    return gpd.GeoDataFrame(sites, geometry=gpd.points_from_xy(sites["lon"], sites["lat"]), crs=STORE_CRS)
