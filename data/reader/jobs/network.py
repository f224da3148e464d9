"""Read the roads of an OpenStreetMap extract."""

from pathlib import Path

from data.ingest.osm_network import read_osm_network
from data.reader import forms
from data.reader.answers import Answer
from data.reader.orders import Order, Tell
from data.store.versions import file_digest


def read(_folder: Path, order: Order, _tell: Tell) -> Answer:
    """Return ``nodes`` and ``edges``, and the digest of the file."""
    path = Path(order.path)
    nodes, edges = read_osm_network(path)
    frames = {"nodes": nodes, "edges": edges}
    return Answer(forms.tables(frames, forms.ROADS), {"digest": file_digest(path)})
