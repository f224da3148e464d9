"""Standards: a case worked by hand for every one, the laws of adding up, contradictions, the projection."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.registry.facility_models import load_standards
from geo.errors import StandardError
from geo.standards import (
    NO_POPULATION,
    compare,
    contradictions,
    growth_factors,
    project,
    require_known,
    required,
    roll_up,
)
from tests.oracles import standards_naive as naive

STANDARDS = load_standards()
COUNTIES = pd.DataFrame(
    {
        "kind": ["区", "县", "县级市", "区"],
        "rural": [False, True, True, True],
        "population": [620_000.0, 500_000.0, 299_999.0, 199_999.0],
        "population_0_14": [93_000.0, 80_000.0, 40_000.0, 25_000.0],
        "镇": [0, 12, 8, 3],
        "乡": [0, 2, 0, 0],
        "街道": [6, 1, 3, 2],
    },
    index=pd.Index(["320102", "320124", "320682", "320116"], name="adcode"),
)
"""A district of subdistricts only, a county, the city of Rugao, and a district with towns."""
HAVE = [1.0, 2.0, 0.0, 1.0]
PREFECTURES = pd.DataFrame(
    {
        "kind": "设区市",
        "rural": True,
        "population": 5e6,
        "population_0_14": 7e5,
        "镇": 60,
        "乡": 2,
        "街道": 40,
    },
    index=pd.Index(["320100", "320600"], name="adcode"),
)
PREFECTURES_HAVE = [1.0, 0.0]

PLACES = ([2790, 2250, 1349.9955, 899.9955], 7285.991)
ABOVE_500K = ([0, 1, 0, 0], 0)
EVERY_TOWNSHIP = ([6, 15, 11, 5], 33)
SUBDISTRICTS = ([6, 1, 3, 2], 9)
EVERY_COUNTY = ([1, 1, 1, 1], 1)
RURAL = ([0, 1, 1, 1], 1)
COUNTY_CITY = ([0, 1, 1, 0], 1)
THREE_RURAL = ([0, 3, 3, 3], 1 + 3 + 2)
CHILD_DOCTORS = ([79.05, 68, 34, 21.25], 198.3)
EACH_PREFECTURE = ([1, 1], 1)

BY_HAND = {
    # ⌈62⌉, ⌈50⌉, ⌈29.9999⌉, ⌈19.9999⌉; lacking 61 + 48 + 30 + 19
    "kindergarten_98": ([62, 50, 30, 20], 158),
    "kindergarten_115": ([62, 50, 30, 20], 158),
    "nursery_places_98": PLACES,
    "nursery_places_85": PLACES,
    "nursery_places_96": PLACES,
    "nursery_township_98": EVERY_TOWNSHIP,
    "nursery_demonstration_85": EVERY_COUNTY,
    # 299,999 people are no 300,000, but more than 200,000
    "special_school_96": ([1, 1, 0, 0], 0),
    "special_school_115": ([1, 1, 1, 0], 1),
    "special_school_prefecture_115": EACH_PREFECTURE,
    "township_health_centre_85": ([0, 14, 8, 3], 12 + 8 + 2),
    "community_health_centre_85": SUBDISTRICTS,
    "community_health_centre_rugao": ([0, 0, 3, 0], 3),
    "community_health_centre_rugao_people": ([0, 0, 3, 0], 3),
    "township_health_centre_rugao": ([0, 0, 8, 0], 8),
    "nursing_hospital_85": EVERY_COUNTY,
    # Half a million is enough for 以上, not for 超过
    "geriatric_hospital_85": ABOVE_500K,
    "geriatric_hospital_100": ([0, 0, 0, 0], 0),
    "geriatric_hospital_prefecture_85": EACH_PREFECTURE,
    "geriatric_hospital_prefecture_100": EACH_PREFECTURE,
    "maternal_child_98": ABOVE_500K,
    "maternal_child_85": ABOVE_500K,
    "maternal_child_96": ABOVE_500K,
    "children_hospital_prefecture_96": EACH_PREFECTURE,
    "children_hospital_96": RURAL,
    "psychiatric_hospital_prefecture_85": EACH_PREFECTURE,
    "psychiatric_hospital_85": RURAL,
    "tcm_hospital_85": COUNTY_CITY,
    "specialist_hospital_98": EACH_PREFECTURE,
    "hospital_beds_85": ([4712, 3800, 2279.9924, 1519.9924], 12_307.9848),
    "tcm_beds_98": ([545.6, 440, 263.99912, 175.99912], 1421.59824),
    "tcm_beds_85": ([682, 550, 329.9989, 219.9989], 1777.9978),
    "paediatric_beds_96": ([204.6, 176, 88, 55], 519.6),
    "paediatricians_96": CHILD_DOCTORS,
    "paediatricians_85": CHILD_DOCTORS,
    "doctors_85": ([2418, 1950, 1169.9961, 779.9961], 6313.9922),
    "general_practitioners_98": ([279, 225, 134.99955, 89.99955], 724.9991),
    "primary_health_staff_98": ([2170, 1750, 1049.9965, 699.9965], 5665.993),
    "rural_elder_care_98": THREE_RURAL,
    "rural_elder_care_63": THREE_RURAL,
    "county_support_98": RURAL,
    "elder_care_centre_98": EVERY_TOWNSHIP,
    "street_elder_care_63": SUBDISTRICTS,
    "elder_university_prefecture_98": ([4, 4], 7),
    "elder_university_prefecture_100": ([3, 3], 5),
    "elder_university_prefecture_115": ([4, 4], 7),
    "elder_university_98": COUNTY_CITY,
    # ⌈4.2⌉, ⌈10.5⌉, ⌈7.7⌉, ⌈3.5⌉ and ⌈5.1⌉, ⌈12.75⌉, ⌈9.35⌉, ⌈4.25⌉
    "elder_university_branch_98": ([5, 11, 8, 4], 4 + 9 + 8 + 3),
    "elder_university_branch_100": ([6, 13, 10, 5], 5 + 11 + 10 + 4),
    "county_halls_88": ([2, 2, 2, 2], 1 + 0 + 2 + 1),
    "township_culture_88": EVERY_TOWNSHIP,
    "disabled_home_98": EVERY_TOWNSHIP,
    "mourning_centre_98": COUNTY_CITY,
    "shelter_69": EVERY_COUNTY,
    "emergency_command_63": EACH_PREFECTURE,
}


def units_of(entry):
    """Return the regions of a standard's level with the people of its group, and what they have."""
    units, have = (COUNTIES, HAVE) if entry.region_level == "county" else (PREFECTURES, PREFECTURES_HAVE)
    there = pd.DataFrame({"provided": have, "surveyed": have, "implied": 0.0, "reason": None}, units.index)
    return units.assign(people=units[entry.group]), there


