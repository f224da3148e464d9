"""``sutu network``: the imported roads are listed, replaced by the next import, and removed whole or not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import app
from data.ingest.osm import import_osm
from data.ingest.osm_store import network_info, remove_network
from data.store.staging import imports_dir, remove_leftovers
from data.store.store import open_store
from tests.real_data import real_path

GUSU = "osm/gusu_walk.osm.pbf"
ASKED = ("coverage", "--type", "community_health_centre", "--mode", "walk", "--minutes", "15")


@pytest.fixture
def data_folder(own_data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SUTU_DATA_DIR", str(own_data_dir))
    return own_data_dir


def run(*arguments: object) -> tuple[str, str]:
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == 0, result.stderr
    return result.stdout, result.stderr


def test_imported_roads_are_listed_used_and_removed_and_the_old_answer_returns(data_folder: Path) -> None:
    assert "没有导入路网" in run("network")[0]
    assert json.loads(run("network", "--json")[0]) is None
    question = (*ASKED, "--by", "prefecture", "--format", "json")
    before, _ = run(*question)
    run("import", "osm", real_path(GUSU))
    said, _ = run("network")
    listed = json.loads(run("network", "--json")[0])
    assert listed["file"] == "gusu_walk.osm.pbf" and f"{listed['edges']:,} 个路段" in said
    assert 245 < listed["length_km"] < 257 and f"{listed['length_km']:,.0f} 公里" in said
    during, told = run(*question)
    assert during != before and "路网只覆盖一部分范围" in told
    removed, _ = run("network", "--remove")
    assert removed.startswith("已移除路网：gusu_walk.osm.pbf")
    assert run(*question)[0] == before
    assert "没有改动" in run("network", "--remove")[0]


def take_in(path: Path, folder: Path) -> None:
    """Import an extract without the build that follows."""
    import_osm(path, folder, open_store(folder).regions("county", zoom="full").reset_index())


def test_a_removal_whose_build_fails_leaves_the_roads(data_folder: Path) -> None:
    take_in(real_path(GUSU), data_folder)
    info = network_info(data_folder)

    def broken() -> object:
        assert network_info(data_folder) is None
        # A build clears away what killed imports left: the roads set aside are none of it.
        remove_leftovers(data_folder)
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        remove_network(data_folder, info, broken)
    assert network_info(data_folder) == info
    assert not [path for path in imports_dir(data_folder).iterdir() if path.name.startswith(".")]


def test_another_import_replaces_the_roads(data_folder: Path, tmp_path: Path) -> None:
    take_in(real_path(GUSU), data_folder)
    other = tmp_path / "suzhou-260310.osm.pbf"
    other.write_bytes(real_path(GUSU).read_bytes())
    take_in(other, data_folder)
    info = network_info(data_folder)
    assert info is not None and info.file == other.name
    summary = remove_network(data_folder, info)
    assert summary.changed and summary.as_dict()["details"]["file"] == other.name
    assert network_info(data_folder) is None
