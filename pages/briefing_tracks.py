"""The part of a briefing's 规划目标 that sets targets beside observed series, as the page 目标追踪 does."""

from __future__ import annotations

from collections.abc import Sequence

from data.profiles import PROVINCE
from data.tracking import OWN, WHOLE, Track
from layers import tracking_words as words
from layers.model import format_number
from layers.report import Block, Figure, Heading, Paragraph, Table
from layers.report_figures import track_png
from layers.tracking_words import Path
from pages.briefing import Briefings
from pages.target_parts import short_title
from pages.tracking_paths import path_of

_CHART_CM = (15.0, 4.2)
_MOST_TRACKS = 5
_FIRST = (words.AGAINST, words.UNABLE, words.STILL, words.MISSED)
"""What a reader must see first when not all targets find room."""
_MOST_SENTENCES = 3


def tracked(made: Briefings, adcode: str, scopes: set[str]) -> list[Block]:
    """Return the targets with an observed series: those of the region itself, else the province's.

    ``scopes``: how the plans name the region. The region's own get a sentence and a chart each, the
    province's a sentence and a table, said to be the province's.
    """
    own = [track for track in made.tracks if _concerns(track, adcode, scopes)]
    heading = Heading("目标与实测数列", 2)
    if own:
        said = [words.path_words(path) for track in own for path in path_of(track)[-1:]]
        blocks: list[Block] = [heading, Paragraph("".join(said[:_MOST_SENTENCES]))]
        return [*blocks, _chart(made, own[0]), *([_track_table(made, own)] if len(own) > 1 else [])]
    of_province = [track for track in made.tracks if track.scope == WHOLE]
    if not of_province:
        return []
    paths = [path for track in of_province for path in path_of(track)[-1:]]
    what = (
        f"{made.name(adcode)}没有可与实测数列对照的专项目标；全省目标"
        if adcode != PROVINCE
        else "全省规划目标"
    )
    return [heading, Paragraph(words.verdicts_sentence(what, paths)), _track_table(made, of_province)]


def _concerns(track: Track, adcode: str, scopes: set[str]) -> bool:
    """Return whether a target is the region's own: by its series, or by the name the plan gives."""
    if adcode == PROVINCE:
        return False
    return track.region == adcode or (track.origin == OWN and track.scope in scopes)


def _chart(made: Briefings, track: Track) -> Figure:
    unit = f"（{track.unit}）" if track.unit else ""
    png = track_png(
        track.observed.dropna(subset="value"),
        track.targets,
        label=f"{track.text}{unit}",
        comparable=track.comparable,
        font=made.font,
        size_cm=_CHART_CM,
    )
    caption = f"{track.scope}{track.text}：实测与目标"
    return Figure(caption, png, *_CHART_CM, _source(made, [track]), caption)


def _track_table(made: Briefings, found: Sequence[Track]) -> Table:
    """Return the targets with their latest value, the pace so far and that needed: the endangered first."""
    paths = [path for track in found for path in path_of(track)[-1:]]
    order = [*_FIRST, *(word for word in words.VERDICTS if word not in _FIRST)]
    paths.sort(key=lambda path: order.index(words.verdict(path)))
    scopes = dict.fromkeys(track.scope for track in found)
    more = f"；另有 {len(paths) - _MOST_TRACKS} 项未列出，见“目标追踪”页" if len(paths) > _MOST_TRACKS else ""
    return Table(
        f"有实测数列的目标（{'、'.join(scopes)}口径）",
        ("指标", "最近实测（年）", "目标（年）", "已有／还需（每年）", "判断"),
        tuple(map(_row, paths[:_MOST_TRACKS])),
        f"{_source(made, found)}{more}",
        (4.7, 3.1, 2.9, 3.3, 2.3),
    )


def _row(path: Path) -> tuple[str, ...]:
    found = words.verdict(path)
    ahead = found not in {words.UNDECIDED, words.REACHED, words.EARLY, words.MISSED}
    return (
        path.name.removeprefix(WHOLE),
        f"{words.amount(path, path.last)}（{path.last_year}）",
        f"{path.target_text}（{path.target_year}）",
        f"{_pace(path, path.pace)}／{_pace(path, path.needed if ahead else None)}",
        found,
    )


def _pace(path: Path, change: float | None) -> str:
    """Return a change per year with its sign, in the unit of the target."""
    if change is None:
        return "—"
    digits = path.decimals + 1
    sign = "+" if round(change, digits) > 0 else "−" if round(change, digits) < 0 else ""
    return f"{sign}{format_number(abs(change), digits)}"


def _source(made: Briefings, found: Sequence[Track]) -> str:
    """Return where targets and observed values come from; values a plan gives itself are said to be that."""
    plans = "、".join(dict.fromkeys(short_title(track.title) for track in found))
    used = list(dict.fromkeys(track.indicator for track in found if track.indicator is not None))
    parts = [f"目标：{plans}"]
    if used:
        parts.append(f"数列：{made.sources_of(*used)}")
    if any(track.origin == OWN for track in found):
        parts.append("其余现状值为规划自己所载" if used else "现状值为规划自己所载")
    return "；".join(parts)
