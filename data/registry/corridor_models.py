"""The models of ``corridor_*.yaml``: families of corridors, places of the plans, routes and horizons."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import Field, model_validator

from data.registry.loading import entries_of, mapping_of
from data.registry.models import Colour, Entry, Identifier, Text
from geo.errors import RegistryError

Shape = Literal["line", "area", "point"]
Degrees = Annotated[float, Field(ge=-180, le=180, strict=False)]
Horizon = Literal[2020, 2025, 2035]
HORIZONS: tuple[Horizon, ...] = get_args(Horizon)
_Positive = Annotated[float, Field(gt=0, strict=False)]
StageName = Literal[
    "既有", "十四五续建", "十四五开工", "十四五建设", "十四五规划", "十四五研究", "中长期与远景"
]
"""Stages of the railway plan's projects, from what is there to what is only studied."""


class CorridorFamily(Entry):
    """One family: which kinds (of which plans) belong to it, and how its corridors are drawn.

    The first family that fits a structure's kind and plan takes it. ``single`` is how a line with one placed
    member is drawn (None: not at all); with ``from_name`` places are looked for in the name where the text
    lists no member; ``snap`` is the kind of imported track it may be matched with. The page 通道走廊
    opens with those that come ``first``; 铁路时序 lists those of the ``timeline``.
    """

    id: Identifier
    name: Text
    group: Text
    shape: Shape
    colour: Colour
    kinds: Annotated[tuple[Text, ...], Field(min_length=1)]
    plans: tuple[Text, ...] = ()
    weight: Annotated[float, Field(gt=0, le=10, strict=False)] = 2.4
    single: Literal["area", "point"] | None = None
    from_name: bool = False
    snap: Literal["rail", "rivers", "motorway"] | None = None
    first: bool = False
    timeline: bool = False


class CorridorPlace(Entry):
    """One place name of the plans that is no region's own name: what it stands for, and on what basis."""

    KEY: ClassVar[tuple[str, ...]] = ("name",)

    name: Text
    basis: Text
    regions: tuple[Text, ...] = ()
    town: Annotated[str, Field(pattern=r"^\d{12}$")] | None = None
    lon: Degrees | None = None
    lat: Degrees | None = None
    outside: bool = False
    province: bool = False

    @model_validator(mode="after")
    def _one_meaning(self) -> CorridorPlace:
        meanings = [bool(self.regions), self.town is not None, self.outside, self.province]
        if sum(meanings) != 1:
            raise ValueError("regions、town、outside、province 恰好写一项")
        if (self.lon is None) != (self.lat is None):
            raise ValueError("lon 和 lat 要一起写")
        if self.outside and self.lon is None:
            raise ValueError("省外地名要写 lon、lat")
        return self


class CorridorRoute(Entry):
    """The way of one line: its places in order, on the basis of the plan's words or of this project.

    ``stations`` are the regions with a high-speed station on it; ``plans`` limits it to structures of these
    plans.
    """

    KEY: ClassVar[tuple[str, ...]] = ("line", "plans")

    line: Text
    basis: Literal["plan", "project"]
    places: Annotated[tuple[Text, ...], Field(min_length=1)]
    plans: tuple[Text, ...] = ()
    stations: tuple[Text, ...] = ()
    note: str = ""


class HorizonRule(Entry):
    """From which horizon on a structure of this status (and period) is drawn."""

    KEY: ClassVar[tuple[str, ...]] = ("status", "horizon")

    status: str
    horizon: Horizon
    rule: Text
    periods: tuple[Text, ...] = ()


class PlanLines(Entry):
    """A plan of the list of structures that is two plans of the documents, told apart by the line."""

    KEY: ClassVar[tuple[str, ...]] = ("plan", "is_plan")

    plan: Text
    seed: Text
    from_line: int
    to_line: int
    is_plan: Text


class TrackNames(Entry):
    """The names that real tracks have for a word in a corridor's name or lines."""

    KEY: ClassVar[tuple[str, ...]] = ("word",)

    word: Text
    names: Annotated[tuple[Text, ...], Field(min_length=1)]


class LineName(Entry):
    """A line that the plan calls otherwise in another place: the words, and its name in the list."""

    KEY: ClassVar[tuple[str, ...]] = ("text",)

    text: Text
    line: Text
    basis: Text


class RailStage(Entry):
    """A stage of the railway plan's projects: the years of its bars, and whether work has begun."""

    KEY: ClassVar[tuple[str, ...]] = ("name",)

    name: StageName
    from_year: Annotated[int, Field(ge=2000, le=2050)]
    to_year: Annotated[int, Field(ge=2000, le=2050)]
    begun: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> RailStage:
        if self.from_year >= self.to_year:
            raise ValueError("from_year 要早于 to_year")
        return self


