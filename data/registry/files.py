"""Every file of the registry, and the check of all of them at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from data.registry import TOGETHER, load_registry
from data.registry.corridor_models import CORRIDOR_FAMILIES, CORRIDOR_PLACES, CORRIDOR_ROUTES, CORRIDOR_RULES
from data.registry.export_models import EXPORT_FIELDS
from data.registry.facility_models import FACILITY_TYPES, IMPLIED, SERVICE_CIRCLES, STANDARDS
from data.registry.import_models import IMPORT_CHECKS
from data.registry.index_models import INDICES, PROFILES
from data.registry.limit_models import LIMITS
from data.registry.loading import RegistryFile
from data.registry.mode_models import MODES
from data.registry.osm_models import OSM_MAPPING
from data.registry.plan_models import TRACKING
from data.registry.rule_models import CATCHMENT_RULES, COVERAGE_RULES, SITING_RULES, STATISTICS_RULES
from geo.errors import RegistryError

_ALL: tuple[RegistryFile[Any], ...] = (
    *TOGETHER.values(),
    *(SERVICE_CIRCLES, CORRIDOR_FAMILIES, CORRIDOR_PLACES, CORRIDOR_ROUTES, CORRIDOR_RULES),
    *(EXPORT_FIELDS, FACILITY_TYPES, IMPLIED, INDICES, LIMITS, MODES, OSM_MAPPING, PROFILES, STANDARDS),
    *(TRACKING, IMPORT_CHECKS, COVERAGE_RULES, CATCHMENT_RULES, SITING_RULES, STATISTICS_RULES),
)
FILES = {file.name: file for file in _ALL}
"""The files by name."""


def require_sound(folder: Path | None = None) -> None:
    """Raise ``RegistryError`` with the faults of every file when there are any."""
    faults = []
    for file in FILES.values():
        try:
            file.load(folder)
        except RegistryError as error:
            faults.append(str(error))
    if faults:
        raise RegistryError("登记表有误：\n" + "\n".join(faults))
    load_registry(folder)
