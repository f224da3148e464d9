"""The summaries against sums made by hand from whole tables."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from data.store.check import fact_summary, residuals, target_state_counts
from data.store.store import Store, open_store
from tests.data.small_store import fact, publish_small


def test_fact_summary_adds_up_to_the_fact_table(built_store: Store) -> None:
    facts, summary = built_store.table("fact"), fact_summary(built_store)
    assert summary["facts"].sum() == len(facts)
    assert summary["undefined"].sum() == facts["value"].isna().sum()
    assert summary["estimated"].sum() == (facts["status"] == "estimated").sum()
    assert summary["flagged"].sum() == facts["flag"].notna().sum()
    assert set(zip(summary["source"], summary["quality"], strict=True)) == set(
        zip(facts["source"], facts["quality"], strict=True)
    )
    for row in summary.itertuples():
        part = facts[(facts["source"] == row.source) & (facts["quality"] == row.quality)]
        assert (row.facts, row.indicators) == (len(part), part["indicator"].nunique())
        assert (row.first_year, row.last_year) == (part["year"].min(), part["year"].max())
    titles = built_store.sources().set_index("id")["title"]
    assert list(summary["title"]) == [titles[source] for source in summary["source"]]


def test_fact_summary_begins_with_the_best_quality(built_store: Store) -> None:
    order = {"official": 0, "imported": 1, "derived": 2, "secondary": 3}
    ranks = [order[quality] for quality in fact_summary(built_store)["quality"]]
    assert ranks == sorted(ranks)


def test_fact_summary_counts_what_is_undefined(tmp_path: Path) -> None:
    publish_small(tmp_path, [fact("320000", 5.0), fact("320S00", None), fact("320100", 5.0, flag="x")])
    summary = fact_summary(open_store(tmp_path))
    row = summary.iloc[0]
    assert len(summary) == 1
    assert (row["facts"], row["undefined"], row["flagged"], row["estimated"]) == (3, 1, 1, 0)
    assert pd.isna(row["title"])


def test_residuals_are_what_counties_leave_of_their_prefecture(built_store: Store) -> None:
    left = residuals(built_store, "population")
    assert list(left["year"]) == sorted(left["year"], reverse=True)
    for row in left.itertuples():
        facts = built_store.facts("population", year=int(row.year))
        whole = facts.loc[facts["adcode"] == row.parent, "value"].item()
        counties = facts[(facts["parent"] == row.parent) & (facts["level"] == "county")]["value"].sum()
        assert row.value == whole - counties
        assert row.prefecture == built_store.region_table().loc[row.parent, "name"]
    assert set(left.loc[left["year"] == 2020, "parent"]) == {"320700", "321100"}


def test_residuals_of_a_share_or_an_unknown_indicator_are_none(built_store: Store) -> None:
    assert residuals(built_store, "no_such_indicator").empty


@pytest.mark.parametrize("state", ["met", "not_met", "undefined"])
def test_state_counts_add_up_to_the_headline_targets(built_store: Store, state: str) -> None:
    counts, targets = target_state_counts(built_store), built_store.headline_targets()
    assert counts[state].sum() == (targets["state"] == state).sum()
    assert counts["total"].sum() == len(targets)
    for row in counts.itertuples():
        part = targets[(targets["plan"] == row.plan) & (targets["period"] == row.period)]
        assert getattr(row, state) == (part["state"] == state).sum()


def test_state_counts_keep_the_order_of_the_documents(built_store: Store) -> None:
    counts = target_state_counts(built_store)
    order = built_store.plan_documents().set_index("plan")["doc_order"]
    assert list(counts["period"].unique()) == ["十三五", "十四五"]
    for _, part in counts.groupby("period"):
        places = [order[plan] for plan in part["plan"]]
        assert places == sorted(places)
        assert part["plan"].is_unique
    assert set(counts["plan"]) == set(order.index)
