"""Whether the files of a version are still those that the build wrote.

``files.json`` in the folder of a version names every file with size and sha256, the database too. Sizes are
compared whenever the store is asked for, contents when a process opens it, before a build that may find
nothing to do, and when a file was touched since.
"""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Final

from data.store.files import DAMAGED, in_words, read_json
from data.store.versions import DATABASE, file_digest

MANIFEST: Final = "files.json"

Marks = tuple[tuple[str, int, int, int], ...]
"""Name, inode, size and time of change of each file: as long as they stay, so does the content."""


def write_manifest(folder: Path) -> None:
    """Write down what is in ``folder`` now: the last step of writing a version."""
    files = {
        path.name: {"bytes": path.stat().st_size, "sha256": file_digest(path)}
        for path in sorted(folder.iterdir())
        if path.name != MANIFEST
    }
    text = json.dumps(files, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")


def find_damage(folder: Path) -> list[str]:
    """Return what is wrong with the files of a version, a Chinese phrase each; empty when all is as built."""
    if not folder.is_dir():
        return [f"数据库目录 {folder.name} 不完整：没有这个目录"]
    try:
        listed = {
            str(name): (int(entry["bytes"]), str(entry["sha256"]))
            for name, entry in read_json(folder / MANIFEST).items()
        }
    except DAMAGED as fault:
        return [f"数据库目录 {folder.name} 不完整：文件清单 {MANIFEST} 无法读取（{in_words(fault)}）"]
    if DATABASE not in listed or any("/" in name for name in listed):
        return [f"数据库目录 {folder.name} 不完整：文件清单 {MANIFEST} 已损坏"]
    return [
        f"数据库文件 {folder.name}/{name} {problem}"
        for name, (size, digest) in listed.items()
        if (problem := _problem(folder / name, size, digest))
    ]


def _problem(path: Path, size: int, digest: str) -> str | None:
    """Return what is wrong with one file, the cheap look first."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            return "不是文件"
        if found.st_size != size:
            return f"大小与构建时不同（应为 {size:,} 字节，实为 {found.st_size:,} 字节）"
        return None if file_digest(path) == digest else "的内容与构建时不同"
    except FileNotFoundError:
        return "不见了"
    except OSError as fault:
        return f"无法读取（{in_words(fault)}）"


def marks(folder: Path) -> Marks | None:
    """Return what tells cheaply that nothing in a version was touched; None when it cannot be told."""
    try:
        found = [(path.name, path.stat()) for path in sorted(folder.iterdir())]
    except OSError:
        return None
    return tuple((name, one.st_ino, one.st_size, one.st_mtime_ns) for name, one in found)
