"""The registry: what a planner would change (indicators, sources, zones, palettes …), as validated YAML.

To add a file: write its model (a subclass of ``Entry``), make a ``RegistryFile`` beside it, and name that in
``data.registry.files.FILES``. Here are the files that are read together, because they speak of each other.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from data.registry.loading import RegistryFile, entries_of, mapping_of
from data.registry.models import (
    CensusChange,
    CensusCorrection,
    CensusFlag,
    Count,
    CountGroup,
    Indicator,
    Overview,
    Palette,
    SeriesFlag,
    Setting,
    Source,
    Zone,
)
from data.registry.plan_models import PLAN_SYNONYMS, HeadlineTable, PlanSynonym
from data.registry.setting_models import SETTINGS
from geo.errors import RegistryError, UnknownIndicatorError
from geo.region_tree import ECONOMIC_REGIONS

__all__ = ["Registry", "load_registry"]

_ASKED_FOR = ("sequential", "sequential_reversed", "neutral", "diverging", "qualitative", "economic_regions")


def _faults_of_palettes(palettes: tuple[Palette, ...]) -> list[str]:
    """Return what is wrong with the palettes that are asked for by their ids: missing, or too few colours."""
    given = {entry.id: len(entry.longest) for entry in palettes}
    faults = [f"条目 {one}：缺少此项，请补上" for one in _ASKED_FOR if one not in given]
    if given.get("economic_regions", len(ECONOMIC_REGIONS)) != len(ECONOMIC_REGIONS):
        faults.append(
            f"条目 economic_regions，字段 colours：应恰有 {len(ECONOMIC_REGIONS)} 个颜色，一个区域一个"
        )
    return faults


TOGETHER: dict[str, RegistryFile[Any]] = {
    "indicators": entries_of("indicators.yaml", Indicator),
    "counts": entries_of("counts.yaml", Count),
    "count_groups": entries_of("count_groups.yaml", CountGroup),
    "sources": entries_of("sources.yaml", Source),
    "zones": entries_of("zones.yaml", Zone),
    "census_changes": entries_of("census_changes.yaml", CensusChange),
    "census_flags": entries_of("census_flags.yaml", CensusFlag),
    "census_corrections": entries_of("census_corrections.yaml", CensusCorrection),
    "series_flags": entries_of("series_flags.yaml", SeriesFlag),
    "palettes": entries_of("palettes.yaml", Palette, _faults_of_palettes),
    "settings": SETTINGS,
    "headline": entries_of("headline.yaml", HeadlineTable),
    "plan_synonyms": PLAN_SYNONYMS,
    "overview": mapping_of("overview.yaml", Overview),
}
"""The fields of `Registry`, and the file that each of them is."""

DIRECTION_PALETTES = {
    "higher_better": "sequential",
    "lower_better": "sequential_reversed",
    "neutral": "neutral",
}
"""Which palette suits which direction."""


@dataclass(frozen=True)
class Registry:
    """The files of indicators, regions and plans, the office's settings: frozen entries in file order."""

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
    overview: Overview

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
    for field, names in registry.overview:
        where = f"overview.yaml，字段 {field}"
        faults += [f"{where}：indicators.yaml 里没有“{name}”" for name in names if name not in indicators]
    return faults


@lru_cache(maxsize=8)
def load_registry(folder: Path | None = None) -> Registry:
    """Return the registry of ``folder`` (default: the one inside the package), validated; cached per folder.

    Raises ``RegistryError`` that lists the faults of every file, each with file, entry and field.
    """
    tables: dict[str, Any] = {}
    faults: list[str] = []
    for field, file in TOGETHER.items():
        try:
            tables[field] = file.load(folder)
        except RegistryError as error:
            faults.append(str(error))
    if not faults:
        registry = Registry(**tables)
        faults = _reference_faults(registry)
    if faults:
        raise RegistryError("登记表有误：\n" + "\n".join(faults))
    return registry
