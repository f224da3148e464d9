"""The model of ``export_fields.yaml``: what the columns of exported layers are called."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field as Constraint

from data.registry.loading import entries_of
from data.registry.models import Entry, Identifier, Text
from geo.export_table import SHORT_NAME_LENGTH, Field


class ExportField(Entry):
    """One column: Chinese ``title``, ``short`` name for shapefiles, ``unit`` and ``definition``."""

    id: Identifier
    title: Text
    short: Annotated[str, Constraint(pattern=rf"^[a-z][a-z0-9_]{{0,{SHORT_NAME_LENGTH - 1}}}$")]
    unit: str = ""
    definition: Text


def _faults(entries: tuple[ExportField, ...]) -> list[str]:
    """Return every title and short name that is used twice."""
    faults = []
    for what in ("title", "short"):
        seen: dict[str, str] = {}
        for entry in entries:
            text = getattr(entry, what)
            if text in seen:
                faults.append(f"条目 {entry.id}，字段 {what}：与 {seen[text]} 相同")
            seen.setdefault(text, entry.id)
    return faults


EXPORT_FIELDS = entries_of("export_fields.yaml", ExportField, _faults)


@cache
def load_export_fields(folder: Path | None = None) -> dict[str, Field]:
    """Return the known columns by their name in code."""
    return {
        entry.id: Field(entry.id, entry.title, entry.short, entry.unit, entry.definition)
        for entry in EXPORT_FIELDS.load(folder)
    }


def export_field(name: str, *, title: str = "", unit: str = "") -> Field:
    """Return the column ``name``, its wording replaced where given; one the registry lacks keeps its name."""
    known = load_export_fields().get(name)
    if known is None:
        short = re.sub(r"[^A-Za-z0-9_]", "", name)[:SHORT_NAME_LENGTH]
        return Field(name, title or name, short, unit, "")
    return Field(name, title or known.title, known.short, unit or known.unit, known.definition)
