"""The models of facilities: their types, the implied ones, service circles, the plans' standards."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from data.registry.loading import entries_of
from data.registry.models import Entry, Identifier, Text
from geo.region_tree import PROVINCE, PROVINCE_DIGITS
from geo.standards import StandardRule


class FacilityType(Entry):
    """One kind of facility.

    ``capacity_unit`` is what its capacity is counted in (empty: it has none). ``minutes`` and ``mode`` are
    what a page starts with, and ``basis`` says where they come from. ``broader`` is the type that sources
    use when they do not tell the kinds below it apart. ``aliases`` are other words for the type.
    """

    id: Identifier
    name: Text
    domain: Text
    capacity_unit: str
    minutes: Annotated[float, Field(gt=0, le=240, strict=False)]
    mode: Literal["walk", "ebike", "drive", "straight"]
    basis: Text
    broader: Identifier | None = None
    aliases: tuple[Text, ...] = ()


def _faults(entries: tuple[FacilityType, ...]) -> list[str]:
    """Return every ``broader`` that is no uppermost type, and every word that means two types."""
    types = {entry.id: entry for entry in entries}
    faults = []
    words: dict[str, str] = {}
    for entry in entries:
        if entry.broader is not None and (
            entry.broader not in types or types[entry.broader].broader is not None
        ):
            faults.append(f"条目 {entry.id}，字段 broader：“{entry.broader}”不是最上一级的类型")
        faults += [
            f"条目 {entry.id}，字段 aliases：“{word}”已用于 {words[word]}"
            for word in (entry.id, entry.name, *entry.aliases)
            if words.setdefault(word, entry.id) != entry.id
        ]
    return faults


FACILITY_TYPES = entries_of("facility_types.yaml", FacilityType, _faults)


def load_facility_types(folder: Path | None = None) -> dict[str, FacilityType]:
    """Return the facility types by id, in the order of the registry file (the order of the pages)."""
    return {entry.id: entry for entry in FACILITY_TYPES.load(folder)}


def same_kind(one: str, other: str, types: dict[str, FacilityType]) -> bool:
    """Return whether two types may be one facility: equal, or one is the broader of the other."""
    if one == other:
        return True
    first, second = types.get(one), types.get(other)
    return (first is not None and first.broader == other) or (second is not None and second.broader == one)


Place = Literal["county_seat", "township", "gazette", "airport"]


class ImpliedRule(Entry):
    """One kind of built-in facility.

    ``place``: at every county seat; at every township whose name ends in one of ``endings``; where the
    gazette names one of ``named_type``; at every airport. ``name_suffix`` follows the name of the county or
    township. ``source`` is an id of ``sources.yaml``; ``seed_line`` the line that the rule rests on.
    """

    id: Identifier
    type: Identifier
    level: str = ""
    place: Place
    endings: tuple[Text, ...] = ()
    named_type: str = ""
    name_suffix: str = ""
    precision: Literal["implied", "seat"]
    source: Identifier
    seed_line: Annotated[str, Field(pattern=r"^(\d{3}:\d+)?$")] = ""
    rule: Text

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if bool(self.endings) != (self.place == "township"):
            raise ValueError("place 为 township 时必须写 endings（名称末字），其他不写")
        if bool(self.named_type) != (self.place == "gazette"):
            raise ValueError("place 为 gazette 时必须写 named_type，其他不写")
        if bool(self.name_suffix) != (self.place in {"county_seat", "township"}):
            raise ValueError("place 为 county_seat 或 township 时必须写 name_suffix，其他不写")
        return self


IMPLIED = entries_of("implied.yaml", ImpliedRule)


def load_implied_rules(folder: Path | None = None) -> tuple[ImpliedRule, ...]:
    """Return the rules of ``implied.yaml``; ``RegistryError`` (Chinese) when it is missing or faulty."""
    return IMPLIED.load(folder)


class TierRule(BaseModel):
    """How far a service may be in one tier: minutes, and how people travel."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    minutes: Annotated[float, Field(gt=0, le=120, strict=False)]
    mode: Literal["walk", "ebike", "drive", "straight"]


class CircleService(Entry):
    """One service of the life circle.

    ``types`` serve alike; ``unsorted`` are types of which a source does not say whether they serve (schools
    of unknown level): they count, and the reader is told. A tier without a rule does not ask for the
    service.
    """

    id: Identifier
    name: Text
    types: Annotated[tuple[Identifier, ...], Field(min_length=1)]
    unsorted: tuple[Identifier, ...] = ()
    urban: TierRule | None = None
    rural: TierRule | None = None
    weight: Annotated[float, Field(gt=0, le=100, strict=False)] = 1.0
    basis: Text

    @model_validator(mode="after")
    def _some_tier(self) -> Self:
        if self.urban is None and self.rural is None:
            raise ValueError("urban、rural 至少要写一项")
        return self

    def rule(self, tier: str) -> TierRule | None:
        """Return the rule of a tier (``urban`` or ``rural``); None when it does not ask for the service."""
        return self.urban if tier == "urban" else self.rural


def _circle_faults(entries: tuple[CircleService, ...]) -> list[str]:
    """Return unknown facility types, and names of two services."""
    known = load_facility_types()
    faults = []
    names: dict[str, str] = {}
    for entry in entries:
        for field, types in (("types", entry.types), ("unsorted", entry.unsorted)):
            faults += [
                f"条目 {entry.id}，字段 {field}：没有设施类型“{kind}”" for kind in types if kind not in known
            ]
        if names.setdefault(entry.name, entry.id) != entry.id:
            faults.append(f"条目 {entry.id}，字段 name：“{entry.name}”已用于 {names[entry.name]}")
    return faults


