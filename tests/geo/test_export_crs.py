"""The CRS layers leave in: pyproj and an independent GCJ-02 library agree, zones warn, areas keep."""

from __future__ import annotations

import geocoordinates_ffi as peer
import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod, Transformer

from data.store.store import Store
from geo.crs import ALBERS, STORE_CRS
from geo.errors import CrsError
from geo.export_crs import TARGETS, reproject, target_crs, zone_warning

POINTS = [(118.767, 32.041), (120.619, 31.299), (117.184, 34.261), (121.97, 31.7), (116.36, 34.6)]
_GEOD = Geod(ellps="GRS80")


def frame(points: list[tuple[float, float]]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(geometry=[shapely.Point(*one) for one in points], crs=4490)


@pytest.mark.parametrize("name", [one for one in TARGETS if one.startswith("EPSG") or one == "albers"])
def test_known_points_agree_with_pyproj(name: str) -> None:
    target = TARGETS[name]
    moved = reproject(frame(POINTS), target)
    crs = ALBERS if name == "albers" else name
    # EPSG:4326 is the same datum by policy; pyproj is asked for the rest.
    for (lon, lat), shape in zip(POINTS, moved.geometry, strict=True):
        if name in {"EPSG:4490", "EPSG:4326"}:
            expected = (lon, lat)
        else:
            expected = Transformer.from_crs(4490, crs, always_xy=True).transform(lon, lat)
        assert shape.x == pytest.approx(expected[0], abs=1e-6)
        assert shape.y == pytest.approx(expected[1], abs=1e-6)
    assert moved.crs == target.crs


@given(lon=st.floats(116.3, 122.0), lat=st.floats(30.7, 35.2), name=st.sampled_from(["gcj02", "bd09"]))
@settings(max_examples=60)
def test_web_datums_agree_with_an_independent_library(lon: float, lat: float, name: str) -> None:
    moved = reproject(frame([(lon, lat)]), TARGETS[name])
    convert = peer.wgs84_to_gcj02 if name == "gcj02" else peer.wgs84_to_bd09
    point = convert(peer.Wgs84(lat=lat, lon=lon))
    x, y = point.lon, point.lat
    *_, metres = _GEOD.inv(x, y, moved.geometry[0].x, moved.geometry[0].y)
    assert metres < 0.1
    assert moved.crs is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4549", "EPSG:4549"),
        ("epsg:4549", "EPSG:4549"),
        (" Albers ", "albers"),
        ("GCJ-02", "gcj02"),
        ("BD09", "bd09"),
    ],
)
def test_a_target_is_found_as_people_write_it(text: str, expected: str) -> None:
    assert target_crs(text).id == expected


@pytest.mark.parametrize("text", ["", "EPSG:2437", "4548; DROP", "火星", "x" * 500])
def test_another_target_is_refused_with_the_choices(text: str) -> None:
    with pytest.raises(CrsError, match="EPSG:4490"):
        target_crs(text)


def test_a_frame_of_another_crs_is_refused() -> None:
    with pytest.raises(CrsError, match="4490"):
        reproject(frame(POINTS).to_crs(3857), TARGETS["EPSG:4549"])


def test_missing_places_stay_missing() -> None:
    given_frame = gpd.GeoDataFrame(geometry=[shapely.Point(119, 32), None], crs=4490)
    for target in TARGETS.values():
        moved = reproject(given_frame, target)
        assert moved.geometry.isna().tolist() == [False, True]


def test_a_zone_warns_only_outside_itself() -> None:
    zone = TARGETS["EPSG:4549"]
    assert zone_warning(118.6, 121.4, 32, zone) is None
    told = zone_warning(116.3, 121.9, 32.9, zone)
    assert told is not None
    assert "118.5°–121.5°E" in told
    assert zone_warning(116.3, 121.9, 32.9, TARGETS["albers"]) is None
    # Oracle: the length scale of the projection itself at the far edge.
    stretch = _scale(116.3, 32.9) - 1.0
    assert float(told.partition("万分之 ")[2].split("。")[0]) == pytest.approx(stretch * 1e4, rel=0.03)


def _scale(lon: float, lat: float) -> float:
    """Return how much longer a short line is in EPSG:4549 than on the ellipsoid."""
    there = Transformer.from_crs(4490, 4549, always_xy=True)
    x, y = there.transform([lon, lon], [lat - 0.001, lat + 0.001])
    *_, metres = _GEOD.inv(lon, lat - 0.001, lon, lat + 0.001)
    return float(np.hypot(x[1] - x[0], y[1] - y[0]) / metres)


def test_areas_of_counties_in_4549_agree_within_its_distortion(built_store: Store) -> None:
    counties = built_store.regions("county", zoom="full").to_crs(STORE_CRS)
    moved = reproject(counties, TARGETS["EPSG:4549"])
    true = np.array([abs(_GEOD.geometry_area_perimeter(shape)[0]) for shape in counties.geometry])
    west, south, east, _north = counties.bounds.to_numpy().T
    away = np.radians(np.maximum(abs(west - 120), abs(east - 120))) * np.cos(np.radians(south))
    # The area scale is the square of the length scale; the next term of the series is below 2 % of this one.
    allowed = (1.0 + away**2 / 2.0 * 1.02) ** 2 - 1.0
    found = moved.area.to_numpy() / true - 1.0
    assert (found >= -1e-6).all()
    assert (found <= allowed + 1e-6).all()
    assert found.max() > 1e-4
