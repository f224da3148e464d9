"""The packaged population grid, and rasters that take its pattern's place."""

from functools import cache
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from affine import Affine
from pyproj import Transformer

from data.faults import FaultReport
from data.ingest.population import import_population_raster
from data.regions.population import (
    CENSUS_YEAR,
    PopulationGrid,
    census_inputs,
    load_imported_pattern,
    load_waters,
    make_population_grid,
    weighted_places,
)
from data.registry import Registry, load_registry
from data.store.staging import imports_dir
from geo.crs import ALBERS, STORE_CRS, to_albers
from geo.errors import PopulationError
from geo.population import CELL_COLUMNS, CENSUS_COLUMNS
from geo.regions import area_km2, assign_regions
from tests.data.surveyed_waters import surveyed
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


def test_the_province_is_there_to_the_person() -> None:
    grid = _grid()
    assert tuple(grid.frame.columns) == CELL_COLUMNS
    totals = grid.frame.groupby("adcode")[list(CENSUS_COLUMNS)].sum()
    census = census_inputs(_registry(), region_table())
    pd.testing.assert_frame_equal(totals, census, check_names=False, check_index_type=False)
    assert len(census) == 95
    # 84,748,016 less the people of 连云港 and 镇江 that no county has.
    assert 84_000_000 < grid.frame["population"].sum() < 84_748_016
    assert 380_000 < len(grid.frame) < 400_000


def test_census_inputs_are_the_published_counts() -> None:
    published = pd.read_csv(real_path(f"statistics/census_{CENSUS_YEAR}.csv"), dtype=str)
    published = published.set_index(published.columns[0])
    number = lambda code, column: int(float(published.loc[code, column]))  # noqa: E731
    census = census_inputs(_registry(), region_table())
    for code in ("320102", "320583", "321324"):
        assert census.loc[code, "population"] == number(code, "人口数_合计")
        assert census.loc[code, "urban"] == number(code, "城镇人口")
        oldest = [number(code, f"{sex}_{ages}") for sex in "男女" for ages in ("80到84岁", "85岁以上")]
        assert census.loc[code, "age_80_plus"] == sum(oldest)


def test_groups_stay_consistent_in_every_cell() -> None:
    frame = _grid().frame
    assert (frame["urban"] + frame["rural"] == frame["population"]).all()
    exclusive = frame[["under_3", "age_3_5", "age_6_14", "age_60_plus"]].sum(axis=1)
    assert (exclusive <= frame["population"]).all()
    assert (frame["age_80_plus"] <= frame["age_65_plus"]).all()
    assert (frame["age_65_plus"] <= frame["age_60_plus"]).all()


def test_cells_lie_in_their_county_and_add_up_to_its_land() -> None:
    frame = _grid().frame
    sample = frame.sample(3_000, random_state=1)
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(sample["x"], sample["y"]), crs=ALBERS)
    assert assign_regions(points, to_albers(_counties())).tolist() == sample["adcode"].tolist()
    land = _counties().set_index("adcode")["area_km2"]
    share = frame.groupby("adcode")["area_km2"].sum() / land
    assert share.max() <= 1 + 1e-9
    assert share["320321"] == pytest.approx(1.0, abs=1e-6), "丰县 has no lake"
    assert share["320506"] < 0.5, "吴中区 is mostly 太湖"


def test_nobody_lives_on_open_water() -> None:
    frame = _grid().frame
    # Half a cell's diagonal in from the shore there is no land in a cell.
    open_water = shapely.union_all(to_albers(load_waters()).buffer(-354).to_numpy())
    points = shapely.points(frame["x"], frame["y"])
    shapely.prepare(open_water)
    assert not shapely.covers(open_water, points).any()
    assert open_water.area > 4e9


def test_towns_are_denser_than_the_country_around() -> None:
    frame = _grid().frame
    seats = _counties().set_index("adcode")[["seat_lon", "seat_lat"]]
    forward = Transformer.from_crs(STORE_CRS, ALBERS, always_xy=True)
    for code in ("320321", "320583", "320981", "321324", "320102"):
        x, y = forward.transform(*seats.loc[code])
        own = frame[frame["adcode"] == code]
        distance = np.hypot(own["x"] - x, own["y"] - y)
        assert own.loc[distance < 1_500, "population"].mean() > 2 * own["population"].mean(), code
    assert (frame["population"] / frame["area_km2"]).quantile(0.9999) < 60_000


def test_the_grid_says_that_it_is_modelled() -> None:
    meta = _grid().meta()
    assert meta["population_pattern"] == "modelled"
    assert "推算" in meta["population_note"]
    assert meta["population_resolution_m"] == "500"


def test_half_of_the_weight_of_a_county_is_its_seat() -> None:
    places = weighted_places(region_table())
    home = assign_regions(places, _counties())
    assert set(home.dropna()) == set(_counties()["adcode"])
    weight = places["weight"].groupby(home.to_numpy()).agg(["sum", "max"])
    assert ((weight["max"] / weight["sum"]) >= 0.5 - 1e-9).all()


