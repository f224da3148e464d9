"""What a planner changes by hand: facilities added, moved, closed; as text in an address and in a run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, unquote

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.crs import ALBERS, STORE_CRS
from geo.errors import SitingError

Kind = Literal["add", "move", "close"]
KINDS: dict[Kind, str] = {"add": "添加", "move": "移动", "close": "关闭"}
MAX_EDITS = 60
PLANNED = "planned"
"""The precision of a facility that a plan puts somewhere."""

_DEGREES = r"(-?\d{1,3}(?:\.\d{1,7})?)"
_TEXT = re.compile(rf"(add|move|close)(?:!([^!@]{{1,300}}))?(?:@{_DEGREES},{_DEGREES})?")


@dataclass(frozen=True)
class Edit:
    """One change: ``add`` at a place, ``move`` a facility (id) to a place, or ``close`` one."""

    kind: Kind
    facility: str | None = None
    lon: float | None = None
    lat: float | None = None

    @property
    def text(self) -> str:
        """The change as text: ``add@117.2,34.26``, ``move!ID@117.2,34.26``, ``close!ID``."""
        who = "" if self.facility is None else "!" + quote(self.facility, safe="").replace("~", "%7E")
        where = "" if self.lon is None or self.lat is None else f"@{self.lon:.5f},{self.lat:.5f}"
        return f"{self.kind}{who}{where}"

    @classmethod
    def parse(cls, text: str) -> Edit:
        """Return the change a text names. Raises ``SitingError`` for any other text."""
        found = _TEXT.fullmatch(text)
        if found is None:
            raise SitingError(
                f"“{text[:60]}”不是方案改动；应形如 add@117.2,34.26、move!编号@117.2,34.26、close!编号。"
            )
        who, lon, lat = found.group(2, 3, 4)
        kind: Kind = next(one for one in KINDS if one == found.group(1))
        if (who is None) != (kind == "add") or (lon is None) != (kind == "close"):
            raise SitingError(f"方案改动“{text[:60]}”缺少或多出了设施编号、位置。")
        place = (None, None) if lon is None else (round(float(lon), 5), round(float(lat), 5))
        return cls(kind, None if who is None else unquote(who), *place)


def parse_edits(text: str) -> tuple[Edit, ...]:
    """Return the changes of an address, joined by ``~``; ``SitingError`` for a bad one or too many."""
    parts = [part for part in text.split("~") if part]
    if len(parts) > MAX_EDITS:
        raise SitingError(f"方案改动有 {len(parts)} 处，最多 {MAX_EDITS} 处。")
    return tuple(Edit.parse(part) for part in parts)


def edits_text(edits: Sequence[Edit]) -> str:
    """Return changes as one text for an address."""
    return "~".join(edit.text for edit in edits)


def new_facilities(places: pd.DataFrame, kind: str, *, prefix: str = "new") -> pd.DataFrame:
    """Return planned facilities at ``places`` (``lon, lat, x, y, adcode, name``) as the table has them."""
    count = len(places)
    return pd.DataFrame(
        {
            "id": [f"{prefix}-{number}" for number in range(1, count + 1)],
            "name": places["name"].to_numpy(dtype=object),
            "type": kind,
            "level": pd.Series([None] * count, dtype=object),
            "capacity": np.full(count, np.nan),
            "capacity_unit": pd.Series([None] * count, dtype=object),
            "lon": places["lon"].to_numpy(dtype=np.float64),
            "lat": places["lat"].to_numpy(dtype=np.float64),
            "adcode": places["adcode"].to_numpy(dtype=object),
            "source": "方案",
            "precision": PLANNED,
            "x": places["x"].to_numpy(dtype=np.float64),
            "y": places["y"].to_numpy(dtype=np.float64),
        }
    )


def place_points(
    lon: Sequence[float], lat: Sequence[float], counties: gpd.GeoDataFrame, what: str
) -> pd.DataFrame:
    """Return ``lon, lat, x, y, adcode`` of places (degrees, EPSG:4490) inside the province.

    ``counties``: polygons in ``ALBERS``, index adcode. Raises ``SitingError`` that lists the places outside.
    """
    points = gpd.GeoSeries.from_xy(lon, lat, crs=STORE_CRS).to_crs(ALBERS)
    found, county = shapely.STRtree(counties.geometry.to_numpy()).query(
        points.to_numpy(), predicate="intersects"
    )
    codes = pd.Series(counties.index.to_numpy()[county], index=found).groupby(level=0).min()
    adcode = codes.reindex(range(len(points)))
    outside = np.flatnonzero(adcode.isna().to_numpy())
    if len(outside):
        shown = "、".join(f"第 {row + 1} 个（{lon[row]:g},{lat[row]:g}）" for row in outside[:5])
        more = " 等" if len(outside) > 5 else ""
        raise SitingError(
            f"{what}有 {len(outside)} 个不在江苏省内：{shown}{more}。"
            "请检查经度和纬度是否写反、坐标基准是否正确。"
        )
    return pd.DataFrame(
        {
            "lon": np.asarray(lon, dtype=np.float64),
            "lat": np.asarray(lat, dtype=np.float64),
            "x": points.x.to_numpy(),
            "y": points.y.to_numpy(),
            "adcode": adcode.to_numpy(dtype=object),
        }
    )


def apply_edits(
    facilities: pd.DataFrame, edits: Sequence[Edit], kind: str, counties: gpd.GeoDataFrame
) -> pd.DataFrame:
    """Return the facilities after the changes, in order: closed ones gone, moved ones elsewhere, new ones
    last.

    New ones get the ids ``new-1``, ``new-2`` … and can be moved or closed by these. Raises ``SitingError``
    for a facility that is not there and for a place outside the province.
    """
    placed = [edit for edit in edits if edit.lon is not None and edit.lat is not None]
    places = place_points(
        [edit.lon or 0.0 for edit in placed], [edit.lat or 0.0 for edit in placed], counties, "方案的位置"
    )
    at = dict(zip(placed, places.to_dict("records"), strict=True))
    frame = facilities.reset_index(drop=True)
    added = 0
    for edit in edits:
        if edit.kind == "add":
            added += 1
            one = new_facilities(pd.DataFrame([{**at[edit], "name": f"新增 {added}"}]), kind)
            frame = (
                pd.concat([frame, one.assign(id=f"new-{added}")], ignore_index=True) if len(frame) else one
            )
            continue
        rows = np.flatnonzero((frame["id"] == edit.facility).to_numpy())
        if len(rows) == 0:
            raise SitingError(
                f"方案要{KINDS[edit.kind]}的设施“{edit.facility}”不在当前设施里（可能已关闭或数据已更新）。"
            )
        if edit.kind == "close":
            frame = frame[frame["id"] != edit.facility].reset_index(drop=True)
        else:
            for column, value in at[edit].items():
                frame.loc[rows, column] = value
            frame.loc[rows, "precision"] = PLANNED
    return frame
