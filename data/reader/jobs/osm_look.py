"""Look at the head of an OpenStreetMap extract."""

from pathlib import Path

from data.ingest.osm_source import check_extract
from data.reader.answers import Answer
from data.reader.orders import Order, Tell


def read(_folder: Path, order: Order, _tell: Tell) -> Answer:
    """Return the date of its data, if it says one."""
    return Answer({}, {"as_of": check_extract(Path(order.path)).as_of})
