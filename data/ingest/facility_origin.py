"""Where a facility was first taken from, and its id: both kept when an exported table comes back."""

import hashlib
import re
from typing import Final

import numpy as np
import pandas as pd

from data.ingest.cells import match_key
from data.ingest.facility_rows import text_array

_NUMBERED: Final = re.compile(r"[0-9a-f]{12}(-\d+)?")


def origins(matched: pd.DataFrame, title: str, *, exported: bool) -> dict[str, np.ndarray]:
    """Return ``origin_id``, ``origin_source`` and ``own_id`` of each row of a table of facilities.

    ``matched`` is text under the keys of the form and, where ``exported``, of ``EXPORTED_COLUMNS``. The
    number in a person's list is the origin. A row that the program exported keeps the origin it states, else
    its id and source are its origin, unless it comes back into the list called ``title`` that it was
    exported from: there it has its id already (``own_id``). None where there is nothing.
    """
    key = matched["key"]
    if not exported:
        nothing = np.full(len(key), None, dtype=object)
        return {"origin_id": text_array(key), "origin_source": nothing, "own_id": nothing}
    stated, source = matched["origin_source"], matched["source_title"]
    source = source.where(source != "", matched["source"])
    named = {text: match_key(text) == match_key(title) for text in source.unique()}
    same = source.map(named).astype(bool)
    number = matched["origin_id"]
    return {
        "origin_id": text_array(number.where((number != "") | same, key)),
        "origin_source": text_array(stated.where((stated != "") | same, source)),
        "own_id": text_array(key.where(same, "")),
    }


def facility_ids(rows: pd.DataFrame, prefix: str) -> list[str]:
    """Return an id per facility, beginning with ``prefix``, that stays the same in another order.

    ``rows``: ``own_id``, ``key``, ``name``, ``type``, ``given_lon``, ``given_lat``. A row keeps its own id.
    Any other rests on the list's own number where there is one, else on name, type and position; the same
    again gets a running number.
    """
    columns = (rows[name].tolist() for name in ("own_id", "key", "name", "type", "given_lon", "given_lat"))
    taken = {own for own in (_own(text, prefix) for text in rows["own_id"].unique()) if own}
    given: set[str] = set()
    # The last running number of an id: a thousand rows alike are not counted from the start each time.
    running: dict[str, int] = {}
    ids = []
    for stated, key, name, kind, lon, lat in zip(*columns, strict=True):
        own = _own(stated, prefix) if stated else None
        if own and own not in given:
            one = own
        else:
            text = f"key\0{key}" if key else f"{name}\0{kind}\0{lon:.6f}\0{lat:.6f}"
            first = one = f"{prefix}{hashlib.sha256(text.encode()).hexdigest()[:12]}"
            while one in taken:
                running[first] = running.get(first, 1) + 1
                one = f"{first}-{running[first]}"
        if own:
            given.add(one)
        taken.add(one)
        ids.append(one)
    return ids


def _own(text: str | None, prefix: str) -> str | None:
    """Return the id that a row says it has, None where it is none of this list."""
    if text and text.startswith(prefix) and _NUMBERED.fullmatch(text.removeprefix(prefix)):
        return text
    return None
