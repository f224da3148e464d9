"""Read a table of indicators."""

from pathlib import Path

import pandas as pd

from data.ingest.indicators import check_indicators
from data.reader import forms
from data.reader.answers import Answer
from data.reader.orders import Order, Tell, given_regions
from data.registry import load_registry


def read(folder: Path, order: Order, _tell: Tell) -> Answer:
    """Return the facts (``rows``), and the definitions and notes that go with them."""
    regions = pd.DataFrame(given_regions(folder).drop(columns="geometry"))
    found = check_indicators(Path(order.path), Path(order.options["data_dir"]), load_registry(), regions)
    said = {"definitions": [one.as_dict() for one in found.definitions], "notes": list(found.notes)}
    return Answer({"rows": forms.table(found.rows, forms.FACTS)}, said)
