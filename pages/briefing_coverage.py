"""The section of a briefing on facilities: who reaches what in time, and where those are who do not."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from layers import profile_words as words
from layers.model import format_number
from layers.profile_charts import shown_value
from layers.report import Block, Heading, Paragraph, Table
from pages.briefing import Briefings

_MOST_COUNTIES = 8


def coverage(made: Briefings, adcode: str) -> list[Block]:
    """Return 设施覆盖与缺口: who reaches what in time, and where the people are who do not."""
    level = made.require(adcode)
    blocks: list[Block] = [Heading("五、设施覆盖与缺口", new_page=True)]
    if not made.coverages:
        return [*blocks, Paragraph("数据库中没有简报所列类型的设施，不能计算覆盖。")]
    rows, said = [], []
    notes: dict[str, list[str]] = {}
    for number, one in enumerate(made.coverages):
        row = made.coverage_table(number, level).to_dict("index")[adcode]
        left = float(row["population"]) - float(row["covered_population"])
        rows.append(
            (
                one.name,
                f"{one.analysis.method}，{one.minutes:g} 分钟",
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
        for note in _own_notes(made, adcode, one.analysis.notes):
            notes.setdefault(note, []).append(one.name)
    if any(one.analysis.implied for one in made.coverages):
        blocks.append(
            Paragraph(
                "以下含推定点位：设施按规划的配置标准放置，不是实测位置，只用来演示方法，不能作为结论；"
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
            (2.0, 4.6, 1.4, 1.6, 1.2),
            (2, 3, 4),
        )
    )
    blocks += _worst_counties(made, adcode, level)
    told = [f"{'、'.join(kinds)}：{note}" for note, kinds in notes.items()]
    return [*blocks, Paragraph(f"{'；'.join(told)}。", "note")] if told else blocks


def _own_notes(made: Briefings, adcode: str, notes: Sequence[str]) -> list[str]:
    """Return the notes of the analyses that concern the region: those on another prefecture do not."""
    own = {
        adcode,
        *made.above(adcode),
        *made.inside(adcode),
        *(made.above(c)[0] for c in made.inside(adcode)),
    }
    table = made.table[made.table["level"] == "prefecture"]
    others = [str(name) for code, name in table["name"].items() if code not in own]
    return [note for note in dict.fromkeys(notes) if not note.startswith(tuple(others))]


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
