"""Downloads against a local server: whole or not at all, resumed where they broke off, checked, bounded."""

import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from data.ingest.download import URL_VARIABLE, DownloadResult, download_extract, extract_url
from data.registry.osm_models import load_osm_mapping
from geo.errors import DownloadError, SutuError
from tests.data.extract_server import CONTENT, Server, serving


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
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    assert extract_url(settings) == settings.url
    monkeypatch.setenv(URL_VARIABLE, "http://10.1.2.3/jiangsu.osm.pbf")
    assert extract_url(settings) == "http://10.1.2.3/jiangsu.osm.pbf"
