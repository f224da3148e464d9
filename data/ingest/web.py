"""The one way out of the house: http(s) to the host that was named, watched from connecting to the last byte.

Nothing of the standard library's reach beyond that is built in: no ``file:``, ``ftp:`` or ``data:``, no
cookies, no passwords, and no proxy of the environment's ``http_proxy`` and its kin, which may be meant for
another program; a proxy that is meant is named in ``PROXY_VARIABLE``.
"""

import contextlib
import http.client
import re
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import IO, Any, Final, Self
from urllib.parse import SplitResult, quote, urlsplit

from data.registry.environment import OSM_EXTRACT_URL, OSM_PROXY
from geo.errors import DownloadError

LEAST_BYTES: Final = 65_536
"""How much must arrive in each span of ``timeout_seconds``; a server that drips less is given up."""

_PORTS: Final = {"http": 80, "https": 443}
_HOST: Final = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?|[0-9a-f:.]+", re.IGNORECASE)
_MOST_ADDRESS: Final = 2000
_SHOWN: Final = 200


class Interrupted(Exception):  # noqa: N818 - a state of the transfer, not shown to anybody
    """The transfer broke off and may be continued."""


def shown(text: object) -> str:
    """Return what a server or an address says, fit for a terminal: printable, at most 200 characters."""
    return "".join(sign if sign.isprintable() else "?" for sign in str(text))[:_SHOWN]


def origin(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port of a checked address: what a download stays within."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").rstrip("."), parts.port or _PORTS[parts.scheme]


def web_address(url: str, what: str = "下载地址") -> str:
    """Return an address ready to be asked for: http(s), a plain host, nothing but ASCII.

    Raises ``DownloadError`` for any other scheme, no host or one of other signs (a name in other scripts is
    written ``xn--…``, so that it is seen which one is meant), a user and password, or a port that is none.
    """
    refuse = partial(_refused_address, url, what)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as fault:
        raise refuse("端口或主机写法有误") from fault
    if len(url) > _MOST_ADDRESS or not url.isprintable() or any(sign in url for sign in " \\#"):
        raise refuse("含空格、反斜杠、# 或控制字符，或者太长")
    if parts.scheme not in _PORTS or not parts.hostname:
        raise refuse("只能是以 http:// 或 https:// 开头的完整地址")
    if "@" in parts.netloc:
        raise refuse("地址里不能带用户名和密码")
    if not _HOST.fullmatch(parts.hostname):
        raise refuse("主机名只能用字母、数字、点和连字符；中文域名请写成 xn-- 开头的形式")
    if port == 0:
        raise refuse("端口写法有误")
    path = quote(parts.path, safe="/%:@!$&'()*+,;=~")
    query = quote(parts.query, safe="/%:@!$&'()*+,;=~?")
    return SplitResult(parts.scheme, parts.netloc, path, query, "").geturl()


def _refused_address(url: str, what: str, reason: str) -> DownloadError:
    hidden = re.sub(r"//[^/@]*@", "//…@", url)
    return DownloadError(f"{what}不合规：{shown(hidden)}。{reason}。")


