"""设区市对比 and 综合指数 in a real browser, network off: charts, a briefing, an index saved and reopened."""

from __future__ import annotations

import io
from pathlib import Path

from docx import Document
from playwright.sync_api import expect

from tests.browser.harness import Window, drawn, fills, wait_for_change


def test_the_spine_chart_is_drawn_and_a_similar_region_joins(window: Window) -> None:
    page = window.open("compare-prefectures", compare_prefecture="320500", panel="similar")
    charts = page.locator("[data-testid=stVegaLiteChart] svg, [data-testid=stVegaLiteChart] canvas")
    expect(charts.first).to_be_visible()
    page.get_by_role("button", name="把无锡市加入对比").click()
    expect(page.get_by_text("无锡市居同级前四分之一的有").first).to_be_visible()
    window.settle()
    assert window.address()["compare_prefecture"] == "320500~320200"
    assert not window.scrolls_sideways()


def test_a_briefing_is_made_and_downloaded(window: Window) -> None:
    page = window.open("compare-counties", compare_county="320682")
    page.get_by_role("button", name="制作简报").click()
    page.get_by_role("button", name="生成", exact=True).click()
    download = page.get_by_role("button", name="下载 如皋市发展与公共服务简报.docx")
    expect(download).to_be_visible(timeout=90_000)
    with page.expect_download() as caught:
        download.click()
    document = Document(io.BytesIO(Path(caught.value.path()).read_bytes()))
    assert document.paragraphs[0].text == "如皋市发展与公共服务简报"
    assert len(document.inline_shapes) == 5


def test_an_index_is_weighed_anew_saved_and_reopened(window: Window) -> None:
    page = window.open("composite")
    frame = window.map()
    before, colours = drawn(frame), fills(frame)
    assert len(colours) == 95
    page.get_by_role("combobox", name="赋权").click()
    page.get_by_role("option", name="CRITIC").click()
    wait_for_change(frame, before)
    window.settle()
    page.get_by_role("button", name="保存这个指数").click()
    expect(page.get_by_text("已保存为")).to_be_visible()
    window.settle()
    saved = window.address()["saved"]
    shown = fills(frame)
    assert shown != colours
    page = window.open("composite", saved=saved)
    expect(page.get_by_role("combobox", name="赋权")).to_have_value("CRITIC")
    assert fills(window.map()) == shown
