from __future__ import annotations

import csv
import math
from collections import defaultdict

import pandas as pd
import pytest

from data.regions.census import FactTables, build_facts, economy_counts, unmatched_rows
from data.registry import load_registry
from tests.data.fact_fixtures import region_fixture
from tests.oracles.census_naive import ECONOMIC_REGIONS
from tests.real_data import real_path

PREFECTURES = [code for codes in ECONOMIC_REGIONS.values() for code in codes]


@pytest.fixture(scope="module")
def tables() -> FactTables:
    return build_facts(load_registry(), region_fixture())


@pytest.fixture(scope="module")
def fact(tables: FactTables) -> pd.DataFrame:
    own = tables.fact[tables.fact["source"] == "jiangsu_yearbook"]
    return own.set_index(["indicator", "year", "adcode"]).sort_index()


def naive_series(file: str, column: str) -> dict[tuple[int, str], float]:
    """Read one column of a published table with the csv module; sum it up by hand for the larger regions."""
    found: dict[tuple[int, str], float] = {}
    with real_path(f"statistics/{file}").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            found[int(row["year"]), row["adcode"]] = float(row[column])
    years: dict[int, list[str]] = defaultdict(list)
    for year, code in found:
        years[year].append(code)
    for year, codes in years.items():
        for region, members in {**ECONOMIC_REGIONS, "320000": PREFECTURES}.items():
            if set(members) <= set(codes):
                found[year, region] = sum(found[year, member] for member in members)
    return found


@pytest.mark.parametrize(
    ("indicator", "file", "column"),
    [
        ("gdp", "prefecture_gdp_2000_2023.csv", "gdp_100m_yuan"),
        ("gdp_primary", "prefecture_gdp_2000_2023.csv", "primary_100m_yuan"),
        ("gdp_secondary", "prefecture_gdp_2000_2023.csv", "secondary_100m_yuan"),
        ("gdp_tertiary", "prefecture_gdp_2000_2023.csv", "tertiary_100m_yuan"),
        ("yearbook_population", "prefecture_population_2005_2024.csv", "resident_population_10k"),
    ],
)
def test_series_equal_the_published_ones_and_their_sums(
    indicator: str, file: str, column: str, fact: pd.DataFrame
) -> None:
    naive = naive_series(file, column)
    found = fact.loc[indicator]["value"].dropna()
    assert set(found.index) == set(naive)
    for key, value in naive.items():
        assert found[key] == pytest.approx(value, abs=1e-6), key


def test_shares_and_gdp_per_head_are_quotients_of_sums(fact: pd.DataFrame) -> None:
    gdp = naive_series("prefecture_gdp_2000_2023.csv", "gdp_100m_yuan")
    people = naive_series("prefecture_population_2005_2024.csv", "resident_population_10k")
    for sector in ("primary", "secondary", "tertiary"):
        part = naive_series("prefecture_gdp_2000_2023.csv", f"{sector}_100m_yuan")
        for key, value in part.items():
            assert fact.loc[(f"gdp_{sector}_share", *key), "value"] == pytest.approx(value / gdp[key] * 100)
    per_head = fact.loc["gdp_per_head"]["value"]
    assert sorted(per_head.index.get_level_values("year").unique()) == list(range(2005, 2024))
    for key, value in per_head.items():
        assert value == pytest.approx(gdp[key] / people[key] * 10_000)


def test_hand_worked_suzhou_2023(fact: pd.DataFrame) -> None:
    gdp = fact.loc[("gdp", 2023, "320500"), "value"]
    people = fact.loc[("yearbook_population", 2023, "320500"), "value"]
    assert gdp == 24_653.4
    assert fact.loc[("gdp_per_head", 2023, "320500"), "value"] == pytest.approx(gdp * 1e8 / (people * 1e4))


def test_the_missing_year_of_huaian_is_undefined_and_so_is_every_sum_over_it(fact: pd.DataFrame) -> None:
    for indicator in ("gdp", "gdp_primary", "gdp_tertiary_share"):
        year = fact.loc[(indicator, 2000)]
        undefined = year[year["status"] == "undefined"]
        assert set(undefined.index) == {"320800", "320N00", "320000"}
        assert undefined["value"].isna().all()
        assert undefined.loc["320800", "reason"] == "年鉴数列缺2000年"
        assert undefined.loc["320000", "reason"] == "缺淮安市：年鉴数列缺2000年"
        assert not math.isnan(year.loc["320S00", "value"])
    assert (fact.drop(index=2000, level="year")["status"] == "observed").all()


def test_the_break_and_the_outlier_are_flagged_where_they_count(fact: pd.DataFrame) -> None:
    for code in ("320400", "320S00", "320000"):
        assert fact.loc[("yearbook_population", 2020, code), "flag"] == "口径断点"
        assert fact.loc[("gdp_per_head", 2015, code), "flag"] == "疑有误"
    assert pd.isna(fact.loc[("yearbook_population", 2015, "320C00"), "flag"])
    assert pd.isna(fact.loc[("gdp", 2020, "320400"), "flag"])
    assert "第七次全国人口普查" in fact.loc[("gdp_per_head", 2020, "320100"), "note"]
    flagged = fact[fact["flag"].notna()]
    assert set(flagged.index.get_level_values("year")) == {2015, 2020}


def test_everything_is_secondary_and_above_the_county(fact: pd.DataFrame) -> None:
    assert set(fact["quality"]) == {"secondary"}
    assert set(fact.index.get_level_values("adcode")) == {*PREFECTURES, *ECONOMIC_REGIONS, "320000"}


def test_unknown_prefecture_goes_to_unmatched() -> None:
    regions = region_fixture()
    assert unmatched_rows(regions) == []
    fewer = regions[regions["adcode"] != "321300"]
    lost = unmatched_rows(fewer)
    assert {row["code"] for row in lost} == {"321300"}
    assert len(lost) == 24 + 20
    assert lost[0]["reason"] == "代码不是地区表中的设区市"
    counts = economy_counts(load_registry(), fewer)
    assert "321300" not in counts[2020].numbers.index
