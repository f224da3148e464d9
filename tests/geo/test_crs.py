"""Datums convert there and back, against a second implementation; only metric CRS measure."""

from __future__ import annotations

import geocoordinates_ffi as peer
import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS, Geod, Transformer

from data.store.store import Store
from geo.crs import (
    ALBERS,
    EXPORT_CRS,
    STORE_CRS,
    TARGETS,
    convert_geometry,
    from_cgcs2000,
    is_store_crs,
    parse_datum,
    reproject,
    require_metric,
    target_crs,
    to_albers,
    to_cgcs2000,
    zone_warning,
)
from geo.errors import CrsError, DatumError
from tests.oracles import gcj02_naive

GEOD = Geod(ellps="GRS80")
SHIFTED = ("gcj02", "bd09")
FORWARD = {"gcj02": gcj02_naive.gcj02_from_wgs84, "bd09": gcj02_naive.bd09_from_wgs84}
jiangsu_lon = st.floats(116.3, 122.0)
jiangsu_lat = st.floats(30.7, 35.2)


def _province_grid() -> tuple[np.ndarray, np.ndarray]:
    return np.meshgrid(np.linspace(116.3, 122.0, 286), np.linspace(30.7, 35.2, 226))


def _metres(lon1, lat1, lon2, lat2) -> np.ndarray:
    return np.abs(GEOD.inv(lon1, lat1, lon2, lat2)[2])


@pytest.mark.parametrize("datum", ["wgs84", "cgcs2000", "gcj02", "bd09"])
def test_forward_and_inverse_agree_over_the_province(datum: str) -> None:
    lon, lat = _province_grid()
    there = from_cgcs2000(lon, lat, datum)
    back = to_cgcs2000(*there, datum)
    assert _metres(lon, lat, *back).max() < 1e-4
    again = from_cgcs2000(*to_cgcs2000(lon, lat, datum), datum)
    assert _metres(lon, lat, *again).max() < 1e-4


@pytest.mark.parametrize(("datum", "low", "high"), [("gcj02", 400, 600), ("bd09", 900, 1600)])
def test_the_shift_in_jiangsu_has_its_known_size_and_direction(datum: str, low: float, high: float) -> None:
    lon, lat = _province_grid()
    x, y = from_cgcs2000(lon, lat, datum)
    shift = _metres(lon, lat, x, y)
    assert low < shift.min()
    assert shift.max() < high
    assert (x > lon).all(), "the shift goes east"


@pytest.mark.parametrize("datum", SHIFTED)
def test_forward_equals_the_naive_formula_on_a_dense_grid(datum: str) -> None:
    lon, lat = np.meshgrid(np.linspace(73.0, 137.0, 60), np.linspace(2.0, 55.0, 50))
    x, y = from_cgcs2000(lon, lat, datum)
    naive = np.array([FORWARD[datum](a, b) for a, b in zip(lon.ravel(), lat.ravel(), strict=True)])
    assert _metres(x.ravel(), y.ravel(), naive[:, 0], naive[:, 1]).max() < 1e-6


@pytest.mark.parametrize("datum", SHIFTED)
@given(lon=jiangsu_lon, lat=jiangsu_lat)
@settings(max_examples=60, deadline=None)
def test_inverse_equals_newtons_method_on_the_naive_formula(datum: str, lon: float, lat: float) -> None:
    x, y = to_cgcs2000(lon, lat, datum)
    nx, ny = gcj02_naive.newton_inverse(FORWARD[datum], lon, lat)
    assert _metres(float(x), float(y), nx, ny) < 1e-5


def test_published_pairs_of_the_formula() -> None:
    # 天安门附近, the pair every port of the formula prints; six decimals are a decimetre.
    x, y = from_cgcs2000(116.404, 39.915, "gcj02")
    assert (round(float(x), 6), round(float(y), 6)) == (116.410244, 39.916404)
    u, v = from_cgcs2000(*to_cgcs2000(116.404, 39.915, "gcj02"), "bd09")
    assert (round(float(u), 5), round(float(v), 5)) == (116.41037, 39.92134)


def test_outside_the_rectangle_gcj02_is_wgs84() -> None:
    lon, lat = np.array([0.0, 139.7, 103.8, 150.0]), np.array([51.5, 35.7, 0.5, 60.0])
    for convert in (to_cgcs2000, from_cgcs2000):
        x, y = convert(lon, lat, "gcj02")
        assert x.tolist() == lon.tolist()
        assert y.tolist() == lat.tolist()
    there = from_cgcs2000(lon, lat, "bd09")
    assert (there[0] != lon).all(), "BD-09 keeps its own offset"
    back = to_cgcs2000(*there, "bd09")
    assert np.allclose(back, (lon, lat), atol=1e-9)


def test_wgs84_and_cgcs2000_are_one_by_policy() -> None:
    lon, lat = np.array([118.8, 120.6]), np.array([32.1, 31.3])
    for datum in ("wgs84", "cgcs2000"):
        assert np.array_equal(to_cgcs2000(lon, lat, datum), (lon, lat))
    assert CRS(4490) != CRS(4326), "the trap the policy is for"
    assert all(is_store_crs(crs) for crs in ("EPSG:4490", "EPSG:4326", "OGC:CRS84", CRS(4490)))
    assert not any(is_store_crs(crs) for crs in (None, "EPSG:3857", "EPSG:4549", "EPSG:4214", ALBERS))


