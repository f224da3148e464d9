"""What nobody should ask below ``/ogc``: every kind is refused in words, none is a fault of the server."""

from __future__ import annotations

import json
import re
import string
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pygeofilter.parsers.ecql import parse
from starlette.applications import Starlette

from server.ogc import api
from server.ogc.config import CRS, MAX_BRACKETS, MAX_CONDITIONS, MAX_LIKE, MAX_SPATIAL, MAX_WILDCARDS
from server.ogc.filters import matching
from server.ogc.question import checked_items, form_wanted
from server.ogc.refusals import RefusedError
from server.ogc.routes import Guard
from server.routes import routes
from tests.server.asgi import Answer, ask
from tests.server.ogc_asking import get, items

PREFECTURES = "indicator.population.prefecture"
ITEMS = f"/collections/{PREFECTURES}/items"
TILES = "/collections/population_grid/tiles/WebMercatorQuad"
CHINESE = re.compile(r"[一-鿿]")
FOREIGN = re.compile(
    r"Traceback|Error|Exception|File \"|line \d|invalid|not supported|should be", re.IGNORECASE
)
pytestmark = pytest.mark.xdist_group("ogc")


@pytest.fixture(autouse=True)
def environment(data_env: Path) -> None:
    """Answer from the shared store."""


@pytest.fixture(scope="module")
def server() -> Starlette:
    return Starlette(routes=routes())


