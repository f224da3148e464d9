"""The model of ``tracking.yaml``: the series beside a plan's target, and what regions' own targets count."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from data.registry.loading import mapping_of
from data.registry.models import Adcode, Direction, Entry, Identifier, Text
from data.registry.plan_models import PlanId


class TrackedSeries(Entry):
    """A target of a plan (by its own words) and the indicator and region whose series stands beside it.

    ``comparable``: ``same`` lets the target be judged by the series; ``different`` sets the two side by side
    only, and ``reason`` says what differs.
    """

    plan: PlanId
    target: Text
    scope: Text
    indicator: Identifier
    region: Adcode
    direction: Direction
    comparable: Literal["same", "different"]
    reason: str = ""

    @model_validator(mode="after")
    def _difference_told(self) -> Self:
        if self.comparable == "different" and not self.reason:
            raise ValueError("comparable 为 different 时要写 reason：差在哪里")
        return self


class RegionalMember(Entry):
    """One target of a family, by the plan's words, and what it is a share of."""

    plan: PlanId
    target: Text
    denominator: Text


class RegionalFamily(Entry):
    """Targets of one matter whose denominators may differ."""

    id: Identifier
    name: Text
    note: str = ""
    members: Annotated[tuple[RegionalMember, ...], Field(min_length=1)]


class Tracking(Entry):
    """The whole file."""

    series: tuple[TrackedSeries, ...] = ()
    regional: tuple[RegionalFamily, ...] = ()


TRACKING = mapping_of("tracking.yaml", Tracking)


def load_tracking(folder: Path | None = None) -> Tracking:
    """Return the registry of tracked targets; `RegistryError` names file, entry and field of every fault."""
    return TRACKING.load(folder)
