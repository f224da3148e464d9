"""What the head of a page names early: what is there, each once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import streamlit

import app as application
from server.middleware import early_links, rewrite
from tests.server.asgi import ask

INDEX = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
ADDRESSES = [re.findall(r'href="([^"]+)"', link)[0] for link in early_links()]


def test_the_scripts_of_a_map_are_named() -> None:
    named = "\n".join(ADDRESSES)
    assert re.search(r"streamlit_folium\.st_folium/static/js/main\.\w+\.js", named)
    assert {"leaflet.js", "map.js"} <= {Path(address.partition("?")[0]).name for address in ADDRESSES}


def test_nothing_is_named_twice() -> None:
    named = re.findall(r'(?:href|src)="\.?(/(?:static|assets|component)/[^"]+)"', rewrite(INDEX, None))
    addresses = [address.partition("?")[0] for address in named]
    assert len(addresses) == len(set(addresses))


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_address_answers_and_may_be_kept(address: str) -> None:
    path, _, query = address.partition("?")
    answer = ask(application.app, path, query=query, host="127.0.0.1")
    assert answer.status == 200
    assert "immutable" in answer.headers["cache-control"]
