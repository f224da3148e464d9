"""指标地图 in a real browser without network: drawn, clicked, shared, narrow, in Chinese."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from data.registry import load_registry
from data.store.store import Store
from tests.browser.harness import Window, drawn, fills, wait_for_change

PATH = "indicator-map"
_KEEP = "() => { window.sutuSame = true; }"
_SAME = "() => window.sutuSame === true"
_INK = """([family, text]) => {
  const canvas = document.createElement('canvas');
  canvas.width = 80; canvas.height = 80;
  const pen = canvas.getContext('2d', { willReadFrequently: true });
  pen.font = `60px ${family}`;
  pen.textBaseline = 'top';
  pen.fillText(text, 8, 8);
  return [...pen.getImageData(0, 0, 80, 80).data].filter((_, index) => index % 4 === 3).join('');
}"""


def test_the_page_draws_all_counties_with_title_legend_and_sources(
    window: Window, built_store: Store
) -> None:
    page = window.open(PATH)
    sheet = window.map()
    assert set(fills(sheet)) == set(built_store.region_table("county").index)
    assert len(fills(sheet)) == 95
    expect(page.get_by_role("heading", name="65岁及以上人口比重")).to_be_visible()
    said = sheet.locator(".leaflet-container").inner_text()
    for part in (
        "65岁及以上人口比重",
        "2020 年",
        "单位：%",
        "来源：",
        "EPSG:4490",
        "边界：",
        "内部工作图，未经审核不得公开",
    ):
        assert part in said
    assert sheet.locator(".sutu-legend .row").count() == 5
    assert sheet.locator(".leaflet-control-attribution").count() == 0, "no prefix, no flag"
    assert sheet.locator(".leaflet-control-scale").count() == 1


def test_a_click_opens_the_card_and_goes_into_the_address(window: Window) -> None:
    page = window.open(PATH)
    sheet = window.map()
    sheet.evaluate(_KEEP)
    sheet.locator('path[data-adcode="320981"]').click()
    expect(page.get_by_role("heading", name="东台市")).to_be_visible()
    window.settle()
    assert window.address()["region"] == "320981"
    assert sheet.locator("path.sutu-mark").count() == 2
    assert sheet.evaluate(_SAME), "the map is the one that was clicked"


def test_a_link_opens_the_same_view_again(window: Window) -> None:
    address = {
        "indicator": "population_change_rate",
        "year": "2020",
        "level": "county",
        "region": "320583",
        "scheme": "natural_breaks",
        "classes": "4",
    }
    page = window.open(PATH, **address)
    before = fills(window.map())
    expect(page.get_by_role("heading", name="昆山市")).to_be_visible()
    link = window.address()
    assert link.items() >= address.items()
    window.open(PATH, **link)
    assert fills(window.map()) == before
    assert window.address() == link


def test_another_indicator_and_level_change_the_map_without_mounting_it_anew(window: Window) -> None:
    page = window.open(PATH)
    sheet = window.map()
    sheet.evaluate(_KEEP)
    before, mark = fills(sheet), drawn(sheet)
    page.get_by_role("combobox", name="指标").first.click()
    page.get_by_role("option", name="城镇化率", exact=False).first.click()
    wait_for_change(sheet, mark)
    assert set(fills(sheet)) == set(before)
    assert fills(sheet) != before
    expect(page.get_by_role("heading", name="城镇化率")).to_be_visible()
    mark = drawn(sheet)
    page.get_by_role("combobox", name="层级").click()
    page.get_by_role("option", name="设区市", exact=True).click()
    wait_for_change(sheet, mark)
    assert len(fills(sheet)) == 13
    assert sheet.evaluate(_SAME)
    assert len(window.maps()) == 1


def test_regions_without_a_value_are_hatched_and_tell_why(window: Window) -> None:
    window.open(PATH, indicator="population_change_rate")
    sheet = window.map()
    hatched = [adcode for adcode, fill in fills(sheet).items() if fill.startswith("url(#")]
    assert "320214" in hatched
    assert sheet.locator("#sutu-hatch").count() == 1
    ground = sheet.locator("#sutu-hatch rect").first
    assert ground.get_attribute("fill") == load_registry().setting("undefined_colour")
    sheet.locator('path[data-adcode="320214"]').hover(force=True)
    tip = sheet.locator(".sutu-tip")
    expect(tip).to_contain_text("新吴区")
    expect(tip).to_contain_text("范围不能对应")
    legend = sheet.locator(".sutu-legend .row").last
    expect(legend).to_contain_text("无数据")
    assert "rgb(217, 217, 217)" in legend.locator("i").evaluate(
        "node => getComputedStyle(node).backgroundImage"
    )
    expect(legend).to_contain_text(str(len(hatched)))


def test_the_legend_covers_no_region(window: Window) -> None:
    for address in ({}, {"indicator": "population_change_rate"}, {"indicator": "population", "classes": "9"}):
        window.open(PATH, **address)
        covered = window.map().evaluate(
            """() => {
              const box = document.querySelector('.sutu-legend').getBoundingClientRect();
              const points = [];
              for (let x = box.left; x <= box.right; x += 6) {
                for (let y = box.top; y <= box.bottom; y += 6) points.push([x, y]);
              }
              return points.filter(([x, y]) => document.elementsFromPoint(x, y)
                .some((node) => node.classList.contains('sutu-region'))).length;
            }"""
        )
        assert covered == 0


def test_a_frame_without_room_is_fitted_when_it_gets_some(window: Window) -> None:
    window.open(PATH)
    sheet = window.map()
    zoom = "() => [...sutu.sheets.values()][0].map.getZoom()"
    tall = "() => [...sutu.sheets.values()][0].map.getSize().y"
    before = sheet.evaluate(zoom)
    for height, seen in (("0px", "tall === 0"), ("60px", "tall > 0 && tall <= 60")):
        sheet.evaluate(
            "height => { document.querySelector('.leaflet-container').style.height = height; }", height
        )
        sheet.wait_for_function(f"() => {{ const tall = ({tall})(); return {seen}; }}")
    sheet.evaluate("() => { document.querySelector('.leaflet-container').style.removeProperty('height'); }")
    # The map learns of its room a frame later, and is fitted after that.
    sheet.wait_for_function(f"() => ({tall})() > 60")
    sheet.wait_for_function(f"before => ({zoom})() === before", arg=before)
    assert sheet.evaluate(tall) > 60
    assert sheet.evaluate(zoom) == before


def test_two_years_stand_side_by_side_and_move_together(window: Window) -> None:
    window.open(PATH, indicator="urbanisation_rate", compare="years", year2="2010")
    left, right = window.maps(2)
    assert len(fills(left)) == len(fills(right)) == 95
    legends = [
        frame.locator(".sutu-legend .row").evaluate_all(
            "rows => rows.map((row) => row.querySelector('.label').innerText)"
        )
        for frame in (left, right)
    ]
    assert set(legends[1]) <= set(legends[0]), "the same classes; the earlier year has regions without value"
    zoom = "() => [...window.sutu.sheets.keys()][0].getZoom()"
    before = right.evaluate(zoom)
    left.locator(".leaflet-control-zoom-in").click()
    right.wait_for_function(f"before => ({zoom})() > before", arg=before)
    assert right.evaluate(zoom) == left.evaluate(zoom)


def test_two_indicators_stand_side_by_side(window: Window) -> None:
    page = window.open(PATH, indicator="urbanisation_rate", compare="indicators", indicator2="household_size")
    titles = [frame.locator(".sutu-head b").inner_text() for frame in window.maps(2)]
    assert titles == ["城镇化率", "平均家庭户规模"]
    expect(page.get_by_role("heading", name="城镇化率 与 平均家庭户规模")).to_be_visible()


@pytest.mark.parametrize("width", [400, 1280])
def test_nothing_is_wider_than_the_window(browser: Browser, server: str, width: int) -> None:
    views = [("none", "distribution"), ("none", "series"), ("none", "table"), ("years", "compare")]
    opened = Window(browser, server, width=width)
    try:
        for compare, panel in views:
            opened.open(PATH, indicator="urbanisation_rate", compare=compare, panel=panel, region="320583")
            opened.maps(1 if compare == "none" else 2)
            assert not opened.scrolls_sideways(), (compare, panel)
    finally:
        opened.close()
    opened.assert_clean()


def test_chinese_is_set_in_our_typeface_and_never_in_boxes(window: Window) -> None:
    page = window.open(PATH)
    for frame in (page.main_frame, window.map()):
        frame.evaluate("() => document.fonts.load('60px \"Sutu Sans\"', '苏图盱眙邳')")
        assert frame.evaluate("() => document.fonts.check('60px \"Sutu Sans\"', '苏图盱眙邳')")
        inks = [frame.evaluate(_INK, ['"Sutu Sans"', char]) for char in "苏图盱眙邳"]
        assert len(set(inks)) == 5, "boxes would all look the same"
        box = frame.evaluate(_INK, ['"Sutu Sans"', "\ufffe"])
        assert box not in inks
    family = page.evaluate("() => getComputedStyle(document.querySelector('h1')).fontFamily")
    assert "Sutu Sans" in family
    assert any("core-" in url and url.endswith(".woff2") for url in window.requests)


def test_the_data_behind_the_page_is_downloaded(window: Window, tmp_path: Path) -> None:
    page = window.open(PATH, indicator="urbanisation_rate")
    window.map()
    page.get_by_role("button", name="下载", exact=False).first.click()
    with page.expect_download() as started:
        page.get_by_role("button", name="下载 CSV").click()
    assert started.value.suggested_filename == "城镇化率_2020_县（市、区）.csv"
    target = tmp_path / "data.csv"
    started.value.save_as(target)
    content = target.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert rows[0][:4] == ["代码", "地区", "所属", "城镇化率（%）"]
    assert sum(1 for row in rows[1:] if row and row[0].isdigit()) == 95
    with page.expect_download() as started:
        page.get_by_role("button", name="下载 PDF").click()
    assert Path(started.value.path()).read_bytes().startswith(b"%PDF")


def test_a_click_on_a_bar_of_the_ranking_chooses_the_region(window: Window) -> None:
    page = window.open(PATH)
    window.map()
    page.locator(".st-key-ranking_box svg path[aria-roledescription=bar]").first.click()
    expect(page.get_by_role("heading", name="如东县")).to_be_visible()


def test_a_link_that_makes_no_sense_is_said_so(window: Window) -> None:
    page = window.open(PATH, year="1066", region="nowhere")
    assert len(fills(window.map())) == 95
    warnings = page.locator('[data-testid="stAlert"]').all_inner_texts()
    assert any("年份“1066”" in text for text in warnings)
    assert any("地区“nowhere”" in text for text in warnings)
