"""What becomes of the people of a raster: pixel by pixel, on lakes, on islands, and when borders change."""

from functools import cache
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from pyproj import Transformer

from data.ingest.population import _count, import_population_raster
from data.ingest.summary import ImportSummary
from data.regions.population import (
    PopulationGrid,
    load_imported_pattern,
    load_islands,
    load_waters,
    make_population_grid,
    write_pattern,
)
from data.registry import Registry, load_registry
from data.store.staging import imports_dir
from geo.crs import ALBERS, STORE_CRS, to_albers
from geo.land_cells import cell_ids, land_cells
from tests.data.test_population import _raster
from tests.geo.worlds import region_table
from tests.real_data import real_path


@cache
def _registry() -> Registry:
    return load_registry()


@cache
def _grid() -> PopulationGrid:
    return make_population_grid(_registry(), region_table())


def _counties() -> gpd.GeoDataFrame:
    table = region_table()
    return table[table["level"] == "county"]


def _import(path: Path, data_dir: Path) -> ImportSummary:
    """Take the raster's own numbers."""
    return import_population_raster(path, data_dir, _registry(), region_table(), scale_to_census=False)


def _oracle(path: Path, counties: gpd.GeoDataFrame, parts: int) -> tuple[pd.Series, dict[str, float]]:
    """People by county and what became of them, pixel by pixel, by numpy and shapely alone."""
    with rasterio.open(path) as raster:
        values, place = raster.read(1).astype(float), raster.transform
        forward = Transformer.from_crs(raster.crs, ALBERS, always_xy=True)
    cells = land_cells(counties, to_albers(load_waters()), 500.0)
    ordered = counties.sort_values("adcode")

    def metres(across: float, down: float) -> tuple[float, float]:
        return forward.transform(place.c + place.a * across, place.f + place.e * down)

    def county(x: float, y: float) -> str | None:
        return next(
            (
                c
                for c, s in zip(ordered["adcode"], ordered.geometry, strict=True)
                if s.intersects(shapely.Point(x, y))
            ),
            None,
        )

    column, row = np.floor(cells["x"] / 500).to_numpy(), np.floor(cells["y"] / 500).to_numpy()

    def home(x: float, y: float) -> tuple[str | None, bool]:
        """The county that covers a point, or else whose cell it lies on, and whether it lies on its cell."""
        on = cells.loc[(column == np.floor(x / 500)) & (row == np.floor(y / 500)), "adcode"].tolist()
        found = county(x, y) or (on[0] if on else None)
        return found, found in on

    people = pd.Series(0.0, index=counties["adcode"])
    sums = dict.fromkeys(("in_province", "own", "moved", "outside"), 0.0)
    for line, at in np.argwhere(values > 0):
        if home(*metres(at + 0.5, line + 0.5))[0] is not None:
            sums["in_province"] += values[line, at]
        for n, m in np.ndindex(parts, parts):
            x, y = metres(at + (n + 0.5) / parts, line + (m + 0.5) / parts)
            share, (code, on_own) = values[line, at] / parts**2, home(x, y)
            if code is None:
                sums["outside"] += share
                continue
            people[code] += share
            sums["own" if on_own else "moved"] += share
    return people, sums


