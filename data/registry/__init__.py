"""The registry: what a planner would change (indicators, sources, zones, palettes …), as validated YAML.

To add a file: write its model (a subclass of ``Entry``), add a field to ``Registry``, name it in ``FILES``.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from data.registry.loading import load_yaml, load_yaml_object, registry_folder
from data.registry.mode_models import ModeEntry
from data.registry.models import (
    CensusChange,
    CensusCorrection,
    CensusFlag,
    Count,
    CountGroup,
    Entry,
    Indicator,
    Palette,
    SeriesFlag,
    Setting,
    Source,
    Zone,
)
from data.registry.osm_models import OsmMapping
from data.registry.plan_models import HeadlineTable, PlanSynonym
from geo.errors import RegistryError, UnknownIndicatorError

__all__ = ["Registry", "load_registry", "load_yaml", "load_yaml_object"]

FILES: dict[str, type[Entry]] = {
    "indicators": Indicator,
    "counts": Count,
    "count_groups": CountGroup,
    "sources": Source,
    "zones": Zone,
    "census_changes": CensusChange,
    "census_flags": CensusFlag,
    "census_corrections": CensusCorrection,
    "series_flags": SeriesFlag,
    "palettes": Palette,
    "settings": Setting,
    "headline": HeadlineTable,
    "plan_synonyms": PlanSynonym,
    "modes": ModeEntry,
}


DIRECTION_PALETTES = {
    "higher_better": "sequential",
    "lower_better": "sequential_reversed",
    "neutral": "neutral",
}
"""Which palette suits which direction."""


@dataclass(frozen=True)
class Registry:
    """Every registry file as validated, frozen entries in file order (``osm_mapping`` is one object)."""

    indicators: tuple[Indicator, ...]
    counts: tuple[Count, ...]
    count_groups: tuple[CountGroup, ...]
    sources: tuple[Source, ...]
    zones: tuple[Zone, ...]
    census_changes: tuple[CensusChange, ...]
    census_flags: tuple[CensusFlag, ...]
    census_corrections: tuple[CensusCorrection, ...]
    series_flags: tuple[SeriesFlag, ...]
    palettes: tuple[Palette, ...]
    settings: tuple[Setting, ...]
    headline: tuple[HeadlineTable, ...]
    plan_synonyms: tuple[PlanSynonym, ...]
    modes: tuple[ModeEntry, ...]
    osm_mapping: OsmMapping

    def indicator(self, indicator_id: str) -> Indicator:
        """Return an indicator; raise ``UnknownIndicatorError`` when the registry has none of that id."""
        for entry in self.indicators:
            if entry.id == indicator_id:
                return entry
        raise UnknownIndicatorError(f"登记表里没有指标“{indicator_id}”；用 sutu indicators 查看全部指标")

    def palette(self, palette_id: str) -> Palette:
        """Return a palette; raise ``RegistryError`` when there is none of that id."""
        for entry in self.palettes:
            if entry.id == palette_id:
                return entry
        raise RegistryError(f"palettes.yaml 里没有配色“{palette_id}”")

    def palette_towards(self, direction: str) -> str:
        """Return the id of the palette that suits a direction."""
        return DIRECTION_PALETTES[direction]

    def setting(self, setting_id: str) -> int | float | str:
        """Return the value of a setting; raise ``RegistryError`` when there is none of that id."""
        for entry in self.settings:
            if entry.id == setting_id:
                return entry.value
        raise RegistryError(f"settings.yaml 里没有设置“{setting_id}”")


def _reference_faults(registry: Registry) -> list[str]:
    """Return a line for every name that one file uses and no other defines."""
    counts = {entry.id: entry for entry in registry.counts}
    sources = {entry.id for entry in registry.sources}
    indicators = {entry.id: entry for entry in registry.indicators}
    faults = []
    for entry in registry.indicators:
        where = f"indicators.yaml，条目 {entry.id}，字段"
        faults += [
            f"{where} source：sources.yaml 里没有“{name}”" for name in entry.source if name not in sources
        ]
        for field in ("numerator", "denominator"):
            name = getattr(entry.compute, field)
            if name is not None and name not in counts:
                faults.append(f"{where} compute.{field}：counts.yaml 里没有“{name}”")
            elif name is not None and not set(entry.years) <= set(counts[name].years):
                faults.append(f"{where} years：counts.yaml 的“{name}”没有其中某些年份")
        if entry.compute.of is not None and entry.compute.of not in indicators:
            faults.append(f"{where} compute.of：indicators.yaml 里没有“{entry.compute.of}”")
        elif entry.compute.of is not None and indicators[entry.compute.of].kind == "change":
            faults.append(f"{where} compute.of：“{entry.compute.of}”本身已是变化量")
    return faults


@lru_cache(maxsize=8)
def load_registry(folder: Path | None = None) -> Registry:
    """Return the registry of ``folder`` (default: the one inside the package), validated; cached per folder.

    Raises ``RegistryError`` that lists the faults of every file, each with file, entry and field.
    """
    root = registry_folder(folder)
    tables: dict[str, Any] = {}
    faults: list[str] = []
    for field, model in FILES.items():
        try:
            tables[field] = load_yaml(root / f"{field}.yaml", model)
        except RegistryError as error:
            faults.append(str(error))
    try:
        tables["osm_mapping"] = load_yaml_object(root / "osm_mapping.yaml", OsmMapping)
    except RegistryError as error:
        faults.append(str(error))
    if not faults:
        registry = Registry(**tables)
        faults = _reference_faults(registry)
    if faults:
        raise RegistryError("登记表有误：\n" + "\n".join(faults))
    return registry
