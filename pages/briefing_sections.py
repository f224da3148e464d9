"""The sections of a briefing: each returns the blocks it is made of, every figure from the store."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from data.profiles import PROVINCE
from geo.gaps import CENTRAL, NORTH, SOUTH
from layers import profile_words as words
from layers.figure import figure_bytes
from layers.gap_words import gap_sentences
from layers.model import format_number
from layers.profile_charts import Mark, shown_value, spine_frames
from layers.profile_words import Point
from layers.report import Block, Bullets, Figure, Heading, Paragraph, Table
from layers.report_figures import bars_png, lines_png, spine_png
from layers.themes import BY_DIRECTION, Ramp, choropleth
from pages.briefing import GAP_SUBJECTS, LEVEL_WORDS, Briefings
from pages.compare_words import similar_of, standing_of, strengths_of
from pages.origin import provenance

_KEY = ("urbanisation_rate", "population_65_plus_share", "mean_years_schooling")
_CENSUS = (2010, 2020)
_MAP_INDICATOR = "population_65_plus_share"
_MAP_CM, _SPINE_CM, _CHART_CM = (12.6, 8.6), (16.2, 11.4), (15.0, 5.0)
_BREAK_YEAR = 2019.5
_MOST_COUNTIES = 8


def summary(made: Briefings, adcode: str) -> list[Block]:
    """Return 要点: who lives here, how the region stands, in what it is strong, the gap of the province."""
    level = made.require(adcode)
    profiles = made.profiles(level)
    name = made.name(adcode)
    items = [_residents(made, adcode, level), _people_change(made, adcode)]
    keys = (*(("gdp_per_head",) if "gdp_per_head" in profiles.spines else ()), *_KEY)
    items += [
        words.standing_sentence(standing_of(profiles, adcode, key)) for key in keys if key in profiles.spines
    ]
    items.append(strengths_of(profiles, adcode))
    indicator, before = GAP_SUBJECTS[level][0]
    items.append(gap_sentences(made.gap(indicator, level, before))["south_north"])
    return [Heading("一、要点"), Bullets(tuple(items)), _note(made, name)]


def _note(made: Briefings, name: str) -> Paragraph:
    return Paragraph(
        f"本简报由苏图按数据库（版本 {made.store.data_version}）自动生成，其中数字、升降和位次都由数据算出；"
        f"{name}各项指标取该层级最近有数据的年份。",
        "note",
    )


def _residents(made: Briefings, adcode: str, level: str) -> str:
    count = made.point("population", adcode, _CENSUS[1])
    facts = made.facts("population")
    peers = facts[(facts["year"] == _CENSUS[1]) & (facts["level"] == level)].set_index("adcode")["value"]
    ranks = peers.rank(ascending=False, method="min")
    province = made.point("population", PROVINCE, _CENSUS[1]).value
    return words.residents_sentence(
        made.name(adcode),
        LEVEL_WORDS[level],
        count,
        rank=float(ranks.get(adcode, math.nan)),
        among=int(peers.notna().sum()),
        share=count.value / province,
    )


def _people_change(made: Briefings, adcode: str) -> str:
    return words.change_sentence(
        made.name(adcode),
        "常住人口",
        *(_in_10k(made.point("population", adcode, year)) for year in _CENSUS),
        unit="万人",
        decimals=1,
    )


def _in_10k(point: Point) -> Point:
    return Point(point.year, point.value / 1e4, point.reason)


def people_and_economy(made: Briefings, adcode: str) -> list[Block]:
    """Return 人口与经济: the map, the census beside the one before, and the course of one indicator."""
    level = made.require(adcode)
    blocks: list[Block] = [Heading("二、人口与经济", new_page=True), _census_table(made, adcode)]
    blocks.append(_map(made, adcode, level))
    blocks += _course(made, adcode, level)
    return blocks


def _census_table(made: Briefings, adcode: str) -> Table:
    """Return the census figures of both years beside the province's."""
    rows = []
    for key in (*_KEY, "population_0_14_share", "tertiary_share", "household_size", "population_density"):
        entry = made.indicators[made.indicators["id"] == key].iloc[0]
        decimals, unit = int(entry["decimals"]), str(entry["unit"])
        before, after = (made.point(key, adcode, year) for year in _CENSUS)
        gap = after.value - before.value
        rows.append(
            (
                f"{words.short(str(entry['name']))}（{unit}）",
                shown_value(before.value, decimals),
                shown_value(after.value, decimals),
                "不可比" if math.isnan(gap) else _signed(gap, decimals),
                shown_value(made.point(key, PROVINCE, _CENSUS[1]).value, decimals),
            )
        )
    return Table(
        f"{made.name(adcode)}两次人口普查的主要指标",
        ("指标", "2010 年", "2020 年", "变化", "全省 2020 年"),
        tuple(rows),
        made.sources_of(*_KEY),
        (3.2, 1.2, 1.2, 1.2, 1.4),
        (1, 2, 3, 4),
    )


