"""Our waters against the survey itself, and what the tests know of the survey."""

from __future__ import annotations

from functools import cache

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import Transformer

from data.regions.population import load_islands, load_waters, make_population_grid
from data.registry import load_registry
from geo.crs import ALBERS, STORE_CRS
from tests.data.surveyed_waters import shores, shores_of, surveyed
from tests.geo.worlds import region_table
from tests.sources.shared import shared_path

# A point in each lake that the survey does not name, and the part of the Yangtze that the tests look at.
LAKES = {
    "太湖": (120.1, 31.2),
    "洪泽湖": (118.6, 33.3),
    "高邮湖": (119.3, 32.85),
    "石臼湖": (118.88, 31.47),
    "骆马湖": (118.2, 34.1),
}
KM2_OF_A_SQUARE_DEGREE = 10_500
RIVER, WEST, EAST = "长江", 118.4, 119.6


@cache
def survey() -> gpd.GeoDataFrame:
    lakes = gpd.read_file(shared_path("real/gshhg_full_jiangsu/gshhg_f_lakes_jiangsu_bbox.geojson"))
    return lakes.set_geometry(shapely.make_valid(lakes.geometry.to_numpy()))


@cache
def outline(water: str) -> shapely.Geometry:
    """Return a water of the survey: the lake around the point, or the river east and west of Nanjing."""
    if water == RIVER:
        river = survey().loc[survey()["area_km2"] < 0, "geometry"]
        return shapely.union_all(river.to_numpy()).intersection(shapely.box(WEST, 31, EAST, 33))
    [lake] = survey().loc[(survey()["level"] == 2) & survey().covers(shapely.Point(LAKES[water])), "geometry"]
    return lake


def measured(water: str) -> pd.DataFrame:
    if water == RIVER:
        return shores_of(outline(water), water, "lon", WEST, EAST)
    _, south, _, north = outline(water).bounds
    return shores_of(outline(water), water, "lat", south, north)


@pytest.mark.parametrize("water", [*LAKES, RIVER])
def test_the_table_of_shores_is_what_the_survey_says(water: str) -> None:
    known = shores().query("water == @water").reset_index(drop=True)
    pd.testing.assert_frame_equal(known, measured(water))


@pytest.mark.parametrize("water", [*LAKES, RIVER])
def test_outlines_drawn_again_are_near_the_surveys(water: str) -> None:
    whole = outline(water)
    assert surveyed(water).symmetric_difference(whole).area < 0.15 * whole.area


@pytest.mark.parametrize("water", LAKES)
def test_our_lakes_lie_in_the_survey(water: str) -> None:
    mapped = shapely.union_all(survey().loc[survey()["level"] == 2, "geometry"].to_numpy())
    ours = load_waters().set_index("name").geometry[water]
    assert ours.intersection(mapped).area > 0.9 * ours.area


def test_our_river_lies_in_the_survey() -> None:
    upper = load_waters().set_index("name").geometry[RIVER].intersection(shapely.box(118, 31, 119.6, 33))
    assert upper.intersection(outline(RIVER)).area > 0.8 * upper.area


def test_our_islands_are_where_the_survey_has_them() -> None:
    mapped = survey().loc[survey()["level"] == 3, "geometry"].to_numpy()
    ours = load_islands().set_index("name").geometry
    for name in ("西山岛", "马山", "八卦洲", "世业洲", "和畅洲"):
        [island] = mapped[shapely.intersects(mapped, ours[name])]
        assert ours[name].intersection(island).area > 0.75 * island.area, name


def test_every_township_has_land_of_its_county_in_its_box() -> None:
    """A box is no place: its centre may lie in a lake that the township holds, but not all of it does."""
    boxes = pd.read_csv(
        shared_path("facts/townships_bbox_sizhi/townships_bbox.csv"),
        encoding="utf-8-sig",
        dtype={"adcode": str},
    )
    cells = make_population_grid(load_registry(), region_table()).frame
    lon, lat = Transformer.from_crs(ALBERS, STORE_CRS, always_xy=True).transform(cells["x"], cells["y"])
    land = cells["area_km2"].to_numpy()
    for box in boxes.itertuples():
        near = (np.abs(lon - box.lon) < box.width_deg / 2) & (np.abs(lat - box.lat) < box.height_deg / 2)
        whole = box.width_deg * box.height_deg * KM2_OF_A_SQUARE_DEGREE
        assert land[near & (cells["adcode"] == box.adcode)].sum() > min(0.3 * whole, 10), box.name
