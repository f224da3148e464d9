"""The sections of a briefing on how a region stands: strengths against its peers, and the province's gap."""

from __future__ import annotations

from math import isnan

from geo.region_tree import ECONOMIC_REGIONS, LEVEL_WORDS, PROVINCE
from layers.charts.profile import Mark, shown_value, spine_frames
from layers.model import format_number
from layers.words import profile as words
from layers.words.gap import gap_sentences
from reports.document import Block, Bullets, Figure, Heading, Paragraph, Table
from reports.figures import spine_png
from reports.people import regions_course
from reports.region import GAP_SUBJECTS, Briefings, similar_of, strengths_of

_SPINE_WIDTH_CM = 16.2
_PREFECTURE_KEYS = (
    "gdp_per_head",
    "urbanisation_rate",
    "population_65_plus_share",
    "mean_years_schooling",
    "tertiary_share",
)


def strengths(made: Briefings, adcode: str) -> list[Block]:
    """Return 长处与短板: the spine chart against the peers, and who is alike."""
    level = made.require(adcode)
    if level == "province":
        return _regions_strengths(made)
    profiles = made.profiles(level)
    above = profiles.economic_region(adcode)
    marks = [Mark("全省", "province", profiles.row(PROVINCE))]
    marks += [Mark(made.name(above), "economic_region", profiles.row(above))] if above else []
    marks.append(Mark(made.name(adcode), "region", profiles.row(adcode), adcode))
    bars, dots = spine_frames(profiles.spines, profiles.indicators, marks)
    height = 1.6 + 0.42 * len(bars)
    png = spine_png(bars, dots, made.name(adcode), font=made.font, size_cm=(_SPINE_WIDTH_CM, height))
    word = LEVEL_WORDS[level]
    caption = f"{made.name(adcode)}在全省{word}中的位置"
    key = f"浅条自最差到最优（逆向指标已调转），深条为中间一半{word}，竖线为全省"
    key += f"，菱形为{made.name(above)}" if above else ""
    return [
        Heading("三、长处与短板", new_page=True),
        Paragraph(strengths_of(profiles, adcode)),
        Figure(caption, png, _SPINE_WIDTH_CM, height, made.sources_of(*profiles.indicators["id"]), caption),
        Paragraph(f"{key}；带 ○ 的中性指标不分好坏，左低右高。", "note"),
        Paragraph(similar_of(profiles, adcode, made.names(level))),
    ]


def _regions_strengths(made: Briefings) -> list[Block]:
    """Return what the three regions are strong in, and the prefectures in a few indicators."""
    profiles, prefectures = made.profiles("economic_region"), made.profiles("prefecture")
    keys = [key for key in _PREFECTURE_KEYS if key in prefectures.spines]
    entries = [prefectures.indicators.loc[key] for key in keys]
    own = prefectures.regions[prefectures.regions["level"] == "prefecture"]
    rows = []
    for code, name in own["name"].items():
        values = [prefectures.value(str(code), key) for key in keys]
        ranks = [float(prefectures.spines[key].ranks.to_dict()[code]) for key in keys]
        cells = (
            f"{shown_value(value, int(str(entry['decimals'])))}{'' if isnan(rank) else f'（{int(rank)}）'}"
            for value, rank, entry in zip(values, ranks, entries, strict=True)
        )
        rows.append((str(name), *cells))
    heads = (f"{words.short(str(one['name']))}（{one['unit']}）" for one in entries)
    return [
        Heading("三、长处与短板", new_page=True),
        Bullets(tuple(strengths_of(profiles, code) for code in ECONOMIC_REGIONS)),
        Table(
            "13 个设区市的主要指标（括号内为位次）",
            ("地区", *heads),
            tuple(rows),
            made.sources_of(*keys),
            (1.2, *(1.6 for _ in keys)),
            tuple(range(1, len(keys) + 1)),
        ),
        Paragraph("中性指标的位次从高到低，不分好坏；逆向指标从低到高。", "note"),
    ]


def gaps(made: Briefings, adcode: str) -> list[Block]:
    """Return 区域差距: the province's gap in two indicators, in sentences, and the region's place in it."""
    level = made.require(adcode)
    blocks: list[Block] = [Heading("四、所处的区域差距")]
    rows, used = [], []
    for indicator, before in GAP_SUBJECTS[level]:
        found = made.gap(indicator, level, before)
        said = gap_sentences(found)
        subject = found.now.subject
        blocks.append(Heading(words.short(subject.name), 2))
        blocks.append(Paragraph("".join(said[key] for key in ("extremes", "south_north", "where"))))
        if "remarks" in said:
            blocks.append(Paragraph(said["remarks"], "note"))
        used.append(indicator)
        for analysis in (found.then, found.now):
            if analysis is None:
                continue
            numbers = [
                analysis.measures[key] for key in ("max_min_ratio", "south_north_ratio", "gini", "theil")
            ]
            shown = [
                format_number(one.value, places) if one.defined else "无定义"
                for one, places in zip(numbers, (2, 2, 4, 4), strict=True)
            ]
            between = analysis.theil.between_share
            share = f"{between.value * 100:.1f}%" if between.defined else "—"
            rows.append((words.short(subject.name), str(analysis.year), *shown, share))
    # The province's own course through the years is that of its regions: it has been shown.
    blocks.append(regions_course(made, GAP_SUBJECTS[level][1 if level == "province" else 0][0]))
    blocks.append(
        Table(
            "全省差距的几种度量",
            ("指标", "年份", "最高/最低", "苏南/苏北", "基尼系数", "泰尔指数", "三大区域之间占"),
            tuple(rows),
            made.sources_of(*used),
            (2.4, 0.9, 1.1, 1.1, 1.1, 1.1, 1.5),
            (1, 2, 3, 4, 5, 6),
        )
    )
    return blocks
