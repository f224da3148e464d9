"""选址优化 and 15分钟服务圈 in a real browser without network: clicks that ask, add, close and move."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Frame, Page, expect
from typer.testing import CliRunner

from cli import app as command_line
from tests.browser.harness import Window

SITING = {"facility": "general_hospital", "mode": "drive", "minutes": "15", "within": "320300"}
PIZHOU = (117.90, 34.53)


@pytest.fixture(autouse=True)
def environment(built_data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask the command line of the same data; nothing of it is saved."""
    monkeypatch.setenv("SUTU_DATA_DIR", str(built_data_dir))


def command(*words: str) -> Any:
    result = CliRunner().invoke(command_line, [*words, "--json"])
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def overlaid(window: Window) -> Frame:
    frame = window.map()
    frame.wait_for_selector('[data-overlays]:not([data-overlays=""])')
    return frame


def token(frame: Frame) -> str:
    return str(frame.eval_on_selector(".leaflet-container", "node => node.dataset.overlays"))


def click_at(window: Window, frame: Frame, lon: float, lat: float, *, changes: bool = True) -> None:
    """Click a place on the map, and wait until the map shows what came of it."""
    at = frame.evaluate(
        """([lon, lat]) => {
          const point = [...sutu.sheets.values()][0].map.latLngToContainerPoint([lat, lon]);
          return {x: point.x, y: point.y};
        }""",
        [lon, lat],
    )
    before = token(frame)
    with window.reruns():
        frame.locator(".leaflet-container").click(position=at)
        if changes:
            frame.wait_for_function(
                """before => {
                  const now = document.querySelector('.leaflet-container').dataset.overlays;
                  return now && now !== before;
                }""",
                arg=before,
            )


def metric(page: Page, label: str) -> Any:
    return page.get_by_test_id("stMetric").filter(has_text=label).get_by_test_id("stMetricValue")


def colours(frame: Frame) -> dict[str, int]:
    """Return how many pixels of the map's image have each colour."""
    found: dict[str, int] = frame.evaluate(
        """() => {
          const image = document.querySelector('img.sutu-surface-change');
          const canvas = document.createElement('canvas');
          canvas.width = image.naturalWidth;
          canvas.height = image.naturalHeight;
          const pen = canvas.getContext('2d');
          pen.drawImage(image, 0, 0);
          const pixels = pen.getImageData(0, 0, canvas.width, canvas.height).data;
          const counts = {};
          for (let at = 0; at < pixels.length; at += 4) {
            if (!pixels[at + 3]) continue;
            const hex = [0, 1, 2].map((one) => pixels[at + one].toString(16).padStart(2, '0')).join('');
            counts['#' + hex] = (counts['#' + hex] || 0) + 1;
          }
          return counts;
        }"""
    )
    return found


def test_a_facility_is_added_by_a_click_and_the_map_shows_what_it_covers(window: Window) -> None:
    page = window.open("siting", **SITING, tool="add")
    frame = overlaid(window)
    assert "#1b7837" not in colours(frame)
    expect(metric(page, "新增覆盖人口")).to_have_text("+0 人")
    click_at(window, frame, *PIZHOU)
    kind, _, place = window.address()["edits"].partition("@")
    assert kind == "add"
    lon, lat = (float(part) for part in place.split(","))
    # A click is exact to about a pixel; a pixel of this map is less than a kilometre.
    assert (lon, lat) == (pytest.approx(PIZHOU[0], abs=0.02), pytest.approx(PIZHOU[1], abs=0.02))
    asked = (
        "siting",
        "--type",
        "general_hospital",
        "--mode",
        "drive",
        "--minutes",
        "15",
        "--within",
        "320300",
    )
    found = command(*asked, "--within", "320300", "--open", place)
    assert found["summary"]["gained"] > 0
    expect(metric(page, "新增覆盖人口")).to_have_text(f"{found['summary']['gained']:+,.0f} 人")
    # The image has four pixels a cell of 500 m, warped: the newly covered area is that of the command.
    painted = colours(frame)
    assert painted["#1b7837"] > 500
    legend = frame.locator(".sutu-legend").inner_text()
    assert "新覆盖" in legend and f"{found['summary']['gained']:,.0f}" in legend
    assert frame.locator(".leaflet-marker-icon.sutu-place.site").inner_text() == "新"
    with window.reruns():
        page.get_by_role("button", name="撤销上一处").click()
    expect(metric(page, "新增覆盖人口")).to_have_text("+0 人")
    # The address follows at the end of the run.
    page.wait_for_function("!location.search.includes('edits')")