SERVICE_CIRCLES = entries_of("service_circles.yaml", CircleService, _circle_faults)


def load_circle_services(folder: Path | None = None) -> dict[str, CircleService]:
    """Return the services by id, in file order."""
    return {entry.id: entry for entry in SERVICE_CIRCLES.load(folder)}


GROUPS = {
    "population": "常住人口",
    "population_0_14": "0—14岁人口",
    "population_0_2": "3岁以下人口",
    "population_60_plus": "60岁及以上人口",
}
"""The indicators a standard may count people by, and what people read."""


class Standard(Entry):
    """One standard. ``text`` is the plan's own wording, ``seed_line`` where it stands in the source.

    ``types`` (facility types), ``words`` (any of them in the facility's name) and ``level_words`` (any of
    them in its level) say which facilities count; no types: the store does not keep such things. ``measure``
    counts facilities or adds up their capacity. The other fields are those of ``geo.standards.StandardRule``.
    """

    id: Identifier
    subject: Identifier
    name: Text
    plan: Text
    doc_no: Text
    seed_line: Annotated[str, Field(pattern=r"^\d{3}:\d+$")]
    text: Text
    rule: Literal["per_population", "per_region", "per_region_above", "per_township"]
    region_level: Literal["county", "prefecture"] = "county"
    quantity: Annotated[float, Field(gt=0, strict=False)]
    unit: Text
    types: tuple[Identifier, ...] = ()
    words: tuple[Text, ...] = ()
    level_words: tuple[Text, ...] = ()
    measure: Literal["count", "capacity"] = "count"
    kinds: Literal["all", "county_city", "rural"] = "all"
    per_people: Annotated[float | None, Field(gt=0, strict=False)] = None
    per_people_most: Annotated[float | None, Field(gt=0, strict=False)] = None
    group: Literal["population", "population_0_14", "population_0_2", "population_60_plus"] = "population"
    threshold_people: Annotated[float | None, Field(gt=0, strict=False)] = None
    above_only: bool = False
    endings: tuple[Literal["镇", "乡", "街道"], ...] = ()
    share: Annotated[float | None, Field(gt=0, le=1, strict=False)] = None
    within: Annotated[str, Field(pattern=rf"^{PROVINCE_DIGITS}\d{{4}}$")] = PROVINCE
    year: int | None = None
    note: str = ""

    def as_rule(self) -> StandardRule:
        """Return what the standard asks, for ``geo.standards``; capacities are not rounded."""
        return StandardRule(
            id=self.id,
            subject=self.subject,
            rule=self.rule,
            region_level=self.region_level,
            quantity=self.quantity,
            kinds=self.kinds,
            per_people=self.per_people,
            per_people_most=self.per_people_most,
            group=self.group,
            threshold_people=self.threshold_people,
            above_only=self.above_only,
            endings=self.endings,
            share=self.share,
            whole=self.measure == "count",
            within=self.within,
        )


def _standard_faults(entries: tuple[Standard, ...]) -> list[str]:
    """Return where a rule lacks what it needs, and facility types that the registry does not know."""
    types = load_facility_types()
    faults = []
    for entry in entries:
        faults += [f"条目 {entry.id}，字段 {fault}" for fault in _faults_of(entry)]
        faults += [
            f"条目 {entry.id}，字段 types：没有设施类型“{one}”" for one in entry.types if one not in types
        ]
    return faults


def _faults_of(entry: Standard) -> list[str]:
    """Return what a rule lacks, or has beyond what it takes."""
    needed = {
        "per_population": ("per_people",),
        "per_region": (),
        "per_region_above": ("threshold_people",),
        "per_township": ("endings",),
    }[entry.rule]
    optional = {"per_people", "threshold_people", "endings", "per_people_most"}
    faults = [f"{field}：规则 {entry.rule} 需要此项" for field in needed if not getattr(entry, field)]
    allowed = {*needed, *(("per_people_most",) if entry.rule == "per_population" else ())}
    faults += [
        f"{field}：规则 {entry.rule} 用不到此项"
        for field in sorted(optional - allowed)
        if getattr(entry, field)
    ]
    if entry.per_people_most and entry.per_people and entry.per_people_most >= entry.per_people:
        faults.append("per_people_most：应小于 per_people（服务人口的下限配置最多）")
    return faults


STANDARDS = entries_of("standards.yaml", Standard, _standard_faults)


def load_standards(folder: Path | None = None) -> dict[str, Standard]:
    """Return the standards by id, in the order of the registry file."""
    return {entry.id: entry for entry in STANDARDS.load(folder)}


def standard_rows(standards: dict[str, Standard]) -> list[dict[str, object]]:
    """Return the standards as rows of the table ``facility_standard``; several types are one text."""
    return [
        {
            "id": entry.id,
            "name": entry.name,
            "type": " ".join(entry.types) or None,
            "region_level": entry.region_level,
            "rule": entry.rule,
            "quantity": entry.quantity,
            "unit": entry.unit,
            "source_plan": entry.plan,
            "doc_no": entry.doc_no,
            "seed_line": entry.seed_line,
            "text": entry.text,
            "note": entry.note or None,
        }
        for entry in standards.values()
    ]
