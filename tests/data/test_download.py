"""Downloads against a local server: whole or not at all, resumed where they broke off, checked, bounded."""

import hashlib
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from data.ingest.download import (
    DownloadResult,
    checksum_address,
    download_extract,
    extract_url,
    file_name,
)
from data.registry.environment import OSM_EXTRACT_URL, OSM_PROXY
from data.registry.osm_models import load_osm_mapping
from geo.errors import DownloadError, SutuError
from tests.data.extract_server import CONTENT, Server, serving
from tests.data.quick_build import no_file_larger_than


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving(Server()) as state:
        yield state


def fetch(
    server: Server, tmp_path: Path, *, checksum: str | None = None, **options: object
) -> DownloadResult:
    """Download without waiting between attempts."""
    options.setdefault("wait_seconds", 0.0)
    checksum_url = server.url + checksum if checksum else None
    return download_extract(server.url, tmp_path / "x.osm.pbf", checksum_url=checksum_url, **options)


def leftovers(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in tmp_path.iterdir())


def test_a_whole_file_arrives_with_progress_and_its_checksum(server: Server, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    result = fetch(server, tmp_path, checksum=".md5", progress=lambda done, total: seen.append((done, total)))

    assert result.path.read_bytes() == CONTENT
    assert (result.size, result.resumed_from) == (len(CONTENT), 0)
    assert result.checksum == f"md5:{hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()}"
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert leftovers(tmp_path) == ["x.osm.pbf"]


def test_a_transfer_that_breaks_off_is_continued_at_once(server: Server, tmp_path: Path) -> None:
    server.cut_after = [1_000_000, 500_000]
    assert fetch(server, tmp_path, checksum=".md5").path.read_bytes() == CONTENT
    assert [wanted for _, wanted in server.requests[1:]] == [None, "bytes=1000000-", "bytes=1500000-"]


@pytest.mark.parametrize("validator", ["etag", "last_modified"])
def test_a_later_call_continues_where_the_first_gave_up(
    server: Server, tmp_path: Path, validator: str
) -> None:
    if validator == "last_modified":
        server.etag, server.last_modified = "", "Tue, 10 Mar 2026 21:20:55 GMT"
    server.cut_after = [700_000]
    with pytest.raises(DownloadError, match="从断点继续"):
        fetch(server, tmp_path, attempts=1)
    assert leftovers(tmp_path) == ["x.osm.pbf.part", "x.osm.pbf.part.json"]

    result = fetch(server, tmp_path, checksum=".md5")
    assert result.resumed_from == 700_000
    assert result.path.read_bytes() == CONTENT
    assert server.requests[-1][1] == "bytes=700000-"


@pytest.mark.parametrize("etag", ['"v2"', 'W/"v1"', ""])
def test_another_version_on_the_server_is_fetched_from_the_start(
    server: Server, tmp_path: Path, etag: str
) -> None:
    server.cut_after = [700_000]
    with pytest.raises(DownloadError):
        fetch(server, tmp_path, attempts=1)
    server.content, server.etag = CONTENT[::-1], etag
    result = fetch(server, tmp_path)
    assert result.resumed_from == 0
    assert result.path.read_bytes() == CONTENT[::-1]


def test_a_server_without_range_sends_the_file_again(server: Server, tmp_path: Path) -> None:
    server.ranges, server.cut_after = False, [700_000]
    result = fetch(server, tmp_path, checksum=".md5")
    assert result.path.read_bytes() == CONTENT
    assert result.resumed_from == 0


def test_a_server_without_any_version_mark_is_never_continued(server: Server, tmp_path: Path) -> None:
    server.etag, server.cut_after = "", [700_000]
    assert fetch(server, tmp_path).path.read_bytes() == CONTENT
    assert [wanted for _, wanted in server.requests] == [None, None]


def test_a_server_that_goes_on_at_the_wrong_place_is_not_believed(server: Server, tmp_path: Path) -> None:
    server.cut_after, server.wrong_start = [700_000], 5
    assert fetch(server, tmp_path, checksum=".md5").path.read_bytes() == CONTENT
    assert [wanted for _, wanted in server.requests[1:]] == [None, "bytes=700000-", None]


def test_a_file_that_had_arrived_whole_is_only_checked(server: Server, tmp_path: Path) -> None:
    server.cut_after = [700_000]
    with pytest.raises(DownloadError):
        fetch(server, tmp_path, attempts=1)
    (tmp_path / "x.osm.pbf.part").write_bytes(CONTENT)
    assert fetch(server, tmp_path, checksum=".md5").path.read_bytes() == CONTENT


def test_a_part_longer_than_the_file_is_thrown_away(server: Server, tmp_path: Path) -> None:
    server.cut_after = [700_000]
    with pytest.raises(DownloadError):
        fetch(server, tmp_path, attempts=1)
    (tmp_path / "x.osm.pbf.part").write_bytes(CONTENT + b"more")
    assert fetch(server, tmp_path, checksum=".md5").path.read_bytes() == CONTENT


def test_a_wrong_checksum_keeps_the_file_out_and_the_old_one_in(server: Server, tmp_path: Path) -> None:
    (tmp_path / "x.osm.pbf").write_bytes(b"the file of last month")
    server.checksum = "0" * 32 + "  x.osm.pbf\n"
    with pytest.raises(DownloadError, match="与校验值不符"):
        fetch(server, tmp_path, checksum=".md5")
    assert leftovers(tmp_path) == ["x.osm.pbf"]
    assert (tmp_path / "x.osm.pbf").read_bytes() == b"the file of last month"


def test_a_sha256_is_recognised_by_its_length(server: Server, tmp_path: Path) -> None:
    server.checksum = hashlib.sha256(CONTENT).hexdigest().upper()
    assert fetch(server, tmp_path, checksum=".sha256").checksum == f"sha256:{server.checksum.lower()}"


@pytest.mark.parametrize("text", ["", "<html>not found</html>", "abc123  x.osm.pbf"])
def test_a_checksum_file_without_a_checksum_stops_before_the_download(
    server: Server, tmp_path: Path, text: str
) -> None:
    server.checksum = text
    with pytest.raises(DownloadError, match="没有 MD5"):
        fetch(server, tmp_path, checksum=".md5")
    assert leftovers(tmp_path) == []
    assert len(server.requests) == 1


def test_no_checksum_file_means_no_download(server: Server, tmp_path: Path) -> None:
    server.status = 404
    with pytest.raises(DownloadError, match="取不到校验文件"):
        fetch(server, tmp_path, checksum=".sum")
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(
    ("status", "message"), [(404, "没有这个文件"), (403, "没有权限"), (401, "需要登录"), (418, "拒绝")]
)
def test_a_refusal_is_final(server: Server, tmp_path: Path, status: int, message: str) -> None:
    server.status = status
    with pytest.raises(DownloadError, match=message):
        fetch(server, tmp_path)
    assert len(server.requests) == 1
    assert leftovers(tmp_path) == []


def test_a_server_in_trouble_is_asked_again(server: Server, tmp_path: Path) -> None:
    server.status = 503
    with pytest.raises(DownloadError, match="503"):
        fetch(server, tmp_path, attempts=3)
    assert len(server.requests) == 3


@pytest.mark.parametrize("length", [True, False])
def test_a_file_over_the_limit_is_stopped_and_removed(server: Server, tmp_path: Path, length: bool) -> None:
    server.length = length
    with pytest.raises(DownloadError, match="超过上限"):
        fetch(server, tmp_path, max_bytes=2_000_000)
    assert leftovers(tmp_path) == []


def test_a_redirect_within_the_host_is_followed(server: Server, tmp_path: Path) -> None:
    server.redirect = "/china/jiangsu-260310.osm.pbf"
    assert fetch(server, tmp_path).path.read_bytes() == CONTENT
    assert [path for path, _ in server.requests][-1] == "/china/jiangsu-260310.osm.pbf"


@pytest.mark.parametrize(
    "place", ["http://localhost:1/x.osm.pbf", "ftp://127.0.0.1/x.osm.pbf", "file:///etc/passwd"]
)
def test_a_redirect_elsewhere_is_refused(server: Server, tmp_path: Path, place: str) -> None:
    server.redirect = place
    with pytest.raises(SutuError):
        fetch(server, tmp_path, attempts=1)
    assert len(server.requests) == 1
    assert not (tmp_path / "x.osm.pbf").exists()


def test_nobody_listening_is_said(tmp_path: Path, server: Server) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}/x.osm.pbf"
        with pytest.raises(DownloadError, match="连接不上服务器"):
            download_extract(address, tmp_path / "x.osm.pbf", attempts=2, wait_seconds=0.0)
        with pytest.raises(DownloadError, match="取不到校验文件"):
            download_extract(address, tmp_path / "x.osm.pbf", checksum_url=address + ".md5")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "jiangsu.osm.pbf", "ftp://example.org/x", "http:///x"])
