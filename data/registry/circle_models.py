"""The model of ``service_circles.yaml``: the services of a life circle, with a threshold per tier."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from data.registry.facility_models import load_facility_types
from data.registry.loading import load_yaml, registry_folder
from data.registry.models import Entry, Identifier, Text
from geo.errors import RegistryError

SERVICE_CIRCLES_FILE = "service_circles.yaml"


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


def load_circle_services(folder: Path | None = None) -> dict[str, CircleService]:
    """Return the services by id, in file order.

    Raises ``RegistryError`` naming file, entry and field, also for an unknown facility type and for two
    services of one name.
    """
    entries = load_yaml(registry_folder(folder) / SERVICE_CIRCLES_FILE, CircleService)
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
    if faults:
        raise RegistryError("\n".join(f"{SERVICE_CIRCLES_FILE}，{fault}" for fault in faults))
    return {entry.id: entry for entry in entries}
