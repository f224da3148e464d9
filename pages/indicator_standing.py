"""How one region stands among the others: what its card says."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from data.store import Store
from layers.themes import ranks
from pages import cached
from pages.indicator_choice import Subject
from pages.indicator_layers import ancestors


@dataclass(frozen=True)
class Standing:
    """One region's value among the others; NaN and None where there is nothing to say."""

    name: str
    parent: str
    value: float
    reason: str
    remark: str
    rank: int | None
    among: int
    rank_inside: int | None
    among_inside: int
    earlier_year: int | None
    earlier: float
    above: pd.DataFrame
    """Columns name and value: prefecture, economic region and province, from the nearest."""


def standing(store: Store, subject: Subject, adcode: str) -> Standing:
    """Return how region ``adcode`` stands in the subject's year, among the regions of its own level."""
    table = cached.region_table(store)
    region = table.loc[adcode]
    facts = cached.facts(store, subject.id)
    now = facts[facts["year"] == subject.year].set_index("adcode")
    peers = now[now["level"] == region["level"]]
    places = ranks(peers["value"], str(subject.row["direction"]))
    inside = peers[peers["parent"] == region["parent"]]
    places_inside = ranks(inside["value"], str(subject.row["direction"]))
    before = facts[(facts["adcode"] == adcode) & (facts["year"] < subject.year) & facts["value"].notna()]
    own = now[now.index == adcode].to_dict("records")
    fact = own[0] if own else {}
    above = [code for code in ancestors(table, adcode) if code in now.index]
    parent = region["parent"]
    return Standing(
        name=str(region["name"]),
        parent=str(table.loc[parent, "name"]) if parent in table.index else "",
        value=float(fact.get("value", float("nan"))),
        reason=_text(fact, "reason") or f"{subject.year} 年没有该地区的数据",
        remark="；".join(part for part in (_text(fact, "flag"), _text(fact, "note")) if part),
        rank=_place(places, adcode),
        among=int(places.notna().sum()),
        rank_inside=_place(places_inside, adcode) if region["level"] == "county" else None,
        among_inside=int(places_inside.notna().sum()),
        earlier_year=int(before["year"].iloc[-1]) if len(before) else None,
        earlier=float(before["value"].iloc[-1]) if len(before) else float("nan"),
        above=pd.DataFrame({"name": table.loc[above, "name"], "value": now.loc[above, "value"]}),
    )


def _text(fact: dict[Hashable, Any], column: str) -> str:
    value = fact.get(column)
    return value if isinstance(value, str) else ""


def _place(places: pd.Series, adcode: str) -> int | None:
    place = places.get(adcode)
    return None if place is None or pd.isna(place) else int(place)
