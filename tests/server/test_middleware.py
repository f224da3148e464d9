"""The shell of the pages: what the server adds to Streamlit, and what it keeps the browser from."""

from __future__ import annotations

import gzip
import json
import re
import socket
from pathlib import Path

import pytest
import streamlit
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route
from streamlit import config as streamlit_config
from streamlit.web.server.starlette import starlette_websocket

import app as application
from commands import serve as serve_command
from commands.serve import ServeError, require_free
from data.registry.environment import ALLOWED_HOSTS
from layers import fonts
from layers.assets import PUBLISHER
from layers.fonts import FontSet
from server.hosts import Allowed, HostNameError, allowed_at, configured
from server.middleware import HostGuard, ShellMiddleware, rewrite, security_headers
from server.routes import routes
from server.uploads import TRUSTED_HEADERS, UploadGuard
from tests.server.asgi import ask
from tests.server.calling import Beyond, Called, Pairs, call

INDEX = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
BROWSER = {"accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def fontset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FontSet:
    (tmp_path / "core-1.woff2").write_bytes(b"font")
    (tmp_path / "fonts.css").write_text("@font-face {}", encoding="utf-8")
    made = FontSet(tmp_path, tmp_path / "core-1.woff2", tmp_path / "SutuSans-Regular.ttf")
    monkeypatch.setattr(fonts, "_installed", [made])
    return made


@pytest.fixture
def server() -> Starlette:
    pages = [
        Route("/", lambda _request: HTMLResponse(INDEX, headers={"etag": '"1"'})),
        Route("/_stcore/health", lambda _request: JSONResponse("ok")),
        Route("/component/x/index.html", lambda _request: HTMLResponse("<head></head>")),
    ]
    made = Starlette(routes=[*routes(), *pages])
    made.add_middleware(ShellMiddleware)
    return made


def test_the_shell_is_chinese_and_names_our_fonts_and_styles(fontset: FontSet) -> None:
    page = rewrite(INDEX, fontset)
    assert '<html lang="zh-CN">' in page
    assert "<title>苏图</title>" in page
    assert '<link rel="stylesheet" href="/assets/fonts/fonts.css">' in page
    assert 'href="/assets/fonts/core-1.woff2"' in page
    assert re.search(r'href="/assets/own/page\.css\?v=', page)
    assert "SourceSans" not in page, "the typeface that is not used is not loaded"
    assert page.index("window.__streamlit") < page.index('type="module"'), "told before Streamlit starts"


def test_the_shell_works_before_there_are_fonts() -> None:
    page = rewrite(INDEX, None)
    assert "fonts.css" not in page
    assert page.count("</head>") == 1


def test_the_shell_loads_nothing_from_elsewhere(fontset: FontSet) -> None:
    loaded = re.findall(r'<(?:link|script)[^>]+(?:href|src)="([^"]+)"', rewrite(INDEX, fontset))
    assert loaded
    assert all(re.match(r"\./|/(?:assets|static|component)/", address) for address in loaded)


def test_a_page_is_rewritten_whole_and_never_taken_from_an_old_cache(
    server: Starlette, fontset: FontSet
) -> None:
    answer = ask(server, "/", **BROWSER, if_none_match='"1"', accept_encoding="gzip")
    assert answer.status == 200
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert answer.headers["cache-control"] == "no-cache"
    assert "etag" not in answer.headers
    assert "苏图" in answer.body.decode()


@pytest.mark.parametrize("path", ["/_stcore/health", "/component/x/index.html"])
def test_what_is_no_page_is_left_as_it_is(server: Starlette, path: str) -> None:
    assert "苏图" not in ask(server, path, **BROWSER).body.decode()


@pytest.mark.parametrize("path", ["/", "/_stcore/health", "/healthz", "/assets/own/map.js", "/assets/none"])
def test_every_answer_forbids_the_browser_other_hosts(server: Starlette, path: str) -> None:
    headers = ask(server, path, **BROWSER).headers
    assert headers["x-content-type-options"] == "nosniff"
    for directive in headers["content-security-policy"].split("; "):
        _name, *sources = directive.split()
        assert set(sources) <= {"'self'", "'none'", "'unsafe-inline'", "'unsafe-eval'", "data:", "blob:"}


def test_the_policy_says_what_each_kind_of_thing_may_be_loaded_from(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = {
        "default-src": {"'self'"},
        "script-src": {"'self'", "'unsafe-inline'", "'unsafe-eval'", "blob:"},
        "style-src": {"'self'", "'unsafe-inline'"},
        "img-src": {"'self'", "data:", "blob:"},
        "font-src": {"'self'", "data:"},
        "connect-src": {"'self'", "data:", "blob:"},
        "worker-src": {"'self'", "blob:"},
        "frame-src": {"'self'", "blob:", "data:"},
        "object-src": {"'none'"},
        "base-uri": {"'self'"},
        "form-action": {"'self'"},
        "frame-ancestors": {"'self'"},
    }
    for key, more in ((None, set()), ("abc", {"https://*.tianditu.gov.cn"})):
        if key is not None:
            monkeypatch.setenv("SUTU_TIANDITU_KEY", key)
        policy = security_headers()["Content-Security-Policy"].split("; ")
        told = {name: set(sources) for name, *sources in (one.split() for one in policy)}
        assert len(told) == len(policy)
        assert told == wanted | {"img-src": wanted["img-src"] | more}


def test_only_a_configured_key_admits_the_tiles_of_tianditu(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "tianditu" not in security_headers()["Content-Security-Policy"]
    monkeypatch.setenv("SUTU_TIANDITU_KEY", "abc")
    assert (
        "img-src 'self' data: blob: https://*.tianditu.gov.cn;"
        in security_headers()["Content-Security-Policy"]
    )


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/assets/own/map.js", "immutable"),
        ("/assets/leaflet/leaflet.js", "immutable"),
        ("/assets/fonts/core-1.woff2", "immutable"),
        ("/assets/fonts/fonts.css", "no-cache"),
    ],
)
def test_assets_are_served_and_kept(server: Starlette, fontset: FontSet, path: str, kept: str) -> None:
    answer = ask(server, path)
    assert answer.status == 200
    assert kept in answer.headers["cache-control"]
    assert answer.body


@pytest.mark.parametrize(
    "path", ["/assets/own/../assets.py", "/assets/fonts/../../secret", "/assets/data/../x", "/assets/nothing"]
)
def test_nothing_outside_the_assets_is_served(server: Starlette, fontset: FontSet, path: str) -> None:
    assert ask(server, path).status == 404


def test_published_data_comes_packed_and_is_kept(server: Starlette) -> None:
    address = PUBLISHER.publish(b'{"type": "FeatureCollection"}')
    answer = ask(server, address)
    assert answer.headers["content-encoding"] == "gzip"
    assert "immutable" in answer.headers["cache-control"]
    assert json.loads(gzip.decompress(answer.body)) == {"type": "FeatureCollection"}
    assert ask(server, "/assets/data/" + "0" * 24 + ".json").status == 404


def test_health_tells_the_data_version(server: Starlette, data_env: Path) -> None:
    answer = ask(server, "/healthz")
    found = json.loads(answer.body)
    assert answer.status == 200
    assert found["ok"] is True
    assert re.fullmatch(r"[0-9a-f]{16}", found["data_version"])


def test_health_tells_what_is_wrong(
    server: Starlette, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUTU_DATA_DIR", str(tmp_path / "none"))
    answer = ask(server, "/healthz")
    assert answer.status == 503
    assert json.loads(answer.body)["ok"] is False
    assert "sutu build" in json.loads(answer.body)["reason"]


def test_the_settings_keep_to_this_machine_and_tell_nobody() -> None:
    settings = application.settings()
    assert settings["server.address"] == serve_command.HOST == "127.0.0.1"
    assert settings["server.port"] == serve_command.PORT
    assert settings["browser.gatherUsageStats"] is False
    assert settings["server.enableXsrfProtection"] is True
    assert settings["server.maxUploadSize"] <= 64
    assert settings["client.disableDataExport"] is True
    root = Path(application.__file__).parent
    link = root / ".streamlit" / "config.toml"
    assert link.read_bytes() == (root / "pages" / ".streamlit" / "config.toml").read_bytes()


def test_a_taken_port_and_a_foreign_address_are_refused_in_words() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ServeError, match=r"已被占用.*--port"):
            require_free("127.0.0.1", taken.getsockname()[1])
    with pytest.raises(ServeError, match=r"不是本机地址.*--host"):
        require_free("192.0.2.1", serve_command.PORT)


def test_the_script_that_is_run_stands_alone_in_its_folder() -> None:
    """Streamlit puts its folder on the import path, where a module would hide a library of its name."""
    script = application.app.script_path
    assert [path.name for path in script.parent.iterdir() if path.suffix == ".py"] == [script.name]


def test_the_first_page_is_found_by_its_name_too(server: Starlette) -> None:
    answer = ask(server, "/overview", query="region=320500", **BROWSER)
    assert answer.status == 307
    assert answer.headers["location"] == "/?region=320500"


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
    def taken(*_asked: object, **_settings: object) -> None:
        raise AssertionError("the port was tried")

    monkeypatch.delenv(ALLOWED_HOSTS.name, raising=False)
    monkeypatch.setattr(serve_command, "build_store", taken)
    monkeypatch.setattr(serve_command, "require_free", taken)
    monkeypatch.setattr(application.app, "run", taken)
    for serve in (serve_command.serve, application.serve):
        with pytest.raises(HostNameError, match=r"--name"):
            serve(host, 8501, ())
        with pytest.raises(HostNameError, match=r"应写"):
            serve("127.0.0.1", 8501, ["*"])
