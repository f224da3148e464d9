"""Where a facility was first taken from, and its id: both kept when an exported table comes back."""

import hashlib
import re
from typing import Final

import pandas as pd

from data.ingest.cells import match_key

_NUMBERED: Final = re.compile(r"[0-9a-f]{12}(-\d+)?")


def origins(matched: pd.DataFrame, title: str, *, exported: bool) -> pd.DataFrame:
    """Return ``origin_id``, ``origin_source`` and ``own_id`` of each row of a table of facilities.

    ``matched`` is text under the keys of the form and, where ``exported``, of ``EXPORTED_COLUMNS``. The
    number in a person's list is the origin. A row that the program exported keeps the origin it states, else
    its id and source are its origin, unless it comes back into the list called ``title`` that it was
    exported from: there it has its id already (``own_id``). None where there is nothing.
    """
    key = matched["key"]
    if not exported:
        return _texts({"origin_id": key, "origin_source": "", "own_id": ""}, matched.index)
    stated, source = matched["origin_source"], matched["source_title"]
    source = source.where(source != "", matched["source"])
    same = source.map(match_key) == match_key(title)
    number = matched["origin_id"]
    return _texts(
        {
            "origin_id": number.where((number != "") | same, key),
            "origin_source": stated.where((stated != "") | same, source),
            "own_id": key.where(same, ""),
        },
        matched.index,
    )


def facility_ids(rows: pd.DataFrame, prefix: str) -> list[str]:
    """Return an id per facility, beginning with ``prefix``, that stays the same in another order.

    ``rows``: ``own_id``, ``key``, ``name``, ``type``, ``given_lon``, ``given_lat``. A row keeps its own id.
    Any other rests on the list's own number where there is one, else on name, type and position; the same
    again gets a running number.
    """
    owned = [_own(own, prefix) for own in rows["own_id"]]
    taken = {own for own in owned if own}
    given: set[str] = set()
    ids = []
    facts = rows[["key", "name", "type", "given_lon", "given_lat"]].itertuples(index=False, name=None)
    for own, (key, name, kind, lon, lat) in zip(owned, facts, strict=True):
        if own and own not in given:
            one = own
        else:
            text = f"key\0{key}" if key else f"{name}\0{kind}\0{lon:.6f}\0{lat:.6f}"
            first = one = f"{prefix}{hashlib.sha256(text.encode()).hexdigest()[:12]}"
            number = 1
            while one in taken:
                number += 1
                one = f"{first}-{number}"
        given.add(one)
        taken.add(one)
        ids.append(one)
    return ids


def _own(text: str | None, prefix: str) -> str | None:
    """Return the id that a row says it has, None where it is none of this list."""
    if text and text.startswith(prefix) and _NUMBERED.fullmatch(text.removeprefix(prefix)):
        return text
    return None


def _texts(columns: dict[str, pd.Series | str], index: pd.Index) -> pd.DataFrame:
    frame = pd.DataFrame(columns, index=index).astype(object)
    return frame.where(frame != "", None)
