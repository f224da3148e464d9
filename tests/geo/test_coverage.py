"""Coverage beside plain loops, its laws, and what is undefined with its reason."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, box

from geo.clusters import uncovered_clusters
from geo.coverage import (
    COLUMNS,
    GROUPS,
    LOWEST_ZERO,
    NO_AREA,
    NO_CELLS,
    NO_PEOPLE,
    NOBODY_REACHES,
    NOT_TWO,
    RURAL_ZERO,
    build_profile,
    coverage_table,
    cumulative_curve,
    region_gap,
    sensitivity,
    urban_rural_gap,
)
from geo.coverage_profile import MAX_TOTAL
from geo.crs import ALBERS
from geo.edge import edge_counties, search_radius_m
from geo.errors import CoverageError, CrsError, UnknownRegionError
from geo.modes import quantise_minutes
from geo.network import build_network
from geo.region_tree import LEVELS
from geo.travel import nearest_facility_network, nearest_facility_straight
from tests.geo.road_worlds import (
    COUNTIES,
    ORIGIN,
    WALK,
    cell_worlds,
    grid_roads,
    places,
    region_frame,
    travel_of,
)
from tests.oracles import coverage_naive

REGIONS = region_frame()
thresholds = st.integers(0, 200).map(lambda quarter: quarter / 4)
FIGURES = ("population", "covered_population", "population_coverage", "area_coverage", "mean_minutes")


def profile_of(world, group="population"):
    cells, minutes = world
    return build_profile(cells, travel_of(minutes), REGIONS, group=group)


def tables_of(world, threshold):
    """Return the table of every level, indexed by adcode."""
    profile = profile_of(world)
    return {level: coverage_table(profile, threshold, level=level).set_index("adcode") for level in LEVELS}


def table_of(world, threshold, *, level="county", group="population", **options):
    return coverage_table(profile_of(world, group), threshold, level=level, **options).set_index("adcode")


@pytest.mark.parametrize("radius", [10.2, 14.7, 10.1])
def test_a_threshold_may_be_as_long_as_the_search_radius(radius: float) -> None:
    cells = pd.DataFrame({"adcode": ["320102", "320102"], "area_km2": [1.0, 1.0], "population": [3.0, 4.0]})
    speed = WALK.straight_m_per_minute
    found = nearest_facility_straight(
        places((0, 0)), places((radius * speed, 0), (radius * speed + 1.0, 0)), mode=WALK, max_minutes=radius
    )
    table = coverage_table(build_profile(cells, found, REGIONS), radius).set_index("adcode")
    assert table.loc["320102", "covered_population"] == 3.0
    with pytest.raises(CoverageError, match="超过了通行时间的搜索半径"):
        coverage_table(build_profile(cells, found, REGIONS), radius + 0.1)


# Beside the oracle --------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(cell_worlds(), thresholds, st.sampled_from(LEVELS), st.sampled_from(["population", "age_65_plus"]))
def test_every_figure_equals_the_plain_loops(world, threshold, level, group):
    table = table_of(world, threshold, level=level, group=group)
    naive = coverage_naive.coverage(*world, REGIONS, threshold=threshold, level=level, group=group)
    assert list(table.index) == list(naive)
    for adcode, truth in naive.items():
        if truth["cells"] == 0:
            assert table.loc[adcode, list(FIGURES)].isna().all()
            continue
        for figure in (*FIGURES, "median_minutes", "unreachable_population"):
            assert np.isclose(
                float(table.loc[adcode, figure]), truth[figure], rtol=1e-9, atol=1e-6, equal_nan=True
            ), figure


def test_the_table_has_the_columns_that_were_promised():
    cells = pd.DataFrame({"adcode": ["320102"], "x": 0.0, "y": 0.0, "area_km2": 0.25, "population": 10.0})
    table = coverage_table(build_profile(cells, travel_of([3.0]), REGIONS), 15)
    assert tuple(table.columns) == COLUMNS
    assert list(table["adcode"]) == list(COUNTIES)
    first = table.iloc[0]
    assert (first["name"], first["level"], first["population_coverage"]) == ("甲一区", "county", 1.0)
    assert first["reason"] is None
    assert not first["edge"]


# Laws ---------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(cell_worlds(), thresholds)
def test_people_are_conserved_and_coverage_is_at_most_one(world, threshold):
    cells, _ = world
    for table in tables_of(world, threshold).values():
        assert np.isclose(table["population"].sum(), cells["population"].sum())
        for ratio in ("population_coverage", "area_coverage"):
            known = table[ratio].dropna()
            assert ((known >= 0.0) & (known <= 1.0)).all()
        rest = table["population"] - table["covered_population"] - table["unreachable_population"]
        assert (rest.dropna() >= -1e-6).all()


@settings(deadline=None, max_examples=60)
@given(cell_worlds(), thresholds, thresholds)
def test_a_larger_threshold_never_covers_less(world, one, two):
    low, high = sorted((one, two))
    fewer, greater = tables_of(world, low), tables_of(world, high)
    for level in LEVELS:
        less, more = fewer[level], greater[level]
        for figure in ("covered_population", "covered_area_km2", "population_coverage", "area_coverage"):
            both = less[figure].notna()
            assert (less.loc[both, figure] <= more.loc[both, figure]).all()


@settings(deadline=None, max_examples=60)
@given(cell_worlds(), thresholds, st.randoms(use_true_random=False))
def test_the_order_of_the_cells_and_regions_changes_no_bit(world, threshold, random):
    cells, minutes = world
    order, regions = list(range(len(cells))), list(range(len(REGIONS)))
    random.shuffle(order)
    random.shuffle(regions)
    profile = build_profile(
        cells.iloc[order], travel_of([minutes[i] for i in order]), REGIONS.iloc[regions].set_index("adcode")
    )
    for level, plain in tables_of(world, threshold).items():
        mixed = coverage_table(profile, threshold, level=level).set_index("adcode")
        pd.testing.assert_frame_equal(mixed.loc[plain.index], plain, check_exact=True)


@settings(deadline=None, max_examples=60)
@given(cell_worlds())
def test_a_cell_exactly_at_the_threshold_is_covered(world):
    cells, minutes = world
    profile = profile_of(world)
    for value in sorted({value for value in minutes if value})[:4]:
        at, before = (
            coverage_table(profile, limit).set_index("adcode")["covered_population"]
            for limit in (value, value - 0.25)
        )
        arriving = [value == own for own in minutes]
        gained = cells[arriving].groupby("adcode")["population"].sum()
        assert ((at - before).loc[gained.index] >= gained).all()


@settings(deadline=None, max_examples=60)
@given(cell_worlds(), thresholds, st.sampled_from([0.8, 1.0, 1.2]))
def test_faster_by_a_factor_is_the_threshold_times_the_factor(world, threshold, factor):
    cells, minutes = world
    faster = [None if value is None else float(quantise_minutes(value / factor)) for value in minutes]
    scaled = table_of(world, threshold, speed_factor=factor)
    again = table_of((cells, faster), threshold)
    for figure in ("population_coverage", "mean_minutes", "median_minutes"):
        assert np.allclose(scaled[figure], again[figure], atol=1e-5, equal_nan=True)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), thresholds, st.booleans())
def test_another_facility_never_lowers_coverage(seed, threshold, on_roads):
    rng = np.random.default_rng(seed)
    cells = pd.DataFrame(
        {
            "adcode": rng.choice(COUNTIES, 40),
            "x": rng.uniform(0, 1500, 40) + ORIGIN[0],
            "y": rng.uniform(0, 1500, 40) + ORIGIN[1],
            "area_km2": 0.25,
            "population": rng.uniform(0, 900, 40),
        }
    )
    xy, facilities = cells[["x", "y"]].to_numpy(), rng.uniform(0, 1500, (4, 2)) + ORIGIN
    network = build_network(*grid_roads(8, 8, 200.0), WALK)
    tables = []
    for count in (3, 4):
        if on_roads:
            travel = nearest_facility_network(network, facilities[:count], xy)
        else:
            travel = nearest_facility_straight(facilities[:count], xy, mode=WALK)
        tables.append(coverage_table(build_profile(cells, travel, REGIONS), threshold, level="prefecture"))
    fewer, more = (table["population_coverage"].to_numpy() for table in tables)
    assert (fewer <= more)[~np.isnan(fewer)].all()


@settings(deadline=None, max_examples=60)
@given(cell_worlds(), st.sampled_from(sorted(REGIONS["adcode"])))
def test_the_curve_rises_and_agrees_with_the_table(world, adcode):
    cells, minutes = world
    profile = build_profile(cells, travel_of(minutes), REGIONS)
    steps = np.arange(0.0, 61.0, 5.0)
    curve = cumulative_curve(profile, adcode, steps)
    assert (np.diff(curve["population"]) >= 0).all()
    level = REGIONS.set_index("adcode").loc[adcode, "level"]
    for row in curve.itertuples():
        table = coverage_table(profile, row.minutes, level=level).set_index("adcode")
        pair = (table.loc[adcode, "population_coverage"], row.population_coverage)
        assert np.isclose(*pair, equal_nan=True)
        assert np.isclose(table.loc[adcode, "area_coverage"], row.area_coverage, equal_nan=True)


# Undefined, with its reason -----------------------------------------------------------------------------

FEW = pd.DataFrame(
    {
        "adcode": ["320102", "320104", "320205", "320205"],
        "x": 0.0,
        "y": 0.0,
        "area_km2": [0.25, 0.25, 0.0, 0.0],
        "population": [0.0, 80.0, 30.0, 10.0],
    }
)


def test_what_has_no_value_says_why_and_is_not_zero():
    table = coverage_table(build_profile(FEW, travel_of([5.0, None, 5.0, 20.0]), REGIONS), 15)
    rows = table.set_index("adcode")
    assert rows.loc["320302", "reason"] == NO_CELLS
    assert rows.loc["320302", ["population", "population_coverage", "area_km2", "mean_minutes"]].isna().all()
    assert rows.loc["320102", "reason"] == NO_PEOPLE
    assert np.isnan(rows.loc["320102", "population_coverage"])
    assert rows.loc["320102", "area_coverage"] == 1.0
    assert rows.loc["320104", "reason"] == NOBODY_REACHES
    assert rows.loc["320104", "population_coverage"] == 0.0
    assert rows.loc["320104", "unreachable_population"] == 80.0
    assert np.isnan(rows.loc["320104", "mean_minutes"])
    assert rows.loc["320205", "reason"] == NO_AREA
    assert rows.loc["320205", "population_coverage"] == 0.75
    assert np.isnan(rows.loc["320205", "area_coverage"])


def test_ratios_of_sums_not_means_of_ratios():
    cells = FEW.assign(adcode=["320102", "320102", "320104", "320104"], population=[900.0, 0.0, 0.0, 100.0])
    profile = build_profile(cells, travel_of([5.0, 5.0, 30.0, 30.0]), REGIONS)
    prefecture = coverage_table(profile, 15, level="prefecture").set_index("adcode")
    assert prefecture.loc["320100", "population_coverage"] == 0.9
    assert prefecture.loc["320100", "mean_minutes"] == 7.5
    assert prefecture.loc["320100", "median_minutes"] == 5.0


@pytest.mark.parametrize(
    ("threshold", "factor", "message"),
    [
        (-1.0, 1.0, "不小于 0 的分钟数，收到 -1.0"),
        (float("nan"), 1.0, "不小于 0 的分钟数"),
        (float("inf"), 1.0, "不小于 0 的分钟数"),
        (15.0, 0.0, "速度系数应大于 0"),
        (61.0, 1.0, "超过了通行时间的搜索半径 60 分钟"),
        (55.0, 1.2, "折合 66 分钟"),
    ],
)
def test_impossible_thresholds_are_refused(threshold, factor, message):
    profile = build_profile(FEW, travel_of([5.0, 5.0, 5.0, 5.0], max_minutes=60.0), REGIONS)
    with pytest.raises(CoverageError, match=message):
        coverage_table(profile, threshold, speed_factor=factor)


def test_every_fault_of_the_cells_is_told():
    travel = travel_of([1.0] * 4)
    with pytest.raises(CoverageError, match="没有“everyone”这一人群"):
        build_profile(FEW, travel, REGIONS, group="everyone")
    with pytest.raises(CoverageError, match="缺少列：urban"):
        build_profile(FEW, travel, REGIONS, group="urban")
    with pytest.raises(
        CoverageError, match=r"有 3 格，通行时间有 4 个.*population 有 1 格缺失或为负（首例在第 2 行：-8"
    ):
        build_profile(FEW.assign(population=[0, -8, 1, 1]).iloc[:3], travel, REGIONS)
    with pytest.raises(UnknownRegionError, match="不认识的县级代码：320999"):
        build_profile(FEW.assign(adcode="320999"), travel, REGIONS)
    with pytest.raises(CoverageError, match="区划表缺少列：parent"):
        build_profile(FEW, travel, REGIONS.drop(columns="parent"))
    profile = build_profile(FEW, travel, REGIONS)
    with pytest.raises(UnknownRegionError, match="999999"):
        cumulative_curve(profile, "999999", [5])
    with pytest.raises(CoverageError, match="不小于 0"):
        cumulative_curve(profile, "320102", [-5, 5])


def test_more_people_than_there_are_in_any_unit_are_refused():
    travel = travel_of([1.0] * 4)
    most = FEW.assign(population=MAX_TOTAL / 4)
    assert coverage_table(build_profile(most, travel, REGIONS), 15)["population"].sum() == MAX_TOTAL
    with pytest.raises(CoverageError, match=r"population 合计 8e\+09，超过 4e\+09，请检查单位"):
        build_profile(most.assign(population=MAX_TOTAL / 2), travel, REGIONS)


def test_every_group_has_a_name_and_can_be_asked_for():
    cells = FEW.assign(**dict.fromkeys(GROUPS, 5.0))
    for group, name in GROUPS.items():
        table = coverage_table(build_profile(cells, travel_of([1.0] * 4), REGIONS, group=group), 15)
        assert table["population"].sum() == 20.0
        assert name


# Sensitivity --------------------------------------------------------------------------------------------


def test_sensitivity_covers_every_combination_and_says_what_it_cannot_answer():
    cells = FEW.assign(adcode="320102", area_km2=0.25, population=100.0)
    profile = build_profile(cells, travel_of([6.0, 13.0, 17.0, None], max_minutes=20.0), REGIONS)
    rows = sensitivity(profile, 15.0).set_index(["speed_factor", "threshold_minutes"])
    assert len(rows) == 9
    assert rows.loc[(1.0, 15.0), "population_coverage"] == 0.5
    assert rows.loc[(0.8, 15.0), "population_coverage"] == 0.25
    assert rows.loc[(1.2, 15.0), "population_coverage"] == 0.75
    assert rows.loc[(0.8, 20.0), "population_coverage"] == 0.5
    assert np.isnan(rows.loc[(1.2, 20.0), "population_coverage"])
    assert "搜索半径" in rows.loc[(1.2, 20.0), "reason"]
    below = sensitivity(profile, 3.0, speed_factors=(1.0,))
    assert [reason is not None and "不小于 0" in reason for reason in below["reason"]] == [True, False, False]


# Edge of the data ---------------------------------------------------------------------------------------


def squares():
    west, south = ORIGIN
    shapes = [box(west + 10_000 * i, south, west + 10_000 * (i + 1), south + 10_000) for i in range(3)]
    return gpd.GeoDataFrame(index=["a", "b", "c"], geometry=shapes, crs=ALBERS)


def test_counties_near_the_border_are_flagged_unless_the_source_looks_beyond():
    counties = squares()
    west, south = ORIGIN
    border = LineString([(west, south), (west, south + 10_000)])
    inside = places((5000, 5000))
    assert list(edge_counties(counties, inside, 3000.0, border=border)) == [True, False, False]
    assert list(edge_counties(counties, inside, 10_001.0, border=border)) == [True, True, False]
    beyond = places((5000, 5000), (-2000, 5000))
    assert list(edge_counties(counties, beyond, 3000.0, border=border)) == [False, False, False]
    assert list(edge_counties(counties, inside, 3000.0)) == [True, True, True]
    assert edge_counties(counties, np.zeros((0, 2)), 3000.0, border=border).loc["a"]
    with pytest.raises(CrsError, match="不能用于量算"):
        edge_counties(counties.to_crs("EPSG:4490"), inside, 3000.0)


def test_a_region_is_flagged_when_one_of_its_counties_is():
    profile = build_profile(FEW, travel_of([1.0] * 4), REGIONS)
    flags = pd.Series({"320104": True, "320102": False})
    assert coverage_table(profile, 15, edge=flags).set_index("adcode")["edge"].to_dict() == {
        "320102": False,
        "320104": True,
        "320205": False,
        "320302": False,
        "320303": False,
    }
    above = coverage_table(profile, 15, level="economic_region", edge=["320104"]).set_index("adcode")["edge"]
    assert above.to_dict() == {"320S00": True, "320N00": False}


def test_the_search_radius_is_as_far_as_the_fastest_edge_leads():
    assert np.isclose(search_radius_m(WALK, 15.0), 15 * 80 / 1.3)
    network = build_network(*grid_roads(3, 3, 100.0), WALK)
    assert np.isclose(search_radius_m(WALK, 15.0, network), 1200.0, rtol=1e-4)


# Clusters -----------------------------------------------------------------------------------------------

spots = st.tuples(st.integers(0, 7), st.integers(0, 7))


@settings(deadline=None)
@given(
    st.lists(st.tuples(spots, st.sampled_from([0.0, 1.0, 2.0, 4.0]), st.booleans()), min_size=1, max_size=40),
    st.sampled_from([4, 8]),
)
def test_clusters_equal_a_flood_fill(drawn, connectivity):
    cells = pd.DataFrame(
        {
            "adcode": [COUNTIES[column % 2] for (column, _), _, _ in drawn],
            "x": [ORIGIN[0] + 500.0 * column for (column, _), _, _ in drawn],
            "y": [ORIGIN[1] + 500.0 * line for (_, line), _, _ in drawn],
            "area_km2": 0.25,
            "population": [people for _, people, _ in drawn],
        }
    )
    travel = travel_of(
        [10.0 if covered else (None if people == 4.0 else 30.0) for _, people, covered in drawn]
    )
    result = uncovered_clusters(cells, travel, 15.0, cell_size_m=500.0, connectivity=connectivity)
    rows = [row for row, (_, people, covered) in enumerate(drawn) if people > 0 and not covered]
    truth = coverage_naive.clusters(
        [drawn[row][0] for row in rows], [drawn[row][1] for row in rows], connectivity
    )
    ours = [
        {rows.index(int(row)) for row in np.flatnonzero(result.label == rank)}
        for rank in result.table["rank"]
    ]
    assert sorted(map(sorted, ours)) == sorted(map(sorted, truth))
    assert list(result.table["rank"]) == list(range(1, len(truth) + 1))
    assert (np.diff(result.table["population"].to_numpy(dtype=float)) <= 0).all()
    assert set(np.flatnonzero(result.label == 0)) == set(range(len(drawn))) - set(rows)
    for cluster in result.table.itertuples():
        own = cells[result.label == cluster.rank]
        assert cluster.population == own["population"].sum()
        assert cluster.cells == len(own)
        assert np.isclose(cluster.x, np.average(own["x"], weights=own["population"]))
        by_county = own.groupby("adcode")["population"].sum()
        assert by_county[cluster.adcode] == by_county.max()
        unreachable = own.loc[~travel.reachable[own.index], "population"].sum()
        assert cluster.unreachable_population == unreachable


def test_clusters_know_covered_and_bad_parameters():
    travel = travel_of([15.0] * 4)
    cells = FEW.assign(x=ORIGIN[0], y=ORIGIN[1])
    assert uncovered_clusters(cells, travel, 15.0, cell_size_m=500.0).table.empty
    for bad in ({"cell_size_m": 0.0}, {"cell_size_m": 500.0, "connectivity": 6}):
        with pytest.raises(CoverageError, match="参数不对"):
            uncovered_clusters(cells, travel, 15.0, **bad)
    with pytest.raises(CoverageError, match="阈值 -1"):
        uncovered_clusters(cells, travel, -1.0, cell_size_m=500.0)


def test_clusters_with_as_many_people_stand_from_west_to_east_then_from_south_to_north():
    spots = [(40, 0), (0, 40), (20, 20), (20, 0), (10, 5)]
    people = [6.0, 6.0, 6.0, 6.0, 7.0]
    cells = pd.DataFrame(
        {
            "adcode": COUNTIES[0],
            "x": [ORIGIN[0] + 500.0 * column for column, _ in spots],
            "y": [ORIGIN[1] + 500.0 * line for _, line in spots],
            "area_km2": 0.25,
            "population": people,
        }
    )
    found = uncovered_clusters(cells, travel_of([30.0] * 5), 15.0, cell_size_m=500.0)
    assert found.label.tolist() == [5, 2, 4, 3, 1]


# Equity -------------------------------------------------------------------------------------------------


def shares(**coverage):
    return pd.DataFrame(
        {
            "adcode": list(coverage),
            "name": list(coverage),
            "population_coverage": list(coverage.values()),
            "reason": [NO_PEOPLE if np.isnan(value) else None for value in coverage.values()],
        }
    )


def test_the_gap_between_regions():
    gap = region_gap(shares(south=0.9, central=0.75, north=0.6, nowhere=np.nan))
    assert (gap.highest, gap.lowest, gap.reason) == ("south", "north", None)
    assert np.isclose([gap.gap_points, gap.ratio], [30.0, 1.5]).all()
    even = region_gap(shares(b=0.5, a=0.5))
    assert (even.highest, even.lowest, even.gap_points, even.ratio) == ("a", "a", 0.0, 1.0)
    nothing = region_gap(shares(south=0.9, north=0.0))
    assert (nothing.gap_points, nothing.reason) == (90.0, LOWEST_ZERO)
    assert np.isnan(nothing.ratio)
    alone = region_gap(shares(south=0.9, north=np.nan))
    assert (alone.highest, alone.reason) == (None, NOT_TWO)


def test_the_gap_between_town_and_country():
    rows = urban_rural_gap(
        shares(a=0.9, b=0.5, c=np.nan, d=0.4), shares(d=np.nan, a=0.6, b=0.0, c=0.2)
    ).set_index("adcode")
    assert list(rows.index) == ["a", "b", "c", "d"]
    assert np.isclose(rows.loc["a", ["gap_points", "ratio"]].astype(float), [30.0, 1.5]).all()
    assert rows.loc["a", "reason"] is None
    assert rows.loc["b", "reason"] == RURAL_ZERO
    assert rows.loc["b", "gap_points"] == 50.0
    assert rows.loc["c", "reason"] == f"城镇：{NO_PEOPLE}"
    assert rows.loc["d", "reason"] == f"乡村：{NO_PEOPLE}"
    assert rows.loc[["c", "d"], "gap_points"].isna().all()
