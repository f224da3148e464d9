"""设施覆盖 in a real browser without network: one image, one canvas, a slider that moves the figures."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Frame, Page, expect
from typer.testing import CliRunner

from analysis.coverage import CoverageAnalysis, CoverageRequest, covered_types, prepare_coverage
from analysis.given import gather
from analysis.runs import list_runs
from cli import app as command_line
from data.store.store import Store
from layers.charts.coverage import percent
from tests.browser.harness import Window

ASKED = {"facility": "general_hospital", "mode": "drive", "minutes": "30"}


@pytest.fixture(scope="module")
def analysis(built_store: Store, tmp_path_factory: pytest.TempPathFactory) -> CoverageAnalysis:
    """Return what the engine makes of the question in `ASKED`."""
    request = CoverageRequest(types=covered_types(["general_hospital"]), mode="drive")
    return prepare_coverage(gather(built_store, tmp_path_factory.mktemp("engine")), request)


def overlaid(window: Window) -> Frame:
    """Return the map's frame with all its overlays drawn."""
    frame = window.map()
    frame.wait_for_selector('[data-overlays]:not([data-overlays=""])')
    return frame


def token(frame: Frame) -> str:
    return str(frame.eval_on_selector(".leaflet-container", "node => node.dataset.overlays"))


def images(frame: Frame) -> dict[str, str]:
    """Return the address of every image on the map, by its name; each must have arrived."""
    found: dict[str, str] = frame.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll('img.sutu-surface')].map((image) => {
          if (!image.complete || !image.naturalWidth) throw new Error('not drawn: ' + image.src);
          const name = [...image.classList].find((one) => one.startsWith('sutu-surface-')).slice(13);
          return [name, new URL(image.src).pathname];
        }))"""
    )
    return found


def metric(page: Page, label: str) -> Any:
    return page.get_by_test_id("stMetric").filter(has_text=label).get_by_test_id("stMetricValue")


def covered(analysis: CoverageAnalysis, minutes: float, level: Any = "province", code: str = "320000") -> str:
    rows = analysis.table(minutes, level=level).set_index("adcode")
    return percent(float(rows.loc[code, "population_coverage"]))


def spot(frame: Frame, lon: float, lat: float) -> dict[str, float]:
    """Return where a place lies in the page, in pixels."""
    found: dict[str, float] = frame.evaluate(
        """([lon, lat]) => {
          const map = [...sutu.sheets.values()][0].map;
          const at = map.latLngToContainerPoint([lat, lon]);
          return {x: at.x, y: at.y};
        }""",
        [lon, lat],
    )
    return found


def test_the_surface_is_an_image_and_the_facilities_are_one_canvas(
    window: Window, analysis: CoverageAnalysis
) -> None:
    window.open("coverage", **ASKED)
    frame = overlaid(window)
    assert set(images(frame)) == {"minutes", "threshold"}
    assert all(path.startswith("/assets/data/") for path in images(frame).values())
    assert frame.locator("canvas").count() == 1
    assert frame.locator(".leaflet-container").get_attribute("data-facilities") == str(
        len(analysis.facilities)
    )
    painted = frame.evaluate(
        """() => {
          const canvas = document.querySelector('.leaflet-sutu-facilities-pane canvas');
          const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
          let count = 0;
          for (let at = 3; at < pixels.length; at += 4) if (pixels[at]) count += 1;
          return count;
        }"""
    )
    assert painted > len(analysis.facilities) * 10
    paths = frame.locator("path.sutu-region")
    assert paths.count() == 95
    assert set(paths.evaluate_all("all => all.map((one) => one.getAttribute('fill'))")) == {"transparent"}


def test_the_map_says_how_it_was_made(window: Window) -> None:
    page = window.open("coverage", **ASKED, group="age_65_plus")
    frame = overlaid(window)
    head = frame.locator(".sutu-head").inner_text()
    for words in ("通行时间", "直线距离 × 1.3", "30 公里/小时", "阈值 30 分钟", "65岁及以上", "推定点位"):
        assert words in head
    legend = frame.locator(".sutu-legend").inner_text()
    for words in ("120 分钟内到不了", "30 分钟内到不了", "推定设施（非实测）", "未覆盖人口最多的"):
        assert words in legend
    assert "人口普查" in frame.locator(".sutu-strip").inner_text()
    assert "内部工作图" in frame.locator(".sutu-strip").inner_text()
    banner = page.get_by_test_id("stAlert").inner_text()
    assert "推定点位 95 处" in banner and "sutu import facilities" in banner


def test_the_slider_moves_the_figures_and_only_the_light_image(
    window: Window, analysis: CoverageAnalysis
) -> None:
    page = window.open("coverage", **ASKED)
    frame = overlaid(window)
    frame.evaluate("window.stillTheSame = true")
    expect(metric(page, "人口覆盖率")).to_have_text(covered(analysis, 30.0))
    before, first = images(frame), token(frame)
    fetched = len(window.requests)
    page.get_by_role("slider").focus()
    page.keyboard.press("ArrowRight")
    expect(metric(page, "人口覆盖率")).to_have_text(covered(analysis, 31.0))
    frame.wait_for_function(
        "before => ![before, ''].includes(document.querySelector('.leaflet-container').dataset.overlays)",
        arg=first,
    )
    after = images(frame)
    assert after["minutes"] == before["minutes"] and after["threshold"] != before["threshold"]
    assert frame.evaluate("window.stillTheSame") is True
    page.wait_for_url("**minutes=31**")
    data = [url for url in window.requests[fetched:] if "/assets/data/" in url]
    assert {url.partition("/assets")[2] for url in data} == {after["threshold"].removeprefix("/assets")}


def test_pointing_says_what_is_there(window: Window, analysis: CoverageAnalysis) -> None:
    page = window.open("coverage", **ASKED, places="0")
    frame = overlaid(window)
    box = page.locator("iframe").first.bounding_box()
    assert box is not None
    facility = analysis.facilities.set_index("adcode").loc["320722"]
    at = spot(frame, facility["lon"], facility["lat"])
    page.mouse.move(box["x"] + at["x"], box["y"] + at["y"])
    tip = frame.locator(".leaflet-tooltip-top")
    expect(tip).to_contain_text(str(facility["name"]))
    expect(tip).to_contain_text("综合医院 · 推定点位")
    page.mouse.move(box["x"] + at["x"] + 18, box["y"] + at["y"])
    region = frame.locator(".leaflet-tooltip:not(.leaflet-tooltip-top)")
    expect(region).to_contain_text(f"人口覆盖率 {covered(analysis, 30.0, 'county', '320722')}")
    expect(region).to_contain_text("面积覆盖率")


def test_a_click_on_a_region_shows_its_figures(window: Window, analysis: CoverageAnalysis) -> None:
    page = window.open("coverage", **ASKED)
    frame = overlaid(window)
    frame.locator('path[data-adcode="320921"]').dispatch_event("click")
    expect(metric(page, "人口覆盖率")).to_have_text(covered(analysis, 30.0, "county", "320921"))
    page.wait_for_url("**region=320921**")


def test_the_clusters_stand_on_the_map_in_their_order(window: Window) -> None:
    page = window.open("coverage", **ASKED, places="5", coverage_panel="gaps")
    frame = overlaid(window)
    ranks = frame.locator(".leaflet-marker-icon.sutu-place").all_inner_texts()
    assert ranks == ["1", "2", "3", "4", "5"]
    expect(page.get_by_text("相连的未覆盖人口格合为一片")).to_be_visible()


def test_regions_can_be_coloured_instead(window: Window) -> None:
    window.open("coverage", **ASKED, map_view="regions")
    frame = overlaid(window)
    assert images(frame) == {}
    fills = frame.locator("path.sutu-region").evaluate_all(
        "all => all.map((one) => one.getAttribute('fill'))"
    )
    assert len(set(fills)) == 5 and "transparent" not in fills


def test_a_run_is_recorded_and_replayed(
    window: Window, served_data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = window.open("coverage", **ASKED, level="prefecture")
    overlaid(window)
    page.get_by_role("button", name="记录本次计算").click()
    shown = page.get_by_text("运行编号")
    expect(shown).to_be_visible()
    run = list_runs(served_data_dir)[0]
    assert run.id in shown.inner_text()
    monkeypatch.setenv("SUTU_DATA_DIR", str(served_data_dir))
    result = CliRunner().invoke(command_line, ["replay", run.id])
    assert result.exit_code == 0, result.stderr
    assert run.rows == 13


def test_the_table_can_be_taken_away(window: Window, analysis: CoverageAnalysis) -> None:
    page = window.open("coverage", **ASKED)
    overlaid(window)
    page.get_by_role("button", name="下载", exact=False).first.click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="下载 CSV").first.click()
    text = Path(waiting.value.path()).read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    truth = analysis.table(30.0).set_index("adcode")["population_coverage"]
    found = {row["代码"]: row["人口覆盖率（%）"] for row in rows if row["代码"] in truth.index}
    assert len(found) == 95
    assert all(abs(float(found[code]) - value * 100.0) < 1e-9 for code, value in truth.items())
    assert "阈值 30 分钟" in text and "内部工作图" in text


def test_a_prefecture_fills_a_phone(server: str, browser: Any) -> None:
    window = Window(browser, server, width=400, height=860)
    window.open("coverage", **ASKED, within="320300")
    frame = overlaid(window)
    assert frame.locator("path.sutu-region").count() == 10
    assert set(images(frame)) == {"minutes", "threshold"}
    assert not window.scrolls_sideways()
    window.close()
    window.assert_clean()


def test_no_table_offers_a_csv_past_the_guard(window: Window) -> None:
    """Streamlit would write a table's CSV in the browser: its tools are there, that one is not."""
    page = window.open("coverage", facility="general_hospital", coverage_panel="table")
    page.locator('[data-testid="stDataFrame"]').first.hover()
    expect(page.locator('button[aria-label="Search"]').first).to_be_visible()
    assert page.locator('button[aria-label="Download as CSV"]').count() == 0
