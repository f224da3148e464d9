"""Indices that people saved under a name: one small file each below ``indices/`` in the data directory.

They outlive builds of the store. The key is made from the content, so that a link always opens the very
index it was copied from; saving the same index again changes nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from data.files import disk_in_words, read_json, read_text
from data.registry.index_models import IndexSpec
from geo.errors import StoreError

FOLDER = "indices"
MOST_SAVED = 500
_KEY = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True)
class SavedIndex:
    """A saved index and the key a link names it by."""

    key: str
    spec: IndexSpec


def save_index(data_dir: Path, spec: IndexSpec) -> str:
    """Write an index and return its key; `StoreError` when it cannot be written or there are too many."""
    text = json.dumps(spec.model_dump(mode="json"), ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    key = hashlib.sha256(text.encode()).hexdigest()[:12]
    folder = data_dir / FOLDER
    path = folder / f"{key}.json"
    if _same(path, text):
        return key
    if sum(1 for _ in folder.glob("*.json")) >= MOST_SAVED:
        raise StoreError(f"已保存 {MOST_SAVED} 个综合指数，请先在数据目录的 {FOLDER} 中删去不用的。")
    staged = folder / f".{key}-{os.getpid()}-{secrets.token_hex(4)}"
    with disk_in_words(f"保存综合指数：写入 {folder} "):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            staged.write_text(text, encoding="utf-8")
            staged.replace(path)
        finally:
            staged.unlink(missing_ok=True)
    return key


def _same(path: Path, text: str) -> bool:
    """Return whether the file holds this very index; a damaged one is written anew."""
    try:
        return read_text(path) == text
    except (OSError, ValueError):
        return False


def read_index(data_dir: Path, key: str) -> IndexSpec:
    """Return a saved index. Raises `StoreError` for a key of another form, none such, or a damaged file."""
    if not _KEY.fullmatch(key):
        raise StoreError(f"“{key}”不是综合指数的编号。")
    path = data_dir / FOLDER / f"{key}.json"
    try:
        return IndexSpec.model_validate(read_json(path))
    except FileNotFoundError as fault:
        raise StoreError(f"没有编号为 {key} 的综合指数，可能已被删去。") from fault
    except (OSError, ValueError, TypeError, ValidationError) as fault:
        raise StoreError(f"保存的综合指数 {path} 已损坏，无法打开。请删去该文件，重新保存。") from fault


def list_indices(data_dir: Path) -> list[SavedIndex]:
    """Return every readable saved index, by name."""
    found = []
    for path in sorted((data_dir / FOLDER).glob("*.json")):
        try:
            found.append(SavedIndex(path.stem, read_index(data_dir, path.stem)))
        except StoreError:
            continue
    return sorted(found, key=lambda one: (one.spec.name, one.key))
