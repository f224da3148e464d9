"""Duplicates the slow way: every pair looked at, distances on the ellipsoid, names compared as written."""

import pandas as pd
from pyproj import Geod


def near_pairs(facilities: pd.DataFrame, near_m: float) -> set[tuple[str, str]]:
    """Return the id pairs, lower first, of one type and one name within ``near_m`` on the ellipsoid."""
    geod = Geod(ellps="GRS80")
    rows = facilities.to_dict("records")
    found = set()
    for one in rows:
        for other in rows:
            if one["id"] >= other["id"] or one["type"] != other["type"] or one["name"] != other["name"]:
                continue
            _, _, metres = geod.inv(one["lon"], one["lat"], other["lon"], other["lat"])
            if metres <= near_m:
                found.add((one["id"], other["id"]))
    return found
