"""The figures of a briefing: the map of the counties, the course of an indicator, of the three regions."""

from __future__ import annotations

import pandas as pd

from data.profiles import PROVINCE
from geo.gaps import CENTRAL, NORTH, SOUTH
from layers import profile_words as words
from layers.figure import figure_bytes
from layers.report import Block, Figure, Paragraph
from layers.report_figures import bars_png, lines_png
from layers.themes import choropleth
from pages.briefing import Briefings
from pages.origin import provenance
from pages.palettes import ramp_towards

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
    codes = [adcode, *(made.above(adcode) or (SOUTH, CENTRAL, NORTH))]
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
