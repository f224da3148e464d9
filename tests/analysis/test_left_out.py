"""What runs say of those whom roads, borders and repeated lists leave out: the same words and people."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from analysis.catchment import CatchmentRequest, prepare_catchment
from analysis.circles import CircleRequest, prepare_circles
from analysis.coverage import NO_ROADS, CoverageAnalysis, CoverageRequest, prepare_coverage
from analysis.given import Given, gather
from analysis.left_out import EDGE, STRAIGHT, people_by_region
from analysis.repeats import REPEATED, find_repeats
from analysis.siting import SitingRequest, prepare_siting
from analysis.standards import prepare_standards
from data.ingest.osm_network import read_osm_network
from data.ingest.osm_store import NetworkSource, stage_network
from data.registry.mode_models import load_modes
from data.store.store import Store
from geo.coverage_profile import UNIT
from geo.crs import ALBERS, STORE_CRS
from geo.errors import NoRoadError
from geo.network import build_network
from geo.region_tree import region_hierarchy
from geo.snapping import snap_points
from tests.real_data import real_path

CENTRES = CoverageRequest(types=("community_health_centre",), mode="walk")


@pytest.fixture(scope="module")
def gusu() -> NetworkSource:
    nodes, edges = read_osm_network(real_path("osm/gusu_walk.osm.pbf"))
    return NetworkSource(nodes, edges, "gusu_walk.osm.pbf", "gusu")


def roads_of(gusu: NetworkSource, store: Store, folder: Path) -> Given:
    return gather(store, folder, network=gusu)


def test_streets_of_one_district_change_nothing_elsewhere(
    built_store: Store, tmp_path: Path, gusu: NetworkSource
) -> None:
    before = prepare_coverage(gather(built_store, tmp_path), CENTRES)
    after = prepare_coverage(roads_of(gusu, built_store, tmp_path), CENTRES)
    one, two = (found.table(15.0, level="prefecture").set_index("adcode") for found in (before, after))
    suzhou = two.index == "320500"
    same = ["covered_population", "population_coverage", "mean_minutes", "reason"]
    pd.testing.assert_frame_equal(one.loc[~suzhou, same], two.loc[~suzhou, same])
    assert (two.loc[~suzhou, "straight_population"] == two.loc[~suzhou, "population"]).all()
    assert 0 < two.loc["320500", "straight_population"] < two.loc["320500", "population"]
    assert (one["straight_population"] == one["population"]).all()


def test_who_goes_by_road_is_counted_by_the_cells_near_a_street(
    built_store: Store, tmp_path: Path, gusu: NetworkSource
) -> None:
    after = prepare_coverage(roads_of(gusu, built_store, tmp_path), CENTRES)
    network = build_network(gusu.nodes, gusu.edges, load_modes()["walk"])
    near = snap_points(network, after.cells[["x", "y"]].to_numpy()).found
    assert not after.travel.straight[near].all()
    assert after.travel.straight[~near].all()
    told = [note for note in after.notes if STRAIGHT in note]
    people = after.cells["population"].to_numpy(dtype=np.float64)[after.travel.straight].sum()
    assert any(f"{people:,.0f} 人" in note for note in told)
    assert any("个设施中有" in note for note in told)


def test_every_method_tells_of_places_without_roads(
    built_store: Store, tmp_path: Path, gusu: NetworkSource
) -> None:
    given = roads_of(gusu, built_store, tmp_path)
    within = "320500"
    circles = prepare_circles(
        given, CircleRequest(services=("community_health",), mode="walk", within=within)
    )
    supply = prepare_catchment(
        given, CatchmentRequest(CENTRES.types, 15.0, mode="walk", within=within, decay="none")
    )
    asked = CoverageRequest(types=CENTRES.types, mode="walk", within=within)
    siting = prepare_siting(given, SitingRequest(asked, minutes=15.0, add=2))
    for analysis in (prepare_coverage(given, asked), circles, supply, siting):
        assert any(STRAIGHT in note and "人" in note for note in analysis.notes), type(analysis).__name__
    assert any("个候选点中有" in note for note in siting.notes)
    assert len(siting.sites()) == 2
    assert supply.table(level="county")["straight_population"].sum() > 0
    assert circles.table(level="county")["straight_population"].sum() > 0


def test_a_network_of_another_place_says_that_it_covers_nobody(
    built_store: Store, tmp_path: Path, gusu: NetworkSource
) -> None:
    asked = CoverageRequest(types=CENTRES.types, mode="walk", within="320300")
    after = prepare_coverage(roads_of(gusu, built_store, tmp_path), asked)
    before = prepare_coverage(gather(built_store, tmp_path), asked)
    assert any(note.startswith("路网没有覆盖所选范围") for note in after.notes)
    assert (
        after.table(15.0)
        .drop(columns="straight_population")
        .equals(before.table(15.0).drop(columns="straight_population"))
    )


# At the border ------------------------------------------------------------------------------------------


def test_people_near_the_border_are_those_of_cells_near_it(built_store: Store, tmp_path: Path) -> None:
    asked = CoverageRequest(types=("general_hospital",), within="320585")
    analysis = prepare_coverage(gather(built_store, tmp_path), asked)
    rows = analysis.table(30.0)
    radius = 30.0 * analysis.mode.straight_m_per_minute
    places = shapely.points(analysis.cells[["x", "y"]].to_numpy())
    near = shapely.distance(places, analysis.border.line) < radius
    people = analysis.cells["population"].to_numpy()[near].sum()
    assert rows["edge_population"].tolist() == [pytest.approx(people)]
    assert 0 < people < rows["population"].iloc[0]
    assert any(EDGE in note and f"{people:,.0f} 人" in note for note in analysis.edge_notes(30.0))


def just_beyond(analysis: CoverageAnalysis) -> tuple[float, float]:
    """Return a place (degrees) 100 m beyond the border, at the most populous cell near it."""
    cells = analysis.cells[analysis.edge_cells(30.0)]
    cell = shapely.Point(*cells.loc[cells["population"].idxmax(), ["x", "y"]])
    along = shapely.shortest_line(cell, analysis.border.line)
    end = shapely.get_point(along, 1)
    step = 100.0 / along.length
    place = shapely.Point(end.x + (end.x - cell.x) * step, end.y + (end.y - cell.y) * step)
    found = gpd.GeoSeries([place], crs=ALBERS).to_crs(STORE_CRS).iloc[0]
    return found.x, found.y


def test_a_facility_beyond_the_border_answers_for_those_it_is_near(
    built_store: Store, tmp_path: Path
) -> None:
    asked = CoverageRequest(types=("general_hospital",), within="320585")
    held = built_store.facilities()
    one = held[(held["type"] == "general_hospital") & (held["adcode"] == "320585")].iloc[:1]
    lon, lat = just_beyond(prepare_coverage(gather(built_store, tmp_path, facilities=one), asked))
    beyond = one.assign(id="beyond", adcode=None, lon=lon, lat=lat)
    alone, both = (
        prepare_coverage(gather(built_store, tmp_path, facilities=places), asked)
        for places in (one, pd.concat([one, beyond], ignore_index=True))
    )
    fewer, more = (found.table(30.0)["edge_population"].iloc[0] for found in (both, alone))
    assert fewer < more
    assert both.table(30.0)["covered_population"].iloc[0] > alone.table(30.0)["covered_population"].iloc[0]
    supply = [
        prepare_catchment(
            gather(built_store, tmp_path, facilities=places),
            CatchmentRequest(("general_hospital",), 30.0, within="320585", decay="none"),
        )
        for places in (one, pd.concat([one, beyond], ignore_index=True))
    ]
    # The people beyond, who share it, stay unknown.
    counted = [found.table()["edge_population"].iloc[0] for found in supply]
    assert counted[0] == counted[1] == pytest.approx(more)
    assert all(any(EDGE in note for note in found.notes) for found in supply)


def test_people_of_marked_cells_add_up_over_the_tree(built_store: Store) -> None:
    regions = built_store.region_table()
    cells = built_store.population_grid().iloc[::97]
    people = cells["population"].to_numpy(dtype=np.float64) / 3.0
    marked = np.random.default_rng(1).random(len(cells)) < 0.3
    wanted = region_hierarchy(regions).index.to_series()
    found = pd.Series(people_by_region(cells["adcode"], people, marked, regions, wanted), index=wanted)
    everybody = people[marked].sum()
    assert found["320000"] == pytest.approx(everybody, abs=len(cells) * UNIT)
    for level in ("county", "prefecture", "economic_region"):
        own = [code for code in wanted if regions.loc[code, "level"] == level]
        assert found[own].sum() == pytest.approx(found["320000"], abs=1e-9)


# Twice the same -----------------------------------------------------------------------------------------


def listed(store: Store, rows: list[tuple[str, float, float, float]]) -> pd.DataFrame:
    """Return hospitals of 泉山区 with beds as the table of facilities has them."""
    held = store.facilities()
    like = held[held["type"] == "general_hospital"].iloc[0]
    frame = pd.DataFrame([like] * len(rows)).reset_index(drop=True)
    return frame.assign(
        id=[f"h{number}" for number in range(len(rows))],
        name=[row[0] for row in rows],
        type="hospital",
        lon=[row[1] for row in rows],
        lat=[row[2] for row in rows],
        capacity=[row[3] for row in rows],
        capacity_unit="张",
        adcode="320311",
        precision="surveyed",
    )


ONE = [("市立医院", 117.1500, 34.2300, 500.0)]
THRICE = [*ONE, *ONE, ("徐州市市立医院", 117.1501, 34.2300, 500.0)]


def test_a_list_that_names_one_hospital_thrice_says_so_and_what_it_is_once(
    built_store: Store, tmp_path: Path
) -> None:
    asked = CatchmentRequest(("hospital",), 30.0, measure="capacity", decay="none", within="320311")
    once, thrice = (
        prepare_catchment(gather(built_store, tmp_path, facilities=listed(built_store, rows)), asked)
        for rows in (ONE, THRICE)
    )
    assert not any(REPEATED in note for note in once.notes)
    told = next(note for note in thrice.notes if REPEATED in note)
    access = once.region("320311")["access"]
    assert "3 对" in told and "每处只计一次是 1 处" in told
    assert "供给 500 张（现计 1,500）" in told and f"{access:,.4g}" in told
    assert thrice.region("320311")["access"] == pytest.approx(3 * access, rel=1e-3)


def test_coverage_is_the_same_with_copies_and_says_that(built_store: Store, tmp_path: Path) -> None:
    asked = CoverageRequest(types=("hospital",), within="320311")
    once, thrice = (
        prepare_coverage(gather(built_store, tmp_path, facilities=listed(built_store, rows)), asked)
        for rows in (ONE, THRICE)
    )
    moved = once.table(30.0)["covered_population"].iloc[0]
    assert thrice.table(30.0)["covered_population"].iloc[0] == pytest.approx(moved, rel=0.01)
    assert any(REPEATED in note and "覆盖不变" in note for note in thrice.notes)


def test_beds_of_a_standard_are_told_once(built_store: Store, tmp_path: Path) -> None:
    given = gather(built_store, tmp_path, facilities=listed(built_store, THRICE))
    analysis = prepare_standards(given, within="320311")
    told = analysis.repeat_notes("hospital_beds_85")
    assert any("已配合计 500 张（现计 1,500）" in note for note in told)
    assert any(REPEATED in note for note in analysis.repeat_notes())


def test_each_group_of_pairs_keeps_its_first(built_store: Store) -> None:
    rows = [*THRICE, ("儿童医院", 117.2500, 34.2300, 100.0)]
    places = listed(built_store, rows)
    found = find_repeats(places, built_store.region_table())
    assert found.extra == {"h1", "h2"}
    assert found.once(places)["id"].tolist() == ["h0", "h3"]
    implied = find_repeats(places.assign(precision="implied"), built_store.region_table())
    assert implied.extra == frozenset() and implied.words(4) == []


# A place is no minutes from itself ----------------------------------------------------------------------


def one_road(lon: float, lat: float, metres: float) -> NetworkSource:
    """Return one road of 80 nodes, 4 km from west to east, so many metres south of a place."""
    x, y = gpd.GeoSeries.from_xy([lon], [lat], crs=STORE_CRS).to_crs(ALBERS).get_coordinates().iloc[0]
    at = np.linspace(x - 2000.0, x + 2000.0, 80)
    nodes = pd.DataFrame({"node_id": np.arange(80), "x": at, "y": y - metres})
    edges = pd.DataFrame(
        {
            "from_node": np.arange(79),
            "to_node": np.arange(1, 80),
            "length_m": np.diff(at),
            "highway": "residential",
        }
    )
    return NetworkSource(nodes, edges, "一条路", f"road {metres:g}")


@pytest.mark.parametrize(
    ("service", "kind", "metres"),
    [("药店", "pharmacy", 800.0), ("幼儿园", "kindergarten", 250.0), ("药店", "pharmacy", 1001.0)],
)
def test_a_place_reaches_what_stands_at_it(
    built_store: Store, tmp_path: Path, service: str, kind: str, metres: float
) -> None:
    lon, lat = 117.222834, 34.210214
    shop = listed(built_store, [("甲", lon, lat, np.nan)]).assign(type=kind)
    given = gather(built_store, tmp_path, facilities=shop, network=one_road(lon, lat, metres))
    asked = CircleRequest(services=(service,), mode="walk", within="320300")
    answer = prepare_circles(given, asked).at(lon, lat)
    (found,) = answer.services
    assert (found.minutes, found.met, found.straight) == (pytest.approx(0.0, abs=1e-5), True, metres > 1000.0)


def test_people_around_a_place_off_the_road_walk_to_it(built_store: Store, tmp_path: Path) -> None:
    lon, lat = 117.222834, 34.210214
    shop = listed(built_store, [("甲", lon, lat, np.nan)]).assign(type="pharmacy")
    given = gather(built_store, tmp_path, facilities=shop, network=one_road(lon, lat, 800.0))
    analysis = prepare_coverage(given, CoverageRequest(("pharmacy",), mode="walk", within="320300"))
    places = analysis.cells[["x", "y"]].to_numpy()
    (site,) = analysis.facilities[["x", "y"]].to_numpy()
    metres = np.hypot(*(places - site).T)
    near = (metres <= 500.0) & ~analysis.travel.straight
    assert near.sum() >= 2
    assert analysis.travel.minutes[near] == pytest.approx(metres[near] / 80.0, abs=1e-5)


# Roads that a mode cannot use ---------------------------------------------------------------------------


def test_imported_roads_without_any_for_a_mode_are_none_for_it(
    built_store: Store, tmp_path: Path, gusu: NetworkSource
) -> None:
    for staged in stage_network(tmp_path, gusu.nodes, gusu.edges, "gusu"):
        staged.commit()
        staged.finish()
    given = gather(built_store, tmp_path)
    asked = CoverageRequest(types=CENTRES.types, mode="drive", within="320500")
    found = prepare_coverage(given, asked)
    assert found.network is None
    assert any(note.startswith(f"{NO_ROADS}（已导入的道路都不通行小汽车）") for note in found.notes)
    circles = prepare_circles(given, CircleRequest(within="320508"))
    assert circles.table(level="county")["score"].notna().all()
    with pytest.raises(NoRoadError, match="没有“小汽车”可以通行的道路"):
        prepare_coverage(roads_of(gusu, built_store, tmp_path), asked)
