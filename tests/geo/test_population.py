"""The population grid keeps the census to the person, and nobody is in two groups that exclude each other."""

from functools import partial

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo import population as methods
from geo.crs import ALBERS, STORE_CRS
from geo.errors import PopulationError
from geo.population import CELL_COLUMNS, CENSUS_COLUMNS, spread_to_whole
from tests.geo.worlds import checkerboard
from tests.oracles.population_naive import hamilton_counts

build_population_grid = partial(
    methods.build_population_grid, resolution_m=500, urban_density_per_km2=8_000.0
)
grid_from_pattern = partial(methods.grid_from_pattern, resolution_m=500)


def _census(counties: gpd.GeoDataFrame, seed: int = 0, largest: int = 200_000) -> pd.DataFrame:
    """Consistent random counts, some zero."""
    rng = np.random.default_rng(seed)
    n = len(counties)
    population = rng.integers(0, largest, n)
    parts = rng.dirichlet([1, 1, 2, 4, 12], n)
    split = np.floor(parts * population[:, None]).astype(int)
    urban = rng.integers(0, population + 1)
    older = rng.integers(0, split[:, 3] + 1)
    table = {
        "population": population,
        "urban": urban,
        "rural": population - urban,
        "under_3": split[:, 0],
        "age_3_5": split[:, 1],
        "age_6_14": split[:, 2],
        "age_60_plus": split[:, 3],
        "age_65_plus": older,
        "age_80_plus": rng.integers(0, older + 1),
    }
    return pd.DataFrame(table, index=counties["adcode"].to_numpy())


def _places(counties: gpd.GeoDataFrame, seed: int = 0, each: int = 2) -> gpd.GeoDataFrame:
    rng = np.random.default_rng(seed)
    west, south, east, north = counties.total_bounds
    n = each * len(counties)
    return gpd.GeoDataFrame(
        {"weight": rng.integers(1, 9, n).astype(float)},
        geometry=gpd.points_from_xy(rng.uniform(west, east, n), rng.uniform(south, north, n)),
        crs=ALBERS,
    )


NO_PLACES = gpd.GeoDataFrame({"weight": np.empty(0)}, geometry=gpd.GeoSeries([], crs=ALBERS))


def _require_laws(grid: pd.DataFrame, census: pd.DataFrame) -> None:
    assert tuple(grid.columns) == CELL_COLUMNS
    totals = grid.groupby("adcode")[list(CENSUS_COLUMNS)].sum()
    pd.testing.assert_frame_equal(
        totals, census.sort_index()[list(CENSUS_COLUMNS)], check_names=False, check_index_type=False
    )
    assert (grid[list(CENSUS_COLUMNS)] >= 0).all(axis=None)
    assert (grid[list(CENSUS_COLUMNS)].dtypes == np.int64).all()
    assert (grid["urban"] + grid["rural"] == grid["population"]).all()
    exclusive = grid[["under_3", "age_3_5", "age_6_14", "age_60_plus"]].sum(axis=1)
    assert (exclusive <= grid["population"]).all()
    assert (grid["age_65_plus"] <= grid["age_60_plus"]).all()
    assert (grid["age_80_plus"] <= grid["age_65_plus"]).all()
    assert grid["cell_id"].is_monotonic_increasing
    assert grid["cell_id"].is_unique


