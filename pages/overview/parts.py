"""The parts of the page 总览: figures with their change and year, the plans' targets, the data itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
import streamlit as st

from data.registry import load_registry
from data.store.check import check_store, fact_summary, residuals, target_state_counts
from data.store.store import Store
from geo.region_tree import PROVINCE
from layers.charts.tracking import state_bars
from layers.model import AMOUNTS, format_number, readable, scale, short_name, signed
from pages.shared import cached
from pages.shared.cached import kept_by_version
from pages.shared.components import plain
from reports.targets import STATE_WORDS, headline_table, short_title, state_colours, with_unit

BREAK = "口径断点"


@dataclass(frozen=True)
class Figure:
    """One indicator of one region: the latest value, and the one before it when the two may be compared."""

    indicator: str
    name: str
    unit: str
    decimals: int
    direction: str
    value: float
    year: int
    source: str
    quality: str
    flag: str | None
    note: str | None
    reason: str | None
    earlier_year: int | None
    earlier: float
    no_change_reason: str | None

    @property
    def text(self) -> str:
        """The value in the unit people speak in: 8,474.80 万人."""
        return readable(self.value, self.unit, self.decimals)

    @property
    def exact(self) -> str:
        """The value in the indicator's own unit where `text` shows it in a larger one, else nothing."""
        if pd.isna(self.value) or scale(self.value, self.unit, self.decimals)[1] == 1:
            return ""
        return f"{format_number(self.value, self.decimals)} {self.unit}"

    @property
    def difference(self) -> float:
        """The value less the earlier one; NaN when they may not be compared."""
        return self.value - self.earlier

    @property
    def change(self) -> str:
        """The change in words: percentage points for shares, per cent for amounts, else the difference."""
        if pd.isna(self.difference):
            return ""
        if self.unit == "%":
            return f"{signed(self.difference, self.decimals)} 个百分点"
        if self.unit in AMOUNTS:
            return f"{signed(self.difference / self.earlier * 100, 2)}%"
        return f"{signed(self.difference, self.decimals)} {self.unit}"


def key_figures(store: Store, adcode: str = PROVINCE) -> list[Figure]:
    """Return the figures of a region that the registry lists and the store knows, in that order."""
    indicators = cached.indicators(store)
    titles = store.sources().set_index("id")["title"]
    figures = []
    for name in load_registry().overview.cards:
        if name not in indicators.index:
            continue
        facts = cached.facts(store, name)
        series = facts[facts["adcode"] == adcode]
        if len(series):
            figures.append(figure_of(indicators.loc[[name]].iloc[0], series, titles))
    return figures


