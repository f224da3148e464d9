"""Facilities that may be one and the same: of one kind, close together, and alike in name.

They are listed for a person to decide on, never merged. Method: pairs within a distance by a grid in the
measuring CRS (``data.ingest.near_pairs``), kept when the kinds agree and the names are alike. Facilities in a
heap make pairs by the square of their number: beyond ``DuplicateLimits`` pairs are neither compared nor
listed, and what was left out is said.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import pandas as pd
from pyproj import Transformer

from data.ingest.cells import half_width
from data.ingest.near_pairs import NearPairs, Places, near_pairs
from data.registry.facility_models import FacilityType, load_facility_types, same_kind
from data.registry.import_models import ImportChecks, load_import_checks
from geo.crs import ALBERS, STORE_CRS

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
_CLOSING = re.compile(r"[)）】\]]")
_PUNCTUATION = re.compile(r"[\s·•\-—_.,，。、“”\"'()（）\[\]【】]+")
_NUMERALS = re.compile(r"[0-9]+|[一二三四五六七八九十]+")
_CHINESE_DIGITS = str.maketrans("一二三四五六七八九", "123456789")


@dataclass(frozen=True)
class DuplicateLimits:
    """How far the search goes before it says that there is too much.

    ``near``: candidates whose distance is measured, a second's work; 900,000 facilities spread over the
    province have 300,000. ``compared``: pairs of different names that are compared, a few seconds' work.
    ``effort``: the same for names of great length (the work on a pair grows with the cube of it).
    ``listed``: pairs in the result, more than a person will look through.
    """

    near: int = 2_000_000
    compared: int = 100_000
    effort: int = 100_000_000
    listed: int = 10_000


@dataclass(frozen=True)
class Duplicates:
    """What was found: the ``pairs`` listed (``DUPLICATE_COLUMNS``), how many were ``found`` in all, and
    Chinese sentences on what was not looked at or not listed (none where everything was).
    """

    pairs: pd.DataFrame
    found: int
    notes: tuple[str, ...]


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
    text = _PUNCTUATION.sub("", _unbracketed(text)) or _PUNCTUATION.sub("", text)
    return _NUMERALS.sub(lambda found: found[0].translate(_CHINESE_DIGITS), text)


def _unbracketed(text: str) -> str:
    """Return a text without what stands in brackets.

    Behind the last closing one nothing is looked for: many opening ones there would cost their square.
    """
    end = max((found.end() for found in _CLOSING.finditer(text)), default=0)
    return _BRACKETS.sub("", text[:end]) + text[end:] if end else text


def _plain_similarity(one: str, other: str, alike: float) -> float | None:
    """Return how alike two names (of a ``NameReader``) are; None for those to be compared letter by letter.

    From 0 to 1. Names with different numbers (第一、第二) are 0. One that contains the other is 1 by its
    share, at least ``alike``. Of all others, what both end in (社区卫生服务中心) says nothing and is left out
    of the comparison.
    """
    if one == other:
        return 1.0
    if _numbers(one) != _numbers(other):
        return 0.0
    short, long = sorted((one, other), key=lambda text: (len(text), text))
    if len(short) >= 2 and short in long:
        return max(alike, len(short) / len(long))
    return None


def _differing(one: str, other: str) -> tuple[str, str]:
    """Return both names without their common end, the shorter first."""
    short, long = sorted((one, other), key=lambda text: (len(text), text))
    common = 0
    while common < len(short) and short[-1 - common] == long[-1 - common]:
        common += 1
    return short[: len(short) - common], long[: len(long) - common]


def _ratio(short: str, long: str) -> float:
    return difflib.SequenceMatcher(None, short, long, autojunk=False).ratio()


def _too_different(short: str, long: str, alike: float) -> bool:
    """Whether two texts have too few characters in common, in whatever order, to be alike."""
    total = len(short) + len(long)
    if 2 * len(short) < alike * total:
        return True
    common = sum(min(short.count(one), long.count(one)) for one in set(short))
    return 2 * common < alike * total


def _numbers(name: str) -> list[str]:
    return sorted(_NUMERALS.findall(name))


def find_duplicates(
    facilities: pd.DataFrame,
    *,
    others: pd.DataFrame | None = None,
    types: Mapping[str, FacilityType] | None = None,
    places: Sequence[str] = (),
    near_m: float | None = None,
    limits: DuplicateLimits | None = None,
) -> Duplicates:
    """Return the pairs of facilities that may be one; nothing is changed.

    ``facilities`` and ``others`` need id (unique over both), name (may be missing), type, source, lon and lat
    (CGCS2000 degrees); pairs are looked for among ``facilities`` and between them and ``others``, not among
    ``others``. ``places`` are names of regions, left out where a facility's name begins with one. A pair is
    listed once, ``id_a`` the lower, in order of ids; ``distance_m`` is measured in Albers. A facility without
    a name pairs within ``duplicate_unnamed_m`` with similarity NaN. Of more than ``limits`` allow, the
    nearest are compared and listed. ``import_checks.yaml`` says how near and how alike pairs are; ``near_m``
    replaces its distance.
    """
    checks = load_import_checks()
    within = checks.duplicate_m if near_m is None else near_m
    known = dict(types if types is not None else load_facility_types())
    bounds = limits or DuplicateLimits()
    frames = [_by_id(facilities), _by_id(facilities.iloc[:0] if others is None else others)]
    kinds, alike, group = _kinds(frames, known)
    own, rest = (
        Places(_metres(frame), codes, group[codes]) for frame, codes in zip(frames, kinds, strict=True)
    )
    near = near_pairs(own, rest, alike, within, bounds.near)
    at, similarity, skipped = _alike_names(near, _names(frames, near), NameReader(places), bounds, checks)
    found = len(at)
    if found > bounds.listed:
        nearest = np.argsort(near.distance[at], kind="stable")[: bounds.listed]
        at, similarity = at[nearest], similarity[nearest]
    pairs = _table(frames, near, at, similarity)
    return Duplicates(pairs, found, _remarks(near, skipped, found, bounds, within))


def _by_id(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame in order of ids, itself where it is so already."""
    if frame["id"].is_monotonic_increasing:
        return frame
    return frame.sort_values("id", ignore_index=True)


