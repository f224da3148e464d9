"""A store small enough to make a hundred of: four regions, one indicator, published like the real one."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely

from data.store.build_lock import build_lock
from data.store.publish import Contents, building_folder, publish, write_contents
from data.store.schema import SCHEMA_VERSION
from data.store.versions import ZOOMS, Pointer

VERSION = "0123456789abcdef"


def regions() -> pd.DataFrame:
    """Return province, economic region, prefecture and one county."""
    rows = [
        ("320000", "江苏省", "江苏", "province", None, "省", None),
        ("320S00", "苏南", "苏南", "economic_region", "320000", "经济区", None),
        ("320100", "南京市", "南京", "prefecture", "320S00", "设区市", "320S00"),
        ("320102", "玄武区", "玄武", "county", "320100", "区", "320S00"),
    ]
    frame = pd.DataFrame(
        rows, columns=["adcode", "name", "short_name", "level", "parent", "kind", "economic_region"]
    )
    empty = dict.fromkeys(("valid_from", "valid_to", "predecessors", "seat_source"))
    return frame.assign(**empty, area_km2=75.0, seat_lon=118.8, seat_lat=32.05)


def indicator(**changes: object) -> pd.DataFrame:
    """Return one indicator, a count."""
    row = {
        "id": "population",
        "name": "常住人口",
        "unit": "人",
        "direction": "neutral",
        "domain": "人口",
        "kind": "count",
        "definition": "普查时点常住人口",
        "numerator": "人数",
        "denominator": None,
        "scale": 1.0,
        "decimals": 0,
        "quality": "official",
        "source": "census_2020",
        "note": None,
    }
    return pd.DataFrame([{**row, **changes}])


def fact(adcode: str, value: float | None, **changes: object) -> dict[str, object]:
    """Return one fact of the census of 2020; without a value it is undefined, with a reason."""
    row = {
        "adcode": adcode,
        "indicator": "population",
        "year": 2020,
        "source": "census_2020",
        "value": value,
        "status": "undefined" if value is None else "observed",
        "quality": "official",
        "flag": None,
        "note": None,
        "reason": "未公布" if value is None else None,
    }
    return {**row, **changes}


def contents(facts: list[dict[str, object]] | None = None, *, mark: str = "") -> Contents:
    """Return the contents of a small version; ``mark`` tells one version from another."""
    if facts is None:
        facts = [fact(code, 5.0) for code in ("320000", "320S00", "320100", "320102")]
    shapes = gpd.GeoDataFrame(regions()[["adcode"]], geometry=[shapely.box(118, 32, 119, 33)] * 4, crs=4490)
    meta = {
        "schema_version": str(SCHEMA_VERSION),
        "data_version": VERSION,
        "built_at": "2020-11-01",
        "mark": mark,
    }
    return Contents(
        tables={"region": regions(), "indicator": indicator(), "fact": pd.DataFrame(facts)},
        parquet={f"regions_{zoom}": shapes for zoom in ("full", *ZOOMS)},
        meta=meta,
    )


def publish_small(
    folder: Path, facts: list[dict[str, object]] | None = None, *, version: str = VERSION, mark: str = ""
) -> Pointer:
    """Publish a small version in ``folder`` as a build does, and return what ``CURRENT`` now names."""
    with build_lock(folder), building_folder(folder) as building:
        write_contents(building, contents(facts, mark=mark))
        return publish(folder, building, version)
