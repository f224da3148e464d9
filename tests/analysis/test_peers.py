"""Profiles from the store: values of the latest year, the structure, regions that can be compared."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.peers import load_profiles, require_comparable
from data.registry.index_models import load_profile_rules
from data.store.store import Store
from geo.errors import CompareError, UnknownRegionError


@pytest.mark.parametrize(("level", "count"), [("prefecture", 13), ("county", 95), ("economic_region", 3)])
def test_a_profile_holds_the_latest_values_of_every_region(
    built_store: Store, level: str, count: int
) -> None:
    profiles = load_profiles(built_store, level)
    known = built_store.indicators().index
    assert {one.id for one in load_profile_rules().indicators} <= set(known)
    for key in profiles.spines:
        facts = built_store.facts(key, level=level)
        year = int(facts.loc[facts["value"].notna(), "year"].max())
        assert profiles.indicators["year"].to_dict()[key] == year
        now = facts[facts["year"] == year].set_index("adcode")["value"]
        pd.testing.assert_series_equal(
            profiles.matrix.loc[now.index, key], now, check_names=False, check_index_type=False
        )
    assert len(profiles.structure) == count
    assert ("gdp_per_head" in profiles.spines) == (level != "county")
    assert len(profiles.structure_names) == profiles.structure.shape[1]


def test_what_can_be_compared(built_store: Store) -> None:
    assert require_comparable(built_store, ["320500", "320500"]) == ("prefecture", ["320500"])
    assert require_comparable(built_store, ["320S00", "320N00"])[0] == "economic_region"
    for codes, kind in (
        ([], CompareError),
        (["320500", "320682"], CompareError),
        (["3207UN"], CompareError),
        (["12"], UnknownRegionError),
    ):
        with pytest.raises(kind):
            require_comparable(built_store, codes)
