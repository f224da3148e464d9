"""Full disks: words and exit code 1, the earlier store and imports unharmed, nothing half-written left."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pytest
from typer.testing import CliRunner, Result

from analysis.composite import FOLDER as INDICES
from analysis.composite import save_index
from analysis.runs import list_runs, record_run
from cli import app
from data.builder.build import is_current
from data.ingest.population import IMPORT_NAME
from data.ingest.sites import FOLDER as CANDIDATES
from data.ingest.sites import Site, keep_sites
from data.regions.population import write_pattern
from data.registry.index_models import IndexPart, IndexSpec
from data.store.files import disk_in_words, disk_is_full, in_words
from data.store.staging import StagedImport, imports_dir
from data.store.store import open_store
from geo.errors import DiskError, StoreError
from tests.data.quick_build import no_file_larger_than, store_folder, use_small_contents
from tests.data.small_store import regions

REFUSALS = {
    errno.ENOSPC: "磁盘已满",
    errno.EDQUOT: "磁盘配额已用完",
    errno.EROFS: "磁盘是只读的",
    errno.EIO: "读写出错",
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a built data directory; nobody writes into it."""
    folder = tmp_path_factory.mktemp("whole") / "data"
    with pytest.MonkeyPatch.context() as patch:
        use_small_contents(patch)
        patch.setenv("SUTU_DATA_DIR", str(folder))
        assert sutu("build").exit_code == 0
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    use_small_contents(monkeypatch)
    copy = Path(shutil.copytree(whole, tmp_path / "data"))
    monkeypatch.setenv("SUTU_DATA_DIR", str(copy))
    return copy


