"""A region in a briefing: what it is called, what lies above and within it, its values and their sources."""

from __future__ import annotations

import math
from collections.abc import Sequence

from data.profiles import PROVINCE
from layers.profile_words import Point
from layers.report import ReportError
from pages.briefing_store import BriefingStore

LEVEL_WORDS = {
    "prefecture": "设区市",
    "county": "县（市、区）",
    "economic_region": "经济区域",
    "province": "省",
}
_WIDE = (("gdp_per_head", 2005), ("mean_years_schooling", 2010))
GAP_SUBJECTS = {
    "prefecture": _WIDE,
    "economic_region": _WIDE,
    "province": _WIDE,
    "county": (("mean_years_schooling", 2010), ("population_65_plus_share", 2010)),
}


class Briefings(BriefingStore):
    """The store as briefings ask it, region by region."""

    def require(self, adcode: str) -> str:
        """Return the level of a region that a briefing can be made of, else raise `ReportError`."""
        if adcode not in self.table.index:
            raise ReportError(f"没有行政区划代码为“{adcode}”的地区")
        level = str(self.table["level"].to_dict()[adcode])
        if level not in LEVEL_WORDS:
            raise ReportError(f"{self.name(adcode)}没有简报；可为设区市、县（市、区）、经济区域和全省制作。")
        return level

    def name(self, adcode: str) -> str:
        """Return a region's name."""
        return "全省" if adcode == PROVINCE else str(self.table["name"].to_dict()[adcode])

    def names(self, level: str) -> dict[str, str]:
        """Return how the regions of a level are called; counties of one name carry their prefecture."""
        own = self.table[self.table["level"] == level]
        repeated = own["name"].duplicated(keep=False)
        parents = own["parent"].map(self.table["short_name"])
        return {
            code: f"{name}（{parent}）" if again and level == "county" else str(name)
            for code, name, parent, again in zip(own.index, own["name"], parents, repeated, strict=True)
        }

    def above(self, adcode: str) -> list[str]:
        """Return the regions above one, the nearest first, the province last."""
        chain: list[str] = []
        parents = self.table["parent"].to_dict()
        parent = parents[adcode]
        while isinstance(parent, str) and parent in parents:
            chain.append(parent)
            parent = parents[parent]
        return chain

    def inside(self, adcode: str) -> list[str]:
        """Return the counties within a region; a county itself."""
        codes = [adcode]
        for code in codes:
            codes += self.table.index[self.table["parent"] == code].tolist()
        level = self.table["level"].to_dict()
        return [code for code in codes if level[code] == "county"]

    def point(self, indicator: str, adcode: str, year: int) -> Point:
        """Return a value of a year, with the reason when there is none."""
        facts = self.facts(indicator)
        row = facts[(facts["adcode"] == adcode) & (facts["year"] == year)].to_dict("records")
        if not row:
            return Point(year, math.nan)
        reason = row[0]["reason"]
        return Point(year, float(row[0]["value"]), reason if isinstance(reason, str) else "")

    def sources(self, ids: Sequence[str]) -> str:
        """Return the titles of sources as one text."""
        titles = self.store.sources().set_index("id")["title"].to_dict()
        return "；".join(dict.fromkeys(str(titles.get(one, one)) for one in ids))

    def sources_of(self, *indicators: str) -> str:
        """Return where the facts of some indicators come from."""
        found: list[str] = []
        for one in indicators:
            found += list(self.facts(one)["source"].dropna().unique())
        return self.sources(found)