class Watch:
    """Ends an exchange that takes too long or hardly moves, whatever the server does to keep it going.

    A timeout of the socket is not enough: it begins anew with every byte. While ``over`` an exchange, a
    thread looks after each span; when too little has arrived, or the time is up, it shuts the connection,
    and whoever reads from it notices.
    """

    def __init__(self, span_seconds: float, total_seconds: float) -> None:
        """Allow ``total_seconds`` from now on for everything, and ``span_seconds`` without progress.

        ``was_cut`` tells whether the exchange under way was ended by the watch.
        """
        self.span_seconds = span_seconds
        self._ends = time.monotonic() + total_seconds
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self._arrived = 0
        self._slow = False
        self.was_cut = False

    @property
    def is_over(self) -> bool:
        """Whether the time for everything is up."""
        return time.monotonic() >= self._ends

    def count(self, received: int) -> None:
        """Tell that so many bytes have arrived."""
        self._arrived += received

    def timeout(self) -> float:
        """Return how long a single operation may wait."""
        return max(0.01, min(self.span_seconds, self._ends - time.monotonic()))

    def follow(self, connection: socket.socket) -> None:
        """Watch this connection: by a handle of its own, which encryption does not take along."""
        with self._lock:
            self._drop()
            self._connection = connection.dup()

    @contextmanager
    def over(self) -> Iterator[Self]:
        """Watch what is exchanged within the block."""
        self.was_cut = False
        done = threading.Event()
        thread = threading.Thread(target=self._look, args=(done,), daemon=True, name="sutu-download-watch")
        thread.start()
        try:
            yield self
        finally:
            done.set()
            thread.join()
            with self._lock:
                self._drop()

    def why(self, otherwise: str) -> str:
        """Return why an exchange broke off: shut by the watch, or ``otherwise``."""
        if self.is_over:
            return "超过了总时限"
        return f"服务器在 {self.span_seconds:g} 秒里几乎没有送来内容" if self._slow else otherwise

    def _look(self, done: threading.Event) -> None:
        before = self._arrived
        while not done.wait(self.timeout()):
            if self.is_over or self._arrived - before < LEAST_BYTES:
                self._slow, self.was_cut = not self.is_over, True
                with self._lock:
                    if self._connection is not None:
                        with contextlib.suppress(OSError):
                            self._connection.shutdown(socket.SHUT_RDWR)
            before = self._arrived

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _WithinOrigin(urllib.request.HTTPRedirectHandler):
    """Follows redirects to another path, and from http to https on the usual ports; nowhere else."""

    max_redirections = 5
    max_repeats = 2

    def redirect_request(  # noqa: PLR0917 - the signature of the standard library
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """Return the next request; raise ``DownloadError`` when it leads elsewhere."""
        before, after = origin(req.full_url), origin(web_address(newurl, "服务器要求转到的地址"))
        upgrade = (before[0], before[2], after[0], after[2]) == ("http", 80, "https", 443)
        if before != after and not (upgrade and before[1] == after[1]):
            raise DownloadError(
                f"下载地址要求转到别处（{after[0]}://{shown(after[1])}:{after[2]}），已拒绝。"
                f"如果信任该地址，请把 {OSM_EXTRACT_URL} 直接设为它。"
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _handlers(watch: Watch) -> list[urllib.request.BaseHandler]:
    """Return what opens http and https, each connection followed by the watch."""

    def connect(*arguments: Any, **options: Any) -> socket.socket:
        made = socket.create_connection(*arguments, **options)
        watch.follow(made)
        return made

    def followed(kind: type[http.client.HTTPConnection], *arguments: Any, **options: Any) -> Any:
        connection = kind(*arguments, **options)
        connection._create_connection = connect  # type: ignore[attr-defined]
        return connection

    class Http(urllib.request.HTTPHandler):
        def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(partial(followed, http.client.HTTPConnection), req)

    class Https(urllib.request.HTTPSHandler):
        def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(partial(followed, http.client.HTTPSConnection), req)

    return [Http(), Https()]


def make_opener(watch: Watch) -> urllib.request.OpenerDirector:
    """Return what opens web addresses and nothing else; ``DownloadError`` for a proxy that is none."""
    proxy = OSM_PROXY.value()
    proxies = dict.fromkeys(_PORTS, web_address(proxy, f"代理地址（{OSM_PROXY}）")) if proxy else {}
    opener = urllib.request.OpenerDirector()
    for handler in (
        *([urllib.request.ProxyHandler(proxies)] if proxies else []),
        *_handlers(watch),
        _WithinOrigin(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
    ):
        opener.add_handler(handler)
    opener.addheaders = []
    return opener


class Answer:
    """An answer of the server, read piece by piece as it comes."""

    def __init__(self, response: http.client.HTTPResponse, watch: Watch) -> None:
        """Read from an open response; ``status`` and ``headers`` are what the server sent first."""
        self.status: int = response.status
        self.headers = response.headers
        self._response, self._watch = response, watch

    def read(self, most: int) -> bytes:
        """Return what has come, at most so many bytes, nothing at the end; ``Interrupted`` when it breaks."""
        try:
            chunk = self._response.read1(most)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise Interrupted(self._watch.why(f"连接中断：{shown(error)}")) from error
        if not chunk and self._watch.was_cut:
            # What the watch cut off looks like an end.
            raise Interrupted(self._watch.why("连接中断"))
        self._watch.count(len(chunk))
        return chunk

    def __enter__(self) -> Self:
        """Return the answer itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self._response.close()


def ask(opener: urllib.request.OpenerDirector, url: str, headers: dict[str, str], watch: Watch) -> Answer:
    """Open a checked address within ``watch.over()``.

    Failures of the connection become ``Interrupted``, an error status ``urllib.error.HTTPError``. A body that
    is packed, or framed in another way than http defines, is a ``DownloadError``: its size would say nothing.
    """
    request = urllib.request.Request(  # noqa: S310 - the scheme was checked
        url, headers={"Accept-Encoding": "identity", "User-Agent": "sutu", **headers}
    )
    try:
        response: http.client.HTTPResponse = opener.open(request, timeout=watch.timeout())
    except (urllib.error.HTTPError, DownloadError):
        raise
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = f"连接不上服务器：{shown(getattr(error, 'reason', error))}"
        raise Interrupted(watch.why(reason)) from error
    for name, plain in (("Content-Encoding", "identity"), ("Transfer-Encoding", "chunked")):
        if (response.headers.get(name) or plain).strip().lower() != plain:
            with response:
                raise DownloadError(
                    f"服务器送来的内容经过另外的编码（{name}: {shown(response.headers[name])}），已拒绝。"
                    "请换一个直接提供文件的地址。"
                )
    return Answer(response, watch)
