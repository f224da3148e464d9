"""The model of ``import_checks.yaml``: from what difference on an import is doubted or refused."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from data.registry.loading import mapping_of
from data.registry.models import Entry

Metres = Annotated[float, Field(gt=0, strict=False)]
Times = Annotated[float, Field(gt=1, strict=False)]


class ImportChecks(Entry):
    """Distances in metres, ratios as numbers.

    Two facilities may be one (``duplicate_…``) when they lie so near and so large a share of the differing
    parts of their names agrees. A value is suspicious when it is so many times another source's. Boundaries
    are refused that lie elsewhere (median of the counties' middles) or whose areas differ by more than the
    two ratios, a population raster whose pixels are larger or whose people are so many times the census's.
    """

    KEY = ()

    duplicate_m: Metres
    duplicate_unnamed_m: Metres
    duplicate_alike: Annotated[float, Field(gt=0, le=1, strict=False)]
    suspicious_ratio: Times
    boundary_shift_m: Metres
    boundary_area_ratio: tuple[
        Annotated[float, Field(gt=0, lt=1, strict=False)], Annotated[float, Field(gt=1, strict=False)]
    ]
    raster_pixel_m: Metres
    raster_people_ratio: Times

    @model_validator(mode="after")
    def _unnamed_nearer(self) -> Self:
        if self.duplicate_unnamed_m > self.duplicate_m:
            raise ValueError("duplicate_unnamed_m 不能大于 duplicate_m")
        return self


IMPORT_CHECKS = mapping_of("import_checks.yaml", ImportChecks)


def load_import_checks(folder: Path | None = None) -> ImportChecks:
    """Return from what difference on an import is doubted; ``RegistryError`` lists every fault."""
    return IMPORT_CHECKS.load(folder)
