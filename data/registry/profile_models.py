"""The model of ``profiles.yaml``: which indicators a region's profile shows, and which make its structure."""

from pathlib import Path

from data.registry.loading import entries_of
from data.registry.models import Entry, Identifier, Text


class ProfileIndicator(Entry):
    """One indicator of the profile, in the order of the page.

    ``group`` is the heading it stands under; ``shown`` whether the profile shows it, ``structure`` whether
    it counts in finding similar regions. A level that has no values of it leaves it out.
    """

    id: Identifier
    group: Text
    shown: bool = True
    structure: bool = False


PROFILES = entries_of("profiles.yaml", ProfileIndicator)


def load_profile_indicators(folder: Path | None = None) -> tuple[ProfileIndicator, ...]:
    """Return the indicators of the profile in file order; raises ``RegistryError`` listing every fault."""
    return PROFILES.load(folder)