def test_only_web_addresses_are_taken(tmp_path: Path, url: str) -> None:
    with pytest.raises(DownloadError, match="不合规"):
        download_extract(url, tmp_path / "x.osm.pbf")


def test_a_checksum_address_is_a_web_address_too(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="校验文件地址不合规"):
        download_extract(server.url, tmp_path / "x.osm.pbf", checksum_url="file:///etc/passwd")


def test_a_damaged_note_means_a_fresh_start(server: Server, tmp_path: Path) -> None:
    (tmp_path / "x.osm.pbf.part").write_bytes(b"something")
    (tmp_path / "x.osm.pbf.part.json").write_text("{not json", encoding="utf-8")
    assert fetch(server, tmp_path, checksum=".md5").path.read_bytes() == CONTENT


def test_the_address_comes_from_the_environment_or_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_osm_mapping().extract
    monkeypatch.delenv(OSM_EXTRACT_URL.name, raising=False)
    assert extract_url(settings) == settings.url
    monkeypatch.setenv(OSM_EXTRACT_URL.name, "http://10.1.2.3/jiangsu.osm.pbf")
    assert extract_url(settings) == "http://10.1.2.3/jiangsu.osm.pbf"


# Servers and addresses that mean no good


@pytest.mark.parametrize(
    "url",
    [
        "http://user:secret@127.0.0.1/x.pbf", "http://127.0.0.1:99999/x.pbf", "http://127.0.0.1:x/x.pbf",
        "http://127.0.0.1:0/x.pbf", "http://[::1/x.pbf", "http://127.0.0.1/x y.pbf",
        "http://127.0.0.1/x\r\nA: b", "http://地图.example/x.pbf", "http://ex\u0430mple.org/x.pbf",
        "http:\\\\127.0.0.1\\x.pbf", "//127.0.0.1/x.pbf",
        "http://127.0.0.1#@evil.example:x/x.pbf", "data:text/plain,x", "HTTP:", "http://a" + "b" * 3000,
    ],
)  # fmt: skip
def test_addresses_that_mislead_are_refused_without_the_password(tmp_path: Path, url: str) -> None:
    with pytest.raises(DownloadError, match="不合规") as told:
        download_extract(url, tmp_path / "x.osm.pbf", attempts=1)
    assert "secret" not in str(told.value)
    assert leftovers(tmp_path) == []