def test_every_standard_has_its_case():
    assert set(BY_HAND) == set(STANDARDS)
    assert len(STANDARDS) >= 25


@pytest.mark.parametrize("standard", BY_HAND)
def test_worked_by_hand(standard):
    entry = STANDARDS[standard]
    units, there = units_of(entry)
    table = compare(required(entry.as_rule(), units), there)
    asked, lacking = BY_HAND[standard]
    np.testing.assert_allclose(table["required"], asked, rtol=1e-12)
    assert table["shortfall"].sum() == pytest.approx(lacking, rel=1e-12)
    assert (table["regions_short"] == (table["shortfall"] > 0)).all()
    assert table["reason"].isna().all()


def test_a_range_asks_for_its_upper_end_too():
    entry = STANDARDS["community_health_centre_rugao_people"]
    units, _ = units_of(entry)
    assert required(entry.as_rule(), units)["required_most"].tolist() == [0, 0, 10, 0]


@st.composite
def random_units(draw):
    count = draw(st.integers(1, 6))
    rows = [
        {
            "code": f"3201{number:02d}" if draw(st.booleans()) else f"3206{82 + number:02d}",
            "kind": draw(st.sampled_from(["区", "县", "县级市"])),
            "rural": draw(st.booleans()),
            "people": float(draw(st.integers(0, 3_000_000))),
            **{ending: draw(st.integers(0, 20)) for ending in ("镇", "乡", "街道")},
        }
        for number in range(count)
    ]
    return pd.DataFrame(rows).set_index("code", drop=False)


@settings(max_examples=60)
@given(random_units(), st.sampled_from(sorted(STANDARDS)))
def test_equal_to_the_plain_words(units, standard):
    entry = STANDARDS[standard]
    found = required(entry.as_rule(), units)
    expected = [naive.required(entry, unit) for unit in units.to_dict("records")]
    np.testing.assert_allclose(found[["required", "required_most"]], expected, rtol=1e-12)
    more = required(entry.as_rule(), units.assign(people=units["people"] * 1.5))
    assert (more["required"] >= found["required"]).all()


