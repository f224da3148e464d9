"""The pages in their groups, and one page view: navigation, the shared frame, then the page itself."""

from __future__ import annotations

import importlib
import logging
import secrets
from dataclasses import dataclass
from importlib.util import find_spec

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from geo.errors import StoreError, SutuError
from layers.assets import own_folder
from pages.shared import choices, components


@dataclass(frozen=True)
class PageSpec:
    """One page: ``module`` has a function ``page()`` that draws it; ``path`` is its address."""

    group: str
    title: str
    module: str
    path: str
    icon: str


PAGES = (
    PageSpec("总览", "总览", "pages.overview.page", "overview", "dashboard"),
    PageSpec("地图", "指标地图", "pages.indicators.page", "indicator-map", "map"),
    PageSpec("地图", "通道走廊", "pages.corridors.page", "corridors", "route"),
    PageSpec("服务", "设施覆盖", "pages.coverage.page", "coverage", "conversion_path"),
    PageSpec("服务", "供需匹配", "pages.supply.page", "supply-demand", "balance"),
    PageSpec("服务", "应配与缺口", "pages.standards.page", "standards", "rule"),
    PageSpec("服务", "15分钟服务圈", "pages.circles.page", "circles", "share_location"),
    PageSpec("服务", "选址优化", "pages.siting.page", "siting", "add_location"),
    PageSpec("比较", "区域差距", "pages.gaps.page", "gaps", "stacked_bar_chart"),
    PageSpec("比较", "设区市对比", "pages.compare.prefectures", "compare-prefectures", "compare_arrows"),
    PageSpec("比较", "县域对比", "pages.compare.counties", "compare-counties", "compare"),
    PageSpec("比较", "综合指数", "pages.composite.page", "composite", "leaderboard"),
    PageSpec("规划", "规划目标", "pages.targets.page", "targets", "flag"),
    PageSpec("规划", "目标追踪", "pages.targets.tracking", "target-tracking", "timeline"),
    PageSpec("规划", "铁路时序", "pages.corridors.rail_timeline", "rail-timeline", "train"),
    PageSpec("数据", "数据导入", "pages.imports.page", "data-import", "upload_file"),
    PageSpec("数据", "图层导出", "pages.exports.page", "layer-export", "download"),
)


def is_present(spec: PageSpec) -> bool:
    """Return whether the page's module exists."""
    return find_spec(spec.module) is not None


def navigation() -> dict[str, list[StreamlitPage]]:
    """Return the pages that exist by group, in order; the first is where the application opens."""
    groups: dict[str, list[StreamlitPage]] = {}
    present = [spec for spec in PAGES if is_present(spec)]
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


_log = logging.getLogger(__name__)


def main() -> None:
    """Draw one page view; what a user can mend is said in words, never as a stack of calls."""
    st.set_page_config(page_title="苏图", layout="wide", initial_sidebar_state="auto")
    st.logo(str(own_folder() / "logo.svg"), size="large", icon_image=str(own_folder() / "mark.svg"))
    choices.begin()
    # Folded, Streamlit would offer the rest in English and out of sight.
    page = st.navigation(navigation(), expanded=True)
    try:
        page.run()
    except StoreError as fault:
        components.store_missing(fault)
    except SutuError as fault:
        st.error(components.plain(str(fault)), icon=":material/error:")
    except Exception:
        # A fault of ours: the log keeps it whole, the page a number to find it by.
        number = secrets.token_hex(4)
        _log.exception("页面出错 %s", number)
        components.broken(number)
    else:
        choices.finish()
