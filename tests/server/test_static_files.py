"""Streamlit's and the map component's files from memory: the bytes on disk, and nothing that is not one."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from server.static_files import STREAMLIT_URL, StaticFilesInMemory, kept_files, served_folders
from tests.server.asgi import ask

SCRIPT = b"export const name = '\xe8\x8b\x8f\xe5\x9b\xbe';\n" * 50


@pytest.fixture
def server(tmp_path: Path) -> Starlette:
    (tmp_path / "inside" / "js").mkdir(parents=True)
    (tmp_path / "inside" / "js" / "one.D0rmvYxC.js").write_bytes(SCRIPT)
    (tmp_path / "inside" / "index.html").write_bytes(b"<p>")
    (tmp_path / "inside" / "font.woff2").write_bytes(b"font")
    (tmp_path / "secret.js").write_bytes(b"secret")
    made = Starlette(routes=[Route("/{rest:path}", lambda _request: PlainTextResponse("on"))])
    made.add_middleware(StaticFilesInMemory, folders={STREAMLIT_URL: tmp_path / "inside"})
    return made


def test_a_script_comes_packed_to_who_can_unpack(server: Starlette) -> None:
    answer = ask(server, "/static/js/one.D0rmvYxC.js", accept_encoding="gzip, br")
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(answer.body) == SCRIPT
    assert "/javascript" in answer.headers["content-type"]
    assert "immutable" in answer.headers["cache-control"], "its name changes with its content"
    assert answer.headers["vary"] == "Accept-Encoding"


def test_a_script_comes_as_it_is_to_who_cannot(server: Starlette) -> None:
    answer = ask(server, "/static/js/one.D0rmvYxC.js")
    assert "content-encoding" not in answer.headers
    assert answer.body == SCRIPT
    assert int(answer.headers["content-length"]) == len(SCRIPT)


def test_a_font_is_not_packed_again(server: Starlette) -> None:
    answer = ask(server, "/static/font.woff2", accept_encoding="gzip")
    assert answer.body == b"font"
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    "path", ["/static/none.js", "/static/../secret.js", "/static/js/../../secret.js", "/static/", "/other"]
)
def test_whatever_else_goes_on_to_the_application(server: Starlette, path: str) -> None:
    assert ask(server, path).body == b"on"


def test_a_part_of_a_file_is_left_to_the_application(server: Starlette) -> None:
    assert ask(server, "/static/js/one.D0rmvYxC.js", range="bytes=0-3").body == b"on"


def test_a_file_whose_name_stays_is_asked_for_anew(server: Starlette) -> None:
    assert ask(server, "/static/index.html").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("prefix", served_folders())
def test_every_file_is_kept_whole(prefix: str) -> None:
    folder = served_folders()[prefix]
    kept = kept_files(folder)
    wanted = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in {".map", ".txt"}
    }
    assert wanted
    assert set(kept) == wanted
    for name, file in list(kept.items())[:: max(1, len(kept) // 8)]:
        content = gzip.decompress(file.content) if file.packed else file.content
        assert content == (folder / name).read_bytes()
