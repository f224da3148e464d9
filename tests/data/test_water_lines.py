"""What stops straight lines: banks, islands and lakes are parted, and every land has its crossing."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from analysis.coverage import CoverageRequest, prepare_coverage
from analysis.given import StoreTables, gather
from analysis.left_out import NO_RIVER
from data.regions.population import load_islands, load_waters
from data.regions.water_lines import (
    KINDS,
    MIDDLE,
    NORTH,
    RIVER,
    SOUTH,
    crossing_gates,
    load_banks,
    load_crossings,
    river_line,
    water_shapes,
)
from data.store.store import Store
from geo.crs import STORE_CRS, to_albers
from geo.waters import build_waters


@cache
def lands_of(store: Store) -> list[shapely.Polygon]:
    """Return the pieces that the waters cut the country into, the largest first."""
    counties = to_albers(store.regions("county", zoom="county"))
    country = shapely.buffer(shapely.union_all(counties.geometry.to_numpy()), 15_000.0)
    pieces = shapely.get_parts(shapely.difference(country, shapely.union_all(water_shapes(counties))))
    return sorted(pieces, key=lambda one: -one.area)


def piece_of(store: Store, lon: float, lat: float) -> int:
    """Return the number of the piece in which a place lies."""
    place = to_albers(gpd.GeoDataFrame(geometry=gpd.points_from_xy([lon], [lat], crs=STORE_CRS)))
    held = [row for row, one in enumerate(lands_of(store)) if one.contains(place.geometry.iloc[0])]
    assert len(held) == 1
    return held[0]


def test_every_seat_of_a_bank_lies_on_its_own_side(built_store: Store) -> None:
    regions = built_store.region_table()
    banks = load_banks()
    whole = banks[banks.geometry.isna()]
    sides = {
        bank: {
            piece_of(built_store, regions.loc[code, "seat_lon"], regions.loc[code, "seat_lat"])
            for code in whole["adcode"][whole["bank"] == bank]
        }
        for bank in (NORTH, SOUTH, MIDDLE)
    }
    assert [len(found) for found in sides.values()] == [1, 1, 1]
    assert len(set.union(*sides.values())) == 3
    # All other counties lie on the side on which the river leaves them.
    north = {"320300", "320700", "320800", "320900", "321300", "320600", "321000", "321200"}
    for code in regions.index[regions["level"] == "county"]:
        if code not in set(whole["adcode"]) and regions.loc[code, "parent"] != "320100":
            seat = piece_of(built_store, regions.loc[code, "seat_lon"], regions.loc[code, "seat_lat"])
            assert seat in sides[NORTH if regions.loc[code, "parent"] in north else SOUTH], code


def test_gaoqiao_of_dantu_lies_in_the_north(built_store: Store) -> None:
    assert piece_of(built_store, 119.56, 32.255) == piece_of(built_store, 119.42, 32.40)


def test_islands_are_lands_of_their_own_and_shores_are_not(built_store: Store) -> None:
    middle = {
        name: piece_of(built_store, one.x, one.y)
        for name, one in zip(
            load_islands()["name"], load_islands().geometry.representative_point(), strict=True
        )
    }
    mainland = {piece_of(built_store, 118.78, 32.05), piece_of(built_store, 119.42, 32.40)}
    for name in ("西山岛", "三山岛", "八卦洲", "世业洲", "和畅洲", "双山岛"):
        assert middle[name] not in mainland, name
    for name in ("马山", "靖安", "过船"):
        assert middle[name] in mainland, name
    assert middle["新坝"] == piece_of(built_store, 119.80, 32.23), "新坝 belongs to 扬中"


def test_every_crossing_joins_two_lands_and_is_told_with_its_source(built_store: Store) -> None:
    rows = load_crossings()
    assert rows["name"].is_unique and set(rows["kind"]) <= {"桥", "隧道", "渡口"}
    assert set(rows["water"]) <= set(load_waters()["name"])
    assert (rows["source"].str.len() > 4).all()
    assert rows[list(KINDS)].any(axis=1).all(), "a crossing that nobody may use"
    for one in rows.itertuples():
        pieces = piece_of(built_store, one.lon_a, one.lat_a), piece_of(built_store, one.lon_b, one.lat_b)
        around = one.water != RIVER and pieces[0] == pieces[1]
        assert pieces[0] != pieces[1] or around, one.name
    gates = crossing_gates("motorcar")
    assert (gates[:, 4] < 20_000.0).all() and len(gates) == rows["motorcar"].sum()


@pytest.mark.parametrize("kind", KINDS)
def test_no_land_with_people_is_cut_off(built_store: Store, kind: str) -> None:
    counties = to_albers(built_store.regions("county", zoom="county"))
    waters = build_waters(water_shapes(counties), crossing_gates(kind))
    cells = built_store.population_grid()
    people = cells["population"].to_numpy()
    shore = waters.ashore(cells[["x", "y"]].to_numpy(dtype=np.float64))
    lands = shapely.STRtree([shapely.buffer(one, 1.0) for one in lands_of(built_store)])
    cell, land = lands.query(shapely.points(shore), predicate="within")
    held = np.bincount(land, weights=people[cell], minlength=len(lands_of(built_store)))
    node, at = lands.query(shapely.points(waters.shores), predicate="within")
    mainland = node[at == int(held.argmax())]
    for piece in np.flatnonzero(held > 100.0):
        here = node[at == piece]
        if kind == "motorcar" and piece == piece_of(built_store, 120.287, 31.022):
            continue  # 三山岛 has boats for people only: nobody drives there.
        assert np.isfinite(waters.ways[np.ix_(here, mainland)]).any(), (piece, held[piece])


def test_without_counties_of_both_banks_the_river_parts_nothing(built_store: Store) -> None:
    counties = to_albers(built_store.regions("county", zoom="county"))
    north = counties[~counties["adcode"].isin(load_banks()["adcode"])]
    assert len(water_shapes(north)) < len(water_shapes(counties))


@pytest.mark.parametrize("metres", [30.0, -30.0])
def test_borders_that_do_not_quite_meet_part_the_banks_all_the_same(
    built_store: Store, metres: float
) -> None:
    counties = to_albers(built_store.regions("county", zoom="county"))
    south = counties["adcode"].isin(load_banks().query("bank == @SOUTH")["adcode"])
    shapes = counties.geometry.where(~south, counties.geometry.translate(0.0, metres))
    found, exact = (river_line(one) for one in (counties.set_geometry(shapes), counties))
    assert found.length == pytest.approx(exact.length, rel=0.02)
    assert shapely.hausdorff_distance(found, exact) < 1_000.0


def test_banks_that_lie_apart_are_told(built_store: Store, tmp_path: Path) -> None:
    tables = StoreTables(built_store)
    counties = to_albers(built_store.regions("county", zoom="county"))
    south = counties["adcode"].isin(load_banks().query("bank != @NORTH")["adcode"])
    apart = counties.geometry.where(~south, counties.geometry.translate(0.0, -20_000.0))
    tables._counties["county"] = counties.set_geometry(apart)
    asked = CoverageRequest(types=("general_hospital",), mode="drive", within="321000")
    assert NO_RIVER in prepare_coverage(gather(tables, tmp_path), asked).given_notes
    assert NO_RIVER not in prepare_coverage(gather(built_store, tmp_path), asked).given_notes
