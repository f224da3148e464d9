"""The place names of the plans' corridors, found on the ground: regions, townships, points, or outside.

In this order: the explicit table (``corridor_places.yaml``), a region's name or short name (prefectures
before counties), a township's name; once more without what stands in brackets. What is found nowhere is
said, never guessed.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import geopandas as gpd
import pandas as pd

from data.builder.facilities import locate_townships
from data.registry.corridor_models import CorridorFamily, CorridorPlace, load_corridor_places
from geo.errors import RegistryError
from geo.region_tree import PROVINCE, prefecture_of

NOT_FOUND = "省内没有这个地名，地名对照表里也没有"
AMBIGUOUS = "省内有几处同名，原文没有写明是哪一处"
_BRACKETS = re.compile(r"[（(【].*?[）)】]")
_LEAST = 2


@dataclass(frozen=True)
class PlaceFound:
    """One place: ``kind`` region, town, point, outside, province or none (then with a ``reason``).

    ``adcode`` is the region it is or lies in, ``level`` that region's level; ``lon``, ``lat`` degrees, None
    where it has no position.
    """

    name: str
    kind: str
    adcode: str | None = None
    level: str | None = None
    lon: float | None = None
    lat: float | None = None
    reason: str | None = None
    note: str | None = None

    @property
    def placed(self) -> bool:
        """Whether it can be put on the map."""
        return self.lon is not None


class PlaceFinder:
    """Finds place names among regions, townships and the explicit table."""

    def __init__(self, regions: gpd.GeoDataFrame, places: dict[str, CorridorPlace] | None = None) -> None:
        """``regions``: the region table with geometry and seats (EPSG:4490) of ``build_region_table``.

        Raises ``RegistryError`` when the explicit table names a region or township that does not exist.
        """
        self._places = load_corridor_places() if places is None else places
        table = pd.DataFrame(regions.drop(columns="geometry")).set_index("adcode", drop=False)
        self._table = table[table["level"].isin(["prefecture", "county"])]
        self._by_name: dict[str, list[str]] = defaultdict(list)
        for level in ("prefecture", "county"):
            for row in self._table[self._table["level"] == level].itertuples():
                for name in dict.fromkeys((str(row.name), str(row.short_name))):
                    held = self._by_name[name]
                    if not held or level == self._table.loc[held[0], "level"]:
                        held.append(str(row.adcode))
        towns = locate_townships(regions)
        self._towns: dict[str, dict[str, Any]] = {
            str(one["code"]): {str(key): value for key, value in one.items()}
            for one in towns.to_dict("records")
        }
        self._towns_by_name: dict[str, list[str]] = defaultdict(list)
        for code, town in self._towns.items():
            self._towns_by_name[str(town["name"])].append(code)
        self._check()

    def _check(self) -> None:
        faults = []
        for place in self._places.values():
            faults += [
                f"条目 {place.name}：没有“{name}”这个地区或不唯一"
                for name in place.regions
                if name not in self._table.index and len(self._by_name.get(name, ())) != 1
            ]
            if place.town is not None and place.town not in self._towns:
                faults.append(f"条目 {place.name}：没有代码为 {place.town} 的乡镇")
        if faults:
            raise RegistryError("\n".join(f"corridor_places.yaml，{fault}" for fault in faults))

    def find(self, text: str) -> list[PlaceFound]:
        """Return the places a member's text stands for, in order; one of kind none where it is nowhere."""
        wanted = text.strip()
        for name in dict.fromkeys((wanted, without_brackets(wanted))):
            found = self._exactly(name) if name else []
            if found:
                return found
        return [PlaceFound(wanted, "none", reason=NOT_FOUND)]

    def _exactly(self, name: str) -> list[PlaceFound]:
        if name in self._places:
            return self._listed(self._places[name])
        codes = self._by_name.get(name, [])
        if len(codes) == 1:
            return [self.region(codes[0])]
        if len(codes) > 1:
            return [PlaceFound(name, "none", reason=AMBIGUOUS)]
        towns = self._towns_by_name.get(name, [])
        if len(towns) == 1:
            return [self._town(name, towns[0])]
        return [PlaceFound(name, "none", reason=AMBIGUOUS)] if towns else []

    def _listed(self, place: CorridorPlace) -> list[PlaceFound]:
        if place.province:
            return [PlaceFound(place.name, "province", PROVINCE, "province", note=place.basis)]
        if place.outside:
            return [PlaceFound(place.name, "outside", lon=place.lon, lat=place.lat, note=place.basis)]
        if place.town is not None:
            return [self._town(place.name, place.town)]
        codes = [name if name in self._table.index else self._by_name[name][0] for name in place.regions]
        if place.lon is not None:
            level = str(self._table.loc[codes[0], "level"])
            return [PlaceFound(place.name, "point", codes[0], level, place.lon, place.lat, note=place.basis)]
        return [self.region(code, note=place.basis) for code in codes]

    def region(self, adcode: str, note: str | None = None) -> PlaceFound:
        """Return a region as a place: its seat."""
        row: Any = self._table.loc[adcode]
        lon, lat = float(row["seat_lon"]), float(row["seat_lat"])
        return PlaceFound(str(row["short_name"]), "region", adcode, str(row["level"]), lon, lat, note=note)

    def _town(self, name: str, code: str) -> PlaceFound:
        row = self._towns[code]
        adcode = str(row["adcode"])
        if pd.notna(row["lon"]):
            return PlaceFound(name, "town", adcode, "county", float(row["lon"]), float(row["lat"]))
        seat: Any = self._table.loc[adcode]
        return PlaceFound(
            name,
            "town",
            adcode,
            "county",
            float(seat["seat_lon"]),
            float(seat["seat_lat"]),
            note="乡镇没有坐标，放在县（市、区）驻地",
        )

    def in_name(self, text: str) -> list[PlaceFound]:
        """Return the places whose names stand in a structure's own name: the longest names first taken,
        counties rather than the prefecture that holds them, in the order of the name.
        """
        # Not the words for whole coasts and rivers: 滨海 in 盐城滨海港 is the county.
        spots = [
            name for name, place in self._places.items() if place.town or (place.lon and not place.outside)
        ]
        names = [name for name in (*spots, *self._by_name) if len(name) >= _LEAST]
        taken = [False] * len(text)
        hits: list[tuple[int, PlaceFound]] = []
        in_places = set(spots)
        for name in sorted(names, key=lambda one: (-len(one), one)):
            at = text.find(name)
            while at >= 0:
                if not any(taken[at : at + len(name)]):
                    taken[at : at + len(name)] = [True] * len(name)
                    codes = self._by_name.get(name, [])
                    found = (
                        self._exactly(name) if name in in_places else [self.region(one) for one in codes[:1]]
                    )
                    hits += [(at, place) for place in found if len(codes) <= 1]
                at = text.find(name, at + 1)
        places = [place for _, place in sorted(hits, key=lambda hit: hit[0])]
        inside = {prefecture_of(place.adcode) for place in places if place.level == "county" and place.adcode}
        kept = [p for p in places if not (p.level == "prefecture" and p.adcode in inside)]
        return list({(p.name, p.adcode): p for p in kept}.values())