def test_a_path_in_chinese_is_asked_for_as_such(server: Server, tmp_path: Path) -> None:
    server.url = server.url.replace("jiangsu-latest", "江苏")
    assert fetch(server, tmp_path).path.read_bytes() == CONTENT
    assert server.requests[-1][0] == "/china/%E6%B1%9F%E8%8B%8F.osm.pbf"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://h/jiangsu-latest.osm.pbf", "jiangsu-latest.osm.pbf"),
        ("http://h/..%2f..%2fetc.pbf", "extract.osm.pbf"),
        ("http://h/.hidden.pbf", "extract.osm.pbf"),
        ("http://h/-rf.pbf", "extract.osm.pbf"),
        ("http://h/" + "a" * 300 + ".pbf", "extract.osm.pbf"),
        ("http://h/x.exe", "extract.osm.pbf"),
        ("http://h/x.pbf/", "extract.osm.pbf"),
        ("http://h/a.pbf?b=/../c.pbf", "a.pbf"),
    ],
)
def test_the_name_kept_is_a_plain_one(url: str, name: str) -> None:
    assert file_name(url) == name


def test_the_checksum_lies_beside_the_file_and_at_its_host(server: Server, tmp_path: Path) -> None:
    assert checksum_address("http://h/x.pbf?key=1", ".md5") == "http://h/x.pbf.md5?key=1"
    for other in (
        "http://127.0.0.1:1/x.md5",
        "http://localhost/x.md5",
        server.url.replace("http:", "https:"),
    ):
        with pytest.raises(DownloadError, match="同一台主机"):
            download_extract(server.url, tmp_path / "x.osm.pbf", checksum_url=other)
    assert server.requests == []


