"""The programs of the coverage benchmark do the same work: their answers agree on a small province."""

import json
import sys

import numpy as np
import pytest

from benchmarks import __main__ as dispatcher
from benchmarks import coverage, province


@pytest.fixture(scope="module")
def world():
    return province.make_province(0.001)


@pytest.mark.parametrize("peer", ["scipy", "pandana", "networkx"])
def test_every_peer_gives_our_minutes(world, peer):
    ours = coverage.work_ours(world, coverage.Clock())
    clock = coverage.Clock()
    theirs = coverage.WORK[peer](world, clock)
    assert coverage.difference(ours, np.where(np.isfinite(theirs), theirs, np.nan)) < 1e-3
    assert np.nanmax(ours) > 1.0
    assert set(clock.seconds) == {"prepare", "query"}


def test_the_province_is_the_same_for_the_same_seed_and_survives_the_file(world, tmp_path):
    province.save(world, tmp_path / "p.npz")
    again = province.load(tmp_path / "p.npz")
    other = province.make_province(0.001)
    for name, values in vars(world).items():
        assert np.array_equal(values, getattr(again, name))
        assert np.array_equal(values, getattr(other, name))
    assert set(world.cell_frame()["adcode"]) <= set(province.regions()["adcode"])


def test_a_difference_is_infinite_where_only_one_side_arrives():
    assert coverage.difference(np.array([1.0, np.nan]), np.array([1.5, np.nan])) == 0.5
    different = coverage.Report(agreement={"x": coverage.difference(np.array([1.0]), np.array([np.nan]))})
    assert json.loads(json.dumps(coverage.as_dict(different)))["agreement"] == {"x": "different"}


def test_the_dispatcher_knows_its_comparisons_and_refuses_others(monkeypatch, capsys):
    assert {"coverage", "osm_import", "scale"} <= set(dispatcher.comparisons())
    monkeypatch.setattr(sys, "argv", ["benchmarks", "nonsense"])
    assert dispatcher.main() == 2
    assert "coverage|" in capsys.readouterr().err
