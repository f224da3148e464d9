"""Runs: an analysis written down with everything needed to do it again and to see whether it gives the same.

One folder per run below ``runs/`` in the data directory: ``run.json`` (kind, parameters, data version,
digest of the result, duration) and ``result.parquet``. Runs outlive builds of the store, which is why they
are not in it.
"""

from __future__ import annotations

import errno
import hashlib
import json
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from data.store.files import DAMAGED, disk_in_words, in_words, read_json
from geo.errors import StoreError, SutuError

FOLDER = "runs"
_RUN_BYTES = 32 * 1024**2
"""A run keeps the candidates of a file, which may be many."""

_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}")


@dataclass(frozen=True)
class Run:
    """A recorded analysis. ``parameters`` are plain values; ``digest`` is the sha256 of the result's rows."""

    id: str
    kind: str
    parameters: dict[str, Any]
    data_version: str
    digest: str
    rows: int
    started_at: str
    seconds: float


def record_run(
    data_dir: Path,
    *,
    kind: str,
    parameters: Mapping[str, Any],
    data_version: str,
    result: pd.DataFrame,
    seconds: float,
) -> Run:
    """Write a run and return it. Raises `StoreError` when the data directory cannot be written."""
    now = datetime.now(UTC)
    run = Run(
        id=f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}",
        kind=kind,
        parameters=dict(parameters),
        data_version=data_version,
        digest=result_digest(result),
        rows=len(result),
        started_at=now.isoformat(timespec="seconds"),
        seconds=round(seconds, 3),
    )
    folder = data_dir / FOLDER / run.id
    staged = folder.with_name(f".{run.id}")
    try:
        with disk_in_words(f"记录本次计算：写入 {folder} "):
            staged.mkdir(parents=True)
            result.to_parquet(staged / "result.parquet", index=False)
            text = json.dumps(asdict(run), ensure_ascii=False, indent=1, sort_keys=True)
            (staged / "run.json").write_text(text + "\n", encoding="utf-8")
            staged.rename(folder)
    except StoreError:
        shutil.rmtree(staged, ignore_errors=True)
        raise
    return run


def read_run(data_dir: Path, run_id: str) -> Run:
    """Return a recorded run. Raises `StoreError` for an id of another form, none such, or a damaged file."""
    if not _ID.fullmatch(run_id):
        raise StoreError(f"“{run_id}”不是运行编号；编号形如 20250101-080000-1a2b3c，可用 sutu runs 查看。")
    path = data_dir / FOLDER / run_id / "run.json"
    try:
        return _checked(run_id, Run(**read_json(path, most=_RUN_BYTES)))
    except (FileNotFoundError, NotADirectoryError) as fault:
        raise StoreError(f"没有编号为 {run_id} 的运行记录，可用 sutu runs 查看。") from fault
    except (OSError, ValueError, TypeError) as fault:
        raise StoreError(
            f"运行记录 {path} 已损坏（{in_words(fault)}），无法重算。可删去 {path.parent}，重新计算并记录。"
        ) from fault


def _checked(run_id: str, run: Run) -> Run:
    """Return a run whose fields are of their types and that is the one asked for; ``ValueError`` else."""
    typed = (
        run.id == run_id
        and isinstance(run.parameters, dict)
        and all(
            isinstance(getattr(run, name), str) for name in ("kind", "data_version", "digest", "started_at")
        )
        and type(run.rows) is int
        and type(run.seconds) in {int, float}
    )
    if not typed:
        raise ValueError("内容不是运行记录")
    return run


@contextmanager
def parameters_of(run: Run) -> Iterator[dict[str, Any]]:
    """Give the parameters of a run; what they cannot be used for, because a file was changed, is told."""
    try:
        yield run.parameters
    except SutuError:
        raise
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError) as fault:
        raise StoreError(
            f"运行 {run.id} 记录的参数不能用来重算（{in_words(fault)}），文件可能被改动过。请重新计算并记录。"
        ) from fault


def read_result(data_dir: Path, run: Run) -> pd.DataFrame:
    """Return the recorded rows of a run; `StoreError` when they are missing or were changed since."""
    path = data_dir / FOLDER / run.id / "result.parquet"
    try:
        if not path.is_file():
            raise FileNotFoundError(errno.ENOENT, "no file")
        frame = pd.read_parquet(path)
        same = result_digest(frame) == run.digest
    except DAMAGED as fault:
        raise StoreError(
            f"运行记录 {path} 无法读取（{in_words(fault)}）。可删去 {path.parent}，重新计算并记录。"
        ) from fault
    if not same:
        raise StoreError(f"运行记录 {path} 与登记的摘要不符，文件可能被改动过。")
    return frame


def list_runs(data_dir: Path) -> list[Run]:
    """Return every readable run, newest first."""
    return [run for name in run_ids(data_dir) if (run := _readable(data_dir, name)) is not None]


def run_ids(data_dir: Path) -> list[str]:
    """Return the ids of all runs, newest first, without looking into them."""
    folder = data_dir / FOLDER
    return sorted((path.name for path in folder.glob("*") if _ID.fullmatch(path.name)), reverse=True)


def _readable(data_dir: Path, run_id: str) -> Run | None:
    try:
        return read_run(data_dir, run_id)
    except StoreError:
        return None


def result_digest(result: pd.DataFrame) -> str:
    """Return the sha256 (hex) of the columns and rows, numbers at full precision, missing values as null."""
    rows = [
        [None if pd.isna(value) else _plain(value) for value in row] for row in result.to_numpy(dtype=object)
    ]
    text = json.dumps([list(map(str, result.columns)), rows], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
