"""One analysis of life circles, the same for the page and the command line.

`CircleRequest` says what is asked; `prepare_circles` solves the travel times of every service and tier (kept
by content as those of a coverage); `CircleAnalysis` answers tables, scores of cells and clicked points.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from analysis.circle_notes import NO_FACILITY, circle_notes
from analysis.coverage import (
    CoverageAnalysis,
    CoverageRequest,
    Engine,
    Origin,
    covered_types,
    prepare_coverage,
)
from analysis.given import POPULATION, Given, require_region
from analysis.left_out import edge_notes, people_by_region
from data.registry.facility_models import CircleService, load_circle_services
from data.registry.mode_models import load_modes
from data.registry.rule_models import load_coverage_rules
from geo.circles import (
    TIERS,
    CircleProfile,
    ServiceReach,
    Tier,
    TierView,
    build_circles,
    cell_missing,
    cell_scores,
    circle_table,
    service_table,
    tier_people,
)
from geo.coverage_profile import UNIT
from geo.crs import ALBERS, STORE_CRS
from geo.errors import CircleError, NoFacilityError
from geo.modes import quantise_minutes
from geo.region_tree import PROVINCE, Level, inside
from geo.travel import TravelResult, nearest_facility_network, nearest_facility_straight


@dataclass(frozen=True)
class CircleRequest:
    """What is asked: the services (empty: all of the registry), and whose people count.

    ``mode``: a mode for every service in place of those of the registry, or None. The rest as in
    ``CoverageRequest``; nothing is looked for beyond ``search_minutes``.
    """

    services: tuple[str, ...] = ()
    mode: str | None = None
    origin: Origin = "auto"
    within: str = PROVINCE
    search_minutes: float = field(default_factory=lambda: load_coverage_rules().search_minutes)
    engine: Engine = "local"
    scheduler: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values that `from_dict` takes back."""
        return {**dataclasses.asdict(self), "services": list(self.services)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> CircleRequest:
        """Return the request a run recorded."""
        return cls(**{**values, "services": tuple(values["services"])})


@dataclass(frozen=True)
class PointService:
    """One service as seen from a point: the nearest facility and its minutes, and whether that is in time.

    ``minutes`` is NaN where nothing is within the search radius; ``met`` None where the service cannot be
    measured (``reason`` says why). ``straight``: the minutes are those of a straight line.
    """

    service: str
    name: str
    mode: str
    threshold_minutes: float
    minutes: float
    facility: str | None
    precision: str | None
    lon: float
    lat: float
    met: bool | None
    reason: str | None
    straight: bool = False


@dataclass(frozen=True)
class PointAnswer:
    """What is missing at a place: its county, its tier, and every service the tier asks for."""

    lon: float
    lat: float
    adcode: str
    county: str
    tier: Tier
    services: tuple[PointService, ...]

    @property
    def measured(self) -> list[PointService]:
        """The services that could be measured."""
        return [one for one in self.services if one.met is not None]

    @property
    def missing(self) -> list[PointService]:
        """The measured services that the place does not reach in time."""
        return [one for one in self.measured if not one.met]


@dataclass(frozen=True, eq=False)
class CircleAnalysis:
    """Solved circles. ``coverages``: the travel analysis by (service, mode); services without any facility
    have none. ``given_notes`` are sentences (Chinese) on what went in and on whom the roads leave out.
    """

    request: CircleRequest
    services: Mapping[str, CircleService]
    coverages: Mapping[tuple[str, str], CoverageAnalysis]
    cells: pd.DataFrame
    regions: pd.DataFrame
    counties: gpd.GeoDataFrame
    given_notes: tuple[str, ...]
    _profiles: dict[str, CircleProfile] = field(init=False, default_factory=dict, repr=False)
    _edges: dict[Tier, NDArray[np.bool_]] = field(init=False, default_factory=dict, repr=False)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Sentences that the reader must see (Chinese)."""
        people = sum(
            float((tier_people(self.cells, tier) * UNIT)[self.edge_cells(tier)].sum()) for tier in TIERS
        )
        everybody = float(self.cells[POPULATION].sum())
        return (*self.given_notes, *edge_notes(people, everybody, "某项服务的时间"))

    def mode(self, service: str, tier: Tier) -> str | None:
        """Return the mode a tier travels to a service by; None when the tier does not ask for it."""
        rule = self.services[service].rule(tier)
        return None if rule is None else self.request.mode or rule.mode

    @cached_property
    def reaches(self) -> tuple[ServiceReach, ...]:
        """Every service in every tier that asks for it, measured or not."""
        found = []
        for service in self.services.values():
            for tier in TIERS:
                rule, mode = service.rule(tier), self.mode(service.id, tier)
                if rule is None or mode is None:
                    continue
                solved = self.coverages.get((service.id, mode))
                asked = (service.id, tier, rule.minutes)
                weight = float(service.weight)
                if solved is None:
                    found.append(ServiceReach(*asked, None, weight, NO_FACILITY))
                else:
                    travel = solved.travel
                    found.append(ServiceReach(*asked, travel.minutes, weight, straight=travel.straight))
        return tuple(found)

    @property
    def undefined(self) -> list[str]:
        """The services that have no facility in the data, in order."""
        return list(dict.fromkeys(one.service for one in self.reaches if one.minutes is None))

    @property
    def implied(self) -> list[str]:
        """The services of which some facilities stand at places nobody surveyed."""
        return list(dict.fromkeys(service for (service, _), one in self.coverages.items() if one.implied))

    def profile(self, group: str = "population") -> CircleProfile:
        """Return the sums by county for one population group, kept."""
        if group not in self._profiles:
            self._profiles[group] = build_circles(self.cells, self.reaches, self.regions, group=group)
        return self._profiles[group]

    def table(
        self, level: Level = "county", tier: TierView = "all", group: str = "population"
    ) -> pd.DataFrame:
        """Return ``geo.circles.circle_table`` of the regions that lie whole inside the request's region.

        Before ``services`` stand ``edge_population``, people of the tier so near the border that a facility
        beyond it might serve them in time and none is given, and ``edge``, whether there are any.
        """
        rows = self._inside(circle_table(self.profile(group), level=level, tier=tier))
        tiers = TIERS if tier == "all" else (tier,)
        near = np.zeros(len(rows))
        for one in tiers:
            people = np.asarray(tier_people(self.cells, one, group) * UNIT, dtype=np.float64)
            marked = self.edge_cells(one)
            near += people_by_region(self.cells["adcode"], people, marked, self.regions, rows["adcode"])
        at = list(rows.columns).index("services")
        rows.insert(at, "edge_population", near)
        rows.insert(at + 1, "edge", near > 0.0)
        return rows

    def edge_cells(self, tier: Tier) -> NDArray[np.bool_]:
        """Return which cells may lack a facility beyond the border, of any service that the tier asks for."""
        if tier not in self._edges:
            found = np.zeros(len(self.cells), dtype=bool)
            for coverage, minutes in self._measured(tier):
                found |= coverage.edge_cells(minutes)
            self._edges[tier] = found
        return self._edges[tier]

    def _measured(self, tier: Tier) -> Iterator[tuple[CoverageAnalysis, float]]:
        """Yield the travel analysis and the threshold of every service measured in a tier."""
        for service in self.services.values():
            rule, mode = service.rule(tier), self.mode(service.id, tier)
            if rule is not None and mode is not None and (service.id, mode) in self.coverages:
                yield self.coverages[service.id, mode], rule.minutes

    def service_table(
        self, level: Level = "county", tier: TierView = "all", group: str = "population"
    ) -> pd.DataFrame:
        """Return ``geo.circles.service_table`` of the regions inside, with the services' ``service_name``."""
        rows = self._inside(service_table(self.profile(group), level=level, tier=tier))
        return rows.assign(
            service_name=rows["service"].map({key: one.name for key, one in self.services.items()})
        )

    def scores(self, tier: TierView = "all") -> NDArray[np.float64]:
        """Return the score of every cell (see ``geo.circles.cell_scores``)."""
        return cell_scores(self.cells, self.reaches, tier=tier)

    def cell_table(self, tier: TierView = "all", group: str = "population") -> pd.DataFrame:
        """Return every cell with its people: ``cell_id``, ``adcode``, ``x``, ``y`` (metres of ``ALBERS``),
        ``population``, ``score``, ``missing`` (the ids of the services lacking, joined by a space; None where
        the score is NaN) and how many these are.
        """
        lacks = cell_missing(self.cells, self.reaches, tier=tier)
        known = np.array([one is not None for one in lacks], dtype=bool)
        people = self.cells[["cell_id", "adcode", "x", "y", group]].rename(columns={group: "population"})
        return people.assign(
            score=self.scores(tier),
            missing=np.array([None if one is None else " ".join(one) for one in lacks], dtype=object),
            missing_count=np.where(known, [len(one or ()) for one in lacks], np.nan),
        )

    def facilities(self) -> pd.DataFrame:
        """Return the facilities of all services, each once, with the columns of the table ``facility``."""
        found = [one.facilities for one in self.coverages.values()]
        if not found:
            return pd.DataFrame()
        return pd.concat(found, ignore_index=True).drop_duplicates("id", ignore_index=True)

    @cached_property
    def _whole(self) -> set[str]:
        return set(inside(self.regions, self.request.within))

    def _inside(self, rows: pd.DataFrame) -> pd.DataFrame:
        return rows[rows["adcode"].isin(self._whole)].reset_index(drop=True)

    def at(self, lon: float, lat: float, *, tier: Tier | None = None) -> PointAnswer:
        """Return what is missing at a place (degrees, EPSG:4490): the nearest of each service, its minutes.

        The tier is that of most people of the nearest cell, unless given. Raises ``CircleError`` for
        coordinates that are no degrees or a place outside the counties.
        """
        if not (np.isfinite(lon) and np.isfinite(lat) and abs(lon) <= 180.0 and abs(lat) <= 90.0):
            raise CircleError(f"经纬度 {lon:g},{lat:g} 不对：应为“经度,纬度”，单位为度，如 117.20,34.26。")
        x, y = gpd.GeoSeries.from_xy([lon], [lat], crs=STORE_CRS).to_crs(ALBERS).get_coordinates().iloc[0]
        found = self.counties.index[self.counties.covers(shapely.Point(x, y)).to_numpy()]
        if len(found) == 0:
            raise CircleError(
                f"点 {lon:.4f},{lat:.4f} 不在江苏省内。请检查经度和纬度是否写反、坐标基准是否正确。"
            )
        adcode = str(sorted(found)[0])
        place = np.array([[x, y]])
        chosen = tier or self._tier_at(place)
        services = [
            self._service_at(service, chosen, place)
            for service in self.services.values()
            if service.rule(chosen) is not None
        ]
        name = str(self.regions.loc[adcode, "name"])
        return PointAnswer(float(lon), float(lat), adcode, name, chosen, tuple(services))

    def _tier_at(self, place: NDArray[np.float64]) -> Tier:
        distance = np.hypot(*(self.cells[["x", "y"]].to_numpy(dtype=np.float64) - place).T)
        cell = self.cells.iloc[int(distance.argmin())]
        return "urban" if cell["urban"] >= cell["rural"] and cell["urban"] > 0 else "rural"

    def _service_at(self, service: CircleService, tier: Tier, place: NDArray[np.float64]) -> PointService:
        rule, mode = service.rule(tier), self.mode(service.id, tier)
        if rule is None or mode is None:
            raise CircleError(f"{TIERS[tier]}不要求服务“{service.name}”。")
        solved = self.coverages.get((service.id, mode))
        base = (service.id, service.name, mode, rule.minutes)
        if solved is None:
            return PointService(*base, np.nan, None, None, np.nan, np.nan, None, NO_FACILITY)
        travel = travel_from(solved, place)
        row, minutes, straight = int(travel.facility[0]), float(travel.minutes[0]), bool(travel.straight[0])
        if row < 0:
            reason = f"{travel.max_minutes:g} 分钟内没有"
            return PointService(*base, np.nan, None, None, np.nan, np.nan, False, reason, straight)
        near = solved.facilities.iloc[row]
        met = bool(minutes <= quantise_minutes(rule.minutes))
        where = (str(near["name"]), str(near["precision"]), float(near["lon"]), float(near["lat"]))
        return PointService(*base, minutes, *where, met, None, straight)


def travel_from(analysis: CoverageAnalysis, places: NDArray[np.float64]) -> TravelResult:
    """Return the travel from places (metres of ``ALBERS``) to the nearest facility of an analysis."""
    sites = analysis.facilities[["x", "y"]].to_numpy(dtype=np.float64)
    ids, radius = analysis.facilities["id"].to_numpy(dtype=str), analysis.request.search_minutes
    if analysis.network is None:
        return nearest_facility_straight(
            sites, places, mode=analysis.mode, max_minutes=radius, facility_ids=ids
        )
    return nearest_facility_network(analysis.network, sites, places, max_minutes=radius, facility_ids=ids)


def prepare_circles(given: Given, request: CircleRequest) -> CircleAnalysis:
    """Return the solved circles of a request.

    Raises ``CircleError`` for an unknown service or mode, ``UnknownRegionError`` for an unknown region.
    """
    tell, quiet = given.progress, given.untold()
    services = chosen_services(request.services)
    if request.mode is not None and request.mode not in load_modes():
        raise CircleError(f"没有“{request.mode}”这种出行方式；可选：{'、'.join(load_modes())}。")
    within = inside(given.regions, require_region(given.regions, request.within))
    _require_search(services, request.search_minutes)
    tell("读取人口格网")
    people = given.cells
    solved: dict[tuple[str, str], CoverageAnalysis] = {}
    for service in services.values():
        for mode in dict.fromkeys(_modes(service, request.mode)):
            asked = CoverageRequest(
                types=covered_types([*service.types, *service.unsorted]),
                mode=mode,
                origin=request.origin,
                within=request.within,
                search_minutes=request.search_minutes,
                engine=request.engine,
                scheduler=request.scheduler,
            )
            try:
                one = prepare_coverage(quiet, asked, tell_unplaced=False)
            except NoFacilityError:
                break
            tell(f"计算到最近{service.name}的通行时间")
            _ = one.travel
            solved[service.id, mode] = one
    if solved:
        here = next(iter(solved.values())).cells
    else:
        here = people[people["adcode"].isin(within)].reset_index(drop=True)
    notes = circle_notes(services, solved)
    return CircleAnalysis(
        request, services, solved, here, given.regions, given.tables.counties("full"), notes
    )


def _require_search(services: Mapping[str, CircleService], search_minutes: float) -> None:
    rules = [rule for one in services.values() for rule in (one.urban, one.rural) if rule is not None]
    most = max(rule.minutes for rule in rules)
    if search_minutes < most:
        raise CircleError(f"搜索半径 {search_minutes:g} 分钟短于服务的阈值 {most:g} 分钟。请加大搜索半径。")


def chosen_services(names: Sequence[str]) -> dict[str, CircleService]:
    """Return the services named (ids or Chinese names; none: all) in the registry's order."""
    known = load_circle_services()
    if not names:
        return known
    by_word = {word: key for key, one in known.items() for word in (key, one.name)}
    unknown = [name for name in names if name not in by_word]
    if unknown:
        raise CircleError(f"没有服务 {'、'.join(unknown)}；可选：{'、'.join(known)}。")
    wanted = {by_word[name] for name in names}
    return {key: one for key, one in known.items() if key in wanted}


def _modes(service: CircleService, given: str | None) -> list[str]:
    return [given or rule.mode for rule in (service.urban, service.rural) if rule is not None]
