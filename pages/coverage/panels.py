"""The panels below the map of the page 设施覆盖; only the one chosen is computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pandas as pd
import streamlit as st

from data.registry.rule_models import load_coverage_rules
from data.store.store import Store
from geo.coverage import region_gap, sensitivity, urban_rural_gap
from geo.region_tree import LEVEL_CHOICES, LEVELS, Level, above, children, inside, parent_names
from layers.charts.coverage import (
    cumulative_curve_chart,
    distribution_chart,
    gap_chart,
    minute_marks,
    minutes_bins,
    percent,
    ranking_chart,
    sensitivity_chart,
)
from layers.model import format_number, readable
from layers.words.gap import listed
from pages.coverage.answers import CoverageAnswers
from pages.coverage.choice import CoverageChoice
from pages.coverage.downloads import figures_table
from pages.shared import cached, components
from pages.shared.choices import choose_panel
from pages.shared.components import plain
from pages.shared.study import notes


def focus(choice: CoverageChoice) -> str:
    """Return the region the figures are of: the one looked at, or all that was asked for."""
    return choice.region or choice.request.within


def row_of(store: Store, choice: CoverageChoice, answers: CoverageAnswers, adcode: str) -> pd.Series:
    """Return the row of the coverage table of one region inside the request's region."""
    level = cast(Level, cached.region_table(store).loc[adcode, "level"])
    rows = answers.table(choice.minutes, level, choice.group).set_index("adcode", drop=False)
    row = rows.loc[adcode]
    assert isinstance(row, pd.Series)  # noqa: S101 - one row per region
    return row


def show_figures(store: Store, choice: CoverageChoice, answers: CoverageAnswers) -> None:
    """Draw the figures of the region looked at."""
    row = row_of(store, choice, answers, focus(choice))
    with st.container(key="coverage_figures"):
        st.markdown(f"**{plain(row['name'])}**　{plain(choice.group_name)}，{choice.minutes:g} 分钟内")
        for pair in (_first(row), _second(row), _third(row)):
            for column, (label, value, tip) in zip(st.columns(2), pair, strict=True):
                column.metric(label, value, help=tip)
        if isinstance(row["reason"], str):
            what = "" if pd.isna(row["population_coverage"]) else "分钟数"
            st.caption(plain(f"{what}无法计算：{row['reason']}"))


def _first(row: pd.Series) -> list[tuple[str, str, str]]:
    return [
        ("人口覆盖率", percent(row["population_coverage"]), "覆盖人口 ÷ 该人群总数；每人只计一次"),
        ("面积覆盖率", percent(row["area_coverage"]), "覆盖的陆地面积 ÷ 陆地面积；与人口覆盖率是两个数"),
    ]


def _second(row: pd.Series) -> list[tuple[str, str, str]]:
    uncovered = row["population"] - row["covered_population"]
    return [
        ("覆盖人口", _people(row["covered_population"]), _exact(row["covered_population"])),
        ("未覆盖人口", _people(uncovered), _exact(uncovered)),
    ]


def _third(row: pd.Series) -> list[tuple[str, str, str]]:
    minutes = [_minutes(row[name]) for name in ("mean_minutes", "median_minutes")]
    return [
        ("平均 / 中位分钟", " / ".join(minutes), "按人口加权，只计能够到达的人"),
        (
            "不可达人口",
            _people(row["unreachable_population"]),
            "搜索半径内到不了任何设施的人，已计入未覆盖；" + _exact(row["unreachable_population"]),
        ),
    ]


def _people(value: Any) -> str:
    return readable(float(value), "人", 0)


def _exact(value: Any) -> str:
    return "无数据" if pd.isna(value) else f"{format_number(float(value), 0)} 人"


def _minutes(value: Any) -> str:
    return "—" if pd.isna(value) else format_number(float(value), 1)


def show_notes(store: Store, choice: CoverageChoice, answers: CoverageAnswers) -> None:
    """Say what a reader must know of the figures, and which regions may look worse than they are."""
    lines = [plain(note) for note in notes(store, answers.analysis)]
    lines += [plain(note) for note in answers.analysis.edge_notes(choice.minutes, choice.group)]
    with st.container(key="coverage_notes"):
        st.caption("\n".join(f"- {line}" for line in lines))


def equity_levels(store: Store, choice: CoverageChoice) -> list[Level]:
    """Return the levels compared: the economic regions first, then the level shown."""
    top = str(cached.region_table(store).loc[choice.request.within, "level"])
    first: list[Level] = ["economic_region"] if top == "province" else []
    return [*first, *([choice.level] if choice.level not in first else [])]


