"""Builds that take a second: the small store's contents in place of the real ones, all else as it is."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

import data.builder.build as building
from data.store.publish import Contents
from data.store.schema import TABLES
from data.store.versions import CURRENT
from tests.data.small_store import contents


def use_small_contents(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let builds gather the small store's contents, which the check of the real one would not pass."""
    monkeypatch.setattr(building, "_gather", _gather)
    monkeypatch.setattr(building, "check_store", lambda _store: SimpleNamespace(ok=True, problems=[]))


def _gather(_folder: Path, version: str, steps: building._Steps, _ahead: object = None) -> Contents:
    for step in building.STEPS[: building.STEPS.index("写入")]:
        steps.begin(step)
    small = contents()
    unmatched = pd.DataFrame(columns=list(TABLES["unmatched"].columns))
    return replace(
        small,
        tables={**small.tables, "unmatched": unmatched},
        meta={**small.meta, "data_version": version},
    )


def store_folder(data_dir: Path) -> Path:
    """Return the folder that ``CURRENT`` names."""
    return data_dir / json.loads((data_dir / CURRENT).read_text(encoding="utf-8"))["store"]


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """Let no file grow beyond ``size`` bytes within the block: to programs, a disk without room."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
