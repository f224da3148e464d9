"""Asks the OGC API in this process, as the tests of its rooms do."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from starlette.applications import Starlette

from tests.server.asgi import Answer, ask


def get(server: Starlette, path: str, **query: object) -> Answer:
    """Return the answer to one address below ``/ogc``."""
    return ask(server, f"/ogc{path}", query=urlencode(query), host="127.0.0.1:8501")


def items(server: Starlette, collection: str, **query: object) -> dict[str, Any]:
    """Return the features of a collection as told; the answer must be a good one."""
    answer = get(server, f"/collections/{collection}/items", **query)
    assert answer.status == 200, answer.body
    told: dict[str, Any] = json.loads(answer.body)
    return told