def test_waters_are_valid_and_near_their_known_size() -> None:
    waters = load_waters().set_index("name")
    assert waters.geometry.is_valid.all()
    size = area_km2(waters)
    for name, low, high in (
        ("太湖", 2_300, 2_550),
        ("洪泽湖", 1_500, 2_400),
        ("高邮湖", 650, 900),
        ("滆湖", 140, 200),
    ):
        assert low < size[name] < high, name
    for name in ("太湖", "洪泽湖", "高邮湖", "石臼湖", "骆马湖"):
        shape = waters.geometry[name]
        assert shape.intersection(surveyed(name)).area > 0.9 * shape.area, name
    # West of 119.6°E the survey knows the Yangtze as a river: ours keeps to it.
    upper = waters.geometry["长江"].intersection(shapely.box(118, 31, 119.6, 33))
    assert upper.intersection(surveyed("长江")).area > 0.8 * upper.area


def _raster(
    path: Path,
    *,
    crs: str | None = "EPSG:4326",
    bounds: tuple[float, float, float, float] = (116.2, 30.6, 122.1, 35.2),
    pixel: float = 1 / 120,
    values: np.ndarray | None = None,
    nodata: float | None = -99999.0,
    bands: int = 1,
) -> Path:
    """A GeoTIFF of people per pixel; without values every pixel holds as many as its column number."""
    width, height = round((bounds[2] - bounds[0]) / pixel), round((bounds[3] - bounds[1]) / pixel)
    if values is None:
        values = np.tile(np.arange(width, dtype=np.float32), (height, 1))
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=values.shape[1],
        height=values.shape[0],
        count=bands,
        dtype=values.dtype,
        crs=crs,
        transform=Affine(pixel, 0, bounds[0], 0, -pixel, bounds[3]),
        nodata=nodata,
        compress="deflate",
    ) as target:
        for band in range(1, bands + 1):
            target.write(values, band)
    return path


def _import(path: Path, data_dir: Path, **options: object) -> object:
    return import_population_raster(path, data_dir, _registry(), region_table(), **options)


def _problems(path: Path, data_dir: Path, **options: object) -> list[str]:
    with pytest.raises(FaultReport) as caught:
        _import(path, data_dir, **options)
    assert not (imports_dir(data_dir) / "population.parquet").exists()
    assert all(fault.remedy and fault.file == path.name for fault in caught.value.faults)
    return [fault.problem for fault in caught.value.faults]


def test_a_raster_takes_the_place_of_the_pattern_and_keeps_the_census(tmp_path: Path) -> None:
    values = np.tile(np.arange(708, dtype=np.float32), (552, 1))
    values[100:103, 100:103] = -99999.0
    path = _raster(tmp_path / "people.tif", values=values)
    summary = _import(path, tmp_path, source="试验栅格")
    assert summary.details["scale_to_census"] == "yes"
    assert any("各县人口仍为普查数" in note for note in summary.notes)
    grid = make_population_grid(_registry(), region_table(), tmp_path)
    assert (grid.pattern, grid.source) == ("raster", "试验栅格")
    totals = grid.frame.groupby("adcode")["population"].sum()
    assert totals.to_dict() == census_inputs(_registry(), region_table())["population"].to_dict()
    # More people in the east of every county, as the raster has it.
    own = grid.frame[grid.frame["adcode"] == "320321"]
    assert np.corrcoef(own["x"], own["population"])[0, 1] > 0.5
    with pytest.raises(PopulationError, match="请重新导入人口栅格"):
        load_imported_pattern(tmp_path, 1_000.0)


def test_a_failing_build_takes_the_raster_back(tmp_path: Path) -> None:
    def build() -> None:
        assert load_imported_pattern(tmp_path, 500.0) is not None
        raise RuntimeError("构建失败")

    with pytest.raises(RuntimeError, match="构建失败"):
        _import(_raster(tmp_path / "people.tif"), tmp_path, rebuild=build)
    assert load_imported_pattern(tmp_path, 500.0) is None


def test_people_of_pixels_reach_the_cells_they_lie_in(tmp_path: Path) -> None:
    values = np.zeros((552, 708), dtype=np.float32)
    rng = np.random.default_rng(4)
    values[:] = 1e-3
    # On the plain west of 盐城: land all around.
    spots = list(zip(rng.integers(195, 235, 20).tolist(), rng.integers(456, 490, 20).tolist(), strict=True))
    for row, column in spots:
        values[row, column] = 900
    _import(_raster(tmp_path / "spots.tif", values=values), tmp_path)
    pattern, facts = load_imported_pattern(tmp_path, 500.0)
    assert facts["resolution_m"] == "500"
    frame = _grid().frame.set_index("cell_id").loc[pattern.index]
    forward = Transformer.from_crs(STORE_CRS, ALBERS, always_xy=True)
    for row, column in spots:
        x, y = forward.transform(116.2 + (column + 0.5) / 120, 35.2 - (row + 0.5) / 120)
        near = np.hypot(frame["x"] - x, frame["y"] - y) < 1_100
        assert pattern[near].sum() > 899.9


