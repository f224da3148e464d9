"""Waters and what people live on in them: no place that the tables know stands in the water."""

from functools import cache

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy.spatial import cKDTree

from data.regions.population import load_islands, load_waters, make_population_grid
from data.regions.seats import load_places
from data.registry import load_registry
from geo.crs import STORE_CRS, to_albers
from geo.regions import assign_regions
from tests.geo.worlds import region_table


@cache
def _cells() -> pd.DataFrame:
    return make_population_grid(load_registry(), region_table()).frame


@cache
def _counties() -> gpd.GeoDataFrame:
    table = region_table()
    return table[table["level"] == "county"].reset_index()


def _from_land(points: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return, of points in the province, the county and the metres to the centre of its nearest cell."""
    home = assign_regions(points, _counties())
    inside = points[home.notna()].assign(adcode=home)
    xy = shapely.get_coordinates(to_albers(inside).geometry.to_numpy())
    away = np.full(len(inside), np.inf)
    for code in inside["adcode"].unique():
        own, here = _cells()["adcode"] == code, (inside["adcode"] == code).to_numpy()
        away[here] = cKDTree(_cells().loc[own, ["x", "y"]]).query(xy[here])[0]
    return pd.DataFrame({"adcode": inside["adcode"], "metres": away}, index=inside.index)


def _points(lon: object, lat: object) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(geometry=gpd.points_from_xy(lon, lat), crs=STORE_CRS)


def test_every_place_has_land_of_its_county() -> None:
    places = load_places()
    found = _from_land(places)
    assert len(found) > 850
    # Half the diagonal of a cell: the place lies on a cell of its own county or at the edge of one.
    far = found[found["metres"] > 354]
    named = places.loc[far.index, "name"].tolist()
    assert not named, f"in the water: {named}"


def test_every_seat_has_land_of_its_county() -> None:
    found = _from_land(_points(_counties()["seat_lon"], _counties()["seat_lat"]))
    assert found["adcode"].tolist() == _counties()["adcode"].tolist()
    assert found["metres"].max() < 1_000


@pytest.mark.parametrize(
    ("place", "lon", "lat", "county"),
    [
        ("金庭镇", 120.265, 31.125, "320506"),
        ("老子山镇", 118.60, 33.19, "320813"),
        ("临淮镇", 118.43, 33.24, "321324"),
    ],
)
def test_towns_that_people_missed_are_land(place: str, lon: float, lat: float, county: str) -> None:
    found = _from_land(_points([lon], [lat]))
    assert found["adcode"].tolist() == [county]
    assert found["metres"].item() <= 354, place


def test_people_live_on_every_island() -> None:
    points = shapely.points(_cells()["x"], _cells()["y"])
    for island in to_albers(load_islands()).itertuples():
        shapely.prepare(island.geometry)
        inside = shapely.covers(island.geometry, points)
        land = _cells().loc[inside, "area_km2"].sum()
        assert land == pytest.approx(island.geometry.area / 1e6, rel=0.25), island.name
        assert _cells().loc[inside, "population"].sum() > 20 * land, island.name


def test_islands_are_cut_out_of_their_water_and_out_of_no_other() -> None:
    islands, waters = load_islands(), load_waters().set_index("name")
    assert islands["name"].is_unique
    assert islands["source"].str.startswith("本项目示意").all()
    assert islands["kind"].isin(["岛", "洲", "半岛", "岸"]).all()
    assert islands.geometry.is_valid.all()
    for island in islands.itertuples():
        assert island.water in waters.index
        assert not waters.geometry[island.water].intersects(island.geometry.buffer(-1e-4))
        for other in waters.index.difference([island.water]):
            assert not waters.geometry[other].intersects(island.geometry), (island.name, other)
    assert waters.geometry.is_valid.all()


def test_whole_islands_are_holes() -> None:
    waters, islands = load_waters().set_index("name"), load_islands().set_index("name")
    [lake] = shapely.get_parts(waters.geometry["太湖"])
    holes = shapely.polygons(shapely.get_rings(lake)[1:])
    for name in ("西山岛", "三山岛"):
        assert any(hole.equals(islands.geometry[name]) for hole in holes), name
