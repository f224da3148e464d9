"""What the pages that study access share: a question solved with its progress, a ranking, notes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import streamlit as st

from geo.errors import StoreError, SutuError
from layers.charts.base import bar_ranking
from layers.model import Layer
from pages.shared import components
from pages.shared.kept_answers import Tell

Answers = TypeVar("Answers")


def solved_with_steps(solve: Callable[[Tell], Answers]) -> Answers | None:
    """Return what ``solve`` gives, each step told while it works; None when there is no answer, as is said.

    A fault of the store is the whole application's and is raised.
    """
    place = st.empty()
    shown: list[Any] = []

    def tell(step: str) -> None:
        if shown:
            shown[0].update(label=f"正在{step}…")
        else:
            shown.append(place.status(f"正在{step}…"))

    try:
        return solve(tell)
    except StoreError:
        raise
    except SutuError as fault:
        st.error(components.plain(str(fault)), icon=":material/error:")
        return None
    finally:
        place.empty()


def ranking(layer: Layer, heading: str, *, region: str | None, height: int, key: str) -> None:
    """Draw the regions of a layer by rank; a bar that is clicked is the region looked at."""
    st.markdown(f"**排名**　{heading}")
    components.region_chart(bar_ranking(layer, selected=region), key=key, height=height)


def show_notes(notes: Sequence[str]) -> None:
    """Say, each once, what a reader must know of the figures."""
    lines = [components.plain(note) for note in dict.fromkeys(notes) if note]
    with st.container(key="coverage_notes"):
        st.caption("\n".join(f"- {line}" for line in lines))