def refused(answer: Answer) -> str:
    """Return the words of a refusal, which must be one: an asker's fault, in OGC's structure, in Chinese."""
    assert 400 <= answer.status < 500, (answer.status, answer.body[:300])
    assert answer.headers["content-type"].startswith("application/json"), answer.headers
    told = json.loads(answer.body)
    assert set(told) == {"code", "type", "description"}
    assert isinstance(told["code"], str)
    assert CHINESE.search(told["description"]), told
    assert not FOREIGN.search(told["description"].partition("收到")[0]), told
    return str(told["description"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("limit", text) for text in ("0", "-1", "abc", "1.5", "²", "9" * 3000, "0x10", "NaN", "")),
        *(("offset", text) for text in ("-1", "x", "1e3", "٣", "9" * 30, "9" * 3000, "")),
        *(
            ("bbox", text)
            for text in (
                "",
                "1,2,3",
                "nan,0,1,1",
                "0,0,inf,1",
                "1e400,0,1,1",
                "2,2,1,1",
                "1,2,1,1",
                "a,b,c,d",
                "1,2,3,4,5",
                "1," * 900,
                "(1,2,3,4)",
            )
        ),
        *(("bbox-crs", text) for text in ("", "x", CRS[1])),
        *(("crs", text) for text in ("", "x", "http://www.opengis.net/def/crs/EPSG/0/9999", "9" * 3000)),
        *(
            ("datetime", text)
            for text in (
                "",
                "99999999999/99999999999",
                "2010-13-01",
                "2010-02-30",
                "2010-01-01T25:00:00Z",
                "2010-01-01T00:00:00+99:00",
                "a/b",
                "2010/2020/2030",
                "2020/2010",
                "1800/1801",
                "9999",
                "0000",
                "²²²²",
                "P1Y",
                "now",
                "-2010",
            )
        ),
        *(
            ("sortby", text)
            for text in ("", ",", "-", "+", "nothing", "name,name", "name,-name", "name," * 50)
        ),
        *(("properties", text) for text in ("", ",", "nothing", "name,name", "geometry")),
        *(("skipGeometry", text) for text in ("", "maybe", "2")),
        *(("resulttype", text) for text in ("", "all")),
        *(("filter-lang", text) for text in ("", "cql2-json", "sql")),
        ("filter-crs", "urn:x"),
        ("f", "png"),
        ("f", "../json"),
        ("value", "abc"),
        ("value", "nan"),
        ("year", "'2010'"),
        ("nothing", "1"),
        ("q", "苏州"),
        ("name", "a\x00b"),
        ("na\x1bme", "a"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused_in_words(
    server: Starlette, name: str, value: str
) -> None:
    assert refused(get(server, ITEMS, **{name: value}))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "value",
        "value >",
        "(" * 2000,
        "(" * 500 + "value = 1" + ")" * 500,
        "NOT " * 900 + "value = 1",
        " AND ".join(["value = 1"] * 300),
        " OR ".join(["BBOX(geometry, 1, 1, 2, 2)"] * (MAX_SPATIAL + 1)),
        " OR ".join(["name LIKE 'a%'"] * (MAX_LIKE + 1)),
        f"name LIKE '{'%a' * (MAX_WILDCARDS + 1)}'",
        "value = " + "1 + " * 900 + "1",
        "value = 1 + 1",
        "value = f(1)",
        "value = " + "f(" * 900,
        "value = - 'x'",
        "value = 'x'",
        "value IN (1, 'x')",
        "value IN (POINT(1 1))",
        "value BETWEEN 1 AND POINT(1 1)",
        "value < name",
        "1 = 1",
        "nothing = 1",
        "geometry IS NULL",
        "name = '",
        '"""" = 1',
        "name EXISTS",
        "INCLUDE",
        "year DURING 2010-01-01T00:00:00Z/P99999999999Y",
        "year BEFORE 9999-99-99T00:00:00Z",
        "INTERSECTS(geometry, POLYGON((0 0, 1 1)))",
        "INTERSECTS(geometry, POLYGON((0 0, 1 1, 1 0, 0 1, 0 0)))",
        "INTERSECTS(geometry, POLYGON((1 1, 1 1, 1 1, 1 1)))",
        "INTERSECTS(geometry, LINESTRING(1 1))",
        "INTERSECTS(geometry, POINT(1e999 1))",
        "INTERSECTS(geometry, POINT(NaN 1))",
        "INTERSECTS(geometry, POINT EMPTY)",
        "INTERSECTS(geometry, POINT(1 1 1 1))",
        "INTERSECTS(geometry, SRID=99999;POINT(1 1))",
        "INTERSECTS(geometry, " + "GEOMETRYCOLLECTION(" * 200 + "POINT(1 1)" + ")" * 201,
        "INTERSECTS(geometry, ENVELOPE(1 2 3 4))",
        "INTERSECTS(geometry, geometry)",
        "INTERSECTS(geometry, 'x')",
        "INTERSECTS(name, POINT(1 1))",
        "INTERSECTS(POINT(1 1), POINT(1 1))",
        "DWITHIN(geometry, POINT(1 1), 1, meters)",
        "BBOX(geometry, 3, 3, 1, 1)",
        "BBOX(geometry, 1, 2, 3, 1e999)",
        "BBOX(geometry, 1, 2, 3, 4, 'EPSG:1')",
        "BBOX(name, 1, 2, 3, 4)",
        "苏 = 1",
        "value\n= 1",
    ],
)
def test_a_filter_that_makes_no_sense_is_refused_in_words(
    server: Starlette, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(get(server, ITEMS, filter=text))
    # The library prints its state for a filter it cannot read.
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (f"value > {'9' * 3500}", 0),
        (f"value > -{'9' * 3500}", 13),
        ("value < 1e999", 13),
        ("(" * MAX_BRACKETS + "value > 0" + ")" * MAX_BRACKETS, 13),
        (f"name <> '{'(' * (MAX_BRACKETS + 1)}'", 13),
        (f"name = 'a)(b' OR name <> '{'(' * (MAX_BRACKETS + 1)}' AND (value > 0)", 13),
        (" OR ".join(["value > 0"] * MAX_CONDITIONS), 13),
        (f"name IN ({','.join(repr(str(number)) for number in range(200))})", 0),
        (f"name NOT IN ('苏州市', {','.join(repr(str(number)) for number in range(200))})", 12),
        ("name IN (name, 'a')", 13),
        ("INTERSECTS(geometry, GEOMETRYCOLLECTION(POINT(118.8 32), POINT(1 1)))", 1),
        ("INTERSECTS(geometry, POLYGON((-1e9 -1e9, 1e9 -1e9, 1e9 1e9, -1e9 1e9, -1e9 -1e9)))", 13),
        ("BBOX(geometry, -1e9, -1e9, 1e9, 1e9)", 13),
    ],
)
def test_what_is_long_or_large_but_makes_sense_is_answered(server: Starlette, text: str, rows: int) -> None:
    assert items(server, PREFECTURES, filter=text, skipGeometry="true")["numberMatched"] == rows


def test_a_chain_is_read_from_the_left() -> None:
    rows = pd.DataFrame({"a": [1, 2, 3]})
    kept = matching(
        parse("a = 1 OR a = 2 AND a = 3"), rows, lambda _box: rows.index.to_numpy(), lambda one: one
    )
    assert kept.tolist() == [False, False, False]
    kept = matching(
        parse("a = 1 AND a = 2 OR a = 3"), rows, lambda _box: rows.index.to_numpy(), lambda one: one
    )
    assert kept.tolist() == [False, False, True]


