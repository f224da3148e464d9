"""The model of ``profiles.yaml``: which indicators a region's profile shows, and which make its structure."""

from functools import cache
from pathlib import Path

from data.registry.loading import load_yaml, registry_folder
from data.registry.models import Entry, Identifier, Text

PROFILES_FILE = "profiles.yaml"


class ProfileIndicator(Entry):
    """One indicator of the profile, in the order of the page.

    ``group`` is the heading it stands under; ``shown`` whether the profile shows it, ``structure`` whether
    it counts in finding similar regions. A level that has no values of it leaves it out.
    """

    id: Identifier
    group: Text
    shown: bool = True
    structure: bool = False


@cache
def load_profile_indicators(folder: Path | None = None) -> tuple[ProfileIndicator, ...]:
    """Return the indicators of the profile in file order; raises ``RegistryError`` listing every fault."""
    return load_yaml(registry_folder(folder) / PROFILES_FILE, ProfileIndicator)