def test_another_port_of_the_same_host_is_elsewhere(server: Server, tmp_path: Path) -> None:
    for place in (
        "http://127.0.0.1:1/x.osm.pbf",
        "//127.0.0.1/x.osm.pbf",
        "http://u:p@127.0.0.1/x",
        "http://[/x",
    ):
        server.redirect = place
        with pytest.raises(DownloadError):
            fetch(server, tmp_path, attempts=1)
        assert leftovers(tmp_path) == []


def test_the_proxy_of_the_environment_is_not_used_but_ours_is(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert fetch(server, tmp_path).path.read_bytes() == CONTENT
    with serving(Server()) as proxy:
        monkeypatch.setenv(OSM_PROXY.name, proxy.url.split("/china")[0])
        result = download_extract("http://extracts.example/x.osm.pbf", tmp_path / "y.osm.pbf", attempts=1)
        assert result.path.read_bytes() == CONTENT
        assert proxy.requests[0][0] == "http://extracts.example/x.osm.pbf"
    monkeypatch.setenv(OSM_PROXY.name, "socks5://127.0.0.1:1")
    with pytest.raises(DownloadError, match=OSM_PROXY.name):
        fetch(server, tmp_path)


HEAD = b'HTTP/1.1 200 OK\r\nETag: "v1"\r\n'
DRIPS = {
    "status": [b"HTTP/1.1 2", *[b"0"] * 9999],
    "continue": [b"HTTP/1.1 100 Continue\r\n\r\n"] * 9999,
    "headers": [HEAD, *[b"X: y\r\n"] * 20, *[b"z"] * 9999],
    "body": [HEAD + b"Content-Length: 3000000\r\n\r\n", *[b"x"] * 9999],
    "no-length": [HEAD + b"\r\n", *[b"x"] * 9999],
    "chunk-size": [HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[b"0"] * 9999],
    "chunks": [HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[b"1\r\nx\r\n"] * 9999],
}


@contextmanager
def dripping(pieces: list[bytes], pause: float = 0.02) -> Iterator[str]:
    """Serve these pieces one after another to whoever connects, and give the address."""
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            with suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65_536)
                    for piece in pieces:
                        connection.sendall(piece)
                        if ended.wait(pause):
                            break

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/x.osm.pbf"
        finally:
            ended.set()
            thread.join()


@pytest.mark.parametrize("name", DRIPS)
def test_a_server_that_drips_is_given_up(tmp_path: Path, name: str) -> None:
    with dripping(DRIPS[name]) as url:
        with pytest.raises(DownloadError, match=r"几乎没有送来内容|连接"):
            download_extract(url, tmp_path / "x.osm.pbf", attempts=2, wait_seconds=0.0, timeout_seconds=0.3)
        with pytest.raises(DownloadError, match="取不到校验文件"):
            download_extract(url, tmp_path / "x.osm.pbf", checksum_url=url + ".md5", timeout_seconds=0.3)
    assert not (tmp_path / "x.osm.pbf").exists()
    assert not [one for one in threading.enumerate() if one.name == "sutu-download-watch"]


