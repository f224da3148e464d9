"""规划目标 in a real browser: rows open, links hold, and what is downloaded is what the store has."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from urllib.parse import quote

import openpyxl
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from data.store.store import Store
from pages.targets.panels import HEADLINE_COLUMNS, ROW_COLUMNS
from reports.targets import STATE_WORDS, place
from tests.browser.harness import Window

ROW_PX = 35


def _table(page: Page) -> Locator:
    table = page.locator("[data-testid='stDataFrame']").first
    expect(table.locator("canvas[data-testid='data-grid-canvas']")).to_be_visible()
    return table


def _click_row(page: Page, number: int) -> None:
    """Click the box at the left of a row of the table; the head is the row above the first."""
    box = _table(page).bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 18, box["y"] + ROW_PX * (number + 1) + ROW_PX / 2)


def _saved(page: Page, button: str, folder: Path) -> Path:
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    file = folder / download.value.suggested_filename
    download.value.save_as(file)
    return file


def test_the_words_of_the_states_count_what_the_store_has(window: Window, built_store: Store) -> None:
    page = window.open("targets")
    counts = built_store.headline_targets()["state"].value_counts()
    summary = "　".join(f"{word} {counts[state]:,}" for state, word in STATE_WORDS.items())
    expect(page.get_by_text(summary)).to_be_visible()
    assert not window.scrolls_sideways()


def test_a_row_opens_closes_and_stands_in_the_link(window: Window, built_store: Store) -> None:
    page = window.open("targets")
    pair = built_store.headline_targets().iloc[2]
    _click_row(page, 2)
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    row = built_store.plan_targets().set_index("id").loc[pair["target_row"]]
    expect(dialog).to_contain_text(pair["indicator_text"])
    expect(dialog).to_contain_text(place(row["seed_line"]))
    expect(dialog).to_contain_text(STATE_WORDS[pair["state"]])
    expect(page).to_have_url(re.compile(f"row={pair['target_row']}"))
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page).not_to_have_url(re.compile("row="))
    _click_row(page, 2)
    expect(page.get_by_role("dialog")).to_contain_text(pair["indicator_text"])


def test_what_is_typed_goes_into_the_link_and_back(
    server: str, browser: Browser, window: Window, built_store: Store
) -> None:
    page = window.open("targets")
    page.get_by_label("搜索").fill("死亡率")
    page.keyboard.press("Enter")
    stored = built_store.headline_targets()
    hits = stored[stored["indicator_text"].str.contains("死亡率")]
    expect(page.get_by_text(f"主要指标 {len(hits)} / {len(stored)} 项")).to_be_visible()
    expect(page).to_have_url(re.compile(f"q={quote('死亡率')}"))
    other = Window(browser, server)
    again = other.open("targets", **window.address())
    expect(again.get_by_label("搜索")).to_have_value("死亡率")
    expect(again.get_by_text(f"主要指标 {len(hits)} / {len(stored)} 项")).to_be_visible()
    again.get_by_role("button", name="清除筛选").click()
    expect(again.get_by_text(f"主要指标 {len(stored)} / {len(stored)} 项")).to_be_visible()
    expect(again).not_to_have_url(re.compile("q="))
    other.close()
    other.assert_clean()


def test_choices_are_kept_while_another_page_is_looked_at(window: Window, built_store: Store) -> None:
    page = window.open("targets", view="rows", plan="health")
    expect(page.get_by_text("卫生健康发展规划").first).to_be_visible()
    window.follow("总览")
    expect(page.get_by_role("heading", name="江苏省总览")).to_be_visible()
    assert "plan=" not in page.url
    window.follow("规划目标")
    count = (built_store.plan_targets()["plan"] == "health").sum()
    expect(page.get_by_text(f"全部条目 {count} / ")).to_be_visible()
    expect(page).to_have_url(re.compile("plan=health"))


def test_the_csv_holds_every_row_and_nothing_that_runs(
    window: Window, built_store: Store, tmp_path: Path
) -> None:
    page = window.open("targets", view="rows")
    _table(page)
    content = _saved(page, "下载 CSV", tmp_path).read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    stored = built_store.plan_targets()
    assert rows[0] == list(ROW_COLUMNS.values())
    data = rows[1 : len(stored) + 1]
    column = rows[0].index("数值（原文）")
    assert [row[column].removeprefix("'") for row in data] == list(stored["value_text"])
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)
    assert any("江苏省" in cell for row in rows[len(stored) + 1 :] for cell in row)


def test_the_workbook_holds_what_is_shown(window: Window, built_store: Store, tmp_path: Path) -> None:
    page = window.open("targets", state="not_met")
    _table(page)
    book = openpyxl.load_workbook(_saved(page, "下载 XLSX", tmp_path))
    sheet = book["数据"]
    rows = list(sheet.iter_rows(values_only=True))
    stored = built_store.headline_targets()
    kept = stored[stored["state"] == "not_met"]
    assert list(rows[0]) == list(HEADLINE_COLUMNS.values())
    assert [row[1] for row in rows[1:]] == list(kept["indicator_text"])
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n"}
    assert book["说明"]["A1"].value


def test_every_contradiction_has_its_card(window: Window, built_store: Store) -> None:
    page = window.open("targets", view="contradictions")
    stored = built_store.contradictions()
    expect(page.locator("[data-testid='stDataFrame']")).to_have_count(stored["group_id"].nunique())
    for text in stored.groupby("group_id")["indicator_text"].first():
        expect(page.get_by_text(text, exact=True).first).to_be_visible()


@pytest.mark.parametrize("view", ["headline", "rows", "contradictions"])
def test_every_view_fits_a_phone(server: str, browser: Browser, view: str) -> None:
    window = Window(browser, server, width=400, height=860)
    _table(window.open("targets", view=view))
    assert not window.scrolls_sideways()
    window.close()
    window.assert_clean()


def test_text_of_the_data_is_shown_letter_by_letter(window: Window, built_store: Store) -> None:
    rows = built_store.plan_targets()
    signs = rows[rows["note"].fillna("").str.contains(r"[*_\[\]<>$~]") & rows["note"].notna()]
    row = (signs if len(signs) else rows[rows["value_text"].str.contains("~|～|＜|≥")]).iloc[0]
    page = window.open("targets", row=str(row["id"]))
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(row["value_text"])
    if isinstance(row["note"], str):
        expect(dialog).to_contain_text(row["note"])
