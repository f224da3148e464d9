"""``sutu import osm``: fetch, import, count, and what it says when something is wrong."""

import hashlib
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import app
from data.ingest.osm_store import facility_files
from data.store.staging import imports_dir
from data.store.store import open_store
from tests.data.extract_server import Server, serving
from tests.real_data import real_path

XUZHOU = "osm/xuzhou_facilities.osm.pbf"


@pytest.fixture
def data_folder(own_data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SUTU_DATA_DIR", str(own_data_dir))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return own_data_dir


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["import", "osm", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


def test_fetch_and_import_fill_the_store(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    server.content = real_path(XUZHOU).read_bytes()
    server.checksum = hashlib.md5(server.content, usedforsecurity=False).hexdigest()
    with serving(server):
        monkeypatch.setenv("SUTU_OSM_EXTRACT_URL", server.url)
        code, out, err = run("--download", "--json")

    assert code == 0, err
    summary = json.loads(out)
    assert summary["rows"] == summary["added"] == 451
    assert summary["details"]["by_type"]["hospital"] == 50
    assert "校验 md5 相符" in err
    assert (data_folder / "downloads" / "jiangsu-latest.osm.pbf").read_bytes() == server.content
    facilities = open_store(data_folder).table("facility")
    assert (facilities["precision"] == "surveyed").sum() == 451
    assert (facilities["precision"] != "surveyed").sum() == 1399
    assert [path.name for path in facility_files(data_folder)] == ["osm-jiangsu.parquet"]


def test_half_a_file_is_told_and_changes_nothing(data_folder: Path, tmp_path: Path) -> None:
    content = real_path(XUZHOU).read_bytes()
    path = tmp_path / "half.osm.pbf"
    path.write_bytes(content[: len(content) // 2])
    before = open_store(data_folder).data_version
    code, out, err = run(path)
    assert code == 1
    assert out == ""
    assert "half.osm.pbf" in err
    assert "文件不完整" in err
    assert not imports_dir(data_folder).exists()
    assert open_store(data_folder).data_version == before


def test_a_download_that_fails_imports_nothing(data_folder: Path) -> None:
    server = Server()
    server.status = 404
    with serving(server):
        code, _, err = run("--download", "--no-checksum", "--url", server.url)
    assert code == 1
    assert "没有这个文件" in err
    assert not imports_dir(data_folder).exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "请写要导入的文件"),
        (("missing.osm.pbf",), "没有文件"),
        (("x.osm.pbf", "--url", "http://127.0.0.1/x"), "--url 要与 --download 合用"),
    ],
)
def test_wrong_usage_is_exit_2(arguments: tuple[str, ...], message: str) -> None:
    code, _, err = run(*arguments)
    assert code == 2
    assert message in err


def test_the_help_has_examples() -> None:
    code, out, _ = run("--help")
    assert code == 0
    assert "示例" in out
    assert "--download" in out
