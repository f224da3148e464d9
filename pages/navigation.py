"""The pages in their groups, declared here; a page appears as soon as its module exists."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from importlib.util import find_spec

import streamlit as st
from streamlit.navigation.page import StreamlitPage


@dataclass(frozen=True)
class PageSpec:
    """One page: ``module`` has a function ``page()`` that draws it; ``path`` is its address."""

    group: str
    title: str
    module: str
    path: str
    icon: str


PAGES = (
    PageSpec("总览", "总览", "pages.overview", "overview", "dashboard"),
    PageSpec("地图", "指标地图", "pages.indicator_map", "indicator-map", "map"),
    PageSpec("地图", "设施覆盖", "pages.coverage", "coverage", "conversion_path"),
    PageSpec("规划", "规划目标", "pages.targets", "targets", "flag"),
    PageSpec("数据", "数据导入", "pages.data_import", "data-import", "upload_file"),
)


def navigation() -> dict[str, list[StreamlitPage]]:
    """Return the pages that exist by group, in order; the first is where the application opens."""
    groups: dict[str, list[StreamlitPage]] = {}
    present = [spec for spec in PAGES if find_spec(spec.module) is not None]
    for number, spec in enumerate(present):
        groups.setdefault(spec.group, []).append(
            st.Page(
                importlib.import_module(spec.module).page,
                title=spec.title,
                icon=f":material/{spec.icon}:",
                url_path=spec.path,
                default=number == 0,
            )
        )
    return groups
