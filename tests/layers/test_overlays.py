"""Facilities and what else lies over a map: one collection, texts that stay texts, nothing lost."""

import json
from importlib import resources
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.assets import Publisher
from layers.geopackage import geopackage_bytes
from layers.model import LegendEntry, Provenance
from layers.overlays import (
    ImageLayer,
    OverlayTheme,
    RankedPlace,
    SurfaceLegend,
    facility_points,
    overlay_theme,
)
from layers.themes import choropleth
from layers.webmap import base_map
from layers.words.corridor import STATUS_NAMES
from layers.words.precision import LEGEND as NAMES_IN_LEGEND
from layers.words.precision import PRECISIONS
from tests.layers.worlds import ramp

NAMES = {"general_hospital": "综合医院"}
EVIL = "</script><img src=x onerror=alert(1)>'\"`${1}"
texts = st.text(max_size=30)


def facility(**changes):
    row = {
        "id": "a",
        "name": "第一人民医院",
        "type": "general_hospital",
        "level": None,
        "capacity": float("nan"),
        "capacity_unit": None,
        "lon": 118.7654321,
        "lat": 32.1234567,
        "precision": "surveyed",
    }
    return row | changes


def points_of(*rows):
    return facility_points(pd.DataFrame([facility(**row) for row in rows]), NAMES)


def test_a_facility_becomes_a_feature_with_its_type_level_and_capacity():
    points = points_of(
        {"level": "三级甲等", "capacity": 1500.0, "capacity_unit": "张"}, {"precision": "implied"}
    )
    first, second = json.loads(points.content)["features"]
    assert first["geometry"] == {"type": "Point", "coordinates": [118.76543, 32.12346]}
    assert first["properties"] == {
        "kind": "surveyed",
        "name": "第一人民医院",
        "lines": ["综合医院 · 实测点位", "等级：三级甲等", "规模：1,500 张"],
    }
    assert second["properties"]["kind"] == "implied"
    assert second["properties"]["lines"] == ["综合医院 · 推定点位"]
    assert points.counts == {"surveyed": 1, "implied": 1}


@settings(deadline=None)
@given(st.lists(st.tuples(texts, texts, st.sampled_from(list(PRECISIONS))), min_size=1, max_size=10))
def test_any_text_comes_through_as_the_same_text(rows):
    points = points_of(*({"name": name, "level": level, "precision": kind} for name, level, kind in rows))
    features = json.loads(points.content)["features"]
    assert [feature["properties"]["name"] for feature in features] == [name for name, _, _ in rows]
    assert [feature["properties"]["kind"] for feature in features] == [kind for _, _, kind in rows]
    assert sum(points.counts.values()) == len(rows)
    frame = gpd.GeoDataFrame.from_features(features)
    assert frame.geometry.geom_type.eq("Point").all()


def test_equal_facilities_have_one_digest_and_others_another():
    assert points_of({}).key == points_of({}).key
    assert points_of({}).key != points_of({"lon": 118.8}).key


def test_an_unknown_precision_is_no_crash_and_no_survey():
    points = points_of({"precision": "guessed"})
    assert json.loads(points.content)["features"][0]["properties"]["kind"] == "guessed"
    assert points.counts == {}


# Overlays -----------------------------------------------------------------------------------------------


def region_layer(values=(0.5, None)):
    frame = gpd.GeoDataFrame(
        {"name": ["玄武区", EVIL], "short_name": ["玄武", "坏"], "level": "county"},
        index=["320102", "320104"],
        geometry=[shapely.box(118, 32, 119, 33), shapely.box(119, 32, 120, 33)],
        crs="EPSG:4490",
    )
    return choropleth(
        frame,
        pd.Series(values, index=frame.index, dtype="float64"),
        title="通行时间",
        unit="%",
        year=2020,
        direction="higher_better",
        provenance=Provenance(("来源",), "边界", "勿外传"),
        palette=ramp(),
        reasons=pd.Series(["", "没有人口格网"], index=frame.index),
    )


LEGEND = SurfaceLegend(
    "分钟",
    (LegendEntry(0, "#000000", "≤ 5 分钟", 3), LegendEntry(-1, "#cccccc", "到不了", 1)),
    ("5",),
    "泛白",
)
IMAGE = ImageLayer("minutes", b"\x89PNG", (118.0, 32.0, 120.0, 33.0))


def shown(**options):
    publisher = Publisher()
    return overlay_theme(region_layer(), subtitle="说明", publisher=publisher, **options), publisher


