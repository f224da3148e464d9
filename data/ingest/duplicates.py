"""Facilities that may be one and the same: of one kind, close together, and alike in name.

They are listed for a person to decide on, never merged. Method: pairs within a distance by a k-d tree in the
measuring CRS, kept when the kinds agree and the names are alike.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.spatial import KDTree

from data.ingest.cells import half_width
from data.registry.facility_models import FacilityType, load_facility_types, same_kind
from geo.crs import ALBERS, STORE_CRS

NEAR_M: Final = 150.0
"""Two positions of one facility (gate, building, geocoded address) lie within this distance."""

UNNAMED_NEAR_M: Final = 50.0
"""Without a name on both sides only so near counts."""

ALIKE: Final = 0.6
"""Share of common characters from which the differing parts of two names count as alike."""

DUPLICATE_COLUMNS: Final = (
    "id_a",
    "id_b",
    "name_a",
    "name_b",
    "type_a",
    "type_b",
    "source_a",
    "source_b",
    "distance_m",
    "similarity",
)
_BRACKETS = re.compile(r"[（(【\[].*?[)）】\]]")
_PUNCTUATION = re.compile(r"[\s·•\-—_.,，。、“”\"'()（）\[\]【】]+")
_NUMERALS = re.compile(r"[0-9]+|[一二三四五六七八九十]+")
_CHINESE_DIGITS = str.maketrans("一二三四五六七八九", "123456789")


class NameReader:
    """Reads names the way they are compared: half-width, numbers as digits, without brackets and punctuation,
    and without the ``places`` (names of regions) they begin with, as many as leave at least two characters.
    """

    def __init__(self, places: Sequence[str] = ()) -> None:
        """Prepare for ``places``; the longest counts first."""
        plain = sorted({_plain(place) for place in places} - {""}, key=lambda name: (-len(name), name))
        words = "|".join(map(re.escape, plain))
        self._leading = re.compile(f"(?:(?:{words})(?=.{{2,}}))+" if words else "(?!)")
        self._read: dict[str, str] = {}

    def __call__(self, name: str) -> str:
        """Return ``name`` as it is compared."""
        if name not in self._read:
            self._read[name] = self._without_places(_plain(name)) if name else ""
        return self._read[name]

    def _without_places(self, name: str) -> str:
        found = self._leading.match(name)
        return name[found.end() :] if found is not None else name


def _plain(name: str) -> str:
    text = half_width(name).lower()
    text = _PUNCTUATION.sub("", _BRACKETS.sub("", text)) or _PUNCTUATION.sub("", text)
    return _NUMERALS.sub(lambda found: found[0].translate(_CHINESE_DIGITS), text)


def name_similarity(one: str, other: str) -> float:
    """Return how alike two names (of a ``NameReader``) are, 0 to 1; symmetric.

    Names with different numbers (第一、第二) are 0. One that contains the other is 1 by its share, at least
    ``ALIKE``. Otherwise what both end in (社区卫生服务中心) says nothing and is left out of the comparison.
    """
    if one == other:
        return 1.0
    if _numbers(one) != _numbers(other):
        return 0.0
    short, long = sorted((one, other), key=lambda text: (len(text), text))
    if len(short) >= 2 and short in long:
        return max(ALIKE, len(short) / len(long))
    while short and long and short[-1] == long[-1]:
        short, long = short[:-1], long[:-1]
    return difflib.SequenceMatcher(None, short, long, autojunk=False).ratio()


def _numbers(name: str) -> list[str]:
    return sorted(_NUMERALS.findall(name))


def find_duplicates(
    facilities: pd.DataFrame,
    *,
    types: Mapping[str, FacilityType] | None = None,
    places: Sequence[str] = (),
    near_m: float = NEAR_M,
) -> pd.DataFrame:
    """Return the pairs of facilities that may be one, as ``DUPLICATE_COLUMNS``; nothing is changed.

    ``facilities`` needs id (unique), name (may be missing), type, source, lon and lat (CGCS2000 degrees).
    ``places`` are names of regions, left out where a facility's name begins with one. A pair is listed once,
    ``id_a`` the lower, in order of ids; ``distance_m`` is measured in Albers. A facility without a name
    pairs within ``UNNAMED_NEAR_M`` with similarity NaN.
    """
    known = dict(types if types is not None else load_facility_types())
    frame = facilities.sort_values("id", ignore_index=True)
    left, right, distance = _near_pairs(frame, near_m)
    kinds = frame["type"].to_numpy(dtype=object)
    names = frame["name"].to_numpy(dtype=object)
    read = NameReader(places)
    rows, similarity = [], []
    for pair, (a, b) in enumerate(zip(left, right, strict=True)):
        if not same_kind(kinds[a], kinds[b], known):
            continue
        one, other = (read(names[at]) if isinstance(names[at], str) else "" for at in (a, b))
        if one and other:
            alike = name_similarity(one, other)
        else:
            alike = np.nan if distance[pair] <= UNNAMED_NEAR_M else 0.0
        if not alike < ALIKE:
            rows.append(pair)
            similarity.append(alike)
    a, b = left[rows], right[rows]
    columns: dict[str, object] = {}
    for field in ("id", "name", "type", "source"):
        values = frame[field].to_numpy(dtype=object)
        columns[f"{field}_a"], columns[f"{field}_b"] = values[a], values[b]
    columns["distance_m"] = distance[rows]
    columns["similarity"] = np.asarray(similarity, dtype=np.float64)
    found = pd.DataFrame(columns)[list(DUPLICATE_COLUMNS)]
    return found.sort_values(["id_a", "id_b"], ignore_index=True)


def _near_pairs(frame: pd.DataFrame, near_m: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the positions of both of each near pair, the lower first, and their distance in metres."""
    nothing = np.empty(0, dtype=np.int64)
    if len(frame) < 2:
        return nothing, nothing, np.empty(0)
    points = gpd.GeoSeries.from_xy(frame["lon"], frame["lat"], crs=STORE_CRS).to_crs(ALBERS)
    xy = np.column_stack([points.x.to_numpy(), points.y.to_numpy()])
    pairs = KDTree(xy).query_pairs(near_m, output_type="ndarray")
    left, right = pairs.min(axis=1, initial=len(frame)), pairs.max(axis=1, initial=-1)
    return left, right, np.hypot(*(xy[left] - xy[right]).T)
