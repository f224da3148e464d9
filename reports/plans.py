"""What a briefing says of plan targets and of its data: states, and targets beside observed series."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis.tracking import OWN, WHOLE, Track
from geo.region_tree import PROVINCE
from layers.model import format_number
from layers.words import tracking as words
from layers.words.tracking import Path
from reports.document import Block, Bullets, Figure, Heading, Paragraph, Table
from reports.figures import track_png
from reports.provenance import internal_notice
from reports.region import Briefings, remarks
from reports.targets import STATE_WORDS, headline_table, path_of, short_title, with_unit

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
    paths.sort(key=lambda path: order.index(path.verdict))
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
    found = path.verdict
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


PERIOD = "十四五"
_MOST_ROWS = 6
_EVERY = {
    "prefecture": ("各设区市", "全省设区市", "省和设区市"),
    "county": ("县级", "各县（市）", "全省县(市、区)", "常住人口50万以上的县（市、涉农区）"),
    "economic_region": (),
    "province": (),
}


def targets(made: Briefings, adcode: str) -> list[Block]:
    """Return 规划目标: the targets set for the region itself or all of its kind, and the province's state."""
    level = made.require(adcode)
    name = made.name(adcode)
    held = headline_table(made.store)
    held = held[held["period"] == PERIOD]
    scopes = _scopes(made, adcode)
    own = held[held["scope"].isin(scopes)]
    every = held[held["scope"].isin(_EVERY[level])]
    blocks: list[Block] = [Heading("七、规划目标")]
    province = held[(held["scope"] == WHOLE) & (held["attribute"] == "约束性")]
    what = "全省主要指标" if adcode == PROVINCE else f"专为{name}（或所在区域）设定的主要指标"
    blocks.append(Paragraph(states_sentence(f"“{PERIOD}”规划中{what}", own)))
    rest = "" if adcode == PROVINCE else f"这是全省口径、按规划基期值的判断，不是{name}的完成情况。"
    blocks.append(Paragraph(states_sentence(f"全省“{PERIOD}”约束性主要指标", province) + rest))
    shown = pd.concat([own[own["attribute"] == "约束性"], own[own["attribute"] != "约束性"], every])
    caption = f"与{name}直接有关的目标"
    if shown.empty or adcode == PROVINCE:
        shown, caption = province[province["state"] == "not_met"], "全省尚未达到的约束性目标（省级口径）"
    blocks.append(_table(caption, shown, "全省" if adcode == PROVINCE else name))
    return [*blocks, *tracked(made, adcode, scopes)]


def _scopes(made: Briefings, adcode: str) -> set[str]:
    """Return how the plans name a region, or the economic region it lies in."""
    if adcode == PROVINCE:
        return {WHOLE}
    chain = [adcode, *(code for code in made.above(adcode) if code != PROVINCE)]
    short = made.table["short_name"].to_dict()
    names = {text for code in chain for text in (made.name(code), str(short[code]), f"{short[code]}地区")}
    return names | {f"{short[code]}市" for code in chain[:1]}


def states_sentence(what: str, rows: pd.DataFrame) -> str:
    """Return how many targets are met, not met and undecided; ``rows`` has a column ``state``."""
    if rows.empty:
        return f"{what}没有。"
    counts = rows["state"].value_counts().to_dict()
    told = "、".join(f"{word} {counts[key]} 项" for key, word in STATE_WORDS.items() if counts.get(key))
    return f"{what}共 {len(rows)} 项，按基期值判断：{told}。"


def _table(caption: str, rows: pd.DataFrame, own: str) -> Table:
    """Return the targets as a table; the scope is told where it is not the region's ``own`` name."""
    more = len(rows) - _MOST_ROWS
    shown = rows.head(_MOST_ROWS)
    cells = tuple(
        (
            str(row["indicator_text"]) + ("" if row["scope"] == own else f"（{row['scope']}）"),
            str(row["attribute"]),
            _text(row["base_text"], row["unit"]),
            f"{_text(row['target_text'], row['unit'])}（{int(row['target_year'])}）",
            str(row["state_word"]),
            str(row["short"]),
        )
        for row in shown.to_dict("records")
    )
    rest = f"；另有 {more} 项未列出，见“规划目标”页" if more > 0 else ""
    return Table(
        caption,
        ("指标", "属性", "基期值", "目标值（年）", "状态", "规划"),
        cells,
        f"各规划主要指标表（文号见“规划目标”页）{rest}",
        (4.6, 1.3, 1.5, 2.7, 1.7, 3.3),
    )


def _text(value: object, unit: object) -> str:
    return with_unit(value, unit) if isinstance(value, str) and value not in {"", "—"} else "—"


def quality(made: Briefings, adcode: str) -> list[Block]:
    """Return 数据质量与来源: what a reader must know, what is missing here, where all of it comes from."""
    level = made.require(adcode)
    profiles = made.profiles(level)
    items = [f"{one}。" for one in remarks(profiles)]
    flagged = {
        str(text): str(profiles.indicators["name"].to_dict()[key])
        for key in profiles.remarks.columns
        if (text := profiles.remarks[key].to_dict()[adcode])
    }
    items += [f"{name}：{text}。" for text, name in flagged.items()]
    missing = [key for key in profiles.spines if pd.isna(profiles.value(adcode, key))]
    names = profiles.indicators["name"].to_dict()
    items += [
        f"{names[key]}没有数值：{profiles.reasons[key].to_dict()[adcode] or '没有数据'}。" for key in missing
    ]
    items.append("比重和均值都由分子、分母之和相除得到，不是下级地区的平均；没有数值不等于零。")
    items.append(
        f"边界：{made.store.boundary_source}，{made.store.boundary_date}；地图为等积投影。{internal_notice()}。"
    )
    sources = {key for found in profiles.indicators["source"] for key in found}
    items.append(f"来源：{made.sources(sorted(sources))}。")
    items.append(f"数据版本：{made.store.data_version}。口径见各指标的说明和方法文档。")
    return [Heading("八、数据质量与来源"), Bullets(tuple(items))]
