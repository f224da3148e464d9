"""Travel times kept by content: the same cells, facilities, mode and network are solved once.

The key covers everything the times depend on, so a stale answer cannot be found; the cache may be removed
at any time.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from geo.travel import TravelResult

FOLDER = "cache/travel"
FORMAT = "1"
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
    path = data_dir / FOLDER / f"{key}.parquet"
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
        table = pq.read_table(path, memory_map=False)
        os.utime(path)
        meta = json.loads(table.schema.metadata[_META])
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError):
        return None
    minutes = table["minutes"].to_numpy()
    return TravelResult(
        minutes=minutes,
        facility=table["facility"].to_numpy(),
        reachable=~np.isnan(minutes),
        method=meta["method"],
        mode=meta["mode"],
        max_minutes=float(meta["max_minutes"]),
        unplaced=np.asarray(meta["unplaced"], dtype=np.int32),
    )


def _write(path: Path, result: TravelResult) -> None:
    """Write beside the target and rename: a reader never meets half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    meta = {
        "method": result.method,
        "mode": result.mode,
        "max_minutes": result.max_minutes,
        "unplaced": result.unplaced.tolist(),
    }
    arrays = [pa.array(result.minutes), pa.array(result.facility)]
    table = pa.table(arrays, names=["minutes", "facility"]).replace_schema_metadata({_META: json.dumps(meta)})
    staged = path.with_name(f".{path.name}-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        pq.write_table(table, staged, compression="zstd")
        staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)


def _prune(folder: Path) -> None:
    files = sorted(folder.glob("*.parquet"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in files[KEEP:]:
        path.unlink(missing_ok=True)
