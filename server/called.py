"""What a request calls the server: the hosts in its ``Host`` and ``Origin`` headers, in one form each."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

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
