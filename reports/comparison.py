"""From profiles to sentences: what a comparison page and the report say of a region."""

from __future__ import annotations

import math

from analysis.peers import ProfileSet
from geo.region_tree import LEVEL_WORDS, PROVINCE
from layers.words import profile as words
from layers.words.profile import Standing


def standing_of(profiles: ProfileSet, adcode: str, indicator: str) -> Standing:
    """Return how a region stands on one indicator of its profile; the province stands among nobody."""
    one = profiles.spines[indicator]
    entry = profiles.indicators[profiles.indicators["id"] == indicator].iloc[0]
    rank = float(one.ranks.to_dict().get(adcode, math.nan))
    return Standing(
        region=str(profiles.regions["name"].to_dict()[adcode]),
        indicator=str(entry["name"]),
        unit=str(entry["unit"]),
        decimals=int(entry["decimals"]),
        direction=one.direction,
        year=int(entry["year"]),
        value=profiles.value(adcode, indicator),
        rank=rank,
        among=one.among,
        level_word=LEVEL_WORDS[profiles.level],
        tied=bool((one.ranks == rank).sum() > 1),
        province=math.nan if adcode == PROVINCE else profiles.value(PROVINCE, indicator),
        reason=str(profiles.reasons[indicator].to_dict()[adcode]),
    )


def strengths_of(profiles: ProfileSet, adcode: str) -> str:
    """Return the sentence on what a region is strong in and where it lags."""
    strong, weak = profiles.strengths(adcode)
    return words.strengths_sentence(
        str(profiles.regions["name"].to_dict()[adcode]),
        [standing_of(profiles, adcode, name) for name in strong],
        [standing_of(profiles, adcode, name) for name in weak],
    )


def similar_of(profiles: ProfileSet, adcode: str, names: dict[str, str]) -> str:
    """Return the sentence on the regions nearest in structure; ``names`` is how regions are called."""
    found = profiles.similar(adcode)
    return words.similar_sentence(
        names[adcode],
        LEVEL_WORDS[profiles.level],
        [names[code] for code in found["adcode"]],
        list(profiles.structure_names),
    )


def remarks(profiles: ProfileSet) -> list[str]:
    """Return what a reader must know of the figures of a profile."""
    said = []
    secondary = profiles.indicators[profiles.indicators["quality"] == "secondary"]
    if len(secondary):
        names = "、".join(words.short(str(name)) for name in secondary["name"])
        said.append(
            f"{names}为二手转录，未与原书逐年核对；2020 年起的人口与第七次人口普查衔接，此前各年未修订"
        )
    derived = profiles.indicators[profiles.indicators["quality"] == "derived"]
    if len(derived):
        said.append(f"{len(derived)} 项指标由普查表推算（见口径）")
    return said
