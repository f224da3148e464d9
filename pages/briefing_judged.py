"""How a region stands against the plans' standards: which bind it, which can be judged, on what data."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from data.coverage import IMPLIED
from data.registry.facility_models import load_facility_types
from data.standards import StandardsAnalysis
from geo.standards import NO_FACILITIES
from layers import standard_words
from layers.standard_words import Judged


@dataclass(frozen=True)
class Standing:
    """The standards that bind a region: those that can be judged by id, and all of them as rows."""

    judged: dict[str, Judged]
    rows: pd.DataFrame


def standing(analysis: StandardsAnalysis, adcode: str) -> Standing:
    """Return how a region stands against the standards whose plan binds it, summed over what lies within."""
    rows = analysis.summary(adcode).set_index("standard", drop=False)
    rows = rows[(rows["regions"] > 0) | rows["required"].isna()]
    # A plan of one county binds that county: it is no standard of the prefecture or the province.
    above = _with_those_above(analysis.regions, adcode)
    rows = rows[[analysis.standards[str(key)].within in above for key in rows.index]]
    judged = {
        str(key): Judged(
            str(row["name"]),
            str(row["unit"]),
            float(row["required"]),
            float(row["provided"]),
            float(row["shortfall"]),
            basis_of(analysis, str(key)),
        )
        for key, row in rows[rows["shortfall"].notna()].to_dict("index").items()
    }
    return Standing(judged, rows)


def _with_those_above(table: pd.DataFrame, adcode: str) -> set[str]:
    """Return a region and every region it lies in."""
    parents = table["parent"].to_dict()
    chain = [adcode]
    while isinstance(parent := parents.get(chain[-1]), str):
        chain.append(parent)
    return set(chain)


def basis_of(analysis: StandardsAnalysis, standard: str) -> str:
    """Return what is known of a standard's facilities rests on: imported, implied points, both, nothing."""
    placed = analysis.counted(standard)["precision"].isin(IMPLIED)
    if placed.empty:
        # The type is known to the store, but none of it counts: what is imported says so.
        known = analysis.facilities["type"].isin(analysis.standards[standard].types)
        placed = analysis.facilities.loc[known, "precision"].isin(IMPLIED)
    if placed.empty:
        return standard_words.UNKNOWN
    if placed.all():
        return standard_words.IMPLIED
    return standard_words.MIXED if placed.any() else standard_words.IMPORTED


def absent(analysis: StandardsAnalysis, adcode: str, found: Standing) -> dict[str, list[str]]:
    """Return by standard the prefectures (of a county itself) without a single imported facility of it."""
    table = analysis.regions
    level = str(table["level"].to_dict()[adcode])
    codes = [adcode] if level == "county" else _prefectures(table, adcode)
    absent: dict[str, list[str]] = {}
    for key, one in found.judged.items():
        if one.basis != standard_words.IMPORTED or one.shortfall == 0:
            continue
        home = analysis.counted(key)["adcode"].astype(str)
        known = set(home) if level == "county" else {f"{code[:4]}00" for code in home}
        places = [str(table["short_name"].to_dict()[code]) for code in codes if code not in known]
        if places:
            absent[one.name] = places
    return absent


def _prefectures(table: pd.DataFrame, adcode: str) -> list[str]:
    """Return the prefectures within a region; a prefecture itself."""
    own = table[table["level"] == "prefecture"]
    parents = table["parent"].to_dict()
    return [str(code) for code in own.index if adcode in {code, parents[code], parents.get(parents[code])}]


def missing(analysis: StandardsAnalysis, rows: pd.DataFrame) -> list[str]:
    """Return the names of the facility types without which standards cannot be judged."""
    known = set(analysis.facilities.loc[~analysis.facilities["precision"].isin(IMPLIED), "type"])
    types = load_facility_types()
    wanted = [
        one
        for key in rows.index[rows["reason"] == NO_FACILITIES]
        for one in analysis.standards[str(key)].types
        if one not in known
    ]
    return [types[one].name for one in dict.fromkeys(wanted)]


def groups(analysis: StandardsAnalysis, found: Standing) -> list[list[str]]:
    """Return the ids of the standards, those that ask the same thing of the same regions together."""
    gravest = standard_words.gravest(list(found.judged.values()))
    order = {id(one): number for number, one in enumerate(gravest)}
    rank = {key: order.get(id(one), len(order)) for key, one in found.judged.items()}
    groups: dict[tuple[object, ...], list[str]] = {}
    for key in sorted(map(str, found.rows.index), key=lambda one: rank.get(one, math.inf)):
        rule = analysis.standards[key].as_rule()
        asked = found.rows["required"].to_dict()[key]
        groups.setdefault((rule.subject, rule.region_level, rule.kinds, *rule.terms, asked), []).append(key)
    return list(groups.values())
