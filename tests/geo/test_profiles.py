"""Profiles: places on the spine by direction, ranks by counting, strengths, and the nearest by scipy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from geo.errors import UnknownRegionError
from geo.peers import ALL_EQUAL, NO_PEERS, distinct, similar_regions, spine, spines, strengths

NAN = float("nan")


def test_the_better_end_is_at_one_whatever_the_direction() -> None:
    values = pd.Series({"a": 10.0, "b": 30.0, "c": 20.0, "d": NAN})
    up, down = spine(values, "higher_better"), spine(values, "lower_better")
    assert (up.worst, up.best, down.worst, down.best) == (10.0, 30.0, 30.0, 10.0)
    assert up.positions[["a", "b", "c"]].tolist() == [0.0, 1.0, 0.5]
    assert down.positions[["a", "b", "c"]].tolist() == [1.0, 0.0, 0.5]
    assert up.ranks[["a", "b", "c"]].tolist() == [3.0, 1.0, 2.0]
    assert down.ranks[["a", "b", "c"]].tolist() == [1.0, 3.0, 2.0]
    assert math.isnan(up.positions["d"]) and math.isnan(up.ranks["d"])
    assert up.among == 3
    assert (down.q1, down.median, down.q3) == (25.0, 20.0, 15.0)
    assert up.place(40.0) == 1.5 and down.place(20.0) == 0.5
    neutral = spine(values, "neutral")
    assert neutral.positions.equals(up.positions)


@pytest.mark.parametrize(
    ("values", "reason"),
    [([5.0, NAN], NO_PEERS), ([NAN, NAN], NO_PEERS), ([5.0, 5.0], ALL_EQUAL)],
)
def test_what_cannot_be_placed_says_why(values: list[float], reason: str) -> None:
    found = spine(pd.Series(values, index=["a", "b"]), "higher_better")
    assert found.reason == reason
    assert found.positions.isna().all()
    assert math.isnan(found.place(5.0))
    assert strengths({"x": found}, "a", 0.25) == ([], [])


def test_strengths_and_gaps_of_the_first_and_last_quarter() -> None:
    codes = list("abcde")
    matrix = pd.DataFrame(
        {"one": [5.0, 4, 3, 2, 1], "two": [1.0, 2, 3, 4, 5], "three": [4.0, 5, 3, 2, 1], "same": [1.0] * 5},
        index=codes,
    )
    found = spines(matrix, dict.fromkeys(matrix.columns, "higher_better"))
    assert strengths(found, "a", 0.25) == (["one", "three"], ["two"])
    assert strengths(found, "c", 0.25) == ([], [])
    turned = spines(matrix, {**dict.fromkeys(matrix.columns, "neutral"), "one": "lower_better"})
    assert strengths(turned, "a", 0.25) == ([], ["one"])
    assert strengths(found, "b", 0.2) == (["three"], []) and strengths(found, "b", 0.25)[1] == ["two"]


tables = st.lists(st.lists(st.integers(-50, 50).map(float), min_size=3, max_size=3), min_size=3, max_size=9)


@settings(max_examples=50)
@given(tables)
def test_ranks_and_percentiles_are_those_of_counting(rows: Any) -> None:
    values = pd.Series([row[0] for row in rows], index=[f"r{i}" for i in range(len(rows))])
    for direction in ("higher_better", "lower_better"):
        found = spine(values, direction)
        sign = 1 if direction == "higher_better" else -1
        for code, value in values.items():
            better = sum(sign * other > sign * value for other in values)
            worse = sum(sign * other < sign * value for other in values)
            ties = len(values) - better - worse - 1
            assert found.ranks[code] == 1 + better
            assert found.percentiles[code] == pytest.approx((worse + ties / 2) / (len(values) - 1))
        if not found.reason:
            assert found.positions.between(0, 1).all()


@settings(max_examples=50)
@given(tables)
def test_the_nearest_are_those_of_scipy(rows: Any) -> None:
    matrix = pd.DataFrame(rows, columns=["a", "b", "c"], index=[f"r{i}" for i in range(len(rows))])
    used = matrix.loc[:, matrix.std(ddof=0) > 0]
    found = similar_regions(matrix, "r0", count=20)
    if used.shape[1] == 0:
        assert found.empty
        return
    variance = used.var(ddof=0).to_numpy()
    wanted = cdist(used.iloc[:1], used.iloc[1:], "seuclidean", V=variance)[0] / math.sqrt(used.shape[1])
    np.testing.assert_allclose(found["distance"], np.sort(wanted), atol=1e-9)
    by_code = dict(zip(matrix.index[1:], wanted, strict=True))
    np.testing.assert_allclose([by_code[code] for code in found["adcode"]], found["distance"], atol=1e-9)


def test_the_distance_is_symmetric_and_gaps_are_no_candidates() -> None:
    matrix = pd.DataFrame({"a": [1.0, 2.0, 4.0, NAN], "b": [3.0, 1.0, 2.0, 0.0]}, index=list("wxyz"))
    there = similar_regions(matrix, "w", 5).set_index("adcode")["distance"]
    back = similar_regions(matrix, "x", 5).set_index("adcode")["distance"]
    assert there["x"] == pytest.approx(back["w"])
    assert "z" not in there.index
    assert similar_regions(matrix, "z", 5).empty
    with pytest.raises(UnknownRegionError, match="没有行政区划代码为“q”"):
        similar_regions(matrix, "q", 5)


def test_a_region_compared_with_itself_is_one_region() -> None:
    assert distinct(["320500", "320500", "320300", "320500"]) == ["320500", "320300"]
