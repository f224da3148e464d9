"""Every page of the navigation: it opens, says what it must, fits its window and asks nobody else."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from pages.navigation import PAGES, is_present
from tests.browser.harness import Window

PATHS = [spec.path for spec in PAGES if is_present(spec)]
NOTICE = "内部工作图，未经审核不得公开"
# What Streamlit says in English of its own where nobody says it in Chinese instead.
STREAMLIT_WORDS = ("Upload", "Browse", "Drag and drop", "per file", "View ", "No results", "Please ")
WITHOUT_MAP = {"data-import"}


def at(path: str) -> str:
    """Return the address of a page; the first one is the application's own."""
    return "" if path == PAGES[0].path else path


@pytest.mark.parametrize("path", PATHS)
def test_page_opens_without_a_fault(window: Window, path: str) -> None:
    page = window.open(at(path))
    page.wait_for_selector("h1")
    assert page.locator("[data-testid=stException]").count() == 0
    assert path in WITHOUT_MAP or page.get_by_text(NOTICE).count() > 0
    shown = page.locator("body").inner_text()
    assert not [words for words in STREAMLIT_WORDS if words in shown]
    assert not window.scrolls_sideways()


@pytest.mark.parametrize("path", PATHS)
def test_page_fits_a_phone(server: str, browser: Browser, path: str) -> None:
    window = Window(browser, server, width=400, height=860)
    page = window.open(at(path))
    page.wait_for_selector("h1")
    assert page.locator("[data-testid=stException]").count() == 0
    assert not window.scrolls_sideways()
    window.close()
    window.assert_clean()


def test_every_page_is_in_sight_of_the_navigation(window: Window) -> None:
    page = window.open("")
    shown = page.locator('[data-testid="stSidebarNav"]').inner_text()
    for spec in PAGES:
        assert not is_present(spec) or spec.title in shown
    assert "View" not in shown