@given(
    seed=st.integers(0, 100_000),
    largest=st.sampled_from([3, 60, 5_000, 3_000_000]),
    each=st.integers(0, 5),
    lake=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_census_is_kept_to_the_person_in_every_group(seed: int, largest: int, each: int, lake: bool) -> None:
    counties = checkerboard(3, 2, size=5_300.0, west=-777.0)
    census = _census(counties, seed, largest)
    water = (
        gpd.GeoDataFrame(geometry=[shapely.Point(4_000, 3_504_000).buffer(2_000)], crs=ALBERS)
        if lake
        else None
    )
    places = _places(counties, seed, each) if each else NO_PLACES
    grid = build_population_grid(counties, census, places, water)
    _require_laws(grid, census)
    assert grid["population"].sum() == census["population"].sum()


@given(seed=st.integers(0, 100_000), scale=st.booleans())
@settings(max_examples=30, deadline=None)
def test_a_measured_pattern_keeps_the_same_laws(seed: int, scale: bool) -> None:
    counties = checkerboard(3, 2, size=5_300.0, west=-777.0)
    census = _census(counties, seed)
    ids = build_population_grid(counties, census, NO_PLACES, None)["cell_id"]
    rng = np.random.default_rng(seed)
    pattern = pd.Series(rng.gamma(0.3, 300, len(ids)), index=ids.to_numpy())
    grid = grid_from_pattern(counties, census, pattern, None, scale_to_census=scale)
    if scale:
        _require_laws(grid, census)
        return
    raster = pattern.groupby(grid.set_index("cell_id")["adcode"]).sum().round().astype(int)
    totals = grid.groupby("adcode")[list(CENSUS_COLUMNS)].sum()
    assert totals["population"].tolist() == raster.tolist()
    _require_laws(grid, totals)
    known = census["population"] > 0
    share = census.loc[known, "age_60_plus"] / census.loc[known, "population"]
    assert np.allclose(totals.loc[known, "age_60_plus"] / totals.loc[known, "population"], share, atol=2e-3)


def test_the_same_input_gives_the_same_cells_in_any_order() -> None:
    counties = checkerboard(3, 3, size=4_000.0)
    census, places = _census(counties, 5), _places(counties, 5)
    grid = build_population_grid(counties, census, places, None)
    again = build_population_grid(
        counties.sample(frac=1, random_state=1),
        census.sample(frac=1, random_state=2)[::-1],
        places.sample(frac=1, random_state=3),
        None,
    )
    pd.testing.assert_frame_equal(grid, again)
    assert grid["adcode"].iloc[0] == "320001"


def test_degrees_and_metres_give_the_same_people() -> None:
    counties = checkerboard(2, 2, size=4_000.0)
    census, places = _census(counties, 7), _places(counties, 7)
    grid = build_population_grid(counties, census, places, None)
    degrees = build_population_grid(
        counties.to_crs(STORE_CRS).set_index("adcode"), census, places.to_crs("EPSG:4326"), None
    )
    merged = grid.merge(degrees, on="cell_id", suffixes=("", "_degrees"))
    assert len(merged) > 0.95 * len(grid)
    assert (merged["population"] - merged["population_degrees"]).abs().max() <= 2


def _one_county(size: float = 40_000.0) -> gpd.GeoDataFrame:
    return checkerboard(1, 1, size=size)


def _counts(population: int, urban: int) -> pd.DataFrame:
    row = dict.fromkeys(CENSUS_COLUMNS, 0) | {
        "population": population,
        "urban": urban,
        "rural": population - urban,
    }
    return pd.DataFrame([row], index=["320001"])


def _town(x: float, y: float, weight: float = 1.0) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"weight": [weight]}, geometry=[shapely.Point(x, y)], crs=ALBERS)


def test_urban_people_live_around_their_place_at_the_typical_density() -> None:
    grid = build_population_grid(_one_county(), _counts(400_000, 400_000), _town(20_000, 3_520_000), None)
    distance = np.hypot(grid["x"] - 20_000, grid["y"] - 3_520_000)
    reach = np.sqrt(400_000 / 8_000 / np.pi) * 1_000
    assert grid["population"].max() / 0.25 == pytest.approx(8_000, rel=0.03)
    # A Gaussian holds 1 − 1/e of its people within its radius.
    assert grid.loc[distance <= reach, "urban"].sum() / 400_000 == pytest.approx(1 - np.exp(-1), abs=0.02)
    near_first = grid.assign(distance=distance).sort_values("distance")["population"].to_numpy()
    assert near_first[0] > near_first[200] > near_first[2000]


def test_a_denser_setting_draws_the_town_together() -> None:
    spread = [
        build_population_grid(
            _one_county(),
            _counts(400_000, 400_000),
            _town(20_000, 3_520_000),
            None,
            urban_density_per_km2=density,
        )["population"].max()
        for density in (4_000.0, 16_000.0)
    ]
    assert spread[1] == pytest.approx(4 * spread[0], rel=0.05)


def test_a_town_at_the_border_reaches_inland_not_denser() -> None:
    corner = build_population_grid(_one_county(), _counts(400_000, 400_000), _town(1, 3_500_001), None)
    assert corner["population"].max() / 0.25 == pytest.approx(8_000, rel=0.05)


def test_places_share_by_weight() -> None:
    towns = gpd.GeoDataFrame(
        {"weight": [3.0, 1.0]},
        geometry=[shapely.Point(10_000, 3_510_000), shapely.Point(30_000, 3_530_000)],
        crs=ALBERS,
    )
    grid = build_population_grid(_one_county(), _counts(100_000, 100_000), towns, None)
    first = grid["x"] + grid["y"] < 20_000 + 3_520_000
    assert grid.loc[first, "urban"].sum() == pytest.approx(75_000, abs=100)


def test_rural_people_live_evenly_on_land_and_nobody_on_water() -> None:
    lake = gpd.GeoDataFrame(geometry=[shapely.box(10_000, 3_510_000, 20_000, 3_520_000)], crs=ALBERS)
    grid = build_population_grid(_one_county(), _counts(150_000, 0), _town(15_000, 3_515_000), lake)
    assert len(grid) == 80 * 80 - 20 * 20
    assert set(grid["population"]) == {25}
    inside = grid["x"].between(10_000, 20_000) & grid["y"].between(3_510_000, 3_520_000)
    assert not inside.any()


