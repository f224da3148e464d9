"""What lies along the corridors: members, figures, strips, people beside them, overlaps and gaps.

Figures of a corridor are those of the counties its text names (a prefecture is all of its counties), or, for
``passed``, of the counties its schematic line runs through, which is an estimate.
"""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from collections.abc import Collection, Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from analysis.coverage import IMPLIED
from analysis.given import StoreTables
from analysis.region_sums import RegionSums
from data.builder.corridor_places import without_brackets
from data.builder.corridor_table import axes_of
from data.registry.corridor_models import CorridorFamily, load_corridor_families, load_corridor_rules
from data.store.store import Store
from geo.corridors import CellPeople, FloatArray, chainage_km
from geo.crs import ALBERS, STORE_CRS
from geo.errors import CorridorError
from geo.region_tree import each_lies_in, prefecture_of

Scope = Literal["named", "passed"]
SCOPES: dict[str, str] = {"named": "原文列名的地区", "passed": "示意线经过的县（市、区）"}
FIGURES = ("population", "population_60_plus", "population_65_plus", "gdp", "urbanisation_rate")
OUTSIDE = "省外"
_SHARED = ("population", "population_60_plus", "population_65_plus", "gdp")
_CENSUS_YEAR = 2020


@dataclass(frozen=True)
class Figure:
    """One figure of a corridor: its value and share of the province (NaN with ``reason`` where undefined)."""

    indicator: str
    name: str
    unit: str
    year: int
    value: float
    share: float
    province: float
    reason: str


