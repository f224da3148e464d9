"""What a question asks for: its parameters and the form of its answer, read strictly first."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Scope

from server.ogc.refusals import RefusedError, shown

FORMS = ("json", "html", "jsonld")
"""The forms of answers that are asked for by ``f``, everywhere but for tiles."""

MAX_PARAMETERS = 60
_MIMES = {
    "text/html": "html",
    "application/ld+json": "jsonld",
    "application/json": "json",
    "application/geo+json": "json",
}
_ACCEPTED = re.compile(r"([a-z0-9.+*-]{1,40}/[a-z0-9.+*-]{1,60})(?:[^,]*;\s*q=([01](?:\.[0-9]{0,3})?))?[^,]*")
_MAX_ACCEPT = 2_000


@dataclass(frozen=True)
class Question:
    """One question: its ``parameters``, each once, and the ``form`` wanted (None: none was named)."""

    parameters: dict[str, str]
    form: str | None

    def asking(self, parameters: dict[str, str]) -> Question:
        """Return the question with other parameters."""
        return Question(parameters, self.form)

    def put(self, scope: Scope) -> Request:
        """Return the same question as a request that says nothing but this."""
        headers = [] if self.form is None else [(b"accept", _mime(self.form).encode())]
        query = urlencode(self.parameters).encode()
        return Request({**scope, "query_string": query, "headers": headers})


def form_wanted(scope: Scope) -> str | None:
    """Return the form wanted by the ``f`` of the address, else by the header Accept; None for neither."""
    for name, value in _pairs(scope):
        if name == "f":
            return value.strip() or None
    return _accepted(Headers(scope=scope).get("accept", ""))


def question_of(
    scope: Scope, forms: tuple[str, ...] = FORMS, taken: tuple[str, ...] | None = None
) -> Question:
    """Return the question. Raises `RefusedError` for one that is garbled or asks for an unknown form.

    ``taken``: the parameters that mean something here, None for all; what means nothing is left out.
    """
    pairs = _pairs(scope)
    if len(pairs) > MAX_PARAMETERS:
        raise RefusedError(f"参数超过 {MAX_PARAMETERS} 个")
    parameters: dict[str, str] = {}
    for name, value in pairs:
        if not _clean(name) or not _clean(value):
            raise RefusedError(f"参数“{shown(name)}”含有控制字符，或不是 UTF-8 编码")
        if name in parameters:
            raise RefusedError(f"参数“{shown(name)}”写了不止一次")
        parameters[name] = value
    form = form_wanted(scope)
    if parameters.get("f", "").strip() and form not in forms:
        raise RefusedError(f"没有“{shown(form or '')}”这种格式，可用：{'、'.join(forms)}")
    kept = {name: value for name, value in parameters.items() if taken is None or name in taken}
    return Question(kept, form)


def _pairs(scope: Scope) -> list[tuple[str, str]]:
    text = scope["query_string"].decode("latin-1")
    # Bytes above 127 are UTF-8 that a client did not encode.
    text = text.encode("latin-1").decode("utf-8", errors="replace")
    return parse_qsl(text, keep_blank_values=True)


def _clean(text: str) -> bool:
    return "�" not in text and all(char >= " " and not "\x7f" <= char <= "\x9f" for char in text)


def _accepted(header: str) -> str | None:
    """Return the form of the media type wanted most among those we have."""
    found: list[tuple[float, int, str]] = []
    for place, part in enumerate(header[:_MAX_ACCEPT].lower().split(",")):
        told = _ACCEPTED.fullmatch(part.strip())
        if told is not None and told[1] in _MIMES and float(told[2] or 1) > 0:
            found.append((-float(told[2] or 1), place, _MIMES[told[1]]))
    return min(found)[2] if found else None


def _mime(form: str) -> str:
    return next((mime for mime, one in _MIMES.items() if one == form), "application/json")