def test_a_town_drawn_on_the_water_lives_at_its_shore() -> None:
    lake = gpd.GeoDataFrame(geometry=[shapely.box(10_000, 3_510_000, 20_000, 3_520_000)], crs=ALBERS)
    grid = build_population_grid(_one_county(), _counts(50_000, 50_000), _town(15_000, 3_515_000), lake)
    distance = np.hypot(grid["x"] - 15_000, grid["y"] - 3_515_000)
    assert (grid["urban"] * distance).sum() / 50_000 < 9_000


def test_a_county_without_places_spreads_evenly_and_other_counties_places_do_not_count() -> None:
    counties = checkerboard(2, 1, size=5_000.0)
    census = pd.concat([_counts(1_000, 1_000), _counts(1_000, 1_000).set_axis(["320002"])])
    grid = build_population_grid(counties, census, _town(2_500, 3_502_500), None)
    alone = grid[grid["adcode"] == "320002"]
    assert set(alone["population"]) == {10}
    assert grid.loc[grid["adcode"] == "320001", "population"].max() > 20


def test_a_pattern_is_followed_and_its_densest_cells_are_urban() -> None:
    county = _one_county(2_000.0)
    ids = build_population_grid(county, _counts(16, 0), NO_PLACES, None)["cell_id"].to_numpy()
    pattern = pd.Series(np.arange(16.0) ** 2, index=ids)
    census = _counts(12_400, 5_000)
    grid = grid_from_pattern(county, census, pattern, None)
    assert grid["population"].tolist() == [10 * n * n for n in range(16)]
    assert grid["urban"].tolist() == [0] * 13 + [790, 1960, 2250]
    raw = grid_from_pattern(county, census, pattern, None, scale_to_census=False)
    assert raw["population"].tolist() == [n * n for n in range(16)]
    assert raw["urban"].sum() == 500


def test_a_county_the_pattern_misses_is_named() -> None:
    counties = checkerboard(2, 1, size=2_000.0)
    census = pd.concat([_counts(10, 5), _counts(10, 5).set_axis(["320002"])])
    ids = build_population_grid(counties, census, NO_PLACES, None)
    pattern = pd.Series(1.0, index=ids.loc[ids["adcode"] == "320001", "cell_id"].to_numpy())
    with pytest.raises(PopulationError, match="320002"):
        grid_from_pattern(counties, census, pattern, None)


def test_of_many_counties_the_pattern_misses_the_first_ten_are_named() -> None:
    counties = checkerboard(6, 2, size=1_000.0)
    census = pd.concat([_counts(10, 5).set_axis([code]) for code in counties["adcode"]])
    ids = build_population_grid(counties, census, NO_PLACES, None)
    pattern = pd.Series(1.0, index=ids.loc[ids["adcode"] == "320002", "cell_id"].to_numpy())
    named = "、".join(code for code in counties["adcode"] if code != "320002" and code < "320012")
    assert named.count("、") == 9
    with pytest.raises(PopulationError, match=f"在 11 个县（市、区）没有人口：{named}。"):
        grid_from_pattern(counties, census, pattern, None)


def test_a_county_no_wider_than_its_town_is_filled_by_it() -> None:
    county = checkerboard(1, 1, size=500.0)
    grid = build_population_grid(county, _counts(90, 70), _town(250, 3_500_250), None)
    assert grid[["population", "urban"]].to_numpy().tolist() == [[90, 70]]


def test_the_lots_of_the_groups_fall_on_no_part_of_the_county_and_not_on_the_same_cells() -> None:
    """One person on each cell, a quarter of them of a group: who they are is drawn, for each group anew."""
    groups = ["under_3", "age_3_5", "age_60_plus"]
    census = _counts(1024, 0).assign(**dict.fromkeys(groups, 256), age_65_plus=128, age_80_plus=64)
    grid = build_population_grid(_one_county(16_000.0), census, NO_PLACES, None)
    assert (grid["population"] == 1).all()
    column, line = grid["x"] // 500, (grid["y"] - 3_500_000) // 500
    for half in (column < 16, line < 16, column % 2 == 0, line % 2 == 0, column + line < 32):
        for group in [*groups, "age_65_plus"]:
            assert 0.35 < grid.loc[half, group].sum() / grid[group].sum() < 0.65, group
    places = [tuple(np.flatnonzero(grid[group])) for group in groups]
    assert len(set(places)) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"urban": 7}, "城镇与乡村之和"),
        ({"under_3": 11}, "少儿与老年人口之和"),
        ({"age_65_plus": 1}, "65 岁及以上多于"),
        ({"age_80_plus": 1}, "80 岁及以上多于"),
        ({"population": -1}, "不是非负整数"),
        ({"population": 10.5}, "不是非负整数"),
        ({"population": np.nan}, "不是非负整数"),
    ],
)
def test_counts_that_contradict_themselves_are_refused(change: dict[str, float], message: str) -> None:
    census = _counts(10, 4).astype(float)
    for column, value in change.items():
        census.loc["320001", column] = value
    with pytest.raises(PopulationError, match=rf"320001.*{message}"):
        build_population_grid(_one_county(2_000.0), census, NO_PLACES, None)


