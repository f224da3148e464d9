"""The gaps from the store: the regions' own figures, people as weights, breaks, years that do not compare."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from inequality.gini import Gini
from inequality.theil import TheilD

from analysis.gaps import (
    SECOND_HAND,
    compare_years,
    gap_analyses,
    gap_levels,
    gap_of,
    load_gap,
    panel,
    series_table,
)
from data.store.store import Store
from geo.errors import UnknownIndicatorError
from geo.gaps import NO_MULTIPLES, TOTALS_UNWEIGHTED
from geo.region_tree import NORTH, SOUTH


def test_the_ratio_is_that_of_the_regions_own_figures(built_store: Store) -> None:
    """GDP per head 2005–2023: every year's ratio is Σ GDP / Σ people of five prefectures each."""
    source = load_gap(built_store, "gdp_per_head", "prefecture")
    assert source.years == list(range(2005, 2024))
    money, people = built_store.facts("gdp"), built_store.facts("yearbook_population")
    for year, found in gap_analyses(source).items():
        figures = {}
        for region in (SOUTH, NORTH):
            rows = [
                table[
                    (table["year"] == year)
                    & (table["level"] == "prefecture")
                    & (table["economic_region"] == region)
                ]["value"]
                for table in (money, people)
            ]
            figures[region] = 10_000 * rows[0].sum() / rows[1].sum()
        ratio = found.measures["south_north_ratio"].value
        assert ratio == pytest.approx(figures[SOUTH] / figures[NORTH])
        assert ratio != pytest.approx(
            found.frame.groupby("group")["value"].mean()[SOUTH]
            / found.frame.groupby("group")["value"].mean()[NORTH]
        )


def test_gini_and_theil_of_the_facts_are_those_of_pysal(built_store: Store) -> None:
    source = load_gap(built_store, "gdp_per_head", "prefecture")
    facts = built_store.facts("gdp_per_head", level="prefecture")
    for year in (2005, 2014, 2023):
        rows = facts[facts["year"] == year]
        values, groups = rows["value"].to_numpy(), rows["economic_region"].to_numpy()
        found, peer = gap_of(source, year), TheilD(values, groups)
        assert found.measures["gini"].value == pytest.approx(Gini(values).g, abs=1e-12)
        assert found.theil.between == pytest.approx(float(np.ravel(peer.bg)[0]), abs=1e-12)
        assert abs(found.theil.within + found.theil.between - found.theil.total) < 1e-12


def test_people_are_those_of_the_indicators_own_source(built_store: Store) -> None:
    economy = gap_of(load_gap(built_store, "gdp_per_head", "prefecture"), 2020)
    census = gap_of(load_gap(built_store, "urbanisation_rate", "prefecture"), 2020)
    assert economy.weight_name == "2020 年年末常住人口（年鉴）"
    assert census.weight_name == "2020 年常住人口"
    # Weighted by its own denominator a ratio's mean is the province's figure: nothing is averaged.
    for found in (economy, census):
        frame = found.frame
        mean = (frame["value"] * frame["weight"]).sum() / frame["weight"].sum()
        assert mean == pytest.approx(found.province.value)
        means = found.theil_weighted.groups["mean"]
        pd.testing.assert_series_equal(
            means.sort_index(), found.regional["value"].sort_index(), check_names=False
        )


def test_totals_have_no_weighted_measures(built_store: Store) -> None:
    found = gap_of(load_gap(built_store, "gdp", "prefecture"), 2023)
    assert found.measures["cv_weighted"].reason == TOTALS_UNWEIGHTED
    assert found.theil_weighted.reason == TOTALS_UNWEIGHTED
    assert found.weight_name == ""
    assert found.measures["cv"].defined


def test_the_break_of_2020_and_the_quality_are_told(built_store: Store) -> None:
    source = load_gap(built_store, "gdp_per_head", "prefecture")
    found = gap_of(source, 2023)
    assert [year for year, _ in found.breaks] == [2020]
    assert "第七次全国人口普查" in found.breaks[0][1]
    assert found.remarks == (SECOND_HAND,)
    assert gap_of(source, 2015).flags[0][0] == "常州市"
    assert gap_of(source, 2020).flags == ()
    assert "二手" in " ".join(found.as_dict()["remarks"])


