"""The gap of one indicator: every measure of it in one year, between and inside regions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.disparity import (
    Measure,
    NestedTheil,
    TheilParts,
    coefficient_of_variation,
    decompose_nested,
    decompose_theil,
    gini,
    max_min_ratio,
    ratio_between,
    undefined,
    undefined_nested,
    undefined_parts,
)
from geo.region_tree import ECONOMIC_REGIONS, LEVEL_WORDS, NORTH, SOUTH

NO_MULTIPLES = "变化量可正可负，不作倍数比较"
TOTALS_UNWEIGHTED = "总量指标不按人口加权"
MEASURES = {
    "gini": "基尼系数",
    "gini_weighted": "基尼系数（按人口加权）",
    "cv": "变异系数",
    "cv_weighted": "变异系数（按人口加权）",
    "theil": "泰尔指数",
    "theil_weighted": "泰尔指数（按人口加权）",
    "max_min_ratio": "极值比",
    "south_north_ratio": "苏南/苏北",
}
"""The measures by name, in the order of tables, and what people call them."""


@dataclass(frozen=True)
class GapSubject:
    """What is compared: an indicator as people read it, at one level of regions.

    ``additive``: a total (people, yuan), which is never weighted by people. ``level``: county or prefecture.
    ``change``: a change over time, of either sign, of which no multiples are taken.
    """

    id: str
    name: str
    unit: str
    decimals: int
    direction: str
    level: str
    additive: bool
    change: bool = False

    @property
    def level_word(self) -> str:
        """What the regions compared are called."""
        return LEVEL_WORDS[self.level]


@dataclass(frozen=True)
class GapAnalysis:
    """Every measure of one indicator's gap in one year.

    ``frame``: index adcode; columns name, short_name, parent, group (adcode of the economic region), value,
    weight (NaN where unknown), reason (why there is no value, else None). ``regional``: index the three
    economic regions from south to north; columns short_name, value and reason (their own, Σ numerator / Σ
    denominator), n, undefined (counts of their members), low, high, median (of the members' values), cv,
    max_min. ``nested`` splits a county's gap over regions and prefectures; None for prefectures. ``breaks``
    are (year, text) of breaks in the series of any year; ``flags`` (name, text) of single values of this
    year; ``remarks`` what else a reader must know.
    """

    subject: GapSubject
    year: int
    frame: pd.DataFrame
    regional: pd.DataFrame
    province: Measure
    measures: dict[str, Measure]
    theil: TheilParts
    theil_weighted: TheilParts
    nested: NestedTheil | None
    nested_weighted: NestedTheil | None
    weight_name: str
    breaks: tuple[tuple[int, str], ...] = ()
    flags: tuple[tuple[str, str], ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def defined(self) -> pd.Series:
        """The values that are there, by adcode."""
        return self.frame["value"].dropna()

    @property
    def missing(self) -> pd.DataFrame:
        """The regions without a value: columns name and reason."""
        return self.frame.loc[self.frame["value"].isna(), ["name", "reason"]]

    def as_dict(self) -> dict[str, Any]:
        """Return the analysis as JSON takes it: NaN where undefined, reasons beside in ``reasons``."""
        measures = self.measures
        return {
            "indicator": self.subject.id,
            "name": self.subject.name,
            "unit": self.subject.unit,
            "year": self.year,
            "level": self.subject.level,
            "n": len(self.defined),
            "gini": measures["gini"].value,
            "gini_weighted": measures["gini_weighted"].value,
            "cv": measures["cv"].value,
            "cv_weighted": measures["cv_weighted"].value,
            "theil": _parts(self.theil),
            "theil_weighted": _parts(self.theil_weighted),
            "theil_nested": None if self.nested is None else vars(self.nested),
            "max_min_ratio": measures["max_min_ratio"].value,
            "south_north_ratio": measures["south_north_ratio"].value,
            "by_region": [
                {"adcode": adcode, **{str(key): value for key, value in row.items()}}
                for adcode, row in zip(self.regional.index, self.regional.to_dict("records"), strict=True)
            ],
            "undefined": [
                {"adcode": adcode, "name": row["name"], "reason": row["reason"]}
                for adcode, row in zip(self.missing.index, self.missing.to_dict("records"), strict=True)
            ],
            "reasons": {name: found.reason for name, found in measures.items() if found.reason},
            "weights": self.weight_name,
            "remarks": [
                *self.remarks,
                *(f"{year} 年：{text}" for year, text in self.breaks),
                *(f"{name}：{text}" for name, text in self.flags),
            ],
        }


@dataclass(frozen=True)
class GapComparison:
    """One year beside an earlier one; ``then`` and the common analyses are None without one.

    ``common_now`` and ``common_then`` are of the regions only that have a value in both years: measures of
    the spread are compared over the same regions or not at all. They are ``now`` and ``then`` themselves
    where the regions are the same.
    """

    now: GapAnalysis
    then: GapAnalysis | None
    common_now: GapAnalysis | None
    common_then: GapAnalysis | None

    @property
    def same_regions(self) -> bool:
        """Whether both years have values for the same regions."""
        return self.common_now is self.now


def analyse_gap(
    subject: GapSubject,
    year: int,
    frame: pd.DataFrame,
    regional: pd.DataFrame,
    *,
    province: Measure,
    weight_name: str,
    weight_reason: str | None = None,
    breaks: tuple[tuple[int, str], ...] = (),
    flags: tuple[tuple[str, str], ...] = (),
    remarks: tuple[str, ...] = (),
) -> GapAnalysis:
    """Return the analysis of ``frame`` (columns as in `GapAnalysis`) beside the regions' own figures.

    ``regional``: index the economic regions; columns short_name, value and reason. ``weight_reason`` says
    why there are no weights; then the weighted measures are undefined for it, as they are for totals.
    """
    values = frame["value"].to_numpy(dtype=np.float64)
    groups = frame["group"].to_numpy(dtype=object)
    parents = frame["parent"].to_numpy(dtype=object)
    why = TOTALS_UNWEIGHTED if subject.additive else weight_reason
    weights = None if why else frame["weight"].to_numpy(dtype=np.float64)
    parts = decompose_theil(values, groups)
    weighted = undefined_parts(str(why)) if why else decompose_theil(values, groups, weights)
    nested = nested_weighted = None
    if subject.level == "county":
        nested = decompose_nested(values, groups, parents)
        nested_weighted = (
            undefined_nested(str(why)) if why else decompose_nested(values, groups, parents, weights)
        )
    theil = {
        "theil": Measure(parts.total, parts.reason),
        "theil_weighted": Measure(weighted.total, weighted.reason),
    }
    measures = _measures(subject, values, weights, regional, why=why, theil=theil)
    return GapAnalysis(
        subject=subject,
        year=year,
        frame=frame,
        regional=_inside(frame, regional),
        province=province,
        measures=measures,
        theil=parts,
        theil_weighted=weighted,
        nested=nested,
        nested_weighted=nested_weighted,
        weight_name="" if why else weight_name,
        breaks=breaks,
        flags=flags,
        remarks=remarks,
    )


def _measures(
    subject: GapSubject,
    values: NDArray[np.float64],
    weights: NDArray[np.float64] | None,
    regional: pd.DataFrame,
    *,
    why: str | None,
    theil: dict[str, Measure],
) -> dict[str, Measure]:
    """Return all measures, those of Theil as given; ``why`` the weighted ones are undefined, else None."""
    ends = [float(regional["value"].get(code, np.nan)) for code in (SOUTH, NORTH)]
    names = (ECONOMIC_REGIONS[SOUTH], ECONOMIC_REGIONS[NORTH])
    found = {
        "gini": gini(values),
        "gini_weighted": undefined(why) if why else gini(values, weights),
        "cv": coefficient_of_variation(values),
        "cv_weighted": undefined(why) if why else coefficient_of_variation(values, weights),
        **theil,
        "max_min_ratio": max_min_ratio(values),
        "south_north_ratio": ratio_between(ends[0], ends[1], names),
    }
    if subject.change:
        found |= {name: undefined(NO_MULTIPLES) for name in ("max_min_ratio", "south_north_ratio")}
    return found


def _inside(frame: pd.DataFrame, regional: pd.DataFrame) -> pd.DataFrame:
    """Return the regions' own figures with how their members are spread."""
    rows = []
    for code in regional.index:
        members = frame.loc[frame["group"] == code, "value"]
        there = members.dropna()
        rows.append(
            {
                "n": len(there),
                "undefined": len(members) - len(there),
                "low": float(there.min()) if len(there) else float("nan"),
                "median": float(there.median()) if len(there) else float("nan"),
                "high": float(there.max()) if len(there) else float("nan"),
                "cv": coefficient_of_variation(there).value,
                "max_min": max_min_ratio(there).value,
            }
        )
    return pd.concat([regional, pd.DataFrame(rows, index=regional.index)], axis=1)


def _parts(parts: TheilParts) -> dict[str, Any]:
    return {
        "total": parts.total,
        "within": parts.within,
        "between": parts.between,
        "between_share": parts.between_share.value,
        "between_share_reason": parts.between_share.reason,
    }
