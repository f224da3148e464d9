"""How a version of the store comes to be: written aside, forced to disk, renamed, named by ``CURRENT``.

Until the last rename readers see the earlier version; a process killed at any moment leaves only a folder
that the next build removes. The functions here expect the caller to hold the build lock.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd

from data.store.files import disk_in_words, remove
from data.store.schema import SCHEMA_VERSION, TABLES, create_tables, insert_frame
from data.store.store import connect
from data.store.versions import (
    DATABASE,
    Pointer,
    file_digest,
    read_pointer,
    remove_old,
    store_number,
    sync_folder,
    write_manifest,
    write_pointer,
)
from geo.errors import StoreError

_UNREACHED = 100_000_000


@dataclass(frozen=True)
class Contents:
    """What goes into a version: frames by table (``catalogue``, ``meta`` are made here), parquet by name."""

    tables: Mapping[str, pd.DataFrame]
    parquet: Mapping[str, pd.DataFrame]
    meta: Mapping[str, str]


@contextmanager
def building_folder(folder: Path) -> Iterator[Path]:
    """Give an empty folder to build in, and remove it again unless it was published (renamed away).

    Folders of builds that died are removed first: the build lock is held, so none of them is alive.
    """
    for leftover in folder.glob("building-*"):
        remove(leftover)
    building = folder / f"building-{os.getpid()}-{next_number(folder)}"
    try:
        with disk_in_words(f"写入数据目录 {folder} "):
            building.mkdir()
            yield building
    finally:
        shutil.rmtree(building, ignore_errors=True)


def write_contents(building: Path, contents: Contents) -> None:
    """Write the parquet files, the database and the list of them."""
    catalogue = []
    for name, content in contents.parquet.items():
        path = building / f"{name}.parquet"
        if isinstance(content, gpd.GeoDataFrame):
            content.to_parquet(path, index=False, compression="zstd", schema_version="1.1.0")
        else:
            content.to_parquet(path, index=False, compression="zstd")
        catalogue.append((name, path.name, len(content), file_digest(path)))
    made = {
        "catalogue": pd.DataFrame(catalogue, columns=list(TABLES["catalogue"].columns)),
        "meta": pd.DataFrame(sorted(contents.meta.items()), columns=["key", "value"]),
    }
    connection = connect(building / DATABASE, read_only=False)
    try:
        create_tables(connection)
        for name in TABLES:
            frame = made[name] if name in made else contents.tables.get(name)
            if frame is not None:
                insert_frame(connection, name, frame)
        connection.execute("CHECKPOINT")
    finally:
        connection.close()
    write_manifest(building)


def publish(folder: Path, building: Path, data_version: str) -> Pointer:
    """Make ``building`` the current version of ``folder``, and remove versions nobody needs any more."""
    for path in building.iterdir():
        with path.open("rb") as handle:
            os.fsync(handle.fileno())
    sync_folder(building)
    previous = _named(folder)
    pointer = Pointer(f"store-{data_version}-{next_number(folder)}", data_version, SCHEMA_VERSION)
    building.rename(folder / pointer.store)
    try:
        sync_folder(folder)
        write_pointer(folder, pointer)
    except OSError:
        if _named(folder) != pointer.store:
            shutil.rmtree(folder / pointer.store, ignore_errors=True)
        raise
    remove_old(folder, pointer.store, previous)
    return pointer


def next_number(folder: Path) -> int:
    """Return a running number above that of every version in ``folder``.

    A number that no row of builds reaches, of a folder somebody made, does not count: the next would be too
    long for a name.
    """
    numbers = (store_number(path.name) or 0 for path in folder.glob("store-*"))
    return 1 + max((number for number in numbers if number < _UNREACHED), default=0)


def _named(folder: Path) -> str | None:
    """Return the store that ``CURRENT`` names, or None when there is none or it cannot be read."""
    try:
        return read_pointer(folder).store
    except StoreError:
        return None
