"""The model of ``facility_types.yaml``: the kinds of facilities, their names, units and defaults."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from data.registry.loading import entries_of
from data.registry.models import Entry, Identifier, Text


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
