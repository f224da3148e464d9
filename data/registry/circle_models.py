"""The model of ``service_circles.yaml``: the services of a life circle, with a threshold per tier."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from data.registry.facility_models import load_facility_types
from data.registry.loading import entries_of
from data.registry.models import Entry, Identifier, Text


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


def _faults(entries: tuple[CircleService, ...]) -> list[str]:
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


SERVICE_CIRCLES = entries_of("service_circles.yaml", CircleService, _faults)


def load_circle_services(folder: Path | None = None) -> dict[str, CircleService]:
    """Return the services by id, in file order."""
    return {entry.id: entry for entry in SERVICE_CIRCLES.load(folder)}
