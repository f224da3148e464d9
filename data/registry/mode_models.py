"""The model of ``modes.yaml``: speeds by road class and mode, turned into the values that ``geo`` computes
with.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from data.registry.loading import entries_of
from data.registry.models import Entry, Identifier, Text
from geo.modes import RoadClass, TravelMode

Speed = Annotated[float, Field(gt=0, le=200)]


class RoadSpeed(Entry):
    """The speed of a mode on some road classes (OSM ``highway`` values)."""

    highway: Annotated[tuple[Text, ...], Field(min_length=1)]
    speed_kmh: Speed
    snap: bool = True


class ModeEntry(Entry):
    """One mode of travel; see ``geo.modes.TravelMode`` for what the fields mean."""

    id: Identifier
    name: Text
    note: Text
    straight_kmh: Speed
    detour_factor: Annotated[float, Field(ge=1, le=5)]
    access_kmh: Speed
    snap_limit_m: Annotated[float, Field(gt=0, le=10_000)]
    min_component_nodes: Annotated[int, Field(ge=1)]
    oneway: bool
    use_maxspeed: bool
    ferry_kmh: Speed | None = None
    crosses_as: Literal["foot", "bicycle", "motorcar"]
    roads: tuple[RoadSpeed, ...]

    @model_validator(mode="after")
    def _each_class_once(self) -> Self:
        named = [value for road in self.roads for value in road.highway]
        twice = sorted({value for value in named if named.count(value) > 1})
        if twice:
            raise ValueError(f"道路等级 {'、'.join(twice)} 写了两次，请只留一处")
        return self

    def travel_mode(self) -> TravelMode:
        """Return the mode as ``geo`` uses it."""
        classes = {
            value: RoadClass(speed_kmh=float(road.speed_kmh), snap=road.snap)
            for road in self.roads
            for value in road.highway
        }
        return TravelMode(
            id=self.id,
            name=self.name,
            straight_kmh=float(self.straight_kmh),
            detour_factor=float(self.detour_factor),
            classes=classes,
            oneway=self.oneway,
            use_maxspeed=self.use_maxspeed,
            ferry_kmh=self.ferry_kmh,
            crosses_as=self.crosses_as,
            access_kmh=float(self.access_kmh),
            snap_limit_m=float(self.snap_limit_m),
            min_component_nodes=self.min_component_nodes,
        )


MODES = entries_of("modes.yaml", ModeEntry)


def load_mode_entries(folder: Path | None = None) -> tuple[ModeEntry, ...]:
    """Return the entries of ``modes.yaml`` in file order, with their notes; ``RegistryError`` lists every
    fault.
    """
    return MODES.load(folder)


def load_modes(folder: Path | None = None) -> dict[str, TravelMode]:
    """Return the modes by id (walk, ebike, drive, straight); ``RegistryError`` lists every fault."""
    return {entry.id: entry.travel_mode() for entry in load_mode_entries(folder)}
