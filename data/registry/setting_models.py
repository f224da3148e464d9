"""The settings that the program reads, and what each of them may be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from data.registry.loading import entries_of, fault_words
from data.registry.models import Colour, Identifier, Setting, Text

_Positive = Annotated[float, Field(gt=0, strict=False)]

SETTINGS_READ: dict[str, Any] = {
    "default_year": Annotated[int, Field(ge=1900, le=2100)],
    "default_level": Literal["province", "economic_region", "prefecture", "county"],
    "default_indicator": Identifier,
    "class_count": Annotated[int, Field(ge=3, le=9)],
    "class_method": Literal["quantiles", "equal_interval", "natural_breaks"],
    "internal_notice": Text,
    "undefined_colour": Colour,
    "population_resolution_m": _Positive,
    "urban_density_per_km2": _Positive,
    "report_facilities": Text,
    "kept_versions": Annotated[int, Field(ge=2, le=1000)],
    "away_seconds": _Positive,
    "kept_export_minutes": _Positive,
    "listed_runs": Annotated[int, Field(ge=0, le=10_000)],
}
"""Every setting by its id, and the type of its value."""


def _faults(entries: Iterable[Setting]) -> list[str]:
    """Return settings that nothing reads, that are missing, and values that cannot be."""
    given = {entry.id: entry.value for entry in entries}
    faults = [f"条目 {one}：没有这项设置，请检查拼写或删去" for one in given if one not in SETTINGS_READ]
    faults += [f"条目 {one}：缺少此项，请补上" for one in SETTINGS_READ if one not in given]
    for one, kind in SETTINGS_READ.items():
        if one in given:
            try:
                TypeAdapter(kind).validate_python(given[one], strict=True)
            except ValidationError as error:
                words = fault_words(error.errors()[0])
                faults.append(f"条目 {one}，字段 value：{words}（现为 {given[one]!r:.60}）")
    return faults


SETTINGS = entries_of("settings.yaml", Setting, _faults)
