"""数据导入 in a real browser: faults in a table, a preview, an import that the other pages see."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from data.store.store import open_store
from tests.browser.harness import Window
from tests.real_data import real_path
from tests.serving import SERVE, address_of, program

FACILITIES = "名称,类型,经度,纬度\n甲<b>医院</b>,综合医院,118.7969,32.0603\n乙医院,综合医院,119.9,31.8\n"


@pytest.fixture(scope="module")
def own_folder(served_data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data directory to import into, which no other test reads."""
    return Path(shutil.copytree(served_data_dir, tmp_path_factory.mktemp("import") / "data"))


@pytest.fixture(scope="module")
def own_server(own_folder: Path) -> Iterator[str]:
    with program(SERVE, own_folder, own_folder) as process:
        yield address_of(process)


@pytest.fixture
def own_window(own_server: str, browser: Browser) -> Iterator[Window]:
    window = Window(browser, own_server)
    window.context.set_default_timeout(240_000)
    yield window
    window.close()
    window.assert_clean()


def choose_file(page: Page, path: Path) -> None:
    page.set_input_files("input[type=file]", path)


def choose_datum(page: Page, name: str) -> None:
    page.get_by_label("坐标基准").click()
    page.get_by_role("option", name=name).click()


def test_faults_are_a_table_and_nothing_is_written(
    own_window: Window, own_folder: Path, tmp_path: Path
) -> None:
    version = open_store(own_folder).data_version
    path = tmp_path / "坏.csv"
    path.write_text("名称,类型,经度,纬度\n甲,医馆,118.7,32\n乙,综合医院,abc,32\n", encoding="utf-8")
    page = own_window.open("data-import", import_kind="facilities")
    choose_file(page, path)
    expect(page.get_by_text("请选择坐标基准")).to_be_visible()
    choose_datum(page, "WGS84")
    expect(page.get_by_text("未写入任何内容")).to_be_visible(timeout=240_000)
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    assert page.get_by_role("button", name="导入并重建数据库").count() == 0
    with page.expect_download() as waiting:
        page.get_by_role("button", name="下载 CSV").click()
    rows = Path(waiting.value.path()).read_bytes().decode("utf-8-sig").splitlines()
    assert rows[0] == "文件,工作表,行,列,问题,处理办法"
    assert any("医馆" in row for row in rows) and any("abc" in row for row in rows)
    assert open_store(own_folder).data_version == version


def test_a_list_goes_in_and_the_coverage_page_counts_it(
    own_window: Window, own_folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "医院.csv"
    path.write_text(FACILITIES, encoding="utf-8")
    page = own_window.open("data-import", import_kind="facilities")
    choose_file(page, path)
    choose_datum(page, "CGCS2000")
    expect(page.get_by_text("没有错误：2 处设施")).to_be_visible(timeout=240_000)
    page.get_by_role("button", name="导入并重建数据库").click()
    expect(page.get_by_text("读入 2 行，新增 2")).to_be_visible(timeout=240_000)
    surveyed = open_store(own_folder).facilities().query("precision == 'surveyed'")
    assert set(surveyed["name"]) == {"甲<b>医院</b>", "乙医院"}
    page.get_by_role("button", name="知道了").click()
    expect(page.get_by_text("读入 2 行，新增 2")).to_have_count(0)
    own_window.open("coverage", facility="general_hospital", mode="straight")
    frame = own_window.map()
    frame.wait_for_selector('[data-facilities="2"]')
    assert "实测设施" in frame.locator(".sutu-legend").inner_text()
    assert page.get_by_text("推定点位 95 处").count() == 0


def test_an_extract_goes_in_with_its_progress(own_window: Window, own_folder: Path) -> None:
    page = own_window.open("data-import", import_kind="osm")
    choose_file(page, real_path("osm/xuzhou_facilities.osm.pbf"))
    expect(page.get_by_text("数据包可以读取")).to_be_visible(timeout=240_000)
    page.get_by_role("button", name="导入并重建数据库").click()
    expect(page.get_by_text("正在导入 xuzhou_facilities.osm.pbf")).to_be_visible()
    expect(page.get_by_text("设施 451 处")).to_be_visible(timeout=240_000)
    assert (open_store(own_folder).facilities()["source"] == "osm").sum() == 451


def slow_file(folder: Path) -> Path:
    """Return a list of facilities that takes its reader some seconds."""
    path = folder / "很多.csv"
    rows = (f"设施{n},药店,{118.3 + n % 500 / 500:.5f},{31.9 + n % 397 / 397:.5f}" for n in range(250_000))
    path.write_text("名称,类型,经度,纬度\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def kept_uploads(folder: Path) -> list[str]:
    below = folder / "cache" / "uploads"
    return [path.name for path in below.iterdir()] if below.exists() else []


def readers_of(folder: Path) -> list[int]:
    """Return the processes that read a file kept below a data directory."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().split(b"\0")
                order = (Path(command[-2].decode()) / "order.json").read_text(encoding="utf-8")
            except (OSError, IndexError, UnicodeDecodeError):
                continue
            if str(folder) in order:
                found.append(int(entry.name))
    return found


def test_a_reading_can_be_called_off_and_begun_again(
    own_window: Window, own_folder: Path, tmp_path: Path
) -> None:
    page = own_window.open("data-import", import_kind="facilities")
    choose_file(page, slow_file(tmp_path))
    choose_datum(page, "WGS84")
    page.get_by_role("button", name="取消").click()
    expect(page.get_by_text("已取消，没有写入任何内容")).to_be_visible()
    assert readers_of(own_folder) == []
    page.get_by_role("button", name="重新读取").click()
    expect(page.get_by_text("没有错误：250000 处设施")).to_be_visible()


def test_nothing_of_a_visitor_who_leaves_is_left(
    own_server: str, browser: Browser, own_folder: Path, tmp_path: Path
) -> None:
    leaver, watcher = Window(browser, own_server), Window(browser, own_server)
    page = leaver.open("data-import", import_kind="facilities")
    choose_file(page, slow_file(tmp_path))
    choose_datum(page, "WGS84")
    page.get_by_role("button", name="取消").wait_for()
    assert kept_uploads(own_folder)
    leaver.close()
    # The page that looks needs no time of its own: it only keeps the server drawing for somebody.
    watched = watcher.open("data-import", import_kind="indicators")
    for _ in range(120):
        if not kept_uploads(own_folder) and not readers_of(own_folder):
            break
        watched.wait_for_timeout(500)
    assert kept_uploads(own_folder) == [] and readers_of(own_folder) == []
    watcher.close()
    watcher.assert_clean()
