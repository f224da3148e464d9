"""The controls of the page 指标地图, and what they amount to."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from data.registry import Registry
from data.store.store import Store
from geo.region_tree import LEVEL_CHOICES, LEVELS, listed_names
from layers.classify import MAX_CLASSES, SCHEMES
from pages.shared import cached, choices
from pages.shared.cached import DEFAULT_PALETTE

_MIN_CLASSES = 3


@dataclass(frozen=True)
class MapStyle:
    """How values become classes and colours; ``palette`` is a registry id or ``auto``, by direction."""

    scheme: str
    k: int
    palette: str


def choose_style(registry: Registry) -> MapStyle:
    """Draw the controls in the sidebar and return what is chosen."""
    names = {DEFAULT_PALETTE: "按指标方向自动选择"}
    names |= {
        entry.id: f"{entry.name}（{entry.use}）" for entry in registry.palettes if entry.kind != "qualitative"
    }
    with st.sidebar.expander("分级与配色", icon=":material/palette:"):
        methods = [scheme for scheme in SCHEMES if scheme != "manual"]
        scheme = choices.choose(
            "scheme",
            "分级方法",
            methods,
            str(registry.setting("class_method")),
            format_func=SCHEMES.__getitem__,
        )
        k = choices.choose(
            "classes",
            "分级数",
            list(range(_MIN_CLASSES, MAX_CLASSES + 1)),
            int(registry.setting("class_count")),
        )
        palette = choices.choose(
            "palette", "配色", list(names), DEFAULT_PALETTE, format_func=names.__getitem__
        )
    return MapStyle(str(scheme), int(k), str(palette))


COMPARE = {"none": "单图", "indicators": "两个指标", "years": "两个年份"}


@dataclass(frozen=True)
class Subject:
    """What one map shows: a row of `Store.indicators`, a year and a level."""

    row: pd.Series
    year: int
    level: str

    @property
    def id(self) -> str:
        """The indicator's id."""
        return str(self.row["id"])


@dataclass(frozen=True)
class Choice:
    """Everything the page shows: one or two subjects, the region looked at, and the style."""

    subjects: tuple[Subject, ...]
    compare: str
    region: str | None
    style: MapStyle

    @property
    def main(self) -> Subject:
        """The first subject."""
        return self.subjects[0]


def choose_indicator_map(store: Store, registry: Registry) -> Choice:
    """Draw the controls and return what is chosen."""
    indicators = cached.indicators(store)
    indicators = indicators[indicators["levels"].map(len) > 0]
    left, right = st.columns([5, 3], vertical_alignment="bottom")
    with right:
        compare = choices.choose(
            "compare",
            "对比",
            list(COMPARE),
            "none",
            widget=st.segmented_control,
            format_func=COMPARE.__getitem__,
        )
    with left:
        row, other = _rows(indicators, compare, str(registry.setting("default_indicator")))
    view = choices.shared(
        row["years"],
        _shared_levels(row, other),
        _region_names(store),
        default_year=int(registry.setting("default_year")),
        default_level=str(registry.setting("default_level")),
    )
    subjects = [Subject(row, view.year, view.level)]
    if compare == "indicators":
        subjects.append(Subject(other, choices.nearest_year(view.year, other["years"]), view.level))
    elif compare == "years":
        subjects = _two_years(subjects[0])
    return Choice(tuple(subjects), compare, view.region, choose_style(registry))


def _rows(indicators: pd.DataFrame, compare: str, default: str) -> tuple[pd.Series, pd.Series]:
    """Draw the list of indicators, or two, and return what is chosen; one twice when there is no second."""
    if compare != "indicators":
        row = _row(indicators, _indicator(indicators, "indicator", "指标", default))
        return row, row
    first, second = st.columns(2)
    with first:
        row = _row(indicators, _indicator(indicators, "indicator", "指标", default))
    rest = indicators[indicators["id"] != row["id"]]
    rest = rest[[bool(_shared_levels(row, candidate)) for _, candidate in rest.iterrows()]]
    with second:
        return row, _row(rest, _indicator(rest, "indicator2", "对比指标", str(rest.index[0])))


def _indicator(indicators: pd.DataFrame, name: str, label: str, default: str) -> str:
    """Draw a searchable list of indicators, each with its domain; the list keeps the registry's order."""
    ids = list(indicators.index)
    names = {key: f"{row['domain']} ｜ {row['name']}" for key, row in indicators.iterrows()}
    return str(
        choices.choose(
            name, label, ids, default if default in ids else ids[0], format_func=lambda key: names[key]
        )
    )


def _row(indicators: pd.DataFrame, chosen: str) -> pd.Series:
    return indicators[indicators["id"] == chosen].iloc[0]


def _shared_levels(one: pd.Series, other: pd.Series) -> list[str]:
    return [level for level in LEVEL_CHOICES if level in one["levels"] and level in other["levels"]]


def _two_years(subject: Subject) -> list[Subject]:
    """Return the subject in the year to compare with (asked for), and in its own, the earlier first."""
    years = [year for year in subject.row["years"] if year != subject.year]
    if not years:
        st.info("该指标只有一个年份的数据，无法比较两个年份。", icon=":material/info:")
        return [subject]
    with st.sidebar:
        year = choices.choose(
            "year2", "对比年份", list(reversed(years)), choices.nearest_year(subject.year, years)
        )
    both = sorted({subject.year, int(year)})
    return [Subject(subject.row, one, subject.level) for one in both]


def _region_names(store: Store) -> dict[str, str]:
    """Return the regions people may look at, from the province down, with the prefecture of a county."""
    table = cached.region_table(store)
    return listed_names(table, table.index[table["level"].isin(LEVELS)])
