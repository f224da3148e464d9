from __future__ import annotations

import csv
import hashlib
import math
import shutil
import string
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.regions.census import FactTables, build_facts, census_counts
from data.regions.census_tables import correct_cells, deduce_zeros, load_census, memberships, unit_counts
from data.regions.counts import YearCounts, difference, evaluate_counts, ratio, total_counts
from data.registry import Registry, load_registry
from data.registry.models import CensusCorrection, Count, CountGroup, Zone
from data.store.schema import TABLES, create_tables, insert_frame
from geo.errors import RegistryError
from scripts.carry_facts import PLAN_TABLES, carry_all, plain_number
from tests.data.fact_fixtures import region_fixture
from tests.oracles.census_naive import (
    ECONOMIC_REGIONS,
    NOT_COMPARABLE,
    UNALLOCATED,
    naive_indicators,
    read_rows,
)
from tests.real_data import REAL, real_path

FACTS = Path(__file__).resolve().parents[2] / "data" / "facts"


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry()


@pytest.fixture(scope="module")
def regions() -> pd.DataFrame:
    return region_fixture()


@pytest.fixture(scope="module")
def tables(registry: Registry, regions: pd.DataFrame) -> FactTables:
    return build_facts(registry, regions)


@pytest.fixture(scope="module")
def values(tables: FactTables) -> pd.Series:
    return tables.fact.set_index(["indicator", "year", "adcode"])["value"].sort_index()


def counties_of(regions: pd.DataFrame) -> list[str]:
    return list(regions.loc[regions["level"] == "county", "adcode"])


# ---- the carried tables