def test_the_time_for_everything_is_bounded(tmp_path: Path) -> None:
    pieces = [HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[b"10000\r\n" + b"x" * 65_536 + b"\r\n"] * 9999]
    with dripping(pieces, 0.01) as url, pytest.raises(DownloadError, match="总时限"):
        download_extract(url, tmp_path / "x.osm.pbf", attempts=9, total_seconds=0.5)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (HEAD + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello", "编码"),
        (HEAD + b"Transfer-Encoding: gzip\r\n\r\nhello", "编码"),
        (
            b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 5-9/10\r\nContent-Length: 5\r\n\r\nhello",
            "答非所问",
        ),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "答非所问"),
        (HEAD + b"Content-Length: 999999\r\n\r\nhello", "只收到 5 字节"),
        (HEAD + b"X: y\r\n" * 200 + b"\r\nhello", "连接不上"),
        (HEAD + b"X: " + b"y" * 90_000 + b"\r\n\r\nhello", "连接不上"),
        (b"\x1b[31mno http\r\n\r\n", "连接不上"),
        (b"HTTP/1.1 302 Found\r\nLocation: /x.osm.pbf\r\nContent-Length: 0\r\n\r\n", "302"),
    ],
)
def test_answers_that_lie_end_in_words(tmp_path: Path, answer: bytes, message: str) -> None:
    with dripping([answer]) as url, pytest.raises(DownloadError, match=message) as told:
        download_extract(url, tmp_path / "x.osm.pbf", attempts=1, timeout_seconds=2.0)
    assert "\x1b" not in str(told.value)
    assert not (tmp_path / "x.osm.pbf").exists()


@pytest.mark.parametrize("length", [b"-5", b"x", b"\xb2", b"5, 6", b"9" * 5000], ids=range(5))
def test_a_length_that_is_none_says_nothing(tmp_path: Path, length: bytes) -> None:
    with dripping([HEAD + b"Content-Length: " + length + b"\r\n\r\nhello"]) as url:
        result = download_extract(url, tmp_path / "x.osm.pbf", attempts=1, timeout_seconds=2.0)
    assert result.path.read_bytes() == b"hello"


def test_a_version_mark_that_is_no_header_is_not_sent_back(server: Server, tmp_path: Path) -> None:
    note = {"url": server.url, "validator": "a\r\nX-Evil: 1"}
    for validator in (note["validator"], 7, ["x"], "x" * 900, "é"):
        (tmp_path / "x.osm.pbf.part").write_bytes(b"something")
        text = json.dumps({**note, "validator": validator})
        (tmp_path / "x.osm.pbf.part.json").write_text(text, encoding="utf-8")
        assert fetch(server, tmp_path).path.read_bytes() == CONTENT
        assert server.requests[-1][1] is None


@pytest.mark.parametrize("text", ["[" * 50_000, " " * 200_000, "[]", "null", '{"url": 1}'])
def test_a_note_of_any_kind_means_a_fresh_start(server: Server, tmp_path: Path, text: str) -> None:
    (tmp_path / "x.osm.pbf.part").write_bytes(b"something")
    (tmp_path / "x.osm.pbf.part.json").write_text(text, encoding="utf-8")
    assert fetch(server, tmp_path).path.read_bytes() == CONTENT


def test_links_and_folders_in_the_place_of_the_parts_are_not_followed(server: Server, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    for name in ("x.osm.pbf.part", "x.osm.pbf.part.json"):
        (tmp_path / name).symlink_to(victim)
    assert fetch(server, tmp_path).path.read_bytes() == CONTENT
    assert victim.read_bytes() == b"precious"
    for name in ("x.osm.pbf.part", "x.osm.pbf.part.json", "x.osm.pbf"):
        (tmp_path / name).unlink(missing_ok=True)
        (tmp_path / name).mkdir()
        with pytest.raises(DownloadError, match=rf"mv .*{name}"):
            fetch(server, tmp_path)
        (tmp_path / name).rmdir()


def test_a_full_disk_is_told_and_the_part_kept(server: Server, tmp_path: Path) -> None:
    with no_file_larger_than(500_000), pytest.raises(DownloadError, match=r"无法写入.*腾出空间"):
        fetch(server, tmp_path, attempts=1)
    assert not (tmp_path / "x.osm.pbf").exists()
    assert fetch(server, tmp_path, checksum=".md5").path.read_bytes() == CONTENT
