"""What the head of a page names early: what is there, each once, and what it needs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import streamlit

import app as application
from pages.early_files import FIRST_PARTS, early_links, parts_with_imports
from pages.shell import rewrite
from tests.pages.asgi import ask

INDEX = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
ADDRESS = re.compile(r'href="([^"]+)"')


def test_every_part_is_one_that_streamlit_has() -> None:
    names = parts_with_imports(FIRST_PARTS)
    assert {name.split(".")[0] for name in names} >= set(FIRST_PARTS)
    folder = Path(streamlit.__file__).parent / "static" / "static" / "js"
    assert all((folder / name).is_file() for name in names)


def test_what_a_part_imports_is_named_too() -> None:
    folder = Path(streamlit.__file__).parent / "static" / "static" / "js"
    names = set(parts_with_imports(("Metric",)))
    for name in names:
        imported = re.findall(
            r'(?:from|import)"\./([\w.-]+\.js)"', (folder / name).read_text(encoding="utf-8")
        )
        assert names >= set(imported), name


def test_a_part_that_streamlit_does_not_have_is_left_out() -> None:
    assert parts_with_imports(("NoSuchPart",)) == []


def test_nothing_is_named_twice() -> None:
    named = re.findall(r'(?:href|src)="\.?(/(?:static|assets|component)/[^"]+)"', rewrite(INDEX, None))
    addresses = [address.partition("?")[0] for address in named]
    assert len(addresses) == len(set(addresses))


@pytest.mark.parametrize("address", [ADDRESS.findall(link)[0] for link in early_links(INDEX)][::6])
def test_every_address_answers(address: str) -> None:
    path, _, query = address.partition("?")
    answer = ask(application.app, path, query=query)
    assert answer.status == 200
    assert "immutable" in answer.headers["cache-control"]