def test_missing_counties_columns_and_weights_are_refused() -> None:
    county = _one_county(2_000.0)
    with pytest.raises(PopulationError, match="缺少 1 个县（市、区）：320001"):
        build_population_grid(county, _counts(1, 1).set_axis(["320009"]), NO_PLACES, None)
    with pytest.raises(PopulationError, match="缺少列：rural"):
        build_population_grid(county, _counts(1, 1).drop(columns="rural"), NO_PLACES, None)
    with pytest.raises(PopulationError, match="权重"):
        build_population_grid(county, _counts(1, 1), _town(1, 3_500_001, weight=0.0), None)


weights = st.lists(st.integers(0, 1000), min_size=1, max_size=40).filter(lambda w: sum(w) > 0)


def _one_group(total: int, weight: list[int], key: np.ndarray | None = None) -> np.ndarray:
    keys = np.arange(len(weight)) if key is None else key
    return spread_to_whole(
        np.array([total]), np.zeros(len(weight), dtype=int), np.array(weight, dtype=float), keys
    )


@given(weight=weights, total=st.integers(0, 10_000))
@settings(max_examples=200, deadline=None)
def test_equals_hamiltons_method_in_fractions(weight: list[int], total: int) -> None:
    result = _one_group(total, weight)
    whole, allowed = hamilton_counts(total, weight)
    assert result.sum() == total
    extra = result - np.array(whole)
    assert set(np.unique(extra)) <= {0, 1}
    assert set(np.flatnonzero(extra)) <= allowed


@given(weight=weights, data=st.data())
@settings(max_examples=100, deadline=None)
def test_no_entry_exceeds_its_weight_when_the_total_does_not(weight: list[int], data: st.DataObject) -> None:
    total = data.draw(st.integers(0, sum(weight)))
    result = _one_group(total, weight)
    assert (result <= weight).all()
    assert (result >= 0).all()
    assert (result[np.array(weight) == 0] == 0).all()


@given(seed=st.integers(0, 10_000))
@settings(max_examples=50, deadline=None)
def test_order_never_matters(seed: int) -> None:
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 4, 200)
    weight = rng.integers(0, 3, 200).astype(float)
    weight[:4], group[:4] = 1, np.arange(4)
    key = rng.permutation(10_000)[:200]
    totals = rng.integers(0, 500, 4)
    result = spread_to_whole(totals, group, weight, key)
    assert np.bincount(group, weights=result, minlength=4).tolist() == totals.tolist()
    turn = rng.permutation(200)
    assert np.array_equal(spread_to_whole(totals, group[turn], weight[turn], key[turn]), result[turn])


def test_equal_claims_are_drawn_by_lot_not_by_place() -> None:
    result = _one_group(500, [1] * 1000)
    assert result.sum() == 500
    assert 200 < result[:500].sum() < 300
    other = _one_group(500, [1] * 1000, key=np.arange(1000) + 10_000)
    assert not np.array_equal(result, other), "another key, another lot"
    assert np.array_equal(result, _one_group(500, [1] * 1000))


def test_dust_of_floating_point_loses_nobody() -> None:
    weight = np.full(30_000, 0.1)
    weight[::7] += 1e-14
    for total in (3, 2_999, 3_000_000, 3_000_001):
        result = spread_to_whole(np.array([total]), np.zeros(30_000, dtype=int), weight, np.arange(30_000))
        assert result.sum() == total
        assert np.ptp(result) <= 1


@pytest.mark.parametrize("odd", [1, 3, 5])
def test_whom_a_rounding_leaves_over_goes_to_those_who_have_a_weight(odd: int) -> None:
    """A share of so many people is one less or more than there are: a float has no odd numbers there."""
    total = 2**53 + odd
    assert _one_group(total, [0, 1, 0]).tolist() == [0, total, 0]


def test_groups_are_independent_and_empty_ones_pass() -> None:
    totals = np.array([3, 0, 5])
    result = spread_to_whole(totals, np.array([0, 0, 2, 2]), np.array([1.0, 2.0, 1.0, 0.0]), np.arange(4))
    assert result.tolist() == [1, 2, 5, 0]


def test_people_without_a_place_are_refused() -> None:
    with pytest.raises(PopulationError, match="1 组人口"):
        spread_to_whole(np.array([1, 4]), np.array([0, 1]), np.array([1.0, 0.0]), np.arange(2))
