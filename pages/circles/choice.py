"""The controls of the page 15分钟服务圈, and the question they put."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from analysis.circles import CircleRequest
from data.registry.facility_models import load_circle_services
from data.store.store import Store
from geo.circles import TierView
from geo.region_tree import Level
from pages.shared import cached, choices
from pages.shared.cached import mode_names
from pages.shared.study import (
    ORIGINS,
    choose,
    choose_group,
    choose_shown_regions,
    choose_within,
    group_name,
)

TIER_NAMES: dict[TierView, str] = {"all": "城镇和乡村", "urban": "城镇", "rural": "乡村"}
VIEWS = {"surface": "格网", "regions": "分区"}
BY_REGISTRY = "按登记表"
_AT = "circles_at"


@dataclass(frozen=True)
class CircleChoice:
    """Everything the page shows: the request, the tier and group it is read for, and the place clicked."""

    request: CircleRequest
    tier: TierView
    group: str
    level: Level
    region: str | None
    view: str
    at: tuple[float, float] | None

    @property
    def group_name(self) -> str:
        """The population group as people read it."""
        return group_name(self.group)


def choose_circles(store: Store) -> CircleChoice:
    """Draw the controls and return what is chosen."""
    table = cached.region_table(store)
    services = {key: service.name for key, service in load_circle_services().items()}
    with st.container(key="circles_controls"):
        columns = st.columns([2, 2, 2, 2, 1.6], vertical_alignment="bottom")
        with columns[0]:
            tier: TierView = choose(
                "tier", "层级（城乡）", list(TIER_NAMES), "all", format_func=TIER_NAMES.__getitem__
            )
        with columns[1]:
            group = choose_group()
        with columns[2]:
            modes = {"": BY_REGISTRY, **mode_names()}
            mode = choose("circle_mode", "出行方式", list(modes), "", format_func=modes.__getitem__)
        with columns[3]:
            within = choose_within(table)
        with columns[4]:
            view = choose(
                "circle_view",
                "地图",
                list(VIEWS),
                "surface",
                widget=st.segmented_control,
                format_func=VIEWS.__getitem__,
            )
        chosen = choices.choose_many("services", "服务", list(services), format_func=services.__getitem__)
    level, region = choose_shown_regions(store, within)
    with st.sidebar.expander("设施", icon=":material/tune:"):
        origin = choose("origin", "设施来源", list(ORIGINS), "auto", format_func=ORIGINS.__getitem__)
    request = CircleRequest(services=chosen, mode=mode or None, origin=origin, within=within)
    return CircleChoice(request, tier, group, level, region, str(view), _place())


def _place() -> tuple[float, float] | None:
    """Return the place clicked last, or named by the address."""
    text = choices.from_link("at")
    if text is not None:
        try:
            st.session_state[_AT] = place_of(text)
        except ValueError:
            choices.fault(f"链接中的位置“{text}”无效，已略去。")
    place: tuple[float, float] | None = st.session_state.get(_AT)
    choices.in_link("at", "" if place is None else f"{place[0]:.5f},{place[1]:.5f}")
    return place


def place_of(text: str) -> tuple[float, float]:
    """Return the longitude and latitude of an address. ``ValueError`` for what is no place on Earth."""
    lon, lat = (float(part) for part in text.split(","))
    # A comparison with NaN is never true.
    if not (abs(lon) <= 180.0 and abs(lat) <= 90.0):
        raise ValueError(text)
    return round(lon, 5), round(lat, 5)


def put_place(lon: float | None, lat: float | None = None) -> None:
    """Choose the place to look at, None for none; only in a callback."""
    st.session_state[_AT] = None if lon is None or lat is None else (round(lon, 5), round(lat, 5))