class StageRule(Entry):
    """Which stage a project of this status, whose period begins with one of these words, belongs to.

    ``status`` is the store's; a rule without status or without periods asks for none.
    """

    KEY: ClassVar[tuple[str, ...]] = ()

    stage: StageName
    status: Literal["existing", "under_construction", "planned", "vision", "unstated"] | None = None
    periods: tuple[Text, ...] = ()


class CorridorRules(Entry):
    """Horizons by status and period, plans told apart by lines, names of real tracks, stages of railways.

    Imported stations of one name no further apart than ``same_station_m`` are one. Lines to places outside
    are drawn to ``beyond_province_m`` beyond the border. People are counted within ``beside_km`` of a
    corridor and ``station_minutes`` by car of its stations. A place is matched with a track within
    ``track_offset_m``, a stretch with a way of at most ``track_detour`` times the straight one.
    """

    KEY: ClassVar[tuple[str, ...]] = ()

    same_station_m: _Positive
    beyond_province_m: _Positive
    beside_km: Annotated[tuple[_Positive, ...], Field(min_length=1)]
    station_minutes: Annotated[tuple[_Positive, ...], Field(min_length=1)]
    track_offset_m: _Positive
    track_detour: Annotated[float, Field(ge=1, strict=False)]
    rail_stages: tuple[RailStage, ...]
    stage_rules: Annotated[tuple[StageRule, ...], Field(min_length=1)]
    horizons: Annotated[tuple[HorizonRule, ...], Field(min_length=1)]
    plan_lines: tuple[PlanLines, ...] = ()
    track_names: tuple[TrackNames, ...] = ()
    line_names: tuple[LineName, ...] = ()

    @model_validator(mode="after")
    def _every_stage(self) -> CorridorRules:
        given, wanted = [stage.name for stage in self.rail_stages], get_args(StageName)
        if sorted(given) != sorted(wanted):
            raise ValueError(f"rail_stages 应恰好写 {'、'.join(wanted)}，各一次")
        return self

    @model_validator(mode="after")
    def _the_last_takes_the_rest(self) -> CorridorRules:
        open_to_all = [rule.status is None and not rule.periods for rule in self.stage_rules]
        if open_to_all != [False] * (len(open_to_all) - 1) + [True]:
            raise ValueError("stage_rules 恰好最后一条不写 status 和 periods")
        return self

    def horizon_of(self, status: str, period: str) -> int:
        """Return the horizon of a status and a period; ``RegistryError`` for a status without a rule."""
        for rule in self.horizons:
            if rule.status == status and (
                not rule.periods or any(period.startswith(p) for p in rule.periods)
            ):
                return rule.horizon
        raise RegistryError(f"corridor_rules.yaml：状态“{status}”没有规定从哪个时点起显示，请补一条 horizons")

    def stage_of(self, status: str, period: str) -> StageName:
        """Return the stage of a railway project by its status in the store and its period."""
        return next(
            rule.stage
            for rule in self.stage_rules
            if rule.status in {None, status} and (not rule.periods or period.startswith(rule.periods))
        )

    def plan_of(self, plan: str, seed_line: str) -> str:
        """Return the plan of the documents that a structure belongs to."""
        seed, _, line = seed_line.partition(":")
        for entry in self.plan_lines:
            if entry.plan == plan and entry.seed == seed and entry.from_line <= int(line) <= entry.to_line:
                return entry.is_plan
        return plan


CORRIDOR_FAMILIES = entries_of("corridor_families.yaml", CorridorFamily)
CORRIDOR_PLACES = entries_of("corridor_places.yaml", CorridorPlace)
CORRIDOR_ROUTES = entries_of("corridor_routes.yaml", CorridorRoute)
CORRIDOR_RULES = mapping_of("corridor_rules.yaml", CorridorRules)


def load_corridor_families(folder: Path | None = None) -> dict[str, CorridorFamily]:
    """Return the families by id in file order."""
    return {entry.id: entry for entry in CORRIDOR_FAMILIES.load(folder)}


def load_corridor_places(folder: Path | None = None) -> dict[str, CorridorPlace]:
    """Return the place names that are no region's name, by name."""
    return {entry.name: entry for entry in CORRIDOR_PLACES.load(folder)}


def load_corridor_routes(folder: Path | None = None) -> tuple[CorridorRoute, ...]:
    """Return the routes of lines in file order."""
    return CORRIDOR_ROUTES.load(folder)


def load_corridor_rules(folder: Path | None = None) -> CorridorRules:
    """Return the rules of horizons, plans and track names."""
    return CORRIDOR_RULES.load(folder)


def family_of(kind: str, plan: str, families: dict[str, CorridorFamily]) -> CorridorFamily:
    """Return the first family that takes a kind of a plan; ``RegistryError`` when none does."""
    for family in families.values():
        if kind in family.kinds and (not family.plans or plan in family.plans):
            return family
    raise RegistryError(
        f"corridor_families.yaml：规划 {plan} 的类型“{kind}”不属于任何类别，请补到某个类别的 kinds"
    )
