"""A region table for the tests of the facts: real codes, areas made up, no boundaries needed."""

from __future__ import annotations

import pandas as pd

from data.regions.census_tables import load_census
from tests.oracles.census_naive import ECONOMIC_REGIONS, UNALLOCATED, ZONES_2020

ZONE_CODES = {code for codes in ZONES_2020.values() for code in codes}


def region_fixture() -> pd.DataFrame:
    """Return the 114 regions as the store has them: adcode, name, level, parent, area_km2 (stubs)."""
    census = load_census(2020)["name"]
    region_of = {code: region for region, codes in ECONOMIC_REGIONS.items() for code in codes}
    rows = [("320000", "江苏省", "province", None)]
    rows += [(code, f"{code}经济区", "economic_region", "320000") for code in ECONOMIC_REGIONS]
    rows += [(code, census[code], "prefecture", region) for code, region in region_of.items()]
    counties = [code for code in census.index if not code.endswith("00") and code not in ZONE_CODES]
    rows += [(code, census[code], "county", f"{code[:4]}00") for code in counties]
    rows += [(code, "未分配", "unallocated", parent) for code, parent in UNALLOCATED.items()]
    frame = pd.DataFrame(rows, columns=["adcode", "name", "level", "parent"])
    frame["area_km2"] = [
        float("nan") if level == "unallocated" else 100.0 + number
        for number, level in enumerate(frame["level"])
    ]
    return frame
