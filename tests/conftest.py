"""What every test may use: one built store per test run, and a copy of it to spoil."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from data.builder.build import build_store
from data.ingest.osm import import_osm
from data.store.store import Store, open_store
from layers.fonts import texts
from tests.layers.fonts_at_hand import regular_font
from tests.made_once import RUNS, made_once
from tests.real_data import real_path
from tests.shared_ground import make_it_here, share_ground

# How fast an example runs is the machine's affair, and no test asserts it.
settings.register_profile("sutu", deadline=None)
settings.load_profile("sutu")

_SOURCES = Path(__file__).resolve().parent / "sources"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave `tests/sources` out unless the command line names it: it reads what a clone alone has not."""
    if collection_path != _SOURCES:
        return None
    here = config.invocation_params.dir
    asked = [(here / argument.partition("::")[0]).resolve() for argument in config.args]
    return None if any(path.is_relative_to(_SOURCES) for path in asked) else True


@pytest.fixture(autouse=True)
def no_browser_to_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages that run in this process have no browser that says when it has drawn a map, or looks again.

    So nothing is waited for in the first case, and a file is waited for to its end in the second.
    """
    monkeypatch.setattr("pages.shared.map_first.PATIENCE_S", 0.0)
    monkeypatch.setattr("pages.shared.file_jobs.PATIENCE_S", 600.0)


@pytest.fixture(autouse=True)
def main_module() -> Iterator[None]:
    """Put the main module back: Streamlit leaves a page in its place, and a new process would run it."""
    kept = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = kept


@pytest.fixture(scope="session", autouse=True)
def shared_ground() -> Iterator[None]:
    """Make the ground of builds once in this process; tests of the build itself make their own."""
    with pytest.MonkeyPatch.context() as patch:
        share_ground(patch)
        yield


@pytest.fixture
def own_ground(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the builds of the test make their ground themselves."""
    make_it_here(monkeypatch)


@pytest.fixture(scope="session")
def built_data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data directory with a built store, shared by all workers; nobody writes into it.

    The first worker to ask builds; the build lock makes the others wait and then find it up to date.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "sutu-data"
    build_store(folder, only_if_stale=True)
    return folder


@pytest.fixture(scope="session")
def built_store(built_data_dir: Path) -> Store:
    """Return the store of `built_data_dir`, open for reading."""
    return open_store(built_data_dir)


@pytest.fixture(scope="session")
def report_font(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a font file with all that reports print: figures and PDF need no more of the typeface."""
    return regular_font(tmp_path_factory.mktemp("report-font"), texts())


@pytest.fixture
def own_data_dir(built_data_dir: Path, tmp_path: Path) -> Path:
    """Return a data directory of the test's own, with a copy of the built store."""
    return Path(shutil.copytree(built_data_dir, tmp_path / "data", ignore=RUNS))


@pytest.fixture
def data_env(built_data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Point ``SUTU_DATA_DIR`` at the shared built store for the test."""
    monkeypatch.setenv("SUTU_DATA_DIR", str(built_data_dir))
    yield built_data_dir


@pytest.fixture(scope="session")
def xuzhou_data_dir(built_data_dir: Path) -> Path:
    """Return a data directory whose facilities include the real ones of Xuzhou, shared like the built one.

    451 points of OpenStreetMap: hospitals, schools, universities, parks, sports centres.
    """

    def make(staged: Path) -> None:
        shutil.copytree(built_data_dir, staged, ignore=RUNS)
        counties = open_store(staged).regions("county", zoom="full").reset_index(drop=True)
        import_osm(real_path("osm/xuzhou_facilities.osm.pbf"), staged, counties)
        build_store(staged)

    return made_once(built_data_dir.with_name("sutu-xuzhou"), make)
