"""Choices: kept across pages, in the address, and never taken from a link that makes no sense."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages.shared.choices import nearest_year
from pages.shared.components import plain


def _script() -> None:
    import streamlit as st

    from pages.shared import choices

    choices.begin()
    years = st.session_state.get("offered", [2010, 2020])
    view = choices.shared(
        years,
        ["county", "prefecture"],
        {"320100": "南京市", "320102": "玄武区（南京市）"},
        default_year=2020,
        default_level="county",
    )
    scheme = choices.choose("scheme", "分级方法", ["quantiles", "equal_interval"], "quantiles")
    choices.show_faults()
    st.text(f"{view.year} {view.level} {view.region} {scheme}")
    choices.finish()


def _run(link: dict[str, str] | None = None) -> AppTest:
    test = AppTest.from_function(_script, default_timeout=60)
    for name, value in (link or {}).items():
        test.query_params[name] = value
    return test.run()


def _shown(test: AppTest) -> str:
    assert not test.exception
    return str(test.text[0].value)


def _link(test: AppTest) -> dict[str, Any]:
    return {name: value[0] if isinstance(value, list) else value for name, value in test.query_params.items()}


def test_without_a_link_the_defaults_show_and_stand_in_the_address() -> None:
    test = _run()
    assert _shown(test) == "2020 county None quantiles"
    assert _link(test) == {"year": "2020", "level": "county", "scheme": "quantiles"}


def test_a_link_opens_the_same_view() -> None:
    link = {"year": "2010", "level": "prefecture", "region": "320102", "scheme": "equal_interval"}
    test = _run(link)
    assert _shown(test) == "2010 prefecture 320102 equal_interval"
    assert _link(test) == link
    assert not test.warning


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("year", "1999", "年份“1999”"),
        ("year", "2020.0", "年份“2020.0”"),
        ("level", "village", "层级“village”"),
        ("region", "<script>", "地区“<script>”"),
        ("scheme", "' OR 1=1", "分级方法“' OR 1=1”"),
    ],
)
def test_a_link_that_makes_no_sense_falls_back_with_a_message(name: str, value: str, words: str) -> None:
    test = _run({name: value})
    assert _shown(test) == "2020 county None quantiles"
    assert len(test.warning) == 1
    assert words in test.warning[0].value.replace("\\", "")
    assert _link(test).get(name) != value


def test_what_a_person_chooses_goes_into_the_address() -> None:
    test = _run({"year": "2010"})
    test.selectbox(key="choice_level").set_value("prefecture").run()
    assert _shown(test) == "2010 prefecture None quantiles"
    assert _link(test)["level"] == "prefecture"


def test_a_choice_not_on_offer_here_is_kept_for_where_it_is() -> None:
    test = _run()
    test.session_state["offered"] = [2015, 2016, 2020]
    test.run()
    test.selectbox(key="choice_year").set_value(2016).run()
    test.session_state["offered"] = [2010, 2020]
    assert _shown(test.run()).startswith("2010")
    test.session_state["offered"] = [2015, 2016, 2020]
    assert _shown(test.run()).startswith("2016")


def test_a_choice_made_instead_of_the_kept_one_counts() -> None:
    test = _run()
    test.session_state["offered"] = [2015, 2016]
    test.run()
    test.selectbox(key="choice_year").set_value(2015).run()
    test.session_state["offered"] = [2010, 2020]
    test.run()
    test.selectbox(key="choice_year").set_value(2020).run()
    test.session_state["offered"] = [2015, 2016, 2020]
    assert _shown(test.run()).startswith("2020")


@pytest.mark.parametrize(
    ("wanted", "years", "shown"),
    [
        (2020, [2010, 2020], 2020),
        (2015, [2010, 2020], 2010),
        (2005, [2010, 2020], 2010),
        (None, [2010, 2020], 2020),
    ],
)
def test_the_nearest_year_is_the_last_not_after_the_one_wanted(
    wanted: int | None, years: list[int], shown: int
) -> None:
    assert nearest_year(wanted, years) == shown


@pytest.mark.parametrize(
    "text", ["**粗**", "[x](http://y)", "<b>", "$a$", ":red[x]", "# 题", "1. 一", "a\n\nb", "`c`"]
)
def test_plain_text_holds_no_markup(text: str) -> None:
    escaped = plain(text)
    assert "\n" not in escaped
    assert escaped.replace("\\", "") == " ".join(text.split())
    bare = [
        char for number, char in enumerate(escaped) if char in "*[]<>$:#`." and escaped[number - 1] != "\\"
    ]
    assert bare == []
