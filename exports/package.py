"""From layers to one file or package, complete or not at all; and exports asked for on the page."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import re
import secrets
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from data.registry import load_registry
from data.registry.limit_models import limit
from data.store.files import leased_folder
from data.store.store import data_dir
from exports.arrow import Seen
from exports.formats import Format, Options, require_allowed
from exports.package_texts import LICENCE, field_rows, readme, source_rows
from exports.vector import layer_names
from geo.errors import ExportError, ExportWriteError, SutuError
from geo.export_table import ExportTable
from geo.spreadsheet import write_rows

Progress = Callable[[str, int, int], None]
_STORED = {".parquet", ".png", ".xlsx", ".pdf"}
_MAX_NAME = 80
_SIDECAR = ".说明.txt"
_WORKSPACE = ".sutu-export-"


@dataclass(frozen=True)
class Exported:
    """What was written: the file, its size, the rows of each layer by id, and what must be said."""

    path: Path
    bytes: int
    rows: dict[str, int]
    warnings: tuple[str, ...]


def export(
    tables: Sequence[ExportTable], out: Path, options: Options, *, progress: Progress | None = None
) -> Exported:
    """Write layers as ``out``: a package when it ends in ``.zip``, else one file with a note beside it.

    The package holds the data, 说明.txt, 字段.csv, 来源.csv and 许可.txt. Everything is made in a folder
    beside ``out`` that is removed whatever happens; ``out`` appears complete, by a rename, or not at all.
    Raises ``ExportError``, ``ExportWriteError`` and ``PublicationError``.
    """
    form = require_allowed(options)
    if not tables:
        raise ExportError("没有选择图层。")
    packed = out.suffix.lower() == ".zip"
    if not packed:
        _require_single(tables, out, form)
    tell = progress or (lambda _step, _done, _total: None)
    with workspace(out) as folder:
        files, seen = _write_all(tables, folder, form, options, tell)
        warnings = _warnings(tables, seen, options)
        text = _readme(tables, form, options, [file.name for file in files], warnings)
        if packed:
            tell("打包", len(tables), len(tables) + 1)
            whole = folder / "package.zip"
            _pack(whole, files, tables, text)
            _publish(whole, out)
        else:
            note = folder / "note"
            note.write_text(text, encoding="utf-8")
            _publish(files[0], out)
            _publish(note, out.with_name(out.name + _SIDECAR))
        tell("完成", len(tables) + 1, len(tables) + 1)
    rows = {key: one.rows for key, one in seen.items()}
    return Exported(out, out.stat().st_size, rows, tuple(warnings))


def export_files(
    tables: Sequence[ExportTable],
    out: Path,
    options: Options,
    make: Callable[[Path], tuple[list[Path], list[str]]],
) -> Exported:
    """Pack the files that ``make`` writes into a folder, as `export` packs its own.

    ``make`` returns the files and what must be said. Raises as `export`.
    """
    form = require_allowed(options)
    with workspace(out) as folder:
        data = folder / "data"
        data.mkdir()
        files, warnings = make(data)
        text = _readme(tables, form, options, [file.name for file in files], warnings)
        whole = folder / "package.zip"
        _pack(whole, files, tables, text)
        _publish(whole, out)
    rows = {table.id: table.rows for table in tables}
    return Exported(out, out.stat().st_size, rows, tuple(warnings))


def _require_single(tables: Sequence[ExportTable], out: Path, form: Format) -> None:
    if form.id == "shp":
        raise ExportError("shapefile 由多个文件组成，请把文件名写成 .zip。")
    if out.suffix.lower() != form.suffix:
        raise ExportError(
            f"{form.name} 的文件名应以 {form.suffix} 结尾（或 .zip 打包），收到 {out.name[:60]}。"
        )
    if len(tables) > 1 and not form.many:
        raise ExportError(f"{form.name} 一个文件只放一个图层；多个图层请把文件名写成 .zip。")


@contextlib.contextmanager
def workspace(out: Path) -> Iterator[Path]:
    """Give a new folder beside ``out`` and remove it afterwards; ``ExportWriteError`` when there is none.

    What a killed export left there goes too: the kernel holds the lock of a folder that is still in use.
    """
    below = out.absolute().parent
    with contextlib.ExitStack() as lease:
        try:
            folder = lease.enter_context(leased_folder(below, _WORKSPACE))
        except OSError as fault:
            raise ExportWriteError(
                f"不能在 {below} 里写文件：{fault.strerror}。请检查目录和权限。"
            ) from fault
        try:
            yield folder
        except OSError as fault:
            if isinstance(fault, SutuError):
                raise
            raise ExportWriteError(
                f"写不出 {out.name}：{fault.strerror or fault}。请检查磁盘空间和目录权限。"
            ) from fault


def _publish(made: Path, out: Path) -> None:
    """Put a finished file in its place, its content on the disk before its name."""
    with made.open("rb+") as file:
        os.fsync(file.fileno())
    made.replace(out)


def _write_all(
    tables: Sequence[ExportTable], folder: Path, form: Format, options: Options, tell: Progress
) -> tuple[list[Path], dict[str, Seen]]:
    data = folder / "data"
    data.mkdir()
    suffix = options.target.suffix
    if form.many:
        tell(f"写 {form.name}", 0, len(tables) + 1)
        name = safe_name(tables[0].title if len(tables) == 1 else f"苏图_{len(tables)}个图层")
        seen = form.write(tables, data / f"{name}{suffix}{form.suffix}", options)
    else:
        seen = {}
        for number, (table, title) in enumerate(zip(tables, layer_names(list(tables)), strict=True)):
            tell(f"写 {table.title}", number, len(tables) + 1)
            name = ascii_name(table.id, number) if form.ascii_name else safe_name(title)
            seen.update(form.write([table], data / f"{name}{suffix}{form.suffix}", options))
    return sorted(data.iterdir()), seen


def safe_name(text: str) -> str:
    """Return a text as the name of a file: no separator, no leading dot, nothing a system forbids."""
    name = re.sub(r'[\\/:*?"<>|\x00-\x1f\x7f]+', "_", text).strip(" ._")
    while len(name.encode("utf-8", "ignore")) > _MAX_NAME * 2:
        name = name[:-1]
    return name[:_MAX_NAME].strip(" ._") or "图层"


def ascii_name(layer_id: str, number: int) -> str:
    """Return a layer's id as a file name of ASCII letters, numbered after the first."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", layer_id).strip("_")[:60] or "layer"
    return f"{name}_{number + 1}" if number else name


