"""Where each region is governed from: a point for labels, for implied facilities, and for weighing people.

`seats.csv` names, per region, the populated place of GeoNames (CC BY 4.0, in `geonames_places.csv`) that is
its seat, or, where GeoNames has none, a longitude and latitude of our own, good to about a kilometre. A seat
that falls outside its region is replaced by a point inside the region and marked so.
"""

import csv
import math
from functools import cache
from importlib import resources

import geopandas as gpd
import pandas as pd
import shapely

from geo.crs import STORE_CRS
from geo.regions import adcodes

FROM_GEONAMES = "GeoNames"
FROM_OURSELVES = "本项目整理（约 1 公里）"
FROM_POLYGON = "区域内部代表点"


@cache
def _jiangsu_places() -> dict[int, dict[str, str]]:
    """Return the rows of GeoNames' places in Jiangsu by id."""
    path = resources.files("data.facts") / "geonames_places.csv"
    with path.open(encoding="utf-8") as handle:
        return {int(row["geonameid"]): row for row in csv.DictReader(handle)}


def load_places() -> gpd.GeoDataFrame:
    """Return GeoNames' populated places of Jiangsu, sorted by id.

    Columns: geonameid (int), name, name_zh (the longest Chinese name, which has its suffix, or None),
    names_zh (all names written only in Chinese characters, a tuple), population (int, 0 where GeoNames has
    none) and point geometry in EPSG:4490 (GeoNames is WGS 84, which counts as the same).
    """
    records = [_jiangsu_places()[key] for key in sorted(_jiangsu_places())]
    names = [tuple(r["names_zh"].split(";")) if r["names_zh"] else () for r in records]
    frame = pd.DataFrame(
        {
            "geonameid": [int(r["geonameid"]) for r in records],
            "name": [r["name"] for r in records],
            "name_zh": [max(found, key=lambda name: (len(name), name)) if found else None for found in names],
            "names_zh": names,
            "population": [int(r["population"]) for r in records],
        }
    )
    points = gpd.points_from_xy([float(r["lon"]) for r in records], [float(r["lat"]) for r in records])
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
                seats[row["adcode"]] = (float(place["lon"]), float(place["lat"]), FROM_GEONAMES)
            else:
                # GeoNames has given up this place: the region's own point stands in.
                seats[row["adcode"]] = (math.inf, math.inf, FROM_POLYGON)
    return seats