class Corridors:
    """The corridors of one store, and everything computed from them; safe to share between readers."""

    def __init__(self, store: Store) -> None:
        """Read the tables of ``store``."""
        self.store, self.tables = store, StoreTables(store)
        self.table = store.corridors().set_index("id", drop=False).rename_axis(None)
        self.members = store.corridor_members()
        self.families: dict[str, CorridorFamily] = load_corridor_families()
        self.sums = RegionSums(store)
        self._by_corridor = {str(key): part for key, part in self.members.groupby("corridor", sort=False)}

    @cached_property
    def shapes(self) -> gpd.GeoDataFrame:
        """The drawn geometry (index id, EPSG:4490)."""
        return self.store.corridor_shapes()

    @cached_property
    def axes(self) -> dict[str, FloatArray]:
        """The axis of every drawn line, degrees."""
        return axes_of(self.table, self.members, self.shapes)

    @cached_property
    def strips(self) -> pd.DataFrame:
        """The counties each line runs through."""
        return self.store.corridor_strips()

    def find(self, wanted: str) -> pd.Series:
        """Return the row of a corridor by id or name; ``CorridorError`` that names near or several ones."""
        if wanted in self.table.index:
            return self.row(wanted)
        named = self.table[self.table["name"] == wanted]
        if len(named) == 1:
            return self.row(str(named["id"].iloc[0]))
        if len(named) > 1:
            listed = "、".join(f"{row.id}（{row.plan}）" for row in named.itertuples())
            raise CorridorError(f"叫“{wanted}”的有 {len(named)} 个，请写编号：{listed}")
        near = difflib.get_close_matches(wanted, list(self.table["name"]), n=4, cutoff=0.5)
        near += [name for name in self.table["name"] if wanted in name and name not in near][:4]
        hint = f"是不是：{'、'.join(dict.fromkeys(near))}" if near else "用 sutu corridors 查看全部"
        raise CorridorError(f"没有通道走廊“{wanted}”。{hint}")

    def row(self, key: str) -> pd.Series:
        """Return the row of a corridor by id (``KeyError`` when there is none)."""
        row = self.table.loc[key]
        assert isinstance(row, pd.Series)  # noqa: S101 - ids are the primary key, so it is one row
        return row

    def members_of(self, key: str) -> pd.DataFrame:
        """Return the members of a corridor in order; empty when the text lists none."""
        return self._by_corridor.get(key, self.members.iloc[:0])

    # Membership

    @cached_property
    def named(self) -> dict[str, frozenset[str]]:
        """The counties each drawn corridor names, by id."""
        said = self.members[
            ~self.members["role"].isin(["node", "route"])
            & self.members["level"].isin(["prefecture", "county"])
        ]
        held: dict[str, set[str]] = {str(key): set() for key in self.table.index[self.table["drawn"]]}
        for key, code in zip(said["corridor"], said["adcode"], strict=True):
            if key in held:
                held[key] |= self.sums.counties_of.get(code, frozenset({code}))
        return {key: frozenset(codes) for key, codes in held.items()}

    @cached_property
    def passed(self) -> dict[str, frozenset[str]]:
        """The counties each drawn line runs through; for areas and points those they name."""
        inside = self.strips[self.strips["adcode"].notna()]
        ran = {str(key): frozenset(part["adcode"]) for key, part in inside.groupby("corridor", sort=False)}
        return {key: ran.get(key, held) for key, held in self.named.items()}

    def counties(self, key: str, scope: Scope) -> frozenset[str]:
        """Return the counties of a corridor, empty when it is not drawn."""
        return (self.named if scope == "named" else self.passed).get(key, frozenset())

    def prefectures(self, key: str, scope: Scope) -> list[str]:
        """Return the prefectures those counties lie in, ascending."""
        return sorted({prefecture_of(code) for code in self.counties(key, scope)})

    # Figures

    def figures(self, key: str, scope: Scope = "named") -> list[Figure]:
        """Return population, elderly, GDP and urbanisation along a corridor, with shares of the province."""
        counties = self.counties(key, scope)
        return [self.figure(indicator, counties) for indicator in FIGURES]

    def figure(self, indicator: str, counties: Collection[str]) -> Figure:
        """Return one indicator over a set of counties; the share only of what adds up."""
        row = self.sums.indicator(indicator)
        when = self.sums.latest(indicator) or _CENSUS_YEAR
        value, reason = self.sums.value(indicator, when, counties)
        everywhere, _ = self.sums.value(indicator, when, self.everywhere)
        share = value / everywhere if indicator in _SHARED and everywhere else math.nan
        return Figure(indicator, str(row["name"]), str(row["unit"]), when, value, share, everywhere, reason)

    @cached_property
    def everywhere(self) -> frozenset[str]:
        """All counties of the province."""
        return frozenset(code for held in self.sums.counties_of.values() for code in held)

    def gap(self, keys: Collection[str], indicator: str, scope: Scope = "passed") -> dict[str, Any]:
        """Return an indicator on the corridors ``keys`` together and off them: values, counties, reasons.

        Sums are compared per county; ratios as Σ numerator / Σ denominator of either side.
        """
        on: set[str] = set().union(*(self.counties(key, scope) for key in keys)) if keys else set()
        off = self.everywhere - on
        row = self.sums.indicator(indicator)
        additive = row["kind"] in {"count", "amount"}
        year = self.sums.latest(indicator) or _CENSUS_YEAR
        sides: dict[str, dict[str, Any]] = {}
        for side, counties in (("on", on), ("off", off)):
            value, reason = self.sums.value(indicator, year, counties)
            sides[side] = {
                "counties": len(counties),
                "value": value / len(counties) if additive and counties else value,
                "reason": reason,
            }
        difference = sides["on"]["value"] - sides["off"]["value"]
        return {
            "indicator": indicator,
            "name": str(row["name"]),
            "unit": f"{row['unit']}／县" if additive else str(row["unit"]),
            "year": year,
            **sides,
            "difference": difference,
        }

    # Strips and people beside

    def profile(self, key: str, indicator: str, year: int | None = None) -> pd.DataFrame:
        """Return an indicator along a line from end to end.

        Columns from_km, to_km, adcode, name, indicator, year, value, unit, reason: one row per county the
        line runs through, in order; outside the province the value is undefined. Where counties have no data
        it is their prefecture's, which ``note`` says. ``CorridorError`` when the corridor is no line.
        """
        if key not in self.axes:
            raise CorridorError(f"“{self.row(key)['name']}”不是线，没有沿线剖面。")
        row = self.sums.indicator(indicator)
        level = "county" if self.sums.latest(indicator, "county") is not None else "prefecture"
        when = year or self.sums.latest(indicator, level)
        facts = self.store.facts(indicator, year=when, level=level).set_index("adcode")
        strip = self.strips[self.strips["corridor"] == key].reset_index(drop=True)
        regions = self.sums.regions
        out = []
        for piece in strip.itertuples():
            code = piece.adcode if isinstance(piece.adcode, str) else None
            at = code if level == "county" or code is None else prefecture_of(code)
            fact: Any = facts.loc[at] if at in facts.index else None
            value = math.nan if fact is None else float(fact["value"])
            reason = OUTSIDE if code is None else ("没有数据" if fact is None else str(fact["reason"] or ""))
            out.append(
                {
                    "from_km": piece.from_km,
                    "to_km": piece.to_km,
                    "adcode": code,
                    "name": OUTSIDE if code is None else str(regions.loc[code, "name"]),
                    "indicator": str(row["name"]),
                    "year": when,
                    "value": value,
                    "unit": str(row["unit"]),
                    "reason": reason if math.isnan(value) else "",
                    "note": "所在设区市的数值" if level == "prefecture" and code else "",
                }
            )
        return pd.DataFrame(out)

    def stops(self, key: str) -> pd.DataFrame:
        """Return the places of a line in order with their kilometre: name, adcode, km, outside."""
        if key not in self.axes:
            raise CorridorError(f"“{self.row(key)['name']}”不是线，没有里程。")
        members = self.members_of(key)
        places = members[members["on_axis"]].drop_duplicates(["lon", "lat"])
        axis = self.axes[key]
        if str(self.row(key)["precision"]) == "示意":
            km = chainage_km(places[["lon", "lat"]].to_numpy())
        else:
            chain = chainage_km(axis)
            near = [
                int(np.argmin(np.hypot(*(axis - point).T))) for point in places[["lon", "lat"]].to_numpy()
            ]
            km = chain[near]
        return pd.DataFrame(
            {
                "name": places["name"].to_numpy(),
                "adcode": places["adcode"].to_numpy(),
                "km": km,
                "outside": (places["kind"] == "outside").to_numpy(),
            }
        )

    def metric_shape(self, key: str) -> shapely.Geometry:
        """Return what distances are measured from, in ``ALBERS``: a line's axis, an area, or true points."""
        row = self.row(key)
        if not row["drawn"]:
            raise CorridorError(f"“{row['name']}”没有画出：{row['reason']}")
        if row["shape"] == "line":
            shape = shapely.LineString(self.axes[key])
        elif row["shape"] == "area":
            shape = self.shapes.loc[key, "geometry"]
        else:
            members = self.members_of(key)
            inside = members[members["adcode"].notna() & members["lon"].notna() & (members["role"] != "node")]
            shape = shapely.MultiPoint(inside[["lon", "lat"]].to_numpy())
        return gpd.GeoSeries([shape], crs=STORE_CRS).to_crs(ALBERS).iloc[0]

    @cached_property
    def cells(self) -> pd.DataFrame:
        """The modelled population cells."""
        return self.tables.cells

    def beside(self, key: str, distances_km: tuple[float, ...] | None = None) -> dict[float, float]:
        """Return the modelled people within each distance of a corridor, by default those of the registry."""
        within = load_corridor_rules().beside_km if distances_km is None else distances_km
        return self._people.within(self.metric_shape(key), within)

    @cached_property
    def _people(self) -> CellPeople:
        return CellPeople(self.cells[["x", "y"]].to_numpy(), self.cells["population"].to_numpy())