def test_a_surplus_does_not_hide_a_lack_and_higher_levels_add_up():
    entry = STANDARDS["rural_elder_care_98"]
    units, there = units_of(entry)
    table = compare(required(entry.as_rule(), units), there.assign(provided=[0.0, 9.0, 1.0, 3.0]))
    assert table["shortfall"].tolist() == [0, 0, 2, 0]
    up = roll_up(table, pd.Series("320100", index=units.index))
    assert up.loc["320100", ["required", "provided", "shortfall", "regions_short"]].tolist() == [9, 13, 2, 1]
    apart = roll_up(table, pd.Series(["320200", "320100", "320100", "320100"], index=units.index))
    assert not apart.loc["320200", "applies"] and apart.loc["320200", "required"] == 0


def test_unknown_people_and_unknown_provision_stay_unknown():
    entry = STANDARDS["kindergarten_98"]
    units, there = units_of(entry)
    units.loc["320124", "people"] = np.nan
    table = compare(required(entry.as_rule(), units), there)
    assert np.isnan(table.loc["320124", "required"]) and table.loc["320124", "reason"] == NO_POPULATION
    up = roll_up(table, pd.Series("320100", index=units.index))
    assert np.isnan(up.loc["320100", "required"]) and up.loc["320100", "reason"] == NO_POPULATION
    dark = compare(required(entry.as_rule(), units), there.assign(provided=np.nan, reason="不知道"))
    assert dark["shortfall"].isna().all() and dark.loc["320102", "reason"] == "不知道"


def test_nobody_needs_nothing_by_population_and_still_one_by_region():
    empty = COUNTIES.assign(people=0.0)
    assert required(STANDARDS["kindergarten_98"].as_rule(), empty)["required"].tolist() == [0, 0, 0, 0]
    assert required(STANDARDS["nursing_hospital_85"].as_rule(), empty)["required"].tolist() == [1, 1, 1, 1]


def test_contradictions_are_found_and_agreements_are_not():
    found = contradictions(entry.as_rule() for entry in STANDARDS.values())
    assert ["special_school_96", "special_school_115"] in found
    assert ["tcm_beds_98", "tcm_beds_85"] in found
    assert ["elder_university_branch_98", "elder_university_branch_100"] in found
    assert any("elder_university_prefecture_100" in group for group in found)
    listed = {one for group in found for one in group}
    assert not listed & {"kindergarten_98", "nursery_places_98", "rural_elder_care_98", "maternal_child_96"}


def test_unknown_standards_are_named():
    with pytest.raises(StandardError, match="没有标准 cats"):
        require_known(["cats"], list(STANDARDS))


def series(**years):
    return pd.DataFrame(
        [{"adcode": "320100", "year": int(year[1:]), "value": value} for year, value in years.items()]
    )


def test_projection_worked_by_hand():
    known = series(y2019=50.0, y2020=100.0, y2022=121.0, y2024=144.0)
    factor = {year: growth_factors(known, year)["320100"] for year in (2020, 2021, 2022, 2024, 2026)}
    # 1.21 in two years is 1.1 a year; 1.44 in four years goes on as 1.2 in two.
    assert factor == pytest.approx({2020: 1.0, 2021: 1.1, 2022: 1.21, 2024: 1.44, 2026: 1.728})
    people = project(
        pd.DataFrame({"population": [1000.0], "population_0_14": [155.0]}, index=["320102"]),
        pd.Series({"320102": "320100"}),
        growth_factors(known, 2021),
    )
    assert people.loc["320102"].tolist() == [1100.0, 170.0]


@pytest.mark.parametrize(
    ("known", "year", "words"),
    [
        (series(y2020=1.0, y2024=1.1), 2019, "2020 到 2035"),
        (series(y2020=1.0, y2024=1.1), 2036, "2020 到 2035"),
        (series(y2019=1.0, y2024=1.1), 2025, "缺少 2020 年"),
        (series(y2020=1.0), 2025, "以后没有数"),
    ],
)
def test_bad_projections_are_refused(known, year, words):
    with pytest.raises(StandardError, match=words):
        growth_factors(known, year)


def test_a_county_without_a_growth_rate_is_refused():
    counts = pd.DataFrame({"population": [10.0]}, index=["320302"])
    with pytest.raises(StandardError, match="320302"):
        project(counts, pd.Series({"320302": "320300"}), pd.Series({"320100": 1.0}))
