"""Runs: an analysis written down with everything needed to do it again and to see whether it gives the same.

One folder per run below ``runs/`` in the data directory: ``run.json`` (kind, parameters, data version,
digest of the result, duration) and ``result.parquet``. Runs outlive builds of the store, which is why they
are not in it.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from geo.errors import StoreError

FOLDER = "runs"
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
        staged.mkdir(parents=True)
        result.to_parquet(staged / "result.parquet", index=False)
        text = json.dumps(asdict(run), ensure_ascii=False, indent=1, sort_keys=True)
        (staged / "run.json").write_text(text + "\n", encoding="utf-8")
        staged.rename(folder)
    except OSError as fault:
        shutil.rmtree(staged, ignore_errors=True)
        raise StoreError(
            f"无法记录本次计算：写入 {folder} 失败（{fault.strerror}）。请检查目录权限。"
        ) from fault
    return run


def read_run(data_dir: Path, run_id: str) -> Run:
    """Return a recorded run. Raises `StoreError` for an id of another form, none such, or a damaged file."""
    if not _ID.fullmatch(run_id):
        raise StoreError(f"“{run_id}”不是运行编号；编号形如 20250101-080000-1a2b3c，可用 sutu runs 查看。")
    path = data_dir / FOLDER / run_id / "run.json"
    try:
        return Run(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as fault:
        raise StoreError(f"没有编号为 {run_id} 的运行记录，可用 sutu runs 查看。") from fault
    except (OSError, ValueError, TypeError) as fault:
        raise StoreError(f"运行记录 {path} 已损坏，无法重算。") from fault


def read_result(data_dir: Path, run: Run) -> pd.DataFrame:
    """Return the recorded rows of a run; `StoreError` when they are missing or were changed since."""
    path = data_dir / FOLDER / run.id / "result.parquet"
    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError) as fault:
        raise StoreError(f"运行记录 {path} 无法读取。") from fault
    if result_digest(frame) != run.digest:
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