STATION_TYPE = "railway_station"
RAIL_GROUP = "铁路"
SURVEYED, SCHEMATIC = "实测", "示意"
# The columns of a table of stations, and what people call them.
STATION_HEADERS = {
    "place": "地点",
    "adcode": "代码",
    "lon": "经度",
    "lat": "纬度",
    "precision": "位置",
    "station": "车站",
    "reason": "示意的原因",
}
NONE_IMPORTED = "没有导入实测的火车站"
NONE_NAMED = "这一地区导入的火车站中没有同名的"
_DIRECTIONS = "东南西北"
_SUFFIX = re.compile(r"(火车|高铁|铁路)?站$")
_KIND = re.compile(r"(?<=..)[市县区]$")


def match_stations(places: pd.DataFrame, facilities: pd.DataFrame) -> pd.DataFrame:
    """Return where the station of every place stands.

    ``places``: columns name, text, adcode (six digits, or None), lon, lat. ``facilities``: columns of the
    table ``facility``; only surveyed railway stations count. Returns ``STATION_HEADERS``, indexed as places:
    ``lon``, ``lat`` of the station (``precision`` 实测, ``station`` its name) or of the place (示意, with
    the ``reason``).
    """
    held = facilities[
        (facilities["type"] == STATION_TYPE)
        & ~facilities["precision"].isin(IMPLIED)
        & facilities["adcode"].notna()
        & facilities[["lon", "lat"]].notna().all(axis=1)
    ]
    stations = _metric(held).assign(base=held["name"].fillna("").astype(str).map(station_base))
    rows = [_found(row, stations) for row in places.to_dict("records")]
    return pd.DataFrame(rows, index=places.index, columns=list(STATION_HEADERS))


