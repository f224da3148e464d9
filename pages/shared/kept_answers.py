"""Questions that take long, solved once: by whoever asks first, and kept for all who ask the same."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Hashable
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

import pandas as pd
import streamlit as st

from analysis.given import Given, gather
from data.registry.facility_models import load_facility_types
from data.store.store import Store, data_dir
from layers.overlays import PointSet, facility_points
from pages.shared.cached import name_after, roads, store_tables

P = ParamSpec("P")
T = TypeVar("T")
Answers = TypeVar("Answers")
Request = TypeVar("Request")
Tell = Callable[[str], None]
"""Told each step (Chinese) while there is something to wait for."""


class Slot(Generic[Answers]):
    """The place of one question: whoever comes first solves it, the others wait for that."""

    def __init__(self) -> None:
        """Start without an answer."""
        self._lock = threading.Lock()
        self._answers: Answers | None = None

    def solved(self, solve: Callable[[], Answers], tell: Tell) -> Answers:
        """Return the answer, solved now when nobody has; nothing is kept of a ``solve`` that raises."""
        if self._answers is None and self._lock.locked():
            tell("等待同一计算完成")
        with self._lock:
            if self._answers is None:
                self._answers = solve()
            return self._answers


def kept_answers(
    max_entries: int,
) -> Callable[[Callable[[Given, Request], Answers]], Callable[[Store, Request, Tell], Answers]]:
    """Decorate how a page solves a request: the ``max_entries`` newest answers are kept for everybody.

    The decorated function takes store, request and who is told each step while there is something to wait
    for. It is solved anew for another request, version of the data or network. Raises as ``solve`` does;
    nothing is kept then.
    """

    def decorate(
        solve: Callable[[Given, Request], Answers],
    ) -> Callable[[Store, Request, Tell], Answers]:
        def slot(  # Its arguments are the key.
            folder: str,  # noqa: ARG001
            version: str,  # noqa: ARG001
            marks: tuple[int, ...],  # noqa: ARG001
            request: str,  # noqa: ARG001
        ) -> Slot[Answers]:
            return Slot()

        name_after(solve, slot, list(inspect.signature(slot).parameters.values()))
        slots: Any = st.cache_resource(max_entries=max_entries, show_spinner=False)(slot)

        @functools.wraps(solve)
        def answers(store: Store, request: Request, tell: Tell) -> Answers:
            folder = data_dir()
            place: Slot[Answers] = slots(
                str(folder.resolve()), store.data_version, roads(folder), repr(request)
            )
            given = gather(store_tables(store), folder, progress=tell)
            return place.solved(lambda: solve(given, request), tell)

        return answers

    return decorate


class KeptPictures:
    """What is computed and drawn from something solved, each made once; safe to share between threads.

    Its methods that are `drawn_once` keep their latest answers. They are kept beside it, not in it, so that
    one which is given up goes at once, not when somebody looks for circles.
    """

    def __init__(self) -> None:
        """Start with nothing made."""
        self._lock = threading.RLock()
        self._made: dict[str, dict[Hashable, Any]] = {}

    def once(self, key: Hashable, make: Callable[[], T], *, of: str = "", most: int | None = 32) -> T:
        """Return what ``make`` gave for ``key`` first; the ``most`` newest ``of`` a name are kept."""
        with self._lock:
            made = self._made.setdefault(of, {})
            found: T = made.pop(key) if key in made else make()
            while most is not None and len(made) >= most:
                del made[next(iter(made))]
            made[key] = found
            return found


Pictures = TypeVar("Pictures", bound=KeptPictures)


def drawn_once(
    most: int | None = 1,
) -> Callable[[Callable[Concatenate[Pictures, P], T]], Callable[Concatenate[Pictures, P], T]]:
    """Decorate a method of `KeptPictures`: its ``most`` newest answers (None: all) are kept, by arguments."""

    def decorate(method: Callable[Concatenate[Pictures, P], T]) -> Callable[Concatenate[Pictures, P], T]:
        @functools.wraps(method)
        def answer(self: Pictures, /, *arguments: P.args, **options: P.kwargs) -> T:
            key = (arguments, tuple(options.items()))
            name = method.__name__
            return self.once(key, lambda: method(self, *arguments, **options), of=name, most=most)

        return answer

    return decorate


def named_points(facilities: pd.DataFrame) -> PointSet:
    """Return facilities for the map, their types by name."""
    return facility_points(facilities, {key: entry.name for key, entry in load_facility_types().items()})
