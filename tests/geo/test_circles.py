"""Life circles: equal to a naive loop, sums add up, what cannot be measured is undefined and says why."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.circles import (
    NOBODY,
    NOT_ASKED,
    NOTHING_MEASURED,
    SERVICE_COLUMNS,
    TABLE_COLUMNS,
    ServiceReach,
    build_circles,
    cell_missing,
    cell_scores,
    circle_table,
    service_table,
    tier_people,
)
from geo.errors import CircleError, CoverageError, UnknownRegionError
from tests.oracles.circles_naive import naive_missing, naive_region, naive_scores

COUNTIES = ["320102", "320106", "320302"]
REGIONS = pd.DataFrame(
    [
        ("320000", "江苏省", "province", None),
        ("320S00", "苏南", "economic_region", "320000"),
        ("320N00", "苏北", "economic_region", "320000"),
        ("320100", "南京市", "prefecture", "320S00"),
        ("320300", "徐州市", "prefecture", "320N00"),
        ("320102", "玄武区", "county", "320100"),
        ("320106", "鼓楼区", "county", "320100"),
        ("320302", "鼓楼区", "county", "320300"),
    ],
    columns=["adcode", "name", "level", "parent"],
)
WHY = "数据里没有此类设施"


def cells_of(rows):
    return pd.DataFrame(rows, columns=["adcode", "urban", "rural"]).assign(
        population=lambda frame: frame["urban"] + frame["rural"], age_65_plus=lambda frame: frame["urban"]
    )


def reach(service, tier, threshold, minutes, weight=1.0):
    values = None if minutes is None else np.array([np.nan if m is None else m for m in minutes], dtype=float)
    return ServiceReach(service, tier, threshold, values, weight, WHY if minutes is None else None)


@st.composite
def worlds(draw):
    """Cells, and up to three services in each tier; halves of minutes, so that thresholds are met exactly."""
    count = draw(st.integers(1, 12))
    people = st.integers(0, 900)
    cells = cells_of([(draw(st.sampled_from(COUNTIES)), draw(people), draw(people)) for _ in range(count)])
    minute = st.none() | st.integers(0, 60).map(lambda value: value / 2)
    rules = []
    for tier in ("urban", "rural"):
        for service in draw(st.lists(st.sampled_from("abc"), unique=True, max_size=3)):
            minutes = draw(st.none() | st.lists(minute, min_size=count, max_size=count))
            rules.append(
                {
                    "service": service,
                    "tier": tier,
                    "threshold": draw(st.integers(1, 30)) / 2,
                    "minutes": minutes,
                    "weight": draw(st.sampled_from([1.0, 2.0, 0.5])),
                }
            )
    return cells, rules


def reaches_of(rules):
    return [reach(r["service"], r["tier"], r["threshold"], r["minutes"], r["weight"]) for r in rules]


@settings(max_examples=60)
@given(worlds())
def test_scores_equal_a_naive_loop(world):
    cells, rules = world
    if not rules:
        with pytest.raises(CircleError):
            build_circles(cells, [], REGIONS)
        return
    expected = naive_scores(cells, rules)
    scores = cell_scores(cells, reaches_of(rules))
    wanted = [np.nan if value is None else float(value) for value in expected]
    assert scores == pytest.approx(np.array(wanted), rel=1e-12, nan_ok=True)
    missing = cell_missing(cells, reaches_of(rules))
    assert missing.tolist() == naive_missing(cells, rules)
    for score, lacks in zip(scores, missing, strict=True):
        assert np.isnan(score) == (lacks is None)
        assert (score == 1.0) == (lacks == ())
    profile = build_circles(cells, reaches_of(rules), REGIONS)
    parents = {"320100": {"320102", "320106"}, "320300": {"320302"}, "320000": set(COUNTIES)}
    for level in ("prefecture", "province", "county"):
        for row in circle_table(profile, level=level).itertuples():
            score, complete, lacking = naive_region(cells, rules, parents.get(row.adcode, {row.adcode}))
            assert (
                np.isnan(row.score) if score is None else row.score == pytest.approx(float(score), rel=1e-12)
            )
            assert (row.reason is None) == (score is not None)
            if any(rule["minutes"] is not None for rule in rules):
                assert row.complete_population == complete
                assert row.missing_population == max(lacking.values(), default=0)


@settings(max_examples=30)
@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_the_cells_and_more_time_do_not_spoil_it(world, chance):
    cells, rules = world
    if not rules:
        return
    order = list(range(len(cells)))
    chance.shuffle(order)
    shuffled = [
        rule | {"minutes": None if rule["minutes"] is None else [rule["minutes"][i] for i in order]}
        for rule in rules
    ]
    first = circle_table(build_circles(cells, reaches_of(rules), REGIONS))
    again = circle_table(
        build_circles(cells.iloc[order].reset_index(drop=True), reaches_of(shuffled), REGIONS)
    )
    pd.testing.assert_frame_equal(first, again, check_exact=True)
    wider = [rule | {"threshold": rule["threshold"] + 5} for rule in rules]
    more = circle_table(build_circles(cells, reaches_of(wider), REGIONS))
    assert (more["score"].fillna(0) >= first["score"].fillna(0)).all()


def test_tiers_are_measured_apart_and_a_region_is_the_sum_of_both():
    cells = cells_of([("320102", 100, 300)])
    reaches = [reach("a", "urban", 5, [5.0]), reach("a", "rural", 15, [16.0]), reach("b", "urban", 5, [6.0])]
    profile = build_circles(cells, reaches, REGIONS)
    row = circle_table(profile).iloc[0]
    # Town: one of two services for 100 people; country: none of one for 300.
    assert row["score"] == 100 / 500
    assert row["population"] == 400
    assert circle_table(profile, tier="rural").iloc[0]["population"] == 300
    assert row["complete_population"] == 0
    assert row["missing"] == "a"
    assert row["missing_population"] == 300
    assert circle_table(profile, tier="urban").iloc[0]["score"] == 0.5
    assert circle_table(profile, tier="rural").iloc[0]["score"] == 0.0
    services = service_table(profile).iloc[:2]
    assert services["coverage"].tolist() == [100 / 400, 0.0]
    assert service_table(profile, tier="rural").iloc[1]["reason"] == NOT_ASKED
    assert tuple(services.columns) == SERVICE_COLUMNS
    assert tuple(circle_table(profile).columns) == TABLE_COLUMNS


def test_a_service_without_facility_is_undefined_and_counts_neither_way():
    cells = cells_of([("320102", 100, 0)])
    measured = [reach("a", "urban", 5, [4.0])]
    with_none = [*measured, reach("b", "urban", 5, None)]
    row = circle_table(build_circles(cells, with_none, REGIONS)).iloc[0]
    assert row["score"] == 1.0
    assert (row["services"], row["undefined"]) == (1, "b")
    absent = service_table(build_circles(cells, with_none, REGIONS)).iloc[1]
    assert np.isnan(absent["coverage"])
    assert absent["reason"] == WHY
    nothing = circle_table(build_circles(cells, [reach("b", "urban", 5, None)], REGIONS)).iloc[0]
    assert np.isnan(nothing["score"])
    assert nothing["reason"] == NOTHING_MEASURED
    nobody = circle_table(build_circles(cells, measured, REGIONS)).iloc[1]
    assert np.isnan(nobody["score"])
    assert nobody["reason"] == NOBODY


def test_other_groups_are_shared_out_as_everybody_is():
    cells = cells_of([("320102", 100, 300)]).assign(age_65_plus=[80])
    assert tier_people(cells, "urban", "age_65_plus")[0] == 20 * 2**30
    assert tier_people(cells, "rural", "age_65_plus")[0] == 60 * 2**30
    assert tier_people(cells, "urban", "rural")[0] == 0
    assert tier_people(cells, "rural", "rural")[0] == 300 * 2**30


@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        (lambda cells, one: build_circles(cells, [], REGIONS), CircleError, "没有指定服务"),
        (lambda cells, one: build_circles(cells, [one, one], REGIONS), CircleError, "只能给出一次"),
        (lambda cells, one: build_circles(cells, [one], REGIONS, group="cats"), CircleError, "人群"),
        (
            lambda cells, one: build_circles(cells.drop(columns="rural"), [one], REGIONS),
            CircleError,
            "缺少列",
        ),
        (lambda cells, one: build_circles(cells.assign(urban=-1), [one], REGIONS), CircleError, "为负"),
        (lambda cells, one: build_circles(pd.concat([cells, cells]), [one], REGIONS), CoverageError, "对应"),
        (
            lambda cells, one: build_circles(cells.assign(adcode="999999"), [one], REGIONS),
            UnknownRegionError,
            "不认识",
        ),
        (lambda cells, one: cell_scores(cells, [one], tier="suburb"), CircleError, "层级"),
        (lambda cells, one: reach("a", "urban", 5, None).met, CircleError, WHY),
        (
            lambda cells, one: build_circles(cells, [reach("a", "urban", 5, [1.0], weight=0)], REGIONS),
            CircleError,
            "权重",
        ),
    ],
)
def test_what_cannot_be_asked_says_so(change, error, told):
    with pytest.raises(error, match=told):
        change(cells_of([("320102", 1, 1)]), reach("a", "urban", 5, [1.0]))