def test_images_and_points_are_fetched_by_their_digest():
    points = points_of({})
    theme, publisher = shown(images=[IMAGE], points=points)
    image = theme.overlays["images"][0]
    assert image["bounds"] == [[32.0, 118.0], [33.0, 120.0]]
    assert publisher.get(image["url"].rpartition("/")[2]).content == b"\x89PNG"
    assert image["url"].endswith(".png") and theme.overlays["points"]["url"].endswith(".json")
    assert theme.overlays["points"]["counts"] == {"surveyed": 1}
    assert theme.overlays["points"]["labels"] == NAMES_IN_LEGEND
    assert set(NAMES_IN_LEGEND) == set(PRECISIONS)


def test_under_an_image_regions_have_no_fill_but_the_undefined_stay_hatched():
    theme, _ = shown(images=[IMAGE], legend=LEGEND)
    assert theme.spec["fills"] == ["transparent"]
    assert theme.spec["values"]["320102"][0] == 0
    assert theme.spec["values"]["320104"][0] == -1 and "没有人口格网" in theme.spec["values"]["320104"][2]
    assert theme.overlays["legend"]["classes"] == [["#000000", "≤ 5 分钟"]]
    assert theme.overlays["legend"]["unreachable"] == "到不了"


def test_without_an_image_the_regions_keep_their_colours():
    theme, _ = shown()
    assert theme.spec["fills"] != ["transparent"] and theme.overlays["legend"] is None
    assert theme.spec["legend"]["rows"]


def test_tips_take_the_place_of_the_value_and_the_layer_is_left_as_it_was():
    layer = region_layer()
    theme = overlay_theme(
        layer, subtitle="", tips={"320102": ["人口 50%", "面积 20%"]}, publisher=Publisher()
    )
    assert theme.spec["values"]["320102"][1:] == ["人口 50%", "面积 20%"]
    again = overlay_theme(layer, subtitle="", publisher=Publisher())
    assert again.spec["values"]["320102"][1:] != ["人口 50%", "面积 20%"]


def test_tokens_follow_the_content():
    first, _ = shown(images=[IMAGE])
    same, _ = shown(images=[IMAGE])
    other, _ = shown(images=[ImageLayer("minutes", b"\x89PNG2", IMAGE.bounds)])
    assert first.overlays["token"] == same.overlays["token"] != other.overlays["token"]
    assert first.spec["token"] == other.spec["token"]


def test_texts_from_data_never_end_the_script():
    places = [RankedPlace(1, 118.5, 32.5, (EVIL, EVIL))]
    theme, _ = shown(places=places, places_label=EVIL, tips={"320102": [EVIL]})
    sheet = base_map(height=300)
    theme.add_to(sheet)
    page = sheet.get_root().render()
    assert "<img src=x" not in page
    assert "\\u003c/script\\u003e" in page


def test_the_scripts_of_the_overlays_are_our_own():
    assert [url.split("?")[0] for _, url in (*OverlayTheme.default_js, *OverlayTheme.default_css)] == [
        "/assets/own/overlays.js",
        "/assets/own/overlays.css",
    ]


# GeoPackage ---------------------------------------------------------------------------------------------


def test_a_geopackage_holds_its_layers_with_crs_texts_and_missing_values(tmp_path):
    regions = gpd.GeoDataFrame(
        {"adcode": ["320102", "320104"], "name": ["玄武区", EVIL], "share": [0.5, None]},
        geometry=[shapely.box(118, 32, 119, 33), shapely.box(119, 32, 120, 33)],
        crs="EPSG:4490",
    )
    points = gpd.GeoDataFrame({"id": ["a"]}, geometry=[shapely.Point(118.5, 32.5)], crs="EPSG:4490")
    path = tmp_path / "out.gpkg"
    path.write_bytes(geopackage_bytes({"coverage": regions, "facilities": points}, "说明"))
    assert set(gpd.list_layers(path)["name"]) == {"coverage", "facilities"}
    back = gpd.read_file(path, layer="coverage")
    assert back.crs.to_epsg() == 4490
    assert back["name"].tolist() == ["玄武区", EVIL] and back["adcode"].tolist() == ["320102", "320104"]
    assert back["share"].isna().tolist() == [False, True]
    assert back.geometry.geom_equals(regions.geometry).all()
    with pytest.raises(ValueError, match="layer"):
        geopackage_bytes({})


def test_no_script_writes_out_a_word_of_the_legend() -> None:
    scripts = list(Path(str(resources.files("layers"))).glob("assets/*.js"))
    assert {"overlays.js", "corridors.js"} <= {path.name for path in scripts}
    words = [*NAMES_IN_LEGEND.values(), *PRECISIONS.values(), *STATUS_NAMES.values()]
    found = [
        (path.name, word) for path in scripts for word in words if word in path.read_text(encoding="utf-8")
    ]
    assert found == []
