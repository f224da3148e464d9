"""An upload is taken from the browser whose page asked for it, and from no other."""

from __future__ import annotations

import re

import pytest
from starlette.datastructures import Headers
from streamlit import config as streamlit_config
from streamlit import runtime
from streamlit.web.server.starlette.starlette_websocket import gather_user_info

from server.uploads import COOKIE, HEADER, TRUSTED_HEADERS, UploadGuard, opened_by
from tests.server.calling import Beyond, Called, Pairs, call

MINE, OTHER = "m" * 43, "o" * 43
SOCKET = "/_stcore/stream"
UPLOAD = "/_stcore/upload_file/mine/file"


def cookie(token: str) -> Pairs:
    return [("cookie", f"_streamlit_xsrf=x; {COOKIE}={token}; more=1")]


@pytest.fixture
def beyond() -> Beyond:
    return Beyond()


@pytest.fixture
def guard(beyond: Beyond) -> UploadGuard:
    """Return a guard before whom the browser MINE has opened the session ``mine``."""
    owners: dict[str, str] = {}
    made = UploadGuard(beyond, owners.get)
    call(made, SOCKET, cookie(MINE), type="websocket")
    (owners["mine"],) = beyond.header(HEADER)
    beyond.scopes.clear()
    return made


def given(answer: Called) -> str | None:
    """Return the token that an answer gives to a browser."""
    found = [re.match(rf"{COOKIE}=([^;]*)", value) for value in answer.header("set-cookie")]
    return found[0][1] if found and found[0] else None


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_the_browser_that_opened_the_session_uploads(guard: UploadGuard, method: str) -> None:
    assert call(guard, UPLOAD, cookie(MINE), method=method).status == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST", "PATCH", "GET"])
@pytest.mark.parametrize("headers", [[], cookie(OTHER), cookie(""), cookie(MINE[:-1]), cookie(f"{MINE}x")])
def test_no_other_browser_does(guard: UploadGuard, beyond: Beyond, method: str, headers: Pairs) -> None:
    answer = call(guard, UPLOAD, headers, method=method)
    assert answer.status == 403
    assert "不属于本浏览器" in answer.text
    assert answer.header("content-type") == ["text/plain; charset=utf-8"]
    assert beyond.scopes == []


@pytest.mark.parametrize(
    "path",
    [
        "/_stcore/upload_file/another/file",
        "/_stcore/upload_file//file",
        "/_stcore/upload_file/",
        "/_stcore/upload_file/mine/_stcore/upload_file/another/file",
        "/below/_stcore/upload_file/another/file",
    ],
)
def test_a_session_that_is_not_its_own_is_refused(guard: UploadGuard, path: str) -> None:
    assert call(guard, path, cookie(MINE), method="PUT").status == 403


def test_the_mark_inside_the_server_is_not_the_cookie_and_opens_nothing(
    guard: UploadGuard, beyond: Beyond
) -> None:
    call(guard, SOCKET, cookie(MINE), type="websocket")
    (mark,) = beyond.header(HEADER)
    assert MINE not in mark
    assert call(guard, UPLOAD, cookie(mark[:43]), method="PUT").status == 403
    assert call(guard, UPLOAD, [(HEADER, mark)], method="PUT").status == 403


def test_a_browser_cannot_mark_itself(guard: UploadGuard, beyond: Beyond) -> None:
    call(guard, SOCKET, cookie(MINE), type="websocket")
    (mark,) = beyond.header(HEADER)
    for name in (HEADER, HEADER.upper()):
        call(guard, SOCKET, [(name, mark), *cookie(OTHER)], type="websocket")
        (other,) = beyond.header(HEADER)
        assert other != mark


def test_every_tab_and_every_reconnection_of_a_browser_has_one_mark(
    guard: UploadGuard, beyond: Beyond
) -> None:
    marks = set()
    for _ in range(3):
        accepted = call(guard, SOCKET, cookie(MINE), type="websocket")
        assert given(accepted) is None, "it keeps the cookie it has"
        marks.update(beyond.header(HEADER))
    assert len(marks) == 1


def test_streamlit_resumes_a_session_for_the_same_mark_only(guard: UploadGuard, beyond: Beyond) -> None:
    kept = streamlit_config.get_option("server.trustedUserHeaders")
    streamlit_config.set_option("server.trustedUserHeaders", TRUSTED_HEADERS)
    try:
        found = []
        for token in (MINE, MINE, OTHER):
            call(guard, SOCKET, cookie(token), type="websocket")
            found.append(gather_user_info(Headers(raw=beyond.scopes[-1]["headers"])))
    finally:
        streamlit_config.set_option("server.trustedUserHeaders", kept)
    assert found[0]["browser"]
    assert found[0] == found[1] != found[2]


# the cookie


@pytest.mark.parametrize("path", ["/_stcore/health", "/_stcore/host-config"])
def test_a_page_gets_its_cookie_before_it_opens_its_websocket(guard: UploadGuard, path: str) -> None:
    answer = call(guard, path, [("accept", "*/*")])
    token = given(answer)
    assert token is not None
    (value,) = answer.header("set-cookie")
    assert value == f"{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict"
    assert given(call(guard, path, [("accept", "*/*")])) != token, "every browser has its own"
    assert given(call(guard, path, cookie(MINE))) is None
    assert call(guard, path, scheme="https").header("set-cookie")[0].endswith("; Secure")


@pytest.mark.parametrize("path", ["/", "/_stcore/health", "/data-import", "/healthz"])
def test_a_visit_by_a_link_does_not_take_the_cookie_of_the_other_tabs(guard: UploadGuard, path: str) -> None:
    """It comes without the cookie (SameSite=Strict) from a browser that has one."""
    assert given(call(guard, path, [("accept", "text/html,*/*")])) is None


def test_a_websocket_without_a_cookie_gets_one_that_fits_it(guard: UploadGuard, beyond: Beyond) -> None:
    accepted = call(guard, SOCKET, type="websocket")
    token = given(accepted)
    assert token is not None
    (mark,) = beyond.header(HEADER)
    call(guard, SOCKET, cookie(token), type="websocket")
    assert beyond.header(HEADER) == [mark]


def test_without_a_running_server_nobody_has_a_session(monkeypatch: pytest.MonkeyPatch) -> None:
    # Another test of this process may have started one.
    monkeypatch.setattr(runtime, "exists", lambda: False)
    assert opened_by("mine") is None
