"""The build: the same inputs give the same tables, and nothing that happens to it shows half a version."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

import data.builder.build as building_module
from data.builder import build
from data.builder.build import STEPS, build_store, is_current
from data.ingest.indicator_store import ImportedSource, fact_frames, write_source
from data.regions.census import FactTables
from data.store import check, versions
from data.store import versions as locking
from data.store.build_lock import build_lock
from data.store.check import check_store
from data.store.publish import building_folder, next_number, write_contents
from data.store.schema import TABLES
from data.store.store import Store, connect, open_store
from data.store.versions import (
    CURRENT,
    DATABASE,
    input_version,
    is_being_read,
    read_pointer,
    share_folder,
    store_number,
)
from geo.errors import StoreError
from tests.data.small_store import VERSION, contents, fact, indicator, publish_small
from tests.data.table_digests import tables_digest

pytestmark = pytest.mark.usefixtures("own_ground")

ROOT = Path(__file__).parents[2]


def digests(folder: Path) -> dict[str, str]:
    """Return the digest of each table of the current store."""
    connection = connect(folder / read_pointer(folder).store / DATABASE)
    try:
        return tables_digest(connection)
    finally:
        connection.close()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# The same inputs, the same store


def test_two_builds_are_equal_to_the_row(built_data_dir: Path, tmp_path: Path) -> None:
    """The second build: another process, another hash seed, another place, and its ground made ahead."""
    code = (
        "import sys, pathlib, data.builder.build, data.builder.build\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "data.builder.build.build_store(folder, ahead=data.builder.build.GroundAhead(folder))"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "other")],
        check=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "12345"},
    )
    first, second = read_pointer(built_data_dir), read_pointer(tmp_path / "other")
    assert first.data_version == second.data_version
    assert digests(built_data_dir) == digests(tmp_path / "other")
    for path in (tmp_path / "other" / second.store).glob("*.parquet"):
        assert path.read_bytes() == (built_data_dir / first.store / path.name).read_bytes()


def test_a_build_reports_its_steps_and_rows(built_store: Store, own_data_dir: Path, steps: list[str]) -> None:
    told: list[tuple[str, int, int]] = []
    summary = build_store(own_data_dir, progress=lambda *step: told.append(step))
    assert [step for step, _, _ in told] == [*STEPS, "完成"]
    assert [done for _, done, _ in told] == list(range(len(STEPS) + 1))
    assert {total for _, _, total in told} == {len(STEPS)}
    assert summary.rows["plan_target"] == 2513
    assert summary.rows["fact"] == len(built_store.table("fact"))
    assert set(summary.seconds) == set(STEPS)
    assert summary.data_version == built_store.data_version
    assert summary.built


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch, built_store: Store) -> list[str]:
    """Let a build take the tables and shapes of the built store instead of making them again."""
    ready = ready_contents(built_store)

    def gather(_folder: Path, version: str, steps: building_module._Steps, _ahead: object = None) -> object:
        for step in STEPS[: STEPS.index("写入")]:
            steps.begin(step)
        return replace(ready, meta={**ready.meta, "data_version": version})

    monkeypatch.setattr(building_module, "_gather", gather)
    monkeypatch.setattr(check, "coverage_problems", lambda _counties: [])
    return list(STEPS)


def ready_contents(store: Store) -> building_module.Contents:
    shapes = {zoom: store.regions(zoom=zoom) for zoom in ("full", *versions.ZOOMS)}
    tables = {name: store.table(name) for name in TABLES if name not in ("meta", "catalogue")}
    columns = ["adcode", "name", "level", "geometry"]
    return building_module.Contents(
        tables=tables,
        parquet={
            **{f"regions_{zoom}": frame[columns].reset_index(drop=True) for zoom, frame in shapes.items()},
            versions.CORRIDORS: store.corridor_shapes().reset_index(),
            versions.CORRIDOR_STRIPS: store.corridor_strips(),
        },
        meta=dict(store.query("SELECT key, value FROM meta").itertuples(index=False, name=None)),
    )


def test_a_store_that_is_up_to_date_is_left_alone(own_data_dir: Path) -> None:
    before = names(own_data_dir)
    summary = build_store(own_data_dir, only_if_stale=True)
    assert not summary.built
    assert names(own_data_dir) == before


def test_is_current(own_data_dir: Path, tmp_path: Path) -> None:
    assert is_current(own_data_dir)
    assert not is_current(tmp_path / "nothing")
    imports = own_data_dir / "imports"
    imports.mkdir(exist_ok=True)
    (imports / "new.parquet").write_bytes(b"1")
    assert not is_current(own_data_dir)
    (imports / "new.parquet").unlink()
    assert is_current(own_data_dir)
    (own_data_dir / CURRENT).write_text("damaged", encoding="utf-8")
    assert not is_current(own_data_dir)


def test_the_version_depends_on_content_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        (folder / "imports" / "kind").mkdir(parents=True)
        (folder / "imports" / "kind" / "a.parquet").write_bytes(b"same")
    version = input_version(one)
    assert re.fullmatch("[0-9a-f]{16}", version)
    assert input_version(other) == version
    (one / "imports" / ".staged-1-a.parquet").write_bytes(b"under way")
    (one / "imports" / "kind" / ".previous-1").write_bytes(b"kept aside")
    os.utime(one / "imports" / "kind" / "a.parquet", (1, 1))
    assert input_version(one) == version
    (one / "imports" / "kind" / "a.parquet").write_bytes(b"changed")
    assert input_version(one) != version
    assert input_version(tmp_path / "nothing") != version
    packaged = versions._packaged_inputs()
    assert len(packaged) >= 10
    monkeypatch.setattr(versions, "_packaged_inputs", lambda: packaged[1:])
    assert input_version(other) != version


def test_a_file_moved_is_another_version(tmp_path: Path) -> None:
    (tmp_path / "imports").mkdir()
    path = tmp_path / "imports" / "a.parquet"
    path.write_bytes(b"same")
    before = input_version(tmp_path)
    path.rename(tmp_path / "imports" / "b.parquet")
    assert input_version(tmp_path) != before


# Killed, failed, interrupted


def test_ten_killed_builds_leave_a_whole_store_each_time(
    own_data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = digests(own_data_dir)
    monkeypatch.setattr(check, "coverage_problems", lambda _counties: [])
    leftovers = 0
    with subprocess.Popen(
        [sys.executable, "-m", "tests.data.killed_builds", str(own_data_dir), "20201101", "10"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as helper:
        assert helper.stdin is not None and helper.stdout is not None
        for _ in range(10):
            assert helper.stdout.readline() == "killed\n"
            leftovers += any(name.startswith("building-") for name in names(own_data_dir))
            store = open_store(own_data_dir)
            assert digests(own_data_dir) == expected
            assert check_store(store).problems == []
            helper.stdin.write("go on\n")
            helper.stdin.flush()
        assert helper.stdout.readline() == "alive\n"
    assert helper.returncode == 0
    assert leftovers >= 1
    assert not any(name.startswith("building-") for name in names(own_data_dir))
    assert is_current(own_data_dir)


def test_a_result_that_fails_the_check_is_not_published(
    own_data_dir: Path, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = names(own_data_dir)
    monkeypatch.setattr(check, "coverage_problems", lambda _counties: ["两县重叠"])
    with pytest.raises(StoreError, match=r"没有通过体检，原有数据库保持不变(.|\n)*两县重叠"):
        build_store(own_data_dir)
    assert names(own_data_dir) == before


def test_a_full_disk_leaves_the_previous_store(
    own_data_dir: Path, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(folder: Path, _contents: object) -> dict[str, str]:
        (folder / "half.parquet").write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    before = names(own_data_dir)
    monkeypatch.setattr(building_module, "write_contents", full)
    with pytest.raises(StoreError, match="请检查磁盘空间和权限"):
        build_store(own_data_dir)
    assert names(own_data_dir) == before
    assert is_current(own_data_dir)


def test_inputs_that_do_not_add_up_are_not_built(
    own_data_dir: Path, monkeypatch: pytest.MonkeyPatch, built_store: Store
) -> None:
    made = fact_tables(built_store, problems=["2020 年人口合计不符"])
    monkeypatch.setattr(build, "build_facts", lambda *_arguments: made)
    monkeypatch.setattr(build, "_region_files", lambda _regions: {})
    monkeypatch.setattr(build, "load_boundaries", lambda _folder: Shape())
    monkeypatch.setattr(build, "build_region_table", lambda _frame: built_store.regions())
    with pytest.raises(StoreError, match="2020 年人口合计不符"):
        build_store(own_data_dir)


class Shape:
    frame = None


def test_inputs_that_keep_changing_are_given_up(
    own_data_dir: Path, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    counter = iter(range(100))
    monkeypatch.setattr(building_module, "input_version", lambda _folder: f"{next(counter):016x}")
    with pytest.raises(StoreError, match="不断变化"):
        build_store(own_data_dir)


def test_inputs_that_change_once_are_read_again(
    own_data_dir: Path, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = iter(["a" * 16, "b" * 16, "b" * 16, "b" * 16])
    monkeypatch.setattr(building_module, "input_version", lambda _folder: next(seen))
    assert build_store(own_data_dir).data_version == "b" * 16
    assert open_store(own_data_dir).data_version == "b" * 16


@pytest.mark.parametrize("text", ["{", '{"store": "../x", "data_version": "a", "schema_version": 1}'])
def test_a_damaged_pointer_does_not_stop_a_build(own_data_dir: Path, steps: list[str], text: str) -> None:
    (own_data_dir / CURRENT).write_text(text, encoding="utf-8")
    assert build_store(own_data_dir, only_if_stale=True).built
    assert is_current(own_data_dir)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(StoreError, match=r"不可写.*SUTU_DATA_DIR"):
        build_store(tmp_path / "file" / "data")

    def refuse(*_arguments: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(locking.os, "open", refuse)
    with pytest.raises(StoreError, match="不可写：没有权限"):
        build_store(tmp_path)


# Several at once


def test_a_build_while_a_reader_reads_is_picked_up(own_data_dir: Path, steps: list[str]) -> None:
    before = open_store(own_data_dir)
    population = before.facts("population", year=2020, level="county")
    build_store(own_data_dir)
    after = open_store(own_data_dir)
    assert after is not before
    assert after.folder != before.folder
    pd.testing.assert_frame_equal(before.facts("population", year=2020, level="county"), population)
    pd.testing.assert_frame_equal(after.facts("population", year=2020, level="county"), population)


def test_a_second_build_waits_for_the_first_and_says_so(tmp_path: Path) -> None:
    waiting = threading.Event()
    told: list[str] = []
    order: list[str] = []

    def wait(message: str) -> None:
        told.append(message)
        waiting.set()

    def second() -> None:
        with build_lock(tmp_path, on_wait=wait):
            order.append("second")

    with ThreadPoolExecutor(1) as pool:
        with build_lock(tmp_path):
            task = pool.submit(second)
            assert waiting.wait(30)
            order.append("first")
        task.result(30)
    assert order == ["first", "second"]
    assert told == [f"另一个构建正在进行（进程 {os.getpid()}），等待其结束……"]


def test_two_builds_at_once_both_end_with_a_whole_store(own_data_dir: Path, steps: list[str]) -> None:
    with ThreadPoolExecutor(2) as pool:
        summaries = list(pool.map(lambda _: build_store(own_data_dir), range(2)))
    assert len({summary.store for summary in summaries}) == 2
    assert is_current(own_data_dir)
    assert check_store(open_store(own_data_dir)).ok


def test_the_thread_that_holds_the_lock_may_take_it_again(tmp_path: Path) -> None:
    with build_lock(tmp_path), build_lock(tmp_path, on_wait=pytest.fail):
        assert publish_small(tmp_path).store == f"store-{VERSION}-1"
    with build_lock(tmp_path, on_wait=pytest.fail):
        assert publish_small(tmp_path).store == f"store-{VERSION}-2"


def test_the_lock_of_a_dead_build_is_free(tmp_path: Path) -> None:
    code = (
        "import sys, os, signal; from pathlib import Path; from data.store.build_lock import build_lock\n"
        "with build_lock(Path(sys.argv[1])): os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, cwd=ROOT)
    assert ended.returncode == -9
    with build_lock(tmp_path, on_wait=pytest.fail):
        assert (tmp_path / "build.lock").exists()


# What stays on disk


def test_current_and_previous_versions_are_kept(tmp_path: Path) -> None:
    stores = [publish_small(tmp_path, version=f"{number:016x}").store for number in range(5)]
    assert {name for name in names(tmp_path) if name.startswith("store-")} == set(stores[-2:])
    assert read_pointer(tmp_path).store == stores[-1]


@pytest.mark.parametrize("kept", [2, 3, 4])
def test_as_many_versions_are_kept_as_the_office_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    monkeypatch.setattr(
        "data.store.versions.load_registry", lambda: SimpleNamespace(setting={"kept_versions": kept}.get)
    )
    # Numbers of two digits: the newest are those of the highest number, not of the last name.
    stores = [publish_small(tmp_path, version=f"{20 - number:016x}").store for number in range(12)]
    assert {name for name in names(tmp_path) if name.startswith("store-")} == set(stores[-kept:])


def test_a_version_somebody_reads_is_kept(tmp_path: Path) -> None:
    first = publish_small(tmp_path).store
    mark = share_folder(tmp_path / first)
    assert is_being_read(tmp_path / first)
    for _ in range(3):
        publish_small(tmp_path)
    assert (tmp_path / first / DATABASE).is_file()
    os.close(mark)
    assert not is_being_read(tmp_path / first)
    publish_small(tmp_path)
    assert not (tmp_path / first).exists()


def test_what_dead_builds_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    pointer = publish_small(tmp_path)
    for name in ("building-1-1", "building-999999-7"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "half.parquet").write_bytes(b"half")
    # Renamed, but killed before CURRENT named it.
    shutil.copytree(tmp_path / pointer.store, tmp_path / f"store-{'f' * 16}-9")
    (tmp_path / ".CURRENT-77").write_text("half", encoding="utf-8")
    for name in ("store-mine", "notes.txt"):
        (tmp_path / name).write_text("keep", encoding="utf-8")
    (tmp_path / "imports").mkdir()
    published = publish_small(tmp_path)
    assert published.store == f"store-{VERSION}-10"
    assert names(tmp_path) == {
        CURRENT, "build.lock", "imports", "notes.txt", "store-mine", pointer.store, published.store
    }  # fmt: skip


def test_a_building_folder_is_gone_whatever_happens_in_it(tmp_path: Path) -> None:
    with pytest.raises(KeyError), building_folder(tmp_path) as folder:
        (folder / "half").write_bytes(b"1")
        raise KeyError("fault")
    assert names(tmp_path) == set()


def test_numbers_go_up(tmp_path: Path) -> None:
    assert next_number(tmp_path) == 1
    (tmp_path / f"store-{VERSION}-41").mkdir()
    (tmp_path / "store-other").mkdir()
    assert next_number(tmp_path) == 42


@pytest.mark.parametrize(
    ("name", "number"),
    [
        (f"store-{VERSION}-3", 3),
        ("store-abc-3", None),
        (f"store-{VERSION}", None),
        (f"store-{VERSION}-3/..", None),
        (f"../store-{VERSION}-3", None),
        (f"store-{VERSION}-3\n", None),
    ],
)
def test_store_names(name: str, number: int | None) -> None:
    assert store_number(name) == number


def test_the_pointer_is_json_that_says_what_is_current(own_data_dir: Path) -> None:
    content = json.loads((own_data_dir / CURRENT).read_text(encoding="utf-8"))
    assert set(content) == {"store", "data_version", "schema_version"}
    assert content["store"].startswith(f"store-{content['data_version']}-")


def test_the_time_of_the_build_is_no_part_of_a_digest(tmp_path: Path) -> None:
    made = contents()
    for name, built_at in (("one", "2020-01-01"), ("other", "2021-01-01")):
        (tmp_path / name).mkdir()
        write_contents(tmp_path / name, replace(made, meta={**made.meta, "built_at": built_at}))
    found = []
    for name in ("one", "other"):
        connection = connect(tmp_path / name / DATABASE)
        found.append(tables_digest(connection))
        connection.close()
    assert found[0] == found[1]


def test_a_digest_tells_a_changed_row(tmp_path: Path) -> None:
    publish_small(tmp_path)
    before = digests(tmp_path)
    publish_small(tmp_path, [fact("320102", 5.0)])
    after = digests(tmp_path)
    assert {name for name in before if before[name] != after[name]} == {"fact"}


# What people imported


def fact_tables(store: Store, problems: list[str] | None = None) -> FactTables:
    return FactTables(
        **{
            name: store.table(name)
            for name in ("fact", "indicator", "zone", "census_change", "source", "unmatched")
        },
        problems=problems or [],
    )


def imported(folder: Path, *rows: tuple[str, str, int, float]) -> None:
    """Write rows (adcode, indicator, year, value) as an import at rest."""
    frame = pd.DataFrame(rows, columns=["adcode", "indicator", "year", "value"])
    [(title, facts)] = fact_frames(frame.assign(note=None, source="测试年鉴"))
    source = ImportedSource(title, facts, (), "导入自 表.csv")
    path = folder / "imports" / source.file_name
    path.parent.mkdir(parents=True, exist_ok=True)
    write_source(path, source)


def test_imported_facts_join_the_others(built_store: Store, tmp_path: Path) -> None:
    imported(tmp_path, ("320100", "population", 2021, 9_423_400.0))
    own = fact_tables(built_store)
    made = building_module._with_imports(own, tmp_path, set(built_store.region_table().index))
    assert len(made.fact) == len(own.fact) + 1
    assert made.fact.iloc[-1][["adcode", "value", "quality"]].tolist() == ["320100", 9_423_400.0, "imported"]
    assert made.source.iloc[-1]["title"] == "测试年鉴"
    assert len(made.unmatched) == len(own.unmatched)


def test_imported_facts_the_registry_no_longer_knows_are_reported(built_store: Store, tmp_path: Path) -> None:
    imported(
        tmp_path,
        ("320100", "population", 2021, 1.0),
        ("320100", "gone_indicator", 2021, 2.0),
        ("329999", "population", 2021, 3.0),
    )
    own = fact_tables(built_store)
    made = building_module._with_imports(own, tmp_path, set(built_store.region_table().index))
    assert len(made.fact) == len(own.fact) + 1
    assert made.unmatched[["code", "name", "value", "reason"]].to_numpy().tolist() == [
        ["320100", "gone_indicator", "2", "登记表里没有这个指标"],
        ["329999", "population", "3", "代码不是现行地区"],
    ]


def test_nothing_imported_changes_nothing(built_store: Store, tmp_path: Path) -> None:
    own = fact_tables(built_store)
    assert building_module._with_imports(own, tmp_path, set()) is own


def test_small_indicator_has_the_columns_of_the_table() -> None:
    assert list(indicator().columns) == list(TABLES["indicator"].columns)