def gap_words(rows: pd.DataFrame) -> str:
    """Return the widest gap between regions as a sentence."""
    gap = region_gap(rows)
    if gap.highest is None or gap.lowest is None:
        return f"不能比较：{gap.reason}"
    names = rows.sort_values("adcode").set_index("adcode")["name"]
    shares = rows.sort_values("adcode").set_index("adcode")["population_coverage"]
    high, low = float(shares[gap.highest]), float(shares[gap.lowest])
    if high == low:
        return f"{int(shares.notna().sum())} 个地区相同，都是 {percent(high)}"
    ratio = f"，最高是最低的 {format_number(gap.ratio, 2)} 倍" if gap.reason is None else f"；{gap.reason}"
    return (
        f"最高 {listed(names[shares == high], 3)} {percent(high)}，最低 {listed(names[shares == low], 3)} "
        f"{percent(low)}，相差 {format_number(gap.gap_points, 1)} 个百分点{ratio}"
    )


def urban_rural(choice: CoverageChoice, answers: CoverageAnswers, level: Level) -> pd.DataFrame:
    """Return town and country of every region of a level; columns of ``geo.coverage.urban_rural_gap``."""
    return urban_rural_gap(
        answers.table(choice.minutes, level, "urban"), answers.table(choice.minutes, level, "rural")
    )


def show_equity(store: Store, choice: CoverageChoice, answers: CoverageAnswers) -> None:
    """Draw the gaps between regions, and between town and country."""
    levels = equity_levels(store, choice)
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown(f"**地区之间**　{components.plain(choice.group_name)}")
        for level in levels:
            rows = answers.table(choice.minutes, level, choice.group)
            st.caption(components.plain(f"{LEVEL_CHOICES[level]}：{gap_words(rows)}"))
        rows = answers.table(choice.minutes, levels[0], choice.group)
        with st.container(height=330, border=False, key="coverage_equity_box"):
            components.chart(ranking_chart(rows, selected=choice.region), key="coverage_equity")
    with right:
        st.markdown("**城镇与乡村**　分别按城镇人口、乡村人口计算")
        whole = row_of(store, choice, answers, choice.request.within)["level"]
        gaps = pd.concat(
            [urban_rural(choice, answers, level) for level in dict.fromkeys([whole, levels[0]])],
            ignore_index=True,
        )
        st.caption(components.plain(_urban_rural_words(gaps.iloc[0])))
        with st.container(height=330, border=False, key="coverage_urban_box"):
            components.chart(gap_chart(gaps), key="coverage_urban")


def _urban_rural_words(row: pd.Series) -> str:
    if pd.isna(row["gap_points"]):
        return f"{row['name']}：不能比较（{row['reason']}）"
    return (
        f"{row['name']}：城镇 {percent(row['urban_coverage'])}，乡村 {percent(row['rural_coverage'])}，"
        f"相差 {format_number(row['gap_points'], 1)} 个百分点"
    )


def sensitivity_rows(store: Store, choice: CoverageChoice, answers: CoverageAnswers) -> pd.DataFrame:
    """Return the coverage of the region looked at for other speeds and thresholds."""
    adcode = focus(choice)
    level = cast(Level, cached.region_table(store).loc[adcode, "level"])
    rules = load_coverage_rules()
    step = choice.minutes * rules.threshold_share
    rows = sensitivity(
        answers.analysis.profile(choice.group),
        choice.minutes,
        level=level,
        speed_factors=rules.speed_factors,
        threshold_steps=(-step, 0.0, step),
    )
    return rows[rows["adcode"] == adcode].reset_index(drop=True)


def show_sensitivity(store: Store, choice: CoverageChoice, answers: CoverageAnswers) -> None:
    """Draw what other speeds and thresholds would give."""
    rows = sensitivity_rows(store, choice, answers)
    st.caption(
        components.plain(
            f"{rows['name'].iloc[0]}，{choice.group_name}：全部速度（道路、轮渡、接驳步行）和阈值"
            "各上下浮动 20% 时的人口覆盖率；红框为当前设定。"
        )
    )
    components.chart(sensitivity_chart(rows, threshold_minutes=choice.minutes), key="coverage_sensitivity")
    why = rows["reason"].dropna().unique()
    for reason in why:
        st.caption(components.plain(reason))


_LINES = 5


def show_panels(store: Store, choice: CoverageChoice, answers: CoverageAnswers) -> None:
    """Draw the panel that is chosen."""
    panels: dict[str, tuple[str, Callable[[Store, CoverageChoice, CoverageAnswers], None]]] = {
        "curve": ("累计曲线", _curve),
        "people": ("人口分布", _distribution),
        "gaps": ("未覆盖片区", _clusters),
        "equity": ("均衡", show_equity),
        "sensitivity": ("敏感性", show_sensitivity),
        "table": ("数据表", _table),
    }
    panel = choose_panel("coverage_panel", panels, "curve")
    panels[panel][1](store, choice, answers)


