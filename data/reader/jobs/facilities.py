"""Read a list of facilities, a table or a spatial file."""

from dataclasses import asdict
from pathlib import Path

from data.ingest.facilities import read_facilities
from data.ingest.facility_store import load_imported_facilities
from data.reader import forms
from data.reader.answers import Answer
from data.reader.orders import Order, Tell, given_regions


def read(folder: Path, order: Order, _tell: Tell) -> Answer:
    """Return the facilities (``frame``), their ``duplicates``, and what is said of them."""
    asked = order.options
    others = load_imported_facilities(Path(asked["data_dir"])) if asked["data_dir"] else None
    found = read_facilities(
        Path(order.path),
        facility_type=asked["facility_type"],
        datum=asked["datum"],
        regions=given_regions(folder),
        source=asked["source"],
        layer=asked["layer"],
        others=others,
    )
    said = {
        "title": found.title,
        "datum": asdict(found.datum),
        "outside": found.outside,
        "misplaced": found.misplaced,
        "notes": list(found.notes),
    }
    frames = {"frame": found.frame, "duplicates": found.duplicates}
    return Answer(forms.tables(frames, forms.FACILITY_FILE), said)
