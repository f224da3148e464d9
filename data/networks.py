"""The road network of an analysis: what was imported, or a file given for this run, ready for one mode."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from data.ingest.osm_store import EDGES, NODES, NetworkSource, load_imported_network
from data.ingest.staging import imports_dir
from data.versions import file_digest
from geo.errors import NetworkError, StoreError
from geo.modes import TravelMode
from geo.network import Network, build_network

_KEEP = 3


@dataclass(frozen=True, eq=False)
class LoadedNetwork:
    """A network for one mode, and where it came from."""

    network: Network
    source: NetworkSource


_built: dict[tuple[str, str], LoadedNetwork] = {}
_lock = threading.Lock()


def load_network(
    data_dir: Path, mode: TravelMode, given: NetworkSource | None = None
) -> LoadedNetwork | None:
    """Return the network for a mode, built once per content; None when none was imported or given.

    Raises ``NetworkError`` when the files cannot be read or no road of theirs serves the mode.
    """
    digest = imported_digest(data_dir) if given is None else given.digest
    if digest is None:
        return None
    key = (digest, repr(mode))
    with _lock:
        if key not in _built:
            source = given or _imported(data_dir, digest)
            loaded = LoadedNetwork(build_network(source.nodes, source.edges, mode), source)
            while len(_built) >= _KEEP:
                _built.pop(next(iter(_built)))
            _built[key] = loaded
        return _built[key]


def imported_digest(data_dir: Path) -> str | None:
    """Return the digest of the imported network, or None when there is none."""
    folder = imports_dir(data_dir)
    if not (folder / NODES).is_file() or not (folder / EDGES).is_file():
        return None
    return file_digest(folder / NODES)[:16] + file_digest(folder / EDGES)[:16]


def _imported(data_dir: Path, digest: str) -> NetworkSource:
    try:
        # Also checks that both files come from one import.
        loaded = load_imported_network(data_dir)
    except StoreError as fault:
        raise NetworkError(str(fault)) from fault
    if loaded is None:
        raise NetworkError("导入的路网已被移除。请重新运行 sutu import osm。")
    return NetworkSource(*loaded, "OpenStreetMap", digest)
