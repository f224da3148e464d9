"""The sections of a briefing on plan targets and on what must be known of the data."""

from __future__ import annotations

import pandas as pd

from data.profiles import PROVINCE
from data.tracking import WHOLE
from layers.report import Block, Bullets, Heading, Paragraph, Table
from pages.briefing import Briefings
from pages.briefing_tracks import tracked
from pages.compare_words import remarks
from pages.target_parts import STATE_WORDS, headline_table, with_unit

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
        f"边界：{made.store.boundary_source}，{made.store.boundary_date}；地图为等积投影，未经审核不得公开。"
    )
    sources = {key for found in profiles.indicators["source"] for key in found}
    items.append(f"来源：{made.sources(sorted(sources))}。")
    items.append(f"数据版本：{made.store.data_version}。口径见各指标的说明和方法文档。")
    return [Heading("八、数据质量与来源"), Bullets(tuple(items))]
