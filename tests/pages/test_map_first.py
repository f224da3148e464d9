"""The map first: the rest of a page waits for the browser's word, once, and not for long."""

from __future__ import annotations

import threading

import pytest
from starlette.applications import Starlette

from pages.shared import map_first
from pages.shared.map_first import DRAWINGS, Drawings
from server.routes import routes
from tests.pages.running import start
from tests.server.asgi import ask

TOKEN = "0123456789abcdef"


def test_whoever_waits_is_told_and_then_forgotten() -> None:
    drawings = Drawings()
    with drawings.expected(TOKEN) as one, drawings.expected(TOKEN) as two:
        assert drawings.tell("f" * 16) == 0
        assert not one.is_set()
        assert drawings.tell(TOKEN) == 2
        assert one.is_set() and two.is_set()
    assert drawings.tell(TOKEN) == 0


def test_a_word_from_before_does_not_count() -> None:
    drawings = Drawings()
    drawings.tell(TOKEN)
    with drawings.expected(TOKEN) as event:
        assert not event.is_set()


@pytest.mark.parametrize(
    "token", ["", "0123", "0" * 4_000, "../../etc", "0123456789ABCDEF", "<script>alert(1)"]
)
def test_what_is_no_token_is_nobodys(token: str) -> None:
    drawings = Drawings()
    with drawings.expected(token) as event:
        assert drawings.tell(token) == 0
        assert not event.is_set()


def test_an_error_on_the_page_leaves_nobody_waiting() -> None:
    drawings = Drawings()
    with pytest.raises(ValueError, match="broken"), drawings.expected(TOKEN):
        raise ValueError("broken")
    assert drawings.tell(TOKEN) == 0


def test_the_browsers_word_reaches_a_waiting_page() -> None:
    server = Starlette(routes=routes())
    with DRAWINGS.expected(TOKEN) as event:
        assert ask(server, f"/assets/drawn/{TOKEN}").status == 404, "reading tells nobody"
        assert not event.is_set()
        assert ask(server, f"/assets/drawn/{TOKEN}", method="POST").status == 204
        assert event.is_set()


def test_a_page_waits_for_its_first_map_only_and_then_goes_on_without_it(
    data_env: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float | None] = []
    wait = threading.Event.wait
    monkeypatch.setattr(map_first, "PATIENCE_S", 0.001)
    monkeypatch.setattr(
        threading.Event,
        "wait",
        lambda self, timeout=None: waits.append(timeout) or wait(self, timeout),
    )
    app = start("pages.indicators.page")
    assert waits.count(0.001) == 1
    assert app.get("vega_lite_chart"), "the rest came although no browser spoke"
    app.run()
    assert waits.count(0.001) == 1
