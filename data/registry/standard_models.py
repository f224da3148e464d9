"""The model of ``standards.yaml``: the plans' standards of provision, each with its plan and line."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from data.registry.facility_models import load_facility_types
from data.registry.loading import entries_of
from data.registry.models import Entry, Identifier, Text
from geo.region_tree import PROVINCE, PROVINCE_DIGITS
from geo.standards import StandardRule

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


def _faults(entries: tuple[Standard, ...]) -> list[str]:
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


STANDARDS = entries_of("standards.yaml", Standard, _faults)


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