def test_pixels_as_large_as_cells_leave_no_gaps(tmp_path: Path) -> None:
    values = np.full((276, 354), 100.0, dtype=np.float32)
    _import(_raster(tmp_path / "coarse.tif", values=values, pixel=1 / 60), tmp_path)
    pattern, _ = load_imported_pattern(tmp_path, 500.0)
    cells = _grid().frame
    inner = cells[cells["area_km2"] == 0.25]
    assert inner["cell_id"].isin(pattern.index).all()


def test_a_projected_raster_gives_the_same_pattern(tmp_path: Path) -> None:
    west, south, east, north = to_albers(_counties()).total_bounds
    bounds = (west - 1_000, south - 1_000, east + 1_000, north + 1_000)
    values = np.ones(
        (int((bounds[3] - bounds[1]) // 250) + 1, int((bounds[2] - bounds[0]) // 250) + 1), dtype=np.float32
    )
    path = _raster(tmp_path / "albers.tif", crs=ALBERS.to_wkt(), bounds=bounds, pixel=250.0, values=values)
    _import(path, tmp_path)
    pattern, _ = load_imported_pattern(tmp_path, 500.0)
    assert pattern.median() == 4.0
    home = _grid().frame.set_index("cell_id")["adcode"]
    around = [column + 1_000_000 * row for column in (-1, 0, 1) for row in (-1, 0, 1)]
    inner = np.all([home.reindex(home.index + step).to_numpy() == home.to_numpy() for step in around], axis=0)
    assert inner.mean() > 0.85
    # Beside a border or water a cell also has people of its county who lie on no cell of it.
    assert pattern[home.index[inner]].between(2, 6).mean() > 0.999
    by_county = pattern.groupby(home).sum()
    ground = 16 * _counties().set_index("adcode")["area_km2"]
    assert (by_county / ground).between(0.99, 1.01).all(), "water and all: nobody is lost"


def test_unscaled_people_are_the_rasters_own(tmp_path: Path) -> None:
    modelled = _grid().frame
    column = ((modelled["x"] - modelled["x"].min()) // 500).astype(int)
    row = ((modelled["y"].max() - modelled["y"]) // 500).astype(int)
    values = np.zeros((row.max() + 1, column.max() + 1), dtype=np.float32)
    values[row, column] = np.round(modelled["population"] * 1.1) + 1
    west, north = modelled["x"].min() - 250, modelled["y"].max() + 250
    bounds = (west, north - values.shape[0] * 500, west + values.shape[1] * 500, north)
    path = _raster(tmp_path / "own.tif", crs=ALBERS.to_wkt(), bounds=bounds, pixel=500.0, values=values)
    _import(path, tmp_path, scale_to_census=False)
    grid = make_population_grid(_registry(), region_table(), tmp_path)
    assert grid.frame["population"].sum() == pytest.approx(values.sum(), rel=1e-6)
    assert "栅格原值" in grid.note
    older = grid.frame["age_65_plus"].sum() / grid.frame["population"].sum()
    assert older == pytest.approx(modelled["age_65_plus"].sum() / modelled["population"].sum(), abs=0.01)


SMALL = {"bounds": (118.0, 32.0, 119.0, 33.0), "pixel": 0.01}


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"crs": None, **SMALL}, "没有坐标系"),
        ({"bands": 2, **SMALL}, "2 个波段"),
        ({"values": np.ones((10, 10), dtype=np.float32), "bounds": (118, 32, 119, 33), "pixel": 0.1}, "过粗"),
        (
            {"values": np.ones((10, 10), dtype=np.float32), "bounds": (10, 50, 11, 51), "pixel": 0.01},
            "不在江苏",
        ),
        ({"values": np.ones((10, 10), dtype=np.complex64), **SMALL}, "complex64"),
        (SMALL, "个县（市、区）在栅格里没有人口"),
    ],
)
def test_rasters_that_do_not_do_are_refused(tmp_path: Path, options: dict, problem: str) -> None:
    path = _raster(tmp_path / "x.tif", **({"nodata": None} | options))
    found = _problems(path, tmp_path)
    assert len(found) == 1
    assert problem in found[0]


def test_negative_people_that_are_not_declared_as_no_data_are_counted(tmp_path: Path) -> None:
    values = np.full((552, 708), 5.0, dtype=np.float32)
    values[100:110, 100:110] = -99999.0
    assert any(
        "100 个像元的人数为负" in text
        for text in _problems(_raster(tmp_path / "a.tif", values=values, nodata=None), tmp_path)
    )


def test_a_density_is_no_count(tmp_path: Path) -> None:
    values = np.full((552, 708), 5_000.0, dtype=np.float32)
    path = _raster(tmp_path / "density.tif", values=values)
    assert "总人数是普查的" in _problems(path, tmp_path, scale_to_census=False)[0]


def test_what_is_no_geotiff_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "x.tif"
    text.write_text("ncols 10")
    assert "不是 GeoTIFF" in _problems(text, tmp_path)[0]
    cut = _raster(tmp_path / "cut.tif")
    cut.write_bytes(cut.read_bytes()[:2_000])
    assert len(_problems(cut, tmp_path)) == 1
    assert "不存在" in _problems(tmp_path / "none.tif", tmp_path)[0]
