"""Read candidate sites, a table or a spatial file."""

from pathlib import Path

import pandas as pd

from data.ingest.sites import read_sites
from data.reader import forms
from data.reader.answers import Answer
from data.reader.orders import Order, Tell, given_regions


def read(folder: Path, order: Order, _tell: Tell) -> Answer:
    """Return the ``sites`` in the order of the file, and notes."""
    found = read_sites(Path(order.path), datum=order.options["datum"], regions=given_regions(folder))
    rows = pd.DataFrame(list(found.sites), columns=forms.SITES.names)
    return Answer({"sites": forms.table(rows, forms.SITES)}, {"notes": list(found.notes)})
