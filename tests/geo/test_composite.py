"""Composite indices: equal to plain loops; faults are named; undefined stays undefined; ranks over all."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.composite import (
    AGGREGATIONS,
    NORMALISATIONS,
    WEIGHTINGS,
    CompositeResult,
    Part,
    composite,
    equalisation,
    normalise,
    rank_ranges,
    weigh,
)
from geo.errors import CompositeError
from tests.oracles import composite_naive as naive

NAN = float("nan")
WAYS = list(itertools.product(NORMALISATIONS, WEIGHTINGS, AGGREGATIONS))


def world(rows: int = 12, columns: int = 4, seed: int = 5) -> tuple[pd.DataFrame, list[Part]]:
    """Return positive values with two gaps, and components with expert weights that sum to 1."""
    rng = np.random.default_rng(seed)
    names = [f"c{number}" for number in range(columns)]
    frame = pd.DataFrame(
        rng.gamma(3.0, 10.0, (rows, columns)) + 1, index=[f"r{i}" for i in range(rows)], columns=names
    )
    frame.iloc[2, 0] = NAN
    frame.iloc[5, columns - 1] = NAN
    shares = np.arange(1, columns + 1) / np.arange(1, columns + 1).sum()
    return frame, [
        Part(name, "lower_better" if number % 2 else "higher_better", float(share))
        for number, (name, share) in enumerate(zip(names, shares, strict=True))
    ]


def as_lists(frame: pd.DataFrame, parts: list[Part]) -> tuple[dict[str, list[float]], dict[str, bool]]:
    return (
        {part.id: [float(v) for v in frame[part.id]] for part in parts},
        {part.id: part.direction == "higher_better" for part in parts},
    )


@pytest.mark.parametrize(("normalisation", "weighting", "aggregation"), WAYS)
def test_the_index_is_that_of_plain_loops(normalisation: Any, weighting: Any, aggregation: Any) -> None:
    frame, parts = world()
    found = composite(frame, parts, normalisation=normalisation, weighting=weighting, aggregation=aggregation)
    columns, up = as_lists(frame, parts)
    weight = naive.weights(columns, up, weighting, {part.id: part.weight or 0 for part in parts})
    assert found.weights.to_dict() == pytest.approx(weight, rel=1e-12)
    wanted = naive.index(columns, up, normalisation, weight, aggregation)
    np.testing.assert_allclose(found.frame["score"], wanted, rtol=1e-10)
    kept = [value for value in wanted if not np.isnan(value)]
    assert found.frame["rank"].dropna().tolist() == naive.ranks(kept)
    np.testing.assert_allclose(found.contributions.sum(axis=1, skipna=False), found.frame["score"])


def test_the_ranks_over_all_combinations_are_those_of_plain_loops() -> None:
    for columns_count, seed in ((4, 5), (2, 6), (3, 7)):
        frame, parts = world(9, columns_count, seed)
        found = rank_ranges(frame, parts)
        columns, up = as_lists(frame, parts)
        kept, lost = naive.rank_range(columns, up, {part.id: part.weight or 0 for part in parts})
        assert sorted(map(tuple, found.ranks.astype(int).to_numpy().tolist())) == sorted(map(tuple, kept))
        assert (found.combinations["reason"] != "").sum() == lost == 0
        assert len(kept) == 24 * (1 if columns_count == 2 else columns_count + 1)
        table = np.array(kept)
        defined = found.frame.dropna()
        assert defined["best"].tolist() == table.min(axis=0).tolist()
        assert defined["worst"].tolist() == table.max(axis=0).tolist()
        assert defined["median"].tolist() == np.median(table, axis=0).tolist()


def test_without_expert_weights_their_combinations_are_not_made() -> None:
    frame, parts = world()
    bare = [Part(part.id, part.direction) for part in parts]
    found = rank_ranges(frame, bare)
    assert set(found.combinations["weighting"]) == {"equal", "entropy", "critic"}
    assert len(found.ranks) == 18 * 5
    off = [Part(part.id, part.direction, 0.5) for part in parts]
    assert "expert" not in set(rank_ranges(frame, off).combinations["weighting"])


def test_a_combination_that_cannot_rank_says_why_and_does_not_count() -> None:
    frame, parts = world()
    frame["c1"] -= frame["c1"].max()
    found = rank_ranges(frame, parts)
    lost = found.combinations[found.combinations["reason"] != ""]
    assert set(lost["normalisation"]) == {"target"}
    assert lost["reason"].str.contains("大于零").all()
    assert (found.frame["combinations"] == 80).all()


def test_undefined_stays_undefined_and_names_the_component() -> None:
    frame, parts = world()
    found = composite(frame, parts).frame
    assert np.isnan(found.loc["r2", "score"]) and np.isnan(found.loc["r2", "rank"])
    assert found.loc["r2", "reason"] == "c0：没有数值"
    assert found.loc["r0", "reason"] == ""
    assert found["rank"].notna().sum() == 10
    ranges = rank_ranges(frame, parts).frame
    assert ranges.loc[["r2", "r5"], ["best", "worst"]].isna().all(axis=None)


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([5.0, 5.0, 5.0], {"min_max": "数值相同", "z": "数值相同", "target": ""}),
        ([5.0, NAN, NAN], {"min_max": "只有一个", "z": "只有一个", "target": ""}),
        ([NAN, NAN, NAN], dict.fromkeys(NORMALISATIONS, "没有任何地区")),
        ([0.0, 1.0, 2.0], {"min_max": "", "z": "", "target": "大于零"}),
        ([-3.0, 1.0, 2.0], {"min_max": "", "z": "", "target": "大于零"}),
    ],
)
def test_values_that_cannot_be_scored_give_a_reason(
    normalisation: Any, values: list[float], told: dict[str, str]
) -> None:
    frame = pd.DataFrame({"a": values, "b": [1.0, 2.0, 3.0]})
    parts = [Part("a", "higher_better"), Part("b", "higher_better")]
    found = composite(frame, parts, normalisation=normalisation)
    if told[normalisation]:
        assert found.frame["score"].isna().all()
        assert found.frame["reason"].str.contains(told[normalisation]).all()
        assert found.frame["reason"].str.startswith("a：").all()
        ranges = rank_ranges(frame, parts, normalisations=[normalisation])
        assert len(ranges.ranks) == 0
        assert ranges.frame["best"].isna().all()
    else:
        assert found.frame["score"].notna().sum() == frame["a"].notna().sum()


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ([], "没有组成指标"),
        ([Part("a", "higher_better", 0.5), Part("b", "higher_better", 0.4)], "之和为 0.9，应为 1"),
        ([Part("a", "higher_better", 0.7), Part("b", "higher_better", 0.7)], "之和为 1.4"),
        ([Part("a", "higher_better", -0.5), Part("b", "higher_better", 1.5)], "应为 0 至 1"),
        ([Part("a", "higher_better", 1.0), Part("b", "higher_better")], "专家权重缺少：b"),
        ([Part("a", "higher_better", 0.5), Part("a", "higher_better", 0.5)], "出现了多次"),
        ([Part("x", "higher_better", 1.0)], "没有“x”的数值"),
        ([Part("a", "neutral", 1.0)], "没有好坏方向"),  # type: ignore[arg-type]
    ],
)
def test_faulty_components_are_refused(parts: list[Part], told: str) -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [3.0, 1.0, 2.0]})
    with pytest.raises(CompositeError, match=told):
        composite(frame, parts, weighting="expert")


def test_the_worked_example_of_the_notes() -> None:
    frame = pd.DataFrame({"a": [10.0, 20.0, 15.0], "b": [4.0, 2.0, 3.0]})
    parts = [Part("a", "higher_better"), Part("b", "lower_better")]
    assert composite(frame, parts).frame["score"].tolist() == [0.0, 100.0, 50.0]
    target = composite(frame, parts, normalisation="target").frame["score"]
    assert target.round(1).tolist() == [50.0, 100.0, 70.8]
    geometric = composite(frame, parts, normalisation="target", aggregation="geometric").frame["score"]
    assert geometric.round(1).tolist() == [50.0, 100.0, 70.7]


def test_a_single_component_ranks_alike_whatever_the_weights() -> None:
    frame = pd.DataFrame({"a": [3.0, 1.0, 2.0, NAN]})
    found = rank_ranges(frame, [Part("a", "lower_better", 1.0)])
    assert len(found.ranks) == 24
    assert found.frame["best"].tolist()[:3] == found.frame["worst"].tolist()[:3] == [3.0, 1.0, 2.0]
    assert np.isnan(found.frame["best"].iloc[3])


def test_unknown_methods_and_too_few_regions_are_refused() -> None:
    frame, parts = world()
    with pytest.raises(CompositeError, match="没有归一化方法“x”；可用：min_max、z、target"):
        composite(frame, parts, normalisation="x")  # type: ignore[arg-type]
    with pytest.raises(CompositeError, match="至少 3 个"):
        weigh(frame.iloc[:2], parts, "entropy")


def test_a_given_target_caps_at_a_hundred() -> None:
    frame = pd.DataFrame({"a": [50.0, 80.0, 120.0], "b": [4.0, 5.0, 10.0]})
    parts = [Part("a", "higher_better", target=100.0), Part("b", "lower_better", target=5.0)]
    found, _ = normalise(frame, parts, "target")
    assert found["a"].tolist() == [50.0, 80.0, 100.0]
    assert found["b"].tolist() == [100.0, 100.0, 50.0]


def test_two_years_on_one_scale() -> None:
    before = pd.DataFrame({"a": [0.0, 5.0]}, index=["x", "y"])
    after = pd.DataFrame({"a": [5.0, 10.0]}, index=["x", "y"])
    both = pd.concat([before, after])
    early, late = (composite(one, [Part("a", "higher_better")], limits_of=both) for one in (before, after))
    assert early.frame["score"].tolist() == [0.0, 50.0]
    assert late.frame["score"].tolist() == [50.0, 100.0]


def test_equalisation_by_hand() -> None:
    assert equalisation(pd.Series([10.0, 10.0, NAN])) == (100.0, "")
    value, reason = equalisation(pd.Series([5.0, 15.0]))
    assert (value, reason) == (50.0, "")
    assert equalisation(pd.Series([5.0, NAN]))[1] == "有指数的地区不足两个"
    assert equalisation(pd.Series([-5.0, 5.0]))[1] == "指数平均值不大于零"


values = st.lists(
    st.lists(st.integers(1, 1000).map(float), min_size=3, max_size=3), min_size=4, max_size=8, unique_by=tuple
).filter(lambda rows: all(len(set(column)) > 1 for column in zip(*rows, strict=True)))
ways = st.sampled_from([way for way in WAYS if way[1] != "expert"])


def _scored(frame: pd.DataFrame, parts: list[Part], way: tuple[Any, Any, Any]) -> CompositeResult:
    return composite(frame, parts, normalisation=way[0], weighting=way[1], aggregation=way[2])


@settings(max_examples=40)
@given(values, ways, st.randoms(use_true_random=False))
def test_order_of_regions_and_components_does_not_matter(rows: Any, way: Any, random: Any) -> None:
    frame = pd.DataFrame(rows, columns=["a", "b", "c"]).rename(index=str)
    parts = [Part("a", "higher_better"), Part("b", "lower_better"), Part("c", "higher_better")]
    base = _scored(frame, parts, way)
    order, shuffled = list(frame.index), list(parts)
    random.shuffle(order)
    random.shuffle(shuffled)
    again = _scored(frame.loc[order], shuffled, way)
    np.testing.assert_allclose(again.frame["score"][frame.index], base.frame["score"], rtol=1e-9)
    np.testing.assert_allclose(base.weights.sum(), 1.0)
    if way[0] != "z":
        assert base.frame["score"].between(0, 100 + 1e-9).all()


@settings(max_examples=40)
@given(values, ways, st.floats(0.01, 1000))
def test_the_unit_of_a_component_does_not_matter(rows: Any, way: Any, factor: float) -> None:
    frame = pd.DataFrame(rows, columns=["a", "b", "c"])
    parts = [Part("a", "higher_better"), Part("b", "lower_better"), Part("c", "higher_better")]
    base = _scored(frame, parts, way).frame["score"]
    again = _scored(frame.assign(b=frame["b"] * factor), parts, way).frame["score"]
    np.testing.assert_allclose(again, base, rtol=1e-6, atol=1e-6)


@settings(max_examples=40)
@given(values, st.sampled_from([way for way in WAYS if way[1] == "equal" and way[0] != "z"]))
def test_a_region_that_is_better_in_everything_ranks_first(rows: Any, way: Any) -> None:
    frame = pd.DataFrame(rows, columns=["a", "b", "c"])
    top = pd.DataFrame([[2000.0, 0.5, 2000.0]], columns=["a", "b", "c"])
    both = pd.concat([frame, top], ignore_index=True)
    parts = [Part("a", "higher_better"), Part("b", "lower_better"), Part("c", "higher_better")]
    assert _scored(both, parts, way).frame["rank"].iloc[-1] == 1
    ranges = rank_ranges(both, parts).frame.iloc[-1]
    assert (ranges["best"], ranges["worst"]) == (1, 1)
