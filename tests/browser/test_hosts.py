"""Names that lead here without being ours, and uploads for another's page: real browsers, real sockets."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Response
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from server.uploads import COOKIE
from tests.browser.harness import LAUNCH
from tests.serving import ROOT, address_of, program

EVIL = "evil.example"
UPLOADED = "/_stcore/upload_file/"
FACILITIES = "名称,类型,经度,纬度\n甲医院,综合医院,118.7969,32.0603\n"
# Keeps a page's WebSockets at hand, to cut them as a network would.
KEEP_SOCKETS = """
const Real = window.WebSocket;
window.sockets = [];
window.WebSocket = class extends Real {
  constructor(...given) { super(...given); window.sockets.push(this); }
};
"""


@pytest.fixture(scope="module")
def rebound(playwright: Playwright) -> Iterator[Browser]:
    """Return a browser for which a foreign name leads to this machine."""
    rules = f"MAP {EVIL} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
    arguments = [word for word in LAUNCH["args"] if not word.startswith("--host-resolver-rules")]
    launched = playwright.chromium.launch(
        **{**LAUNCH, "args": [*arguments, f"--host-resolver-rules={rules}"]}
    )
    yield launched
    launched.close()


@pytest.fixture
def context(rebound: Browser) -> Iterator[BrowserContext]:
    made = rebound.new_context()
    made.set_default_timeout(60_000)
    yield made
    made.close()


def settle(page: Page) -> None:
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', state="attached")
    page.wait_for_selector('[data-testid="stSkeleton"]', state="detached")


def open_import(context: BrowserContext, server: str) -> Page:
    page = context.new_page()
    page.add_init_script(KEEP_SOCKETS)
    page.goto(f"{server}/data-import?import_kind=facilities")
    settle(page)
    return page


def upload(page: Page, folder: Path, name: str = "设施.csv") -> Response:
    path = folder / name
    path.write_text(FACILITIES, encoding="utf-8")
    with page.expect_response(lambda got: UPLOADED in got.url and got.request.method == "PUT") as sent:
        page.set_input_files("input[type=file]", path)
    return sent.value


# names


def test_a_foreign_name_that_leads_here_gets_words_and_no_websocket(
    context: BrowserContext, server: str
) -> None:
    port = urlsplit(server).port
    page = context.new_page()
    opened: list[str] = []
    page.on("websocket", lambda made: opened.append(made.url))
    answer = page.goto(f"http://{EVIL}:{port}/")
    assert answer is not None
    assert answer.status == 421
    assert f"本服务器不以“{EVIL}:{port}”这个名字应答" in page.inner_text("body")
    assert opened == []
    for path in ("/healthz", "/_stcore/health", "/ogc/", "/assets/own/map.js"):
        assert page.evaluate("async path => (await fetch(path)).status", path) == 421
    ended = page.evaluate(
        """url => new Promise(done => {
             const made = new WebSocket(url);
             made.onopen = () => done('open');
             made.onclose = () => done('closed');
           })""",
        f"ws://{EVIL}:{port}/_stcore/stream",
    )
    assert ended == "closed"


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_pages_run_by_the_names_of_this_machine(context: BrowserContext, server: str, name: str) -> None:
    page = context.new_page()
    page.goto(f"http://{name}:{urlsplit(server).port}/")
    settle(page)
    assert page.title().endswith("苏图")


def _socket(server: str, **options: Any) -> ClientConnection:
    made: ClientConnection = connect(
        f"{server.replace('http', 'ws', 1)}/_stcore/stream", proxy=None, **options
    )
    return made


@pytest.mark.parametrize("origin", [None, "null", f"http://{EVIL}", "http://127.0.0.1:1", "http://localhost"])
def test_a_websocket_of_another_origin_is_refused(server: str, origin: str | None) -> None:
    with pytest.raises(InvalidStatus) as refused:
        _socket(server, origin=origin)
    assert refused.value.response.status_code == 421
    assert "本服务器不应答" in refused.value.response.body.decode()


def test_a_websocket_by_another_name_is_refused(server: str) -> None:
    here = urlsplit(server)
    with (
        socket.create_connection((here.hostname, here.port)) as wire,
        pytest.raises(InvalidStatus) as refused,
    ):
        name = f"{EVIL}:{here.port}"
        origin = Origin(f"http://{name}")
        connect(f"ws://{name}/_stcore/stream", sock=wire, origin=origin, proxy=None)
    assert refused.value.response.status_code == 421


def test_a_websocket_of_ours_is_opened(server: str) -> None:
    with _socket(server, origin=server) as made:
        assert made.state.name == "OPEN"


# uploads


def test_each_tab_of_a_browser_uploads_and_goes_on_when_its_connection_was_cut(
    context: BrowserContext, server: str, tmp_path: Path
) -> None:
    first, second = open_import(context, server), open_import(context, server)
    before = upload(first, tmp_path)
    assert before.status == 204
    assert upload(second, tmp_path).status == 204
    (kept,) = (found for found in context.cookies() if found["name"] == COOKIE)
    assert kept["httpOnly"]
    assert kept["sameSite"] == "Strict"
    first.evaluate("window.sockets.forEach(socket => socket.close())")
    first.wait_for_function("window.sockets.length > 1 && window.sockets.at(-1).readyState === 1")
    first.wait_for_selector('[data-testid="stApp"][data-test-connection-state="CONNECTED"]')
    settle(first)
    again = upload(first, tmp_path, "另一份.csv")
    assert again.status == 204
    assert _session(again) == _session(before), "it is the same session"


def _session(uploaded: Response) -> str:
    return uploaded.url.split("/")[-2]


def test_a_visit_by_a_link_from_elsewhere_leaves_the_other_tabs_their_uploads(
    context: BrowserContext, server: str, tmp_path: Path
) -> None:
    first = open_import(context, server)
    elsewhere = context.new_page()
    elsewhere.goto(f"http://{EVIL}:{urlsplit(server).port}/")
    elsewhere.evaluate("url => { location.href = url; }", f"{server}/data-import?import_kind=facilities")
    elsewhere.wait_for_url(f"{server}/**")
    settle(elsewhere)
    assert upload(elsewhere, tmp_path).status == 204
    assert upload(first, tmp_path).status == 204


def test_another_browser_uploads_nothing_for_this_one(
    rebound: Browser, context: BrowserContext, server: str, tmp_path: Path
) -> None:
    page = open_import(context, server)
    address = upload(page, tmp_path).url
    theirs = rebound.new_context()
    try:
        other = open_import(theirs, server)
        put = """async ([address, method]) => {
            const form = new FormData();
            form.append('file', new Blob(['x']), 'x.csv');
            const token = document.cookie.match(/_streamlit_xsrf=([^;]*)/)[1];
            const body = method === 'PUT' ? form : undefined;
            const answer = await fetch(address, {method, body, headers: {'X-Xsrftoken': token}});
            return [answer.status, await answer.text()];
        }"""
        for method in ("PUT", "DELETE"):
            status, words = other.evaluate(put, [address, method])
            assert status == 403
            assert "不属于本浏览器" in words
            theirs_to_mine = page.evaluate(put, [address, method])
            assert theirs_to_mine[0] == 204
        theirs.clear_cookies(name=COOKIE)
        own = upload(other, tmp_path)
        assert own.status == 403, "without its cookie it has no session"
    finally:
        theirs.close()


def _first_session(made: ClientConnection) -> str:
    """Return the session that a WebSocket was given."""
    asked = BackMsg()
    asked.rerun_script.query_string = ""
    made.send(asked.SerializeToString())
    while True:
        told = ForwardMsg()
        told.ParseFromString(made.recv(timeout=60, decode=False))
        if told.WhichOneof("type") == "new_session":
            return str(told.new_session.initialize.session_id)


def _resume(server: str, session: str, cookie: str | None) -> ClientConnection:
    headers = {"Cookie": f"{COOKIE}={cookie}"} if cookie else {}
    return _socket(
        server, origin=server, subprotocols=["streamlit", "no-token", session], additional_headers=headers
    )


def test_a_session_is_resumed_by_its_own_browser_only(server: str) -> None:
    mine, other = "m" * 43, "o" * 43
    with _socket(server, origin=server, additional_headers={"Cookie": f"{COOKIE}={mine}"}) as made:
        session = _first_session(made)
        for cookie in (other, None):
            with _resume(server, session, cookie) as thief:
                assert _first_session(thief) != session
    with _resume(server, session, other) as thief:
        assert _first_session(thief) != session
    with _resume(server, session, mine) as again:
        assert _first_session(again) == session


# started by hand


def streamlit_run(
    folder: Path, *options: str, **environment: str
) -> AbstractContextManager[subprocess.Popen[str]]:
    command = ["-m", "streamlit", "run", "app.py", "--server.port", "0", *options]
    return program(command, folder, ROOT, **environment)


def _status(address: str, host: str) -> int:
    here = urlsplit(address)
    with socket.create_connection((here.hostname, here.port)) as wire:
        wire.sendall(f"GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        return int(wire.makefile("rb").readline().split()[1])


def test_streamlit_run_is_guarded_as_well(served_data_dir: Path) -> None:
    with streamlit_run(served_data_dir, SUTU_ALLOWED_HOSTS="sutu.example.cn") as process:
        address = address_of(process)
        here = urlsplit(address)
        assert _status(address, f"{here.hostname}:{here.port}") == 200
        assert _status(address, "sutu.example.cn") == 200
        assert _status(address, f"{EVIL}:{here.port}") == 421
        with pytest.raises(InvalidStatus):
            _socket(address, origin=f"http://{EVIL}:{here.port}")
        with _socket(address, origin=address):
            pass


def test_streamlit_run_on_every_address_starts_with_names_only(served_data_dir: Path) -> None:
    with streamlit_run(served_data_dir, "--server.address", "0.0.0.0", SUTU_ALLOWED_HOSTS="") as process:
        told, _ = process.communicate(timeout=120)
        assert process.returncode != 0
        assert "必须写明允许哪些名字" in told
        assert "Traceback" not in told
    with streamlit_run(
        served_data_dir, "--server.address", "0.0.0.0", SUTU_ALLOWED_HOSTS="sutu.example.cn"
    ) as process:
        port = urlsplit(address_of(process)).port
        assert _status(f"http://127.0.0.1:{port}", f"sutu.example.cn:{port}") == 200
        assert _status(f"http://127.0.0.1:{port}", f"127.0.0.1:{port}") == 421
