"""Read an OpenStreetMap extract whole."""

from pathlib import Path

from data.ingest.osm import read_extract
from data.ingest.osm_access import plain_told
from data.reader import forms
from data.reader.answers import Answer
from data.reader.orders import Order, Tell, given_regions


def read(folder: Path, order: Order, tell: Tell) -> Answer:
    """Return facilities, roads, lines and waters, and what was left out."""
    counties = given_regions(folder)
    found = read_extract(Path(order.path), Path(order.options["data_dir"]), counties, progress=tell)
    network = found.network
    frames = {
        "located": found.located,
        "merges": found.merges,
        "duplicates": found.duplicates.pairs,
        "nodes": network.nodes,
        "edges": network.edges,
        **found.layers,
    }
    said = {
        "digest": found.digest,
        "as_of": found.as_of,
        "unplaced": list(found.unplaced),
        "duplicates": found.duplicates.found,
        "duplicate_notes": list(found.duplicates.notes),
        "ways": network.ways,
        "missing_nodes": network.missing_nodes,
        "dropped_loops": network.dropped_loops,
        "access": plain_told(network.told),
    }
    return Answer(forms.tables(frames, forms.OSM), said)
