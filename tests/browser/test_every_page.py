"""Every page of the navigation: it opens, says what it must, fits its window and asks nobody else."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import pytest
from playwright.sync_api import Frame, Page

from data.store import Store
from pages.navigation import PAGES

PATHS = [spec.path for spec in PAGES if find_spec(spec.module) is not None]
NOTICE = "内部工作图，未经审核不得公开"
SHAPES = ".leaflet-overlay-pane path.leaflet-interactive"


def at(path: str) -> str:
    """Return the address of a page; the first one is the application's own."""
    return "" if path == PAGES[0].path else path


def map_frame(page: Page) -> Frame:
    """Return the frame of the page's first map."""
    handle = page.wait_for_selector("iframe[src*='streamlit_folium']", state="attached")
    assert handle is not None
    frame = handle.content_frame()
    assert frame is not None
    return frame


def overflow(page: Page) -> int:
    """Return by how many pixels the page is wider than its window."""
    return int(
        page.evaluate(
            "Math.max(...[document.documentElement, ...document.querySelectorAll('[data-testid=stMain]')]"
            ".map(box => box.scrollWidth - box.clientWidth))"
        )
    )


@pytest.mark.parametrize("path", PATHS)
def test_page_opens_without_a_fault(open_page: Callable[..., Page], path: str) -> None:
    page = open_page(at(path))
    assert page.locator("[data-testid=stException]").count() == 0
    assert page.get_by_text(NOTICE).first.is_visible() or path == "data-import"
    assert overflow(page) <= 0


@pytest.mark.parametrize("path", PATHS)
def test_page_fits_a_phone(open_page: Callable[..., Page], path: str) -> None:
    page = open_page(at(path), width=400, height=860)
    assert page.locator("[data-testid=stException]").count() == 0
    assert overflow(page) <= 0


def test_the_indicator_map_has_drawn_every_county(open_page: Callable[..., Page], built_store: Store) -> None:
    page = open_page("indicator-map")
    frame = map_frame(page)
    frame.wait_for_function(f"document.querySelectorAll('{SHAPES}').length >= 95")
    counties = built_store.region_table("county")
    shapes = frame.locator(SHAPES)
    assert shapes.count() == len(counties) == 95
    fills = shapes.evaluate_all("paths => paths.map(path => path.getAttribute('fill'))")
    assert len(set(fills)) > 1
    sizes = shapes.evaluate_all("paths => paths.map(path => path.getBoundingClientRect().width)")
    assert min(sizes) > 0


def test_chinese_is_drawn_with_our_font(open_page: Callable[..., Page]) -> None:
    page = open_page("indicator-map")
    page.wait_for_function("document.fonts.status === 'loaded'")
    # Two characters the font lacks would look alike: the box that stands for any missing glyph.
    different = page.evaluate(
        """() => {
          const family = getComputedStyle(document.querySelector('h1')).fontFamily;
          const picture = (text) => {
            const canvas = document.createElement('canvas');
            canvas.width = canvas.height = 64;
            const pen = canvas.getContext('2d');
            pen.font = `48px ${family}`;
            pen.fillText(text, 4, 52);
            return canvas.toDataURL();
          };
          return new Set([...'苏图江南京县区设施覆盖'].map(picture)).size;
        }"""
    )
    assert different == len(set("苏图江南京县区设施覆盖"))


def test_a_link_reopens_the_same_view(open_page: Callable[..., Page], built_store: Store) -> None:
    region = built_store.region_table("county").loc["320583"]
    page = open_page(f"indicator-map?region={region['adcode']}")
    card = page.get_by_text(str(region["name"]), exact=False)
    card.first.wait_for(state="visible")
    assert f"region={region['adcode']}" in page.url