def test_shapes_scalars_and_nan_are_kept() -> None:
    x, y = to_cgcs2000(120.0, 32.0, "gcj02")
    assert x.shape == y.shape == ()
    x, y = to_cgcs2000(np.full((2, 3), 120.0), 32.0, "bd09")
    assert x.shape == y.shape == (2, 3)
    x, y = to_cgcs2000([120.0, np.nan], [32.0, 32.0], "gcj02")
    assert np.isfinite(x[0])
    assert np.isnan(x[1])
    assert to_cgcs2000([], [], "bd09")[0].size == 0


def test_the_input_is_not_changed() -> None:
    lon, lat = np.array([120.0]), np.array([32.0])
    for datum in ("wgs84", "gcj02"):
        x, _ = to_cgcs2000(lon, lat, datum)
        x += 1
        assert lon[0] == 120.0


@pytest.mark.parametrize(
    ("text", "datum"),
    [
        ("WGS84", "wgs84"),
        ("wgs-84", "wgs84"),
        ("EPSG:4490", "cgcs2000"),
        (" GCJ-02 ", "gcj02"),
        ("bd_09", "bd09"),
    ],
)
def test_datum_words(text: str, datum: str) -> None:
    assert parse_datum(text) == datum


@pytest.mark.parametrize("text", ["unknown", "", None, "未知", "beijing54", float("nan"), 84])
def test_an_unknown_datum_is_refused_with_the_reason(text: object) -> None:
    with pytest.raises(DatumError, match=r"不能猜测.*wgs84、cgcs2000、gcj02、bd09"):
        parse_datum(text)


@pytest.mark.parametrize(("lon", "lat"), [(32.0, 118.8), (500000.0, 3500000.0), (np.inf, 32.0)])
def test_what_cannot_be_degrees_is_refused(lon: float, lat: float) -> None:
    with pytest.raises(DatumError, match="1 个坐标不是经纬度"):
        to_cgcs2000([lon, 120.0], [lat, 32.0], "gcj02")


def test_geometries_keep_shared_vertices_and_shape() -> None:
    left = shapely.Polygon([(119, 32), (120, 32), (120.0, 33.1), (119, 33)])
    right = shapely.Polygon([(120, 32), (121, 32), (121, 33), (120.0, 33.1)])
    moved = convert_geometry([left, right], "gcj02", "cgcs2000")
    assert shapely.coverage_is_valid(moved)
    shared = set(moved[0].exterior.coords) & set(moved[1].exterior.coords)
    assert len(shared) == 2
    back = convert_geometry(moved, "cgcs2000", "gcj02")
    assert shapely.equals_exact(back, [left, right], tolerance=1e-9).all()


def test_geometry_conversion_drops_z_and_takes_every_type() -> None:
    geoms = [shapely.Point(119, 32, 7), shapely.MultiPoint([(119, 32), (120, 33)]), shapely.Point(), None]
    moved = convert_geometry(geoms, "wgs84", "bd09")
    assert not shapely.has_z(moved[0])
    assert moved[0].x == moved[1].geoms[0].x
    assert moved[2].is_empty
    assert moved[3] is None


def _frame(crs: object) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(geometry=gpd.points_from_xy([119.0], [32.0]), crs=crs)


def test_albers_keeps_areas() -> None:
    cells = gpd.GeoDataFrame(
        geometry=[
            shapely.box(x, y, x + 0.25, y + 0.25) for x in (116.5, 119, 121.5) for y in (30.8, 33, 34.8)
        ],
        crs=STORE_CRS,
    )
    densified = cells.geometry.segmentize(0.001)
    exact = np.array([abs(GEOD.geometry_area_perimeter(cell)[0]) for cell in densified])
    assert np.allclose(densified.to_crs(ALBERS).area / exact, 1.0, atol=1e-6)


def test_albers_keeps_lengths_within_the_stated_bound() -> None:
    lon, lat = np.meshgrid(np.linspace(116.4, 121.9, 12), np.linspace(30.8, 35.1, 10))
    for d_lon, d_lat in ((0.01, 0), (0, 0.01)):
        start = gpd.GeoSeries(gpd.points_from_xy(lon.ravel(), lat.ravel()), crs=STORE_CRS).to_crs(ALBERS)
        end = gpd.GeoSeries(gpd.points_from_xy(lon.ravel() + d_lon, lat.ravel() + d_lat), crs=STORE_CRS)
        ratio = start.distance(end.to_crs(ALBERS)) / _metres(
            lon.ravel(), lat.ravel(), lon.ravel() + d_lon, lat.ravel() + d_lat
        )
        assert np.abs(ratio - 1).max() < 0.00042


def test_albers_survives_being_written_and_read() -> None:
    for text in (ALBERS.to_json(), ALBERS.to_wkt()):
        require_metric(_frame(STORE_CRS).set_crs(CRS.from_user_input(text), allow_override=True))
    assert ALBERS.axis_info[0].unit_name == "metre"


def test_metric_functions_refuse_what_does_not_measure() -> None:
    require_metric(to_albers(_frame(STORE_CRS)))
    for code in EXPORT_CRS:
        require_metric(_frame(STORE_CRS).to_crs(code))
    for crs in (STORE_CRS, "EPSG:4326", "EPSG:3857", "EPSG:32650"):
        with pytest.raises(CrsError, match="不能用于量算"):
            require_metric(_frame(STORE_CRS).to_crs(crs))
    for refuse in (require_metric, to_albers):
        with pytest.raises(CrsError, match="没有坐标系"):
            refuse(_frame(None))


def test_wgs84_and_cgcs2000_project_to_the_same_metres() -> None:
    points = [to_albers(_frame(crs)).geometry.iloc[0] for crs in ("EPSG:4490", "EPSG:4326")]
    assert points[0].equals(points[1])
    assert abs(points[0].x) < 1e-6


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
