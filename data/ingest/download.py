"""Fetch an extract over HTTP: with progress, resumed where it broke off, checked, in place only when whole.

What has arrived is kept in ``NAME.part`` beside the target, with ``NAME.part.json`` saying which version of
which address it belongs to; a later call continues there when the server still has that version, and begins
again otherwise. Only http and https, within one scheme, host and port (``data.ingest.web``), in bounded time;
neither file is followed where it is a link.
"""

import hashlib
import http
import json
import os
import re
import time
import urllib.error
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from data.ingest.web import (
    Answer,
    Interrupted,
    Watch,
    ask,
    make_opener,
    origin,
    shown,
    web_address,
)
from data.registry.environment import OSM_EXTRACT_URL
from data.registry.osm_models import ExtractSettings
from data.store.files import disk_is_full, in_words, read_json
from geo.errors import DownloadError

__all__ = [
    "DownloadResult",
    "checksum_address",
    "download_extract",
    "extract_url",
    "file_name",
]

Progress = Callable[[int, int | None], None]
"""Called with the bytes that have arrived and the total, if the server says it."""

TOTAL_SECONDS = 6 * 3600.0
"""How long one call may take in all; the next goes on where it ended."""

_CHUNK_BYTES = 1024**2
_CHECKSUM_BYTES = 4096
_NOTE_BYTES = 65_536
_ALGORITHMS = {32: "md5", 64: "sha256", 128: "sha512"}
_DIGEST = re.compile(r"\b([0-9a-f]{128}|[0-9a-f]{64}|[0-9a-f]{32})\b", re.IGNORECASE)
_CONTENT_RANGE = re.compile(r"bytes (?:([0-9]{1,15})-([0-9]{1,15})|\*)/([0-9]{1,15})")
_LENGTH = re.compile(r"[0-9]{1,15}")
_VALIDATOR = re.compile(r"[ -~]{1,200}")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.pbf")
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


def extract_url(settings: ExtractSettings) -> str:
    """Return the address of the extract: the environment's (``OSM_EXTRACT_URL``), else the registry's."""
    return OSM_EXTRACT_URL.value() or settings.url


def file_name(url: str) -> str:
    """Return the name to keep an extract under: the address's last part if it is a plain name, else ours."""
    last = urlsplit(url).path.rpartition("/")[2]
    return last if _FILE_NAME.fullmatch(last) else "extract.osm.pbf"


