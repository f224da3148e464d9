"""A staged import is in place whole, or the folder is as before."""

from pathlib import Path

import pytest

from data.store.staging import StagedImport, imports_dir, remove_leftovers, write_json
from geo.errors import StoreError

NAME = "boundaries.parquet"


def _stage(data_dir: Path, text: str) -> StagedImport:
    return StagedImport.stage(data_dir, NAME, lambda path: path.write_text(text), summary={"rows": 1})


def _files(data_dir: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in imports_dir(data_dir).iterdir()}


def test_staging_publishes_nothing(tmp_path: Path) -> None:
    staged = _stage(tmp_path, "new")
    assert not staged.target.exists()
    assert staged.summary == {"rows": 1}
    staged.rollback()
    assert _files(tmp_path) == {}


def test_commit_then_finish_keeps_only_the_new_file(tmp_path: Path) -> None:
    for text in ("old", "new"):
        staged = _stage(tmp_path, text)
        assert staged.commit() == imports_dir(tmp_path) / NAME
        staged.finish()
    assert _files(tmp_path) == {NAME: "new"}


def test_rollback_restores_the_previous_file(tmp_path: Path) -> None:
    with _stage(tmp_path, "old"):
        pass
    staged = _stage(tmp_path, "new")
    staged.commit()
    assert staged.target.read_text() == "new"
    staged.rollback()
    staged.rollback()
    assert _files(tmp_path) == {NAME: "old"}


def test_rollback_of_a_first_import_leaves_none(tmp_path: Path) -> None:
    staged = _stage(tmp_path, "first")
    staged.commit()
    staged.rollback()
    assert _files(tmp_path) == {}


def test_rollback_after_finish_does_nothing(tmp_path: Path) -> None:
    staged = _stage(tmp_path, "kept")
    staged.commit()
    staged.finish()
    staged.rollback()
    assert _files(tmp_path) == {NAME: "kept"}


def test_a_failing_build_in_the_body_takes_the_import_back(tmp_path: Path) -> None:
    with _stage(tmp_path, "old"):
        pass
    with pytest.raises(RuntimeError, match="build failed"), _stage(tmp_path, "new") as staged:
        assert staged.target.read_text() == "new"
        raise RuntimeError("build failed")
    assert _files(tmp_path) == {NAME: "old"}


def test_a_failing_writer_leaves_nothing(tmp_path: Path) -> None:
    def write(path: Path) -> None:
        path.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        StagedImport.stage(tmp_path, NAME, write)
    assert _files(tmp_path) == {}


@pytest.mark.parametrize(
    "name",
    [
        "../x.parquet",
        "a/../b.json",
        "a/b/c.json",
        "/b.json",
        ".hidden.json",
        "noextension",
        "表.csv",
        "",
        "A.csv",
    ],
)
def test_names_that_could_leave_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreError, match="文件名"):
        StagedImport.stage(tmp_path, name, lambda path: path.write_text(""))
    assert not imports_dir(tmp_path).exists()


def test_leftovers_of_a_killed_import_are_removed_and_targets_kept(tmp_path: Path) -> None:
    with _stage(tmp_path, "old"):
        pass
    _stage(tmp_path, "never committed")
    _stage(tmp_path, "committed, build killed").commit()
    removed = remove_leftovers(tmp_path)
    assert len(removed) == 2
    assert _files(tmp_path) == {NAME: "committed, build killed"}
    assert remove_leftovers(tmp_path / "missing") == []


def test_json_is_the_same_bytes_for_the_same_content(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": "江苏", "a": 1})
    write_json(tmp_path / "b.json", {"a": 1, "b": "江苏"})
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert "江苏" in (tmp_path / "a.json").read_text(encoding="utf-8")


def test_an_import_may_stand_in_a_folder_of_its_kind(tmp_path: Path) -> None:
    staged = StagedImport.stage(tmp_path, "network/edges.parquet", lambda path: path.write_text("edges"))
    hidden = next((imports_dir(tmp_path) / "network").iterdir())
    assert hidden.name.startswith(".staged-")
    assert staged.commit() == imports_dir(tmp_path) / "network" / "edges.parquet"
    staged.finish()
    assert [path.name for path in (imports_dir(tmp_path) / "network").iterdir()] == ["edges.parquet"]


def test_leftovers_are_removed_from_folders_too(tmp_path: Path) -> None:
    StagedImport.stage(tmp_path, "network/edges.parquet", lambda path: path.write_text("edges"))
    assert len(remove_leftovers(tmp_path)) == 1
    assert list((imports_dir(tmp_path) / "network").iterdir()) == []


def test_a_build_that_clears_leftovers_spares_the_import_it_is_for(tmp_path: Path) -> None:
    with _stage(tmp_path, "old"):
        pass
    with pytest.raises(StoreError), _stage(tmp_path, "new"):
        assert remove_leftovers(tmp_path) == []
        raise StoreError("构建失败")
    assert _files(tmp_path) == {NAME: "old"}
    waiting = _stage(tmp_path, "new")
    assert remove_leftovers(tmp_path) == []
    waiting.commit()
    waiting.finish()
    assert _files(tmp_path) == {NAME: "new"}
