"""总览 in a real browser: the map is drawn, a click on it changes the figures, and it prints on one sheet."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Frame, Page, expect

from data.store import Store
from pages.overview_parts import KEY_FIGURES
from tests.browser.test_every_page import SHAPES, map_frame, overflow

HEADLINE = ".st-key-overview_figures [data-testid='stMetricValue']"


def _drawn(page: Page, shapes: int) -> Frame:
    """Wait until the map has drawn so many regions; return its frame."""
    frame = map_frame(page)
    frame.wait_for_function(f"document.querySelectorAll('{SHAPES}').length === {shapes}")
    return frame


def _population(store: Store, adcode: str) -> str:
    facts = store.facts("population", year=2020).set_index("adcode")["value"]
    return f"{facts[adcode] / 1e4:,.2f} 万人"


def test_cards_and_map_show_the_store(open_page: Callable[..., Page], built_store: Store) -> None:
    page = open_page()
    _drawn(page, len(built_store.region_table("prefecture")))
    values = page.locator(HEADLINE)
    expect(values).to_have_count(len(KEY_FIGURES))
    expect(values.first).to_have_text(_population(built_store, "320000"))
    exact = built_store.facts("population", year=2020, level="province")["value"].item()
    expect(page.get_by_text(f"{exact:,.0f} 人", exact=False).first).to_be_visible()
    assert overflow(page) <= 0


def test_a_click_on_a_prefecture_shows_its_figures(
    open_page: Callable[..., Page], built_store: Store
) -> None:
    page = open_page()
    frame = _drawn(page, 13)
    name = built_store.region_table().loc["320900", "name"]
    # Where 盐城 lies on the sheet: the shape under the middle of its label.
    label = frame.get_by_text("盐城", exact=True).first
    box = label.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] + 12)
    expect(page.get_by_role("heading", name=f"{name}总览")).to_be_visible()
    expect(page.locator(HEADLINE).first).to_have_text(_population(built_store, "320900"))
    expect(page).to_have_url(re.compile("region=320900"))


def test_a_link_reopens_region_indicator_and_level(
    open_page: Callable[..., Page], built_store: Store
) -> None:
    page = open_page("?region=320S00&indicator=gdp_per_head&level=economic_region")
    frame = _drawn(page, 3)
    expect(frame.get_by_text("人均地区生产总值").first).to_be_visible()
    expect(page.locator(HEADLINE).first).to_have_text(_population(built_store, "320S00"))


def test_bars_and_tables_are_drawn(open_page: Callable[..., Page], built_store: Store) -> None:
    page = open_page()
    targets = built_store.headline_targets()
    charts = page.locator("[data-testid='stVegaLiteChart']")
    expect(charts).to_have_count(2)
    for chart, period in zip(charts.all(), ("十三五", "十四五"), strict=True):
        chart.scroll_into_view_if_needed()
        part = targets[targets["period"] == period]
        parts = len(part.groupby(["plan", "state"]))
        expect(chart.locator("svg .mark-rect.role-mark path")).to_have_count(parts)
    expect(page.locator("[data-testid='stDataFrame'] canvas").first).to_be_visible()


def test_it_prints_on_one_sheet(open_page: Callable[..., Page]) -> None:
    page = open_page()
    _drawn(page, 13)
    expect(page.locator("[data-testid='stVegaLiteChart'] svg")).to_have_count(2)
    expect(page.locator("[data-testid='stDataFrame'] canvas[data-testid='data-grid-canvas']")).to_have_count(
        2
    )
    sheet = page.pdf(prefer_css_page_size=True, print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", sheet)) == 1
    assert page.get_by_role("button", name="现在体检").is_visible()
    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="现在体检")).to_be_hidden()


@pytest.mark.parametrize("width", [400, 1280, 1920])
def test_nothing_is_cut_off(open_page: Callable[..., Page], width: int) -> None:
    page = open_page(width=width)
    _drawn(page, 13)
    assert overflow(page) <= 0
    clipped = page.locator(f".st-key-overview_figures p, {HEADLINE}").evaluate_all(
        "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.innerText)"
    )
    assert clipped == []


def test_a_phone_shows_two_cards_in_a_row(open_page: Callable[..., Page]) -> None:
    page = open_page(width=400, height=860)
    cards = page.locator(".st-key-overview_figures [data-testid='stColumn']")
    expect(cards).to_have_count(len(KEY_FIGURES))
    first, second, third = (cards.nth(number).bounding_box() for number in range(3))
    assert first is not None and second is not None and third is not None
    assert first["y"] == pytest.approx(second["y"], abs=2)
    assert third["y"] > first["y"] + first["height"] - 2
