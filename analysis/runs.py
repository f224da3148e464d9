"""Runs and scenarios: an analysis written down with all it takes to do it again; listed, compared, redone.

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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.given import Given
from analysis.siting import SitingAnalysis, SitingRequest, prepare_siting
from data.store.files import DAMAGED, disk_in_words, in_words, read_json
from data.store.store import Store
from geo.errors import SitingError, StoreError, SutuError

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


KIND = "siting"
MAX_NAME = 60


@dataclass(frozen=True)
class Scenario:
    """A saved siting: its name, what was asked, and the run that holds its result."""

    name: str
    request: SitingRequest
    run: Run


def save_scenario(
    data_dir: Path, store: Store, analysis: SitingAnalysis, name: str, *, seconds: float = 0.0
) -> Scenario:
    """Write a siting down under a name and return it; an earlier one of the same name stays beside it.

    Candidates of a file are kept with it. Raises ``SitingError`` for an empty or too long name;
    ``StoreError`` when the data directory cannot be written.
    """
    title = " ".join(name.split())
    if not title or len(title) > MAX_NAME:
        raise SitingError(f"方案名称应有 1 到 {MAX_NAME} 个字，收到 {len(title)} 个。")
    run = record_run(
        data_dir,
        kind=KIND,
        parameters={"name": title, "request": analysis.request.as_dict()},
        data_version=store.data_version,
        result=analysis.comparison(),
        seconds=seconds,
    )
    return Scenario(title, analysis.request, run)


def _scenario(run: Run) -> Scenario:
    if run.kind != KIND:
        raise SitingError(f"运行 {run.id} 不是选址方案（类别 {run.kind}）。")
    try:
        return Scenario(str(run.parameters["name"]), SitingRequest.from_dict(run.parameters["request"]), run)
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError) as fault:
        raise SitingError(f"运行 {run.id} 的方案参数已损坏，请重新计算并保存方案。") from fault


def list_scenarios(data_dir: Path) -> list[Scenario]:
    """Return every readable scenario, newest first."""
    found = []
    for run in list_runs(data_dir):
        if run.kind == KIND:
            try:
                found.append(_scenario(run))
            except SitingError:
                continue
    return found


def replay_scenario(given: Given, run: Run) -> pd.DataFrame:
    """Return the comparison of a recorded siting, computed anew."""
    return prepare_siting(given, _scenario(run).request).comparison()


def compare_scenarios(data_dir: Path, scenarios: Sequence[Scenario]) -> pd.DataFrame:
    """Return one row per scenario from its recorded result.

    Columns ``id, name, population, covered_before, covered_after, gained, coverage_after, minutes, group``:
    sums over the counties, and their ratio; NaN where the state before is not known. Raises ``StoreError``
    for a result that is missing or was changed.
    """
    rows = []
    for scenario in scenarios:
        table = read_result(data_dir, scenario.run)
        if missing := {"population", "covered_before", "covered_after", "gained"} - set(table.columns):
            raise StoreError(
                f"方案“{scenario.name}”的结果缺少 {'、'.join(sorted(missing))}，请重新计算并保存。"
            )
        people, after = table["population"].sum(), table["covered_after"].sum()
        rows.append(
            {
                "id": scenario.run.id,
                "name": scenario.name,
                "population": people,
                "covered_before": table["covered_before"].sum(min_count=1),
                "covered_after": after,
                "gained": table["gained"].sum(min_count=1),
                "coverage_after": after / people if people > 0 else float("nan"),
                "minutes": scenario.request.minutes,
                "group": scenario.request.group,
            }
        )
    return pd.DataFrame(rows)
