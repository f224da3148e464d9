"""图层导出: what is chosen is what is written; many at once stay apart; nothing is left behind."""

from __future__ import annotations

import os
import sqlite3
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pyogrio
import pytest
import shapely

from analysis.palettes import ramp
from data.registry import load_registry
from data.registry.limit_models import limit
from data.store.store import Store, open_store
from exports.atlas import sheet_options
from exports.catalogue import clip_to, make_layer
from exports.formats import Options
from exports.package import exports_folder, kept_seconds, run_export, sweep
from geo.crs import TARGETS
from reports.provenance import internal_notice, provenance
from tests.exports.export_worlds import csv_rows
from tests.pages.running import assert_calm, link, start, text_of

MODULE = "pages.exports.page"
pytestmark = pytest.mark.xdist_group("layer_export")


@pytest.fixture(autouse=True)
def environment(own_data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Export from a data directory of the test's own."""
    monkeypatch.setenv("SUTU_DATA_DIR", str(own_data_dir))
    yield own_data_dir


def finished() -> list[Path]:
    return sorted(exports_folder().glob("*.zip"))


def test_a_link_opens_the_same_choice_and_the_package_holds_it() -> None:
    asked = {
        "layers": "indicator.population_density~facilities",
        "indicator.population_density.level": "prefecture",
        "facilities.type": "library",
        "format": "gpkg",
        "crs": "EPSG:4549",
        "clip": "320500",
    }
    page = start(MODULE, **asked)
    assert asked.items() <= link(page).items()
    assert "人口密度" in text_of(page)
    assert "口径" in text_of(page)
    page.button(key="export_make").click().run()
    assert_calm(page)
    assert any("4549" in box.value.replace("\\", "") for box in page.warning) or page.warning == []
    (package,) = finished()
    with zipfile.ZipFile(package) as file:
        name = next(one for one in file.namelist() if one.endswith(".gpkg"))
        file.extract(name, package.parent)
    layers = dict(pyogrio.list_layers(package.parent / name))
    assert set(layers) == {"苏州市人口密度，设区市，2020 年", "苏州市公共图书馆", "layer_styles"}


def test_without_a_layer_the_catalogue_is_shown() -> None:
    page = start(MODULE)
    assert "图层目录" in text_of(page)
    assert any("先选" in box.value for box in page.info)
    assert finished() == []


def test_publication_without_an_approval_is_refused_on_the_page() -> None:
    page = start(MODULE, layers="regions.province", use="publish")
    page.button(key="export_make").click().run()
    assert any("第十五条" in box.value.replace("\\", "") for box in page.error)
    assert finished() == []


def test_a_clip_that_leaves_nothing_is_told() -> None:
    page = start(MODULE, layers="regions.province")
    page.selectbox(key="choice_clip").select("320500").run()
    assert len(page.exception) == 0
    assert any("没有任何要素" in box.value for box in page.error)


def test_a_format_offers_only_the_crs_it_can_have() -> None:
    page = start(MODULE, layers="regions.province", format="kml")
    assert page.selectbox(key="choice_crs").options[0].startswith("EPSG:4490")
    assert len(page.selectbox(key="choice_crs").options) == 2


def test_twenty_exports_at_once_stay_apart() -> None:
    store = open_store()
    codes = list(store.region_table("county").index)[:20]
    running: list[int] = []
    most: list[int] = []

    def tell(step: str, _done: int, _total: int) -> None:
        if step.startswith("写"):
            running.append(1)
            most.append(len(running))
        if step == "完成":
            running.pop()

    def one(code: str) -> tuple[str, Path]:
        def tables() -> list[object]:
            from exports.catalogue import clip_to

            folder = Path(os.environ["SUTU_DATA_DIR"])
            return [make_layer(store, folder, "regions.county", {}, clip=clip_to(store, code))]

        done = run_export(tables, Options("csv", TARGETS["EPSG:4490"]), tell)  # type: ignore[arg-type]
        return code, done.path

    with ThreadPoolExecutor(20) as pool:
        written = list(pool.map(one, codes))
    assert max(most) <= limit("export.at_once")
    assert len({path for _, path in written}) == 20
    for code, path in written:
        with zipfile.ZipFile(path) as package:
            name = next(one for one in package.namelist() if one.endswith(".csv") and "界线" in one)
            package.extract(name, path.with_suffix(""))
        rows = csv_rows(path.with_suffix("") / name)
        assert [row[0] for row in rows[1:]] == [code]
    assert [path for path in exports_folder().iterdir() if path.name.startswith(".")] == []


def test_old_packages_are_removed_and_fresh_ones_stay() -> None:
    folder = exports_folder()
    old, fresh = folder / "old.zip", folder / "fresh.zip"
    for path in (old, fresh):
        path.write_bytes(b"x")
    now = fresh.stat().st_mtime
    os.utime(old, (now - kept_seconds() - 10, now - kept_seconds() - 10))
    sweep(folder, now=now)
    assert [path.name for path in finished()] == ["fresh.zip"]


def test_the_styles_of_a_package_are_in_the_file() -> None:
    page = start(MODULE, layers="facilities")
    page.button(key="export_make").click().run()
    (package,) = finished()
    with zipfile.ZipFile(package) as file:
        name = next(one for one in file.namelist() if one.endswith(".gpkg"))
        file.extract(name, package.parent)
    with sqlite3.connect(package.parent / name) as opened:
        assert opened.execute("SELECT count(*) FROM layer_styles WHERE useAsDefault").fetchone() == (1,)
    opened.close()


def test_a_sheet_names_counties_where_there_is_room_else_prefectures(
    built_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The outlines are those of the prefectures whatever is shown, fine enough for one of them."""
    monkeypatch.setattr("exports.atlas.sheet_font", lambda: Path("x.ttf"))
    levels = {}
    for code in (None, "320300", "320302", "320S00"):
        region = None if code is None else clip_to(built_store, code)
        found = sheet_options(built_store, "A3", "landscape", region, date="2025-01-02", subtitle="一")
        assert found.labels is not None
        levels[code] = (len(found.labels), set(found.labels["level"]))
        wanted = built_store.regions("prefecture", zoom="prefecture").geometry
        assert shapely.equals_identical(found.province.geometry, wanted).all()
        assert (found.focus is None) == (code is None)
        if region is not None:
            assert found.focus.equals(region.shape)
        assert (found.page, found.orientation, found.date, found.subtitle) == (
            "A3",
            "landscape",
            "2025-01-02",
            "一",
        )
    assert levels == {
        None: (13, {"prefecture"}),
        "320300": (10, {"county"}),
        "320302": (1, {"county"}),
        "320S00": (13, {"prefecture"}),
    }


def test_what_leaves_carries_the_settings_of_the_office(
    built_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packaged = load_registry()
    own = {
        "internal_notice": "本处内部图",
        "undefined_colour": "#abcdef",
        "class_count": 7,
        "class_method": "equal_interval",
    }
    settings = tuple(
        one.model_copy(update={"value": own.get(one.id, one.value)}) for one in packaged.settings
    )
    changed = replace(packaged, settings=settings)
    monkeypatch.setattr("exports.layers.kinds.load_registry", lambda: changed)
    made = make_layer(built_store, tmp_path, "population", {"level": "prefecture"})
    assert (made.notice, made.undefined_colour) == ("本处内部图", "#abcdef")
    assert (made.shading.k, made.shading.scheme) == (7, "equal_interval")
    monkeypatch.setattr("reports.provenance.load_registry", lambda: changed)
    assert provenance(built_store, ["census_2020"]).permission == internal_notice() == "本处内部图"
    assert ramp("neutral", changed).undefined == "#abcdef"