def _signed(value: float, decimals: int) -> str:
    text = format_number(value, decimals)
    return f"+{text}" if value > 0 and float(text.replace(",", "")) != 0 else text


def _map(made: Briefings, adcode: str, level: str) -> Figure:
    """Return the map of the counties of the region (of a county: of its prefecture, the county marked)."""
    around = adcode if level != "county" else made.above(adcode)[0]
    codes = made.inside(around)
    shapes = made.shapes("county")
    frame = shapes[shapes.index.isin(codes)]
    entry = made.indicators[made.indicators["id"] == _MAP_INDICATOR].iloc[0]
    facts = made.facts(_MAP_INDICATOR)
    now = facts[(facts["year"] == _CENSUS[1]) & facts["adcode"].isin(codes)].set_index("adcode")
    palette = made.registry.palette(BY_DIRECTION[str(entry["direction"])])
    layer = choropleth(
        frame.assign(parent_name=""),
        now["value"],
        title=f"{made.name(around)}各县（市、区）{entry['name']}",
        unit=str(entry["unit"]),
        year=_CENSUS[1],
        direction=str(entry["direction"]),
        k=min(5, max(3, len(codes) // 2)),
        palette=Ramp(palette.id, palette.colours),
        reasons=now["reason"],
        provenance=provenance(made.store, now["source"].dropna().unique()),
        decimals=int(entry["decimals"]),
    )
    width, height = _MAP_CM
    outlines = made.shapes(level)
    png = figure_bytes(
        layer,
        "png",
        font=made.font,
        labels=frame,
        outlines=outlines[outlines.index.isin([adcode])],
        dpi=170,
        size=(width / 2.54 * 1.2, height / 2.54 * 1.2),
        legend_room=0.6,
        selected=adcode if level == "county" else None,
    )
    marked = f"，红线为{made.name(adcode)}" if level == "county" else ""
    return Figure(
        f"{made.name(around)}各县（市、区）{entry['name']}，{_CENSUS[1]} 年{marked}",
        png,
        width,
        height,
        made.sources_of(_MAP_INDICATOR),
        f"分级设色地图：{made.name(around)}各县（市、区）的{entry['name']}",
    )


def _course(made: Briefings, adcode: str, level: str) -> list[Block]:
    """Return the course of GDP per head where the level has it, else a comparison with those above."""
    codes = [adcode, *made.above(adcode)]
    if level in {"prefecture", "economic_region"}:
        facts = made.facts("gdp_per_head")
        frame = pd.concat([facts[facts["adcode"] == code] for code in codes])
        frame = frame.assign(name=[made.name(code) for code in frame["adcode"]])
        years = sorted(frame.loc[frame["value"].notna(), "year"].unique())
        points = [made.point("gdp_per_head", adcode, int(year)) for year in (years[0], years[-1])]
        png = lines_png(
            frame,
            label="人均地区生产总值（元/人，当年价格）",
            font=made.font,
            size_cm=_CHART_CM,
            break_year=_BREAK_YEAR,
            break_text="2020 年起人口与七普衔接",
        )
        said = words.change_sentence(
            made.name(adcode), "人均地区生产总值（当年价格）", *points, unit="元/人", decimals=0, share=False
        )
        caption = f"人均地区生产总值，{years[0]}—{years[-1]} 年"
        source = f"{made.sources_of('gdp_per_head')}（二手转录；2020 年人口数列有断点）"
        return [Paragraph(said), Figure(caption, png, *_CHART_CM, source, caption)]
    entry = made.indicators[made.indicators["id"] == "urbanisation_rate"].iloc[0]
    values = [made.point("urbanisation_rate", code, _CENSUS[1]).value for code in codes]
    frame = pd.DataFrame({"name": [made.name(code) for code in codes], "value": values})
    size = (_CHART_CM[0], 4.2)
    png = bars_png(
        frame, label=f"{entry['name']}（{entry['unit']}）", decimals=2, font=made.font, size_cm=size
    )
    caption = f"{entry['name']}与上级地区比较，{_CENSUS[1]} 年"
    said = words.change_sentence(
        made.name(adcode),
        str(entry["name"]),
        *(made.point("urbanisation_rate", adcode, year) for year in _CENSUS),
        unit=str(entry["unit"]),
        decimals=2,
    )
    return [Paragraph(said), Figure(caption, png, *size, made.sources_of("urbanisation_rate"), caption)]


def strengths(made: Briefings, adcode: str) -> list[Block]:
    """Return 长处与短板: the spine chart against the peers, and who is alike."""
    level = made.require(adcode)
    profiles = made.profiles(level)
    above = profiles.economic_region(adcode)
    marks = [Mark("全省", "province", profiles.row(PROVINCE))]
    marks += [Mark(made.name(above), "economic_region", profiles.row(above))] if above else []
    marks.append(Mark(made.name(adcode), "region", profiles.row(adcode), adcode))
    bars, dots = spine_frames(profiles.spines, profiles.indicators, marks)
    height = 1.6 + 0.46 * len(bars)
    png = spine_png(bars, dots, made.name(adcode), font=made.font, size_cm=(_SPINE_CM[0], height))
    word = LEVEL_WORDS[level]
    caption = f"{made.name(adcode)}在全省{word}中的位置"
    key = f"浅条自最差到最优（逆向指标已调转），深条为中间一半{word}，竖线为全省"
    key += f"，菱形为{made.name(above)}" if above else ""
    return [
        Heading("三、长处与短板", new_page=True),
        Paragraph(strengths_of(profiles, adcode)),
        Figure(caption, png, _SPINE_CM[0], height, made.sources_of(*profiles.indicators["id"]), caption),
        Paragraph(f"{key}；带 ○ 的中性指标不分好坏，左低右高。", "note"),
        Paragraph(similar_of(profiles, adcode, made.names(level))),
    ]


def gaps(made: Briefings, adcode: str) -> list[Block]:
    """Return 区域差距: the province's gap in two indicators, in sentences, and the region's place in it."""
    level = made.require(adcode)
    blocks: list[Block] = [Heading("四、所处的区域差距", new_page=True)]
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
    blocks.append(_regions_course(made, GAP_SUBJECTS[level][0][0]))
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


def _regions_course(made: Briefings, indicator: str) -> Figure:
    """Return the course of the three economic regions and the province in one indicator."""
    entry = made.indicators[made.indicators["id"] == indicator].iloc[0]
    facts = made.facts(indicator)
    codes = [SOUTH, CENTRAL, NORTH, PROVINCE]
    frame = pd.concat([facts[facts["adcode"] == code] for code in codes])
    frame = frame.assign(name=[made.name(code) for code in frame["adcode"]])
    years = sorted(int(year) for year in frame.loc[frame["value"].notna(), "year"].unique())
    name = words.short(str(entry["name"]))
    broken = entry["quality"] == "secondary"
    png = lines_png(
        frame,
        label=f"{name}（{entry['unit']}）",
        font=made.font,
        size_cm=_CHART_CM,
        break_year=_BREAK_YEAR if broken else None,
        break_text="2020 年起人口与七普衔接" if broken else "",
    )
    caption = f"三大区域和全省的{name}，{years[0]}—{years[-1]} 年"
    remark = "（二手转录；2020 年人口数列有断点）" if broken else ""
    return Figure(caption, png, *_CHART_CM, f"{made.sources_of(indicator)}{remark}", caption)


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
