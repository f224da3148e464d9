"""The section of a briefing on the plans' standards: what the region must have, has, and lacks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from layers import standard_words
from layers.model import format_number
from layers.report import Block, Heading, Paragraph, Table
from pages.briefing import Briefings
from pages.briefing_judged import Standing, absent, groups, missing, standing

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
