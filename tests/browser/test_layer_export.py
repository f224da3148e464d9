"""图层导出 in a real browser: a package is made and fetched; the HTML map opens from the disk, offline."""

from __future__ import annotations

import zipfile
from pathlib import Path

from playwright.sync_api import Browser, expect

from data.store.store import Store
from exports.catalogue import make_layer
from exports.formats import Options
from exports.package import export
from exports.style import symbols_of
from geo.crs import TARGETS
from tests.browser.harness import Window


def test_a_package_is_made_and_fetched(window: Window, tmp_path: Path) -> None:
    page = window.open("layer-export", layers="facilities", format="csv")
    page.get_by_role("button", name="生成导出包").click()
    button = page.get_by_role("button", name="下载（")
    expect(button).to_be_visible()
    with page.expect_download() as waiting:
        button.click()
    waiting.value.save_as(tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as package:
        assert {"公共服务设施.csv", "说明.txt", "字段.csv", "来源.csv", "许可.txt"} == set(package.namelist())
    assert not window.scrolls_sideways()


def test_the_html_map_opens_from_the_disk_with_the_network_off(
    browser: Browser, built_store: Store, built_data_dir: Path, tmp_path: Path
) -> None:
    table = make_layer(built_store, built_data_dir, "population_65_plus_share", {"level": "prefecture"})
    out = tmp_path / "地图.html"
    export([table], out, Options("html", TARGETS["EPSG:4490"]))
    context = browser.new_context(offline=True, viewport={"width": 1000, "height": 700})
    page = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda fault: said.append(str(fault)))
    page.goto(out.as_uri())
    page.wait_for_selector("#map[data-drawn]")
    assert said == []
    assert {url.partition(":")[0] for url in asked} <= {"file", "data"}
    expect(page.locator("#panel")).to_contain_text("内部工作图，未经审核不得公开")
    for one in symbols_of(table).entries:
        expect(page.locator("#panel")).to_contain_text(one.label)
    page.mouse.click(340, 420)
    page.locator(".leaflet-popup-content").wait_for()
    context.close()
