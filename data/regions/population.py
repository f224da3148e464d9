"""The population grid of the store: which counts, places and waters go in, and whether a measured pattern
leads.

The census of 2020 gives the counts, GeoNames the places, our own schematic table the waters. A population
raster that somebody imported (`data.ingest.population`) takes the place of the modelled pattern.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from pyarrow import parquet

from data.regions.census import CensusCounts, census_counts
from data.regions.seats import load_places
from data.registry import Registry
from data.store.files import damaged_import
from data.store.staging import imports_dir
from geo.crs import STORE_CRS, to_albers
from geo.errors import PopulationError
from geo.placing import pattern_on_cells
from geo.population import CENSUS_COLUMNS, build_population_grid, grid_from_pattern
from geo.regions import assign_regions

CENSUS_YEAR = 2020
IMPORT_NAME = "population.parquet"
MODELLED = "modelled"
MEASURED = "raster"

_FACTS = b"sutu"
_PATTERN = pa.schema([("cell_id", pa.int64()), ("people", pa.float64())])
_COUNT_OF = {"under_3": "age_0_2"}


@dataclass(frozen=True)
class PopulationGrid:
    """The cells (``geo.population.CELL_COLUMNS``) and what to say about them.

    ``pattern`` is ``modelled`` or ``raster``; ``source`` and ``note`` are Chinese text for the map's foot.
    """

    frame: pd.DataFrame
    resolution_m: float
    pattern: str
    source: str
    note: str

    def meta(self) -> dict[str, str]:
        """Return what the store keeps beside the cells."""
        return {
            "population_resolution_m": f"{self.resolution_m:g}",
            "population_pattern": self.pattern,
            "population_source": self.source,
            "population_note": self.note,
        }


def make_population_grid(
    registry: Registry,
    regions: gpd.GeoDataFrame,
    data_dir: Path | None = None,
    *,
    counts: CensusCounts | None = None,
) -> PopulationGrid:
    """Return the grid for the counties of ``regions`` (the region table with geometry, EPSG:4490).

    ``counts`` are the census counts where the caller has them already.
    Resolution and urban density are settings of the registry. With an imported raster in ``data_dir``
    people follow it, otherwise the modelled pattern. Raises ``PopulationError``.
    """
    resolution = float(registry.setting("population_resolution_m"))
    counties = regions.loc[regions["level"] == "county", ["adcode", "geometry"]].reset_index(drop=True)
    census = census_inputs(registry, regions, counts=counts)
    raster = load_imported_pattern(data_dir, resolution) if data_dir is not None else None
    if raster is None:
        frame = build_population_grid(
            counties,
            census,
            weighted_places(regions),
            load_waters(),
            resolution_m=resolution,
            urban_density_per_km2=float(registry.setting("urban_density_per_km2")),
        )
        note = "格网为模型推算：城镇人口围绕居民点、乡村人口均匀分布于陆地，各县合计等于普查数"
        return PopulationGrid(frame, resolution, MODELLED, "第七次全国人口普查（2020）分县数据", note)
    pattern, facts = raster
    scaled = facts["scale_to_census"] == "yes"
    frame = grid_from_pattern(
        counties, census, pattern, load_waters(), resolution_m=resolution, scale_to_census=scaled
    )
    outside = pattern_on_cells(pattern, to_albers(counties), frame, resolution).outside
    note = _pattern_note(facts, outside)
    return PopulationGrid(frame, resolution, MEASURED, facts["source"], note)


def _pattern_note(facts: dict[str, Any], outside: float) -> str:
    """Return what a map says of an imported raster; ``outside``: people that no county of today holds."""
    said = [
        "各县合计等于普查数" if facts["scale_to_census"] == "yes" else "人数为栅格原值，年龄与城乡构成取普查"
    ]
    moved = round(facts.get("people_moved", 0.0))
    if moved:
        said.append(f"栅格中 {moved:,} 人所在处是水面或属邻县的格，移到本县最近的格")
    if round(outside):
        said.append(f"栅格中 {round(outside):,} 人所在的格不在现行边界内，未计")
    return "格网按人口栅格分布，" + "；".join(said)


def census_inputs(
    registry: Registry, regions: pd.DataFrame, year: int = CENSUS_YEAR, *, counts: CensusCounts | None = None
) -> pd.DataFrame:
    """Return the whole people of every county: index adcode, columns ``geo.population.CENSUS_COLUMNS``
    (int64).

    Groups that the census gives in five-year classes are estimated there (see the registry's counts) and
    rounded here. Unallocated people have no place and are left out.
    """
    levels = regions.reset_index() if "adcode" not in regions.columns else regions
    frame = pd.DataFrame(levels[["adcode", "name", "level", "parent"]])
    numbers = (counts or census_counts(registry, frame)).years[year].numbers
    codes = sorted(frame.loc[frame["level"] == "county", "adcode"])
    people = numbers.loc[codes, [_COUNT_OF.get(column, column) for column in CENSUS_COLUMNS]]
    # Halves go down: parts never grow beyond their whole.
    whole = np.ceil(people.to_numpy(dtype=np.float64) - 0.5).astype(np.int64)
    return pd.DataFrame(whole, index=pd.Index(codes, name="adcode"), columns=list(CENSUS_COLUMNS))


def weighted_places(regions: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the places urban people live around: points (EPSG:4490) with ``weight``.

    GeoNames' places count 1 each (its town populations are mostly missing); the seat of a county counts as
    much as all its other places together, so the main town holds about half of the urban people.
    """
    counties = regions[regions["level"] == "county"]
    places = load_places()
    home = assign_regions(places, counties)
    towns = places.loc[home.notna(), ["geometry"]].assign(weight=1.0)
    others = (
        home.value_counts().reindex(counties["adcode"]).fillna(0).clip(lower=1).to_numpy(dtype=np.float64)
    )
    seats = gpd.GeoDataFrame(
        {"weight": others},
        geometry=gpd.points_from_xy(counties["seat_lon"], counties["seat_lat"]),
        crs=STORE_CRS,
    )
    return gpd.GeoDataFrame(pd.concat([towns, seats], ignore_index=True), crs=STORE_CRS)


def load_waters() -> gpd.GeoDataFrame:
    """Return the large lakes and the Yangtze without what people live on in them: columns name, kind,
    source, geometry (EPSG:4490).

    Schematic: lakes of Natural Earth (public domain) simplified, others and the river drawn by us, and out
    of each are cut its `load_islands`. Good for keeping people off open water at 500 m, not for measuring
    water.
    """
    waters, islands = _shapes("waters.csv"), load_islands()
    land = islands.groupby("water")["geometry"].agg(lambda shapes: shapely.union_all(shapes.to_numpy()))
    cut = waters["name"].isin(land.index).to_numpy()
    shapes = waters.geometry.to_numpy()
    shapes[cut] = shapely.difference(shapes[cut], land[waters["name"][cut]].to_numpy())
    return waters.set_geometry(gpd.GeoSeries(shapes, crs=STORE_CRS))


def load_islands() -> gpd.GeoDataFrame:
    """Return the inhabited land that the outlines of the waters cover: columns name, kind, water (the name
    of the one that it is cut out of), source, geometry (EPSG:4490).

    Islands, and shores that the simplified outlines cut off, where a place is known to be. Schematic: around
    a known point, of about the known size.
    """
    return _shapes("islands.csv")


def _shapes(table: str) -> gpd.GeoDataFrame:
    """Return a table of the packaged facts that has a column of shapes (``wkt``, EPSG:4490)."""
    with (resources.files("data.facts") / table).open(encoding="utf-8") as handle:
        rows = pd.read_csv(handle, dtype=str)
    shapes = gpd.GeoSeries.from_wkt(rows.pop("wkt"), crs=STORE_CRS)
    return gpd.GeoDataFrame(rows, geometry=shapes)


def write_pattern(path: Path, people: pd.Series, facts: Mapping[str, Any]) -> None:
    """Write people by cell_id (float64) with ``facts`` (source, resolution_m, scale_to_census: yes or no,
    sums of people …) beside.
    """
    frame = pd.DataFrame(
        {"cell_id": people.index.to_numpy(dtype=np.int64), "people": people.to_numpy(np.float64)}
    )
    table = pa.Table.from_pandas(frame, preserve_index=False)
    parquet.write_table(
        table.replace_schema_metadata({_FACTS: json.dumps(dict(facts), sort_keys=True)}), path
    )


def load_imported_pattern(data_dir: Path, resolution_m: float) -> tuple[pd.Series, dict[str, Any]] | None:
    """Return the imported people by cell_id and the facts written beside them; None without import.

    Raises ``PopulationError`` when they were counted on cells of another size, ``StoreError`` when the file
    is damaged.
    """
    path = imports_dir(data_dir) / IMPORT_NAME
    if not path.exists():
        return None
    with damaged_import(path):
        stored = parquet.ParquetFile(path).read()
        facts: dict[str, Any] = json.loads(stored.schema.metadata[_FACTS])
        table = stored.select(_PATTERN.names).cast(_PATTERN)
        written_for = float(facts["resolution_m"])
        if not {"source", "scale_to_census"} <= set(facts) or table["people"].null_count:
            # What another kind of import wrote does not pass as this one.
            raise ValueError("不是人口栅格的导入")
    if written_for != resolution_m:
        raise PopulationError(
            f"人口栅格是按 {facts['resolution_m']} 米格网导入的，设置里的格网边长现为 {resolution_m:g} 米。"
            "请重新导入人口栅格，或把设置改回去。"
        )
    frame = table.to_pandas()
    return pd.Series(frame["people"].to_numpy(), index=frame["cell_id"].to_numpy()), facts
