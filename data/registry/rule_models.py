"""The models of the rules of coverage, catchment and siting, and of statistics (``…_rules.yaml``)."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from data.registry.loading import mapping_of
from data.registry.models import Entry

Minutes = Annotated[float, Field(gt=0, le=1_440, strict=False)]


def _ascending(values: tuple[float, ...]) -> tuple[float, ...]:
    if any(after <= before for before, after in pairwise(values)):
        raise ValueError("应由小到大、互不相同")
    return values


def _not_growing(values: tuple[float, ...]) -> tuple[float, ...]:
    if any(after > before for before, after in pairwise(values)):
        raise ValueError("应由近到远不增")
    return values


Choices = Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1), AfterValidator(_ascending)]
"""Whole numbers that a page offers, ascending."""


class CoverageRules(Entry):
    """How far travel times are searched, and which thresholds, classes and variations are offered (minutes).

    ``map_minutes`` are the upper limits of the classes of the map; what is farther makes one more.
    ``speed_factors`` and ``threshold_share`` are what the table of other speeds and thresholds varies by.
    """

    KEY = ()

    search_minutes: Minutes
    export_minutes: Choices
    map_minutes: Annotated[tuple[Minutes, ...], Field(min_length=2, max_length=8), AfterValidator(_ascending)]
    speed_factors: Annotated[
        tuple[Annotated[float, Field(gt=0, strict=False)], ...],
        Field(min_length=1),
        AfterValidator(_ascending),
    ]
    threshold_share: Annotated[float, Field(gt=0, lt=1, strict=False)]


class CatchmentRules(Entry):
    """The longest catchment, and the weights of the equal zones of the stepwise decay, the nearest first."""

    KEY = ()

    longest_minutes: Minutes
    step_weights: Annotated[
        tuple[Annotated[float, Field(gt=0, le=1, strict=False)], ...],
        Field(min_length=1, max_length=12),
        AfterValidator(_not_growing),
    ]


class SitingRules(Entry):
    """How many places one question adds, changes and weighs at most; what is offered, and what comes first.

    Beyond ``cap_minutes`` trips of the p-median count as so long; an exact solution is sought for
    ``time_limit_s`` seconds.
    """

    KEY = ()

    most_added: Annotated[int, Field(gt=0)]
    most_changes: Annotated[int, Field(gt=0)]
    most_candidates: Annotated[int, Field(gt=0)]
    cap_minutes: Minutes
    time_limit_s: Annotated[float, Field(ge=1, le=3_600, strict=False)]
    added: Choices
    spacing_km: Annotated[int, Field(gt=0)]
    spacings_km: Choices

    @model_validator(mode="after")
    def _defaults_offered(self) -> Self:
        if self.added[0] != 0:
            raise ValueError("added 应从 0 开始：页面上缺省不新增")
        if self.spacing_km not in self.spacings_km:
            raise ValueError("spacings_km 里应有缺省的 spacing_km")
        return self


class StatisticsRules(Entry):
    """What counts as significant, and which ranks as firm.

    ``significant_p``: a p-value below it is significant (beta convergence, Moran's I); ``false_discovery``:
    the rate at which hot and cold spots are held; ``firm_share``: a rank that moves by at most this share of
    the regions, whatever the methods, is firm.
    """

    KEY = ()

    significant_p: Annotated[float, Field(gt=0, lt=1, strict=False)]
    false_discovery: Annotated[float, Field(gt=0, lt=1, strict=False)]
    firm_share: Annotated[float, Field(ge=0, lt=1, strict=False)]


COVERAGE_RULES = mapping_of("coverage_rules.yaml", CoverageRules)
CATCHMENT_RULES = mapping_of("catchment_rules.yaml", CatchmentRules)
SITING_RULES = mapping_of("siting_rules.yaml", SitingRules)
STATISTICS_RULES = mapping_of("statistics_rules.yaml", StatisticsRules)


def load_coverage_rules(folder: Path | None = None) -> CoverageRules:
    """Return how far travel times are searched and what is offered; ``RegistryError`` lists every fault."""
    return COVERAGE_RULES.load(folder)


def load_catchment_rules(folder: Path | None = None) -> CatchmentRules:
    """Return the bounds and weights of catchments; ``RegistryError`` lists every fault."""
    return CATCHMENT_RULES.load(folder)


def load_siting_rules(folder: Path | None = None) -> SitingRules:
    """Return the bounds and choices of siting; ``RegistryError`` lists every fault."""
    return SITING_RULES.load(folder)


def load_statistics_rules(folder: Path | None = None) -> StatisticsRules:
    """Return what counts as significant and as firm; ``RegistryError`` lists every fault."""
    return STATISTICS_RULES.load(folder)
