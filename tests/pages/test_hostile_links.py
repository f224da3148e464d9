"""Links that make no sense: every page opens with a sentence, whatever stands in its address."""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.applications import Starlette
from streamlit.testing.v1 import AppTest

from analysis.composite import read_index
from analysis.siting_inputs import parse_edits
from data.ingest.sites import kept_sites
from data.registry.index_models import load_index_examples
from geo.errors import SutuError
from layers.assets import Publisher
from pages.circles.choice import place_of
from pages.composite.controls import MOST_LINK, decode
from pages.navigation import PAGES
from pages.shared.choices import MAX_FAULT, MAX_FAULTS, MAX_VALUE
from pages.shared.map_first import Drawings
from server.routes import routes
from tests.pages.running import SCRIPT
from tests.server.asgi import ask

NASTY = (
    "nan",
    "nan,nan",
    "inf,-inf",
    "1e308,1e308",
    "-1",
    "9" * 5000,
    "²",
    "../../../etc/passwd",
    "a" * (MAX_VALUE + 1),
    "\x00\x1b[31m",
    "<script>alert(1)</script>",
    "~" * 5000,
    "**x** [a](http://b) $x$",
    "add@nan,nan~close!x",
    "True",
    "\U0001f680",
    "' OR 1=1 --",
    "[" * 3000,
)
HIDDEN = {
    "circles": ("at", "services"),
    "siting": ("sites", "edits"),
    "composite": ("saved", "spec"),
    "targets": ("row", "search"),
    "corridors": ("families", "corridor"),
}
"""Parameters that a page writes only when there is something to write."""


@pytest.fixture(autouse=True)
def environment(data_env: Path) -> None:
    """Answer from the shared store."""


def opened(module: str, link: dict[str, str]) -> AppTest:
    app = AppTest.from_string(SCRIPT.format(module=module), default_timeout=120)
    for name, value in link.items():
        app.query_params[name] = value
    return app.run()


@pytest.mark.parametrize("number", range(len(PAGES)), ids=[spec.path for spec in PAGES])
def test_a_page_opens_with_a_sentence_whatever_its_link_says(number: int) -> None:
    spec = PAGES[number]
    names = [*opened(spec.module, {}).query_params, *HIDDEN.get(spec.path, ())]
    drawn = random.Random(number)
    link = {name: drawn.choice(NASTY) for name in names}
    app = opened(spec.module, link)
    assert [box.value for box in app.exception] == []
    assert [box.value for box in app.error] == []
    told = [box.value for box in app.warning if "链接中" in box.value]
    assert told or not names
    assert len(told) <= MAX_FAULTS + 2
    assert all(len(text.replace("\\", "")) < MAX_FAULT + 80 for text in told)


def _script() -> None:
    from pages.shared import choices

    choices.begin()
    choices.choose("scheme", "方法", ["a", "b"], "a")
    choices.choose_many("many", "多项", ["a", "b"])
    choices.type_text("text", "文字")
    choices.show_faults()


def _told(link: dict[str, str | list[str]]) -> list[str]:
    app = AppTest.from_function(_script, default_timeout=60)
    for name, value in link.items():
        app.query_params[name] = value
    app.run()
    assert [box.value for box in app.exception] == []
    return [box.value.replace("\\", "") for box in app.warning]


@pytest.mark.parametrize("name", ["scheme", "many", "text"])
def test_what_is_too_long_or_holds_control_characters_is_left_out_and_told(name: str) -> None:
    for value in ("a" * (MAX_VALUE + 1), "a\x00", "a\x1b[31m", "a\u2028b"):
        assert [text for text in _told({name: value}) if f"参数 {name} 过长" in text]


@pytest.mark.parametrize("name", ["scheme", "many", "text"])
def test_what_is_written_more_than_once_is_told(name: str) -> None:
    assert _told({name: ["b", "a"]}) == [f"链接中的参数 {name} 写了 2 次，已用最后一次的。"]


def test_messages_about_a_link_are_few_short_and_no_markup() -> None:
    told = _told({"many": "~".join(f"x{number}" for number in range(1500)), "scheme": "y" * 5000})
    assert len(told) == MAX_FAULTS + 1
    assert "还有" in told[-1]
    assert all(len(text) < MAX_FAULT + 80 for text in told)