def figure_of(indicator: pd.Series, series: pd.DataFrame, titles: pd.Series) -> Figure:
    """Return the figure of a series: its latest defined year (or its latest) against the year before that."""
    defined = series[series["value"].notna()]
    latest = (defined if len(defined) else series).iloc[-1]
    before = defined[defined["year"] < latest["year"]]
    flags = series.loc[series["year"].eq(latest["year"]), "flag"].fillna("")
    broken = flags.str.contains(BREAK, regex=False).any()
    comparable = len(before) > 0 and not broken
    return Figure(
        indicator=str(indicator["id"]),
        name=short_name(str(indicator["name"])),
        unit=str(indicator["unit"]),
        decimals=int(indicator["decimals"]),
        direction=str(indicator["direction"]),
        value=float(latest["value"]),
        year=int(latest["year"]),
        source=str(titles.get(latest["source"], latest["source"])),
        quality=str(latest["quality"]),
        flag=_text(latest["flag"]),
        note=_text(latest["note"]) or _text(indicator["note"]),
        reason=_text(latest["reason"]),
        earlier_year=int(before["year"].iloc[-1]) if comparable else None,
        earlier=float(before["value"].iloc[-1]) if comparable else float("nan"),
        no_change_reason=None if comparable else (BREAK if broken else "没有更早的数值"),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def comparison(store: Store, regions: Sequence[str]) -> pd.DataFrame:
    """Return figures side by side as texts: one row per indicator, columns 指标, 年份 and the regions.

    All values of a row are of one year, the latest in which the first region has one, and in one unit, the
    one the first region's value is said in. A region without a value in that year shows 无数据.
    """
    indicators = cached.indicators(store)
    shown = cached.region_table(store)["short_name"]
    rows = []
    for name in load_registry().overview.compared:
        values, year = _latest(store, name, regions) if name in indicators.index else (None, 0)
        if values is None:
            continue
        indicator = indicators.loc[[name]].iloc[0]
        unit, factor, decimals = scale(values[0], str(indicator["unit"]), int(indicator["decimals"]))
        cells = {
            shown[code]: "无数据" if pd.isna(value) else format_number(value / factor, decimals)
            for code, value in zip(regions, values, strict=True)
        }
        rows.append({"指标": f"{short_name(str(indicator['name']))}（{unit}）", "年份": str(year), **cells})
    return pd.DataFrame(rows)


def _latest(store: Store, name: str, regions: Sequence[str]) -> tuple[list[float] | None, int]:
    """Return the regions' values in the latest year of the first one, and that year; None without any."""
    facts = cached.facts(store, name)
    facts = facts[facts["adcode"].isin(regions) & facts["value"].notna()]
    years = facts.loc[facts["adcode"] == regions[0], "year"]
    if years.empty:
        return None, 0
    year = int(years.max())
    values = facts[facts["year"] == year].set_index("adcode")["value"].reindex(list(regions))
    return [float(value) for value in values], year


QUALITY_COLOURS: dict[str, Literal["blue", "violet", "orange", "gray"]] = {
    "official": "blue",
    "derived": "violet",
    "secondary": "orange",
    "imported": "gray",
}
CARDS_PER_ROW = 4


def figure_cards(figures: Sequence[Figure]) -> None:
    """Draw a card per figure: value, change since the earlier year, year, source and quality."""
    for start in range(0, len(figures), CARDS_PER_ROW):
        columns = st.columns(CARDS_PER_ROW, gap="small")
        for column, figure in zip(columns, figures[start : start + CARDS_PER_ROW], strict=False):
            with column.container(
                border=True, height="stretch", gap="xsmall", key=f"figure_{figure.indicator}"
            ):
                _card(figure)


def _card(figure: Figure) -> None:
    note = f"。{figure.note}" if figure.note else ""
    st.metric(plain(figure.name), figure.text, help=plain(f"来源：{figure.source}{note}"))
    if figure.change:
        st.markdown(f":small[:gray[较{figure.earlier_year}年]　{plain(figure.change)}]")
    else:
        st.markdown(f":small[:gray[不作比较：{plain(figure.no_change_reason)}]]")
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        st.badge(QUALITY_WORDS[figure.quality], color=QUALITY_COLOURS[figure.quality])
        parts = [f"{figure.year}年", figure.exact, figure.flag or "", figure.reason or ""]
        st.caption(plain(" · ".join(part for part in parts if part)), width="content")


def comparison_table(store: Store, regions: Sequence[str]) -> None:
    """Draw the comparison of regions, each row one indicator in one year."""
    table = comparison(store, regions)
    widths = {"指标": 162, "年份": 48} | dict.fromkeys(table.columns[2:], 66)
    st.dataframe(
        table,
        hide_index=True,
        height="content",
        column_config={
            name: st.column_config.TextColumn(width=width, alignment="left" if name == "指标" else "right")
            for name, width in widths.items()
        },
    )
    st.caption("各区的比值是区内分子之和除以分母之和，不是各市比值的平均。")
    st.caption("点击地图上的地区，上面的各项数字即改为该地区的。")


PERIODS = {
    "十三五": ("“十三五”目标的完成情况", "2020 年完成值对照 2020 年目标"),
    "十四五": ("“十四五”目标的起点", "2020 年基期值对照 2025 年目标；未达到的正是规划期要做的事"),
}
PAST = "十三五"


@dataclass(frozen=True)
class PeriodStates:
    """What is shown of one planning period; ``missed`` has a line per target of `PAST` that was not met."""

    plans: int
    total: int
    words: str
    chart: Any
    missed: tuple[str, ...]


def plan_states(store: Store) -> None:
    """Draw the states of the headline targets by plan, one chart per planning period."""
    for column, (period, (title, remark)) in zip(st.columns(2, gap="medium"), PERIODS.items(), strict=True):
        states = period_states(store, period)
        with column:
            st.markdown(f"**{plain(title)}**")
            st.caption(plain(f"{states.plans} 个规划 {states.total} 项：{states.words}。{remark}。"))
            st.altair_chart(states.chart, theme=None, key=f"states_{period}")
            if states.missed:
                with st.container(key="overview_missed"):
                    st.markdown(f"**“{period}”未达到的 {len(states.missed)} 项**")
                    st.markdown("\n".join(f"- :small[{plain(line)}]" for line in states.missed))


@kept_by_version(4)
def period_states(store: Store, period: str) -> PeriodStates:
    """Return what is shown of a period; made once per data version."""
    counts = target_state_counts(store).rename(columns=STATE_WORDS)
    longest = int(counts["total"].max())
    part = counts[counts["period"] == period]
    part = part.set_index(part["title"].map(short_title))[list(STATE_WORDS.values())]
    totals = part.sum()
    return PeriodStates(
        plans=len(part),
        total=int(totals.sum()),
        words="，".join(f"{word} {count} 项" for word, count in totals.items()),
        chart=state_bars(part, state_colours(load_registry()), longest=longest),
        missed=missed_lines(store) if period == PAST else (),
    )


def missed_lines(store: Store) -> tuple[str, ...]:
    """Return a line for every target of the period that is over which was not met."""
    targets = headline_table(store)
    missed = targets[(targets["period"] == PAST) & (targets["state"] == "not_met")]
    lines = []
    for row in missed.to_dict("records"):
        done, target = (with_unit(row[f"{side}_text"], row["unit"]) for side in ("base", "target"))
        lines.append(f"{row['indicator_text']}：完成 {done}，目标 {target}（{row['short']}）")
    return tuple(lines)


QUALITY_WORDS = {"official": "官方公布", "derived": "推算", "secondary": "二手转录", "imported": "用户导入"}

_QUALITIES = (
    "官方公布：普查资料原数。推算：由普查分组或长表抽样数推得，口径见各指标。"
    "二手转录：转录自统计年鉴，未逐年与原书核对。"
)


@dataclass(frozen=True)
class Loaded:
    """What the store holds: counts by name, the sources, sentences on residuals, rows without a region."""

    counts: dict[str, int]
    sources: pd.DataFrame
    residuals: tuple[str, ...]
    unmatched: pd.DataFrame


def data_state(store: Store, population: str) -> None:
    """Draw what is loaded: figures by source and quality, residuals, rows that found no region, the check."""
    held = loaded(store, population)
    with st.container(key="overview_loaded"):
        for column, (label, number) in zip(st.columns(len(held.counts)), held.counts.items(), strict=True):
            column.metric(label, format_number(number, 0))
    st.dataframe(held.sources, hide_index=True, height="content")
    st.caption(plain(_QUALITIES))
    for line in held.residuals:
        st.caption(plain(line))
    if len(held.unmatched):
        with st.expander("未匹配到地区的行"):
            st.dataframe(held.unmatched, hide_index=True)
    _check(store)


@kept_by_version(2)
def loaded(store: Store, population: str) -> Loaded:
    """Return what is said of the store; made once per data version."""
    summary, unmatched = fact_summary(store), store.unmatched()
    counts = {
        "指标": len(store.indicators()),
        "事实": int(summary["facts"].sum()),
        "无数值（有原因）": int(summary["undefined"].sum()),
        "规划文件": len(store.plan_documents()),
        "规划条目": len(store.plan_targets()),
        "未匹配到地区的行": len(unmatched),
    }
    return Loaded(counts, _sources(summary), tuple(residual_lines(store, population)), unmatched)


def _sources(summary: pd.DataFrame) -> pd.DataFrame:
    years = summary.apply(
        lambda row: (
            f"{row['first_year']}"
            if row["first_year"] == row["last_year"]
            else f"{row['first_year']}–{row['last_year']}"
        ),
        axis=1,
    )
    return pd.DataFrame(
        {
            "来源": summary["title"].fillna(summary["source"]),
            "质量": summary["quality"].map(QUALITY_WORDS),
            "年份": years,
            "指标数": summary["indicators"],
            "事实数": summary["facts"],
            "无数值": summary["undefined"],
            "带说明": summary["flagged"],
        }
    )


def residual_lines(store: Store, indicator: str) -> list[str]:
    """Return in words what prefectures have beyond their counties in the latest year."""
    frame = residuals(store, indicator)
    if frame.empty:
        return []
    frame = frame[frame["year"] == frame["year"].max()]
    parts = "，".join(f"{row.prefecture} {format_number(row.value, 0)} 人" for row in frame.itertuples())
    return [
        f"未分配：{frame['year'].iloc[0]} 年普查中，{parts}在分县资料里不属于任何县（市、区）（开发区单列），"
        "作为“未分配”单独保存，使县（市、区）之和加未分配等于设区市，设区市之和等于全省。"
    ]


def _check(store: Store) -> None:
    st.caption(plain(f"数据版本 {store.data_version}，构建于 {store.built_at}。没有通过体检的构建不会发布。"))
    with st.container(key="overview_check"):
        if not st.button("现在体检", icon=":material/fact_check:", help="重新核对库中全部数据，约需几秒"):
            return
        with st.spinner("正在体检…"):
            report = check_store(store)
        if report.ok:
            st.success("体检通过：没有发现问题。", icon=":material/check_circle:")
        for problem in report.problems:
            st.error(plain(problem), icon=":material/error:")
