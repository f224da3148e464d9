"""Read a raster of people."""

from pathlib import Path

import pandas as pd

from data.ingest.population import read_population
from data.reader import forms
from data.reader.answers import Answer
from data.reader.orders import Order, Tell, given_regions
from data.registry import load_registry


def read(folder: Path, order: Order, _tell: Tell) -> Answer:
    """Return the ``people`` by cell, what is said of the raster, and notes."""
    found = read_population(
        Path(order.path),
        load_registry(),
        given_regions(folder).reset_index(drop=True),
        scale_to_census=order.options["scale_to_census"],
        source=order.options["source"],
    )
    rows = pd.DataFrame({"cell_id": found.people.index.to_numpy(), "people": found.people.to_numpy()})
    said = {"facts": found.facts, "sums": found.sums, "notes": list(found.notes)}
    return Answer({"people": forms.table(rows, forms.PEOPLE)}, said)
