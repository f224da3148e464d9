"""The model of ``osm_mapping.yaml``: which OpenStreetMap objects are our facilities, roads and waters."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from data.registry.limit_models import limit_bytes
from data.registry.loading import mapping_of
from data.registry.models import Entry, Identifier, Text

Values = Annotated[tuple[Text, ...], Field(min_length=1)]
Mode = Annotated[str, Field(pattern="^(walk|ebike|drive)$")]


class TagTest(Entry):
    """One condition on an object's tags: the key has one of the values."""

    key_name: Annotated[str, Field(alias="key", min_length=1)]
    values: Values

    def holds(self, tags: dict[str, str]) -> bool:
        """Return whether ``tags`` satisfies the condition; of a list (``a;b``) any part does."""
        value = tags.get(self.key_name)
        return value is not None and any(part.strip() in self.values for part in value.split(";"))


class FacilityRule(Entry):
    """Objects that satisfy all of ``all_of`` and none of ``none_of`` are facilities of ``type``.

    ``capacity_keys`` are tags whose number is the capacity, in ``capacity_unit``; the first that is a number
    counts.
    """

    type: Identifier
    level: str = ""
    all_of: Annotated[tuple[TagTest, ...], Field(min_length=1)]
    none_of: tuple[TagTest, ...] = ()
    capacity_keys: tuple[Text, ...] = ()
    capacity_unit: str = ""

    @model_validator(mode="after")
    def _capacity_has_a_unit(self) -> Self:
        if bool(self.capacity_keys) != bool(self.capacity_unit):
            raise ValueError("capacity_keys 与 capacity_unit 要么都写，要么都不写")
        return self

    def matches(self, tags: dict[str, str]) -> bool:
        """Return whether an object with ``tags`` is of this rule's type."""
        return all(test.holds(tags) for test in self.all_of) and not any(
            test.holds(tags) for test in self.none_of
        )


class AccessRule(Entry):
    """The tags that decide over one mode, the most specific first.

    Those of ``own`` name the mode; those of ``general`` name more than it, and their permission opens
    neither the road classes of ``closed`` nor barriers or ferries. ``directed``: the one mode whose direction
    an edge carries.
    """

    mode: Mode
    own: Values
    general: Values
    closed: tuple[Text, ...] = ()
    directed: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """Return all keys, the most specific first."""
        return (*self.own, *self.general)


class FerryCarriage(Entry):
    """Whether a ferry carries a mode: where no tag says so, and by the permission of which further tags."""

    mode: Mode
    untagged: bool
    opened_by: tuple[Text, ...] = ()


class FerryRules(Entry):
    """Whom ferries carry; one of ``car_classes`` in a tag of ``class_keys`` marks a ferry for all modes."""

    class_keys: Values
    car_classes: Values
    carries: Annotated[tuple[FerryCarriage, ...], Field(min_length=3, max_length=3)]


class BarrierKinds(Entry):
    """Kinds of barriers, and the modes that they stop where no tag of theirs says otherwise."""

    kinds: Values
    stops: tuple[Mode, ...]


