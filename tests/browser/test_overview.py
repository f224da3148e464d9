"""总览 in a real browser: the map is drawn, a click on it changes the figures, and it prints on one sheet."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from data.registry import load_registry
from data.store.store import Store
from tests.browser.harness import Window, fills

VALUES = ".st-key-overview_figures [data-testid='stMetricValue']"
CHARTS = "[data-testid='stVegaLiteChart']"
GRIDS = "canvas[data-testid='data-grid-canvas']"


def _population(store: Store, adcode: str) -> str:
    facts = store.facts("population", year=2020).set_index("adcode")["value"]
    return f"{facts[adcode] / 1e4:,.2f} 万人"


def _whole(page: Page) -> None:
    """Wait until charts and tables are drawn."""
    expect(page.locator(f"{CHARTS} svg")).to_have_count(2)
    expect(page.locator(GRIDS)).to_have_count(2)


def test_cards_and_map_show_the_store(window: Window, built_store: Store) -> None:
    page = window.open("")
    assert set(fills(window.map())) == set(built_store.region_table("prefecture").index)
    values = page.locator(VALUES)
    expect(values).to_have_count(len(load_registry().overview.cards))
    expect(values.first).to_have_text(_population(built_store, "320000"))
    exact = built_store.facts("population", year=2020, level="province")["value"].item()
    expect(page.get_by_text(f"{exact:,.0f} 人").first).to_be_visible()


@pytest.mark.parametrize("height", [900, 1600])
def test_a_click_on_a_prefecture_shows_its_figures(
    server: str, browser: Browser, built_store: Store, height: int
) -> None:
    """The lower window has the map partly out of sight, where a click must not scroll the page."""
    window = Window(browser, server, height=height)
    page = window.open("")
    label = window.map().get_by_text("盐城", exact=True)
    box = label.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] + 12)
    name = built_store.region_table().loc["320900", "name"]
    expect(page.get_by_role("heading", name=f"{name}总览")).to_be_visible()
    expect(page.locator(VALUES).first).to_have_text(_population(built_store, "320900"))
    expect(page).to_have_url(re.compile("region=320900"))
    window.close()
    window.assert_clean()


def test_a_link_reopens_region_indicator_and_level(window: Window, built_store: Store) -> None:
    address = {"region": "320S00", "indicator": "gdp_per_head", "level": "economic_region"}
    page = window.open("", **address)
    sheet = window.map()
    assert set(fills(sheet)) == set(built_store.region_table("economic_region").index)
    expect(sheet.get_by_text("人均地区生产总值").first).to_be_visible()
    expect(page.locator(VALUES).first).to_have_text(_population(built_store, "320S00"))
    assert window.address() == address


def test_every_state_of_every_plan_has_its_bar(window: Window, built_store: Store) -> None:
    page = window.open("")
    _whole(page)
    targets = built_store.headline_targets()
    for chart, period in zip(page.locator(CHARTS).all(), ("十三五", "十四五"), strict=True):
        counts = targets[targets["period"] == period].groupby(["plan", "state"]).size()
        expect(chart.locator("path[aria-roledescription=bar]")).to_have_count(len(counts))
        numbers = chart.locator(".mark-text.role-mark text").all_text_contents()
        assert sorted(map(int, numbers)) == sorted(counts)


def test_it_prints_on_one_sheet_without_its_controls(window: Window) -> None:
    page = window.open("")
    window.map()
    _whole(page)
    button = page.get_by_role("button", name="现在体检")
    expect(button).to_be_visible()
    sheet = page.pdf(prefer_css_page_size=True, print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", sheet)) == 1
    page.emulate_media(media="print")
    expect(button).to_be_hidden()
    expect(page.get_by_role("combobox", name="地区")).to_be_hidden()
    expect(page.locator(VALUES).first).to_be_visible()


@pytest.mark.parametrize("width", [400, 1280, 1920])
def test_nothing_is_cut_off(server: str, browser: Browser, width: int) -> None:
    window = Window(browser, server, width=width)
    page = window.open("")
    window.map()
    _whole(page)
    assert not window.scrolls_sideways()
    cut = page.locator(f".st-key-overview_figures p, {VALUES}").evaluate_all(
        "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.innerText)"
    )
    assert cut == []
    window.close()
    window.assert_clean()


def test_a_phone_shows_two_cards_in_a_row(server: str, browser: Browser) -> None:
    window = Window(browser, server, width=400, height=860)
    page = window.open("")
    cards = page.locator(".st-key-overview_figures [data-testid='stColumn']")
    expect(cards).to_have_count(len(load_registry().overview.cards))
    boxes = [box for number in range(3) if (box := cards.nth(number).bounding_box())]
    tops = [box["y"] for box in boxes]
    assert tops[0] == pytest.approx(tops[1], abs=2)
    assert tops[2] > tops[0] + boxes[0]["height"] - 2
    window.close()
    window.assert_clean()