def _kinds(
    frames: Sequence[pd.DataFrame], known: dict[str, FacilityType]
) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Return the number of each facility's type, which of them may be one, and the group of each type.

    A group are the types below a broader one, and that.
    """
    coded = [pd.factorize(frame["type"]) for frame in frames]
    names = sorted({str(name) for _, found in coded for name in found})
    number = {name: place for place, name in enumerate(names)}
    codes = [np.array([number[str(name)] for name in found], dtype=np.int64)[at] for at, found in coded]
    alike = np.array([[same_kind(one, other, known) for other in names] for one in names], dtype=bool)
    heads = [(known[name].broader or name) if name in known else name for name in names]
    return codes, alike.reshape(len(names), len(names)), pd.factorize(np.array(heads, dtype=object))[0]


@cache
def _to_albers() -> Transformer:
    return Transformer.from_crs(STORE_CRS, ALBERS, always_xy=True)


def _metres(frame: pd.DataFrame) -> np.ndarray:
    lon, lat = (frame[axis].to_numpy(dtype=np.float64) for axis in ("lon", "lat"))
    return np.column_stack(_to_albers().transform(lon, lat))


@dataclass(frozen=True)
class _Names:
    """The different names of near facilities, and for each pair the places of both in ``texts``."""

    texts: list[str]
    left: np.ndarray
    right: np.ndarray


def _names(frames: Sequence[pd.DataFrame], near: NearPairs) -> _Names:
    """Return the names of the pairs; a missing one is empty."""
    rows = np.unique(np.concatenate([near.left, near.right]))
    count = len(frames[0])
    mine, theirs = rows[rows < count], rows[rows >= count] - count
    names = np.concatenate(
        [
            frame["name"].iloc[at].to_numpy(dtype=object)
            for frame, at in zip(frames, (mine, theirs), strict=True)
        ]
    )
    names = np.where(pd.isna(names), "", names)
    codes, texts = pd.factorize(names)
    left, right = (codes[np.searchsorted(rows, side)] for side in (near.left, near.right))
    return _Names(list(texts), left, right)


def _alike_names(
    near: NearPairs, names: _Names, read: NameReader, limits: DuplicateLimits, checks: ImportChecks
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return which of the near pairs are alike in name, how much, and how many were not compared.

    Equal names need no comparison, and every other one is compared once; the nearest come first.
    """
    blank = np.array([text == "" for text in names.texts], dtype=bool)
    same = names.left == names.right
    for code in np.unique(names.left[same]):
        blank[code] = blank[code] or not read(names.texts[code])
    similarity = np.where(same, 1.0, 0.0)
    different = np.flatnonzero(~same & ~blank[names.left] & ~blank[names.right])
    different = different[np.argsort(near.distance[different], kind="stable")]
    chosen = different[: limits.compared]
    budget = _Comparison(read, limits.effort, checks.duplicate_alike)
    for pair, one, other in zip(
        chosen.tolist(), names.left[chosen].tolist(), names.right[chosen].tolist(), strict=True
    ):
        similarity[pair] = budget.similarity(names.texts[one], names.texts[other])
    unnamed = blank[names.left] | blank[names.right] | np.isnan(similarity)
    similarity[unnamed] = np.where(near.distance[unnamed] <= checks.duplicate_unnamed_m, np.nan, 0.0)
    kept = np.flatnonzero(~(similarity < checks.duplicate_alike))
    return kept, similarity[kept], len(different) - len(chosen) + budget.skipped


