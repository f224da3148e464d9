"""The names this server answers to, and what a request calls it: no others are answered.

A name of anybody's can be made to lead to this machine (DNS rebinding); a page of that name then speaks to
us as if it were ours. What it cannot do is to call us by one of these names.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass

from data.registry.environment import ALLOWED_HOSTS
from geo.errors import SutuError

HOW = f"启动时用 --name 写明（可重复），或写在环境变量 {ALLOWED_HOSTS} 里（多个用逗号分隔）"
_LOOPBACK = ("127.0.0.1", "::1")


class HostNameError(SutuError, ValueError):
    """A configured name is none, or one is missing where the server listens on every address."""


@dataclass(frozen=True)
class Name:
    """A configured name; without a port it is good at any, as a proxy in front has a port of its own."""

    host: str
    port: int | None = None


@dataclass(frozen=True)
class Allowed:
    """What the server may be called: ``own`` at its own port, and the configured names."""

    own: frozenset[str]
    names: tuple[Name, ...] = ()

    def admits(self, called: Called | None, own_port: int | None) -> bool:
        """Tell whether a server on ``own_port`` answers to what it was called."""
        if called is None:
            return False
        if called.host in self.own and own_port in called.ports:
            return True
        return any(
            name.host == called.host and (name.port is None or name.port in called.ports)
            for name in self.names
        )

    def hosts(self) -> list[str]:
        """Return every host without ports, in order."""
        return sorted(self.own | {name.host for name in self.names})


def configured(texts: Iterable[str] = ()) -> tuple[Name, ...]:
    """Return the names of the environment and of ``texts``; raises `HostNameError` for what is none."""
    given = [*(ALLOWED_HOSTS.value() or "").split(","), *texts]
    return tuple(dict.fromkeys(_configured(text.strip()) for text in given if text.strip()))


def _configured(text: str) -> Name:
    bare = address_in(text)
    parsed = (bare, None) if bare else authority(_in_ascii(text))
    if parsed is None:
        raise HostNameError(
            f"“{text}”不是可用的主机名：应写 主机名、主机名:端口 或 [IPv6 地址]:端口，"
            "不带 http://，不带路径，不用通配符 *。"
        )
    if parsed[0] in {"0.0.0.0", "::"}:  # noqa: S104
        raise HostNameError(
            f"“{text}”表示本机所有地址，不是浏览器里能写的名字：应写网页地址里的主机名或地址。"
        )
    return Name(*parsed)


def _in_ascii(text: str) -> str:
    """Return a Chinese name as browsers send it (xn--…); what is no name stays as it is."""
    host, colon, port = text.partition(":")
    try:
        return host.encode("idna").decode() + colon + port
    except UnicodeError:
        return text


def allowed_at(address: str, names: tuple[Name, ...]) -> Allowed:
    """Return what a server that listens on ``address`` may be called.

    On every address at once no name is its own: raises `HostNameError` when none is configured.
    """
    addresses = _addresses_of(address)
    if any(_everywhere(found) for found in addresses):
        if not names:
            raise HostNameError(
                f"监听 {address or '所有地址'} 时，别人可以用任何名字访问本机，因此必须写明允许哪些名字："
                f"{HOW}，例如 --name 10.1.2.3 或 --name sutu.example.cn。"
            )
        return Allowed(frozenset(), names)
    own = {str(found) for found in addresses}
    if own.intersection(_LOOPBACK):
        own.update(("localhost", *_LOOPBACK))
    own.update(filter(None, [name_in(address)]))
    return Allowed(frozenset(own), names)


def _addresses_of(address: str) -> set[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    if not address:
        return {ipaddress.IPv4Address(0)}
    try:
        found = socket.getaddrinfo(address, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return set()
    return {ipaddress.ip_address(str(info[4][0]).partition("%")[0]) for info in found}


def _everywhere(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    mapped = getattr(address, "ipv4_mapped", None)
    return address.is_unspecified or (mapped is not None and mapped.is_unspecified)


_AUTHORITY = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f:.]{2,45})\]|(?P<name>[A-Za-z0-9_.-]{1,254}))(?::(?P<port>[0-9]{1,5}))?"
)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Called:
    """A host as it was called: in lower case, an address in its shortest form, and the ports it may mean."""

    host: str
    ports: frozenset[int]


def called_host(text: str) -> Called | None:
    """Return what a ``Host`` header calls, None when it is no host; no port means that of HTTP or HTTPS."""
    parsed = authority(text)
    if parsed is None:
        return None
    host, port = parsed
    return Called(host, frozenset(_DEFAULT_PORTS.values() if port is None else (port,)))


def called_origin(text: str) -> Called | None:
    """Return the host an ``Origin`` header names, None when it is none of the web (``null`` is not)."""
    scheme, mark, rest = text.partition("://")
    parsed = authority(rest)
    if not mark or scheme not in _DEFAULT_PORTS or parsed is None:
        return None
    host, port = parsed
    return Called(host, frozenset({_DEFAULT_PORTS[scheme] if port is None else port}))


def authority(text: str) -> tuple[str, int | None] | None:
    """Return host and port of ``host``, ``host:port``, ``[IPv6]`` or ``[IPv6]:port``, None for others."""
    found = _AUTHORITY.fullmatch(text)
    if found is None:
        return None
    host = address_in(found["v6"]) if found["v6"] else name_in(found["name"])
    port = None if found["port"] is None else int(found["port"])
    if host is None or (port is not None and not 0 < port < 65536):
        return None
    return host, port


def address_in(text: str) -> str | None:
    """Return an IPv6 address in its shortest form, None when it is none or is good on one interface only."""
    try:
        found = ipaddress.IPv6Address(text)
    except ValueError:
        return None
    return None if found.scope_id else str(found)


def name_in(text: str) -> str | None:
    """Return a host name or IPv4 address in lower case, None when it is none."""
    # One dot at the end marks a name as complete; it is the same name.
    name = text.lower().removesuffix(".")
    return name if all(_LABEL.fullmatch(label) for label in name.split(".")) else None
