"""The panels of the page 区域差距: course, parts, convergence, spots, curves; and its tables."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from analysis.palettes import ramp, region_colours
from data.registry.rule_models import load_statistics_rules
from data.store.store import Store
from geo.convergence import beta_convergence, growth_rates, sigma_convergence
from geo.disparity import Measure, concentration_curve, concentration_index, lorenz_curve
from geo.gaps import MEASURES, GapAnalysis, GapComparison
from geo.region_tree import parent_names
from layers.charts.gap import beta_scatter, group_parts, measure_course, parts_course, share_curves
from layers.model import Provenance, format_number
from layers.themes import SPOT_NAMES, spot_layer
from layers.words.gap import beta, gap_sentences, moran_words, short, sigma, spot_words, where_it_sits
from pages.gaps.choice import GapChoice, course, spots, values_panel
from pages.shared import cached, choices, components
from pages.shared.cached import labels_for, level_frame
from pages.shared.choices import choose_panel
from pages.shared.components import plain


def show_curves(store: Store, found: GapComparison) -> None:
    """Draw the Lorenz curves of both years, and beside them the concentration curve by another indicator."""
    now, then = found.now, found.then
    by_people = now.weight_name != ""
    across = "人口" if by_people else "地区数"
    name = short(now.subject.name)
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**洛伦兹曲线**")
        curves = {
            f"{one.year} 年": lorenz_curve(
                one.frame["value"], one.frame["weight"] if one.weight_name else None
            )
            for one in (now, then)
            if one is not None
        }
        components.chart(share_curves(curves, across=across, up=name, order="由低到高"), key="gap_lorenz")
        measure = now.measures["gini_weighted" if by_people else "gini"]
        words = f"基尼系数 {format_number(measure.value, 3)}" if measure.defined else str(measure.reason)
        st.caption(plain(f"{now.year} 年{words}。曲线离对角线越远，差距越大。"))
    with right:
        _concentration(store, found, across, name)


def _concentration(store: Store, found: GapComparison, across: str, name: str) -> None:
    now = found.now
    indicators = cached.indicators(store)
    offered = [
        str(row["id"])
        for _, row in indicators.iterrows()
        if now.subject.level in row["levels"] and now.year in row["years"] and row["id"] != now.subject.id
    ]
    if not offered:
        st.info(f"{now.year} 年没有可以用来排列的其他指标。", icon=":material/info:")
        return
    preferred = [one for one in ("gdp_per_head", "urbanisation_rate") if one in offered]
    names = {key: short(str(indicators["name"][key])) for key in offered}
    order = str(
        choices.choose(
            "rank_by",
            "集中曲线：按哪个指标由低到高排列",
            offered,
            preferred[0] if preferred else offered[0],
            format_func=names.__getitem__,
        )
    )
    ranking = cached.facts(store, order, year=now.year, level=now.subject.level).set_index("adcode")["value"]
    weights = now.frame["weight"] if now.weight_name else None
    values, ranked = now.frame["value"], ranking.reindex(now.frame.index)
    curve = concentration_curve(values, ranked, weights)
    components.chart(
        share_curves({f"{now.year} 年": curve}, across=across, up=name, order=f"按{names[order]}由低到高"),
        key="gap_concentration",
    )
    st.caption(plain(lean_words(concentration_index(values, ranked, weights), name, names[order])))


def lean_words(index: Measure, name: str, order: str) -> str:
    """Return which end the indicator leans to, by the index as printed."""
    if not index.defined:
        return f"集中指数没有定义：{index.reason}。"
    shown = round(index.value, 3)
    number = format_number(index.value, 3)
    if shown == 0:
        return f"集中指数 {number}：{name}与{order}的高低无关。"
    side = "高" if shown > 0 else "低"
    return f"集中指数 {number}：{order}{side}的地区{name}占得多。"


def show_convergence(store: Store, choice: GapChoice, found: GapComparison) -> None:
    """Draw sigma and beta convergence with their sentences."""
    subject, values = found.now.subject, values_panel(store, choice.source)
    if values.shape[1] < 2:
        st.info("该指标只有一个年份的数据，看不出趋同或趋异。", icon=":material/info:")
        return
    left, right = st.columns(2, gap="medium")
    with left:
        spread = sigma_convergence(values)
        st.markdown(plain(sigma(spread, subject)))
        drawn = spread.rename(columns={"cv": "value"})
        chart = measure_course(drawn, {"value": "变异系数"}, dict(found.now.breaks), decimals=3)
        components.chart(chart, key="gap_sigma")
    with right:
        first = choice.before if choice.before is not None else int(values.columns[0])
        if first >= choice.year:
            st.info("请选择一个较早的年份来比较。", icon=":material/info:")
            return
        span = choice.year - first
        fit = beta_convergence(
            values[first], values[choice.year], span, significant_p=load_statistics_rules().significant_p
        )
        st.markdown(plain(beta(fit, subject, first, choice.year)))
        table = cached.region_table(store)
        rows = pd.DataFrame(
            {
                "name": table["short_name"].reindex(values.index),
                "group": table["economic_region"].reindex(values.index),
                "start": values[first],
                "growth": growth_rates(values[first], values[choice.year], span),
            }
        )
        chart = beta_scatter(
            rows, fit.slope, fit.intercept, colours=region_colours(), first=first, unit=subject.unit
        )
        components.chart(chart, key="gap_beta")


_HEIGHT = 520


def show_spots(store: Store, choice: GapChoice, origin: Provenance) -> None:
    """Draw the map of the spots, the sentences on them, and the table of those that are significant."""
    subject = choice.source.subject
    found = spots(store, choice.source, choice.year)
    names = cached.region_table(store)["name"]
    left, right = st.columns([11, 9], gap="medium")
    with right:
        st.markdown(
            plain(
                moran_words(found, subject, choice.year, significant_p=load_statistics_rules().significant_p)
            )
        )
        st.markdown(plain(spot_words(found, names)))
        if subject.level == "prefecture":
            st.caption("设区市只有 13 个，检验的把握很小；看集聚宜把层级换成县（市、区）。")
        table = found.table[found.table["significant"]]
        if len(table):
            parents = parent_names(cached.region_table(store)).reindex(table.index)
            shown = pd.DataFrame(
                {
                    "类型": table["quadrant"].map(SPOT_NAMES),
                    "地区": names.reindex(table.index),
                    "所属": parents,
                    "数值": table["value"].round(subject.decimals),
                    "邻居平均": table["lag"].round(subject.decimals),
                    "p": table["p_value"].round(4),
                }
            ).sort_values(["类型", "p"], kind="stable", ascending=[False, True])
            st.dataframe(shown, hide_index=True, height=min(38 + 35 * len(shown), 330), key="gap_spot_table")
    with left:
        layer = spot_layer(
            level_frame(store, subject.level),
            found,
            title=subject.name,
            unit=subject.unit,
            year=choice.year,
            decimals=subject.decimals,
            direction=subject.direction,
            provenance=origin,
            palette=ramp("qualitative"),
        )
        components.show_map(
            layer,
            "gap_map",
            height=_HEIGHT,
            selected=choice.region,
            labels=labels_for(store, subject.level),
            on_click=components.look_at,
        )


_PAIRS = {"gini": "gini_weighted", "cv": "cv_weighted", "theil": "theil_weighted"}
_SINGLE = ("south_north_ratio", "max_min_ratio")


def show_panels(store: Store, choice: GapChoice, found: GapComparison, origin: Provenance) -> None:
    """Draw the panel that is chosen; the others are not computed."""
    panels: dict[str, tuple[str, Callable[[], None]]] = {
        "course": ("历年", lambda: _course(store, choice, found)),
        "parts": ("差距在哪里", lambda: _parts(store, choice, found)),
        "convergence": ("趋同", lambda: show_convergence(store, choice, found)),
        "spots": ("热点与冷点", lambda: show_spots(store, choice, origin)),
        "curves": ("洛伦兹与集中曲线", lambda: show_curves(store, found)),
        "table": ("数据表", lambda: _table(found, origin)),
    }
    panel = choose_panel("gap_panel", panels, "course")
    panels[panel][1]()


def _course(store: Store, choice: GapChoice, found: GapComparison) -> None:
    table = course(store, choice.source)
    options = [*_SINGLE, *_PAIRS]
    measure = choices.choose(
        "measure",
        "差距的量",
        options,
        options[0],
        widget=st.segmented_control,
        format_func=MEASURES.__getitem__,
    )
    lines = {measure: MEASURES[measure]}
    if measure in _PAIRS and table[_PAIRS[measure]].notna().any():
        lines = {measure: "每个地区算一份", _PAIRS[measure]: "按人口加权"}
    breaks = dict(found.now.breaks)
    decimals = 2 if measure in _SINGLE else 4
    components.chart(measure_course(table, lines, breaks, decimals=decimals), key="gap_course")
    _uneven(table, found, "除苏南/苏北外")
    for year, text in breaks.items():
        st.caption(plain(f"{year} 年：{text}。"))


def _uneven(table: pd.DataFrame, found: GapComparison, apart: str) -> None:
    """Say when the years have values for different numbers of regions: their measures do not compare."""
    counts = table["n"].astype(int)
    if counts.min() == counts.max():
        return
    told = "、".join(f"{year} 年 {count} 个" for year, count in counts.items())
    st.caption(plain(f"各年有数值的{found.now.subject.level_word}不一样多（{told}），{apart}不宜直接相比。"))


def _parts(store: Store, choice: GapChoice, found: GapComparison) -> None:
    now = found.now
    st.markdown(plain(where_it_sits(found)))
    left, right = st.columns([3, 2], gap="medium")
    weighted = not now.subject.additive and now.theil_weighted.reason is None
    with left:
        kinds = {"equal": "每个地区算一份", "people": "按人口加权"}
        kind = "equal"
        if weighted:
            kind = choices.choose(
                "weights",
                "权重",
                list(kinds),
                "equal",
                widget=st.segmented_control,
                format_func=kinds.__getitem__,
            )
        chart = parts_course(course(store, choice.source), weighted=kind == "people")
        components.chart(chart, key="gap_parts")
        _uneven(course(store, choice.source), found, "分解的结果")
    with right:
        parts = now.theil_weighted if kind == "people" else now.theil
        st.markdown("**组内差距来自哪个区域**")
        if parts.reason is not None:
            st.info(plain(parts.reason), icon=":material/info:")
        else:
            components.chart(group_parts(parts.groups, now.regional["short_name"]), key="gap_groups")
        nested = now.nested_weighted if kind == "people" else now.nested
        if nested is not None and nested.reason is None and nested.total > 0:
            rows = {
                "苏南、苏中、苏北之间": nested.between_outer,
                "同一区域的设区市之间": nested.between_inner,
                "同一设区市的县（市、区）之间": nested.within_inner,
                "合计": nested.total,
            }
            table = pd.DataFrame(
                {
                    "部分": list(rows),
                    "泰尔指数": [f"{value:.4f}" for value in rows.values()],
                    "占比": [f"{value / nested.total:.1%}" for value in rows.values()],
                }
            )
            st.dataframe(table, hide_index=True, key="gap_nested")


def _table(found: GapComparison, origin: Provenance) -> None:
    notes, name = gap_notes(found, origin), f"区域差距_{found.now.subject.name}_{found.now.year}_各地区"
    left, right = st.columns(2, gap="medium")
    with left:
        st.dataframe(value_table(found), hide_index=True, height=420, key="gap_values")
        components.download(name, lambda: value_table(found), notes=notes, key="gap_value_table")
    with right:
        st.dataframe(region_table(found.now), hide_index=True, key="gap_region_table")
        st.dataframe(measure_table(found), hide_index=True, key="gap_measure_table")


_REGION_COLUMNS = {
    "short_name": "区域",
    "value": "区域数值",
    "n": "有数值的地区",
    "undefined": "无数值的地区",
    "low": "最低",
    "median": "中位",
    "high": "最高",
    "cv": "内部变异系数",
    "max_min": "内部极值比",
}


def measure_table(found: GapComparison) -> pd.DataFrame:
    """Return every measure with its parts, the earlier year beside it, and why one is undefined."""
    years = [found.now] if found.then is None else [found.now, found.then]
    rows = []
    for name, word in MEASURES.items():
        values = {f"{one.year} 年": one.measures[name].value for one in years}
        rows.append({"差距": word, **values, "无定义的原因": found.now.measures[name].reason or ""})
        if name.startswith("theil"):
            for part, label in (("between", "区域之间"), ("within", "区域内部")):
                values = {f"{one.year} 年": getattr(getattr(one, name), part) for one in years}
                rows.append({"差距": f"{word}：{label}", **values, "无定义的原因": ""})
    return pd.DataFrame(rows)


def region_table(now: GapAnalysis) -> pd.DataFrame:
    """Return the three regions with their own figures and how their members are spread."""
    table = now.regional[list(_REGION_COLUMNS)].rename(columns=_REGION_COLUMNS).reset_index(drop=True)
    decimals = dict.fromkeys(("区域数值", "最低", "中位", "最高"), now.subject.decimals)
    return table.round(decimals | {"内部变异系数": 4, "内部极值比": 3})


def value_table(found: GapComparison) -> pd.DataFrame:
    """Return the regions with their values, highest first, the earlier year beside it, and the reasons."""
    now, decimals = found.now, found.now.subject.decimals
    frame = pd.DataFrame(
        {
            "代码": now.frame.index,
            "地区": now.frame["name"],
            "区域": now.frame["group"].map(now.regional["short_name"]),
            f"{now.year} 年": now.frame["value"].round(decimals),
        }
    )
    if found.then is not None:
        frame[f"{found.then.year} 年"] = found.then.frame["value"].reindex(frame.index).round(decimals)
    frame["无数值的原因"] = now.frame["reason"].fillna("")
    return frame.sort_values([f"{now.year} 年", "代码"], ascending=[False, True], ignore_index=True)


def gap_notes(found: GapComparison, origin: Provenance) -> list[str]:
    """Return what goes below a table that is downloaded."""
    subject = found.now.subject
    return [
        f"区域差距：{subject.name}（{subject.unit}），{found.now.year} 年，{subject.level_word}",
        *gap_sentences(found).values(),
        f"权重：{found.now.weight_name or '不加权'}",
        f"来源：{origin.source_text}",
        origin.permission,
    ]
