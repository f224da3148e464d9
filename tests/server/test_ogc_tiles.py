"""OGC API – Tiles: every person once at each zoom, tiles as GDAL and geopandas find them, faults in words."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import geopandas as gpd
import mapbox_vector_tile
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.middleware import Middleware

from analysis.coverage import CoverageRequest, prepare_coverage
from analysis.given import gather
from analysis.runs import record_run
from data.store.store import Store, open_store
from exports.layers.coverage import cell_frame
from exports.layers.grid import squares as cell_squares
from geo.crs import ALBERS
from geo.population import CENSUS_COLUMNS
from geo.tiles import MATRIX_SET, MAX_ZOOM, MERCATOR, MIN_ZOOM, gathering, tile_box, tile_range
from server.middleware import ShellMiddleware
from server.ogc import tiling
from server.ogc import tiling as kept_tiles
from server.ogc.config import EXTENT
from server.ogc.tiling import tile_of, tiling_of
from server.routes import routes
from tests.server.asgi import Answer, ask
from tests.server.ogc_asking import get

GRID, REACH = "population_grid", "coverage.cells"
MAX_SQUARES = 76**2
"""No tile meets more squares. Grid north of the measuring projection leaves that of Mercator by 1.7° at
most, so that a tile reaches over 72 × (cos 1.7° + sin 1.7°) = 74.1 squares each way and touches 76."""

ZOOMS = range(MIN_ZOOM, MAX_ZOOM + 1)
pytestmark = pytest.mark.xdist_group("ogc")


@pytest.fixture(autouse=True)
def environment(data_env: Path) -> None:
    """Answer from the shared store."""


@pytest.fixture(scope="module")
def server() -> Starlette:
    return Starlette(routes=routes(), middleware=[Middleware(ShellMiddleware)])


@pytest.fixture(scope="module")
def people(built_store: Store) -> pd.DataFrame:
    return built_store.population_grid()


@pytest.fixture(scope="module")
def reach(built_store: Store, built_data_dir: Path) -> pd.DataFrame:
    """Return the cells of the default coverage."""
    return cell_frame(
        prepare_coverage(
            gather(built_store, built_data_dir), CoverageRequest(types=("general_hospital",), mode="drive")
        ),
        30.0,
    )


def address(collection: str, *tile: object) -> str:
    return "/".join(["/collections", collection, "tiles", MATRIX_SET, *map(str, tile)])


def features(content: bytes) -> list[dict[str, Any]]:
    if not content:
        return []
    told = mapbox_vector_tile.decode(content, default_options={"y_coord_down": True})
    assert list(told) == ["cells"]
    found: list[dict[str, Any]] = told["cells"]["features"]
    return found


def tiles(zoom: int) -> list[tuple[int, int]]:
    """Return columns and rows of the tiles of the province."""
    west, north, east, south = tile_range(EXTENT, zoom)
    return [(column, row) for column in range(west, east + 1) for row in range(north, south + 1)]


def all_squares(collection: str, zoom: int) -> dict[int, dict[str, Any]]:
    """Return the attributes of every square of a zoom by its id, from all its tiles."""
    found: dict[int, dict[str, Any]] = {}
    for column, row in tiles(zoom):
        for one in features(tile_of(collection, zoom, column, row)):
            # A square that several tiles have is the same in all of them.
            assert found.setdefault(one["id"], one["properties"]) == one["properties"]
    return found


@pytest.mark.parametrize("zoom", [5, 6, 7])
def test_every_person_is_in_the_tiles_of_a_zoom_once(people: pd.DataFrame, zoom: int) -> None:
    found = all_squares(GRID, zoom)
    for name in CENSUS_COLUMNS:
        assert sum(one[name] for one in found.values()) == people[name].sum(), name
    assert sum(one["cells"] for one in found.values()) == len(people)
    assert sum(one["land_km2"] for one in found.values()) == pytest.approx(people["area_km2"].sum(), abs=0.01)
    for one in found.values():
        assert one["people_per_km2"] == pytest.approx(one["population"] / one["land_km2"], abs=0.06)
        assert one["side_m"] == 500 * gathering(zoom, 500)
        assert "adcode" not in one


@pytest.mark.parametrize("zoom", ZOOMS)
def test_squares_of_a_zoom_belong_to_one_tile_each_and_hold_all(people: pd.DataFrame, zoom: int) -> None:
    squares = tiling_of(GRID).squares(zoom)
    assert squares.frame["population"].sum() == people["population"].sum()
    centres = squares.rings(np.arange(len(squares.column))).mean(axis=1)
    side = tile_box(zoom, 0, 0)[2] - tile_box(zoom, 0, 0)[0]
    origin = tile_box(zoom, 0, 0)[0]
    column = np.floor((centres[:, 0] - origin) / side).astype(int)
    row = np.floor((-origin - centres[:, 1]) / side).astype(int)
    owned = squares.frame.groupby([column, row])["population"].sum()
    assert owned.sum() == people["population"].sum()
    assert set(owned.index) <= set(tiles(zoom))
    # A tile meets those it owns and some of its neighbours': a share of them is looked at.
    for place in sorted(owned.index)[:: max(1, len(owned) // 12)]:
        rows = squares.within(tile_box(zoom, *place))
        assert set(np.flatnonzero((column == place[0]) & (row == place[1]))) <= set(rows)
        assert len(rows) <= MAX_SQUARES


def test_no_tile_has_more_squares_than_is_said() -> None:
    for zoom in (5, 6, 7, 8, 9):
        squares = tiling_of(GRID).squares(zoom)
        most = max(len(squares.within(tile_box(zoom, *place))) for place in tiles(zoom))
        assert most <= MAX_SQUARES


@given(
    lon=st.floats(EXTENT[0], EXTENT[2]), lat=st.floats(EXTENT[1], EXTENT[3]), zoom=st.integers(10, MAX_ZOOM)
)
@settings(max_examples=5)
def test_a_tile_holds_the_cells_that_geopandas_finds(
    built_store: Store, people: pd.DataFrame, lon: float, lat: float, zoom: int
) -> None:
    column, row, _, _ = tile_range((lon, lat, lon, lat), zoom)
    box = tile_box(zoom, column, row)
    spot = gpd.GeoSeries([shapely.box(*box)], crs=MERCATOR).to_crs(ALBERS).total_bounds
    near = people[
        people["x"].between(spot[0] - 900, spot[2] + 900) & people["y"].between(spot[1] - 900, spot[3] + 900)
    ]
    shapes = cell_squares(near, 500.0).to_crs(MERCATOR)
    expected = shapes[shapes.intersects(shapely.box(*box))].set_index("cell_id")
    found = {one["id"]: one["properties"] for one in features(tile_of(GRID, zoom, column, row))}
    assert set(found) == set(expected.index)
    for key, one in found.items():
        assert one["adcode"] == expected["adcode"][key]
        assert [one[name] for name in CENSUS_COLUMNS] == expected.loc[key, list(CENSUS_COLUMNS)].tolist()


def test_gdal_reads_the_places_of_the_cells(people: pd.DataFrame, tmp_path: Path) -> None:
    zoom, column, row = 12, 3404, 1651
    path = tmp_path / f"{row}.mvt"
    path.write_bytes(tile_of(GRID, zoom, column, row))
    read = pyogrio.read_dataframe(f"MVT:{path}", X=column, Y=row, Z=zoom, CLIP="NO").set_index("mvt_id")
    assert len(read) > 100
    own = people.set_index("cell_id").loc[read.index]
    expected = cell_squares(own.reset_index(), 500.0).to_crs(MERCATOR)
    # Half a step of the tile's grid, each way.
    step = (tile_box(zoom, 0, 0)[2] - tile_box(zoom, 0, 0)[0]) / 4096
    difference = shapely.hausdorff_distance(read.geometry.to_numpy(), expected.geometry.to_numpy())
    assert difference.max() <= step * 0.71
    assert read["population"].tolist() == own["population"].tolist()


def test_travel_times_are_never_averaged(reach: pd.DataFrame) -> None:
    for zoom in (6, 7):
        found = pd.DataFrame.from_dict(all_squares(REACH, zoom), orient="index").sort_index()
        assert "minutes" not in found
        factor = gathering(zoom, 500)
        column = np.floor(reach["x"] / (500 * factor)).astype(int)
        row = np.floor(reach["y"] / (500 * factor)).astype(int)
        groups = reach.assign(
            covered_population=reach["population"] * reach["covered"],
            unreachable_population=reach["population"] * ~reach["reachable"],
        ).groupby(row * 1_000_000 + column + 500_000)
        for name in ("population", "covered_population", "unreachable_population"):
            assert found[name].to_dict() == groups[name].sum().to_dict()
        for name, naive in (
            ("minutes_min", groups["minutes"].min()),
            ("minutes_max", groups["minutes"].max()),
        ):
            assert found[name].to_dict() == pytest.approx(naive.to_dict(), nan_ok=True)
        share = groups["covered_population"].sum() / groups["population"].sum().replace(0, np.nan)
        assert found["population_coverage"].to_dict() == pytest.approx(share.to_dict(), abs=6e-5, nan_ok=True)


def test_single_cells_have_their_own_time(reach: pd.DataFrame) -> None:
    # At the rim of what is within reach of anything.
    rim = reach["reachable"].ne(reach["reachable"].shift()) & reach["cell_id"].diff().eq(1)
    spot = cell_squares(reach[rim].iloc[:1], 500.0).geometry.iloc[0].centroid
    edge = (11, *tile_range((spot.x, spot.y, spot.x, spot.y), 11)[:2])
    found = {one["id"]: one["properties"] for one in features(tile_of(REACH, *edge))}
    own = reach.set_index("cell_id").loc[list(found)]
    assert [one.get("minutes") for one in found.values()] == [
        None if np.isnan(value) else value for value in own["minutes"]
    ]
    for name in ("covered", "reachable", "facility"):
        expected = [None if pd.isna(one) else one for one in own[name]]
        assert [one.get(name) for one in found.values()] == expected
    assert len(set(own["reachable"])) == 2


@pytest.fixture
def run(built_store: Store, built_data_dir: Path) -> Iterator[str]:
    """A recorded coverage of today, by its id."""
    asked = CoverageRequest(types=("general_hospital",), mode="drive")
    made = record_run(
        built_data_dir,
        kind="coverage",
        parameters={"request": asked.as_dict(), "minutes": 15.0, "group": "population", "level": "province"},
        data_version=built_store.data_version,
        result=prepare_coverage(gather(built_store, built_data_dir), asked).table(15.0, level="province"),
        seconds=0.1,
    )
    yield made.id
    shutil.rmtree(built_data_dir / "runs" / made.id)


def test_a_recorded_run_has_tiles_of_its_own_threshold(
    server: Starlette, built_data_dir: Path, run: str
) -> None:
    collection = f"run.{run}.cells"
    found = all_squares(collection, 6)
    recorded = pd.read_parquet(built_data_dir / "runs" / run / "result.parquet")
    assert sum(one["covered_population"] for one in found.values()) == recorded["covered_population"].sum()
    told = json.loads(get(server, address(collection)).body)
    assert "阈值 15 分钟" in told["attribution"]
    assert set(told["keywords"]) == {"modelled", "implied"}
    assert get(server, address(f"run.{run}", 6, 25, 52)).status == 404


def test_what_is_said_of_the_tiles_is_so(server: Starlette) -> None:
    listed = json.loads(get(server, f"/collections/{GRID}/tiles").body)
    assert [one["tileMatrixSetURI"].rsplit("/")[-1] for one in listed["tilesets"]] == [MATRIX_SET]
    told = json.loads(get(server, address(GRID)).body)
    assert told["keywords"] == ["modelled"]
    assert "模型推算" in told["attribution"]
    assert "内部工作图" in told["attribution"]
    assert told["version"] == open_store().data_version
    assert [one["tileMatrix"] for one in told["tileMatrixSetLimits"]] == [str(zoom) for zoom in ZOOMS]
    schema = told["layers"][0]["propertiesSchema"]["properties"]
    for zoom in (7, 11):
        limits = told["tileMatrixSetLimits"][zoom - MIN_ZOOM]
        middle = [(limits[f"min{axis}"] + limits[f"max{axis}"]) // 2 for axis in ("TileRow", "TileCol")]
        properties = [one["properties"] for one in features(get(server, address(GRID, zoom, *middle)).body)]
        assert properties
        names = set().union(*properties)
        assert names <= set(schema)
        assert set(schema) - names == (set() if zoom == 11 else {"adcode"})
    (item,) = (one["href"] for one in told["links"] if one["rel"] == "item")
    tilejson = json.loads(get(server, address(GRID), f="tilejson").body)
    place = item.replace("{tileMatrix}", "{z}").replace("{tileRow}", "{y}").replace("{tileCol}", "{x}")
    assert tilejson["tiles"] == [place]
    assert (tilejson["minzoom"], tilejson["maxzoom"]) == (MIN_ZOOM, MAX_ZOOM)
    assert tilejson["attribution"] == told["attribution"]
    assert set(tilejson["vector_layers"][0]["fields"]) == set(schema)


def test_collections_lead_to_their_tiles(server: Starlette) -> None:
    listed = {one["id"]: one for one in json.loads(get(server, "/collections").body)["collections"]}
    tiled = {
        key for key, one in listed.items() if any("tilesets-vector" in link["rel"] for link in one["links"])
    }
    assert {GRID, REACH} == {key for key in tiled if not key.startswith("run.")}
    conformance = get(server, "/conformance").body.decode()
    assert "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/mvt" in conformance
    assert get(server, "/tileMatrixSets/WorldCRS84Quad").status == 404
    for path in ("/tileMatrixSets", f"/tileMatrixSets/{MATRIX_SET}", f"/TileMatrixSets/{MATRIX_SET}"):
        assert get(server, path).status == 200
    paths = json.loads(get(server, "/openapi", f="json").body)["paths"]
    assert (
        f"{'/collections/{collectionId}'}/tiles/{{tileMatrixSetId}}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}"
        in paths
    )


@pytest.mark.parametrize(
    "path", [f"/collections/{GRID}/tiles", address(GRID), f"/tileMatrixSets/{MATRIX_SET}", "/tileMatrixSets"]
)
def test_pages_on_tiles_are_ours(server: Starlette, path: str) -> None:
    answer = get(server, path, f="html")
    page = answer.body.decode()
    assert answer.status == 200
    assert 'lang="zh-CN"' in page
    assert "<script" not in page
    loaded = [part for part in page.split('"') if part.startswith(("http://", "https://"))]
    assert all(part.startswith("http://127.0.0.1:8501") for part in loaded), loaded


@pytest.mark.parametrize(
    ("tile", "status"),
    [
        (("x", 1, 1), 400),
        ((8, "-1", 1), 400),
        ((8, "1.5", 1), 400),
        ((8, "1e3", 1), 400),
        ((8, "١", 1), 400),
        ((8, 1, "9" * 40), 400),
        ((8, "%2e%2e", 1), 400),
        ((8, "<b>", 1), 400),
        ((8, 1, 256), 404),
        ((8, 256, 1), 404),
        ((MIN_ZOOM - 1, 0, 0), 404),
        ((MAX_ZOOM + 1, 0, 0), 404),
        ((99, 0, 0), 404),
        ((8, 1), 404),
        ((8, 1, 1, 1), 404),
    ],
)
def test_a_tile_that_there_cannot_be_is_refused_in_words(
    server: Starlette, tile: tuple[object, ...], status: int
) -> None:
    answer = get(server, address(GRID, *tile), f="mvt")
    assert answer.status == status
    assert answer.headers["content-type"].startswith("application/json")
    words = json.loads(answer.body)["description"]
    assert any("一" <= char <= "鿿" for char in words)
    assert "<" not in words


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        (address("nothing", 8, 103, 212), {}, 404),
        (address("regions.county", 8, 103, 212), {}, 404),
        (address("regions.county"), {}, 404),
        ("/collections/regions.county/tiles", {}, 404),
        ("/collections/nothing/tiles", {}, 404),
        (f"/collections/{GRID}/tiles/WorldCRS84Quad/8/103/212", {}, 404),
        (f"/collections/{GRID}/tiles/..", {}, 404),
        (f"/collections/{GRID}/tiles/WorldCRS84Quad", {}, 404),
        (address(GRID, 8, 103, 212), {"f": "json"}, 400),
        (address(GRID, 8, 103, 212), {"f": "exe"}, 400),
        (address(GRID), {"f": "exe"}, 400),
    ],
)
def test_what_has_no_tiles_is_refused(
    server: Starlette, path: str, query: dict[str, str], status: int
) -> None:
    answer = get(server, path, **query)
    assert answer.status == status
    assert json.loads(answer.body)["description"]


@given(zoom=st.integers(MIN_ZOOM, MAX_ZOOM), data=st.data())
@settings(max_examples=25)
def test_every_tile_of_the_world_is_some_or_none(server: Starlette, zoom: int, data: st.DataObject) -> None:
    column, row = data.draw(st.integers(0, 2**zoom - 1)), data.draw(st.integers(0, 2**zoom - 1))
    answer = get(server, address(GRID, zoom, row, column), f="mvt")
    if (column, row) not in tiles(zoom):
        assert (answer.status, answer.body) == (204, b"")
    else:
        assert answer.status in {200, 204}


def asked(server: Starlette, **headers: str) -> Answer:
    return ask(server, f"/ogc{address(GRID, 8, 103, 212)}", host="127.0.0.1:8501", **headers)


def test_a_client_that_holds_the_tile_is_told_so(server: Starlette) -> None:
    first = asked(server)
    assert (first.status, first.headers["content-type"]) == (200, "application/vnd.mapbox-vector-tile")
    assert first.headers["cache-control"] == "no-cache"
    for held in (first.headers["etag"], f'"other", {first.headers["etag"]}'):
        again = asked(server, if_none_match=held)
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert asked(server, if_none_match='"other"').body == first.body
    # A browser asks for a page, and gets the tile nevertheless.
    assert asked(server, accept="text/html").body == first.body


def test_a_tile_is_kept_and_the_oldest_go(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    make = tiling.Tiling.tile
    monkeypatch.setattr(tiling.Tiling, "tile", lambda self, *place: made.append(place) or make(self, *place))
    monkeypatch.setattr(kept_tiles, "_kept", type(kept_tiles._kept)())
    content = tile_of(GRID, 6, 52, 25)
    assert tile_of(GRID, 6, 52, 25) is content
    assert made == [(6, 52, 25)]
    monkeypatch.setattr(kept_tiles, "KEPT_BYTES", len(content))
    tile_of(GRID, 5, 26, 12)
    assert sum(map(len, kept_tiles._kept.values())) <= len(content)
    # Empty ones are not kept: there are too many of them.
    assert tile_of(GRID, 12, 0, 0) == b""
    assert all(kept_tiles._kept.values())


def test_another_version_of_the_data_has_other_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    before = tile_of(GRID, 6, 52, 25)
    source = kept_tiles.source_of(GRID)
    rows = source.rows.assign(population=source.rows["population"] * 2)
    other = type(source)(rows, source.fields, source.hits, source.shapes, cells=source.cells)
    monkeypatch.setattr(kept_tiles, "source_of", lambda _name: other)
    doubled = {one["id"]: one["properties"]["population"] for one in features(tile_of(GRID, 6, 52, 25))}
    assert doubled == {one["id"]: 2 * one["properties"]["population"] for one in features(before)}


def test_many_ask_at_once_and_get_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_tiles, "_kept", type(kept_tiles._kept)())
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: tile_of(GRID, 7, 105, 51), range(8)))
    assert len(set(found)) == 1
    assert found[0]


def test_tiles_can_be_switched_off_with_the_rest(server: Starlette, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUTU_OGC", "off")
    assert get(server, address(GRID, 8, 103, 212)).status == 404
    assert "SUTU_OGC" in get(server, address(GRID)).body.decode()