def station_base(name: str) -> str:
    """Return a station's name without brackets, spaces and 站: 苏州北站 is 苏州北."""
    text = re.sub(r"\s", "", unicodedata.normalize("NFKC", without_brackets(name)))
    return _SUFFIX.sub("", text)


def stations_of(corridors: Corridors, key: str) -> pd.DataFrame:
    """Return the stations of a corridor: its places in the province, each position once.

    Columns ``STATION_HEADERS``, in the order of the text; empty where nothing is placed.
    """
    members = corridors.members_of(key)
    stops = members[members["adcode"].notna() & members["lon"].notna() & (members["role"] != "node")]
    stops = stops.drop_duplicates(["lon", "lat"])
    found = match_stations(stops, corridors.store.facilities())
    return found.drop_duplicates(["lon", "lat"]).reset_index(drop=True)


def _metric(held: pd.DataFrame) -> pd.DataFrame:
    points = gpd.GeoSeries.from_xy(held["lon"], held["lat"], crs=STORE_CRS).to_crs(ALBERS)
    return held.assign(x=points.x.to_numpy(), y=points.y.to_numpy())


def _found(place: dict[Hashable, Any], stations: pd.DataFrame) -> dict[str, object]:
    """Return the row of one place."""
    chosen, reason = _choose(place, stations)
    spot = place if chosen is None else chosen
    return {
        "place": str(place["name"]),
        "adcode": place["adcode"],
        "lon": float(spot["lon"]),
        "lat": float(spot["lat"]),
        "precision": SCHEMATIC if chosen is None else SURVEYED,
        "station": None if chosen is None else str(chosen["name"]),
        "reason": reason,
    }


def _choose(
    place: dict[Hashable, Any], stations: pd.DataFrame
) -> tuple[dict[Hashable, Any] | None, str | None]:
    """Return the station of a place, or None with the reason."""
    if stations.empty:
        return None, NONE_IMPORTED
    own = stations[each_lies_in(stations["adcode"], str(place["adcode"]))]
    said = {station_base(str(place[column])) for column in ("name", "text")} - {""}
    names = said | {_KIND.sub("", name) for name in said}
    turned = {f"{name}{direction}" for name in names for direction in _DIRECTIONS}
    for wanted in (names, turned):
        fits = own[own["base"].isin(wanted)].sort_values("id")
        if fits.empty:
            continue
        bases = list(dict.fromkeys(fits["base"]))
        if len(bases) > 1:
            listed = "、".join(f"{base}站" for base in bases)
            return None, f"有{listed}，原文没有写明是哪一座"
        apart = float(np.hypot(fits["x"] - fits["x"].iloc[0], fits["y"] - fits["y"].iloc[0]).max())
        if apart > load_corridor_rules().same_station_m:
            return None, f"同名的火车站有 {len(fits)} 处，相距 {apart / 1000:.1f} 公里，无法认定"
        return fits.to_dict("records")[0], None
    return None, NONE_NAMED
