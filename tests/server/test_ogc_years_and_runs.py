"""OGC API – Features: years by ``datetime``, recorded runs, layers that are computed, and bad questions."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pygeoapi.provider.base import ProviderInvalidQueryError
from starlette.applications import Starlette

from analysis.coverage import CoverageRequest, prepare_coverage
from analysis.given import gather
from analysis.runs import Run, record_run, save_scenario
from analysis.siting import SitingRequest, prepare_siting
from data.registry import load_registry
from data.store.store import Store
from exports.catalogue import make_layer
from exports.layers.runs import run_layers
from server.ogc import source as sources
from server.ogc.collections import collections
from server.ogc.question import years_of
from server.ogc.source import source_of
from server.routes import routes
from tests.server.asgi import ask
from tests.server.ogc_asking import get, items

POPULATION = "indicator.population.prefecture"
GDP = "indicator.gdp.prefecture"
pytestmark = pytest.mark.xdist_group("ogc")


@pytest.fixture(autouse=True)
def environment(data_env: Path) -> None:
    """Answer from the shared store."""


@pytest.fixture(scope="module")
def server() -> Starlette:
    return Starlette(routes=routes())


def years(told: dict[str, Any]) -> set[int]:
    return {one["properties"]["year"] for one in told["features"]}


def test_a_collection_tells_the_years_it_has(server: Starlette, built_store: Store) -> None:
    known = collections(built_store)[GDP].years
    told = json.loads(get(server, f"/collections/{GDP}").body)
    begin, end = told["extent"]["temporal"]["interval"][0]
    assert (int(begin[:4]), int(end[:4])) == (min(known), max(known))
    facts = built_store.facts("gdp", level="prefecture")
    assert set(known) == set(facts["year"])
    assert "temporal" not in json.loads(get(server, "/collections/regions.county").body)["extent"]


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ({}, {2024}),
        ({"datetime": "2010"}, {2010}),
        ({"datetime": "2010-11-01"}, {2010}),
        ({"datetime": "2010-11-01T08:00:00Z"}, {2010}),
        ({"datetime": "2010/2012"}, {2010, 2011, 2012}),
        ({"datetime": "2023/.."}, {2023, 2024}),
        ({"datetime": "../2001-06"}, {2000, 2001}),
        ({"year": "2005"}, {2005}),
        ({"filter": "year < 2003 AND value > 0"}, {2000, 2001, 2002}),
        ({"filter": "value > 0"}, {2024}),
    ],
)
def test_years_are_those_asked_for_and_else_the_newest(
    server: Starlette, built_store: Store, asked: dict[str, str], wanted: set[int]
) -> None:
    facts = built_store.facts("gdp", level="prefecture")
    wanted = {year for year in wanted if (facts["year"] == year).any()} or {int(facts["year"].max())}
    told = items(server, GDP, limit=500, skipGeometry="true", **asked)
    assert years(told) == wanted


def test_values_of_a_year_are_those_of_the_layer(
    server: Starlette, built_store: Store, built_data_dir: Path
) -> None:
    layer = {"level": "prefecture", "year": "2010"}
    frame = make_layer(built_store, built_data_dir, "population", layer).frame()
    told = items(server, POPULATION, datetime="2010", limit=50)
    found = {one["properties"]["adcode"]: one for one in told["features"]}
    assert {key: one["properties"]["value"] for key, one in found.items()} == dict(
        zip(frame["adcode"], frame["value"], strict=True)
    )
    # An item keeps its id, whatever was asked when it was found.
    item = next(iter(found.values()))
    again = json.loads(get(server, f"/collections/{POPULATION}/items/{item['id']}").body)
    assert again["properties"] == item["properties"]


def test_a_time_says_nothing_of_layers_without_years(server: Starlette) -> None:
    assert items(server, "regions.prefecture", datetime="1990", skipGeometry="true")["numberMatched"] == 13


@given(st.integers(0, 9999), st.integers(0, 9999))
def test_an_interval_is_its_years(first: int, last: int) -> None:
    text = f"{first:04d}-01-01/{last:04d}"
    if first > last:
        with pytest.raises(ProviderInvalidQueryError):
            years_of(text)
    else:
        assert years_of(text) == (first, last)


@given(st.text(max_size=12))
@settings(max_examples=60)
def test_any_text_is_years_or_refused(text: str) -> None:
    try:
        first, last = years_of(text)
    except ProviderInvalidQueryError:
        return
    assert 0 <= first <= last <= 9999


@pytest.mark.parametrize(
    "asked",
    [
        {"datetime": "yesterday"},
        {"datetime": "2010-"},
        {"datetime": "1900"},
        {"datetime": "2020/2010"},
        {"datetime": "<script>"},
        {"limit": 0},
        {"limit": -5},
        {"limit": "many"},
        {"limit": 1.5},
        {"offset": -1},
        {"offset": "x"},
        {"bbox": "120,31,121"},
        {"bbox": "a,b,c,d"},
        {"bbox": "121,32,120,31"},
        {"bbox": "120,31,121,32", "bbox-crs": "http://www.opengis.net/def/crs/EPSG/0/1"},
        {"sortby": "nothing"},
        {"properties": "nothing"},
        {"filter": "year = "},
        {"f": "exe"},
    ],
)
def test_a_bad_question_is_refused_in_words(server: Starlette, asked: dict[str, object]) -> None:
    answer = get(server, f"/collections/{GDP}/items", **asked)
    assert answer.status == 400, answer.body
    assert json.loads(answer.body)["description"]


@pytest.mark.parametrize("limit", [10**6, 10**30])
def test_a_huge_page_is_cut_to_the_largest(server: Starlette, limit: int) -> None:
    told = items(server, "population_grid", limit=limit, skipGeometry="true", properties="cell_id")
    assert len(told["features"]) == 2_000
    assert items(server, "population_grid", limit=5, offset=10**9)["features"] == []


@pytest.mark.parametrize(
    "name", ["run.20000101-000000-aaaaaa", "run.../../etc", "%2e%2e", "indicator.gdp", "x" * 300]
)
def test_a_collection_that_is_none_is_404(server: Starlette, name: str) -> None:
    assert get(server, f"/collections/{name}/items").status == 404


def test_a_layer_that_is_computed_is_made_once(
    server: Starlette, built_store: Store, built_data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    make = sources.make_asked
    monkeypatch.setattr(sources, "make_asked", lambda request: made.append(request) or make(request))
    monkeypatch.setattr(sources, "_sources", {})
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(source_of, ["catchment.prefecture"] * 8))
    assert len(made) == 1
    assert all(one is found[0] for one in found)
    expected = make_layer(built_store, built_data_dir, "catchment", {"level": "prefecture"}).frame()
    np.testing.assert_array_equal(found[0].rows["access"].to_numpy(), expected["access"].to_numpy())


def test_travel_time_by_cell_is_that_of_the_layer(
    server: Starlette, built_store: Store, built_data_dir: Path
) -> None:
    told = items(server, "coverage.cells", limit=20, offset=500)
    frame = next(iter(make_layer(built_store, built_data_dir, "coverage.cells").chunks())).iloc[500:520]
    assert [one["properties"]["minutes"] for one in told["features"]] == [
        None if np.isnan(value) else value for value in frame["minutes"]
    ]
    for one, shape in zip(told["features"], frame.geometry, strict=True):
        assert shapely.from_geojson(json.dumps(one["geometry"])).equals_exact(shape, 1e-6)


def recorded(data_dir: Path, store: Store, version: str) -> Run:
    request = CoverageRequest(types=("general_hospital",))
    result = prepare_coverage(gather(store, data_dir), request).table(30.0, level="prefecture")
    return record_run(
        data_dir,
        kind="coverage",
        parameters={
            "request": request.as_dict(),
            "minutes": 30.0,
            "group": "population",
            "level": "prefecture",
        },
        data_version=version,
        result=result,
        seconds=0.1,
    )


@pytest.fixture(scope="module")
def runs(built_store: Store, built_data_dir: Path) -> Iterator[dict[str, Run]]:
    """A coverage of today, one of an older version of the data, and a siting with a hostile name."""
    siting = prepare_siting(
        gather(built_store, built_data_dir),
        SitingRequest(CoverageRequest(types=("general_hospital",)), 30.0, add=2),
    )
    made = {
        "now": recorded(built_data_dir, built_store, built_store.data_version),
        "old": recorded(built_data_dir, built_store, "0" * 16),
        "siting": save_scenario(built_data_dir, built_store, siting, "<script>alert(1)</script>").run,
    }
    yield made
    for run in made.values():
        shutil.rmtree(built_data_dir / "runs" / run.id)


@pytest.fixture
def damaged(built_store: Store, built_data_dir: Path) -> Iterator[Path]:
    """The folder of a run to be damaged."""
    folder = built_data_dir / "runs" / recorded(built_data_dir, built_store, built_store.data_version).id
    yield folder
    shutil.rmtree(folder)


def test_recorded_runs_are_collections(
    server: Starlette, built_store: Store, built_data_dir: Path, runs: dict[str, Run]
) -> None:
    listed = {one["id"]: one for one in json.loads(get(server, "/collections").body)["collections"]}
    now, old, siting = (f"run.{runs[key].id}" for key in ("now", "old", "siting"))
    assert {now, f"{now}.cells", old, siting, f"{siting}.sites"} <= set(listed)
    # What was not recorded belongs to the data of its time.
    assert f"{old}.cells" not in listed
    assert "旧数据版本" in listed[old]["description"]
    told = items(server, now, limit=50)
    expected = prepare_coverage(
        gather(built_store, built_data_dir), CoverageRequest(types=("general_hospital",))
    ).table(30.0, level="prefecture")
    assert [one["properties"]["population_coverage"] for one in told["features"]] == expected[
        "population_coverage"
    ].tolist()
    assert all(one["geometry"] is not None for one in told["features"])
    assert items(server, f"{now}.cells", limit=1)["numberMatched"] == len(built_store.population_grid())
    sites = items(server, f"{siting}.sites")["features"]
    assert [one["properties"]["site_rank"] for one in sites] == [1, 2]
    assert all(one["geometry"]["type"] == "Point" for one in sites)
    page = get(server, f"/collections/{siting}", f="html").body.decode()
    assert "<script>alert" not in page


def test_a_recorded_result_that_was_changed_is_not_given(server: Starlette, damaged: Path) -> None:
    path = damaged / "result.parquet"
    path.write_bytes(path.read_bytes()[:-40])
    answer = get(server, f"/collections/run.{damaged.name}/items")
    assert answer.status == 503
    assert str(damaged) not in answer.body.decode()


def test_runs_can_be_left_out(
    server: Starlette, runs: dict[str, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUTU_OGC_RUNS", "off")
    listed = [one["id"] for one in json.loads(get(server, "/collections").body)["collections"]]
    assert not [one for one in listed if one.startswith("run.")]
    assert get(server, f"/collections/run.{runs['now'].id}/items").status == 404


def test_a_run_that_cannot_be_read_and_the_oldest_are_left_out(
    built_store: Store, built_data_dir: Path, damaged: Path
) -> None:
    (damaged / "run.json").write_text("{", encoding="utf-8")
    found = run_layers(built_store, built_data_dir)
    assert f"run.{damaged.name}" not in found
    assert len({one.run.id for one in found.values()}) <= load_registry().setting("listed_runs")


@pytest.mark.parametrize(
    "languages", ["en-US,*", "en", "zh-CN,zh;q=0.9", "de;q=0.5, fr", "*", "x" * 200, ";;"]
)
def test_clients_of_any_language_are_answered(server: Starlette, languages: str) -> None:
    for path in ("/ogc/", "/ogc/collections", f"/ogc/collections/{GDP}/items"):
        answer = ask(server, path, query="limit=1", host="127.0.0.1:8501", accept_language=languages)
        assert answer.status == 200, (path, answer.body)


def test_the_address_without_a_slash_leads_to_the_landing_page(server: Starlette) -> None:
    answer = ask(server, "/ogc", query="datetime=2010", host="127.0.0.1:8501")
    assert (answer.status, answer.headers["location"]) == (308, "/ogc/?datetime=2010")
