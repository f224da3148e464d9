"""Web maps: our own assets only, data never HTML, and light enough for an office network."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import geopandas as gpd
import pytest
import shapely

from benchmarks.map_weight import map_weight
from data.store.store import Store
from layers.model import Layer
from layers.themes import choropleth
from layers.webmap import base_map, theme
from tests.layers.worlds import NOTICE, ORIGIN, UNDEFINED, layer, ramp, squares

NAN = float("nan")
EVIL = "</script><img src=x onerror=alert(1)>{{ 7*7 }}\"'&"


@pytest.fixture(scope="module")
def counties(built_store: Store) -> gpd.GeoDataFrame:
    return built_store.regions("county")


class _Addresses(HTMLParser):
    """Collects what a page would load, and its tags."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.found += [value for name, value in attrs if name in {"src", "href"} and value]


def _parse(html: str) -> _Addresses:
    parser = _Addresses()
    parser.feed(html)
    return parser


def _page(shown: Layer, **options: Any) -> str:
    """Return the page of a sheet with one theme on it."""
    sheet = base_map(height=560)
    theme(shown, **options).add_to(sheet)
    return sheet.get_root().render()


def test_a_map_names_no_other_host() -> None:
    html = _page(layer([1.0, 2.0, NAN]))
    page = _parse(html)
    assert page.found, "scripts and styles are linked"
    assert all(address.startswith("/assets/") for address in page.found)
    assert not re.findall(r"(?:https?:)?//[a-z0-9-]+\.[a-z]", html)


def test_only_a_configured_key_brings_tiles_from_elsewhere() -> None:
    html = base_map(height=300, tianditu_key="abc").get_root().render()
    hosts = set(re.findall(r"https?://([^/\"'?]+)", html))
    assert hosts == {"t{s}.tianditu.gov.cn"}


def test_texts_of_the_data_never_become_html() -> None:
    frame = squares(2, names=[EVIL, "乙区"])
    made = layer([1.0, NAN], frame=frame, title=EVIL, unit=EVIL)
    html = _page(made, labels=frame)
    assert "<img" not in html
    assert html.count("</script>") == html.count("<script")
    assert "img" not in _parse(html).tags
    assert theme(made).spec["title"] == EVIL, "the text itself is kept, letter by letter"


def test_every_region_has_its_class_value_and_standing() -> None:
    spec = theme(layer([10.0, NAN, 30.0])).spec
    assert spec["values"] == {
        "320101": [0, "10.0 %", "第 2 位，共 2 个"],
        "320102": [-1, "无数据", "无数据"],
        "320103": [1, "30.0 %", "第 1 位，共 2 个"],
    }
    assert [row[0] for row in spec["legend"]["rows"]] == [1, 0, -1]
    assert spec["undefinedFill"] == UNDEFINED


def test_the_sheet_says_all_that_a_map_must_say() -> None:
    spec = theme(layer([1.0, 2.0])).spec
    said = " ".join([spec["title"], spec["subtitle"], *spec["notes"], spec["notice"]])
    for part in (
        "测试指标",
        "2020 年",
        "单位：%",
        "来源：测试来源",
        "边界：测试边界 2020 年",
        "EPSG:4490",
        NOTICE,
    ):
        assert part in said


def test_a_new_theme_leaves_the_base_map_as_it_is() -> None:
    """The map component mounts anew when the script of the map itself changes, so it must not."""

    def script(_theme: object) -> str:
        sheet = base_map(height=500, link="pair")
        name = sheet.get_name()
        return sheet.get_root().script.render().replace(name, "map")

    assert script(theme(layer([1.0, 2.0]))) == script(theme(layer([5.0, NAN])))


def test_shapes_are_published_once_for_all_themes() -> None:
    sent: dict[bytes, str] = {}

    def publish(content: bytes) -> str:
        return sent.setdefault(content, f"/assets/data/{len(sent)}")

    first = theme(layer([1.0, 2.0]), publish=publish).spec
    second = theme(layer([9.0, NAN], title="另一指标"), publish=publish).spec
    assert first["shapes"] == second["shapes"]
    assert first["token"] != second["token"]
    assert len(sent) == 2, "shapes and lines"


def test_the_token_changes_with_anything_shown() -> None:
    tokens = {
        theme(layer([1.0, 2.0])).spec["token"],
        theme(layer([1.0, 2.5])).spec["token"],
        theme(layer([1.0, 2.0]), selected="320101").spec["token"],
        theme(layer([1.0, 2.0], title="别的")).spec["token"],
    }
    assert len(tokens) == 4


def test_all_counties_weigh_less_than_300_kilobytes(counties: gpd.GeoDataFrame) -> None:
    made = choropleth(
        counties,
        counties["area_km2"],
        title="面积",
        unit="平方公里",
        year=2020,
        direction="neutral",
        provenance=ORIGIN,
        palette=ramp("neutral"),
    )
    weight = map_weight(made, labels=counties)
    assert weight.total_bytes <= 300_000
    assert weight.vertices <= 100_000
    shapes = json.loads(json.dumps(theme(made).spec["shapes"]["data"]))
    drawn = [shapely.from_geojson(json.dumps(feature["geometry"])) for feature in shapes["features"]]
    assert len(drawn) == 95
    assert all(not shape.is_empty for shape in drawn)


def test_rounding_keeps_shared_borders_shared(counties: gpd.GeoDataFrame) -> None:
    """Every vertex of a border between two counties of the map belongs to both."""
    made = choropleth(
        counties,
        counties["area_km2"],
        title="",
        unit="",
        year=1,
        direction="neutral",
        provenance=ORIGIN,
        palette=ramp("neutral"),
    )
    features = theme(made).spec["shapes"]["data"]["features"]
    shapes = [shapely.from_geojson(json.dumps(feature["geometry"])) for feature in features]
    inner = shapely.union_all(shapes).area
    # Degrees squared: 1e-4 is about one square kilometre of 107,000.
    assert sum(shape.buffer(0).area for shape in shapes) == pytest.approx(inner, abs=1e-4)


def test_lines_between_prefectures_are_drawn_for_counties_only() -> None:
    several = squares(4, codes=["320101", "320102", "320201", "320202"])
    lines = theme(layer([1, 2, 3, 4], frame=several)).spec["lines"]["data"]["features"]
    assert len(lines) == 2
    between = shapely.from_geojson(json.dumps(lines[0]["geometry"]))
    assert between.equals(shapely.LineString([(119.2, 32), (119.2, 32.1)]))
    alone = theme(layer([1, 2], frame=squares(2, codes=["320100", "320200"]))).spec["lines"]["data"]
    assert len(alone["features"]) == 1


def test_names_stand_inside_their_regions() -> None:
    frame = squares(3)
    rows = theme(layer([1, 2, 3], frame=frame), labels=frame).spec["labels"]
    for (lat, lon, name, *_rest), shape, wanted in zip(
        rows, frame.geometry, frame["short_name"], strict=True
    ):
        assert name == wanted
        assert shape.contains(shapely.Point(lon, lat))
