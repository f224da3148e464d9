"""The sections of a briefing: each returns the blocks it is made of, every figure from the store."""

from __future__ import annotations

import math

import pandas as pd

from analysis.palettes import ramp_towards
from geo.region_tree import CENTRAL, ECONOMIC_REGIONS, LEVEL_WORDS, NORTH, PROVINCE, SOUTH
from layers.charts.profile import shown_value
from layers.figure import figure_bytes
from layers.model import format_number
from layers.themes import choropleth
from layers.words import profile as words
from layers.words.gap import gap_sentences
from layers.words.profile import Point
from reports.document import Block, Bullets, Figure, Heading, Paragraph, Table
from reports.figures import bars_png, lines_png
from reports.provenance import provenance
from reports.region import GAP_SUBJECTS, Briefings, standing_of, strengths_of

CENSUS_YEARS = (2010, 2020)
_MAP_INDICATOR = "population_65_plus_share"
_MAP_CM = (12.6, 8.2)
_CHART_CM = (15.0, 5.0)
_BREAK_YEAR = 2019.5


def county_map(made: Briefings, adcode: str, level: str) -> Figure:
    """Return the map of the counties of the region (of a county: of its prefecture, the county marked)."""
    around = adcode if level != "county" else made.above(adcode)[0]
    codes = made.inside(around)
    shapes = made.shapes("county")
    frame = shapes[shapes.index.isin(codes)]
    entry = made.indicators[made.indicators["id"] == _MAP_INDICATOR].iloc[0]
    facts = made.facts(_MAP_INDICATOR)
    now = facts[(facts["year"] == CENSUS_YEARS[1]) & facts["adcode"].isin(codes)].set_index("adcode")
    layer = choropleth(
        frame.assign(parent_name=""),
        now["value"],
        title=f"{made.name(around)}各县（市、区）{entry['name']}",
        unit=str(entry["unit"]),
        year=CENSUS_YEARS[1],
        direction=str(entry["direction"]),
        k=min(5, max(3, len(codes) // 2)),
        palette=ramp_towards(str(entry["direction"]), made.registry),
        reasons=now["reason"],
        provenance=provenance(made.store, now["source"].dropna().unique()),
        decimals=int(entry["decimals"]),
    )
    width, height = _MAP_CM
    # More than a prefecture: the counties' names would cover each other.
    wide = level in {"economic_region", "province"}
    outlines = made.shapes("prefecture" if wide else level)
    shown = outlines[outlines.index.map(lambda code: adcode in made.above(code))] if wide else None
    png = figure_bytes(
        layer,
        "png",
        font=made.font,
        labels=frame if shown is None else shown,
        outlines=outlines[outlines.index.isin([adcode])] if shown is None else shown,
        dpi=170,
        size=(width / 2.54 * 1.2, height / 2.54 * 1.2),
        legend_room=0.6,
        selected=adcode if level == "county" else None,
    )
    marked = f"，红线为{made.name(adcode)}" if level == "county" else ""
    return Figure(
        f"{made.name(around)}各县（市、区）{entry['name']}，{CENSUS_YEARS[1]} 年{marked}",
        png,
        width,
        height,
        made.sources_of(_MAP_INDICATOR),
        f"分级设色地图：{made.name(around)}各县（市、区）的{entry['name']}",
    )


def course(made: Briefings, adcode: str, level: str) -> list[Block]:
    """Return the course of GDP per head where the level has it, else a comparison with those above.

    The province has nothing above it and is shown beside its economic regions.
    """
    codes = [adcode, *(made.above(adcode) or ECONOMIC_REGIONS)]
    if level != "county":
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
    values = [made.point("urbanisation_rate", code, CENSUS_YEARS[1]).value for code in codes]
    frame = pd.DataFrame({"name": [made.name(code) for code in codes], "value": values})
    size = (_CHART_CM[0], 4.2)
    png = bars_png(
        frame, label=f"{entry['name']}（{entry['unit']}）", decimals=2, font=made.font, size_cm=size
    )
    caption = f"{entry['name']}与上级地区比较，{CENSUS_YEARS[1]} 年"
    said = words.change_sentence(
        made.name(adcode),
        str(entry["name"]),
        *(made.point("urbanisation_rate", adcode, year) for year in CENSUS_YEARS),
        unit=str(entry["unit"]),
        decimals=2,
    )
    return [Paragraph(said), Figure(caption, png, *size, made.sources_of("urbanisation_rate"), caption)]


def regions_course(made: Briefings, indicator: str) -> Figure:
    """Return the course of the three economic regions and the province in one indicator."""
    entry = made.indicators[made.indicators["id"] == indicator].iloc[0]
    facts = made.facts(indicator)
    codes = [*ECONOMIC_REGIONS, PROVINCE]
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


_KEY = ("urbanisation_rate", "population_65_plus_share", "mean_years_schooling")


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
    indicator, before = GAP_SUBJECTS[level][0]
    said = gap_sentences(made.gap(indicator, level, before))
    items.append(said["extremes"] if adcode == PROVINCE else strengths_of(profiles, adcode))
    items.append(said["south_north"])
    return [Heading("一、要点"), Bullets(tuple(items)), _note(made, name)]


def _note(made: Briefings, name: str) -> Paragraph:
    return Paragraph(
        f"本简报由苏图按数据库（版本 {made.store.data_version}）自动生成，其中数字、升降和位次都由数据算出；"
        f"{name}各项指标取该层级最近有数据的年份。",
        "note",
    )


def _residents(made: Briefings, adcode: str, level: str) -> str:
    count = made.point("population", adcode, CENSUS_YEARS[1])
    facts = made.facts("population")
    peers = facts[(facts["year"] == CENSUS_YEARS[1]) & (facts["level"] == level)].set_index("adcode")["value"]
    ranks = peers.rank(ascending=False, method="min")  # counts of people: exact
    rank = float(ranks.get(adcode, math.nan))
    province = made.point("population", PROVINCE, CENSUS_YEARS[1]).value
    return words.residents_sentence(
        made.name(adcode),
        LEVEL_WORDS[level],
        count,
        rank=rank,
        tied=int((ranks == rank).sum()) > 1,
        among=int(peers.notna().sum()),
        share=math.nan if adcode == PROVINCE else count.value / province,
    )


def _people_change(made: Briefings, adcode: str) -> str:
    return words.change_sentence(
        made.name(adcode),
        "常住人口",
        *(_in_10k(made.point("population", adcode, year)) for year in CENSUS_YEARS),
        unit="万人",
        decimals=1,
    )


def _in_10k(point: Point) -> Point:
    return Point(point.year, point.value / 1e4, point.reason)


def people_and_economy(made: Briefings, adcode: str) -> list[Block]:
    """Return 人口与经济: the map, the census beside the one before, and the course of one indicator."""
    level = made.require(adcode)
    blocks: list[Block] = [Heading("二、人口与经济", new_page=True), _census_table(made, adcode)]
    blocks.append(county_map(made, adcode, level))
    blocks += course(made, adcode, level)
    return blocks


def _census_table(made: Briefings, adcode: str) -> Table:
    """Return the census figures of both years beside the province's; the province's beside its regions'."""
    beside = [SOUTH, CENTRAL, NORTH] if adcode == PROVINCE else [PROVINCE]
    many = len(beside) > 1
    regions, year = ("（三大区域为 2020 年）", "") if many else ("", " 2020 年")
    rows = []
    for key in (*_KEY, "population_0_14_share", "tertiary_share", "household_size", "population_density"):
        entry = made.indicators[made.indicators["id"] == key].iloc[0]
        decimals, unit = int(entry["decimals"]), str(entry["unit"])
        before, after = (made.point(key, adcode, year) for year in CENSUS_YEARS)
        gap = after.value - before.value
        rows.append(
            (
                f"{words.short(str(entry['name']))}（{unit}）",
                shown_value(before.value, decimals),
                shown_value(after.value, decimals),
                "不可比" if math.isnan(gap) else _signed(gap, decimals),
                *(shown_value(made.point(key, code, CENSUS_YEARS[1]).value, decimals) for code in beside),
            )
        )
    return Table(
        f"{made.name(adcode)}两次人口普查的主要指标{regions}",
        ("指标", "2010 年", "2020 年", "变化", *(f"{_short_name(made, code)}{year}" for code in beside)),
        tuple(rows),
        made.sources_of(*_KEY),
        (3.2, 1.2, 1.2, 1.2, *(1.4 for _ in beside)),
        tuple(range(1, 4 + len(beside))),
    )


def _short_name(made: Briefings, adcode: str) -> str:
    return "全省" if adcode == PROVINCE else str(made.table["short_name"].to_dict()[adcode])


def _signed(value: float, decimals: int) -> str:
    text = format_number(value, decimals)
    return f"+{text}" if value > 0 and float(text.replace(",", "")) != 0 else text
