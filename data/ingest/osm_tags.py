"""What the text of a tag means: speeds, durations, directions, and yes or no.

A value that says nothing usable counts as absent; it never becomes a guess. Meanings follow the OpenStreetMap
wiki (Key:maxspeed, Key:duration, Key:oneway).
"""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data.ingest.osm_source import unescape

MAX_SPEED_KMH = 160.0
"""A posted limit above this is a typing error."""

_KMH_PER_UNIT = {"": 1.0, "km/h": 1.0, "kmh": 1.0, "kph": 1.0, "mph": 1.609344, "knots": 1.852}
_SPEED = re.compile(r"^(\d+(?:\.\d+)?) *([a-z/]*)$")
_CLOCK = re.compile(r"^(\d{1,3}):([0-5]\d)(?::([0-5]\d))?$")
_ISO = re.compile(r"^pt(?=\d)(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?$")
_MINUTES = re.compile(r"^(\d+(?:\.\d+)?) *(?:min|mins|minutes)?$")
_FORWARD, _BACKWARD, _BOTH = {"yes", "true", "1"}, {"-1", "reverse"}, {"no", "false", "0"}
UNDIRECTED = -2
"""No tag says in which direction a way runs: the road class decides."""


def parse_maxspeed(text: str) -> float:
    """Return a posted limit in km/h (the lowest of several), NaN for none, words, and impossible numbers."""
    speeds = []
    for part in text.lower().split(";"):
        match = _SPEED.match(part.strip())
        if match and match[2] in _KMH_PER_UNIT:
            speeds.append(float(match[1]) * _KMH_PER_UNIT[match[2]])
    return min((speed for speed in speeds if 0 < speed <= MAX_SPEED_KMH), default=np.nan)


def parse_duration(text: str) -> float:
    """Return minutes from ``1:20``, ``1:20:00``, ``PT1H20M`` or plain minutes; NaN for anything else."""
    words = text.strip().lower()
    if match := _CLOCK.match(words):
        minutes = int(match[1]) * 60 + int(match[2]) + int(match[3] or 0) / 60
    elif match := _ISO.match(words):
        minutes = float(match[1] or 0) * 60 + float(match[2] or 0) + float(match[3] or 0) / 60
    elif match := _MINUTES.match(words):
        minutes = float(match[1])
    else:
        return np.nan
    return minutes if minutes > 0 else np.nan


def parse_oneway(text: str) -> int:
    """Return 1 (along the way), -1 (against it) or 0 (both); ``UNDIRECTED`` for a value that says nothing.

    ``reversible`` and ``alternating`` change by the hour and count as both.
    """
    if text in _FORWARD:
        return 1
    if text in _BACKWARD:
        return -1
    return 0 if text in _BOTH or text in {"reversible", "alternating"} else UNDIRECTED


def decode(
    column: pa.ChunkedArray, meaning: Callable[[str], float | bool | int], dtype: type, missing: object
) -> NDArray[Any]:
    """Return ``meaning`` of every text as an array of ``dtype``, ``missing`` where there is none.

    Each distinct text is looked at once.
    """
    coded = column.combine_chunks().dictionary_encode()
    meanings = [meaning(unescape(text)) for text in coded.dictionary.to_pylist()]
    codes = coded.indices.fill_null(len(meanings)).to_numpy(zero_copy_only=False)
    found: NDArray[Any] = np.array([*meanings, missing], dtype=dtype)[codes]
    return found


def flag(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Return whether a yes/no/kind tag (``bridge``, ``tunnel``) says anything but no."""
    return decode(column, lambda text: text != "no", np.bool_, False)