def sutu(*words: str) -> Result:
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, list(words))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def everything(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder but the lock, whose text says who held it last."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != "build.lock")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


@contextmanager
def refusing(
    monkeypatch: pytest.MonkeyPatch, number: int, owner: object, name: str, after: int
) -> Iterator[None]:
    """Let a function of the system refuse from its call number ``after`` on."""
    real: Callable[..., object] = getattr(owner, name)
    calls = iter(range(10_000))

    def refuse(*arguments: object, **options: object) -> object:
        if next(calls) >= after:
            raise OSError(number, os.strerror(number))
        return real(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, refuse)
        yield


@pytest.mark.parametrize("size", [0, 100, 4_000, 100_000, 2_000_000])
def test_a_build_without_room(folder: Path, size: int) -> None:
    """Sizes at which the first parquet, a later one, the database, and its last checkpoint find no room."""
    before = everything(folder)
    with no_file_larger_than(size):
        told = sutu("build", "--force")
    assert told.exit_code == 1
    assert "文件超过系统允许的大小" in told.stderr
    assert "腾出空间" in told.stderr
    assert everything(folder) == before
    assert sutu("indicators").exit_code == 0
    assert sutu("build", "--force").exit_code == 0


@pytest.mark.parametrize("number", REFUSALS)
@pytest.mark.parametrize(
    "step",
    [
        (os, "fsync", 0),
        (os, "fsync", 5),
        (os, "fsync", 7),
        (os, "fsync", 8),
        (Path, "rename", 0),
        (Path, "replace", 0),
    ],
    ids=lambda step: f"{step[1]}-{step[2]}",
)
def test_a_build_refused_at_its_last_steps(
    folder: Path, monkeypatch: pytest.MonkeyPatch, number: int, step: tuple[object, str, int]
) -> None:
    before = everything(folder)
    with refusing(monkeypatch, number, *step):
        told = sutu("build", "--force")
    assert told.exit_code == 1
    assert REFUSALS[number] in told.stderr
    assert everything(folder) == before
    assert is_current(folder)


def test_a_first_build_without_room_leaves_no_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_small_contents(monkeypatch)
    monkeypatch.setenv("SUTU_DATA_DIR", str(tmp_path / "data"))
    with no_file_larger_than(4_000):
        assert sutu("build").exit_code == 1
    assert everything(tmp_path) == {}
    assert sutu("build").exit_code == 0


def pattern(path: Path) -> None:
    write_pattern(
        path, pd.Series(range(50_000), dtype="float64"), {"source": "某栅格", "resolution_m": "500"}
    )


@pytest.mark.parametrize("size", [0, 1_000, 60_000])
def test_staging_an_import_without_room(folder: Path, size: int) -> None:
    before = everything(folder)
    with no_file_larger_than(size), pytest.raises(StoreError, match=r"写入导入数据.*腾出空间"):
        StagedImport.stage(folder, IMPORT_NAME, pattern)
    assert everything(folder) == before


def test_an_import_that_cannot_be_put_in_place_is_taken_back(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with StagedImport.stage(folder, IMPORT_NAME, lambda path: path.write_text("earlier", encoding="utf-8")):
        pass
    before = everything(folder)
    # First the copy of the earlier file finds no room, then the rename is refused.
    staged = StagedImport.stage(folder, IMPORT_NAME, pattern)
    with no_file_larger_than(3), pytest.raises(DiskError), staged:
        pytest.fail("nothing is in place")
    assert everything(folder) == before
    staged = StagedImport.stage(folder, IMPORT_NAME, pattern)
    with (
        refusing(monkeypatch, errno.ENOSPC, Path, "replace", 0),
        pytest.raises(DiskError, match="磁盘已满"),
        staged,
    ):
        pytest.fail("nothing is in place")
    assert everything(folder) == before


def test_a_build_without_room_takes_the_import_back(folder: Path) -> None:
    before = everything(folder)
    staged = StagedImport.stage(folder, IMPORT_NAME, pattern)
    with pytest.raises(DiskError), staged, no_file_larger_than(4_000), disk_in_words("构建"):
        (folder / "x").write_bytes(b"0" * 5_000)
    (folder / "x").unlink()
    assert everything(folder) == before
    assert imports_dir(folder).is_dir()


def test_runs_indices_and_candidates_without_room(folder: Path) -> None:
    before = everything(folder)
    spec = IndexSpec(name="指数", level="county", year=2020, parts=(IndexPart(id="population"),))
    with no_file_larger_than(10):
        with pytest.raises(DiskError, match="记录本次计算"):
            record_run(
                folder, kind="coverage", parameters={}, data_version="a", result=regions(), seconds=1.0
            )
        with pytest.raises(DiskError, match="保存综合指数"):
            save_index(folder, spec)
        with pytest.raises(DiskError, match="保存候选点"):
            keep_sites(folder, [Site("某处", 118.0, 32.0)])
    assert everything(folder) == before
    assert list_runs(folder) == []
    assert list((folder / INDICES).iterdir()) == list((folder / CANDIDATES).iterdir()) == []
    assert keep_sites(folder, [Site("某处", 118.0, 32.0)])
    assert save_index(folder, spec)


def test_a_full_disk_anywhere_in_a_command_is_words(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("commands.indicators.print_json", full)
    told = sutu("indicators", "--json")
    assert told.exit_code == 1
    assert "错误：写不下去：磁盘已满" in told.stderr


def test_faults_of_ours_are_not_put_down_to_the_disk(folder: Path) -> None:
    with pytest.raises(KeyError), disk_in_words("写入"):
        raise KeyError("a fault of ours")
    with pytest.raises(ValueError, match="ours"), disk_in_words("写入"):
        raise ValueError("ours")


def test_the_reason_is_found_in_what_libraries_say() -> None:
    full = duckdb.IOException('IO Error: Could not write file "x": No space left on device')
    assert disk_is_full(full)
    assert in_words(full) == "磁盘已满"
    assert in_words(pa.ArrowException("[errno 122] Disk quota exceeded")) == "磁盘配额已用完"
    assert not disk_is_full(ValueError("No space left on device"))
    assert in_words(OSError("\x1b[31mstrange\n" + "x" * 900)) == (" [31mstrange " + "x" * 900)[:200]


def test_the_current_store_answers_beside_a_failing_build(folder: Path) -> None:
    store = open_store(folder)
    with no_file_larger_than(4_000):
        assert sutu("build", "--force").exit_code == 1
    assert open_store(folder) is store
    assert store.folder == store_folder(folder).resolve()
