"""Normalised imports reach ``imports/`` whole or not at all, and can be taken back when the build that
follows fails.

Use: ``staged = StagedImport.stage(data_dir, "facilities_hospital.parquet", write)``; then
``staged.commit()``, build, and ``staged.rollback()`` when the build fails, ``staged.finish()`` when it
succeeds. As a context manager the body is the build: an exception in it takes the import back.
"""

import json
import os
import re
import secrets
import shutil
import weakref
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from data.store.files import disk_in_words, remove
from geo.errors import StoreError

IMPORTS = "imports"
_SAFE_NAME = re.compile(r"([a-z0-9][a-z0-9_-]*/)?[a-z0-9][a-z0-9_-]*(\.[a-z0-9]+)+")

_under_way: "weakref.WeakSet[StagedImport | StagedRemoval]" = weakref.WeakSet()
"""Imports and removals of this process that may still be taken back: their files are no leftovers."""


def imports_dir(data_dir: Path) -> Path:
    """Return the folder of the normalised imports below ``data_dir``; it need not exist yet."""
    return data_dir / IMPORTS


def _sync(path: Path) -> None:
    """Force a file's bytes to the disk, so that the rename after it never publishes an empty file."""
    with path.open("rb+") as handle:
        os.fsync(handle.fileno())


class StagedImport:
    """One file on its way into ``imports/``.

    Life: staged (hidden beside its target) → ``commit`` (in place by ``os.replace``, the file it replaced
    kept aside) → ``finish`` (the old file dropped) or ``rollback`` (the old file, or its absence,
    restored). ``rollback`` before ``commit`` drops the staged file. A second call of the same step does
    nothing.
    """

    def __init__(self, target: Path, staged: Path, summary: dict[str, Any] | None = None) -> None:
        """Take a file already written at ``staged`` in the folder of ``target``; ``summary`` is the
        importer's own.
        """
        self.target = target
        self.summary: dict[str, Any] = dict(summary or {})
        self._staged: Path | None = staged
        self._previous: Path | None = None
        self._committed = False
        _under_way.add(self)

    def set_aside(self) -> set[Path]:
        """Return the hidden files this import still needs: the staged one, the copy of the one replaced."""
        return {path for path in (self._staged, self._previous) if path is not None}

    @classmethod
    def stage(
        cls,
        data_dir: Path,
        name: str,
        write: Callable[[Path], object],
        *,
        summary: dict[str, Any] | None = None,
    ) -> Self:
        """Let ``write(path)`` produce the normalised file, and return it staged for ``imports/<name>``.

        ``name`` is a plain lower-case file name with an extension, below at most one folder
        (``facilities/osm.parquet``; ``StoreError`` otherwise): it never comes from a person's file. When
        ``write`` raises, nothing is left behind. A full disk is a ``StoreError`` in words.
        """
        if not _SAFE_NAME.fullmatch(name):
            raise StoreError(
                f"导入文件名不合规：{name!r}。只能用小写字母、数字、下划线和连字符，并带扩展名。"
            )
        target = imports_dir(data_dir) / name
        folder = target.parent
        # The extension stays last: some writers choose their format by it.
        staged = folder / f".staged-{os.getpid()}-{secrets.token_hex(4)}-{target.name}"
        with disk_in_words(f"写入导入数据 {target} "):
            folder.mkdir(parents=True, exist_ok=True)
            if target.is_dir():
                raise StoreError(
                    f"{target} 应是导入数据的文件，现在却是文件夹。"
                    f"请把它移走（mv {target} {target}.old）后重新导入。"
                )
            try:
                write(staged)
                _sync(staged)
            except BaseException:
                staged.unlink(missing_ok=True)
                raise
        return cls(target, staged, summary)

    def commit(self) -> Path:
        """Put the file in place atomically, keep the one it replaces aside, and return the target path.

        When the disk refuses (``StoreError``) the target is as before, and ``rollback`` drops the rest.
        """
        if self._staged is None:
            return self.target
        with disk_in_words(f"写入导入数据 {self.target} "):
            if self.target.exists():
                # A copy, not a move: the target is never missing in between.
                self._previous = self.target.with_name(f".previous-{secrets.token_hex(4)}-{self.target.name}")
                shutil.copy2(self.target, self._previous)
            self._staged.replace(self.target)
        self._staged = None
        self._committed = True
        return self.target

    def rollback(self) -> None:
        """Restore what stood before ``commit`` (a file or none); drop the staged file if it was never
        committed.
        """
        if self._staged is not None:
            self._staged.unlink(missing_ok=True)
            self._staged = None
        if not self._committed:
            if self._previous is not None:
                self._previous.unlink(missing_ok=True)
                self._previous = None
            return
        if self._previous is not None:
            self._previous.replace(self.target)
            self._previous = None
        else:
            self.target.unlink(missing_ok=True)
        self._committed = False

    def finish(self) -> None:
        """Keep the committed file for good: drop the copy of the one it replaced. ``rollback`` does nothing
        after.
        """
        if self._previous is not None:
            self._previous.unlink(missing_ok=True)
            self._previous = None
        self._committed = False

    def __enter__(self) -> Self:
        """Commit; the body is expected to build on the new file. What cannot be committed is taken back."""
        try:
            self.commit()
        except BaseException:
            self.rollback()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the import back when the body raised, keep it otherwise."""
        if kind is None:
            self.finish()
        else:
            self.rollback()


class StagedRemoval:
    """A file or folder of ``imports/`` on its way out: gone in one step, back when the body raises.

    A context manager whose body is the build without it. A process killed in between leaves it removed.
    """

    def __init__(self, data_dir: Path, name: str) -> None:
        """Name what shall go, below ``imports/``; ``StoreError`` for a name that no import of ours has."""
        if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]*(/[a-z0-9][a-z0-9_.-]*)?", name):
            raise StoreError(f"导入文件名不合规：{name!r}。")
        self.target = imports_dir(data_dir) / name
        self._aside: Path | None = None
        _under_way.add(self)

    def set_aside(self) -> set[Path]:
        """Return the hidden path that may still be put back."""
        return set() if self._aside is None else {self._aside}

    def __enter__(self) -> Self:
        """Take it out of sight."""
        aside = self.target.with_name(f".previous-{secrets.token_hex(4)}-{self.target.name}")
        with disk_in_words(f"移除导入数据 {self.target} "):
            self.target.rename(aside)
        self._aside = aside
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put it back when the body raised, drop it otherwise."""
        if self._aside is None:
            return
        if kind is None:
            remove(self._aside)
        else:
            self._aside.rename(self.target)
        self._aside = None


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write ``content`` as UTF-8 JSON with sorted keys, the same bytes for the same content."""
    path.write_text(
        json.dumps(content, ensure_ascii=False, sort_keys=True, indent=1) + "\n", encoding="utf-8"
    )


def remove_leftovers(data_dir: Path) -> list[Path]:
    """Remove staged and set-aside files a killed import left in ``imports/``; return the paths removed.

    Call it only while holding the build lock: a staged file of another process's running import looks the
    same. The files of this process's own imports stay: the build that calls this may be the build of one,
    and its failure takes that import back. What was committed stays: it was validated, and the next build
    takes it in.
    """
    removed: list[Path] = []
    needed = {path for staged in list(_under_way) for path in staged.set_aside()}
    folder = imports_dir(data_dir)
    if not folder.is_dir():
        return removed
    for leftover in sorted(folder.rglob(".staged-*")) + sorted(folder.rglob(".previous-*")):
        if leftover in needed:
            continue
        remove(leftover)
        removed.append(leftover)
    return removed