@pytest.mark.parametrize(
    ("crs", "pixel", "parts"),
    [
        ("EPSG:4490", 0.006, 3),
        ("EPSG:4326", 0.0022, 1),
        ("ESRI:54009", 240.0, 1),
        (ALBERS.to_wkt(), 400.0, 2),
    ],
    ids=["degrees-3", "degrees-1", "mollweide", "albers-2"],
)
def test_people_of_a_raster_stay_in_their_county_pixel_by_pixel(
    tmp_path: Path, crs: str, pixel: float, parts: int
) -> None:
    counties = to_albers(_counties().loc[lambda table: table["adcode"].isin(["320211", "320506", "320507"])])
    counties = counties[["adcode", "geometry"]].reset_index(drop=True)
    # 太湖 between 马山, 西山 and 光福: water, islands, shores and the borders of three counties.
    rng = np.random.default_rng(len(crs))
    west, south, east, north = (
        gpd.GeoSeries([shapely.box(120.1, 31.1, 120.45, 31.45)], crs=STORE_CRS).to_crs(crs).total_bounds
    )
    size = (round((north - south) / pixel), round((east - west) / pixel))
    values = rng.gamma(0.5, 90, size) * (rng.random(size) < 2_000 / (size[0] * size[1] * parts**2))
    bounds = (west, north - size[0] * pixel, west + size[1] * pixel, north)
    path = _raster(tmp_path / "lake.tif", crs=crs, bounds=bounds, pixel=pixel, values=values, nodata=None)
    found = _count(path, counties, 500.0)
    by_county, sums = _oracle(path, counties, parts)
    assert found.parts == parts
    placed = found.placed
    assert (found.in_province, placed.own, placed.moved, placed.outside) == pytest.approx(
        tuple(sums.values())
    )
    assert placed.own + placed.moved + placed.outside == pytest.approx(values.sum())
    assert min(sums.values()) > 0
    ours = pd.Series(placed.people).groupby(found.cells["adcode"].to_numpy()).sum()
    assert ours.to_dict() == pytest.approx(by_county.to_dict())


def test_people_on_the_lake_are_placed_and_told(tmp_path: Path) -> None:
    """9 pixels of 太湖 hold 300,000 each: a tenth of all that the raster has."""
    summary = _import(real_path("population/taihu.tif"), tmp_path)
    told = summary.details
    assert told["people_in_province"] == 72_672_700
    assert told["people_placed"] + told["people_moved"] + told["people_outside"] == pytest.approx(72_672_700)
    # Of pixels at the border, some parts lie outside: a fringe, not the people of the lake.
    assert told["people_outside"] < 0.004 * 72_672_700
    assert told["people_moved"] > 2_700_000
    assert any("中心在江苏的像元共 72,672,700 人" in note for note in summary.notes)
    grid = make_population_grid(_registry(), region_table(), tmp_path)
    kept = told["people_placed"] + told["people_moved"]
    assert grid.frame["population"].sum() == pytest.approx(kept, abs=48)
    assert f"{told['people_moved']:,.0f} 人所在处是水面或属邻县的格" in grid.note


def test_people_on_an_island_are_on_the_island(tmp_path: Path) -> None:
    summary = _import(real_path("population/xishan.tif"), tmp_path)
    told = summary.details
    assert told["people_in_province"] == 75_067_000
    assert told["people_placed"] + told["people_moved"] + told["people_outside"] == pytest.approx(75_067_000)
    pattern, _ = load_imported_pattern(tmp_path, 500.0)
    cells = _grid().frame.set_index("cell_id").loc[pattern.index]
    [island] = to_albers(load_islands().query("name == '西山岛'")).geometry
    there = shapely.covers(island.buffer(800), shapely.points(cells["x"], cells["y"]))
    # 360 pixels of 125.
    assert pattern[there].sum() == pytest.approx(45_000, rel=1e-6)


def test_a_pattern_of_other_waters_and_borders_loses_nobody_in_silence(tmp_path: Path) -> None:
    forward = Transformer.from_crs(STORE_CRS, ALBERS, always_xy=True)
    lake, anhui = (
        cell_ids(*(np.array([int(metres // 500)]) for metres in forward.transform(*place)))[0]
        for place in ((120.1, 31.2), (117.5, 31.8))
    )
    people = pd.Series(200.0, index=_grid().frame["cell_id"].to_numpy())
    people[lake], people[anhui] = 5_000.0, 700.0
    imports_dir(tmp_path).mkdir(parents=True)
    facts = {"source": "旧栅格", "resolution_m": "500", "scale_to_census": "no"}
    write_pattern(imports_dir(tmp_path) / "population.parquet", people, facts)
    grid = make_population_grid(_registry(), region_table(), tmp_path)
    assert grid.frame["population"].sum() == 200 * len(_grid().frame) + 5_000
    assert grid.frame["population"].max() > 5_000
    assert "栅格中 700 人所在的格不在现行边界内，未计" in grid.note
