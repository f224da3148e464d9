"""What is kept per version of the data: one computation for everybody, a new one for new data."""

from __future__ import annotations

import weakref
from types import SimpleNamespace
from typing import Any

import pytest

from pages.shared.cached import kept_by_version
from pages.shared.kept_answers import KeptPictures, drawn_once

MADE: list[tuple[Any, ...]] = []


@pytest.fixture(autouse=True)
def nothing_made() -> None:
    MADE.clear()


def version(name: str) -> Any:
    return SimpleNamespace(data_version=name)


class Subject:
    """Something without a hash that Streamlit knows."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.lock = (one for one in ())


@kept_by_version(2)
def first(store: Any, key: str, _aside: object = None) -> list[str]:
    MADE.append(("first", store.data_version, key))
    return [key]


@kept_by_version(2)
def second(store: Any, key: str, _aside: object = None) -> list[str]:
    MADE.append(("second", store.data_version, key))
    return [key]


@kept_by_version(2, copied=True)
def copied(store: Any, key: str) -> list[str]:
    MADE.append(("copied", store.data_version, key))
    return [key]


@kept_by_version(2, keys={Subject: lambda subject: subject.key})
def by_subject(store: Any, subject: Subject) -> str:
    MADE.append(("by_subject", store.data_version, subject.key))
    return subject.key


def test_an_answer_is_made_once_per_version_and_arguments() -> None:
    for _ in range(2):
        assert first(version("a1"), "x") == ["x"]
        assert first(version("a2"), "x") == ["x"]
    assert MADE == [("first", "a1", "x"), ("first", "a2", "x")]
    assert first(version("a1"), "x") is first(version("a1"), "x")


def test_functions_made_by_one_decorator_do_not_share_a_cache() -> None:
    assert first(version("b"), "x") is not second(version("b"), "x")
    assert MADE == [("first", "b", "x"), ("second", "b", "x")]


def test_no_more_than_so_many_are_kept() -> None:
    for key in ("x", "y", "z", "x"):
        first(version("c"), key)
    assert [key for _, _, key in MADE] == ["x", "y", "z", "x"]


def test_an_argument_with_an_underscore_is_not_looked_at() -> None:
    first(version("d"), "x", object())
    first(version("d"), "x", object())
    assert len(MADE) == 1


def test_a_copy_is_the_visitors_own() -> None:
    copied(version("e"), "x").append("mine")
    assert copied(version("e"), "x") == ["x"] and len(MADE) == 1


def test_what_has_no_hash_is_told_by_its_key() -> None:
    assert by_subject(version("f"), Subject("x")) == by_subject(version("f"), Subject("x")) == "x"
    by_subject(version("f"), Subject("y"))
    assert [key for _, _, key in MADE] == ["x", "y"]


class Squares(KeptPictures):
    @drawn_once(2)
    def square(self, number: int) -> int:
        MADE.append(("square", number))
        return number * number

    @drawn_once(2)
    def double(self, number: int) -> int:
        MADE.append(("double", number))
        return 2 * number


def test_pictures_are_made_once_and_those_unseen_longest_go() -> None:
    kept = Squares()
    assert [kept.square(number) for number in (1, 1, 2, 1, 3, 1, 2)] == [1, 1, 4, 1, 9, 1, 4]
    assert [number for _, number in MADE] == [1, 2, 3, 2]
    assert kept.double(1) == 2 and MADE[-1] == ("double", 1)


def test_what_is_given_up_goes_at_once() -> None:
    kept = Squares()
    kept.square(1)
    gone = weakref.ref(kept)
    del kept
    assert gone() is None
