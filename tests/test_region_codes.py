"""One module knows what a region's code is made of: nobody else writes codes, cuts them or names levels."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from geo.region_tree import ECONOMIC_REGIONS, LEVEL_NAMES, LEVEL_WORDS, LEVELS, PROVINCE, PROVINCE_DIGITS

ROOT = Path(__file__).resolve().parents[1]
ROOMS = (
    "geo",
    "data",
    "layers",
    "analysis",
    "exports",
    "reports",
    "pages",
    "commands",
    "server",
    "benchmarks",
)
HOME = "geo/region_tree.py"

ALLOWED = {
    ("layers/words/tracking.py", "missing[:4]"): "the first four names of a list",
    ("pages/composite/controls.py", "one.key[:4]"): "the key of a kept index",
    ("pages/siting/panels.py", "list(by_id)[:4]"): "the first four scenarios",
    (
        "analysis/corridors.py",
        "[name for name in self.table['name'] if wanted in name and name not in near][:4]",
    ): "the first four names of a list",
}
"""What looks like cutting a code and is none, and why."""

_PARTS = {2, 4, 6}
_BASES = ("code", "county", "counties", "prefecture", "region", "home", "parent")
_ENDS = {"00", "0000", PROVINCE_DIGITS}
_ASKS = {"endswith", "startswith", "removesuffix", "removeprefix"}
_CODES = {PROVINCE, PROVINCE_DIGITS, *ECONOMIC_REGIONS}
_NAMES = set(LEVEL_NAMES.values()) | set(LEVEL_WORDS.values())


def _faults(tree: ast.AST) -> Iterator[ast.AST]:
    """Return what cuts or writes a code, or is a table of level names of its own."""
    for node in ast.walk(tree):
        if (
            (isinstance(node, ast.Constant) and node.value in _CODES)
            or (isinstance(node, ast.Subscript) and _cuts(node))
            or (isinstance(node, ast.Call) and _asks(node))
            or (isinstance(node, ast.BinOp | ast.JoinedStr) and _puts_together(node))
            or (isinstance(node, ast.Dict) and _names_levels(node))
        ):
            yield node


def _cuts(node: ast.Subscript) -> bool:
    """``code[:4]``, ``codes.str[:2]``, ``code[4:]``; of other things only ``[:4]``."""
    part = node.slice
    if not isinstance(part, ast.Slice) or part.step is not None or None not in {part.lower, part.upper}:
        return False
    at = part.upper if part.lower is None else part.lower
    if not isinstance(at, ast.Constant) or at.value not in _PARTS:
        return False
    base = ast.unparse(node.value).lower()
    return any(word in base for word in _BASES) or (part.lower is None and at.value == 4)


def _asks(node: ast.Call) -> bool:
    """``code.endswith("00")``, ``codes.str.startswith("32")``."""
    return (
        isinstance(node.func, ast.Attribute)
        and node.func.attr in _ASKS
        and any(isinstance(one, ast.Constant) and one.value in _ENDS for one in node.args)
    )


def _puts_together(node: ast.BinOp | ast.JoinedStr) -> bool:
    """``code + "00"``, ``f"{code}00"``, ``f"32{number}"``."""
    if isinstance(node, ast.BinOp):
        return (
            isinstance(node.op, ast.Add)
            and isinstance(node.right, ast.Constant)
            and node.right.value in _ENDS
        )
    ends = (node.values[0], node.values[-1]) if node.values else ()
    return any(isinstance(one, ast.Constant) and one.value in _ENDS for one in ends)


def _names_levels(node: ast.Dict) -> bool:
    """A dictionary from levels to their Chinese names, or back."""
    pairs = {
        (key.value, value.value)
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant) and isinstance(value, ast.Constant)
    }
    both = pairs | {(value, key) for key, value in pairs}
    return len({level for level, name in both if level in LEVELS and name in _NAMES}) > 1


def _found() -> list[tuple[str, str]]:
    files = [
        ROOT / "app.py",
        ROOT / "cli.py",
        *(path for room in ROOMS for path in (ROOT / room).rglob("*.py")),
    ]
    return [
        (str(path.relative_to(ROOT)), ast.unparse(fault))
        for path in sorted(files)
        if str(path.relative_to(ROOT)) != HOME
        for fault in _faults(ast.parse(path.read_text(encoding="utf-8")))
    ]


def test_codes_are_made_cut_and_named_in_one_module() -> None:
    found = _found()
    assert [one for one in found if one not in ALLOWED] == [], f"use {HOME}, or say in ALLOWED why not"
    assert set(ALLOWED) <= set(found), "no longer there: take it out of ALLOWED"


@pytest.mark.parametrize(
    "line",
    [
        'within = "320000"',
        'zone = "320S00"',
        "prefecture = code[:4]",
        'f"{code[:4]}00"',
        "adcodes.str[:4]",
        'wide = adcode.endswith("00")',
        'adcodes.str.startswith("32")',
        "rest = adcode[4:]",
        'code = head + "00"',
        'f"32{number}"',
        'NAMES = {"county": "县（市、区）", "prefecture": "设区市"}',
        'WORDS = {"省": "province", "经济区域": "economic_region"}',
    ],
)
def test_what_is_forbidden_is_found(line: str) -> None:
    assert list(_faults(ast.parse(line)))


@pytest.mark.parametrize(
    "line", ["first = box[:2]", 'time = f"{hour}:00"', 'names = {"county": "县界"}', "codes[:10]"]
)
def test_what_is_something_else_is_let_be(line: str) -> None:
    assert not list(_faults(ast.parse(line)))
