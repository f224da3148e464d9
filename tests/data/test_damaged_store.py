"""Damaged stores: whatever befell a file, every command says so in words, and `sutu build` mends it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner, Result

import data.store.versions as damage_module
from analysis.composite import list_indices
from analysis.runs import list_runs, record_run
from cli import app
from data.builder.build import is_current
from data.store.store import open_store
from data.store.versions import CURRENT, DATABASE, MANIFEST, find_damage
from geo.errors import StoreError
from tests.data.quick_build import store_folder, use_small_contents
from tests.data.small_store import fact, publish_small, regions

PARQUET = "regions_county.parquet"
Damage = Callable[[Path], object]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a built data directory with a run in it; nobody writes into it."""
    folder = tmp_path_factory.mktemp("whole") / "data"
    with pytest.MonkeyPatch.context() as patch:
        use_small_contents(patch)
        patch.setenv("SUTU_DATA_DIR", str(folder))
        assert sutu("build").exit_code == 0
    record_run(folder, kind="coverage", parameters={}, data_version="a", result=regions(), seconds=1.0)
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the built directory, where ``sutu`` works and builds are quick."""
    use_small_contents(monkeypatch)
    copy = Path(shutil.copytree(whole, tmp_path / "data"))
    monkeypatch.setenv("SUTU_DATA_DIR", str(copy))
    return copy


def sutu(*words: str) -> Result:
    """Run a command in this process: whatever it does not put in words comes out as an exception."""
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, list(words))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert "Traceback" not in result.output
    return result


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "kept").write_text("1", encoding="utf-8")


def make_loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def make_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def other_program(path: Path) -> None:
    path.unlink()
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE other (x INTEGER)")


def without_tables(path: Path) -> None:
    path.unlink()
    duckdb.connect(str(path)).close()


def other_schema(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE meta SET value = '0' WHERE key = 'schema_version'")


ANY: tuple[Damage, ...] = (
    cut,
    flip,
    make_folder,
    make_loop,
    make_pipe,
    Path.unlink,
    lambda p: p.write_bytes(b""),
)
NAMES = ("cut", "flip", "folder", "loop", "pipe", "gone", "empty")


def mended_after(folder: Path, word: str) -> None:
    """Hold that a reader is told file and remedy, that the remedy mends it, and that nothing is lost."""
    told = sutu("indicators")
    assert told.exit_code == 1
    assert word in told.stderr
    assert "sutu build" in told.stderr
    assert not is_current(folder)
    built = sutu("build")
    assert built.exit_code == 0
    assert word in built.output
    assert "已修复" in built.output
    assert sutu("indicators").exit_code == 0
    assert is_current(folder)
    assert len(list_runs(folder)) == 1
    assert find_damage(store_folder(folder)) == []


@pytest.mark.parametrize("spoil", ANY, ids=NAMES)
def test_a_damaged_parquet_file_is_named_and_mended(folder: Path, spoil: Damage) -> None:
    spoil(store_folder(folder) / PARQUET)
    mended_after(folder, PARQUET)


@pytest.mark.parametrize(
    "spoil",
    [*ANY, other_program, without_tables, other_schema, lambda path: path.write_bytes(b"garbage" * 4096)],
    ids=[*NAMES, "other-program", "no-tables", "other-schema", "garbage"],
)
def test_a_damaged_database_is_named_and_mended(folder: Path, spoil: Damage) -> None:
    spoil(store_folder(folder) / DATABASE)
    mended_after(folder, DATABASE)


@pytest.mark.parametrize(
    "spoil", [cut, make_folder, make_loop, make_pipe, Path.unlink], ids=lambda one: one.__name__
)
def test_a_damaged_list_of_files_is_named_and_mended(folder: Path, spoil: Damage) -> None:
    spoil(store_folder(folder) / MANIFEST)
    mended_after(folder, MANIFEST)


@pytest.mark.parametrize(
    "text", ["[]", "{}", '{"sutu.duckdb": 1}', '{"sutu.duckdb": {"bytes": 1e999, "sha256": 3}}', "[" * 60_000]
)
def test_a_list_of_files_that_is_none_is_damage(folder: Path, text: str) -> None:
    (store_folder(folder) / MANIFEST).write_text(text, encoding="utf-8")
    mended_after(folder, MANIFEST)


def test_files_swapped_for_each_other_are_named(folder: Path) -> None:
    one, other = (store_folder(folder) / f"regions_{zoom}.parquet" for zoom in ("county", "full"))
    other.write_bytes(one.read_bytes() + b" ")
    mended_after(folder, "regions_full.parquet")


def test_the_whole_folder_gone_or_a_file(folder: Path) -> None:
    name = store_folder(folder).name
    shutil.rmtree(folder / name)
    mended_after(folder, name)
    name = store_folder(folder).name
    shutil.rmtree(folder / name)
    (folder / name).write_text("in the way", encoding="utf-8")
    mended_after(folder, name)


@pytest.mark.parametrize(
    "spoil",
    [
        make_folder,
        make_loop,
        make_pipe,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(os.urandom(500)),
        lambda path: path.write_text("[" * 50_000, encoding="utf-8"),
        lambda path: path.write_text('{"store":' * 5_000, encoding="utf-8"),
        lambda path: path.write_bytes(b" " * 100_000_000),
        lambda path: path.write_text('{"store": "x", "data_version": "", "schema_version": Infinity}'),
        lambda path: path.write_text('{"store": "x", "data_version": "", "schema_version": 1}'),
    ],
    ids=["folder", "loop", "pipe", "empty", "binary", "deep", "deep-keys", "huge", "infinity", "name"],
)
def test_a_damaged_pointer_is_named_and_mended(folder: Path, spoil: Damage) -> None:
    spoil(folder / CURRENT)
    mended_after(folder, CURRENT)


def test_what_stood_in_the_place_of_the_pointer_is_kept(folder: Path) -> None:
    make_folder(folder / CURRENT)
    assert sutu("build").exit_code == 0
    (aside,) = folder.glob(f"{CURRENT}.broken-*")
    assert (aside / "kept").read_text(encoding="utf-8") == "1"


@pytest.mark.parametrize("spoil", [make_folder, make_loop, make_pipe], ids=lambda one: one.__name__)
def test_what_stands_in_the_place_of_the_lock_stops_no_build(folder: Path, spoil: Damage) -> None:
    spoil(folder / "build.lock")
    assert sutu("build", "--force").exit_code == 0
    assert sutu("build").exit_code == 0


def test_a_lock_of_another_user_is_told_with_the_remedy(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def refuse(path: object, *arguments: int, **options: int) -> int:
        if str(path).endswith("build.lock") and Path(str(path)).exists():
            raise PermissionError(13, "Permission denied")
        return real(path, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", refuse)
    told = sutu("build", "--force")
    assert told.exit_code == 1
    assert f"rm {folder / 'build.lock'}" in told.stderr
    (folder / "build.lock").unlink()
    assert sutu("build", "--force").exit_code == 0


def test_imports_that_are_no_folder_are_told_with_the_remedy(folder: Path) -> None:
    place = folder / "imports"
    place.write_text("mine", encoding="utf-8")
    told = sutu("build")
    assert told.exit_code == 1
    assert f"mv {place} {place}.old" in told.stderr
    place.rename(f"{place}.old")
    assert sutu("build").exit_code == 0
    assert Path(f"{place}.old").read_text(encoding="utf-8") == "mine"


def test_things_left_in_the_data_directory_stop_no_build(folder: Path) -> None:
    (folder / "building-1-1").write_text("a file", encoding="utf-8")
    (folder / "store-0123456789abcdef-999999999").mkdir()
    (folder / f"store-{'f' * 16}-3").write_text("a file", encoding="utf-8")
    (folder / ".CURRENT-7").mkdir()
    for name in ("cache", "runs.old", "indices"):
        (folder / name).write_text("a file", encoding="utf-8")
    assert sutu("build", "--force").exit_code == 0
    assert sutu("build").exit_code == 0
    assert list_indices(folder) == []
    left = {path.name for path in folder.iterdir()}
    assert not {"building-1-1", ".CURRENT-7", f"store-{'f' * 16}-3"} & left


EVERY_READER = (
    "check", "check --json", "indicators", "query population", "coverage --type hospital --minutes 15",
    "catchment --type hospital --minutes 15", "standards", "circles", "gaps population",
    "compare 320100 320200", "siting --type hospital --minutes 15 --open 1", "layers", "layers --json",
    "export population --out OUT/x.gpkg", "atlas population --out OUT/x.zip", "corridors", "corridor hsr",
    "index OUT/x.yaml", "report 320100 --out OUT/x.docx", "replay RUN",
)  # fmt: skip


def test_no_command_shows_a_stack_of_calls(folder: Path, tmp_path: Path) -> None:
    cut(store_folder(folder) / PARQUET)
    (run,) = list_runs(folder)
    for words in EVERY_READER:
        told = sutu(*words.replace("OUT", str(tmp_path)).replace("RUN", run.id).split())
        assert (words, told.exit_code) == (words, 1)
        assert PARQUET in told.stderr, words
    # The roads of ``network`` lie beside the store, which it does not open.
    others = {"build", "serve", "runs", "network"}
    assert {command.name for command in app.registered_commands} - others == {
        words.split()[0] for words in EVERY_READER
    }


# While a server runs


def test_damage_under_a_running_server_is_told_and_gone_after_a_build(folder: Path) -> None:
    before = open_store(folder)
    assert open_store(folder) is before
    cut(store_folder(folder) / PARQUET)
    for _ in range(2):
        with pytest.raises(StoreError, match=rf"{PARQUET} .*sutu build"):
            open_store(folder)
    assert sutu("build").exit_code == 0
    after = open_store(folder)
    assert after is not before
    assert len(after.regions(zoom="county")) == 4


def test_a_file_that_was_only_touched_is_no_damage(folder: Path) -> None:
    store = open_store(folder)
    (store_folder(folder) / PARQUET).touch()
    assert open_store(folder) is store
    assert is_current(folder)


def test_contents_are_compared_once_and_when_touched(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[Path] = []
    real = damage_module.file_digest
    monkeypatch.setattr(damage_module, "file_digest", lambda path: looked.append(path) or real(path))
    open_store(folder)
    once = len(looked)
    assert once > 1
    open_store(folder)
    assert len(looked) == once
    (store_folder(folder) / DATABASE).touch()
    open_store(folder)
    assert len(looked) == 2 * once


def test_a_database_cut_off_under_an_open_store_is_told(tmp_path: Path) -> None:
    rows = [fact("320102", float(year), year=1949 + year % 150, source=f"s{year}") for year in range(60_000)]
    publish_small(tmp_path, rows)
    store = open_store(tmp_path)
    os.truncate(store_folder(tmp_path) / DATABASE, 20_000)
    with pytest.raises(StoreError, match="sutu build"):
        store.table("fact")
