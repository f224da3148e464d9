"""The section of a briefing on facilities: who reaches what in time, and where those are who do not."""

from __future__ import annotations

import math

import numpy as np

from data.coverage import NO_ROADS
from layers import profile_words as words
from layers.model import format_number
from layers.profile_charts import shown_value
from layers.report import Block, Heading, Paragraph, Table
from pages.briefing import Briefings
from pages.briefing_coverage_notes import coverage_notes
from pages.briefing_store import FacilityCoverage

_MOST_COUNTIES = 4


def coverage(made: Briefings, adcode: str) -> list[Block]:
    """Return 设施覆盖与缺口: who reaches what in time, and where the people are who do not."""
    level = made.require(adcode)
    blocks: list[Block] = [Heading("五、设施覆盖与缺口")]
    if not made.coverages:
        return [*blocks, Paragraph("数据库中没有简报所列类型的设施，不能计算覆盖。")]
    rows, said = [], []
    for number, one in enumerate(made.coverages):
        row = made.coverage_table(number, level).to_dict("index")[adcode]
        left = float(row["population"]) - float(row["covered_population"])
        rows.append(
            (
                one.name,
                f"{_way(one)}，{one.minutes:g} 分钟",
                _percent(float(row["population_coverage"])),
                words.people(left),
                shown_value(float(row["mean_minutes"]), 1),
            )
        )
        said.append(
            words.coverage_sentence(
                made.name(adcode),
                one.name,
                one.minutes,
                share=float(row["population_coverage"]),
                left=left,
                method="按" + one.analysis.method,
            )
        )
    implied = [one.name for one in made.coverages if one.analysis.implied]
    if implied:
        blocks.append(
            Paragraph(
                f"{'、'.join(implied)}为推定点位：按规划的配置标准放置，不是实测位置，只用来演示方法，不能作为结论；"
                "导入真实设施后重新生成即可。",
                "notice",
            )
        )
    blocks.append(Paragraph(said[0]))
    source = made.sources(
        [key for one in made.coverages for key in one.analysis.facilities["source"].dropna().unique()]
    )
    blocks.append(
        Table(
            f"{made.name(adcode)}各类设施的人口覆盖",
            ("设施", "口径", "人口覆盖率", "未覆盖人口", "平均分钟"),
            tuple(rows),
            f"设施：{source}；人口：第七次人口普查与人口格网模型",
            (2.9, 6.9, 2.0, 2.6, 1.75),
            (2, 3, 4),
        )
    )
    blocks += _worst_counties(made, adcode, level)
    told = coverage_notes(made, adcode)
    return [*blocks, Paragraph(f"{'；'.join(told)}。", "note")] if told else blocks


def _way(one: FacilityCoverage) -> str:
    """Return the method without the straight line that the note below speaks of."""
    roadless = any(NO_ROADS in note for note in one.analysis.notes)
    return one.analysis.method.removeprefix("直线距离，") if roadless else one.analysis.method


def _percent(share: float) -> str:
    return "无数据" if math.isnan(share) else f"{format_number(share * 100, 1)}%"


def _worst_counties(made: Briefings, adcode: str, level: str) -> list[Block]:
    """Say in which counties most people are without the first type; a county has none within it."""
    if level == "county":
        return []
    table = made.coverage_table(0, "county")
    own = table[table.index.isin(made.inside(adcode))]
    left = (own["population"] - own["covered_population"]).sort_values(ascending=False)
    left = left[np.round(left) > 0].head(3)
    kind = made.coverages[0]
    if left.empty:
        return [
            Paragraph(
                f"{made.name(adcode)}各县（市、区）都没有 {kind.minutes:g} 分钟到不了{kind.name}的人口。"
            )
        ]
    told = "、".join(
        f"{made.name(str(code))}（{words.people(float(count))}）" for code, count in left.items()
    )
    rows = tuple(
        (
            made.name(str(code)),
            words.people(float(row["population"])),
            _percent(float(row["population_coverage"])),
            words.people(float(row["population"]) - float(row["covered_population"])),
            shown_value(float(row["mean_minutes"]), 1),
        )
        for code, row in own.sort_values("population_coverage").head(_MOST_COUNTIES).to_dict("index").items()
    )
    most = f"（最低的 {len(rows)} 个）" if len(own) > len(rows) else ""
    return [
        Paragraph(f"{kind.name}未覆盖人口最多的是{told}。"),
        Table(
            f"各县（市、区）{kind.minutes:g} 分钟到{kind.name}的人口覆盖率，由低到高{most}",
            ("地区", "人口", "人口覆盖率", "未覆盖人口", "平均分钟"),
            rows,
            "同上表",
            (2.0, 1.5, 1.5, 1.5, 1.2),
            (1, 2, 3, 4),
        ),
    ]
