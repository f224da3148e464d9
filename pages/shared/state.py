"""What a page shows, kept across pages and in the address, so that a link opens the same view again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from geo.region_tree import LEVEL_CHOICES
from pages.shared.choices import begin, choose, fault, finish, from_link, in_link, kept, put, show_faults

__all__ = [
    "ViewState",
    "begin",
    "choose",
    "fault",
    "finish",
    "from_link",
    "in_link",
    "kept",
    "nearest_year",
    "put",
    "shared",
    "show_faults",
]


@dataclass(frozen=True)
class ViewState:
    """The choices every page shares: the year, the level of regions, the region looked at (or None)."""

    year: int
    level: str
    region: str | None


def nearest_year(wanted: int | None, years: Sequence[int]) -> int:
    """Return the year to show for the one wanted: the last of ``years`` (ascending) not after it."""
    if wanted is None:
        return years[-1]
    earlier = [year for year in years if year <= wanted]
    return earlier[-1] if earlier else years[0]


def shared(
    years: Sequence[int],
    levels: Sequence[str],
    regions: dict[str, str],
    *,
    default_year: int,
    default_level: str,
) -> ViewState:
    """Draw the shared controls in the sidebar and return the view.

    ``years`` ascending, ``levels`` as in `LEVEL_CHOICES`; ``regions`` maps the adcodes that may be looked at
    to their names. What was chosen elsewhere and is not on offer here stays chosen for the pages that have
    it.
    """
    with st.sidebar.container(key="shared_controls"):
        year = choose("year", "年份", list(reversed(years)), nearest_year(kept("year", default_year), years))
        offered = [level for level in LEVEL_CHOICES if level in levels]
        level = choose(
            "level",
            "层级",
            offered,
            default_level if default_level in offered else offered[0],
            format_func=LEVEL_CHOICES.__getitem__,
        )
        region = choose(
            "region",
            "地区",
            ["", *regions],
            "",
            format_func=lambda adcode: regions.get(adcode, "未选择"),
        )
    return ViewState(int(year), str(level), region or None)
