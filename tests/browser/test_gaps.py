"""区域差距 and 目标追踪 in a real browser: figures of the store, spots on the map, links that hold."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from docx import Document
from playwright.sync_api import Browser, expect

from analysis.gaps import compare_years, gap_of, load_gap
from data.store.store import Store
from layers.words.gap import gap_sentences
from tests.browser.harness import Window, fills

CHART = "[data-testid='stVegaLiteChart']"
HOT, COLD = "#d55e00", "#0072b2"


def test_sentences_and_tiles_are_those_of_the_store(window: Window, built_store: Store) -> None:
    page = window.open("gaps")
    found = compare_years(load_gap(built_store, "gdp_per_head", "prefecture"), 2023, 2005)
    words = page.locator(".st-key-gap_words")
    for topic, sentence in gap_sentences(found).items():
        if topic != "remarks":
            expect(words).to_contain_text(sentence)
    ratio = found.now.measures["south_north_ratio"].value
    expect(page.locator(".st-key-gap_tile_south_north_ratio")).to_contain_text(f"{ratio:.2f} 倍")
    expect(page.locator(CHART).first).to_be_visible()
    assert not window.scrolls_sideways()
    page.get_by_role("button", name="下载").click()
    with page.expect_download() as download:
        page.locator(".st-key-gap_measures_csv button").click()
    rows = list(csv.reader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8-sig"))))
    table = {row[0]: row[1] for row in rows if len(row) > 1}
    assert float(table["基尼系数"]) == found.now.measures["gini"].value


def test_hot_and_cold_spots_stand_on_the_map_and_a_click_marks_a_region(
    window: Window, built_store: Store
) -> None:
    page = window.open(
        "gaps", gap_indicator="mean_years_schooling", level="county", year="2020", gap_panel="spots"
    )
    frame = window.map()
    colours = fills(frame)
    found = gap_of(load_gap(built_store, "mean_years_schooling", "county"), 2020)
    highest, lowest = found.defined.idxmax(), found.defined.idxmin()
    assert (colours[highest], colours[lowest]) == (HOT, COLD)
    assert {HOT, COLD} < set(colours.values())
    expect(page.get_by_text("热点（高值集聚）").first).to_be_visible()
    frame.locator('path[data-adcode="320981"]').click()
    page.wait_for_url("**region=320981*")
    window.settle()
    assert window.address()["gap_panel"] == "spots"


def test_a_briefing_on_a_region_is_made_and_downloaded(window: Window) -> None:
    page = window.open("gaps")
    page.get_by_role("button", name="制作简报").click()
    box = page.get_by_role("combobox", name="地区").last
    box.click()
    page.get_by_role("option", name="苏北地区").click()
    page.get_by_role("button", name="生成", exact=True).click()
    download = page.get_by_role("button", name="下载 苏北地区发展与公共服务简报.docx")
    expect(download).to_be_visible(timeout=90_000)
    assert not window.scrolls_sideways()
    with page.expect_download() as caught:
        download.click()
    document = Document(io.BytesIO(Path(caught.value.path()).read_bytes()))
    assert document.paragraphs[0].text == "苏北地区发展与公共服务简报"
    texts = [paragraph.text for paragraph in document.paragraphs]
    assert any(text.startswith("适用于苏北地区的规划配置标准") for text in texts)


def test_another_indicator_changes_the_sentences(window: Window) -> None:
    page = window.open("gaps")
    words = page.locator(".st-key-gap_words")
    expect(words).to_contain_text("人均地区生产总值")
    box = page.get_by_role("combobox", name="指标").first
    box.click()
    box.fill("文盲率")
    page.get_by_role("option", name="文盲率").first.click()
    expect(words).to_contain_text("文盲率")
    window.settle()
    assert window.address()["gap_indicator"] == "illiteracy_rate"
    assert not window.scrolls_sideways()


def test_the_regions_targets_fit_desk_and_phone(server: str, browser: Browser) -> None:
    for width in (1280, 400):
        window = Window(browser, server, width=width)
        page = window.open("target-tracking", tracking="regions")
        expect(page.get_by_text("两行不能相比")).to_be_visible()
        expect(page.locator(CHART)).to_have_count(4)
        assert not window.scrolls_sideways()
        window.close()
        window.assert_clean()


def test_a_track_is_chosen_and_stands_in_the_link(window: Window) -> None:
    page = window.open("target-tracking")
    expect(page.get_by_text("如皋市城镇化率 2020 年为")).to_be_visible()
    box = page.get_by_role("combobox", name="目标").first
    box.click()
    box.fill("劳动年龄")
    page.get_by_role("option", name="劳动年龄人口平均受教育年限").first.click()
    expect(page.get_by_text("两者口径不同，不连线、不判断")).to_be_visible()
    window.settle()
    assert window.address()["track"] == "education-008"
