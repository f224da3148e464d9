"""Fetch an extract over HTTP: with progress, resumed where it broke off, checked, in place only when whole.

What has arrived is kept in ``NAME.part`` beside the target, with ``NAME.part.json`` saying which version of
which address it belongs to; a later call continues there when the server still has that version, and begins
again otherwise. Only http and https; a redirect may lead to another path or from http to https, never to
another host.
"""

import hashlib
import http.client
import json
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from data.registry.osm_models import ExtractSettings
from geo.errors import DownloadError

URL_VARIABLE = "SUTU_OSM_EXTRACT_URL"
"""Environment variable that names another address, such as a mirror on the intranet."""

Progress = Callable[[int, int | None], None]
"""Called with the bytes that have arrived and the total, if the server says it."""

_CHUNK_BYTES = 1024**2
_CHECKSUM_BYTES = 4096
_ALGORITHMS = {32: "md5", 64: "sha256", 128: "sha512"}
_DIGEST = re.compile(r"\b([0-9a-f]{128}|[0-9a-f]{64}|[0-9a-f]{32})\b", re.IGNORECASE)
_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+)")
_MIB = 1024**2


@dataclass(frozen=True)
class DownloadResult:
    """A file in place: its path, size in bytes, how many of them an earlier call had fetched, and the
    checksum that was verified (``md5:…``), if any.
    """

    path: Path
    size: int
    resumed_from: int
    checksum: str | None


class _Interrupted(Exception):  # noqa: N818 - a state of the transfer, not shown to anybody
    """The transfer broke off and may be continued."""


