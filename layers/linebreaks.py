"""Where a line of Chinese text may end: no sign of closing begins a line, none of opening ends one."""

from __future__ import annotations

import re
from collections.abc import Callable

_OPENING = "（《〈“‘「『【〔［([{"
_CLOSING = "）》〉”’」』】〕］)]}，。、；：！？…—,.;:!?%℃‰"
_PIECE = re.compile(
    rf"[{re.escape(_OPENING)}]*(?:[A-Za-z0-9_.,/+\-−–]+|.)[{re.escape(_CLOSING)}]*", re.DOTALL
)


def pieces(text: str) -> list[str]:
    """Return a text in the parts that a line must not split: numbers, words, signs with their neighbour."""
    return _PIECE.findall(text)


def broken_lines(text: str, width: float, measure: Callable[[str], float]) -> list[str]:
    """Return a text in lines at most ``width`` wide by ``measure``; a part wider than that is cut.

    Spaces at the turn of a line are dropped. Together the lines hold every other character, in order.
    """
    lines: list[str] = []
    line = ""
    for piece in pieces(text):
        if line and measure(line + piece.rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        line += piece if line else piece.lstrip(" ")
        while len(line) > 1 and measure(line.rstrip()) > width:
            cut = next((n for n in range(len(line) - 1, 0, -1) if measure(line[:n]) <= width), 1)
            lines.append(line[:cut])
            line = line[cut:]
    return [*lines, line.rstrip()]
