"""The model of ``facility_types.yaml``: the kinds of facilities, their names, units and defaults."""

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from data.registry.loading import load_yaml, registry_folder
from data.registry.models import Entry, Identifier, Text
from geo.errors import RegistryError

FACILITY_TYPES_FILE = "facility_types.yaml"


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


@cache
def load_facility_types(folder: Path | None = None) -> dict[str, FacilityType]:
    """Return the facility types by id, in the order of the registry file (the order of the pages).

    Raises ``RegistryError`` naming file, entry and field, also for an unknown ``broader`` and for a word
    that means two types.
    """
    entries = load_yaml(registry_folder(folder) / FACILITY_TYPES_FILE, FacilityType)
    types = {entry.id: entry for entry in entries}
    faults = []
    words: dict[str, str] = {}
    for entry in entries:
        if entry.broader is not None and (
            entry.broader not in types or types[entry.broader].broader is not None
        ):
            faults.append(f"条目 {entry.id}，字段 broader：“{entry.broader}”不是最上一级的类型")
        for word in (entry.id, entry.name, *entry.aliases):
            if words.setdefault(word, entry.id) != entry.id:
                faults.append(f"条目 {entry.id}，字段 aliases：“{word}”已用于 {words[word]}")
    if faults:
        raise RegistryError("\n".join(f"{FACILITY_TYPES_FILE}，{fault}" for fault in faults))
    return types


def same_kind(one: str, other: str, types: dict[str, FacilityType]) -> bool:
    """Return whether two types may be one facility: equal, or one is the broader of the other."""
    if one == other:
        return True
    first, second = types.get(one), types.get(other)
    return (first is not None and first.broader == other) or (second is not None and second.broader == one)
