"""What must be known of the coverage in a briefing: roads, counties without a point, people not placed."""

from __future__ import annotations

from collections.abc import Sequence

from data.coverage import IMPLIED_POINTS, NO_ROADS, SCARCE
from pages.briefing import Briefings


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