def test_a_box_around_the_world_finds_every_cell(server: Starlette) -> None:
    whole = items(server, "population_grid", limit=1)["numberMatched"]
    for box in ("-180,-90,180,90", "-1e9,-1e9,1e9,1e9", "116,30,0,123,36,9"):
        assert items(server, "population_grid", limit=1, bbox=box)["numberMatched"] == whole
    assert items(server, "population_grid", limit=1, bbox="-10,-10,10,10")["numberMatched"] == 0


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{ITEMS}/{'9' * 900}", 404),
        (f"{ITEMS}/²", 404),
        (f"{ITEMS}/٣", 404),
        (f"{ITEMS}/\x00", 404),
        (f"{ITEMS}/-1", 404),
        ("/collections/../../etc/passwd", 404),
        ("/collections/..%2f..", 404),
        ("/collections/\x00/items", 404),
        ("/collections/<script>/queryables", 404),
        ("/collections/nothing/schema", 404),
        ("/collections/nothing/items/1", 404),
        (f"/collections/{'a' * 2000}", 414),
        (f"{TILES}/1000/0/0", 404),
        (f"{TILES}/-1/0/0", 400),
        (f"{TILES}/8/9999999/0", 404),
        (f"{TILES}/8/99999999999/0", 400),
        (f"{TILES}/²/0/0", 400),
        (f"{TILES}/8/1.0/1", 400),
        ("/collections/population_grid/tiles/Nothing", 404),
        ("/tileMatrixSets/Nothing", 404),
        ("/nothing", 404),
    ],
)
def test_an_address_that_is_none_is_refused_in_words(server: Starlette, path: str, status: int) -> None:
    answer = get(server, path)
    refused(answer)
    assert answer.status == status


@pytest.mark.parametrize(
    "query", ["limit=1&limit=2", "name=%ff", "name=%c3%28", "&".join(f"a{one}=1" for one in range(100))]
)
def test_a_garbled_address_is_refused_in_words(server: Starlette, query: str) -> None:
    assert refused(ask(server, f"/ogc{ITEMS}", query=query, host="a"))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "NONSENSE"])
@pytest.mark.parametrize("path", ["/ogc", "/ogc/collections", f"/ogc{ITEMS}", "/ogc/nothing"])
def test_only_reading_is_answered(server: Starlette, method: str, path: str) -> None:
    answer = ask(server, path, method=method, host="a")
    refused(answer)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content_length": "5"}, 400),
        ({"transfer_encoding": "chunked"}, 400),
        ({"x_filler": "y" * 40_000}, 431),
    ],
)
def test_a_body_and_a_flood_of_headers_are_refused(
    server: Starlette, headers: dict[str, str], status: int
) -> None:
    answer = ask(server, "/ogc/collections", **headers)
    refused(answer)
    assert answer.status == status


@pytest.mark.parametrize(
    "accept", ["text/html;q=0", "*/*;q=...", "," * 5000, "a/b;" * 900, ";;;", "text/html;q=0.0"]
)
@pytest.mark.parametrize("language", ["", "xx-invalid;q=0", "zh;q=.," * 500, "q=0"])
def test_nonsense_in_headers_asks_for_nothing(server: Starlette, accept: str, language: str) -> None:
    answer = ask(server, "/ogc/conformance", accept=accept, accept_language=language, accept_crs="nonsense")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("application/json")


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "html"),
        ("application/geo+json, application/json", "json"),
        ("text/html;q=0.1, application/json", "json"),
        ("image/png", None),
        ("", None),
    ],
)
def test_the_form_is_what_is_wanted_most(accept: str, form: str | None) -> None:
    assert form_wanted({"query_string": b"", "headers": [(b"accept", accept.encode())]}) == form


@pytest.mark.parametrize("host", ["[", "[::1", "a b", "a" * 5000, "x:99999999", "\x00"])
@pytest.mark.parametrize("path", ["/ogc", "/ogc/", "/overview"])
def test_a_host_that_is_none_harms_nobody(server: Starlette, host: str, path: str) -> None:
    answer = ask(server, path, query="a=1", host=host)
    assert answer.status in {200, 307, 308}
    assert answer.headers.get("location") in {None, "/ogc/?a=1", "/?a=1"}


