"""The sections of a briefing: each returns the blocks it is made of, every figure from the store."""

from __future__ import annotations

import math

from data.profiles import PROVINCE
from geo.gaps import CENTRAL, NORTH, SOUTH
from layers import profile_words as words
from layers.gap_words import gap_sentences
from layers.model import format_number
from layers.profile_charts import shown_value
from layers.profile_words import Point
from layers.report import Block, Bullets, Heading, Paragraph, Table
from pages.briefing import GAP_SUBJECTS, LEVEL_WORDS, Briefings
from pages.briefing_figures import CENSUS_YEARS, county_map, course
from pages.compare_words import standing_of, strengths_of

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
    ranks = peers.rank(ascending=False, method="min")
    province = made.point("population", PROVINCE, CENSUS_YEARS[1]).value
    return words.residents_sentence(
        made.name(adcode),
        LEVEL_WORDS[level],
        count,
        rank=float(ranks.get(adcode, math.nan)),
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
