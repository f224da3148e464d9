"""Who calls the server by another's name, or from another's page, is refused in words, whatever is asked."""

from __future__ import annotations

import pytest
from streamlit import config as streamlit_config
from streamlit.web.server.starlette import starlette_websocket

import app as application
from data.registry.environment import ALLOWED_HOSTS
from server.host_guard import HostGuard
from server.hosts import Allowed, HostNameError, allowed_at, configured
from server.uploads import TRUSTED_HEADERS, UploadGuard
from tests.server.calling import Beyond, Called, Pairs, call

HERE = "127.0.0.1:8501"
SOCKET = "/_stcore/stream"
PATHS = [
    "/",
    "/data-import",
    "/_stcore/health",
    "/_stcore/upload_file/a/b",
    SOCKET,
    "/ogc/",
    "/assets/own/map.js",
    "/static/js/x.js",
    "/component/x/index.html",
    "/media/x",
    "/healthz",
]


def allowed() -> Allowed:
    return allowed_at("127.0.0.1", configured(["sutu.example.cn"]))


@pytest.fixture
def beyond() -> Beyond:
    return Beyond()


@pytest.fixture
def guard(beyond: Beyond, monkeypatch: pytest.MonkeyPatch) -> HostGuard:
    monkeypatch.delenv(ALLOWED_HOSTS.name, raising=False)
    return HostGuard(beyond, allowed)


def socket_of(guard: HostGuard, headers: Pairs, **scope: object) -> Called:
    return call(guard, SOCKET, headers, type="websocket", **scope)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", PATHS)
def test_a_foreign_name_is_misdirected_for_everything(
    guard: HostGuard, beyond: Beyond, path: str, method: str
) -> None:
    answer = call(guard, path, [("host", "evil.example:8501")], method=method)
    assert answer.status == 421
    assert beyond.scopes == []
    assert call(guard, path, [("host", HERE)], method=method).status == 200


def test_the_words_tell_what_was_called_and_what_to_do_but_not_the_names(guard: HostGuard) -> None:
    answer = call(guard, "/", [("host", "evil.example:8501"), ("accept", "text/html")])
    assert "“evil.example:8501”" in answer.text
    for word in ("管理员", "--name", ALLOWED_HOSTS.name):
        assert word in answer.text
    for name in ("sutu.example.cn", "localhost", "127.0.0.1"):
        assert name not in answer.text
    assert answer.header("content-type") == ["text/plain; charset=utf-8"]
    assert answer.header("x-content-type-options") == ["nosniff"]
    assert answer.header("cache-control") == ["no-store"]


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("host", "")],
        [("host", HERE), ("host", HERE)],
        [("host", HERE), ("host", "evil.example")],
        [("host", f"{HERE}, evil.example")],
        [("host", f"a@{HERE}")],
        [("host", f"{HERE}/")],
        [("host", "<img src=x onerror=alert(1)>")],
        [("x-forwarded-host", HERE)],
    ],
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_no_one_host_is_a_bad_request_and_is_not_repeated(
    guard: HostGuard, beyond: Beyond, headers: Pairs, kind: str
) -> None:
    answer = call(guard, "/", [*headers, ("origin", f"http://{HERE}")], type=kind)
    assert answer.status == 400
    assert "Host" in answer.text
    assert "<" not in answer.text
    assert "evil" not in answer.text
    assert beyond.scopes == []


def test_a_name_told_on_the_side_does_not_count(guard: HostGuard) -> None:
    headers = [("host", "evil.example"), ("x-forwarded-host", HERE), ("forwarded", f"host={HERE}")]
    assert call(guard, "/", headers).status == 421