def _warnings(tables: Sequence[ExportTable], seen: dict[str, Seen], options: Options) -> list[str]:
    out = []
    if options.target.kind == "datum":
        out.append(f"{options.target.name}：加密坐标，仅供网络地图开发对接，不得公开出版，不得量算")
    if options.target.kind == "web":
        out.append("Web 墨卡托在江苏的长度约放大 1.2 倍，不能量算长度和面积")
    for table in tables:
        warning = seen[table.id].zone_warning(options.target)
        if warning:
            out.append(f"{table.title}：{warning}")
        if not table.every_row_placed:
            out.append(f"{table.title}：有的行没有位置，表里有、图上没有")
    return out


def _readme(
    tables: Sequence[ExportTable], form: Format, options: Options, files: list[str], warnings: list[str]
) -> str:
    return readme(
        tables,
        options.target,
        format_name=form.name,
        files=files,
        warnings=warnings,
        approval=options.approval,
    )


def _pack(whole: Path, files: Sequence[Path], tables: Sequence[ExportTable], text: str) -> None:
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED, compresslevel=5) as package:
        for file in files:
            way = zipfile.ZIP_STORED if file.suffix in _STORED else zipfile.ZIP_DEFLATED
            package.write(file, file.name, compress_type=way)
            file.unlink()
        package.writestr("说明.txt", text)
        fields = [row for table in tables for row in ((table.title,), *field_rows(table), ())]
        package.writestr("字段.csv", _csv(fields))
        package.writestr("来源.csv", _csv(source_rows(tables)))
        package.writestr("许可.txt", LICENCE)


def _csv(rows: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO(newline="")
    write_rows(out, rows)
    return out.getvalue().encode("utf-8-sig")


@functools.cache
def _slots() -> threading.BoundedSemaphore:
    """Return the places for exports at the same time; the others wait, so that memory stays bounded."""
    return threading.BoundedSemaphore(limit("export.at_once"))


def kept_seconds() -> float:
    """Return how long a finished export is kept, in seconds."""
    return float(load_registry().setting("kept_export_minutes")) * 60.0


def exports_folder() -> Path:
    """Return the folder of finished exports, made when it is not there."""
    folder = data_dir() / "cache" / "exports"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def run_export(
    make_tables: Callable[[], Sequence[ExportTable]], options: Options, tell: Callable[[str, int, int], None]
) -> Exported:
    """Make the layers, write them as a package under a name of its own and return it.

    Waits for its turn. Files of earlier exports older than `kept_seconds` are removed. Raises as
    ``exports.package.export``.
    """
    if not _slots().acquire(blocking=False):
        tell("排队等候", 0, 1)
        _slots().acquire()
    try:
        folder = exports_folder()
        sweep(folder)
        tell("准备图层", 0, 1)
        return export(make_tables(), folder / f"{secrets.token_hex(16)}.zip", options, progress=tell)
    finally:
        _slots().release()


def sweep(folder: Path, *, now: float | None = None) -> None:
    """Remove finished exports that nobody has fetched for `kept_seconds`."""
    now = time.time() if now is None else now
    for path in folder.glob("*.zip"):
        with contextlib.suppress(OSError):
            if now - path.stat().st_mtime > kept_seconds():
                path.unlink()


def discard(path: Path | None) -> None:
    """Remove a finished export that is no longer wanted."""
    if path is not None:
        path.unlink(missing_ok=True)
