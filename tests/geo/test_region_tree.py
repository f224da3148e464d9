"""The way up and down the region tree, what codes tell of it, and that levels have one name each."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.regions.boundaries import load_region_codes
from geo import region_tree as tree
from geo.errors import CoverageError
from tests.oracles import region_tree_naive as naive


def _current() -> pd.DataFrame:
    """Return the present regions of the packaged table of codes, in its order."""
    codes = load_region_codes()
    return codes[codes["valid_to"].isna()].reset_index(drop=True)


REGIONS = _current()
ROWS = REGIONS.to_dict("records")
CODES = REGIONS["adcode"].tolist()
LEVEL = dict(zip(CODES, REGIONS["level"], strict=True))
NAME = dict(zip(CODES, REGIONS["name"], strict=True))


@st.composite
def made_trees(draw: st.DrawFn) -> pd.DataFrame:
    """Return a region table with some prefectures, counties and residuals, in any order of the rows."""
    rows = [(tree.PROVINCE, "江苏省", "province", None)]
    rows += [(code, name, "economic_region", tree.PROVINCE) for code, name in tree.ECONOMIC_REGIONS.items()]
    for number in draw(st.sets(st.integers(1, 99), max_size=6)):
        prefecture = f"32{number:02d}00"
        zone = draw(st.sampled_from(list(tree.ECONOMIC_REGIONS)))
        rows.append((prefecture, f"市{number}", "prefecture", zone))
        for county in draw(st.sets(st.integers(1, 99), max_size=4)):
            rows.append((f"32{number:02d}{county:02d}", f"县{county}", "county", prefecture))
        if draw(st.booleans()):
            rows.append((f"32{number:02d}UN", f"市{number}未分配", "unallocated", prefecture))
    return pd.DataFrame(draw(st.permutations(rows)), columns=["adcode", "name", "level", "parent"])


def _agrees(regions: pd.DataFrame) -> None:
    """Compare every walk over a table with the naive one."""
    rows, codes = regions.to_dict("records"), regions["adcode"].tolist()
    level = dict(zip(codes, regions["level"], strict=True))
    hierarchy = tree.region_hierarchy(regions)
    assert hierarchy.index.tolist() == [code for code in codes if level[code] != "unallocated"]
    for code in codes:
        assert tree.above(regions, code) == naive.above(rows, code)
        held = naive.descendants(rows, code)
        assert tree.inside(regions, code) == [one for one in codes if one in held]
        assert tree.children(regions, code) == [row["adcode"] for row in rows if row["parent"] == code]
        for wanted in tree.TABLE_LEVELS:
            assert tree.inside(regions, code, wanted) == [
                one for one in codes if one in held and level[one] == wanted
            ]
        if code in hierarchy.index:
            assert [
                one if isinstance(one, str) else None for one in hierarchy.loc[code, list(tree.LEVELS)]
            ] == [naive.ancestor(rows, code, wanted) for wanted in tree.LEVELS]
    assert tree.counties_by_prefecture(regions) == {
        code: found
        for code in codes
        if (found := naive.descendants(rows, code) & {one for one in codes if level[one] == "county"})
        and level[code] == "prefecture"
    }


def test_every_walk_over_the_packaged_regions_is_the_naive_one() -> None:
    _agrees(REGIONS)


@given(made_trees())
def test_every_walk_over_any_table_is_the_naive_one(regions: pd.DataFrame) -> None:
    _agrees(regions)


@given(made_trees())
def test_the_code_may_be_a_column_or_the_index(regions: pd.DataFrame) -> None:
    indexed, both = regions.set_index("adcode"), regions.set_index("adcode", drop=False).rename_axis(None)
    for other in (indexed, both):
        for code in regions["adcode"]:
            assert tree.inside(other, code) == tree.inside(regions, code)
            assert tree.above(other, code) == tree.above(regions, code)
        assert tree.listed_names(other) == tree.listed_names(regions)


@given(made_trees())
def test_what_a_code_tells_is_what_the_table_says(regions: pd.DataFrame) -> None:
    rows, codes = regions.to_dict("records"), regions["adcode"]
    assert [tree.level_of(code) for code in codes] == regions["level"].tolist()
    for code, level in zip(codes, regions["level"], strict=True):
        assert tree.in_province(code)
        wanted = naive.ancestor(rows, code, "prefecture")
        assert tree.prefecture_of(code) == (code if wanted is None else wanted)
        if level != "economic_region":
            held = naive.descendants(rows, code)
            lower = [
                one for one, own in zip(codes, regions["level"], strict=True) if own != "economic_region"
            ]
            assert {one for one in lower if tree.lies_in(one, code)} == held & set(lower)


@pytest.mark.parametrize("region", CODES)
def test_what_the_packaged_codes_tell(region: str) -> None:
    assert tree.level_of(region) == LEVEL[region]
    counties = [code for code in CODES if LEVEL[code] == "county"]
    told = [code for code in counties if tree.lies_in(code, region)]
    if LEVEL[region] == "economic_region":
        assert told == []
    elif LEVEL[region] != "unallocated":
        assert told == tree.inside(REGIONS, region, "county")


@given(st.lists(st.sampled_from(CODES)), st.sampled_from(CODES))
def test_arrays_of_codes_are_asked_as_single_ones(codes: list[str], region: str) -> None:
    column = pd.Series(codes, dtype=object)
    wanted = [tree.prefecture_of(code) for code in codes]
    for asked in (column, pd.Index(column), column.to_numpy(), np.array(codes, dtype=str)):
        assert tree.prefectures_of(asked).tolist() == wanted
    with_gaps = pd.Series([*codes, None], dtype=object)
    held = tree.each_lies_in(with_gaps, region).tolist()
    assert held == [*(tree.lies_in(code, region) for code in codes), False]


def test_codes_of_other_provinces_lie_nowhere_here() -> None:
    assert not tree.in_province("310000")
    assert not any(tree.lies_in("330100", region) for region in CODES)


def test_a_place_lies_in_the_county_its_code_begins_with() -> None:
    assert tree.county_of_place("320102001") == tree.county_of_place("320102001005") == "320102"


def test_an_unknown_region_has_nothing_inside_and_no_way_up() -> None:
    assert tree.inside(REGIONS, "999999") == tree.children(REGIONS, "999999") == []
    with pytest.raises(KeyError):
        tree.above(REGIONS, "999999")


def test_parents_that_run_in_a_circle_end_the_way_up() -> None:
    circle = pd.DataFrame(
        {"adcode": ["a", "b"], "name": ["甲", "乙"], "level": ["county", "prefecture"], "parent": ["b", "a"]}
    )
    assert tree.above(circle, "a") == ["b"]
    assert tree.inside(circle, "a") == ["a", "b"]


def test_a_table_without_parents_is_named() -> None:
    with pytest.raises(CoverageError, match="缺少列：parent"):
        tree.region_hierarchy(REGIONS.drop(columns="parent"))


def test_lists_tell_counties_of_one_name_apart() -> None:
    listed = tree.listed_names(REGIONS)
    assert list(listed) == CODES
    counties = [code for code in CODES if LEVEL[code] == "county"]
    assert len({NAME[code] for code in counties}) < len({listed[code] for code in counties}) == len(counties)
    assert listed["320106"] == "鼓楼区（南京市）"
    assert tree.listed_names(REGIONS, ["320302", "320300"], parent="short_name") == {
        "320302": "鼓楼区（徐州）",
        "320300": "徐州市",
    }


def test_parents_by_name() -> None:
    names = tree.parent_names(REGIONS)
    for row in ROWS:
        told = names[row["adcode"]]
        assert pd.isna(told) if row["parent"] is None else told == NAME[row["parent"]]


def test_every_table_of_names_has_every_level() -> None:
    assert tree.TABLE_LEVELS == ("province", "economic_region", "prefecture", "county", "unallocated")
    for names in (tree.LEVEL_NAMES, tree.LEVEL_WORDS, tree.LEVEL_CHOICES):
        assert set(names) == set(tree.LEVELS)
    assert set(tree.SHORT_LEVEL_NAMES) == set(tree.TABLE_LEVELS)
    assert tuple(tree.LEVEL_NAMES) == tree.TABLE_LEVELS[:-1]
    assert tuple(tree.LEVEL_CHOICES) == tree.LEVELS
    assert set(tree.LEVEL_OF_WORD.values()) == set(tree.LEVELS)
    assert all(tree.LEVEL_OF_WORD[name] == level for level, name in tree.LEVEL_NAMES.items())
    assert list(tree.PARENT_LEVEL) == ["county", "unallocated", "prefecture", "economic_region"]


def test_the_economic_regions_are_those_of_the_packaged_table() -> None:
    short = dict(zip(CODES, REGIONS["short_name"], strict=True))
    assert {code: short[code] for code in tree.ECONOMIC_REGIONS} == tree.ECONOMIC_REGIONS
    assert set(tree.ECONOMIC_REGIONS) == {code for code in CODES if LEVEL[code] == "economic_region"}
    assert set(REGIONS.loc[REGIONS["level"] == "county", "kind"]) == {*tree.COUNTY_CITY_KINDS, "区"}