def test_carried_tables_are_what_the_script_makes_of_the_published_ones(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    shutil.copytree(REAL / "statistics", source / "statistics")
    (source / "plans").mkdir()
    target.mkdir()
    for number, origin in enumerate(PLAN_TABLES.values()):
        (source / origin).write_bytes(b"\xef\xbb\xbfa,b\r\n%d,\xff\r\n" % number)
    carry_all(source, target)
    made = {path.name: path.read_bytes() for path in target.iterdir()}
    for name, origin in PLAN_TABLES.items():
        assert made.pop(name) == (source / origin).read_bytes(), name
    assert len(made) == 4
    for name, content in made.items():
        assert content == (FACTS / name).read_bytes(), name


def test_carried_plans_are_the_tables_extracted_from_the_documents() -> None:
    lines = real_path("plans/SHA256SUMS").read_text(encoding="utf-8").splitlines()
    digests = {f"plans/{name}": digest for digest, name in map(str.split, lines)}
    assert set(digests) == set(PLAN_TABLES.values())
    for name, origin in PLAN_TABLES.items():
        assert hashlib.sha256((FACTS / name).read_bytes()).hexdigest() == digests[origin], name


def test_carried_plans_have_every_row_and_column() -> None:
    with (FACTS / "plan_indicators.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    assert len(rows) == 1 + 2513
    assert {len(row) for row in rows} == {15}


def test_carrying_refuses_text_and_fractions_of_a_person() -> None:
    assert plain_number(" 12.0 ", "population") == "12"
    assert plain_number("", "population") == ""
    assert plain_number("3.10", "rooms_per_household") == "3.1"
    for bad in ("…", "12.5"):
        with pytest.raises(ValueError, match=r"population|could not convert"):
            plain_number(bad, "population")


@pytest.mark.parametrize("year", [2010, 2020])
def test_sectors_add_up_to_the_published_total(year: int, registry: Registry) -> None:
    """The broken headings of 2010 are read in the right order only if the sectors still make up the total."""
    table = deduce_zeros(load_census(year), registry.count_groups, year)
    groups = [group for group in registry.count_groups if group.year == year]
    assert len(groups) == 3
    for group in groups:
        difference_ = table[list(group.parts)].sum(axis=1) - table[group.total]
        assert difference_.abs().max() == 0, group.total


def test_2010_sector_order_follows_from_the_published_shares() -> None:
    """Transport, information, trade: only this order gives retail the people that trade has in 2020 too."""
    ten, twenty = load_census(2010).loc["320000"], load_census(2020).loc["320000"]
    for sector in ("transport", "information", "wholesale_retail"):
        share_2010 = ten[f"sector_{sector}"] / ten["employed_sample"]
        share_2020 = twenty[f"sector_{sector}"] / twenty["employed_sample"]
        assert 0.25 < share_2010 / share_2020 < 4, sector
    secondary = sum(ten[f"sector_{s}"] for s in ("mining", "manufacturing", "utilities", "construction"))
    published = read_rows(real_path("statistics/census_2010.csv"), 2010)["320000"]
    assert round(secondary / ten["employed_sample"] * 100, 2) == float(published[134])
    assert round(ten["sector_agriculture"] / ten["employed_sample"] * 100, 2) == float(published[133])


# ---- totals


def test_population_adds_up_to_the_person(values: pd.Series, regions: pd.DataFrame) -> None:
    population = values["population"][2020]
    assert population["320000"] == 84_748_016
    prefectures = [code for codes in ECONOMIC_REGIONS.values() for code in codes]
    assert population[prefectures].sum() == 84_748_016
    assert population[list(ECONOMIC_REGIONS)].sum() == 84_748_016
    assert population[counties_of(regions)].sum() + population[list(UNALLOCATED)].sum() == 84_748_016
    assert population["3207UN"] == 263_480
    assert population["3211UN"] == 263_813
    assert values["population"][2010]["320000"] == 78_660_941


def test_every_count_adds_up_at_every_level(
    tables: FactTables, regions: pd.DataFrame, registry: Registry
) -> None:
    counts = [entry.id for entry in registry.indicators if entry.kind in {"count", "amount"}]
    fact = tables.fact[tables.fact["indicator"].isin(counts)]
    wide = fact.pivot_table("value", "adcode", ["indicator", "year"], dropna=False)
    checked = 0
    for parent, lower in regions.groupby("parent")["adcode"]:
        parts = wide.reindex([code for code in lower if code in wide.index])
        unallocated = parts.index.isin(list(UNALLOCATED))
        complete = parts[~unallocated].notna().all() & wide.loc[parent].notna()
        difference_ = parts.loc[:, complete].sum() - wide.loc[parent, complete]
        assert difference_.abs().max() < 1e-3, parent
        checked += int(complete.sum())
    assert checked > 700


def test_nothing_is_wrong_with_the_sources_and_nothing_is_dropped(tables: FactTables) -> None:
    assert tables.problems == []
    assert tables.unmatched.empty
    assert list(tables.unmatched.columns) == list(TABLES["unmatched"].columns)


# ---- against the second implementation and the published figures


@pytest.mark.parametrize("year", [2010, 2020])
def test_every_census_figure_equals_the_naive_one(
    year: int, values: pd.Series, regions: pd.DataFrame, registry: Registry
) -> None:
    areas = regions.set_index("adcode")["area_km2"].to_dict()
    path = real_path(f"statistics/census_{year}.csv")
    naive = naive_indicators(path, year, counties_of(regions), areas)
    for (adcode, indicator), expected in naive.items():
        found = values[indicator, year, adcode]
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-6), (adcode, indicator, year)
    named = {indicator for _, indicator in naive}
    census = {
        entry.id
        for entry in registry.indicators
        if entry.kind != "change" and f"census_{year}" in entry.source and year in entry.years
    }
    assert named == census


def test_undefined_counties_of_2010_are_exactly_the_incomparable_ones(tables: FactTables) -> None:
    fact = tables.fact[(tables.fact["year"] == 2010) & (tables.fact["indicator"] != "yearbook_population")]
    census = fact[fact["source"] == "census_2010"]
    undefined = census[census["status"] == "undefined"]
    assert set(undefined["adcode"]) == NOT_COMPARABLE
    assert undefined["value"].isna().all()
    assert undefined["reason"].str.startswith("2010年与2020年的范围不能对应：").all()
    assert len(undefined) == len(NOT_COMPARABLE) * census["indicator"].nunique()


@pytest.mark.parametrize(
    ("indicator", "positions"),
    [
        ("population_0_14_share", (57, 58)),
        ("population_65_plus_share", (59, 60)),
        ("sex_ratio", (5, 7)),
        ("household_size", (13, 14)),
        ("illiteracy_rate", (89, 89)),
        ("mean_years_schooling", (None, 83)),
    ],
)
def test_ratios_equal_the_published_ones(
    indicator: str, positions: tuple[int | None, int], values: pd.Series
) -> None:
    """Prefectures and untouched counties, both years; a misprint of 高邮 in 2010 is the one exception."""
    united = {"320305", "320506", "320613", "320812", "320902", "321003", "321203", "321311"}
    for year, position in zip((2010, 2020), positions, strict=True):
        if position is None:
            continue
        published = read_rows(real_path(f"statistics/census_{year}.csv"), year)
        wrong = []
        for adcode, value in values[indicator, year].items():
            if adcode not in published or adcode in united or math.isnan(value):
                continue
            if year == 2010 and adcode in {"320104", "320106"}:
                continue
            if abs(value - float(published[adcode][position])) > 0.0051:
                wrong.append(adcode)
        expected = ["321084"] if (indicator, year) == ("population_65_plus_share", 2010) else []
        assert wrong == expected, (indicator, year)


def test_hand_worked_figures(values: pd.Series) -> None:
    # 苏州市 2020: 65+ over everybody, cell by cell from the published row.
    row = read_rows(real_path("statistics/census_2020.csv"), 2020)["320500"]
    elderly = sum(float(row[position]) for position in range(48, 58))
    assert values["population_65_plus_share", 2020, "320500"] == pytest.approx(elderly / 12_748_262 * 100)
    assert round(values["population_65_plus_share", 2020, "320500"], 2) == 12.44
    # The communiqués: 18 663 of 100 000 with college or more; 73.44 % urban; 21.84 % over 60.
    assert round(values["tertiary_per_100k", 2020, "320000"]) == 18_663
    assert round(values["urbanisation_rate", 2020, "320000"], 2) == 73.44
    assert round(values["population_60_plus_share", 2020, "320000"], 2) == 21.84
    # 南通's communiqué compares 崇川区 with 开发区 on 1 135 375 people of 2010, 通州区 on 1 138 738.
    assert values["population", 2010, "320613"] == 953_271 + 182_104
    assert values["population_change", 2020, "320613"] == 230_469 + 150_169
    assert values["population_change", 2020, "320612"] == 120_001
    assert values["population_change_rate", 2020, "320000"] == pytest.approx(6_087_075 / 78_660_941 * 100)


def test_economic_region_ratio_is_no_average(values: pd.Series) -> None:
    members = ECONOMIC_REGIONS["320S00"]
    share = values["population_65_plus_share"][2020]
    people, elderly = values["population"][2020], values["population_65_plus"][2020]
    assert share["320S00"] == pytest.approx(elderly[members].sum() / people[members].sum() * 100)
    assert abs(share["320S00"] - share[members].mean()) > 0.1


def test_age_groups_make_up_the_whole(values: pd.Series) -> None:
    for year in (2010, 2020):
        young = sum(values[f"population_{group}", year] for group in ("0_2", "3_5", "6_14"))
        pd.testing.assert_series_equal(young, values["population_0_14", year], check_names=False)
        everybody = sum(values[f"population_{group}", year] for group in ("0_14", "15_59", "60_plus"))
        pd.testing.assert_series_equal(everybody, values["population", year], check_names=False)
        both = values["urban_population", year] + values["rural_population", year]
        pd.testing.assert_series_equal(both, values["population", year], check_names=False)


def test_published_mean_years_of_2010_have_another_scope(values: pd.Series) -> None:
    """The table of 2010 prints the mean of those over 15: the reason to compute it from the levels."""
    published = read_rows(real_path("statistics/census_2010.csv"), 2010)
    for adcode in ("320000", "320100", "321300"):
        gap = float(published[adcode][83]) - values["mean_years_schooling", 2010, adcode]
        assert 0.1 < gap < 0.3


def test_housing_area_of_the_province_is_close_to_the_published(values: pd.Series) -> None:
    for year, position in ((2010, 155), (2020, 140)):
        published = float(read_rows(real_path(f"statistics/census_{year}.csv"), year)["320000"][position])
        assert values["housing_area_per_head", year, "320000"] == pytest.approx(published, abs=0.04)


# ---- flags, notes and the shape of the tables


def test_zones_and_changes_leave_a_flag_and_its_reason(tables: FactTables) -> None:
    fact = tables.fact.set_index(["indicator", "year", "adcode"]).sort_index()
    folded = fact.loc[("population_65_plus_share", 2020, "320506")]
    assert folded["flag"] == "含苏州工业园区"
    assert "吴中区" in folded["note"]
    merged = fact.loc[("population", 2010, "320104")]
    assert merged["flag"] == "原白下区、秦淮区"
    change = fact.loc[("population_change", 2020, "320902")]
    assert change["flag"] == "范围略有变化；含盐城经济技术开发区"
    assert pd.isna(fact.loc[("population", 2020, "320102")]["flag"])


def test_the_corrected_cell_is_told_where_it_counts(tables: FactTables) -> None:
    fact = tables.fact.set_index(["indicator", "year", "adcode"]).sort_index()
    assert fact.loc[("mean_years_schooling", 2010, "320826")]["flag"] == "已更正转录错误"
    assert "138097" in fact.loc[("tertiary_share", 2010, "320826")]["note"]
    assert pd.isna(fact.loc[("population", 2010, "320826")]["flag"])
    assert fact.loc[("mean_years_schooling", 2010, "320826")]["value"] == pytest.approx(8.1586, abs=1e-4)


def test_residuals_have_counts_only(tables: FactTables, registry: Registry) -> None:
    residual = tables.fact[tables.fact["adcode"].isin(list(UNALLOCATED))]
    kinds = {entry.id: entry.kind for entry in registry.indicators}
    assert set(residual["indicator"].map(kinds)) == {"count"}
    assert set(residual["year"]) == {2020}


def test_estimates_are_marked(tables: FactTables) -> None:
    status = tables.fact.dropna(subset=["value"]).groupby("indicator")["status"].unique().map(list)
    for indicator in (
        "population_0_2",
        "population_3_5_share",
        "health_workers_per_1000",
        "employed_population",
    ):
        assert status[indicator] == ["estimated"]
    for indicator in (
        "population",
        "population_0_14",
        "urbanisation_change",
        "manufacturing_employment_share",
    ):
        assert status[indicator] == ["observed"]


def test_tables_fit_the_store(tables: FactTables) -> None:
    with duckdb.connect() as connection:
        create_tables(connection)
        for name in ("fact", "indicator", "zone", "census_change", "source", "unmatched"):
            frame = getattr(tables, name)
            assert insert_frame(connection, name, frame) == len(frame)
        stored = connection.execute("SELECT count(*), count(value) FROM fact").fetchone()
    assert stored == (len(tables.fact), int(tables.fact["value"].notna().sum()))


def test_at_least_sixty_indicators_at_every_level(tables: FactTables, regions: pd.DataFrame) -> None:
    levels = (
        tables.fact.merge(regions[["adcode", "level"]], on="adcode").groupby("level")["indicator"].nunique()
    )
    assert (levels[["county", "prefecture", "economic_region", "province"]] >= 60).all()


def test_order_of_regions_and_index_do_not_matter(
    tables: FactTables, registry: Registry, regions: pd.DataFrame
) -> None:
    shuffled = regions.sample(frac=1, random_state=7).set_index("adcode")
    again = build_facts(registry, shuffled)
    pd.testing.assert_frame_equal(again.fact, tables.fact)


# ---- what does not match


def test_a_row_whose_code_matches_nothing_is_kept_and_shown(
    registry: Registry, regions: pd.DataFrame
) -> None:
    fewer = regions[~regions["adcode"].isin(["320506", "320102"])]
    found = census_counts(registry, fewer)
    lost = pd.DataFrame(found.unmatched).set_index(["table_name", "code"])
    assert set(lost.index) == {
        ("census_2010", "320102"),
        ("census_2010", "320506"),
        ("census_2020", "320102"),
        ("census_2020", "320506"),
        ("census_2020", "320571"),
    }
    assert lost.loc[("census_2020", "320571"), "value"] == "1133927"
    assert "320506" in lost.loc[("census_2020", "320571"), "reason"]
    assert lost.loc[("census_2020", "320102"), "row"] == "4"


def test_missing_counties_show_as_what_does_not_add_up(registry: Registry, regions: pd.DataFrame) -> None:
    fewer = regions[regions["adcode"] != "320102"]
    problems = census_counts(registry, fewer).problems
    assert "2020年南京市 population：公布数比下级合计多 537825" in problems


def test_a_county_the_census_does_not_list_is_undefined(registry: Registry) -> None:
    made = memberships(registry, 2020, {"320102"}, ["320102", "320999"])
    assert made["320102"].reason == ""
    assert made["320999"].reason == "2020年人口普查分县资料中没有该县（市、区）"


def test_a_zone_that_moves_takes_its_people_along(registry: Registry, regions: pd.DataFrame) -> None:
    moved = tuple(
        Zone(**{**zone.model_dump(), "county": "320508"}) if zone.zone_code == "320571" else zone
        for zone in registry.zones
    )
    changed = Registry(**{**vars(registry), "zones": moved})
    population = census_counts(changed, regions).years[2020].numbers["population"]
    assert population["320508"] == 924_083 + 1_133_927
    assert population["320506"] == 1_388_972
    assert population["320500"] == 12_748_262


def test_a_stale_correction_is_refused() -> None:
    entry = CensusCorrection(
        year=2010, adcode="320826", column="primary_school_female", transcribed=1, corrected=2, reason="x"
    )
    with pytest.raises(
        RegistryError, match=r"census_corrections.yaml，条目 2010/320826/primary_school_female"
    ):
        correct_cells(load_census(2010), [entry], 2010)


def test_carried_table_keeps_the_transcription_and_only_the_counts_are_corrected(registry: Registry) -> None:
    assert load_census(2010).loc["320826", "primary_school_female"] == 1_138_097
    _, counts = unit_counts(registry, 2010)
    prefecture = counts.numbers.loc["320800", "schooling_years"]
    members = ["320802", "320803", "320804", "320811", "320826", "320829", "320830", "320831"]
    assert counts.numbers.loc[members, "schooling_years"].sum() == prefecture


# ---- laws

small = st.integers(min_value=0, max_value=10_000_000)


def simple_count(*terms: str) -> Count:
    return Count(id="total", name="合计", unit="人", sum=terms, years=(2020,))


@given(st.lists(st.tuples(small, small), min_size=1, max_size=8), st.randoms())
def test_a_region_is_the_sum_of_its_parts_in_any_order(parts: list[tuple[int, int]], random: object) -> None:
    codes = [f"3201{number:02d}" for number in range(len(parts))]
    table = pd.DataFrame(parts, index=codes, columns=["a", "b"], dtype=float)
    counts = evaluate_counts(table, [simple_count("a", "0.5*b")], 2020)
    total, reasons = total_counts(counts, codes, {})
    assert total["total"] == pytest.approx(sum(a + b / 2 for a, b in parts), abs=1e-6)
    assert reasons["total"] == ""
    random.shuffle(codes)  # type: ignore[attr-defined]
    assert total_counts(counts, codes, {})[0]["total"] == pytest.approx(total["total"], rel=1e-12)


@given(st.lists(st.tuples(small, small.map(lambda n: n + 1)), min_size=1, max_size=8))
def test_a_region_s_ratio_lies_between_those_of_its_parts(parts: list[tuple[int, int]]) -> None:
    top, bottom = (pd.Series([float(part[i]) for part in parts]) for i in (0, 1))
    no_reason = pd.Series("", index=top.index, dtype=object)
    each, _ = ratio((top, no_reason), (bottom, no_reason), 100.0)
    one = pd.Series([""], dtype=object)
    whole, _ = ratio((pd.Series([top.sum()]), one), (pd.Series([bottom.sum()]), one), 100.0)
    assert each.min() * (1 - 1e-12) <= whole[0] <= each.max() * (1 + 1e-12)


@given(st.lists(small | st.none(), min_size=1, max_size=6))
def test_a_sum_with_a_missing_part_is_undefined_and_says_so(cells: list[int | None]) -> None:
    codes = [f"3201{number:02d}" for number in range(len(cells))]
    table = pd.DataFrame({"a": [np.nan if cell is None else float(cell) for cell in cells]}, index=codes)
    counts = evaluate_counts(table, [simple_count("a")], 2020)
    total, reasons = total_counts(counts, codes, {code: f"第{code}县" for code in codes})
    if None in cells:
        first = codes[cells.index(None)]
        assert math.isnan(total["total"])
        assert f"第{first}县" in reasons["total"]
        assert "原表“a”为空" in reasons["total"]
    else:
        assert total["total"] == sum(cell for cell in cells if cell is not None)
        assert reasons["total"] == ""


@given(st.lists(st.integers(0, 50) | st.none(), min_size=2, max_size=6), st.integers(0, 300))
def test_an_empty_cell_is_zero_only_when_the_rest_is_the_total(cells: list[int | None], total: int) -> None:
    names = list(string.ascii_lowercase[: len(cells)])
    row = {name: np.nan if cell is None else float(cell) for name, cell in zip(names, cells, strict=True)}
    table = pd.DataFrame([{**row, "whole": float(total)}], index=["320100"])
    group = CountGroup(total="whole", year=2020, parts=tuple(names))
    filled = deduce_zeros(table, [group], 2020).loc["320100", names]
    known = sum(cell for cell in cells if cell is not None)
    for name, cell in zip(names, cells, strict=True):
        expected = cell if cell is not None else (0.0 if known == total else None)
        assert math.isnan(filled[name]) if expected is None else filled[name] == expected
    assert deduce_zeros(table, [group], 2010).equals(table)


@settings(max_examples=50)
@given(small, small)
def test_change_is_difference_and_percentage_of_the_earlier(later: int, earlier: int) -> None:
    reason = pd.Series([""], dtype=object)
    now, then = (pd.Series([float(later)]), reason), (pd.Series([float(earlier)]), reason)
    assert difference(now, then, "difference")[0][0] == later - earlier
    percent, why = difference(now, then, "percent")
    if earlier == 0:
        assert math.isnan(percent[0])
        assert why[0] == "分母为 0，比值无意义"
    else:
        assert percent[0] == pytest.approx((later - earlier) / earlier * 100)


def test_product_counts_need_both_columns() -> None:
    table = pd.DataFrame({"each": [2.5, np.nan], "number": [4.0, 4.0]}, index=["320100", "320200"])
    count = Count(id="whole", name="合计", unit="间", product=("each", "number"), years=(2020,))
    made = evaluate_counts(table, [count], 2020)
    assert made.numbers.loc["320100", "whole"] == 10.0
    assert made.reasons.loc["320200", "whole"] == "原表“each”为空"


def test_remarks_are_kept_once_and_in_order(registry: Registry) -> None:
    _, counts = unit_counts(registry, 2010)
    assert isinstance(counts, YearCounts)
    marks = counts.marks_of("320826", ["schooling_years", "educated_population"])
    assert [mark.flag for mark in marks] == ["已更正转录错误"]
    assert counts.marks_of("320826", ["population"]) == []