def without_brackets(text: str) -> str:
    """Return a text without what stands in brackets."""
    return _BRACKETS.sub("", text).strip()


def fact_rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a packaged fact table."""
    with (resources.files("data.facts") / name).open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def split_members(text: str) -> list[str]:
    """Return the members of a list as the plan's transcription separates them."""
    return [part.strip() for part in text.split(";") if part.strip()]


def once(texts: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the texts without repetition, and those that stood there again."""
    seen: dict[str, None] = {}
    again = []
    for text in texts:
        if text in seen:
            again.append(text)
        seen.setdefault(text)
    return list(seen), again


@dataclass
class Draft:
    """A structure on its way into the table: its row, its members in order, and how it is to be drawn."""

    row: dict[str, Any]
    family: CorridorFamily
    members: list[dict[str, Any]] = field(default_factory=list)

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.row["id"])

    def add(
        self, text: str, role: str, places: Sequence[PlaceFound], *, on_axis: bool = False, note: str = ""
    ) -> None:
        """Append the places a text stands for."""
        for place in places:
            self.members.append(
                {
                    "corridor": self.id,
                    "position": len(self.members),
                    "text": text,
                    "role": role,
                    "kind": place.kind,
                    "name": place.name,
                    "adcode": place.adcode,
                    "level": place.level,
                    "lon": place.lon,
                    "lat": place.lat,
                    "on_axis": on_axis and place.placed,
                    "line": None,
                    "reason": place.reason,
                    "note": note or place.note,
                }
            )

    def add_line(self, text: str, role: str, line: str | None) -> None:
        """Append a line that the corridor consists of; ``line`` is its id in the table."""
        found = PlaceFound(text, "line", reason=None if line else "表中没有同名的线路")
        self.add(text, role, [found])
        self.members[-1]["line"] = line