def _seeded(count: int) -> list[str]:
    drawn = random.Random(20201101)
    letters = string.printable + "~!@,.-²苏\x00\u2028"
    return ["".join(drawn.choices(letters, k=drawn.randrange(60))) for _ in range(count)]


@pytest.mark.parametrize("parse", [place_of, parse_edits])
def test_what_reads_a_value_refuses_it_in_one_way(parse: Callable[[str], object]) -> None:
    refused = 0
    for text in (*NASTY, *_seeded(400)):
        try:
            parse(text)
        except (SutuError, ValueError):
            refused += 1
    assert refused > len(NASTY), "most of this makes no sense"


def test_what_is_no_index_is_none() -> None:
    assert {decode(text) for text in (*NASTY, *_seeded(400))} == {None}


def test_what_names_a_file_stays_in_its_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text("[]", encoding="utf-8")
    for text in (*NASTY, *_seeded(200), "../secret", "..\\secret", "/etc/passwd"):
        for read in (read_index, kept_sites):
            with pytest.raises(SutuError):
                read(tmp_path, text)


@pytest.mark.parametrize(
    "text", ["nan,1", "1,nan", "inf,1", "181,1", "1,91", "1", "1,2,3", "", ",", "1e400,0"]
)
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        place_of(text)


def _encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def test_an_index_of_a_link_is_read_strictly() -> None:
    whole = next(iter(load_index_examples().values())).model_dump(mode="json", exclude_defaults=True)
    assert decode(_encoded(json.dumps(whole))) is not None
    for changed in (
        {"parts": []},
        {"parts": [{"id": "a", "weight": float("nan")}]},
        {"parts": whole["parts"] * 100},
        {"year": 10**30},
        {"name": "a" * 100},
        {"level": "village"},
        {"other": 1},
    ):
        assert decode(_encoded(json.dumps({**whole, **changed}))) is None
    for text in ("null", "[" * 5000, '{"a":' * 500, "\x00", "9" * 5000):
        assert decode(_encoded(text)) is None
    assert decode("a" * (MOST_LINK + 1)) is None


def test_a_link_says_which_components_and_years_there_are_not() -> None:
    whole = next(iter(load_index_examples().values())).model_dump(mode="json", exclude_defaults=True)
    asked = {**whole, "year": 1999, "parts": [*whole["parts"], {"id": "nothing_like_it"}]}
    app = opened("pages.composite.page", {"spec": _encoded(json.dumps(asked))})
    assert not app.exception
    told = " ".join(box.value.replace("\\", "") for box in app.warning)
    assert "nothing_like_it" in told
    assert "1999" in told


@pytest.mark.parametrize(
    "path",
    [
        "own/../../app.py",
        "own/..%2f..%2fapp.py",
        "own/\x00",
        "own/" + "a" * 3000,
        "own/" + "a/" * 2000,
        "own/",
        "leaflet/../own/page.css",
        "leaflet//etc/passwd",
        "published/..",
        "published/" + "a" * 5000,
        "published/" + "0" * 24 + ".json",
        "published/" + "٣" * 24 + ".json",
        "fonts/../x",
        "\x00",
    ],
)
def test_no_address_of_an_asset_leads_elsewhere(path: str) -> None:
    answer = ask(Starlette(routes=routes()), f"/assets/{path}", host="a")
    assert answer.status == 404
    assert any("一" <= char <= "鿿" for char in answer.body.decode())


def test_a_flood_of_words_that_maps_are_drawn_leaves_nothing_behind() -> None:
    drawings = Drawings()
    for number in range(5000):
        assert drawings.tell(f"{number:016x}") == 0
    assert drawings.tell("x" * 10_000) == 0
    assert len(drawings._waiting) == 0
    with drawings.expected("0" * 16) as told:
        assert drawings.tell("0" * 16) == 1
        assert told.is_set()
    assert len(drawings._waiting) == 0


def test_published_pieces_are_no_more_than_their_limit() -> None:
    publisher = Publisher(limit_bytes=1000)
    names = [publisher.publish(random.Random(one).randbytes(300), "png") for one in range(50)]
    held = [publisher.get(name.rsplit("/", 1)[1]) for name in names]
    assert sum(len(piece.content) for piece in held if piece is not None) <= 1000
    assert held[-1] is not None
