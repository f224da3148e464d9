"""A dozen random small worlds: every method of ``geo`` beside an oracle, and its laws."""

from __future__ import annotations

import numpy as np
import pytest

from tests.worlds import checks
from tests.worlds.__main__ import main, world_seed
from tests.worlds.case import Case
from tests.worlds.checks import CHECKS, judge
from tests.worlds.tally import Tally
from tests.worlds.world import random_world

NUMBERS = range(12)


@pytest.mark.parametrize("number", NUMBERS)
def test_every_method_agrees_with_the_oracle_and_keeps_its_laws(number: int) -> None:
    tally = judge(world_seed(15, number))
    assert tally.faults == []
    assert tally.compared > 3_000


def test_a_world_is_the_same_each_time() -> None:
    one, two = random_world(3), random_world(3)
    assert one.cells.equals(two.cells) and one.edges.equals(two.edges) and repr(one.modes) == repr(two.modes)
    assert not one.cells.equals(random_world(4).cells)


def test_what_differs_is_told_with_its_world_and_ends_with_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def off_by_a_little(case: Case, tally: Tally) -> None:
        tally.near("minutes", np.array([1.0, 2.0]), np.array([1.0, 2.1]))

    def broken(case: Case, tally: Tally) -> None:
        raise ValueError("no answer")

    assert len(CHECKS) == 20
    monkeypatch.setattr(checks, "CHECKS", {"a": off_by_a_little, "b": broken})
    assert main(["--number", "2", "--first", "5"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("world 5  a: minutes: 1 of 2 differ, first at 1: 2.0 not 2.1; b: ValueError")
    assert lines[-1] == "2 worlds, 4 comparisons, 2 worlds differ"
