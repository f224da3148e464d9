"""What a briefing says of services: who reaches what in time, and what the plans' standards find."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.coverage import IMPLIED, IMPLIED_POINTS, NO_ROADS, SCARCE
from analysis.standards import StandardsAnalysis
from data.registry.facility_models import load_facility_types
from geo.region_tree import above, inside, prefectures_of
from geo.standards import NO_FACILITIES
from layers.charts.profile import shown_value
from layers.model import format_number
from layers.words import profile as words
from layers.words import tracking as standard_words
from layers.words.tracking import Judged
from reports.document import Block, Heading, Paragraph, Table
from reports.region import Briefings, FacilityCoverage


def coverage_notes(made: Briefings, adcode: str) -> list[str]:
    """Return what must be known of the coverages: roads, counties without a point, and what else is said."""
    analyses = {one.name: one.analysis for one in made.coverages}
    told = []
    roadless = [name for name, one in analyses.items() if any(NO_ROADS in note for note in one.notes)]
    if roadless:
        everything = "" if len(roadless) == len(analyses) else f"{'、'.join(roadless)}："
        told.append(f"{everything}{NO_ROADS}，时间按直线距离 × 绕行系数估算（见口径）")
    own = set(made.inside(adcode))
    empty = {name: len(own - set(one.facilities["adcode"].dropna())) for name, one in analyses.items()}
    lacking = "、".join(f"{name} {count} 个" for name, count in empty.items() if count)
    if lacking:
        told.append(f"{len(own)} 个县（市、区）中没有点位的：{lacking}，空白可能是数据缺失")
    others: dict[str, list[str]] = {}
    for name, one in analyses.items():
        for note in _own_notes(made, adcode, one.notes):
            if not any(said in note for said in (NO_ROADS, IMPLIED_POINTS, SCARCE)):
                others.setdefault(note, []).append(name)
    every = len(analyses)
    return [
        *told,
        *(note if len(kinds) == every else f"{'、'.join(kinds)}：{note}" for note, kinds in others.items()),
    ]


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


@dataclass(frozen=True)
class Standing:
    """The standards that bind a region: those that can be judged by id, and all of them as rows."""

    judged: dict[str, Judged]
    rows: pd.DataFrame


def standing(analysis: StandardsAnalysis, adcode: str) -> Standing:
    """Return how a region stands against the standards whose plan binds it, summed over what lies within."""
    rows = analysis.summary(adcode).set_index("standard", drop=False)
    rows = rows[(rows["regions"] > 0) | rows["required"].isna()]
    # A plan of one county binds that county: it is no standard of the prefecture or the province.
    binding = {adcode, *above(analysis.regions, adcode)}
    rows = rows[[analysis.standards[str(key)].within in binding for key in rows.index]]
    judged = {
        str(key): Judged(
            str(row["name"]),
            str(row["unit"]),
            float(row["required"]),
            float(row["provided"]),
            float(row["shortfall"]),
            basis_of(analysis, str(key)),
        )
        for key, row in rows[rows["shortfall"].notna()].to_dict("index").items()
    }
    return Standing(judged, rows)


def basis_of(analysis: StandardsAnalysis, standard: str) -> str:
    """Return what is known of a standard's facilities rests on: imported, implied points, both, nothing."""
    placed = analysis.counted(standard)["precision"].isin(IMPLIED)
    if placed.empty:
        # The type is known to the store, but none of it counts: what is imported says so.
        known = analysis.facilities["type"].isin(analysis.standards[standard].types)
        placed = analysis.facilities.loc[known, "precision"].isin(IMPLIED)
    if placed.empty:
        return standard_words.UNKNOWN
    if placed.all():
        return standard_words.IMPLIED
    return standard_words.MIXED if placed.any() else standard_words.IMPORTED


def absent(analysis: StandardsAnalysis, adcode: str, found: Standing) -> dict[str, list[str]]:
    """Return by standard the prefectures (of a county itself) without a single imported facility of it."""
    table = analysis.regions
    level = str(table["level"].to_dict()[adcode])
    codes = inside(table, adcode, "county" if level == "county" else "prefecture")
    absent: dict[str, list[str]] = {}
    for key, one in found.judged.items():
        if one.basis != standard_words.IMPORTED or one.shortfall == 0:
            continue
        home = analysis.counted(key)["adcode"]
        known = set(home if level == "county" else prefectures_of(home))
        places = [str(table["short_name"].to_dict()[code]) for code in codes if code not in known]
        if places:
            absent[one.name] = places
    return absent


