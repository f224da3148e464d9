"""A font file for figures and PDF that holds just the characters of a test: cut in seconds, not a minute."""

from __future__ import annotations

from pathlib import Path

from layers import fonts
from layers.fonts import ROOMS

ROOT = Path(__file__).resolve().parents[2]
_SIGNS = "，。、；：！？（）“”《》—–−•○×≥≤＞＜〔〕［］～·％"


def regular_font(folder: Path, text: str = "") -> Path:
    """Return the packaged typeface as a plain TrueType file with ``text`` and all that our sources print."""
    sources = [
        *(path for room in ROOMS for path in (ROOT / room).rglob("*.py")),
        ROOT / "tests" / "reports" / "test_document.py",
    ]
    wanted = set(text).union(_SIGNS, *(path.read_text(encoding="utf-8") for path in sources))
    variable, plain = folder / "variable.ttf", folder / "Regular.ttf"
    fonts._subset(fonts._source(), {char for char in wanted if 0x20 <= ord(char) < 0x10000}, variable)
    fonts._instantiate(variable, plain)
    return plain
