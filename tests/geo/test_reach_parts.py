"""The reach of facilities in pieces is that of the whole: over roads bit for bit, else but for rounding."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.catchment import floating_catchment
from geo.decay import make_decay
from geo.errors import CoverageError, ScaleError
from geo.network import build_network
from geo.partition import Partition
from geo.reach import grid_reach, network_reach
from geo.reach_parts import Listing, list_pairs, partitioned_reach
from tests.geo.decays import decay_of
from tests.geo.road_worlds import DRIVE, WALK, grid_roads, places
from tests.geo.test_catchment import MODE, SIZE, worlds
from tests.geo.test_partition import by_column, town

METHODS = ("2sfca", "3sfca")


@settings(max_examples=60)
@given(worlds(), st.sampled_from(["none", "step", "gaussian"]), st.integers(1, 5))
def test_pieces_of_a_grid_give_the_sums_of_the_whole(world, kind, columns):
    cells, facilities, demand, supply, minutes = world
    decay = decay_of(kind, minutes)
    whole = grid_reach(facilities, cells, cell_size_m=SIZE, mode=MODE, decay=decay)
    keys = by_column(cells, SIZE * columns)
    parts = partitioned_reach(facilities, cells, keys, cell_size_m=SIZE, mode=MODE, decay=decay)
    for method in METHODS:
        one = floating_catchment(whole, demand, supply, method=method)
        two = floating_catchment(parts, demand, supply, method=method)
        assert two.access == pytest.approx(one.access, rel=1e-12, abs=1e-15)
        assert two.weighted_demand == pytest.approx(one.weighted_demand, rel=1e-12, abs=1e-12)
        assert np.array_equal(two.served, one.served)
        assert two.reason.tolist() == one.reason.tolist()
        assert two.access_given == pytest.approx(two.supply_used, rel=1e-9)


@pytest.mark.parametrize(("mode", "minutes"), [(WALK, 6.0), (WALK, 25.0), (DRIVE, 3.0)])
def test_pieces_of_a_town_list_the_pairs_of_the_whole(mode, minutes):
    nodes, edges, facilities, cells = town(5)
    network, decay = build_network(nodes, edges, mode), make_decay("gaussian", minutes)
    whole = network_reach(network, facilities, cells, decay=decay)
    parts = partitioned_reach(
        facilities,
        cells,
        by_column(cells, 700.0),
        cell_size_m=100.0,
        mode=mode,
        decay=decay,
        network=network,
    )
    assert len(whole.cell) > 300
    for field in ("cell", "facility", "weight"):
        one, two = getattr(whole, field), getattr(parts, field)
        assert one.dtype == two.dtype
        assert np.array_equal(one, two), field


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"facilities_xy": places()}, CoverageError, "没有该类型的设施"),
        ({"partition_keys": ["a"]}, CoverageError, "分区代码应每格一个"),
        ({"scheduler": "tcp://127.0.0.1:9"}, ScaleError, "连不上调度器 tcp://127.0.0.1:9"),
    ],
)
def test_bad_input_is_refused(change, error, message, monkeypatch):
    monkeypatch.setattr("geo.partition._CONNECT_SECONDS", 1)
    nodes, edges = grid_roads(3, 3, 200.0)
    options = {
        "facilities_xy": places((0, 0)),
        "cells_xy": places((0, 0), (400, 0)),
        "partition_keys": ["a", "b"],
        "cell_size_m": 100.0,
        "mode": WALK,
        "decay": make_decay("none", 10.0),
        "network": build_network(nodes, edges, WALK),
    }
    with pytest.raises(error, match=message):
        partitioned_reach(**(options | change))


def test_a_piece_without_roads_has_no_pairs_to_list():
    cells = places((0, 0))
    row = np.zeros(1, dtype=np.int64)
    piece = Partition("a", row, cells, cells, row, row, WALK, None, 10.0, "to_facility")
    with pytest.raises(ScaleError, match="没有路网"):
        list_pairs(Listing(piece, make_decay("none", 10.0)))