def missing(analysis: StandardsAnalysis, rows: pd.DataFrame) -> list[str]:
    """Return the names of the facility types without which standards cannot be judged."""
    known = set(analysis.facilities.loc[~analysis.facilities["precision"].isin(IMPLIED), "type"])
    types = load_facility_types()
    wanted = [
        one
        for key in rows.index[rows["reason"] == NO_FACILITIES]
        for one in analysis.standards[str(key)].types
        if one not in known
    ]
    return [types[one].name for one in dict.fromkeys(wanted)]


def groups(analysis: StandardsAnalysis, found: Standing) -> list[list[str]]:
    """Return the ids of the standards, those that ask the same thing of the same regions together."""
    gravest = standard_words.gravest(list(found.judged.values()))
    order = {id(one): number for number, one in enumerate(gravest)}
    rank = {key: order.get(id(one), len(order)) for key, one in found.judged.items()}
    groups: dict[tuple[object, ...], list[str]] = {}
    for key in sorted(map(str, found.rows.index), key=lambda one: rank.get(one, math.inf)):
        rule = analysis.standards[key].as_rule()
        asked = found.rows["required"].to_dict()[key]
        groups.setdefault((rule.subject, rule.region_level, rule.kinds, *rule.terms, asked), []).append(key)
    return list(groups.values())


_MOST_ROWS = 6
_UNKNOWN = "，已配未知"


def standards(made: Briefings, adcode: str) -> list[Block]:
    """Return 应配与缺口: what the plans' standards require here, what is there, what is lacking."""
    made.require(adcode)
    analysis, name = made.standards, made.name(adcode)
    found = standing(analysis, adcode)
    judged = list(found.judged.values())
    blocks: list[Block] = [
        Heading("六、应配与缺口"),
        Paragraph(standard_words.shortfall_sentence(name, judged, len(found.rows))),
    ]
    told = standard_words.basis_sentence(judged)
    if told:
        real = all(one.basis == standard_words.IMPORTED for one in judged)
        blocks.append(Paragraph(told, "note" if real else "notice"))
    if len(found.rows):
        blocks.append(_table(made, adcode, found))
    reasons = found.rows["reason"].dropna().map(lambda text: text.removesuffix(_UNKNOWN))
    notes = [
        standard_words.absent_sentence(absent(analysis, adcode, found)),
        standard_words.unjudged_sentence(Counter(reasons), missing(analysis, found.rows)),
    ]
    said = "".join(notes)
    return [*blocks, Paragraph(said, "note")] if said else blocks


def _table(made: Briefings, adcode: str, found: Standing) -> Table:
    """Return the standards judged, the gravest lack first, then others that bind; the same asked once."""
    asked = groups(made.standards, found)
    plans = made.plan_titles
    cells = []
    for keys in asked[:_MOST_ROWS]:
        entries = [made.standards.standards[key] for key in keys]
        row = found.rows.loc[keys[0]].to_dict()
        one = found.judged.get(keys[0])
        numbers = list(dict.fromkeys(entry.doc_no for entry in entries))
        cells.append(
            (
                entries[0].name,
                f"{plans.get(numbers[0], '')}（{numbers[0]}）"
                + (f"等 {len(numbers)} 个规划" if len(numbers) > 1 else ""),
                *(_amount(row[column], entries[0].unit) for column in ("required", "provided", "shortfall")),
                one.basis if one else standard_words.UNKNOWN,
            )
        )
    more = sum(len(keys) for keys in asked[_MOST_ROWS:])
    rest = f"；另有 {more} 条未列出，见“应配与缺口”页" if more else ""
    return Table(
        f"{made.name(adcode)}按规划配置标准的应配、已配和缺口",
        ("标准", "规划（文号）", "应配", "已配", "缺口", "数据"),
        tuple(cells),
        f"{_sources(made, found)}{rest}",
        (4.3, 5.1, 1.9, 1.6, 1.9, 1.4),
        (2, 3, 4),
    )


def _amount(value: float, unit: str) -> str:
    return "未知" if pd.isna(value) else f"{format_number(value, 0)} {unit}"


def _sources(made: Briefings, found: Standing) -> str:
    """Return where people, facilities and standards come from."""
    used: Sequence[str] = [
        source for key in found.judged for source in made.standards.counted(key)["source"].dropna().unique()
    ]
    facilities = f"；设施：{made.sources(used)}" if used else ""
    return f"标准：各规划（文号见表）；人口：{made.standards.population_text}{facilities}"