def checksum_address(url: str, suffix: str) -> str:
    """Return the address of the checksum file: the suffix belongs to the path, not to a query."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, parts.path + suffix, parts.query, ""))


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
    total_seconds: float = TOTAL_SECONDS,
) -> DownloadResult:
    """Fetch ``url`` into ``target`` and return what was fetched.

    A transfer that breaks off is continued up to ``attempts`` times in all, ``wait_seconds`` apart and
    doubling; after that ``DownloadError`` is raised and the next call goes on from there. The same for one
    that hardly moves for ``timeout_seconds``, and after ``total_seconds`` for all of it. With
    ``checksum_url`` (a text with an MD5, SHA-256 or SHA-512 digest at the same host, fetched first) the
    content must match, or it is thrown away. More than ``max_bytes`` are never written. ``target`` appears,
    or is replaced, only by the whole and checked file.
    """
    watch = Watch(timeout_seconds, total_seconds)
    transfer = _Transfer(url, target, progress, max_bytes, watch)
    try:
        expected = _expected_digest(transfer, checksum_url) if checksum_url else None
        target.parent.mkdir(parents=True, exist_ok=True)
        transfer.require_place()
        _fetch_all(transfer, attempts, wait_seconds)
        if expected:
            _verify(transfer, expected)
        size = transfer.part.stat().st_size
        transfer.finish()
    except DownloadError:
        raise
    except OSError as fault:
        more = "腾出空间后再运行一次，将从断点继续。" if disk_is_full(fault) else "请检查磁盘和权限。"
        raise DownloadError(f"无法写入 {target}：{in_words(fault)}。{more}") from fault
    return DownloadResult(target, size, transfer.kept_from, ":".join(expected) if expected else None)


def _fetch_all(transfer: "_Transfer", attempts: int, wait_seconds: float) -> None:
    """Fetch until everything is here; ``DownloadError`` when the attempts or the time are used up."""
    for attempt in range(attempts):
        try:
            transfer.fetch()
            return
        except Interrupted as error:
            if attempt + 1 == attempts or transfer.watch.is_over:
                raise DownloadError(
                    f"下载中断（{error}），已收到 {transfer.arrived() / _MIB:,.1f} MiB。"
                    "请检查网络后再运行一次，将从断点继续。"
                ) from error
            time.sleep(min(wait_seconds * 2**attempt, transfer.watch.timeout()))


class _Transfer:
    """One file on its way: the part that has arrived and the version it belongs to."""

    def __init__(
        self, url: str, target: Path, progress: Progress | None, max_bytes: int, watch: Watch
    ) -> None:
        self.url = web_address(url)
        self.target = target
        self.part = target.with_name(target.name + ".part")
        self.note = target.with_name(target.name + ".part.json")
        self.progress = progress
        self.max_bytes = max_bytes
        self.watch = watch
        self.opener = make_opener(watch)
        self.kept_from = self.arrived()

    def arrived(self) -> int:
        """Return how many bytes of this address are here and can be continued."""
        whole = self.part.is_file() and not self.part.is_symlink()
        return self.part.stat().st_size if whole and self._validator() else 0

    def require_place(self) -> None:
        """Make sure that the three files can stand where they belong; links go, and not what they lead to."""
        for path in (self.target, self.part, self.note):
            if path.is_dir() and not path.is_symlink():
                raise DownloadError(
                    f"{path} 是文件夹，下载的文件放不下。请把它移走（mv {path} {path}.old）。"
                )
        for path in (self.part, self.note):
            if path.is_symlink() or (path.exists() and not path.is_file()):
                path.unlink()

    def _validator(self) -> str:
        """Return the mark of the version that has arrived, empty when there is none to go on with."""
        try:
            noted: Any = read_json(self.note, most=_NOTE_BYTES)
        except (OSError, ValueError):
            return ""
        if not isinstance(noted, dict) or noted.get("url") != self.url:
            return ""
        return _fit_validator(noted.get("validator"))

    def fetch(self) -> None:
        """Fetch what is missing; raise ``Interrupted`` when it broke off, ``DownloadError`` for good."""
        offset = self.arrived()
        headers = {"Range": f"bytes={offset}-", "If-Range": self._validator()} if offset else {}
        with self.watch.over():
            try:
                with ask(self.opener, self.url, headers, self.watch) as answer:
                    self._receive(answer, offset)
            except urllib.error.HTTPError as error:
                with error:
                    self._refused(error, offset)

    def _refused(self, error: urllib.error.HTTPError, offset: int) -> None:
        """Act on an error status: 416 may mean that everything is here, 5xx that it is worth another try."""
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and offset:
            match = _CONTENT_RANGE.fullmatch(error.headers.get("Content-Range", ""))
            if match and int(match[3]) == offset:
                return
            self.discard()
            raise Interrupted("服务器上的文件已更换") from error
        if error.code >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Interrupted(f"服务器出错，状态码 {error.code}") from error
        reasons = {404: "地址上没有这个文件", 401: "需要登录", 403: "没有权限", 410: "文件已撤下"}
        reason = reasons.get(error.code, "服务器拒绝了请求")
        raise DownloadError(
            f"无法下载 {shown(self.url)}：{reason}（状态码 {error.code}）。"
            f"请检查地址，或用 {OSM_EXTRACT_URL} 指定别的地址。"
        ) from error

    def _receive(self, answer: Answer, offset: int) -> None:
        """Write the body after what has arrived, or from the start when the server sends it whole."""
        if answer.status == http.HTTPStatus.PARTIAL_CONTENT and offset:
            total: int | None = self._continued(answer, offset)
        elif answer.status == http.HTTPStatus.OK:
            offset, total = 0, self._restarted(answer)
        else:
            raise DownloadError(
                f"服务器答非所问（状态码 {answer.status}），没有送来完整的文件。请检查下载地址。"
            )
        self._check_size(total or 0)
        self._write(answer, offset, total)

    def _continued(self, answer: Answer, offset: int) -> int:
        """Return the total size when the server goes on with the same version at ``offset``."""
        match = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        validator = self._validator()
        same = validator in {answer.headers.get("ETag", validator), answer.headers.get("Last-Modified")}
        if not same or not match or match[1] is None or int(match[1]) != offset:
            self.discard()
            raise Interrupted("服务器没有从断点处继续")
        if not offset <= int(match[2]) < int(match[3]):
            self.discard()
            raise Interrupted("服务器所说的范围不合理")
        return int(match[3])

    def _restarted(self, answer: Answer) -> int | None:
        """Note the version the server now sends from the start, and return its size if it says so."""
        self.kept_from = 0
        etag = answer.headers.get("ETag", "")
        # A weak ETag does not promise the same bytes: it is no ground to continue on.
        validator = _fit_validator(etag if etag.startswith('"') else answer.headers.get("Last-Modified"))
        text = json.dumps({"url": self.url, "validator": validator})
        with os.fdopen(_own_file(self.note, os.O_WRONLY | os.O_TRUNC), "w", encoding="utf-8") as handle:
            handle.write(text)
        length = answer.headers.get("Content-Length", "")
        return int(length) if _LENGTH.fullmatch(length) else None

    def _write(self, answer: Answer, offset: int, total: int | None) -> None:
        received = offset
        with os.fdopen(_own_file(self.part, os.O_RDWR), "r+b") as handle:
            handle.seek(offset)
            handle.truncate()
            while chunk := answer.read(_CHUNK_BYTES):
                received += len(chunk)
                self._check_size(received)
                if total is not None and received > total:
                    self.discard()
                    raise Interrupted(f"应有 {total} 字节，却收到更多")
                handle.write(chunk)
                if self.progress:
                    self.progress(received, total)
            handle.flush()
            os.fsync(handle.fileno())
        if total is not None and received != total:
            raise Interrupted(f"应有 {total} 字节，只收到 {received} 字节")

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


def _own_file(path: Path, flags: int) -> int:
    """Return the opened file, made when it is not there; a link is refused, not followed."""
    return os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)


def _fit_validator(value: Any) -> str:
    """Return the mark of a version if it can be sent back in a header, else nothing."""
    return value if isinstance(value, str) and _VALIDATOR.fullmatch(value) else ""


def _expected_digest(transfer: _Transfer, checksum_url: str) -> tuple[str, str]:
    """Return (algorithm, hexadecimal digest) from the checksum file, which lies at the file's own host."""
    url, watch = web_address(checksum_url, "校验文件地址"), transfer.watch
    if origin(url) != origin(transfer.url):
        raise DownloadError(f"校验文件地址不合规：{shown(url)}。它要与数据包在同一台主机、同一个端口。")
    try:
        with watch.over(), ask(transfer.opener, url, {}, watch) as answer:
            text = _read_short(answer).decode("ascii", errors="replace")
    except urllib.error.HTTPError as error:
        with error:
            raise DownloadError(
                f"取不到校验文件 {shown(url)}（状态码 {error.code}）。没有校验就不下载；"
                "若该地址确实不提供校验文件，请把 osm_mapping.yaml 的 extract.checksum_suffix 设为空。"
            ) from error
    except Interrupted as error:
        raise DownloadError(f"取不到校验文件 {shown(url)}（{error}）。请检查网络和地址。") from error
    match = _DIGEST.search(text)
    if not match:
        raise DownloadError(f"校验文件 {shown(url)} 里没有 MD5、SHA-256 或 SHA-512 校验值。请检查地址。")
    return _ALGORITHMS[len(match[1])], match[1].lower()


def _read_short(answer: Answer) -> bytes:
    content = b""
    while len(content) < _CHECKSUM_BYTES and (chunk := answer.read(_CHECKSUM_BYTES - len(content))):
        content += chunk
    return content


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