@pytest.mark.parametrize(
    ("origins", "told"),
    [
        (["null"], "无法识别"),
        ([""], "无法识别"),
        (["http://evil.example"], "“http://evil.example”"),
        (["http://127.0.0.1:9999"], "“http://127.0.0.1:9999”"),
        ([f"http://{HERE}", f"http://{HERE}"], "无法识别"),
        (["http://<script>alert(1)</script>"], "无法识别"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS"])
def test_a_foreign_origin_is_misdirected(
    guard: HostGuard, beyond: Beyond, origins: list[str], told: str, method: str
) -> None:
    headers = [("host", HERE), *(("origin", origin) for origin in origins)]
    answer = call(guard, "/ogc/", headers, method=method)
    assert answer.status == 421
    assert told in answer.text
    assert "<" not in answer.text
    assert socket_of(guard, headers).status == 421
    assert beyond.scopes == []


@pytest.mark.parametrize("origin", [f"http://{HERE}", "http://localhost:8501", "https://sutu.example.cn"])
def test_an_origin_of_ours_is_answered(guard: HostGuard, origin: str) -> None:
    assert call(guard, "/", [("host", HERE), ("origin", origin)]).status == 200


def test_a_websocket_names_host_and_origin(guard: HostGuard, beyond: Beyond) -> None:
    assert socket_of(guard, [("host", HERE)]).status == 421
    assert socket_of(guard, [("origin", f"http://{HERE}")]).status == 400
    assert socket_of(guard, [("host", "evil.example"), ("origin", f"http://{HERE}")]).status == 421
    assert socket_of(guard, [("host", "evil.example"), ("origin", "http://evil.example")]).status == 421
    assert beyond.scopes == []
    accepted = socket_of(guard, [("host", HERE), ("origin", f"http://{HERE}")])
    assert accepted.messages == [{"type": "websocket.accept"}]


def test_where_a_refused_websocket_cannot_be_answered_it_is_closed(guard: HostGuard) -> None:
    answer = socket_of(guard, [("host", "evil.example")], extensions={})
    assert [message["type"] for message in answer.messages] == ["websocket.close"]


def test_streamlit_agrees_with_what_passes_a_websocket_and_asks_nobody(
    guard: HostGuard, beyond: Beyond, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a proxy host and origin differ; Streamlit would look up this machine's address outside."""

    def asked() -> str:
        raise AssertionError("asked the internet")

    monkeypatch.setattr("streamlit.net_util.get_external_ip", asked)
    kept = streamlit_config.get_option("server.allowedHosts")
    streamlit_config.set_option("server.allowedHosts", allowed().hosts())
    try:
        for host in (HERE, "localhost:8501", "[0:0:0:0:0:0:0:1]:8501", "sutu.example.cn."):
            for origin in (f"http://{HERE}", "http://[::1]:8501", "https://sutu.example.cn"):
                socket_of(guard, [("host", host), ("origin", origin)])
                (shown,) = beyond.header("host")
                assert starlette_websocket._is_origin_allowed(origin, shown)
        assert not starlette_websocket.is_host_allowed("evil.example:8501")
    finally:
        streamlit_config.set_option("server.allowedHosts", kept)


def test_its_own_port_is_the_one_it_was_reached_at(guard: HostGuard) -> None:
    assert call(guard, "/", [("host", HERE)], server=("127.0.0.1", 8600)).status == 421
    assert call(guard, "/", [("host", "127.0.0.1:8600")], server=("127.0.0.1", 8600)).status == 200
    assert call(guard, "/", [("host", HERE)], server=None).status == 421
    assert call(guard, "/", [("host", "sutu.example.cn")], server=None).status == 200


# starting


def test_a_server_without_the_names_it_needs_does_not_start(beyond: Beyond) -> None:
    started = call(HostGuard(beyond, lambda: allowed_at("0.0.0.0", ())), type="lifespan")
    assert [message["type"] for message in started.messages] == ["lifespan.startup.failed"]
    assert "--name" in started.messages[0]["message"]
    assert beyond.scopes == []


def test_it_starts_with_the_names_it_needs(beyond: Beyond) -> None:
    call(HostGuard(beyond, lambda: allowed_at("0.0.0.0", configured(["10.1.2.3"]))), type="lifespan")
    assert [scope["type"] for scope in beyond.scopes] == ["lifespan"]


def test_the_application_asks_who_is_called_first_and_whose_upload_it_is() -> None:
    """`streamlit run app.py` and `sutu serve` run the same application."""
    guards = [entry.cls for entry in application.app._user_middleware]
    assert guards[0] is HostGuard
    assert UploadGuard in guards
    assert list(TRUSTED_HEADERS.values()) == ["browser"]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", ""])
def test_serving_everywhere_without_names_is_refused_before_the_port_is_taken(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(*_asked: object) -> None:
        raise AssertionError("the port was tried")

    monkeypatch.delenv(ALLOWED_HOSTS.name, raising=False)
    monkeypatch.setattr(application, "_require_free", taken)
    with pytest.raises(HostNameError, match=r"--name"):
        application.serve(host, 8501)
    with pytest.raises(HostNameError, match=r"应写"):
        application.serve("127.0.0.1", 8501, ["*"])
