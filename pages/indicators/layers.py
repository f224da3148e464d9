"""From the store to layers: the page 指标地图 asks here for what it draws."""

from __future__ import annotations

from collections.abc import Sequence

from data.registry import Registry
from data.store.store import Store
from layers.classify import Classes
from layers.model import Layer
from layers.themes import choropleth, pooled_classes
from pages.indicators.choice import MapStyle, Subject
from pages.shared import cached
from pages.shared.cached import level_frame, ramp_of, remarks_on
from reports.provenance import provenance


def layers_of(
    store: Store, registry: Registry, subjects: Sequence[Subject], style: MapStyle
) -> tuple[Layer, ...]:
    """Return the layer of each subject; the same indicator in two years shares its classes."""
    facts = [
        cached.facts(store, one.id, year=one.year, level=one.level).set_index("adcode") for one in subjects
    ]
    ramps = [ramp_of(registry, one.row, style.palette) for one in subjects]
    like: Classes | None = None
    if len(subjects) == 2 and subjects[0].id == subjects[1].id:
        like = pooled_classes(
            [part["value"] for part in facts],
            style.scheme,
            style.k,
            decimals=int(subjects[0].row["decimals"]),
            split_at_zero=ramps[0].id == "diverging",
        )
    return tuple(
        choropleth(
            level_frame(store, one.level),
            part["value"],
            title=str(one.row["name"]),
            unit=str(one.row["unit"]),
            year=one.year,
            direction=str(one.row["direction"]),
            scheme=style.scheme,
            k=style.k,
            palette=palette,
            reasons=part["reason"],
            provenance=provenance(store, part["source"].dropna(), remarks_on(part)),
            like=like,
            decimals=int(one.row["decimals"]),
        )
        for one, part, palette in zip(subjects, facts, ramps, strict=True)
    )
