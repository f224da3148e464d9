"""The real server on the built store, a real Chromium that reaches nothing else, a window for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from layers.fonts import prepare_fonts, texts
from tests.browser.harness import LAUNCH, Window
from tests.made_once import RUNS
from tests.serving import SERVE, address_of, program


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the browser tests in one process: one server, one Chromium."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="session")
def font_cache(pytestconfig: pytest.Config) -> Path:
    """Return a folder with the fonts, cut once and kept between test runs: that takes most of a minute."""
    cache = pytestconfig.cache
    assert cache is not None
    folder = cache.mkdir("sutu-fonts")
    prepare_fonts(folder, texts())
    return Path(folder)


@pytest.fixture(scope="session")
def served_data_dir(built_data_dir: Path, font_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data directory of the server's own, with store and fonts in place."""
    folder = Path(shutil.copytree(built_data_dir, tmp_path_factory.mktemp("served") / "data", ignore=RUNS))
    shutil.copytree(font_cache, folder / "cache")
    return folder


@pytest.fixture(scope="session")
def server(served_data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of ``sutu serve``, started as people start it, on a port the system chose."""
    with program(SERVE, served_data_dir, tmp_path_factory.mktemp("folder")) as process:
        yield address_of(process)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    launched = playwright.chromium.launch(**LAUNCH)
    yield launched
    launched.close()


@pytest.fixture
def window(server: str, browser: Browser) -> Iterator[Window]:
    """Return a window 1280 pixels wide; afterwards nothing may have left the machine or gone wrong."""
    opened = Window(browser, server)
    yield opened
    opened.close()
    opened.assert_clean()