def test_a_facility_is_closed_and_another_moved_by_clicks(window: Window) -> None:
    page = window.open("siting", **SITING, tool="close")
    frame = overlaid(window)
    places = frame.evaluate(
        """() => sutuOverlays.of([...sutu.sheets.values()][0].map).spots
             .map((dot) => [dot.feature.properties.name, dot.getLatLng().lng, dot.getLatLng().lat])"""
    )
    fengxian = next(place for place in places if place[0].startswith("丰县"))
    suining = next(place for place in places if place[0].startswith("睢宁县"))
    click_at(window, frame, *fengxian[1:])
    assert window.address()["edits"].startswith("close!")
    expect(page.get_by_text(f"关闭：{fengxian[0]}")).to_be_visible()
    assert frame.locator(".leaflet-marker-icon.sutu-place.closed").count() == 1
    assert colours(frame)["#d95f02"] > 500
    with window.reruns():
        page.get_by_role("radio", name="移动").click()
    click_at(window, frame, *suining[1:], changes=False)
    expect(page.get_by_text(f"再点一处作为“{suining[0]}”的新位置。")).to_be_visible()
    click_at(window, frame, *PIZHOU)
    assert "~move!" in window.address()["edits"]
    assert frame.locator(".leaflet-marker-icon.sutu-place.moved").inner_text() == "移"


def test_proposed_sites_stand_on_the_map_and_a_link_opens_them_again(window: Window) -> None:
    window.open("siting", **SITING, add="3")
    frame = overlaid(window)
    marks = frame.locator(".leaflet-marker-icon.sutu-place.site").all_inner_texts()
    assert sorted(marks) == ["1", "2", "3"]
    assert not window.scrolls_sideways()
    asked = window.address()
    window.page.set_viewport_size({"width": 400, "height": 800})
    window.open("siting", **asked)
    overlaid(window)
    assert window.address() == asked
    assert not window.scrolls_sideways()


def test_a_click_says_what_is_missing_there(window: Window) -> None:
    page = window.open("circles", within="320300")
    frame = overlaid(window)
    assert frame.locator("img.sutu-surface-score").count() == 1
    click_at(window, frame, 117.19, 34.26)
    place = window.address()["at"]
    found = command("circles", "--within", "320300", "--at", place)
    words = f"有数据的 {found['measured']} 项中够得着 {found['met']} 项"
    expect(page.get_by_text(words)).to_be_visible()
    assert frame.locator(".leaflet-marker-icon.sutu-place.here").count() == 1
    assert window.address()["region"] == found["adcode"]
    assert not window.scrolls_sideways()
    window.page.set_viewport_size({"width": 400, "height": 800})
    window.open("circles", within="320300", at=place)
    overlaid(window)
    expect(page.get_by_text(words)).to_be_visible()
    assert not window.scrolls_sideways()


def test_candidates_come_from_a_file_that_is_chosen(window: Window, tmp_path: Path) -> None:
    path = tmp_path / "候选地块.csv"
    path.write_text(
        "名称,经度,纬度\n邳州东<i>,117.95,34.31\n徐州,117.20,34.26\n宿迁,118.27,33.96\n", encoding="utf-8"
    )
    page = window.open("siting", **SITING, add="1", candidates="file")
    expect(page.get_by_text("选好候选点文件和坐标基准")).to_be_visible()
    page.set_input_files("input[type=file]", path)
    expect(page.get_by_text("请选择坐标基准：")).to_be_visible()
    page.get_by_label("候选点文件的坐标基准").click()
    page.get_by_role("option", name="CGCS2000").click()
    expect(page.get_by_text("3 个候选点，2 个在徐州市，1 个在徐州市之外")).to_be_visible()
    window.settle()
    frame = overlaid(window)
    frame.wait_for_selector(".leaflet-marker-icon.sutu-place.site")
    asked = ("--type", "general_hospital", "--mode", "drive", "--minutes", "15", "--within", "320300")
    found = command("siting", *asked, "--add", "1", "--sites", str(path), "--datum", "cgcs2000")
    expect(metric(page, "新增覆盖人口")).to_have_text(f"{found['summary']['gained']:+,.0f} 人")
    page.wait_for_function("location.search.includes('sites=')")
    address = window.address()
    window.page.set_viewport_size({"width": 400, "height": 800})
    window.open("siting", **address)
    overlaid(window)
    expect(metric(page, "新增覆盖人口")).to_have_text(f"{found['summary']['gained']:+,.0f} 人")
    assert not window.scrolls_sideways()
