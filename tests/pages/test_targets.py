"""规划目标: all rows are there, a search finds what a slow one finds, states and places are the store's."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import streamlit
from hypothesis import given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from data.store.schema import STATES
from data.store.store import Store
from layers.tables import csv_bytes
from pages.targets import panels
from pages.targets.panels import (
    HEADLINE_COLUMNS,
    ROW_COLUMNS,
    headline_shown,
    reason_counts,
    rows_shown,
    tint,
)
from reports.targets import (
    NOT_JUDGED,
    STATE_WORDS,
    Search,
    headline_table,
    place,
    row_table,
    short_title,
    with_unit,
)
from tests.pages.running import assert_calm, link, start, text_of


@pytest.fixture
def targets(data_env: Path) -> Iterator[AppTest]:
    yield start("pages.targets.page")


@pytest.fixture(scope="module")
def rows(built_store: Store) -> pd.DataFrame:
    return row_table(built_store)


@pytest.fixture(scope="module")
def headline(built_store: Store) -> pd.DataFrame:
    return headline_table(built_store)


def _states(table: pd.DataFrame) -> list[str]:
    return [cell[0] for cell in table["状态"]]


def test_the_page_opens_with_every_headline_target(targets: AppTest, built_store: Store) -> None:
    shown, stored = targets.dataframe[0].value, built_store.headline_targets()
    assert list(shown["指标"]) == list(stored["indicator_text"])
    assert _states(shown) == [STATE_WORDS[state] for state in stored["state"]]
    counts = stored["state"].value_counts()
    for state, word in STATE_WORDS.items():
        assert f"{word} **{counts[state]}**" in text_of(targets)


def test_base_and_target_stand_as_the_plan_writes_them(targets: AppTest, built_store: Store) -> None:
    shown, stored = targets.dataframe[0].value, built_store.headline_targets()
    for cell, row in zip(shown["目标值"], stored.itertuples(), strict=True):
        assert cell == f"{row.target_text}（{row.target_year}）"
    for cell, row in zip(shown["基期值"], stored.itertuples(), strict=True):
        written = isinstance(row.base_text, str)
        assert cell == (
            (f"{row.base_text}" + ("" if pd.isna(row.base_year) else f"（{row.base_year}）"))
            if written
            else ""
        )


def test_a_target_that_cannot_be_judged_says_why(targets: AppTest, built_store: Store) -> None:
    shown, stored = targets.dataframe[0].value, built_store.headline_targets()
    assert list(shown["无法判定的原因"]) == list(stored["state_reason"].fillna(""))
    undefined = [state == "无法判定" for state in _states(shown)]
    assert all(
        reason for reason, unjudged in zip(shown["无法判定的原因"], undefined, strict=True) if unjudged
    )


def test_all_rows_are_there_verbatim(data_env: Path, built_store: Store) -> None:
    app = start("pages.targets.page", view="rows")
    shown, stored = app.dataframe[0].value, built_store.plan_targets()
    assert len(shown) == len(stored) == 2513
    assert list(shown["数值（原文）"]) == list(stored["value_text"])
    assert list(shown["说明"]) == list(stored["note"].fillna(""))
    documents = built_store.plan_documents().set_index("plan")
    assert list(shown["文号"]) == list(stored["plan"].map(documents["doc_no"]))
    for cell, line in zip(shown["原文位置"], stored["seed_line"], strict=True):
        document, number = line.split(":")
        assert cell == f"文件{document} 第{number}行"


def test_a_row_carries_the_state_of_its_headline_target(rows: pd.DataFrame, built_store: Store) -> None:
    stored = built_store.headline_targets()
    states = dict(zip(stored["target_row"], stored["state"], strict=True))
    judged = rows[rows["state_word"] != NOT_JUDGED]
    assert len(states) == len(stored)
    assert dict(zip(judged["id"], judged["state_word"], strict=True)) == {
        row: STATE_WORDS[state] for row, state in states.items()
    }


@pytest.mark.parametrize(
    ("address", "column", "wanted"),
    [
        ({"plan": "health"}, "plan", {"health"}),
        ({"plan": "health~ageing"}, "plan", {"health", "ageing"}),
        ({"attribute": "约束性"}, "attribute", {"约束性"}),
        ({"scope": "苏南地区"}, "scope", {"苏南地区"}),
        ({"kind": "actual"}, "kind", {"actual"}),
        ({"domain": "水环境"}, "domain", {"水环境"}),
    ],
)
def test_a_filter_in_the_link_keeps_what_it_names(
    data_env: Path, built_store: Store, address: dict[str, str], column: str, wanted: set[str]
) -> None:
    app = start("pages.targets.page", view="rows", **address)
    stored = built_store.plan_targets()
    kept = stored[stored[column].isin(wanted)]
    shown = app.dataframe[0].value
    assert 0 < len(kept) < len(stored)
    assert list(shown["数值（原文）"]) == list(kept["value_text"])
    assert link(app) == {"view": "rows", **address}


@pytest.mark.parametrize("state", STATES)
def test_states_can_be_chosen(data_env: Path, built_store: Store, state: str) -> None:
    app = start("pages.targets.page", state=state)
    stored = built_store.headline_targets()
    assert list(app.dataframe[0].value["指标"]) == list(
        stored.loc[stored["state"] == state, "indicator_text"]
    )


def test_choices_go_into_the_link_and_can_be_cleared(targets: AppTest, built_store: Store) -> None:
    targets.multiselect(key="many_plan").select("卫生健康发展规划").run()
    targets.text_input(key="text_q").input("死亡率").run()
    targets.multiselect(key="many_period").select("十四五").run()
    assert_calm(targets)
    assert link(targets) == {"view": "headline", "plan": "health", "q": "死亡率", "period": "十四五"}
    stored = built_store.headline_targets()
    kept = stored[
        (stored["plan"] == "health")
        & (stored["period"] == "十四五")
        & stored["indicator_text"].str.contains("死亡率")
    ]
    assert list(targets.dataframe[0].value["指标"]) == list(kept["indicator_text"])
    (clear,) = [button for button in targets.button if button.label == "清除筛选"]
    clear.click().run()
    assert len(targets.dataframe[0].value) == len(stored)
    assert link(targets) == {"view": "headline"}


def test_an_unknown_choice_in_the_link_is_named(data_env: Path) -> None:
    app = start("pages.targets.page", plan="nonsense~health")
    assert "nonsense" in app.warning[0].value
    assert app.multiselect(key="many_plan").value == ["卫生健康发展规划"]


def test_nothing_found_is_said_and_not_an_error(data_env: Path) -> None:
    app = start("pages.targets.page", q="不会有这样的指标")
    assert len(app.dataframe[0].value) == 0
    assert "**0** / " in text_of(app)


def test_contradictions_are_listed_with_every_side(data_env: Path, built_store: Store) -> None:
    app = start("pages.targets.page", view="contradictions")
    stored = built_store.contradictions()
    shown = pd.concat([table.value for table in app.dataframe])
    assert len(app.dataframe) == stored["group_id"].nunique()
    assert list(shown["目标值（原文）"]) == list(stored["value_text"])
    lines = built_store.plan_targets().set_index("id")["seed_line"]
    assert list(shown["原文位置"]) == [place(lines[row]) for row in stored["row"]]
    for table, (_, group) in zip(app.dataframe, stored.groupby("group_id", sort=False), strict=True):
        assert len(table.value) == len(group) >= 2
        assert group["value_num"].min() < group["value_num"].max()


@pytest.mark.parametrize("number", [0, 60, 300])
def test_a_link_to_a_row_opens_it_with_its_pair(data_env: Path, built_store: Store, number: int) -> None:
    pair = built_store.headline_targets().iloc[number]
    row = built_store.plan_targets().set_index("id").loc[pair["target_row"]]
    app = start("pages.targets.page", row=pair["target_row"])
    shown = text_of(app)
    assert link(app) == {"view": "headline", "row": pair["target_row"]}
    for text in (place(row["seed_line"]), STATE_WORDS[pair["state"]], pair["target_text"], pair["period"]):
        assert text in shown
    if isinstance(pair["state_reason"], str):
        assert pair["state_reason"] in shown


def test_a_row_that_is_contradicted_names_the_others(data_env: Path, built_store: Store) -> None:
    group = built_store.contradictions()
    group = group[group["group_id"] == group["group_id"].iloc[0]]
    app = start("pages.targets.page", row=group["row"].iloc[0])
    for other in group.iloc[1:].itertuples():
        assert f"{other.indicator_text} {other.value_text}" in text_of(app)


def test_a_link_to_an_unknown_row_says_so(data_env: Path) -> None:
    app = start("pages.targets.page", row="health-9999")
    assert "health-9999" in app.warning[0].value.replace("\\", "")
    assert link(app) == {"view": "headline"}


def test_states_are_explained_and_reasons_counted(targets: AppTest, headline: pd.DataFrame) -> None:
    shown = text_of(targets)
    for word in STATE_WORDS.values():
        assert f"**{word}**：" in shown
    reasons = reason_counts(headline)
    assert reasons["项数"].sum() == (headline["state"] == "undefined").sum()
    assert len(reasons) < headline["state_reason"].nunique()


def test_what_is_downloaded_cannot_run(rows: pd.DataFrame, headline: pd.DataFrame) -> None:
    for shown in (rows_shown(rows), headline_shown(headline)):
        risky = shown.copy()
        risky.loc[risky.index[0], "指标"] = "=HYPERLINK(1)"
        lines = csv_bytes(risky).decode("utf-8-sig").splitlines()
        assert "'=HYPERLINK(1)" in lines[1]
        assert lines[0].split(",") == list(shown.columns)
        assert len(lines) >= len(shown) + 1


def test_every_column_people_see_exists(rows: pd.DataFrame, headline: pd.DataFrame) -> None:
    assert list(rows_shown(rows).columns) == list(ROW_COLUMNS.values())
    assert list(headline_shown(headline).columns) == list(HEADLINE_COLUMNS.values())


WORDS = st.sampled_from(
    ["养老", "％", "%", "85号", "全省", "２０２５", "AED", "aed", "率", "不会有", "（", "."]
)


FIELDS = ("indicator_text", "domain", "scope", "unit", "value_text", "note", "seed_line", "title", "doc_no")


@pytest.fixture(scope="module")
def texts(rows: pd.DataFrame) -> list[str]:
    """Return by row everything a search may find, joined and folded one row at a time."""
    joined = (
        "\n".join(str(row[field]) for field in FIELDS if isinstance(row[field], str))
        for row in rows.to_dict("records")
    )
    return [unicodedata.normalize("NFKC", text).casefold() for text in joined]


@settings(deadline=None, max_examples=40)
@given(st.lists(WORDS, max_size=3), st.sets(st.sampled_from(["约束性", "预期性", "未注明"])), st.data())
def test_a_search_finds_what_a_slow_one_finds(
    rows: pd.DataFrame, texts: list[str], words: list[str], attributes: set[str], data: st.DataObject
) -> None:
    plans = data.draw(st.sets(st.sampled_from(sorted(rows["short"].unique())), max_size=3))
    search = Search(" ".join(words), (("attribute", tuple(attributes)), ("short", tuple(plans))))
    wanted = [unicodedata.normalize("NFKC", word).casefold() for word in words]
    expected = [
        row
        for row, text, attribute, plan in zip(
            rows["id"], texts, rows["attribute"], rows["short"], strict=True
        )
        if all(word in text for word in wanted)
        and (not attributes or attribute in attributes)
        and (not plans or plan in plans)
    ]
    assert list(search.apply(rows)["id"]) == expected


def test_short_titles_tell_the_plans_apart(built_store: Store) -> None:
    short = built_store.plan_documents()["title"].map(short_title)
    assert short.is_unique
    assert not short.str.contains("十四五").any()
    assert short_title("江苏省“十四五”") == "江苏省“十四五”"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        ("95%以上", "%", "95%以上"),
        ("≥98", "%", "≥98 %"),
        ("〔500〕", "万人", "〔500〕 万人"),
        ("全覆盖", None, "全覆盖"),
    ],
)
def test_a_unit_is_not_said_twice(value: str, unit: str | None, text: str) -> None:
    assert with_unit(value, unit) == text


@pytest.mark.parametrize("colour", ["#0072b2", "#d55e00", "#999999"])
def test_words_of_states_can_be_read_on_their_colour(colour: str) -> None:
    parts = [int(tint(colour)[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    luminance = sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    assert (luminance + 0.05) / 0.05 >= 7


@pytest.mark.parametrize(
    ("colour", "pale"),
    [("#ffffff", "#ffffff"), ("#000000", "#a6a6a6"), ("#ff0000", "#ffa6a6"), ("#336699", "#b8c9db")],
)
def test_a_tint_is_a_little_of_the_colour_and_the_rest_white(colour: str, pale: str) -> None:
    """Each channel is 0.35 of its own and 0.65 of 255, rounded."""
    assert tint(colour) == pale


@pytest.mark.parametrize(
    ("clicks", "picked"),
    [
        ([[0]], [0]),
        ([[1]], [1]),
        ([[2]], []),  # The table has become shorter since.
        ([[]], []),
        ([[1], []], [1, 1]),  # The second click unpicks the row, and means it again.
        ([[1], [0], []], [1, 0, 0]),
    ],
)
def test_a_click_means_the_row_that_is_there(
    monkeypatch: pytest.MonkeyPatch, clicks: list[list[int]], picked: list[int]
) -> None:
    drawn: dict[str, Any] = {}
    state: dict[str, Any] = {}
    screen = SimpleNamespace(
        column_config=streamlit.column_config,
        session_state=state,
        dataframe=lambda _rows, **options: drawn.update(options),
    )
    monkeypatch.setattr(panels, "st", screen)
    found: list[int] = []
    shown = pd.DataFrame({"状态": [NOT_JUDGED, NOT_JUDGED], "指标": ["甲", "乙"]})
    colours = dict.fromkeys([*STATE_WORDS.values(), NOT_JUDGED], "#336699")
    panels.show_table(shown, key="rows", colours=colours, on_pick=found.append)
    for rows in clicks:
        state["rows"] = {"selection": {"rows": rows}}
        drawn["on_select"]()
    assert found == picked
