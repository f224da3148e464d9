"""The road network of an analysis, imported or given for this run; and travel times kept by content."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from data.ingest.osm_store import EDGES, NODES, NetworkSource, load_imported_network
from data.store.files import DAMAGED, put_aside
from data.store.staging import imports_dir
from data.store.versions import file_digest
from geo.errors import NetworkError, StoreError
from geo.modes import TravelMode
from geo.network import Network, build_network
from geo.travel import TravelResult

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


TRAVEL_FOLDER = "cache/travel"
FORMAT = "4"
KEEP = 64
"""How many results are kept; the ones used longest ago go first."""

_META = b"sutu_travel"


def content_key(*parts: str | bytes | NDArray[np.generic]) -> str:
    """Return a sha256 (24 hex digits) of texts, bytes and arrays (dtype and shape included), in order."""
    digest = hashlib.sha256(FORMAT.encode())
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(f"\0array {part.dtype.str} {part.shape}\0".encode())
            digest.update(np.ascontiguousarray(part).tobytes())
        else:
            content = part.encode() if isinstance(part, str) else part
            digest.update(f"\0bytes {len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()[:24]


def cached_travel(data_dir: Path, key: str, solve: Callable[[], TravelResult]) -> tuple[TravelResult, bool]:
    """Return the result kept under ``key`` and True, or what ``solve`` gives (then kept) and False.

    A file that cannot be read counts as missing. A data directory that cannot be written costs the cache,
    not the result.
    """
    path = data_dir / TRAVEL_FOLDER / f"{key}.parquet"
    held = _read(path)
    if held is not None:
        return held, True
    result = solve()
    try:
        _write(path, result)
        _prune(path.parent)
    except OSError:
        pass
    return result, False


def _read(path: Path) -> TravelResult | None:
    try:
        if not path.is_file():
            return None
        table = pq.ParquetFile(path, memory_map=False).read()
        os.utime(path)
        meta = json.loads(table.schema.metadata[_META])
        minutes, facility = (table[name].to_numpy() for name in ("minutes", "facility"))
        straight, around = (table[name].to_numpy() for name in ("straight", "around"))
        result = TravelResult(
            minutes=minutes,
            facility=facility,
            reachable=~np.isnan(minutes),
            straight=straight,
            around=around,
            method=meta["method"],
            mode=meta["mode"],
            max_minutes=float(meta["max_minutes"]),
            unplaced=np.asarray(meta["unplaced"], dtype=np.int32),
        )
        return result if meta["content"] == _content(result) else None
    except DAMAGED:
        return None


def _content(result: TravelResult) -> str:
    """Return the digest by which a file that was changed, or belongs to another key, is told."""
    words = json.dumps([result.method, result.mode, result.max_minutes])
    return content_key(
        words, result.minutes, result.facility, result.straight, result.around, result.unplaced
    )


def _write(path: Path, result: TravelResult) -> None:
    """Write beside the target and rename: a reader never meets half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    meta = {
        "method": result.method,
        "mode": result.mode,
        "max_minutes": result.max_minutes,
        "unplaced": result.unplaced.tolist(),
        "content": _content(result),
    }
    table = pa.table({name: getattr(result, name) for name in ("minutes", "facility", "straight", "around")})
    table = table.replace_schema_metadata({_META: json.dumps(meta)})
    staged = path.with_name(f".{path.name}-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        pq.write_table(table, staged, compression="zstd")
        if path.is_dir():
            put_aside(path)
        staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)


def _prune(folder: Path) -> None:
    files = sorted(folder.glob("*.parquet"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in files[KEEP:]:
        path.unlink(missing_ok=True)