def test_only_regions_with_both_years_are_compared(built_store: Store) -> None:
    source = load_gap(built_store, "population_65_plus_share", "county")
    found = compare_years(source, 2020, 2010)
    assert (len(found.now.defined), len(found.then.defined)) == (95, 70)  # type: ignore[union-attr]
    assert not found.same_regions
    assert found.common_now is not None
    assert found.common_then is not None
    assert list(found.common_now.defined.index) == list(found.common_then.defined.index)
    assert len(found.common_now.defined) == 70
    alike = compare_years(load_gap(built_store, "gdp_per_head", "prefecture"), 2023, 2005)
    assert alike.same_regions
    assert compare_years(source, 2020, None).then is None


def test_the_counties_gap_has_three_parts(built_store: Store) -> None:
    found = gap_of(load_gap(built_store, "mean_years_schooling", "county"), 2020)
    for nested, whole in (
        (found.nested, found.measures["theil"]),
        (found.nested_weighted, found.measures["theil_weighted"]),
    ):
        assert nested is not None
        parts = nested.between_outer + nested.between_inner + nested.within_inner
        assert abs(parts - nested.total) < 1e-12
        assert nested.total == whole.value
    assert found.nested.between_outer == found.theil.between  # type: ignore[union-attr]


def test_a_year_without_facts_is_undefined_throughout(built_store: Store) -> None:
    found = gap_of(load_gap(built_store, "gdp_per_head", "prefecture"), 1999)
    assert found.defined.empty
    assert {measure.reason for measure in found.measures.values()} >= {"没有一个地区有数值"}
    assert set(found.missing["reason"]) == {"1999 年没有数据"}
    assert found.regional["reason"].tolist() == ["1999 年没有数据"] * 3
    assert found.measures["south_north_ratio"].reason == "苏南没有数值"


def test_missing_gdp_of_2000_keeps_its_reason(built_store: Store) -> None:
    found = gap_of(load_gap(built_store, "gdp", "prefecture"), 2000)
    assert found.missing["name"].tolist() == ["淮安市"]
    assert found.measures["south_north_ratio"].reason == "苏北没有数值"
    assert "缺淮安市" in str(found.regional.loc[NORTH, "reason"])
    assert found.regional.loc[NORTH, ["n", "undefined"]].tolist() == [4, 1]


def test_tables_of_years(built_store: Store) -> None:
    source = load_gap(built_store, "gdp_per_head", "prefecture")
    table = series_table(gap_analyses(source, [2023, 2005]))
    assert table.index.tolist() == [2005, 2023]
    assert table.loc[2023, "gini"] == gap_of(source, 2023).measures["gini"].value
    values = panel(source)
    assert values.shape == (13, 19)
    assert values.loc["320500", 2023] == gap_of(source, 2023).frame.loc["320500", "value"]
    gdp = panel(load_gap(built_store, "gdp", "prefecture"))
    assert np.isnan(gdp.loc["320800", 2000])


def test_levels_and_unknown_indicators(built_store: Store) -> None:
    assert gap_levels(built_store.indicator("gdp_per_head")) == ["prefecture"]
    assert gap_levels(built_store.indicator("population")) == ["prefecture", "county"]
    with pytest.raises(UnknownIndicatorError):
        load_gap(built_store, "no_such", "county")


def test_changes_have_no_multiples(built_store: Store) -> None:
    """Growth of 16.8 % against 0.6 % is no 27-fold of anything."""
    for indicator in ("population_change_rate", "urbanisation_change"):
        found = gap_of(load_gap(built_store, indicator, "county"), 2020)
        assert {found.measures[name].reason for name in ("max_min_ratio", "south_north_ratio")} == {
            NO_MULTIPLES
        }
        assert found.regional["value"].notna().all()