def compared(store: Store, choice: CoverageChoice) -> list[str]:
    """Return the regions whose curves are drawn: the one looked at, those above it, or those below."""
    table = cached.region_table(store)
    chosen, within = focus(choice), choice.request.within
    codes = [chosen]
    if chosen == within:
        codes += [code for code in children(table, within) if table.loc[code, "level"] in LEVELS]
    else:
        held = inside(table, within)
        codes += [code for code in above(table, chosen) if code in held]
    return codes[:_LINES]


def curves(store: Store, choice: CoverageChoice, answers: CoverageAnswers) -> dict[str, pd.DataFrame]:
    """Return the cumulative curve of each region drawn, by name."""
    names = cached.region_table(store)["name"]
    return {str(names[code]): answers.curve(code, choice.group) for code in compared(store, choice)}


def _curve(store: Store, choice: CoverageChoice, answers: CoverageAnswers) -> None:
    made = ("curves", tuple(compared(store, choice)), choice.group)
    picture = answers.once(made, lambda: cumulative_curve_chart(curves(store, choice, answers)))
    components.chart(picture.at(threshold=choice.minutes), key="coverage_curve")


def _distribution(store: Store, choice: CoverageChoice, answers: CoverageAnswers) -> None:
    adcode = focus(choice)
    analysis = answers.analysis
    marks = minute_marks(analysis.travel.max_minutes, choice.minutes)
    curve = answers.curve(adcode, choice.group)
    curve = curve[curve["minutes"].isin(marks)].reset_index(drop=True)
    row = row_of(store, choice, answers, adcode)
    if pd.isna(row["population"]):
        st.info(components.plain(f"{row['name']}：{row['reason']}"), icon=":material/info:")
        return
    rest = float(row["unreachable_population"])
    components.chart(distribution_chart(minutes_bins(curve, rest), choice.minutes), key="coverage_people")
    st.caption(
        components.plain(
            f"{row['name']}，{choice.group_name} {format_number(float(row['population']), 0)} 人，"
            f"其中 {format_number(rest, 0)} 人在 {analysis.travel.max_minutes:g} 分钟内到不了任何设施"
            "，不在图中。"
        )
    )


def clusters_table(store: Store, choice: CoverageChoice, answers: CoverageAnswers) -> pd.DataFrame:
    """Return the uncovered clusters as people read them, the most populous first."""
    rows = answers.clusters(choice.minutes, choice.group).table
    table = cached.region_table(store)
    names, parents = table["name"], parent_names(table)
    return pd.DataFrame(
        {
            "位次": rows["rank"].astype("int64"),
            f"未覆盖人口（{choice.group_name}）": rows["population"].astype("float64"),
            "主要所在县（市、区）": rows["adcode"].map(names),
            "设区市": rows["adcode"].map(parents),
            "面积（平方公里）": rows["area_km2"].astype("float64"),
            "最近分钟": rows["nearest_minutes"].astype("float64"),
            "最远分钟": rows["farthest_minutes"].astype("float64"),
            "不可达人口": rows["unreachable_population"].astype("float64"),
        }
    )


def _clusters(store: Store, choice: CoverageChoice, answers: CoverageAnswers) -> None:
    rows = clusters_table(store, choice, answers)
    if rows.empty:
        st.success(
            f"{choice.minutes:g} 分钟内全部覆盖：没有未覆盖的人口片区。", icon=":material/check_circle:"
        )
        return
    people = float(rows.iloc[:, 1].sum())
    st.caption(
        components.plain(
            f"相连的未覆盖人口格合为一片，共 {len(rows)} 片、{format_number(people, 0)} 人，按人口排序；"
            "图上的数字是位次，位置是片内人口的中心。"
        )
    )
    _frame(rows, {"位次": 0, rows.columns[1]: 0, "面积（平方公里）": 1, "不可达人口": 0}, "coverage_clusters")


def _table(store: Store, choice: CoverageChoice, answers: CoverageAnswers) -> None:
    rows = figures_table(store, choice, answers)
    _frame(rows, {name: 0 for name in rows.columns if name.endswith("人口")}, "coverage_table")


def _frame(rows: pd.DataFrame, decimals: dict[str, int], key: str) -> None:
    """Draw a table; numbers have one decimal unless ``decimals`` says otherwise."""
    config = {
        str(name): st.column_config.NumberColumn(format=f"%,.{decimals.get(str(name), 1)}f")
        for name in rows.select_dtypes("number").columns
    }
    st.dataframe(rows, hide_index=True, height=min(38 + 35 * len(rows), 520), column_config=config, key=key)
