"""What the pages that study access share: controls, a question solved with its progress, and words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from analysis.coverage import IMPLIED, PARTLY, CoverageAnalysis, covered_types
from data.registry.facility_models import FacilityType
from data.registry.rule_models import load_coverage_rules
from data.store.store import Store
from geo.coverage import GROUPS
from geo.errors import StoreError, SutuError
from geo.region_tree import LEVEL_CHOICES, LEVELS, PROVINCE, Level, listed_names
from layers.charts.base import bar_ranking
from layers.model import Layer, Provenance
from layers.words.precision import PRECISIONS
from pages.shared import cached, choices, components
from pages.shared.cached import mode_names, regions_inside, store_meta
from pages.shared.kept_answers import Tell
from reports.provenance import provenance

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


POPULATION_YEAR = "2020"


def travel_words(analysis: CoverageAnalysis, straight: NDArray[np.bool_] | None = None) -> str:
    """Return how the times were found: over roads or as the crow flies, and at which speed.

    ``straight``: which cells have times of a straight line; by default those of the analysis' travel times.

    A time over a straight line is never called walking or driving: it is an estimate, and says so.
    """
    mode = analysis.mode
    if analysis.network is not None:
        speeds = sorted({road.speed_kmh for road in mode.classes.values()})
        span = f"{speeds[0]:g}" if len(speeds) == 1 else f"{speeds[0]:g}–{speeds[-1]:g}"
        if straight is None and not analysis.facilities.empty:
            straight = analysis.travel.straight
        partly = PARTLY if straight is not None and straight.any() else ""
        return f"{mode.name}，路网{partly}，{span} 公里/小时"
    how = f"直线距离 × {mode.detour_factor:g}，{mode.straight_kmh:g} 公里/小时"
    return f"按{mode.name}速度估算，{how}" if mode.has_network else how


def origin_of(store: Store, analysis: CoverageAnalysis) -> Provenance:
    """Return the sources of the figures: facilities, roads, people."""
    meta = store_meta(store)
    found = provenance(store, analysis.facilities["source"].dropna().unique())
    roads = () if analysis.network_source is None else (f"路网 {analysis.network_source.name}",)
    people = meta.get("population_source", "")
    modelled = meta.get("population_pattern") == "modelled"
    return replace(
        found,
        sources=(*found.sources, *roads, *((f"人口 {people}",) if people else ())),
        remarks=("人口格网为模型推算",) if modelled else (),
    )


def notes(store: Store, analysis: CoverageAnalysis) -> list[str]:
    """Return what a reader must know before using the figures."""
    said = [*analysis.notes, store_meta(store).get("population_note", "")]
    return list(dict.fromkeys(note for note in said if note))


def banner(analysis: CoverageAnalysis) -> str | None:
    """Return what must be said when facilities stand at places nobody surveyed; None when none does."""
    frame = analysis.facilities
    counts = frame["precision"].value_counts()
    parts = [f"{PRECISIONS[kind]} {counts[kind]} 处" for kind in IMPLIED if kind in counts]
    if not parts:
        return None
    rules = frame.loc[frame["precision"].isin(IMPLIED), "note"].dropna().str.partition("（原文")[0].unique()
    why = f"（{'；'.join(rules[:2])}）" if len(rules) else ""
    real = len(frame) - int(frame["precision"].isin(IMPLIED).sum())
    beside = f"，另有实测点位 {real} 处" if real else ""
    return (
        f"{'、'.join(parts)}{beside}。依规划的配置标准放置{why}，不是实测位置：结果用来演示方法，不能作为结论。"
        "导入真实设施：左侧“数据导入”页，或命令 sutu import facilities。"
    )


ORIGINS = {"auto": "自动（有导入的用导入的）", "imported": "只用导入的", "implied": "只用推定的"}
VIEWS = {"surface": "通行时间", "regions": "分区覆盖率"}
PLACES = {10: "前 10 位", 20: "前 20 位", 5: "前 5 位", 0: "不显示"}
GROUP_NAMES = {"all": "全部常住人口", **{key: name for key, name in GROUPS.items() if key != "population"}}
DEFAULT_TYPE = "general_hospital"


def choose(name: str, label: str, options: Sequence[Any], default: Any, **settings: Any) -> Any:
    """Draw a control as `state.choose` does; a default that is not offered gives way to the first option."""
    return choices.choose(name, label, options, default if default in options else options[0], **settings)


@dataclass(frozen=True)
class Question:
    """What pages on the access to one type of facility ask first: of which type, how people travel, which
    people (a key of ``geo.coverage.GROUPS``), and of which region.
    """

    kind: FacilityType
    mode: str
    group: str
    within: str


def choose_question(
    types: dict[str, FacilityType],
    offered: list[str],
    table: pd.DataFrame,
    *,
    people: tuple[str, str] = ("group", "人群"),
) -> Question:
    """Draw type, mode, people (by name and label) and region side by side."""
    columns = st.columns([3, 2, 2, 2], vertical_alignment="bottom")
    with columns[0]:
        kind = types[choose_type(types, offered)]
    with columns[1]:
        modes = mode_names()
        mode = choose("mode", "出行方式", list(modes), kind.mode, format_func=modes.__getitem__)
    with columns[2]:
        group = choose_group(*people)
    with columns[3]:
        within = choose_within(table)
    return Question(kind, str(mode), group, within)


def offered_types(counts: pd.DataFrame, types: dict[str, FacilityType]) -> list[str]:
    """Return the types of which there is any facility, or of those below them."""
    return [key for key in types if counts["type"].isin(covered_types([key])).any()]


def choose_group(name: str = "group", label: str = "人群") -> str:
    """Draw the list of population groups and return a key of ``geo.coverage.GROUPS``."""
    group = choose(name, label, list(GROUP_NAMES), "all", format_func=GROUP_NAMES.__getitem__)
    return "population" if group == "all" else str(group)


def group_name(group: str) -> str:
    """Return a key of ``geo.coverage.GROUPS`` as people read it."""
    return GROUP_NAMES["all" if group == "population" else group]


def choose_within(table: pd.DataFrame) -> str:
    """Draw the list of regions whose people count."""
    names = region_names(table)
    return str(choose("within", "范围", list(names), PROVINCE, format_func=names.__getitem__))


def choose_shown_regions(store: Store, within: str) -> tuple[Level, str | None]:
    """Draw, in the sidebar, the level of the regions shown and the region looked at; return both."""
    table = cached.region_table(store)
    with st.sidebar.container(key="shared_controls"):
        level = choose_level(table, within)
        return level, choose_region(table, regions_inside(store, within, level))


def choose_type(types: dict[str, FacilityType], offered: list[str]) -> str:
    """Draw the list of types; another type brings its own threshold and mode along."""

    def changed() -> None:
        kind = types[st.session_state["choice_facility"]]
        choices.put("mode", kind.mode)
        choices.put("minutes", int(kind.minutes))

    names = {key: f"{types[key].domain} ｜ {types[key].name}" for key in offered}
    return str(
        choose(
            "facility", "设施类型", offered, DEFAULT_TYPE, format_func=names.__getitem__, on_change=changed
        )
    )


def choose_threshold(kind: FacilityType) -> tuple[int, str]:
    """Draw the slider of minutes and the view of the map; return both."""
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    with left:
        minutes = choose_minutes("时间阈值（分钟）", kind)
    with right:
        view = choose(
            "map_view",
            "地图",
            list(VIEWS),
            "surface",
            widget=st.segmented_control,
            format_func=VIEWS.__getitem__,
        )
    return minutes, str(view)


def choose_minutes(label: str, kind: FacilityType) -> int:
    """Draw the slider of minutes."""
    return int(choose("minutes", label, thresholds(), int(kind.minutes), widget=_slider))


def thresholds() -> list[int]:
    """Return the thresholds on offer: every minute up to the search radius, so none needs a second run."""
    return list(range(1, int(load_coverage_rules().search_minutes) + 1))


def _slider(label: str, options: list[int], *, key: str) -> int:
    return int(st.slider(label, options[0], options[-1], key=key, format="%d 分钟"))


def region_names(table: pd.DataFrame) -> dict[str, str]:
    """Return the regions whose people may be counted, from the province down."""
    return listed_names(table, table.index[table["level"].isin(LEVELS)])


def choose_level(table: pd.DataFrame, within: str) -> Level:
    """Draw the list of levels that have whole regions inside the one whose people count."""
    highest = LEVELS.index(table.loc[within, "level"])
    offered = list(LEVELS[: highest + 1])
    level: Level = choose("level", "层级", offered, offered[0], format_func=LEVEL_CHOICES.__getitem__)
    return level


def choose_region(table: pd.DataFrame, codes: Sequence[str]) -> str | None:
    """Draw the list of regions to look at."""
    names = {code: str(table.loc[code, "name"]) for code in codes}
    chosen = choose("region", "地区", ["", *names], "", format_func=lambda code: names.get(code, "未选择"))
    return str(chosen) or None


def choose_facilities(counts: pd.DataFrame, kind: FacilityType) -> tuple[Any, tuple[str, ...]]:
    """Draw origin and levels of the facilities, with how many there are of each."""
    own = counts[counts["type"].isin(covered_types([kind.id]))]
    implied = own["precision"].isin(IMPLIED)
    numbers = {
        "imported": int(own.loc[~implied, "count"].sum()),
        "implied": int(own.loc[implied, "count"].sum()),
    }
    origin = choose(
        "origin",
        "设施来源",
        list(ORIGINS),
        "auto",
        format_func=lambda key: ORIGINS[key] + (f"：{numbers[key]} 处" if key in numbers else ""),
    )
    levels = sorted(own["level"].dropna().unique())
    return origin, choices.choose_many("facility_level", "设施等级", levels) if levels else ()
