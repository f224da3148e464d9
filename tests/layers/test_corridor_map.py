from __future__ import annotations

import json

import altair as alt
import geopandas as gpd
import pandas as pd
import pytest
import shapely

from layers.assets import Publisher
from layers.charts.corridor import (
    comparison_chart,
    prefecture_chart,
    profile_chart,
    project_chart,
    timeline_chart,
)
from layers.corridor_map import CorridorSet, CorridorStyle, corridor_set, corridor_theme
from layers.model import Provenance
from layers.themes import choropleth
from layers.words.corridor import IN_LEGEND, STATUS_NAMES
from tests.layers.worlds import ramp

EVIL = "<img src=x onerror=alert(1)>"


def style(kind: str, name: str = "甲", status: str = "planned") -> CorridorStyle:
    return CorridorStyle(name, kind, "#8c1d22", 3.0, status, ("类别", "文号"))


@pytest.fixture
def made() -> CorridorSet:
    box = shapely.box(119, 32, 120, 33)
    shapes = {
        "line": shapely.LineString([(118.78123, 32.06), (118.78124, 32.06), (120.58, 31.3)]),
        "area": box,
        "same": box,
        "point": shapely.MultiPoint([(118.8, 32.0), (119.2, 33.0)]),
    }
    frame = gpd.GeoDataFrame(geometry=list(shapes.values()), index=list(shapes), crs=4490)
    kinds = {"line": "line", "area": "area", "same": "area", "point": "point"}
    return corridor_set(frame, {key: style(kind, EVIL) for key, kind in kinds.items()})


def test_equal_shapes_are_sent_once_and_latitude_comes_first(made: CorridorSet) -> None:
    sent = json.loads(made.content)
    assert len(sent["features"]) == 4
    assert len(sent["shapes"]) == 3
    assert sent["features"][1]["shape"] == sent["features"][2]["shape"]
    assert sent["shapes"][0] == [[[32.06, 118.781], [31.3, 120.58]]]
    assert sent["shapes"][2] == [[32.0, 118.8], [33.0, 119.2]]


def test_a_theme_names_what_is_visible_and_holds_no_markup(made: CorridorSet) -> None:
    counties = gpd.GeoDataFrame(
        {"name": ["甲县"], "geometry": [shapely.box(119, 32, 120, 33)]}, index=["320102"], crs=4490
    )
    layer = choropleth(
        counties,
        pd.Series({"320102": 2.0}),
        title="通道走廊",
        unit="条",
        year=2035,
        direction="neutral",
        provenance=Provenance(("规划",), "边界", "勿外传"),
        palette=ramp("neutral"),
    )
    publisher = Publisher()
    first = corridor_theme(
        layer,
        made,
        visible=["point", "line"],
        subtitle="2035 年",
        legend_title="状态",
        picked="line",
        plain_base=True,
        tips={"320102": ["2 条"]},
        publisher=publisher,
    )
    assert first.corridors["visible"] == [0, 3]
    assert first.corridors["counts"] == {"planned": 2}
    assert first.corridors["legendRows"] == [[one, STATUS_NAMES[one]] for one in IN_LEGEND]
    assert first.spec["fills"] == ["#ffffff"]
    assert first.spec["values"]["320102"][1:] == ["2 条"]
    assert EVIL not in json.dumps([first.spec, first.corridors], ensure_ascii=False)
    assert publisher.get(first.corridors["url"].rpartition("/")[2]) is not None
    other = corridor_theme(
        layer, made, visible=["line"], subtitle="2035 年", legend_title="状态", publisher=publisher
    )
    assert other.corridors["token"] != first.corridors["token"]
    assert other.corridors["url"] == first.corridors["url"]


def test_the_charts_are_valid() -> None:
    rows = pd.DataFrame(
        {
            "from_km": [0.0, 10.0],
            "to_km": [10.0, 30.0],
            "name": ["甲县", "省外"],
            "value": [5.0, float("nan")],
            "reason": ["", "省外"],
        }
    )
    stops = pd.DataFrame({"name": ["甲", "乙"], "km": [0.0, 30.0]})
    shares = pd.DataFrame({"indicator": ["人口"] * 2, "corridor": ["甲", "乙"], "share": [0.2, 0.3]})
    stages = pd.DataFrame(
        {"stage": ["既有"], "family": ["高铁"], "projects": [3], "names": ["甲"], "order": [0]}
    )
    projects = pd.DataFrame(
        {
            "name": ["甲"],
            "family": ["高铁"],
            "stage": ["既有"],
            "period": ["现状"],
            "start": [2015],
            "end": [2020],
            "firm": [True],
            "where": ["南京市"],
            "source": ["76号"],
        }
    )
    where = pd.DataFrame({"prefecture": ["南京市"], "stage": ["既有"], "projects": [3]})
    for chart in (
        profile_chart(rows, stops, unit="%", title="比重"),
        comparison_chart(shares, ["甲", "乙"]),
        timeline_chart(stages, ["既有"], ["高铁"], ["#8c1d22"]),
        project_chart(projects, ["既有"], ["高铁"], ["#8c1d22"], years=(2015, 2035)),
        prefecture_chart(where, ["既有"]),
    ):
        spec = chart.to_dict()
        alt.Chart.from_dict(spec, validate=True)
        assert spec["description"]
