"""LIKE patterns of CQL."""

from __future__ import annotations

import re
from collections.abc import Callable


def wildcard(pattern: str, any_text: str, one: str, *, nocase: bool) -> Callable[[str], bool]:
    """Return the test of a text against a LIKE pattern.

    The parts between wildcards are looked for one after the other, the leftmost first, which never goes
    back: a pattern of many wildcards takes no longer than a short one.
    """
    flags = re.DOTALL | (re.IGNORECASE if nocase else 0)
    parts = [
        re.compile("".join("." if char == one else re.escape(char) for char in part), flags)
        for part in pattern.split(any_text)
    ]
    lengths = [len(part) for part in pattern.split(any_text)]

    def keeps(text: str) -> bool:
        if len(parts) == 1:
            return parts[0].fullmatch(text) is not None
        if parts[0].match(text) is None:
            return False
        at, end = lengths[0], len(text) - lengths[-1]
        for part in parts[1:-1]:
            found = part.search(text, at)
            if found is None:
                return False
            at = found.end()
        return at <= end and parts[-1].fullmatch(text, end) is not None

    return keeps
