"""The office's colours and classes, as the layers take them: the registry is read here, and passed on."""

from __future__ import annotations

from data.registry import Registry, load_registry
from geo.region_tree import ECONOMIC_REGIONS
from layers.themes import Ramp


def ramp(palette_id: str, registry: Registry | None = None) -> Ramp:
    """Return a palette, with the colour of regions without a value."""
    registry = registry or load_registry()
    entry = registry.palette(palette_id)
    return Ramp(entry.id, entry.colours, undefined_colour(registry))


def ramp_towards(direction: str, registry: Registry | None = None) -> Ramp:
    """Return the palette that suits a direction."""
    registry = registry or load_registry()
    return ramp(registry.palette_towards(direction), registry)


def categories(registry: Registry | None = None) -> tuple[str, ...]:
    """Return the colours of categories and states, in the registry's order."""
    return (registry or load_registry()).palette("qualitative").longest


def region_colours(registry: Registry | None = None) -> dict[str, str]:
    """Return the colours of the economic regions, by their codes."""
    colours = (registry or load_registry()).palette("economic_regions").longest
    return dict(zip(ECONOMIC_REGIONS, colours, strict=True))


def undefined_colour(registry: Registry | None = None) -> str:
    """Return the colour of regions without a value."""
    return str((registry or load_registry()).setting("undefined_colour"))
