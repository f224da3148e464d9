"""Read the boundaries of the counties."""

from pathlib import Path

from data.ingest.boundaries import read_boundaries
from data.reader import forms
from data.reader.answers import Answer
from data.reader.orders import Order, Tell


def read(_folder: Path, order: Order, _tell: Tell) -> Answer:
    """Return the boundaries (``frame``), and notes."""
    asked = order.options
    found = read_boundaries(
        Path(order.path),
        asked["datum"],
        layer=asked["layer"],
        source=asked["source"],
        source_date=asked["source_date"],
    )
    return Answer({"frame": forms.table(found.frame, forms.BOUNDARIES)}, {"notes": list(found.notes)})