def test_a_refusal_comes_as_a_page_to_who_asked_for_one(server: Starlette) -> None:
    for query, headers in ((f"f=html&bbox={quote('<script>')}", {}), ("bbox=1", {"accept": "text/html"})):
        answer = ask(server, f"/ogc{ITEMS}", query=query, host="a", **headers)
        assert answer.status == 400
        assert answer.headers["content-type"].startswith("text/html")
        assert "bbox 应为四个数" in answer.body.decode()
        assert "<script" not in answer.body.decode()


def test_a_fault_of_ours_is_a_number_outside_and_whole_in_the_log(
    server: Starlette, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_asked: Any) -> None:
        raise ZeroDivisionError("secret of the house")

    for place, path in ((api, ITEMS), (api, "/collections")):
        monkeypatch.setattr(place, "_checked", broken)
        answer = get(server, path)
        told = json.loads(answer.body)["description"]
        number = re.search(r"[0-9a-f]{8}", told)
        assert answer.status == 503
        assert number is not None
        assert CHINESE.search(told)
        assert "secret" not in answer.body.decode()
        assert number[0] in caplog.text
        assert "secret of the house" in caplog.text


def test_a_fault_before_any_answer_is_a_number_too(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(*_asked: Any) -> None:
        raise KeyError("secret of the house")

    answer = ask(Guard(broken), "/ogc/x")
    assert answer.status == 503
    assert "secret" not in answer.body.decode()
    assert "secret of the house" in caplog.text


NAMES = st.sampled_from(
    [
        *(
            "limit",
            "offset",
            "bbox",
            "bbox-crs",
            "crs",
            "datetime",
            "filter",
            "filter-crs",
            "filter-lang",
            "f",
        ),
        *(
            "sortby",
            "properties",
            "skipGeometry",
            "resulttype",
            "lang",
            "name",
            "value",
            "year",
            "status",
            "x",
        ),
    ]
)
PIECES = st.sampled_from(
    [
        *("1", "-1", "0", "1e9", "nan", "inf", ",", "/", "..", "2010", "2010-11-01", "T00:00:00Z", "9" * 400),
        *("value", "name", "geometry", "'", '"', "%", "(", ")", "true", "²", "苏", "<b>", "-", "+", "\x00"),
        *(" AND ", " OR ", " NOT ", " = ", " > ", " LIKE ", " IN ", " BETWEEN ", " IS NULL ", "json", "html"),
        *("INTERSECTS(", "BBOX(", "POLYGON((", "GEOMETRYCOLLECTION(", "POINT(1 1)", *CRS),
    ]
)
VALUES = st.one_of(
    st.lists(PIECES, max_size=12).map("".join), st.text(max_size=30), st.text(string.printable, max_size=30)
)
OTHERS = ("/", "/collections", f"/collections/{PREFECTURES}", f"{ITEMS}/0", f"{TILES}/8/103/213", TILES)
PATHS = st.one_of(
    st.just(ITEMS),
    st.sampled_from([*OTHERS, "/collections/facilities/items", "/tileMatrixSets", "/conformance"]),
)


@given(path=PATHS, asked=st.lists(st.tuples(NAMES, VALUES), max_size=4))
@settings(max_examples=150, derandomize=True)
def test_nothing_that_is_asked_is_a_fault_of_the_server(
    server: Starlette, path: str, asked: list[tuple[str, str]]
) -> None:
    query = urlencode(asked, errors="replace")
    answer = ask(server, f"/ogc{path}", query=query, host="127.0.0.1:8501")
    assert answer.status < 500, (path, query, answer.body[:300])
    told = answer.body.decode(errors="replace")
    assert "Traceback" not in told
    if answer.status < 400:
        return
    if answer.headers["content-type"].startswith("text/html"):
        assert CHINESE.search(told)
    else:
        refused(answer)


@given(st.dictionaries(NAMES, VALUES, max_size=5))
@settings(max_examples=300, derandomize=True)
def test_parameters_are_either_refused_or_written_plainly(asked: dict[str, str]) -> None:
    columns = pd.DataFrame({"name": ["a"], "value": [1.0], "year": [2010], "status": ["x"]})
    try:
        told = checked_items(asked, columns)
    except RefusedError:
        return
    assert set(told) <= set(asked)
    assert told == checked_items(told, columns)
