"""通道走廊 and 铁路时序 in a real browser: families, horizon, a click on a corridor, the card."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Frame, expect

from data.registry.corridor_models import load_corridor_families
from tests.browser.harness import Window

HUNING = "railway-002-3903-3"
SECONDS = 2_000


def count(frame: Frame) -> int:
    frame.wait_for_function("() => document.querySelector('[data-corridors]')?.dataset.corridors")
    return int(frame.eval_on_selector("[data-corridors]", "node => node.dataset.corridorCount"))


def wait_for_count(frame: Frame, other_than: int) -> int:
    frame.wait_for_function(
        """before => {
          const box = document.querySelector('[data-corridors]');
          return box.dataset.corridors && Number(box.dataset.corridorCount) !== before;
        }""",
        arg=other_than,
    )
    return count(frame)


def test_families_horizon_and_a_click(window: Window) -> None:
    page = window.open("corridors")
    frame = window.map()
    first = count(frame)
    assert first == 25
    page.get_by_text("高速铁路项目", exact=False).first.click()
    more = wait_for_count(frame, first)
    assert more == 25 + 26
    window.settle()
    assert "hsr_line" in window.address()["families"]
    slider = page.get_by_role("slider")
    slider.press("ArrowLeft")
    expect(page).to_have_url(re.compile(r"horizon=2025\b"))
    between = wait_for_count(frame, more)
    window.settle()
    slider.press("ArrowLeft")
    expect(page).to_have_url(re.compile(r"horizon=2020\b"))
    early = wait_for_count(frame, between)
    assert early < first
    window.settle()
    frame.locator(f'path.sutu-corridor-hit[data-corridor="{HUNING}"]').dispatch_event("click")
    expect(page.get_by_text("原文行号 002:3903")).to_be_visible()
    expect(page.get_by_text("苏州 → 无锡 → 常州 → 镇江 → 南京")).to_be_visible()
    expect(page.get_by_text("苏政办发〔2021〕76号").first).to_be_visible()
    window.settle()
    assert window.address()["corridor"] == HUNING
    assert frame.locator("path.sutu-corridor-mark").count() == 2
    expect(page.get_by_text("全长 214.0 公里")).to_be_visible()
    assert not window.scrolls_sideways()


def test_all_structures_are_drawn_in_time_and_hover_says_what_they_are(window: Window) -> None:
    families = list(load_corridor_families())
    window.open("corridors", families="~".join(families))
    frame = window.map()
    assert count(frame) >= 300
    spent = int(frame.eval_on_selector("[data-corridors]", "node => node.dataset.corridorMs"))
    assert spent <= SECONDS
    line = frame.locator(f'path.sutu-corridor-hit[data-corridor="{HUNING}"]')
    line.dispatch_event("mouseover")
    tip = frame.locator(".leaflet-tooltip.sutu-tip")
    expect(tip).to_contain_text("沪宁通道")
    expect(tip).to_contain_text("苏政办发〔2021〕76号")


def test_on_a_phone_nothing_scrolls_sideways(server: str, browser: Browser) -> None:
    phone = Window(browser, server, width=400, height=860)
    phone.open("corridors", corridor=HUNING)
    phone.map()
    assert not phone.scrolls_sideways()
    phone.open("rail-timeline", rail_view="prefectures")
    assert not phone.scrolls_sideways()
    phone.close()
    phone.assert_clean()


def test_the_rail_page_and_its_download(window: Window) -> None:
    page = window.open("rail-timeline", rail_stages="十四五开工")
    expect(page.get_by_text("47 个", exact=True)).to_be_visible()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="下载 CSV").click()
    path = waiting.value.path()
    assert "潍坊至宿迁铁路" in path.read_text(encoding="utf-8-sig")