class _Comparison:
    """Compares names, each two once, until the effort allowed is spent; ``skipped`` counts those after."""

    def __init__(self, read: NameReader, effort: int, alike: float) -> None:
        self._read, self._left, self._alike = read, effort, alike
        self._known: dict[tuple[str, str], float] = {}
        self.skipped = 0

    def similarity(self, one: str, other: str) -> float:
        """Return how alike two written names are; NaN where one says nothing, 0 when no effort is left."""
        first, second = self._read(one), self._read(other)
        if not first or not second:
            return np.nan
        plain = _plain_similarity(first, second, self._alike)
        if plain is not None:
            return plain
        pair = _differing(first, second)
        if pair not in self._known:
            if _too_different(*pair, self._alike):
                return 0.0
            self._left -= len(pair[0]) ** 2 * len(pair[1])
            if self._left < 0:
                self.skipped += 1
                return 0.0
            self._known[pair] = _ratio(*pair)
        return self._known[pair]


def _table(
    frames: Sequence[pd.DataFrame], near: NearPairs, at: np.ndarray, similarity: np.ndarray
) -> pd.DataFrame:
    """Return pairs as rows, the lower id first."""
    count = len(frames[0])
    left, right = near.left[at], near.right[at]
    sides: list[dict[str, np.ndarray]] = []
    for side in (left, right):
        own = side < count
        values = {}
        for field in ("id", "name", "type", "source"):
            column = np.empty(len(side), dtype=object)
            column[own] = frames[0][field].iloc[side[own]].to_numpy(dtype=object)
            column[~own] = frames[1][field].iloc[side[~own] - count].to_numpy(dtype=object)
            values[field] = column
        sides.append(values)
    turned = np.array(sides[0]["id"] > sides[1]["id"], dtype=bool)
    columns: dict[str, object] = {}
    for field in ("id", "name", "type", "source"):
        one, other = sides[0][field], sides[1][field]
        columns[f"{field}_a"] = np.where(turned, other, one)
        columns[f"{field}_b"] = np.where(turned, one, other)
    columns["distance_m"] = near.distance[at]
    columns["similarity"] = similarity
    found = pd.DataFrame(columns)[list(DUPLICATE_COLUMNS)]
    return found.sort_values(["id_a", "id_b"], ignore_index=True)


def _remarks(
    near: NearPairs, skipped: int, found: int, limits: DuplicateLimits, near_m: float
) -> tuple[str, ...]:
    notes = []
    if near.per_place is not None:
        notes.append(
            f"疑似重复太多：同类设施过密，{near_m:.0f} 米以内的没有逐对比较，"
            f"每处设施只比较了周围每一侧的 {near.per_place} 处，可能还有没列出的"
        )
    if skipped:
        notes.append(
            f"疑似重复太多：{near_m:.0f} 米以内名称不同的同类设施过多，只比较了相距最近的一部分，"
            f"另有 {skipped} 对没有比较名称"
        )
    if found > limits.listed:
        notes.append(f"疑似重复太多：找到 {found} 对，只列出相距最近的 {limits.listed} 对")
    return tuple(notes)
