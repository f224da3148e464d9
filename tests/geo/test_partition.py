"""Partitions give what the whole gives, bit for bit: here, on two workers, and when one of them dies."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import dask
import numpy as np
import pytest
from distributed import LocalCluster
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.catchment import floating_catchment
from geo.decay import make_decay
from geo.errors import CoverageError, CrsError, ScaleError
from geo.network import build_network
from geo.partition import (
    Partition,
    halo_m,
    nearest_facility_partitioned,
    partition_cells,
    run_tasks,
    solve_partition,
    subnetwork,
)
from geo.reach import grid_reach, network_reach
from geo.reach_parts import partitioned_reach
from geo.travel import TravelResult, nearest_facility_network, nearest_facility_straight, tie_rank
from tests.geo.road_worlds import (
    DRIVE,
    ORIGIN,
    WALK,
    edges_between,
    grid_roads,
    nodes_at,
    places,
    road_worlds,
)


def assert_same(one: TravelResult, two: TravelResult) -> None:
    """Assert that two results agree in every bit of every field."""
    for field in ("minutes", "facility", "reachable", "straight", "unplaced"):
        left, right = getattr(one, field), getattr(two, field)
        assert left.dtype == right.dtype, field
        assert np.array_equal(left, right, equal_nan=field == "minutes"), field
    assert (one.method, one.mode, one.max_minutes) == (two.method, two.mode, two.max_minutes)


def by_column(cells: np.ndarray, width: float) -> np.ndarray:
    """Return a partition key per cell: which strip of the world it lies in."""
    return np.array(
        [f"32{int(x // width):02d}00" for x in cells[:, 0] - ORIGIN[0] + 10 * width], dtype=object
    )


def town(seed: int, side: int = 40) -> tuple:
    """Return (nodes, edges, facilities, cells): a street grid with gaps and one-way streets, 4 km wide."""
    rng = np.random.default_rng(seed)
    nodes, edges = grid_roads(side, side, 100.0)
    edges = edges[rng.random(len(edges)) < 0.7].reset_index(drop=True)
    edges["oneway"] = rng.choice([0, 0, 1, -1], len(edges)).astype("int8")
    edges["highway"] = rng.choice(["residential", "primary", "trunk"], len(edges))
    facilities = rng.uniform(-100, side * 100.0, (30, 2)) + ORIGIN
    y, x = np.divmod(np.arange(1600), 40)
    cells = np.column_stack([x * 100.0 + 50.0, y * 100.0 + 50.0]) + ORIGIN  # each between two streets: ties
    return nodes, edges, facilities, cells


# Here ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "minutes"), [(WALK, 6.0), (WALK, 25.0), (DRIVE, 1.5), (DRIVE, 8.0)])
@pytest.mark.parametrize("direction", ["to_facility", "from_facility"])
def test_the_pieces_of_a_town_give_the_whole(mode, minutes, direction):
    nodes, edges, facilities, cells = town(3)
    network = build_network(nodes, edges, replace(mode, min_component_nodes=20))
    ids = np.random.default_rng(8).permutation(len(facilities))
    options = {"max_minutes": minutes, "facility_ids": ids, "direction": direction}
    whole = nearest_facility_network(network, facilities, cells, **options)
    pieces = nearest_facility_partitioned(
        cells, by_column(cells, 900.0), facilities, mode=mode, network=network, **options
    )
    assert_same(whole, pieces)
    assert 0.02 < whole.reachable.mean() < 1.0 or minutes > 20
    straight = {"max_minutes": minutes, "facility_ids": ids, "mode": mode}
    assert_same(
        nearest_facility_straight(facilities, cells, **straight),
        nearest_facility_partitioned(cells, by_column(cells, 900.0), facilities, **straight),
    )


@settings(deadline=None, max_examples=60)
@given(road_worlds(mode=DRIVE), st.floats(0.5, 20.0), st.floats(200.0, 1500.0))
def test_the_pieces_of_any_world_give_the_whole(world, minutes, width):
    nodes, edges, facilities, cells = world
    network = build_network(nodes, edges, DRIVE)

    whole = nearest_facility_network(network, facilities, cells, max_minutes=minutes)
    pieces = nearest_facility_partitioned(
        cells, by_column(cells, width), facilities, mode=DRIVE, network=network, max_minutes=minutes
    )
    assert_same(whole, pieces)


def test_a_piece_holds_its_halo_and_no_more():
    nodes, edges, facilities, cells = town(5)
    network = build_network(nodes, edges, WALK)
    keys = by_column(cells, 1000.0)
    rank = tie_rank(None, len(facilities))
    pieces = list(partition_cells(cells, keys, facilities, rank, mode=WALK, max_minutes=3.0, network=network))
    assert [piece.key for piece in pieces] == sorted(set(keys))
    assert np.array_equal(np.sort(np.concatenate([piece.rows for piece in pieces])), np.arange(len(cells)))
    halo = halo_m(WALK, 3.0, network)
    assert 240.0 < halo < 260.0
    for piece in pieces:
        west, east = piece.cells[:, 0].min() - halo, piece.cells[:, 0].max() + halo
        inside = (facilities[:, 0] >= west) & (facilities[:, 0] <= east)
        assert set(piece.facility_rows) <= set(np.flatnonzero(inside))
        assert piece.network.node_count < network.node_count
        assert not solve_partition(piece).travel.straight.any()


def test_a_part_of_a_network_keeps_the_edges_that_cross_its_box():
    nodes, edges = grid_roads(4, 4, 1000.0)
    network = build_network(nodes, edges, WALK)
    west, south = ORIGIN
    part = subnetwork(network, (west + 400.0, south - 10.0, west + 600.0, south + 10.0))
    assert sorted(part.node_id) == [10, 20]
    assert part.edge_count == 2
    nothing = subnetwork(network, (west - 900.0, south - 900.0, west - 800.0, south - 800.0))
    assert (nothing.node_count, nothing.edge_count) == (0, 0)


def test_a_part_of_a_network_leaves_out_what_lies_wholly_beside_its_box():
    """A street on each side of the box and one across it: the one across is kept alone."""
    ends = [(-50, -50), (50, -50), (-50, 250), (50, 250), (-250, 0), (-250, 90), (250, 0), (250, 90)]
    nodes = nodes_at([*ends, (-20, 100), (20, 100)])
    network = build_network(nodes, edges_between(nodes, [(0, 1), (2, 3), (4, 5), (6, 7), (8, 9)]), WALK)
    west, south = ORIGIN
    part = subnetwork(network, (west - 100.0, south, west + 100.0, south + 200.0))
    assert sorted(part.node_id) == [90, 100]
    touched = subnetwork(network, (west - 250.0, south - 50.0, west + 250.0, south + 250.0))
    assert touched.node_count == network.node_count, "the sides belong to the box"


def test_a_piece_asks_no_facility_beyond_its_halo_on_any_side():
    cells, rank = places((0, 0), (500, 500)), tie_rank(None, 9)
    halo = halo_m(WALK, 10.0, None)
    spots = [(250, 250)]
    for away in (halo - 1.0, halo + 1.0):
        spots += [(-away, 250), (500 + away, 250), (250, -away), (250, 500 + away)]
    (piece,) = partition_cells(cells, ["320100"] * 2, places(*spots), rank, mode=WALK, max_minutes=10.0)
    assert piece.facility_rows.tolist() == [0, 1, 2, 3, 4]


def test_pieces_without_roads_go_in_a_straight_line_and_say_so():
    nodes, edges = grid_roads(3, 3, 200.0)
    network = build_network(nodes, edges, WALK)
    cells = places((0, 0), (400, 400), (30_000, 0), (60_000, 0))
    keys = ["320100", "320100", "320200", "320300"]
    facilities = places((0, 0), (60_000, 100))
    pieces = nearest_facility_partitioned(
        cells, keys, facilities, mode=WALK, max_minutes=30.0, network=network
    )
    assert_same(nearest_facility_network(network, facilities, cells, max_minutes=30.0), pieces)
    assert list(pieces.reachable) == [True, True, False, True]
    assert list(pieces.straight) == [False, False, True, True]
    assert list(pieces.unplaced) == [1]


def test_progress_is_told_piece_by_piece():
    _, _, facilities, cells = town(1, side=10)
    told = []
    nearest_facility_partitioned(
        cells,
        by_column(cells, 2000.0),
        facilities,
        mode=WALK,
        max_minutes=5.0,
        progress=lambda key, done: told.append((key, done)),
    )
    assert [done for _, done in told] == [1, 2]
    assert len({key for key, _ in told}) == 2


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"facilities_xy": places()}, CoverageError, "没有该类型的设施"),
        ({"max_minutes": -1.0}, CoverageError, "搜索半径应为正数"),
        ({"partition_keys": ["a"]}, CoverageError, "分区代码应每格一个"),
        ({"partition_keys": ["a", None]}, CoverageError, "分区代码应每格一个"),
        ({"cells_xy": [[118.0, 32.0], [118.0, 32.0]]}, CrsError, "看起来是经纬度"),
        ({"scheduler": "tcp://127.0.0.1:9"}, ScaleError, "连不上调度器 tcp://127.0.0.1:9"),
    ],
)
def test_bad_input_is_refused(change, error, message, monkeypatch):
    monkeypatch.setattr("geo.partition._CONNECT_SECONDS", 1)
    nodes, edges = grid_roads(3, 3, 200.0)
    options = {
        "cells_xy": places((0, 0), (400, 0)),
        "partition_keys": ["a", "b"],
        "facilities_xy": places((0, 0)),
        "mode": WALK,
        "max_minutes": 10.0,
        "network": build_network(nodes, edges, WALK),
    }
    with pytest.raises(error, match=message):
        nearest_facility_partitioned(**(options | change))


# On two workers -----------------------------------------------------------------------------------------


@contextmanager
def workers(count: int, *, allowed_failures: int = 3) -> Iterator[str]:
    """Give the scheduler's address of ``count`` worker processes of one thread each, on loopback."""
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": allowed_failures}),
        LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",
            host="127.0.0.1",
        ) as running,
    ):
        yield running.scheduler_address


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a scheduler with two workers that nothing happens to."""
    with workers(2) as address:
        yield address


@pytest.mark.parametrize("mode", [WALK, DRIVE])
def test_two_workers_give_the_whole(scheduler, mode):
    nodes, edges, facilities, cells = town(7)
    network = build_network(nodes, edges, mode)
    whole = nearest_facility_network(network, facilities, cells, max_minutes=10.0)
    told = []
    spread = nearest_facility_partitioned(
        cells,
        by_column(cells, 500.0),
        facilities,
        mode=mode,
        max_minutes=10.0,
        network=network,
        scheduler=scheduler,
        progress=lambda key, done: told.append(done),
    )
    assert_same(whole, spread)
    assert told == list(range(1, 9))
    straight = {"mode": mode, "max_minutes": 4.0}
    assert_same(
        nearest_facility_straight(facilities, cells, **straight),
        nearest_facility_partitioned(
            cells, by_column(cells, 500.0), facilities, scheduler=scheduler, **straight
        ),
    )


@pytest.mark.parametrize("method", ["2sfca", "3sfca"])
def test_two_workers_give_the_supply_and_demand_of_the_whole(scheduler, method):
    nodes, edges, facilities, cells = town(7)
    network, decay = build_network(nodes, edges, WALK), make_decay("gaussian", 12.0)
    rng = np.random.default_rng(1)
    demand, supply = rng.integers(0, 90, len(cells)) * 1.0, rng.integers(1, 9, len(facilities)) * 1.0
    asked = {"cell_size_m": 100.0, "mode": WALK, "decay": decay}
    keys = by_column(cells, 500.0)

    def solved(reach):
        return floating_catchment(reach, demand, supply, method=method)

    roads = solved(network_reach(network, facilities, cells, decay=decay))
    spread = solved(partitioned_reach(facilities, cells, keys, network=network, scheduler=scheduler, **asked))
    assert np.array_equal(spread.access, roads.access)
    assert np.array_equal(spread.ratio, roads.ratio)
    straight = solved(grid_reach(facilities, cells, **asked))
    there = solved(partitioned_reach(facilities, cells, keys, scheduler=scheduler, **asked))
    here = solved(partitioned_reach(facilities, cells, keys, **asked))
    assert np.array_equal(there.access, here.access)
    assert there.access == pytest.approx(straight.access, rel=1e-12, abs=0.0)
    assert (there.access > 0.0).any()


class DiesOnce:
    """A task that ends its worker process the first time it is run, and answers the second time."""

    def __init__(self, piece: Partition, mark: Path) -> None:
        self.piece, self.mark = piece, mark

    def __call__(self) -> Partition:
        if not self.mark.exists():
            self.mark.write_text(str(os.getpid()))
            os._exit(9)
        return self.piece


def test_a_worker_killed_in_the_middle_loses_nothing(tmp_path):
    nodes, edges, facilities, cells = town(9)
    network = build_network(nodes, edges, WALK)
    rank = tie_rank(None, len(facilities))
    pieces = list(
        partition_cells(
            cells, by_column(cells, 500.0), facilities, rank, mode=WALK, max_minutes=8.0, network=network
        )
    )
    tasks = [
        DiesOnce(piece, tmp_path / "died") if number == 4 else piece for number, piece in enumerate(pieces)
    ]
    calm = run_tasks(pieces)
    with workers(2) as address:
        rough = run_tasks(tasks, scheduler=address)
    killed = int((tmp_path / "died").read_text())
    assert killed != os.getpid()
    assert [result.key for result in rough] == [result.key for result in calm]
    for one, two in zip(calm, rough, strict=True):
        assert_same(one.travel, two.travel)
        assert np.array_equal(one.rows, two.rows)


class AlwaysDies:
    """A task that no worker survives."""

    def __call__(self) -> Partition:
        os._exit(9)


def test_a_piece_that_kills_every_worker_is_given_up_with_a_message():
    with (
        workers(1, allowed_failures=0) as address,
        pytest.raises(ScaleError, match="连续使多个工作进程退出"),
    ):
        run_tasks([AlwaysDies()], scheduler=address)


def test_a_scheduler_without_workers_is_told():
    with workers(0) as address, pytest.raises(ScaleError, match="没有工作进程"):
        run_tasks([], scheduler=address)


def test_only_a_few_pieces_are_on_their_way_at_once(scheduler):
    _, _, facilities, cells = town(2, side=20)
    rank = tie_rank(None, len(facilities))
    taken, most, done = 0, 0, 0
    lock = threading.Lock()

    def pieces() -> Iterator[Partition]:
        nonlocal taken, most
        for piece in partition_cells(
            cells, by_column(cells, 100.0), facilities, rank, mode=WALK, max_minutes=5.0
        ):
            with lock:
                taken += 1
                most = max(most, taken - done)
            yield piece

    def count(_key: str, finished: int) -> None:
        nonlocal done
        with lock:
            done = finished

    assert len(run_tasks(pieces(), scheduler=scheduler, progress=count)) == 40
    assert most <= 6


def test_edges_of_a_ferry_bound_the_halo_too():
    nodes, edges = grid_roads(3, 1, 1000.0)
    slow = build_network(nodes, edges, WALK)
    fast = build_network(
        nodes,
        edges_between(
            nodes, [(0, 1), (1, 2)], highway=["residential", "ferry"], duration_minutes=[np.nan, 1.0]
        ),
        WALK,
    )
    assert np.isclose(halo_m(WALK, 10.0, slow), 801.0, rtol=1e-4)
    assert np.isclose(halo_m(WALK, 10.0, fast), 10_001.0, rtol=1e-4)
