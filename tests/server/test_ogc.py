"""OGC API – Features: what it answers is what the layers hold; paging, boxes, CRS, filters, limits."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pygeofilter import ast
from pygeofilter.parsers.ecql import parse
from starlette.applications import Starlette
from starlette.middleware import Middleware

from data.store.store import Store
from exports.catalogue import make_layer
from server.middleware import ShellMiddleware
from server.ogc.api import _service
from server.ogc.collections import collections
from server.ogc.config import CRS, MAX_ITEMS, configuration
from server.ogc.filters import FilterError, matching, wildcard
from server.ogc.provider import page_of, spliced
from server.ogc.source import source_of
from server.routes import routes
from tests.server.asgi import ask
from tests.server.ogc_asking import get, items

PREFECTURES = "indicator.population.prefecture"
pytestmark = pytest.mark.xdist_group("ogc")


@pytest.fixture(autouse=True)
def environment(data_env: Path) -> None:
    """Answer from the shared store."""


@pytest.fixture(scope="module")
def server() -> Starlette:
    return Starlette(routes=routes(), middleware=[Middleware(ShellMiddleware)])


def test_the_landing_page_leads_to_every_collection(server: Starlette, built_store: Store) -> None:
    told = json.loads(get(server, "/").body)
    assert all(link["href"].startswith("http://127.0.0.1:8501") for link in told["links"])
    listed = [one["id"] for one in json.loads(get(server, "/collections").body)["collections"]]
    assert listed == list(collections(built_store))
    assert {"coverage.cells", "catchment.county", "circles.prefecture", "siting"} <= set(listed)
    assert (
        "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core"
        in get(server, "/conformance").body.decode()
    )
    paths = json.loads(get(server, "/openapi", f="json").body)["paths"]
    assert "/collections/{collectionId}/items" in paths


def test_items_are_the_rows_of_the_layer(server: Starlette, built_store: Store, built_data_dir: Path) -> None:
    told = items(server, PREFECTURES, limit=100)
    frame = make_layer(built_store, built_data_dir, "population", {"level": "prefecture"}).frame()
    assert told["numberMatched"] == told["numberReturned"] == len(frame) == 13
    assert [one["properties"]["value"] for one in told["features"]] == frame["value"].tolist()
    shape = shapely.from_geojson(json.dumps(told["features"][0]["geometry"]))
    assert shapely.hausdorff_distance(shape, frame.geometry[0]) < 1e-6


def test_pages_follow_each_other_without_gap_or_overlap(server: Starlette) -> None:
    names, offset = [], 0
    while True:
        told = items(server, PREFECTURES, limit=5, offset=offset, skipGeometry="true")
        names += [one["properties"]["adcode"] for one in told["features"]]
        if not any(link["rel"] == "next" for link in told["links"]):
            break
        offset += 5
    assert len(names) == len(set(names)) == 13
    assert len(items(server, "facilities", limit=10**9)["features"]) <= MAX_ITEMS


def test_a_box_finds_what_intersects_it(server: Starlette, built_store: Store) -> None:
    box = (120.2, 31.1, 120.9, 31.6)
    told = items(server, PREFECTURES, bbox=",".join(map(str, box)), skipGeometry="true")
    regions = built_store.regions("prefecture", zoom="full")
    expected = regions.index[regions.intersects(shapely.box(*box))]
    assert {one["properties"]["adcode"] for one in told["features"]} == set(expected)


@given(west=st.floats(116.4, 121.5), south=st.floats(30.8, 34.9), size=st.floats(0.001, 0.15))
@settings(max_examples=12)
def test_cells_of_the_grid_in_a_box_are_those_whose_squares_meet_it(
    west: float, south: float, size: float
) -> None:
    source = source_of("population_grid")
    box = (west, south, west + size, south + size)
    found = set(source.hits(box).tolist())
    near = source.hits((west - 0.03, south - 0.03, west + size + 0.03, south + size + 0.03))
    shapes = source.shapes(near)
    expected = set(near[shapely.intersects(shapes, shapely.box(*box))].tolist())
    assert found == expected


def test_coordinates_come_in_the_crs_asked_for(server: Starlette) -> None:
    plain = items(server, "facilities", limit=1)["features"][0]["geometry"]["coordinates"]
    for crs in CRS[1:]:
        other = items(server, "facilities", limit=1, crs=crs)["features"][0]["geometry"]["coordinates"]
        assert other == pytest.approx(plain[::-1], abs=1e-6)
    assert (
        get(server, "/collections/facilities/items", crs="http://www.opengis.net/def/crs/EPSG/0/9999").status
        == 400
    )


@pytest.mark.parametrize(
    ("text", "keep"),
    [
        ("value > 5000000", lambda frame: frame["value"] > 5_000_000),
        ("value BETWEEN 4000000 AND 5000000", lambda frame: frame["value"].between(4e6, 5e6)),
        ("name IN ('苏州市', '无锡市')", lambda frame: frame["name"].isin(["苏州市", "无锡市"])),
        ("name LIKE '%州市'", lambda frame: frame["name"].str.endswith("州市")),
        (
            "name NOT LIKE '_州市' AND value < 4000000",
            lambda f: ~f["name"].str.fullmatch(".州市") & (f["value"] < 4e6),
        ),
        ("reason IS NULL", lambda frame: frame["reason"].isna()),
        ("name = '=cmd' OR name = '南京市'", lambda frame: frame["name"] == "南京市"),
        ("BBOX(geometry, 118, 31, 119, 33)", None),
        ("INTERSECTS(geometry, POINT(118.8 32.05))", None),
    ],
)
def test_a_cql_filter_keeps_what_pandas_keeps(
    server: Starlette, built_store: Store, built_data_dir: Path, text: str, keep: Any
) -> None:
    frame = make_layer(built_store, built_data_dir, "population", {"level": "prefecture"}).frame()
    told = items(server, PREFECTURES, filter=text, limit=100, skipGeometry="true")
    if keep is None:
        box = shapely.box(118, 31, 119, 33) if text.startswith("BBOX") else shapely.Point(118.8, 32.05)
        expected = frame[frame.intersects(box)]
    else:
        expected = frame[keep(frame)]
    assert [one["properties"]["adcode"] for one in told["features"]] == expected["adcode"].tolist()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("n = 2", "b"),
        ("n <> 2", "acde"),
        ("n < 3", "ab"),
        ("n <= 3", "abc"),
        ("n > 3", "de"),
        ("n >= 3", "cde"),
        ("n BETWEEN 2 AND 4", "bcd"),
        ("n NOT BETWEEN 2 AND 4", "ae"),
        ("n BETWEEN 2.5 AND 3.5", "c"),
        ("n BETWEEN 4 AND 2", ""),
        ("n BETWEEN m AND 4", "bd"),
        ("n IN (1, 5)", "ae"),
        ("n NOT IN (1, 5)", "bcd"),
        ("n IS NULL", "f"),
        ("n IS NOT NULL", "abcde"),
        ("NOT n > 3", "abcf"),
        ("name BETWEEN 'b' AND 'd'", "bcd"),
        ("name LIKE 'a%'", "a"),
        ("name NOT LIKE 'a%'", "bcdef"),
        ("n < 2 OR n > 4", "ae"),
        ("n > 1 AND n < 4", "bc"),
    ],
)
def test_every_comparison_ends_where_it_should(text: str, kept: str) -> None:
    """One row on each end and one beyond it; the sixth has no value, and satisfies nothing but IS NULL."""
    rows = pd.DataFrame(
        {"name": list("abcdef"), "n": [1.0, 2, 3, 4, 5, float("nan")], "m": [9.0, 2, 9, 1, 1, 1]}
    )
    found = matching(parse(text), rows, lambda _box: np.array([], dtype=int), lambda rows: rows)
    assert "".join(rows["name"][found]) == kept


@pytest.mark.parametrize("text", ["nothing = 1", "value = ", "name > 3 +", "TOUCHES(geometry, POINT(1 1))"])
def test_a_filter_that_cannot_be_answered_is_refused(server: Starlette, text: str) -> None:
    assert get(server, f"/collections/{PREFECTURES}/items", filter=text).status == 400


def test_a_filter_nested_too_deep_is_refused() -> None:
    rows = pd.DataFrame({"a": [1.0]})
    node = parse("a = 1")
    for _ in range(30):
        node = ast.Not(node)
    with pytest.raises(FilterError, match="嵌套"):
        matching(node, rows, lambda _box: np.array([], dtype=int), lambda rows: rows)


@given(st.text("ab%_", max_size=8), st.text("ab", max_size=8))
def test_like_agrees_with_a_regular_expression(pattern: str, text: str) -> None:
    import re

    naive = "".join(".*" if char == "%" else "." if char == "_" else char for char in pattern)
    assert wildcard(pattern, "%", "_", nocase=False)(text) == (re.fullmatch(naive, text) is not None)


def test_like_heeds_case_unless_told_not_to_and_takes_any_character() -> None:
    for pattern in ("su%", "%zhou", "s_zho_", "%ZH%"):
        assert wildcard(pattern, "%", "_", nocase=True)("SuZhou")
        assert not wildcard(pattern, "%", "_", nocase=False)("SuZhou")
    for pattern in ("a_b", "a%", "%_b"):
        assert wildcard(pattern, "%", "_", nocase=False)("a\nb")


def test_what_is_told_of_a_parameter_fits_itself(server: Starlette) -> None:
    """What is taken where nothing is given must be something that may be given."""

    def schemas(told: Any) -> Iterator[dict[str, Any]]:
        if isinstance(told, dict):
            if "default" in told:
                yield told
            told = list(told.values())
        if isinstance(told, list):
            for one in told:
                yield from schemas(one)

    found = list(schemas(json.loads(get(server, "/openapi", f="json").body)))
    assert found
    for schema in found:
        default = schema["default"]
        assert schema.get("minimum", default) <= default <= schema.get("maximum", default), schema
        assert default in schema.get("enum", [default]), schema


def test_one_item_columns_and_sorting(server: Starlette) -> None:
    one = json.loads(get(server, f"/collections/{PREFECTURES}/items/3").body)
    assert one["id"] == 3
    told = items(server, PREFECTURES, sortby="-value", properties="name,value", skipGeometry="true")
    values = [feature["properties"]["value"] for feature in told["features"]]
    assert values == sorted(values, reverse=True)
    assert set(told["features"][0]["properties"]) == {"name", "value"}
    assert items(server, PREFECTURES, adcode="320500")["numberMatched"] == 1
    fields = json.loads(get(server, f"/collections/{PREFECTURES}/queryables").body)["properties"]
    assert fields["value"]["type"] == "number"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/collections/nothing", 404),
        ("/collections/nothing/items", 404),
        (f"/collections/{PREFECTURES}/items/999", 404),
        (f"/collections/{PREFECTURES}/items/-1", 404),
        ("/no/such", 404),
    ],
)
def test_what_is_not_there_is_404(server: Starlette, path: str, status: int) -> None:
    assert get(server, path).status == status


def test_a_long_question_and_a_strange_host_are_refused(server: Starlette) -> None:
    assert get(server, "/collections", x="y" * 5_000).status == 414
    answer = ask(server, "/ogc/", host='evil"><script>')
    assert b"<script>" not in answer.body


@pytest.mark.parametrize(
    "path",
    ["/", "/collections", "/conformance", f"/collections/{PREFECTURES}", f"/collections/{PREFECTURES}/items"],
)
def test_pages_are_chinese_and_ask_no_other_host(server: Starlette, path: str) -> None:
    answer = ask(server, f"/ogc{path}", query="f=html&limit=3", host="127.0.0.1:8501", accept="text/html")
    page = answer.body.decode()
    assert answer.status == 200
    assert 'lang="zh-CN"' in page
    assert "内部工作图" in page
    assert "<script" not in page
    loaded = [part for part in page.split('"') if part.startswith(("http://", "https://"))]
    assert all(part.startswith("http://127.0.0.1:8501") for part in loaded), loaded
    assert "default-src 'self'" in answer.headers["content-security-policy"]


def test_the_service_says_the_notice_of_the_office(
    built_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.ogc.config.internal_notice", lambda: "本处内部图")
    told = configuration(built_store, "http://127.0.0.1")["metadata"]["identification"]
    assert told["terms_of_service"] == "本处内部图"
    assert told["description"].endswith(f"数据版本 {built_store.data_version}。本处内部图")


def test_pages_link_to_the_name_they_are_reached_by(server: Starlette) -> None:
    for host in ("127.0.0.1:8501", "sutu.example.cn", "127.0.0.1:8501"):
        for path in ("/", "/collections", "/collections/none"):
            page = ask(server, f"/ogc{path}", query="f=html", host=host, accept="text/html").body.decode()
            linked = re.findall(r'href="(https?://[^/"]+)', page)
            assert linked and set(linked) == {f"http://{host}"}


@pytest.mark.parametrize("path", ["/", "/collections", "/collections/none"])
def test_every_page_ends_with_the_notice_of_the_office(
    path: str, server: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.ogc.config.internal_notice", lambda: "本处 <内部> 图")
    _service.cache_clear()
    try:
        page = ask(
            server, f"/ogc{path}", query="f=html", host="127.0.0.1:8501", accept="text/html"
        ).body.decode()
    finally:
        _service.cache_clear()
    assert '<p class="notice">本处 &lt;内部&gt; 图</p>' in page
    assert "内部工作图" not in page


def test_it_can_be_switched_off(server: Starlette, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUTU_OGC", "off")
    answer = get(server, "/collections")
    assert answer.status == 404
    assert "SUTU_OGC" in answer.body.decode()


@pytest.mark.parametrize("collection", [PREFECTURES, "facilities", "population_grid"])
@pytest.mark.parametrize("more", [{}, {"crs": CRS[1]}, {"skipGeometry": "true", "properties": "adcode"}])
def test_text_of_features_says_what_their_dictionaries_say(
    server: Starlette, collection: str, more: dict[str, str]
) -> None:
    told = items(server, collection, limit=7, offset=3, **more)
    source, names = source_of(collection), [name for name in [more.get("properties")] if name]
    rows = np.arange(3, 10)
    plain, swapped = "skipGeometry" in more, "crs" in more
    assert told["features"] == page_of(source, rows, names, plain=plain, swapped=swapped)
    assert list(told)[:2] == ["type", "features"]


def test_text_goes_only_where_a_place_was_kept_for_it() -> None:
    assert spliced('{"features":[],"a":1}', ['{"id":1}']) == '{"features":[{"id":1}],"a":1}'
    assert spliced('{"a":1}', ["{}"]) == '{"a":1}'
    assert spliced('{"features":[]}', []) == '{"features":[]}'


def test_the_last_page_leads_no_further(server: Starlette) -> None:
    told = items(server, PREFECTURES, limit=13)
    assert len(told["features"]) == 13
    assert not [link for link in told["links"] if link["rel"] == "next"]


def test_a_page_as_linked_data_holds_the_same_rows(server: Starlette) -> None:
    answer = get(server, f"/collections/{PREFECTURES}/items", f="jsonld", limit=3)
    assert answer.status == 200
    assert len(json.loads(answer.body)["features"]) == 3


def test_clients_are_told_the_largest_page(server: Starlette) -> None:
    told = json.loads(get(server, "/openapi", f="json").body)
    assert told["components"]["parameters"]["limit"]["schema"]["maximum"] == MAX_ITEMS
