"""What may come of a file at a door: a result, or an error of the house in Chinese that says what to do."""

from __future__ import annotations

import re
import traceback
from dataclasses import dataclass
from pathlib import Path

from geo.errors import SutuError
from tests.fuzz.doors import read_file

_CHINESE = re.compile("[\u4e00-\u9fff]")
_REMEDY = re.compile("处理办法|请|可选|应")


@dataclass(frozen=True)
class Verdict:
    """How one file fared: ``wrong`` is empty when all was right; ``said`` is None for a result."""

    wrong: tuple[str, ...]
    said: str | None = None
    trace: str = ""


def verdict(door: str, path: Path, data_dir: Path, *, apart: bool = False) -> Verdict:
    """Read a file at a door and return how it fared; only an end of the process itself passes through."""
    try:
        read_file(door, path, data_dir, apart=apart)
    except SutuError as fault:
        return Verdict(tuple(faults_of(str(fault))), str(fault))
    except Exception as fault:
        # Anything at all may come out of a reader: that is what is looked for.
        lines = traceback.format_exc().strip().splitlines()
        return Verdict((f"{type(fault).__name__}: {fault}"[:200],), None, "\n".join(lines[-12:]))
    return Verdict(())


def faults_of(text: str) -> list[str]:
    """Return what is wrong with a message to a person."""
    wrong = []
    if not _CHINESE.search(text):
        wrong.append(f"not Chinese: {text[:120]}")
    if not _REMEDY.search(text):
        wrong.append(f"does not say what to do: {text[:120]}")
    if "Traceback" in text:
        wrong.append("traceback in the message")
    if "出乎意料" in text:
        wrong.append("an exception that nobody foresaw, in a process of its own")
    return wrong
