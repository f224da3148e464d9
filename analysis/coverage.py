"""One coverage analysis, the same for the page, the command line and the replay of a run.

`CoverageRequest` says what is asked; `prepare_coverage` finds cells, facilities and network of what is given;
`CoverageAnalysis` solves the travel times once (kept by content) and answers every threshold, group and level
from them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.given import POPULATION, Given, require_region
from analysis.left_out import NO_RIVER, edge_notes, people_by_region, people_where, road_notes, water_notes
from analysis.networks import LoadedNetwork, cached_travel, content_key
from analysis.repeats import UNSURVEYED, Repeats, find_repeats
from data.ingest.osm_store import NetworkSource
from data.registry.facility_models import load_facility_types
from data.registry.mode_models import load_modes
from data.registry.rule_models import load_coverage_rules
from geo.coverage import (
    COLUMNS as PLAIN_COLUMNS,
)
from geo.coverage import (
    GROUPS,
    CoverageProfile,
    build_profile,
    coverage_table,
)
from geo.crs import ALBERS, STORE_CRS
from geo.edge import Border, edge_cells, edge_distances, flag_edge, search_radii_m
from geo.errors import CoverageError, NoFacilityError, NoRoadError
from geo.modes import TravelMode
from geo.network import Network
from geo.partition import nearest_facility_partitioned
from geo.region_tree import PROVINCE, Level, inside, prefectures_of
from geo.travel import TravelResult, nearest_facility_network, nearest_facility_straight

Origin = Literal["auto", "imported", "implied"]
Engine = Literal["local", "dask"]

COLUMNS = tuple(
    one for name in PLAIN_COLUMNS for one in (("edge_population", name) if name == "edge" else (name,))
)
"""The columns of a table of coverage."""

NO_ROADS, IMPLIED_POINTS, SCARCE = "没有导入路网", "设施为按规划标准推定的点位", "个在该设施数据里没有点位"
"""How the notes on roads, on implied points and on counties without any point can be told from others."""
PARTLY = "（没有道路处按直线）"
IMPLIED = UNSURVEYED
"""Precisions of a position that nobody surveyed."""


@dataclass(frozen=True)
class CoverageRequest:
    """What is asked of one run.

    ``types``: facility types that serve alike; ``levels``: only these levels (empty: all). ``origin``:
    ``imported`` facilities, ``implied`` ones, or ``auto`` (imported where there are any of the types,
    else implied). ``within``: region whose people count; facilities and roads beyond it count all the
    same. ``engine`` and ``scheduler`` change where it runs, never the result.
    """

    types: tuple[str, ...]
    mode: str = "straight"
    levels: tuple[str, ...] = ()
    origin: Origin = "auto"
    within: str = PROVINCE
    search_minutes: float = field(default_factory=lambda: load_coverage_rules().search_minutes)
    engine: Engine = "local"
    scheduler: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values that `from_dict` takes back."""
        return {**dataclasses.asdict(self), "types": list(self.types), "levels": list(self.levels)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> CoverageRequest:
        """Return the request a run recorded."""
        return cls(**{**values, "types": tuple(values["types"]), "levels": tuple(values["levels"])})


@dataclass(frozen=True, eq=False)
class CoverageAnalysis:
    """A prepared analysis: cells and facilities in ``ALBERS``, the mode, the network if there is one.

    ``facilities`` has the columns of the table ``facility`` plus ``x``, ``y``; ``given_notes`` are sentences
    (Chinese) on what went in. ``cells`` and the travel result have the same order.
    """

    data_dir: Path
    request: CoverageRequest
    mode: TravelMode
    network: Network | None
    network_source: NetworkSource | None
    cells: pd.DataFrame
    facilities: pd.DataFrame
    regions: pd.DataFrame
    counties: gpd.GeoDataFrame
    border: Border
    given_notes: tuple[str, ...]
    _profiles: dict[str, CoverageProfile] = field(init=False, default_factory=dict, repr=False)
    _edges: dict[float, NDArray[np.bool_]] = field(init=False, default_factory=dict, repr=False)

    @property
    def implied(self) -> bool:
        """Whether any of the facilities is at a place nobody surveyed."""
        return bool(self.facilities["precision"].isin(IMPLIED).any())

    @cached_property
    def travel(self) -> TravelResult:
        """Minutes from every cell to its nearest facility; solved once and kept by content."""
        result, _ = cached_travel(self.data_dir, self._key(), self._solve)
        return result

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Sentences that the reader must see (Chinese): on what went in, what may be in it twice, and whom
        the roads leave out.

        Solves the travel times.
        """
        if self.facilities.empty:
            return self.given_notes
        told = self.repeats.words(len(self.facilities), "，覆盖不变")
        if self.network is not None:
            straight, people = people_where(self._people, self.travel.straight)
            off = {"设施": (len(self.travel.unplaced), len(self.facilities))}
            told += road_notes(self.mode, straight_people=straight, people=people, off_road=off)
        told += water_notes(*people_where(self._people, self.travel.around))
        return (*self.given_notes, *told)

    @cached_property
    def repeats(self) -> Repeats:
        """The facilities that may be one and the same."""
        return find_repeats(self.facilities, self.regions)

    @property
    def _people(self) -> NDArray[np.float64]:
        return self.cells[POPULATION].to_numpy(dtype=np.float64)

    @property
    def method(self) -> str:
        """Return in words how the minutes came about: 路网 or 直线距离, and at what speed.

        Solves the travel times of a network.
        """
        partly = self.network is not None and not self.facilities.empty and self.travel.straight.any()
        return self.method_words(partly=bool(partly))

    def method_words(self, *, partly: bool) -> str:
        """Return `method` of an answer that is ``partly`` one in straight lines though there are roads."""
        if self.network is not None:
            return f"路网{PARTLY if partly else ''}，{self.mode.name}"
        name = f"{self.mode.name}，" if self.mode.has_network else ""
        return f"直线距离，{name}{self.mode.straight_kmh:g} 公里/小时，绕行系数 {self.mode.detour_factor:g}"

    def profile(self, group: str = "population") -> CoverageProfile:
        """Return the cells sorted for one population group, kept for every later threshold."""
        if group not in self._profiles:
            self._profiles[group] = build_profile(self.cells, self.travel, self.regions, group=group)
        return self._profiles[group]

    def table(self, minutes: float, *, level: Level = "county", group: str = "population") -> pd.DataFrame:
        """Return the coverage of every region of ``level`` inside the request's region.

        Columns ``COLUMNS``: those of ``geo.coverage.COLUMNS``, and ``edge_population``, people so near the
        border that facilities beyond it might serve them and none is given. A region that is only partly
        inside (the province of a prefecture) is left out: its people were not asked about.
        """
        self.require_threshold(minutes)
        rows = coverage_table(self.profile(group), minutes, level=level, edge=self.edge(minutes))
        people = self.cells[group].to_numpy(dtype=np.float64)
        rows.insert(
            list(rows.columns).index("edge"),
            "edge_population",
            people_by_region(
                self.cells["adcode"], people, self.edge_cells(minutes), self.regions, rows["adcode"]
            ),
        )
        return rows[rows["adcode"].isin(self._whole)].reset_index(drop=True)

    def edge(self, minutes: float) -> pd.Series:
        """Return the edge flag of every county for facilities within ``minutes``."""
        radius = float(search_radii_m(self.mode, minutes, self.network, self.travel.straight).max())
        return flag_edge(self._edge_distances, radius)

    def edge_cells(self, minutes: float) -> NDArray[np.bool_]:
        """Return which cells may lack a facility beyond the border within ``minutes``."""
        if minutes not in self._edges:
            radius = search_radii_m(self.mode, minutes, self.network, self.travel.straight)
            self._edges[minutes] = edge_cells(self._cells_xy, self.border, radius, beyond_xy=self._beyond)
        return self._edges[minutes]

    def edge_notes(self, minutes: float, group: str = POPULATION) -> list[str]:
        """Return what must be said of people whom a facility beyond the border might serve."""
        people = self.cells[group].to_numpy(dtype=np.float64)
        return edge_notes(*people_where(people, self.edge_cells(minutes)), f" {minutes:g} 分钟路程")

    @cached_property
    def _beyond(self) -> NDArray[np.float64]:
        """The facilities given beyond the border."""
        return self._facilities_xy[self.facilities["adcode"].isna().to_numpy()]

    def require_threshold(self, minutes: float) -> None:
        """Raise ``CoverageError`` unless the threshold lies between 0 and the search radius."""
        if not 0.0 <= minutes <= self.request.search_minutes:
            raise CoverageError(
                f"时间阈值应在 0 到 {self.request.search_minutes:g} 分钟之间，收到 {minutes:g}。"
            )

    @cached_property
    def _whole(self) -> list[str]:
        """The regions all of whose people were asked about."""
        return inside(self.regions, self.request.within)

    @cached_property
    def _edge_distances(self) -> pd.DataFrame:
        return edge_distances(self.counties, self._facilities_xy)

    @cached_property
    def _facilities_xy(self) -> NDArray[np.float64]:
        return self.facilities[["x", "y"]].to_numpy(dtype=np.float64)

    @cached_property
    def _cells_xy(self) -> NDArray[np.float64]:
        return self.cells[["x", "y"]].to_numpy(dtype=np.float64)

    def _key(self) -> str:
        order = np.argsort(self.facilities["id"].to_numpy(dtype=str), kind="stable")
        return content_key(
            repr(self.mode),
            "straight" if self.network is None else self.network.fingerprint,
            f"{self.request.search_minutes!r}",
            "\0".join(self.facilities["id"].to_numpy(dtype=str)[order]),
            self._facilities_xy[order],
            np.asarray(order, dtype=np.int64),
            self._cells_xy,
        )

    def _solve(self) -> TravelResult:
        ids = self.facilities["id"].to_numpy(dtype=str)
        radius = self.request.search_minutes
        if self.request.engine == "dask":
            return nearest_facility_partitioned(
                self._cells_xy,
                prefectures_of(self.cells["adcode"]),
                self._facilities_xy,
                mode=self.mode,
                max_minutes=radius,
                network=self.network,
                facility_ids=ids,
                scheduler=self.request.scheduler,
            )
        if self.network is None:
            return nearest_facility_straight(
                self._facilities_xy, self._cells_xy, mode=self.mode, max_minutes=radius, facility_ids=ids
            )
        return nearest_facility_network(
            self.network, self._facilities_xy, self._cells_xy, max_minutes=radius, facility_ids=ids
        )


def prepare_coverage(
    given: Given, request: CoverageRequest, *, tell_unplaced: bool = True
) -> CoverageAnalysis:
    """Return the analysis of a request; nothing is solved yet.

    ``tell_unplaced``: note the people of the census whom no cell of the store holds. Raises ``CoverageError``
    for an unknown mode, type without facilities or bad search radius, ``UnknownRegionError`` for an unknown
    region, ``NetworkError`` for a network that cannot be used.
    """
    tell = given.progress
    mode = given.tables.on_land(_mode(request.mode))
    counties_inside = inside(given.regions, require_region(given.regions, request.within))
    tell("读取人口格网")
    people = given.cells
    mine = people["adcode"].isin(counties_inside)
    # All of them are not copied: pandas shares what nobody changes.
    people = (people if mine.all() else people[mine]).reset_index(drop=True)
    tell("选取设施")
    chosen, notes = _facilities(given, request, counties_inside)
    if tell_unplaced and given.own_cells is None:
        notes += _unplaced_people(given, counties_inside)
    if not given.tables.river_parts:
        notes.append(NO_RIVER)
    roads = None
    if mode.has_network:
        tell("读取路网")
        roads, why = _roads(given, mode)
        if roads is None:
            notes.append(f"{why}，{mode.name}时间按直线距离 × 绕行系数 {mode.detour_factor:g} 估算")
    return CoverageAnalysis(
        data_dir=given.data_dir,
        request=request,
        mode=mode,
        network=None if roads is None else roads.network,
        network_source=None if roads is None else roads.source,
        cells=people,
        facilities=chosen,
        regions=given.regions,
        counties=given.tables.counties("county"),
        border=given.tables.border,
        given_notes=tuple(notes),
    )


def _roads(given: Given, mode: TravelMode) -> tuple[LoadedNetwork | None, str]:
    """Return the roads for a mode, or None and why there are none.

    Imported roads of which the mode can use none are none for it; those given for this run it shall use.
    """
    try:
        return given.roads(mode), NO_ROADS
    except NoRoadError:
        if given.network is not None:
            raise
        return None, f"{NO_ROADS}（已导入的道路都不通行{mode.name}）"


def require_group(group: str) -> str:
    """Return the column of a population group (``all`` is everybody); ``CoverageError`` for another."""
    column = "population" if group == "all" else group
    if column not in GROUPS:
        raise CoverageError(f"没有“{group}”这一人群；可选：all、{'、'.join(GROUPS)}。")
    return column


def _mode(mode_id: str) -> TravelMode:
    modes = load_modes()
    if mode_id not in modes:
        raise CoverageError(f"没有“{mode_id}”这种出行方式；可选：{'、'.join(modes)}。")
    return modes[mode_id]


def _facilities(
    given: Given, request: CoverageRequest, inside: Sequence[str]
) -> tuple[pd.DataFrame, list[str]]:
    """Return the facilities of the request with ``x``, ``y``, and what must be said about them."""
    frame = given.facilities
    frame = frame[frame["type"].isin(request.types)]
    if request.levels:
        frame = frame[frame["level"].isin(request.levels)]
    notes: list[str] = []
    if given.own_facilities is None:
        surveyed = ~frame["precision"].isin(IMPLIED)
        origin = request.origin
        if origin == "auto":
            origin = "imported" if surveyed.any() else "implied"
        frame = frame[surveyed if origin == "imported" else ~surveyed]
        if origin == "implied" and len(frame):
            notes.append(f"{IMPLIED_POINTS}，不是实测位置；导入真实设施后再作结论")
    if frame.empty:
        raise NoFacilityError(
            f"没有类型为 {'、'.join(request.types)} 的设施。"
            "请先导入（sutu import facilities），或换一个类型、来源。"
        )
    points = gpd.GeoSeries.from_xy(frame["lon"], frame["lat"], crs=STORE_CRS).to_crs(ALBERS)
    placed = frame.assign(x=points.x.to_numpy(), y=points.y.to_numpy()).reset_index(drop=True)
    notes += _scarce(given.regions, placed, inside)
    return placed, notes


def _scarce(regions: pd.DataFrame, facilities: pd.DataFrame, inside: Sequence[str]) -> list[str]:
    """Say when the data know facilities in some counties only: a gap may then be a gap in the data."""
    asked = set(regions.index[regions["level"] == "county"]) & set(inside)
    without = asked - set(facilities["adcode"].dropna())
    if not without or len(without) == len(asked):
        return []
    return [f"{len(asked)} 个县（市、区）中有 {len(without)} {SCARCE}：空白可能是数据缺失"]


def _unplaced_people(given: Given, inside: Sequence[str]) -> list[str]:
    """Say how many people of the census belong to no county and so to no cell."""
    residual = given.tables.residual
    residual = residual[residual["adcode"].isin(inside)]
    return [
        f"{name} {people:,.0f} 人（普查未列入任何县），不在格网内，人口和覆盖率均不含"
        for name, people in zip(residual["name"], residual["value"], strict=True)
    ]


def covered_types(names: Sequence[str]) -> tuple[str, ...]:
    """Return the facility types named, each once, in the registry's order.

    A broad type brings the types below it along (医院 counts 综合医院 too). Raises ``CoverageError`` that
    lists the names nobody knows.
    """
    known = load_facility_types()
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        what = f"没有设施类型 {'、'.join(unknown)}" if unknown else "没有指定设施类型"
        raise CoverageError(f"{what}；可选：{'、'.join(known)}。")
    return tuple(key for key, entry in known.items() if key in names or entry.broader in names)
