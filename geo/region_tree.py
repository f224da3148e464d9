"""The tree of regions: levels and what they are called, what a code tells, the way up and down.

County → prefecture → economic region → province; beside the counties of a prefecture may stand a residual
(``unallocated``). A code tells its prefecture and the province (GB/T 2260); which prefectures make up an
economic region only the region table tells. ``regions`` below is that table: ``adcode`` as column or index,
``level``, ``parent``, ``name``.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.errors import CoverageError

Level = Literal["county", "prefecture", "economic_region", "province"]

LEVELS: tuple[Level, ...] = ("county", "prefecture", "economic_region", "province")
"""From the finest up."""

UNALLOCATED = "unallocated"
"""The level of what the counties of a prefecture leave over of it."""

TABLE_LEVELS: tuple[str, ...] = (*reversed(LEVELS), UNALLOCATED)
"""Every level of the region table, in its order."""

PARENT_LEVEL: Mapping[str, Level] = {
    "county": "prefecture",
    UNALLOCATED: "prefecture",
    "prefecture": "economic_region",
    "economic_region": "province",
}

LEVEL_NAMES: Mapping[str, str] = {
    "province": "省",
    "economic_region": "经济区",
    "prefecture": "设区市",
    "county": "县（市、区）",
}
"""The levels in forms and files, from the province down."""

LEVEL_WORDS: Mapping[str, str] = {**LEVEL_NAMES, "economic_region": "经济区域"}
"""The levels in sentences of pages and briefings."""

LEVEL_CHOICES: dict[str, str] = {level: {**LEVEL_WORDS, "province": "全省"}[level] for level in LEVELS}
"""The levels people may look at, from the finest, as the controls of pages offer them."""

SHORT_LEVEL_NAMES: Mapping[str, str] = {**LEVEL_NAMES, "county": "县", UNALLOCATED: "未分配"}
"""The levels in the tables of the command line, where columns are narrow."""

LEVEL_OF_WORD: dict[str, str] = {
    "省": "province",
    "经济区": "economic_region",
    "设区市": "prefecture",
    "市": "prefecture",
    "县": "county",
    "县（市、区）": "county",
}
"""The words people may write for a level in a form, in the order in which they are offered."""

PROVINCE_DIGITS = "32"
PROVINCE = "320000"
SOUTH, CENTRAL, NORTH = "320S00", "320C00", "320N00"
ECONOMIC_REGIONS: Mapping[str, str] = {SOUTH: "苏南", CENTRAL: "苏中", NORTH: "苏北"}
"""The economic regions from south to north; GB/T 2260 has no codes for them, these are ours."""

COUNTY_CITY_KINDS = ("县", "县级市")
"""The kinds of county that plans call 县（市）: all but the districts of a prefecture."""


# What a code tells


def level_of(code: str) -> str:
    """Return the level that a code tells."""
    if code == PROVINCE:
        return "province"
    if code in ECONOMIC_REGIONS:
        return "economic_region"
    if code.endswith("00"):
        return "prefecture"
    return UNALLOCATED if code.endswith("UN") else "county"


def in_province(code: str) -> bool:
    """Return whether a code is one of the province's, present or former."""
    return code.startswith(PROVINCE_DIGITS)


def prefecture_of(code: str) -> str:
    """Return the prefecture of a county or residual; a prefecture and what is above it are their own."""
    return f"{code[:4]}00"


def prefectures_of(
    codes: pd.Series | pd.Index | NDArray[np.object_] | NDArray[np.str_],
) -> NDArray[np.object_]:
    """Return `prefecture_of` each code (none of them missing): an array of text in the order of ``codes``."""
    number, known = pd.factorize(codes)
    found = np.array([prefecture_of(str(code)) for code in known], dtype=object)
    return found[number] if len(found) else np.empty(0, dtype=object)


def county_of_place(code: str) -> str:
    """Return the county of a township's (9 digits) or village's (12 digits) code."""
    return code[:6]


