"""The catalogue: every layer of the store with its figures; clips keep whole regions; faults are told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely

from analysis.catchment import CatchmentRequest, prepare_catchment
from analysis.given import gather
from analysis.standards import prepare_standards
from data.registry.export_models import load_export_fields
from data.store.store import Store
from exports.catalogue import KINDS, ask_for_layer, clip_to, find_layer, layer_list, make_layer
from exports.layers.coverage import merged_cells
from exports.layers.grid import CHUNK_ROWS, cell_size_m
from geo.crs import to_albers
from geo.errors import ExportError, RegistryError, UnknownRegionError
from geo.export_table import ExportTable

ROOT = Path(__file__).resolve().parents[2]
DEAR = ("coverage", "population_grid", "catchment", "circles", "siting")


@pytest.fixture(scope="module")
def folder(built_data_dir: Path) -> Path:
    return built_data_dir


def layer(store: Store, folder: Path, name: str, clip: str | None = None, **settings: str) -> ExportTable:
    region = None if clip is None else clip_to(store, clip)
    return make_layer(store, folder, name, settings, clip=region)


def test_every_indicator_level_facility_and_plan_is_in_the_catalogue(built_store: Store) -> None:
    ids = [info.id for info in layer_list(built_store)]
    assert len(ids) == len(set(ids))
    indicators = built_store.indicators()
    held = [f"indicator.{key}" for key, levels in indicators["levels"].items() if levels]
    assert set(held) <= set(ids)
    expected = {"regions.county", "facilities", "population_grid", "coverage.areas", "plan_targets"}
    expected |= {"catchment", "circles", "shortfall", "siting", "corridors.line", "corridors.nodes"}
    assert expected <= set(ids)
    assert all(any(kind.owns(key) for kind in KINDS) for key in ids)


def test_every_layer_gives_what_it_promises(built_store: Store, folder: Path) -> None:
    known = load_export_fields()
    for info in layer_list(built_store):
        if info.id.startswith(DEAR) or (info.id.startswith("indicator.") and len(info.id) % 4):
            continue
        table = make_layer(built_store, folder, info.id)
        frame = table.frame()
        assert len(frame) == table.rows == info.rows, info.id
        assert list(frame.columns) == [*(one.name for one in table.fields), "geometry"], info.id
        assert frame.crs.to_epsg() == 4490
        assert all(one.name in known for one in table.fields), info.id
        assert table.boundary
        assert table.definition


def test_an_indicator_has_the_facts_of_its_year_and_level(built_store: Store, folder: Path) -> None:
    table = layer(built_store, folder, "population_65_plus_share", level="prefecture", year="2010")
    facts = built_store.facts("population_65_plus_share", year=2010, level="prefecture").set_index("adcode")
    frame = table.frame().set_index("adcode")
    assert frame["value"].to_dict() == pytest.approx(facts["value"].to_dict())
    assert frame.loc[frame["value"].isna(), "reason"].notna().all()
    best = frame["value"].rank(method="min", ascending=False)
    direction = built_store.indicator("population_65_plus_share")["direction"]
    if direction != "lower_better":
        assert frame["rank"].tolist() == pytest.approx(best.tolist(), nan_ok=True)


def test_the_grid_comes_in_chunks_that_add_up(built_store: Store, folder: Path) -> None:
    table = layer(built_store, folder, "population_grid", "320500")
    sizes, people, area = [], 0, 0.0
    for chunk in table.chunks():
        sizes.append(len(chunk))
        people += int(chunk["population"].sum())
        area += float(to_albers(chunk).area.sum())
    assert max(sizes) <= CHUNK_ROWS < table.rows == sum(sizes)
    facts = built_store.facts("population", year=2020, level="prefecture").set_index("adcode")
    assert people == facts.loc["320500", "value"]
    assert area == pytest.approx(table.rows * cell_size_m(built_store) ** 2, rel=1e-6)
    some = layer(built_store, folder, "population_grid", "320508", cells="populated").frame()
    assert (some["population"] > 0).all()


def test_merged_cells_cover_what_the_squares_cover() -> None:
    import pandas as pd

    rng = np.random.default_rng(7)
    spots = {(int(x), int(y)) for x, y in rng.integers(-6, 6, size=(60, 2))}
    cells = pd.DataFrame([(x * 500 + 250.0, y * 500 + 250.0) for x, y in spots], columns=["x", "y"])
    merged = merged_cells(cells, 500.0)
    squares = shapely.union_all(
        [shapely.box(x - 250, y - 250, x + 250, y + 250) for x, y in cells.itertuples(index=False)]
    )
    assert merged.is_valid
    assert merged.symmetric_difference(squares).area == pytest.approx(0.0, abs=1e-6)


def test_coverage_layers_agree_with_each_other(built_store: Store, own_data_dir: Path) -> None:
    settings = {"type": "general_hospital", "minutes": "10"}
    made = {
        name: layer(built_store, own_data_dir, f"coverage.{name}", "320500", **settings, **more)
        for name, more in {"areas": {}, "regions": {"level": "prefecture"}, "cells": {}}.items()
    }
    areas, region = made["areas"].frame(), made["regions"].frame()
    by_state = areas.set_index("covered_text")["population"]
    assert by_state["覆盖"] == region["covered_population"].iloc[0]
    assert by_state.sum() == region["population"].iloc[0]
    assert 0 < by_state["覆盖"] < by_state.sum()
    frame = made["cells"].frame()
    assert frame.loc[frame["covered"], "population"].sum() == by_state["覆盖"]
    assert (frame.loc[frame["covered"], "minutes"] <= 10.0 + 1e-6).all()
    assert made["cells"].title.endswith("综合医院通行时间（小汽车）")
    assert made["cells"].shading.undefined == "120 分钟内不可达"
    slow = layer(built_store, own_data_dir, "coverage.cells", "320500", **settings, mode="walk")
    assert slow.title.endswith("（步行）")
    assert np.isnan(np.asarray(slow.values)).any()


def test_layers_of_services_and_corridors_are_what_the_analyses_say(
    built_store: Store, own_data_dir: Path
) -> None:
    asked = CatchmentRequest(types=("general_hospital",), minutes=15.0, mode="drive")
    access = (
        prepare_catchment(gather(built_store, own_data_dir), asked)
        .table(level="prefecture")
        .set_index("adcode")
    )
    settings = {"type": "general_hospital", "minutes": "15", "level": "prefecture"}
    frame = layer(built_store, own_data_dir, "catchment", **settings).frame().set_index("adcode")
    assert frame["access"].to_dict() == pytest.approx(access["access"].to_dict())
    wanted = prepare_standards(gather(built_store))
    key = next(iter(wanted.standards))
    rows = wanted.table(key, level="county").set_index("adcode")["required"]
    found = (
        layer(built_store, own_data_dir, "shortfall", standard=key).frame().set_index("adcode")["required"]
    )
    assert found.to_dict() == pytest.approx(rows.to_dict(), nan_ok=True)
    lines = layer(built_store, own_data_dir, "corridors.line", horizon="2035").frame()
    corridors = built_store.corridors()
    assert sorted(lines["id"]) == sorted(
        corridors.loc[
            corridors["drawn"] & (corridors["shape"] == "line") & (corridors["horizon"] == 2035), "id"
        ]
    )
    near = layer(built_store, own_data_dir, "corridors.line", "320300").frame()
    assert 0 < len(near) < len(corridors)


def test_a_clip_keeps_whole_regions_of_it(built_store: Store, folder: Path) -> None:
    frame = layer(built_store, folder, "regions.county", "320500").frame()
    assert set(frame["adcode"].str[:4]) == {"3205"}
    whole = built_store.regions("county", zoom="full")
    assert frame.geometry.iloc[0].equals(whole.geometry[frame["adcode"].iloc[0]])
    assert layer(built_store, folder, "regions.county", "320500").title.startswith("苏州市")
    facilities = layer(built_store, folder, "facilities", "320582", type="library").frame()
    assert set(facilities["adcode"]) == {"320582"}


@pytest.mark.parametrize("code", ["", "999999", "3205", "3207UN", "320500; DROP TABLE region"])
def test_a_clip_that_is_no_region_is_refused(built_store: Store, code: str) -> None:
    with pytest.raises(UnknownRegionError, match="裁剪代码"):
        clip_to(built_store, code)


def test_a_clip_that_leaves_nothing_is_refused(built_store: Store, folder: Path) -> None:
    with pytest.raises(ExportError, match="没有任何要素"):
        layer(built_store, folder, "regions.prefecture", "320582")


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("nothing", {}, "没有图层“nothing”"),
        ("populatio", {}, "是不是：.*population"),
        ("population", {"year": "1999"}, "没有 1999 年的数据；有：2020、2010"),
        ("population", {"level": "village"}, "层级不能是“village”"),
        ("population", {"colour": "red"}, "没有设置“colour”；可设：level、year"),
        ("regions.county", {"year": "2020"}, "没有可设的项"),
        ("x" * 500, {}, "没有图层"),
    ],
)
def test_a_wrong_question_is_told_with_what_there_is(
    built_store: Store, folder: Path, name: str, settings: dict[str, str], message: str
) -> None:
    with pytest.raises(ExportError, match=message):
        make_layer(built_store, folder, name, settings)


def test_settings_may_be_given_by_their_words(built_store: Store) -> None:
    info = find_layer(built_store, "常住人口")
    assert ask_for_layer(info, {"level": "设区市"}).settings == {"level": "prefecture", "year": "2020"}
    assert ask_for_layer(info, {"minutes": "5"}, strict=False).settings["year"] == "2020"


def test_names_of_columns_are_short_unique_and_their_faults_are_told(tmp_path: Path) -> None:
    fields = load_export_fields()
    assert all(len(one.short) <= 10 and one.short.isascii() for one in fields.values())
    path = tmp_path / "export_fields.yaml"
    path.write_text(
        "- {id: a, title: 甲, short: aa, definition: 一}\n- {id: b, title: 甲, short: aa, definition: 二}\n",
        encoding="utf-8",
    )
    with pytest.raises(RegistryError, match=r"条目 b，字段 title：与 a 相同[\s\S]*字段 short"):
        load_export_fields(tmp_path)