class BarrierRules(Entry):
    """Which nodes of roads are barriers (those with ``key``), and whom they stop."""

    key_name: Annotated[str, Field(alias="key", min_length=1)]
    locked: TagTest
    table: Annotated[tuple[BarrierKinds, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _each_kind_once(self) -> Self:
        named = [kind for row in self.table for kind in row.kinds]
        twice = sorted({kind for kind in named if named.count(kind) > 1})
        if twice:
            raise ValueError(f"路障 {'、'.join(twice)} 写了两次，请只留一处")
        return self


class RoadRules(Entry):
    """Which ways are roads, and how their tags are read."""

    highways: Values
    allow: Values
    deny: Values
    access: Annotated[tuple[AccessRule, ...], Field(min_length=3, max_length=3)]
    ferry: FerryRules
    barriers: BarrierRules
    oneway_highways: Values
    oneway_junctions: Values
    motorroad_denies: tuple[Text, ...]

    @property
    def access_keys(self) -> tuple[str, ...]:
        """Return the keys that say who may use a way, each once."""
        return tuple(dict.fromkeys(key for rule in self.access for key in rule.keys))

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        both = sorted(set(self.allow) & set(self.deny))
        if both:
            raise ValueError(f"{'、'.join(both)} 同时写在 allow 和 deny 里")
        for name, classes in (
            ("oneway_highways", self.oneway_highways),
            *((f"{rule.mode} 的 closed", rule.closed) for rule in self.access),
        ):
            unknown = sorted(set(classes) - set(self.highways))
            if unknown:
                raise ValueError(f"{name} 里的 {'、'.join(unknown)} 不在 highways 里")
        return self

    @model_validator(mode="after")
    def _modes_once(self) -> Self:
        for name, entries in (("access", self.access), ("ferry.carries", self.ferry.carries)):
            if len({entry.mode for entry in entries}) != len(entries):
                raise ValueError(f"{name} 里每种出行方式只写一条")
        if sum(rule.directed for rule in self.access) != 1:
            raise ValueError("access 里应有且只有一种方式写 directed: true：路段只有一列单向")
        opening = {key for entry in self.ferry.carries for key in entry.opened_by}
        unknown = sorted(opening - set(self.access_keys))
        if unknown:
            raise ValueError(f"ferry.carries 的 opened_by 里的 {'、'.join(unknown)} 不是 access 里的标签")
        return self


class LineRules(Entry):
    """Which ways are lines of a layer (rail, rivers), and by which tag they are classed."""

    tag: Text
    wanted: Values
    none_of: tuple[TagTest, ...] = ()


class WaterAreaRules(Entry):
    """Which areas are water; smaller ones than ``min_area_m2`` are left out of the layer and counted."""

    any_of: Annotated[tuple[TagTest, ...], Field(min_length=1)]
    min_area_m2: float = Field(ge=0)


class ExtractSettings(Entry):
    """Where the extract comes from, and how large a file may be."""

    url: Annotated[str, Field(pattern=r"^https?://\S+\.pbf$")]
    checksum_suffix: str
    max_bytes: int = Field(default_factory=lambda: limit_bytes("osm.file_mb"), gt=0)


class OsmMapping(Entry):
    """The whole of ``osm_mapping.yaml``. Facility rules are tried in order; the first that matches counts."""

    extract: ExtractSettings
    ignore: tuple[TagTest, ...] = ()
    facilities: Annotated[tuple[FacilityRule, ...], Field(min_length=1)]
    roads: RoadRules
    rail: LineRules
    rivers: LineRules
    water: WaterAreaRules

    @model_validator(mode="after")
    def _every_rule_can_match(self) -> Self:
        """A rule behind a broader one would never be reached, whatever its author meant."""
        for number, later in enumerate(self.facilities):
            for earlier in self.facilities[:number]:
                if _covers(earlier, later):
                    raise ValueError(
                        f"facilities 第 {number + 1} 条（{later.type}）永远轮不到："
                        f"第 {self.facilities.index(earlier) + 1} 条（{earlier.type}）已包含它，请调换顺序"
                    )
        return self

    def facility_rule(self, tags: dict[str, str]) -> FacilityRule | None:
        """Return the first rule that ``tags`` satisfies, or ``None`` (also for what ``ignore`` takes out)."""
        if any(test.holds(tags) for test in self.ignore):
            return None
        return next((rule for rule in self.facilities if rule.matches(tags)), None)


def _covers(earlier: FacilityRule, later: FacilityRule) -> bool:
    """Return whether everything ``later`` matches is already matched by ``earlier``."""
    if earlier.none_of:
        return False
    return all(
        any(
            test.key_name == other.key_name and set(other.values) <= set(test.values)
            for other in later.all_of
        )
        for test in earlier.all_of
    )


OSM_MAPPING = mapping_of("osm_mapping.yaml", OsmMapping)


def load_osm_mapping(folder: Path | None = None) -> OsmMapping:
    """Return the OpenStreetMap mapping of the registry in ``folder`` (default: the packaged one).

    Read once per process. Raises ``RegistryError`` (Chinese; file, entry and field) when the file is missing
    or faulty.
    """
    return OSM_MAPPING.load(folder)