def lies_in(code: str, region: str) -> bool:
    """Return whether a county or prefecture is ``region`` or lies in it, as far as codes tell.

    Nothing lies in an economic region by its code: `inside` asks the table.
    """
    if region == PROVINCE:
        return in_province(code)
    return code == region or (level_of(region) == "prefecture" and prefecture_of(code) == region)


def each_lies_in(codes: pd.Series | pd.Index, region: str) -> NDArray[np.bool_]:
    """Return for each code whether it `lies_in` a region."""
    number, known = pd.factorize(codes)
    # The last one stands for codes that are missing.
    held = np.array([*(lies_in(str(code), region) for code in known), False], dtype=bool)
    return held[number]


# What the table tells


def _by_code(regions: pd.DataFrame, *columns: str) -> list[dict[str, str]]:
    codes = (regions["adcode"] if "adcode" in regions.columns else regions.index).astype(str)
    return [dict(zip(codes, regions[column], strict=True)) for column in columns]


def above(regions: pd.DataFrame, adcode: str) -> list[str]:
    """Return the regions above one, the nearest first, the province last; ``KeyError`` for an unknown one."""
    (parents,) = _by_code(regions, "parent")
    return _chain(parents, adcode)[1:]


def _chain(parents: Mapping[str, str], adcode: str) -> list[str]:
    """Return a region and those above it; a table whose parents run in a circle ends it."""
    chain, parent = [adcode], parents[adcode]
    while parent in parents and parent not in chain:
        chain.append(parent)
        parent = parents[parent]
    return chain


def children(regions: pd.DataFrame, adcode: str) -> list[str]:
    """Return the regions and residuals directly below one, in the order of the table."""
    (parents,) = _by_code(regions, "parent")
    return [code for code, parent in parents.items() if parent == adcode]


def inside(regions: pd.DataFrame, adcode: str, level: str | None = None) -> list[str]:
    """Return a region and everything below it (of ``level`` only, if given), in the order of the table.

    Empty for a code that the table has not.
    """
    parents, levels = _by_code(regions, "parent", "level")
    return [
        code
        for code in parents
        if (level is None or levels[code] == level) and adcode in _chain(parents, code)
    ]


def counties_by_prefecture(regions: pd.DataFrame) -> dict[str, frozenset[str]]:
    """Return the counties of every prefecture."""
    parents, levels = _by_code(regions, "parent", "level")
    found: dict[str, set[str]] = {}
    for code, parent in parents.items():
        if levels[code] == "county":
            found.setdefault(parent, set()).add(code)
    return {parent: frozenset(found[parent]) for parent in sorted(found)}


def region_hierarchy(regions: pd.DataFrame) -> pd.DataFrame:
    """Return name and level of every region (residuals left out), and per level of ``LEVELS`` the region
    that it is, or is part of; None where there is none.
    """
    frame = regions.set_index("adcode") if "adcode" in regions else regions
    missing = [column for column in ("name", "level", "parent") if column not in frame]
    if missing:
        raise CoverageError(f"区划表缺少列：{'、'.join(missing)}。")
    parents, levels = _by_code(frame, "parent", "level")
    table = frame.loc[frame["level"].isin(LEVELS), ["name", "level"]].copy()
    chains = [{levels[at]: at for at in reversed(_chain(parents, str(code)))} for code in table.index]
    for level in LEVELS:
        table[level] = [chain.get(level) for chain in chains]
    return table


def parent_names(regions: pd.DataFrame) -> pd.Series:
    """Return the name of the region above each one by adcode, NaN for the province."""
    names, parents = _by_code(regions, "name", "parent")
    return pd.Series(parents, name="parent_name").map(names)


def listed_names(
    regions: pd.DataFrame, codes: Iterable[str] | None = None, *, parent: str = "name"
) -> dict[str, str]:
    """Return how regions (default: all) are told in a list: a county with its prefecture, for names repeat.

    ``parent``: the column in which the prefecture's name is found.
    """
    names, parents, levels, above_names = _by_code(regions, "name", "parent", "level", parent)
    return {
        code: f"{names[code]}（{above_names[parents[code]]}）"
        if levels[code] == "county"
        else str(names[code])
        for code in (names if codes is None else map(str, codes))
    }
