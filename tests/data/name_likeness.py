"""How alike two names are, as the search for duplicates compares one pair."""

from data.ingest.duplicates import _differing, _plain_similarity, _ratio
from data.registry.import_models import load_import_checks


def name_similarity(one: str, other: str) -> float:
    """Return the likeness of two names of a ``NameReader``, 0 to 1."""
    plain = _plain_similarity(one, other, load_import_checks().duplicate_alike)
    return _ratio(*_differing(one, other)) if plain is None else plain