class _SameHostRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects within one host and never from https to http."""

    def redirect_request(  # noqa: PLR0917 - the signature of the standard library
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """Return the next request; raise ``DownloadError`` when it leads elsewhere."""
        before, after = urlsplit(req.full_url), urlsplit(newurl)
        if after.hostname != before.hostname or after.scheme not in {before.scheme, "https"}:
            raise DownloadError(
                f"下载地址要求转到另一台主机（{after.scheme}://{after.hostname or ''}），已拒绝。"
                f"如果信任该地址，请把 {URL_VARIABLE} 直接设为它。"
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def extract_url(settings: ExtractSettings) -> str:
    """Return the address of the extract: the environment's (``URL_VARIABLE``), else the registry's."""
    return os.environ.get(URL_VARIABLE) or settings.url


def download_extract(
    url: str,
    target: Path,
    progress: Progress | None = None,
    *,
    checksum_url: str | None = None,
    max_bytes: int = 4 * 1024**3,
    attempts: int = 4,
    wait_seconds: float = 2.0,
    timeout_seconds: float = 60.0,
) -> DownloadResult:
    """Fetch ``url`` into ``target`` and return what was fetched.

    A transfer that breaks off is continued up to ``attempts`` times in all, ``wait_seconds`` apart and
    doubling; after that ``DownloadError`` is raised and the next call goes on from there. With
    ``checksum_url`` (a text with an MD5, SHA-256 or SHA-512 digest, fetched first) the content must match, or
    it is thrown away. More than ``max_bytes`` are never written. ``target`` appears, or is replaced, only by
    the whole and checked file.
    """
    transfer = _Transfer(url, target, progress, max_bytes, timeout_seconds)
    expected = _expected_digest(transfer.opener, checksum_url, timeout_seconds) if checksum_url else None
    target.parent.mkdir(parents=True, exist_ok=True)
    for attempt in range(attempts):
        try:
            transfer.fetch()
            break
        except _Interrupted as error:
            if attempt + 1 == attempts:
                raise DownloadError(
                    f"下载中断（{error}），已收到 {transfer.arrived() / _MIB:,.1f} MiB。"
                    "请检查网络后再运行一次，将从断点继续。"
                ) from error
            time.sleep(wait_seconds * 2**attempt)
    if expected:
        _verify(transfer, expected)
    size = transfer.part.stat().st_size
    transfer.finish()
    return DownloadResult(target, size, transfer.kept_from, ":".join(expected) if expected else None)


class _Transfer:
    """One file on its way: the part that has arrived and the version it belongs to."""

    def __init__(
        self, url: str, target: Path, progress: Progress | None, max_bytes: int, timeout_seconds: float
    ) -> None:
        if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
            raise DownloadError(f"下载地址不合规：{url}。只能是以 http:// 或 https:// 开头的完整地址。")
        self.url = url
        self.target = target
        self.part = target.with_name(target.name + ".part")
        self.note = target.with_name(target.name + ".part.json")
        self.progress = progress
        self.max_bytes = max_bytes
        self.timeout_seconds = timeout_seconds
        self.opener = urllib.request.build_opener(_SameHostRedirects())
        self.kept_from = self.arrived()

    def arrived(self) -> int:
        """Return how many bytes of this address are here and can be continued."""
        validator = self._noted().get("validator")
        return self.part.stat().st_size if validator and self.part.exists() else 0

    def _noted(self) -> dict[str, Any]:
        try:
            noted = json.loads(self.note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return noted if isinstance(noted, dict) and noted.get("url") == self.url else {}

    def fetch(self) -> None:
        """Fetch what is missing; raise ``_Interrupted`` when it broke off, ``DownloadError`` for good."""
        offset = self.arrived()
        headers = {"Accept-Encoding": "identity", "User-Agent": "sutu"}
        if offset:
            headers |= {"Range": f"bytes={offset}-", "If-Range": self._noted()["validator"]}
        try:
            with _open(self.opener, self.url, headers, self.timeout_seconds) as response:
                self._receive(response, offset)
        except urllib.error.HTTPError as error:
            with error:
                self._refused(error, offset)

    def _refused(self, error: urllib.error.HTTPError, offset: int) -> None:
        """Act on an error status: 416 may mean that everything is here, 5xx that it is worth another try."""
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and offset:
            match = _CONTENT_RANGE.match(error.headers.get("Content-Range", ""))
            if match and int(match[2]) == offset:
                return
            self.discard()
            raise _Interrupted("服务器上的文件已更换") from error
        if error.code >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
            raise _Interrupted(f"服务器出错，状态码 {error.code}") from error
        reasons = {404: "地址上没有这个文件", 401: "需要登录", 403: "没有权限", 410: "文件已撤下"}
        reason = reasons.get(error.code, "服务器拒绝了请求")
        raise DownloadError(
            f"无法下载 {self.url}：{reason}（状态码 {error.code}）。"
            f"请检查地址，或用 {URL_VARIABLE} 指定别的地址。"
        ) from error

    def _receive(self, response: http.client.HTTPResponse, offset: int) -> None:
        """Write the body after what has arrived, or from the start when the server sends it whole."""
        if response.status == http.HTTPStatus.PARTIAL_CONTENT:
            total: int | None = self._continued(response, offset)
        else:
            offset, total = 0, self._restarted(response)
        self._check_size(total or 0)
        self._write(response, offset, total)

    def _continued(self, response: http.client.HTTPResponse, offset: int) -> int:
        """Return the total size when the server goes on with the same version at ``offset``."""
        match = _CONTENT_RANGE.match(response.headers.get("Content-Range", ""))
        validator = self._noted()["validator"]
        same = validator in {response.headers.get("ETag", validator), response.headers.get("Last-Modified")}
        if not same or not match or match[1] is None or int(match[1]) != offset:
            self.discard()
            raise _Interrupted("服务器没有从断点处继续")
        return int(match[2])

    def _restarted(self, response: http.client.HTTPResponse) -> int | None:
        """Note the version the server now sends from the start, and return its size if it says so."""
        self.kept_from = 0
        etag = response.headers.get("ETag", "")
        # A weak ETag does not promise the same bytes: it is no ground to continue on.
        validator = etag if etag.startswith('"') else response.headers.get("Last-Modified")
        self.note.write_text(json.dumps({"url": self.url, "validator": validator}), encoding="utf-8")
        length = response.headers.get("Content-Length", "")
        return int(length) if length.isdecimal() else None

    def _write(self, response: http.client.HTTPResponse, offset: int, total: int | None) -> None:
        received = offset
        with self.part.open("r+b" if offset else "wb") as handle:
            handle.seek(offset)
            handle.truncate()
            while chunk := _read(response):
                received += len(chunk)
                self._check_size(received)
                handle.write(chunk)
                if self.progress:
                    self.progress(received, total)
            handle.flush()
            os.fsync(handle.fileno())
        if total is not None and received != total:
            raise _Interrupted(f"应有 {total} 字节，只收到 {received} 字节")

    def _check_size(self, size: int) -> None:
        """Raise ``DownloadError`` and keep nothing when the file is larger than allowed."""
        if size > self.max_bytes:
            self.discard()
            raise DownloadError(
                f"文件超过上限 {self.max_bytes / _MIB:,.1f} MiB，已停止下载。"
                "请确认地址是江苏省的数据包，或在 osm_mapping.yaml 的 extract.max_bytes 里调高上限。"
            )

    def discard(self) -> None:
        """Throw away what has arrived."""
        self.part.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)
        self.kept_from = 0

    def finish(self) -> None:
        """Put the whole file in place."""
        self.part.replace(self.target)
        self.note.unlink(missing_ok=True)


def _open(
    opener: urllib.request.OpenerDirector, url: str, headers: dict[str, str], timeout_seconds: float
) -> http.client.HTTPResponse:
    """Open an http(s) address; failures of the connection become ``_Interrupted``."""
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the scheme was checked
    try:
        response: http.client.HTTPResponse = opener.open(request, timeout=timeout_seconds)
    except (urllib.error.HTTPError, DownloadError):
        raise
    except (OSError, http.client.HTTPException) as error:
        raise _Interrupted(f"连接不上服务器：{getattr(error, 'reason', error)}") from error
    return response


def _read(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read(_CHUNK_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise _Interrupted(f"连接中断：{error}") from error


def _expected_digest(
    opener: urllib.request.OpenerDirector, checksum_url: str, timeout_seconds: float
) -> tuple[str, str]:
    """Return (algorithm, hexadecimal digest) from the checksum file."""
    if urlsplit(checksum_url).scheme not in {"http", "https"}:
        raise DownloadError(
            f"校验文件地址不合规：{checksum_url}。只能是以 http:// 或 https:// 开头的完整地址。"
        )
    try:
        with _open(opener, checksum_url, {"User-Agent": "sutu"}, timeout_seconds) as response:
            text = response.read(_CHECKSUM_BYTES).decode("ascii", errors="replace")
    except urllib.error.HTTPError as error:
        with error:
            raise DownloadError(
                f"取不到校验文件 {checksum_url}（状态码 {error.code}）。没有校验就不下载；"
                "若该地址确实不提供校验文件，请把 osm_mapping.yaml 的 extract.checksum_suffix 设为空。"
            ) from error
    except _Interrupted as error:
        raise DownloadError(f"取不到校验文件 {checksum_url}（{error}）。请检查网络和地址。") from error
    match = _DIGEST.search(text)
    if not match:
        raise DownloadError(f"校验文件 {checksum_url} 里没有 MD5、SHA-256 或 SHA-512 校验值。请检查地址。")
    return _ALGORITHMS[len(match[1])], match[1].lower()


def _verify(transfer: _Transfer, expected: tuple[str, str]) -> None:
    """Compare what arrived with the digest; throw it away and raise ``DownloadError`` if it differs."""
    algorithm, digest = expected
    with transfer.part.open("rb") as handle:
        actual = hashlib.file_digest(
            handle, lambda: hashlib.new(algorithm, usedforsecurity=False)
        ).hexdigest()
    if actual != digest:
        transfer.discard()
        raise DownloadError(
            f"下载的文件与校验值不符（{algorithm}，应为 {digest}，实为 {actual}），已丢弃。"
            "可能传输有误，或服务器正在更新，请稍后再试。"
        )
