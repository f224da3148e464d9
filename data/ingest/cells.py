"""What the text of one cell means: names, numbers and years as people type them, read by one written policy.

The policy (docs/guide/import.md tells it to users): full-width digits and signs are read as their half-width
twins; a thousands separator counts only where it stands after every third digit; a percent sign counts only
for an indicator measured in per cent; scientific notation, units and words in a number are faults.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

MAX_MAGNITUDE: Final = 1e15
"""Largest absolute value taken for a number: above it a double no longer holds every whole number."""

MAX_HINTS: Final = 200
"""A likely meaning is looked for that many texts of a file: it takes long, and nobody corrects so by hand."""

_PLAIN = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")
_SCIENTIFIC = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)[eE][+-]?[0-9]+")
_NOT_A_NUMBER = {"nan", "inf", "+inf", "-inf", "infinity", "-infinity", "null", "none", "n/a", "#n/a", "na"}
_DASHES = str.maketrans({"−": "-", "﹣": "-", "–": "-", "—": "-"})


class CellProblem(ValueError):  # noqa: N818 - what is wrong with one cell, turned into a fault by the caller
    """Why a cell's text is not what its column asks for: ``problem`` and ``remedy``, both Chinese."""

    def __init__(self, problem: str, remedy: str) -> None:
        """Keep both texts."""
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


def shown(text: str, width: int = 24) -> str:
    """Return ``text`` fit for a message: one line of at most ``width`` characters, the unseen as U+ codes."""
    safe = "".join(c if c.isprintable() else f"⟨U+{ord(c):04X}⟩" for c in text[: width + 1])
    return f"{safe[:width]}…" if len(text) > width else safe


def half_width(text: str) -> str:
    """Return ``text`` stripped, full-width digits, letters and signs as half-width (NFKC)."""
    return unicodedata.normalize("NFKC", text).strip()


def match_key(text: str) -> str:
    """Return the form in which headers and names are compared: half-width, lower case, no white space."""
    return re.sub(r"\s+", "", half_width(text)).lower()


def unseen_characters(text: str) -> list[str]:
    """Return the code points (``U+200B``) in ``text`` that nobody sees: control and format characters.

    Line breaks and tabs are not counted: they are white space, not rubbish.
    """
    return [
        f"U+{ord(c):04X}" for c in text if c not in "\n\r\t" and unicodedata.category(c) in {"Cc", "Cf", "Co"}
    ]


class Hints:
    """Finds the known name that reads most like a text, for the first ``MAX_HINTS`` different texts."""

    def __init__(self, cutoff: float) -> None:
        """Start; ``cutoff`` is the likeness that counts (``difflib``)."""
        self._cutoff = cutoff
        self._found: dict[str, str | None] = {}

    def nearest(self, text: str, names: Iterable[str]) -> str | None:
        """Return the one of ``names`` (comparison forms) most like ``text``, None where none is or too many
        texts were asked for.
        """
        key = match_key(text)
        if key not in self._found:
            if len(self._found) >= MAX_HINTS:
                return None
            near = difflib.get_close_matches(key, names, n=1, cutoff=self._cutoff)
            self._found[key] = near[0] if near else None
        return self._found[key]


def number_text(value: float) -> str:
    """Return a workbook number as plain digits: never an exponent, no ``.0`` after a whole number."""
    number = float(value)
    if number.is_integer() and abs(number) < MAX_MAGNITUDE:
        return str(int(number))
    return format(Decimal(repr(value)), "f")


def percent_text(value: float) -> str:
    """Return a workbook number shown as per cent (0.85) the way it is shown (``85%``)."""
    number = (Decimal(repr(value)) * 100).normalize()
    return f"{number:f}%"


def parse_number(text: str, *, percent: bool = False, decimal_comma_risk: bool = False) -> float:
    """Return the number that ``text`` states, or raise ``CellProblem``.

    ``percent`` allows a percent sign (``"85%"`` is 85). ``decimal_comma_risk`` is set for files separated by
    semicolons, where ``1,234`` may mean one and a bit: a comma is refused there.
    """
    plain = text if _PLAIN.fullmatch(text) else half_width(text).translate(_DASHES).replace(" ", "")
    if plain.endswith("%"):
        if not percent:
            raise CellProblem(
                f"“{shown(text)}”带百分号，而该指标的单位不是 %", "换算成该指标的单位后只写数字"
            )
        plain = plain[:-1]
    if plain.lower() in _NOT_A_NUMBER:
        raise CellProblem(f"“{shown(text)}”不是数", "没有数值时留空，并在“备注”列写明原因")
    if _SCIENTIFIC.fullmatch(plain):
        raise CellProblem(
            f"“{shown(text)}”是科学计数法，位数可能已丢失", "把该列设为“数值”格式，写出全部数字"
        )
    if "," in plain:
        if decimal_comma_risk or not _GROUPED.fullmatch(plain):
            raise CellProblem(f"“{shown(text)}”中的逗号不是每三位一个的千分位", "去掉逗号，小数点用“.”")
        plain = plain.replace(",", "")
    if not _PLAIN.fullmatch(plain):
        raise CellProblem(f"“{shown(text)}”不是数字", "只写数字，单位和说明写到各自的列")
    number = float(plain)
    if abs(number) >= MAX_MAGNITUDE:
        raise CellProblem(f"“{shown(text)}”太大", "核对数值和单位")
    return number


def parse_year(text: str, first: int, last: int) -> int:
    """Return the four-digit year that ``text`` states, or raise ``CellProblem``.

    ``2020年`` and full-width digits are read; dates, ``2020.0`` and years outside ``first``–``last`` are
    faults.
    """
    plain = half_width(text).removesuffix("年").strip()
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}.*", plain):
        raise CellProblem(f"“{shown(text)}”是日期，不是年份", "把该列设为“文本”格式，只写四位年份，如 2020")
    if not re.fullmatch(r"[0-9]{4}", plain):
        raise CellProblem(f"“{shown(text)}”不是四位年份", "只写四位年份，如 2020")
    year = int(plain)
    if not first <= year <= last:
        raise CellProblem(f"年份 {year} 超出 {first}—{last}", "核对年份")
    return year
