"""A web server on loopback that serves one extract, and misbehaves when told to."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

CONTENT = np.random.default_rng(1).bytes(3_000_000)


class Server:
    """What the local server serves, how it misbehaves, and what it was asked."""

    def __init__(self) -> None:
        self.content = CONTENT
        self.etag = '"v1"'
        self.last_modified = ""
        self.ranges = True
        self.cut_after: list[int] = []
        self.wrong_start = 0
        self.status = 200
        self.length = True
        self.redirect = ""
        self.checksum = f"{hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()}  jiangsu-260310.osm.pbf\n"
        self.requests: list[tuple[str, str | None]] = []
        self.url = ""

    def respond(self, request: BaseHTTPRequestHandler) -> None:
        self.requests.append((request.path, request.headers.get("Range")))
        if request.path.endswith((".md5", ".sha256")):
            self._send(request, 200, self.checksum.encode(), {})
        elif self.redirect:
            self._send(request, 302, b"", {"Location": self.redirect})
            self.redirect = ""
        elif self.status != 200:
            self._send(request, self.status, b"no", {})
        else:
            self._send_content(request)

    def _send_content(self, request: BaseHTTPRequestHandler) -> None:
        headers = {"ETag": self.etag} if self.etag else {}
        if self.last_modified:
            headers["Last-Modified"] = self.last_modified
        wanted = request.headers.get("Range")
        unchanged = request.headers.get("If-Range") in {self.etag, self.last_modified}
        if not (self.ranges and wanted and unchanged):
            self._send(request, 200, self.content, headers)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) + self.wrong_start
        total = len(self.content)
        if start >= total:
            self._send(request, 416, b"", headers | {"Content-Range": f"bytes */{total}"})
        else:
            headers["Content-Range"] = f"bytes {start}-{total - 1}/{total}"
            self._send(request, 206, self.content[start:], headers)

    def _send(
        self, request: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str]
    ) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        if self.length:
            request.send_header("Content-Length", str(len(body)))
        request.send_header("Connection", "close")
        request.end_headers()
        if self.cut_after and len(body) > 1000:
            body = body[: self.cut_after.pop(0)]
        # Whoever has had enough (a file over the limit) closes the connection.
        with suppress(ConnectionError):
            request.wfile.write(body)
        request.close_connection = True


@contextmanager
def serving(state: Server) -> Iterator[Server]:
    """Serve on a free port of loopback within the block; ``state.url`` is the address of the extract."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.respond(self)

        def log_message(self, *_: object) -> None:
            """Keep the tests' output quiet."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.url = f"http://127.0.0.1:{httpd.server_port}/china/jiangsu-latest.osm.pbf"
    try:
        yield state
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()
