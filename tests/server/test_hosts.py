"""The names the server answers to: what a header calls, what is configured, what an address allows."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.registry.environment import ALLOWED_HOSTS
from server.hosts import Allowed, HostNameError, Name, allowed_at, called_host, called_origin, configured

PORT = 8501
LOCAL = allowed_at("127.0.0.1", ())


@pytest.fixture(autouse=True)
def nothing_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ALLOWED_HOSTS.name, raising=False)


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "::1", "127.1"])
@pytest.mark.parametrize(
    "host",
    [
        "localhost:8501",
        "127.0.0.1:8501",
        "[::1]:8501",
        "LocalHost:8501",
        "localhost.:8501",
        "[0:0:0:0:0:0:0:1]:8501",
        "[::0.0.0.1]:8501",
    ],
)
def test_on_this_machine_only_its_own_names_are_answered(address: str, host: str) -> None:
    assert allowed_at(address, ()).admits(called_host(host), PORT)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:8501",
        "localhost",
        "localhost:8502",
        "127.0.0.1:80",
        "localhost.evil.example:8501",
        "evil-localhost:8501",
        "127.0.0.1.evil.example:8501",
        "127.0.0.2:8501",
        "127.1:8501",
        "0.0.0.0:8501",
        "[::]:8501",
        "[::ffff:127.0.0.1]:8501",
        "10.1.2.3:8501",
    ],
)
def test_any_other_name_or_port_is_not(host: str) -> None:
    called = called_host(host)
    assert called is not None
    assert not LOCAL.admits(called, PORT)


@pytest.mark.parametrize(
    "host",
    [
        "",
        " ",
        "localhost:",
        "localhost:0",
        "localhost:65536",
        "localhost:８５０１",
        "localhost:8501:1",
        "localhost:-1",
        "localhost..:8501",
        ".localhost:8501",
        "local host:8501",
        "localhost\n:8501",
        "localhost:8501\n",
        "a@localhost:8501",
        "localhost:8501@evil.example",
        "localhost:8501/x",
        "localhost#:8501",
        "http://localhost:8501",
        "localhost,evil.example",
        "::1",
        "::1:8501",
        "[::1:8501",
        "[::1%25lo]:8501",
        "[::1%lo]:8501",
        "[localhost]:8501",
        "[1::2::3]",
        "<script>alert(1)</script>",
        "*",
        "苏图:8501",
        "a" * 64,
        "a" * 300,
    ],
)
def test_what_is_no_host_is_none(host: str) -> None:
    assert called_host(host) is None
    assert not LOCAL.admits(called_host(host), PORT)


@pytest.mark.parametrize("own_port", [80, 443])
def test_a_host_without_a_port_is_at_the_port_of_its_scheme(own_port: int) -> None:
    assert LOCAL.admits(called_host("localhost"), own_port)
    assert LOCAL.admits(called_origin("http://localhost"), own_port) is (own_port == 80)
    assert LOCAL.admits(called_origin("https://localhost"), own_port) is (own_port == 443)


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "file://",
        "localhost:8501",
        "//localhost:8501",
        "ftp://localhost:8501",
        "ws://localhost:8501",
        "http:localhost:8501",
        "http://localhost:8501/",
        "http://localhost:8501 http://evil.example",
        "http://a@localhost:8501",
        "HTTP://localhost:8501",
        "chrome-extension://localhost:8501",
    ],
)
def test_what_is_no_origin_of_the_web_is_none(origin: str) -> None:
    assert called_origin(origin) is None


def test_an_origin_is_measured_like_a_host() -> None:
    assert LOCAL.admits(called_origin("http://localhost:8501"), PORT)
    assert not LOCAL.admits(called_origin("http://localhost:9999"), PORT), "another program of this machine"
    assert not LOCAL.admits(called_origin("http://evil.example:8501"), PORT)


@given(st.text(max_size=40) | st.from_regex(r"[\[\]a-z0-9.:@%/-]{1,20}", fullmatch=True))
def test_no_text_breaks_the_reading_and_only_names_are_read(text: str) -> None:
    called = called_host(text)
    assert called is None or set(called.host) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_.:")
    assert called_origin(f"http://{text}") is None or called is not None


# configured names


def test_a_name_is_good_at_any_port_or_at_its_own() -> None:
    allowed = allowed_at("127.0.0.1", configured(["sutu.example.cn", "other.example.cn:8080"]))
    for host in ("sutu.example.cn", "sutu.example.cn:443", "SUTU.example.cn:8080", "other.example.cn:8080"):
        assert allowed.admits(called_host(host), PORT), host
    for host in ("other.example.cn", "other.example.cn:8501", "a.sutu.example.cn", "example.cn"):
        assert not allowed.admits(called_host(host), PORT), host
    assert allowed.admits(called_host("localhost:8501"), PORT), "a proxy on this machine calls it so"


def test_a_name_at_the_port_of_a_scheme_is_called_without_it() -> None:
    allowed = Allowed(frozenset(), configured(["sutu.example.cn:443"]))
    assert allowed.admits(called_host("sutu.example.cn"), PORT)
    assert allowed.admits(called_origin("https://sutu.example.cn"), PORT)
    assert not allowed.admits(called_origin("http://sutu.example.cn"), PORT)


def test_names_come_from_the_environment_and_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ALLOWED_HOSTS.name, " A.example , ,[FE80:0::1]:8080,fe80::2,")
    assert configured(["b.example:80", "a.example", "苏图.内网:8080"]) == (
        Name("a.example"),
        Name("fe80::1", 8080),
        Name("fe80::2"),
        Name("b.example", 80),
        Name("xn--wcsp33h.xn--v6q792i", 8080),
    )
    assert configured() == (Name("a.example"), Name("fe80::1", 8080), Name("fe80::2"))


@pytest.mark.parametrize(
    "name",
    [
        "*",
        "*.example.cn",
        "http://sutu.example.cn",
        "sutu.example.cn/pages",
        "sutu.example.cn:0",
        "sutu.example.cn:port",
        "a@sutu.example.cn",
        "a b",
        "fe80::1%eth0",
        "..",
        "苏图..内网",
        "0.0.0.0",
        "[::]:8501",
        "::",
    ],
)
def test_what_is_no_name_is_told_in_words(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(HostNameError, match=r"^“.+”.*应写"):
        configured([name])
    monkeypatch.setenv(ALLOWED_HOSTS.name, f"sutu.example.cn,{name}")
    with pytest.raises(HostNameError):
        configured()


# addresses


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "", "0", "0x0", "::0", "::ffff:0.0.0.0"])
def test_on_every_address_only_configured_names_are_answered(address: str) -> None:
    with pytest.raises(HostNameError, match=r"--name.*SUTU_ALLOWED_HOSTS"):
        allowed_at(address, ())
    allowed = allowed_at(address, configured(["10.1.2.3"]))
    assert allowed.admits(called_host("10.1.2.3:8501"), PORT)
    assert not allowed.admits(called_host("localhost:8501"), PORT)
    assert not allowed.admits(called_host("127.0.0.1:8501"), PORT)
    assert allowed.hosts() == ["10.1.2.3"]


def test_on_another_address_that_address_and_the_names_are_answered() -> None:
    allowed = allowed_at("192.0.2.7", configured(["sutu.example.cn"]))
    assert allowed.admits(called_host("192.0.2.7:8501"), PORT)
    assert allowed.admits(called_host("sutu.example.cn"), PORT)
    assert not allowed.admits(called_host("192.0.2.7:80"), PORT)
    assert not allowed.admits(called_host("localhost:8501"), PORT)
    assert allowed.hosts() == ["192.0.2.7", "sutu.example.cn"]


def test_a_name_that_leads_nowhere_is_still_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the server can listen there is told by who opens the port."""

    def nowhere(*_asked: object, **_options: object) -> list[object]:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    assert allowed_at("nowhere.invalid", ()).hosts() == ["nowhere.invalid"]
