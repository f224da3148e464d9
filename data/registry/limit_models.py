"""The model of ``limits.yaml``: how much is read and kept at most, and the sentence when it is more.

Each number lives there once. An office changes numbers by a YAML file (id: whole number) that the
environment variable ``SUTU_LIMITS`` names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final

from pydantic import Field, field_validator

from data.faults import Fault
from data.registry import environment
from data.registry.loading import entries_of, read_yaml
from data.registry.models import Entry, Text
from geo.errors import RegistryError

LIMITS_FILE: Final = "limits.yaml"

MEGABYTE: Final = 1_000_000
_PLACES = {"found", "limit"}
_MOST = 10**12


class LimitEntry(Entry):
    """One limit: its number, and what a person reads whose file goes beyond it.

    ``problem`` may hold ``{found}`` (what the file has) and ``{limit}``.
    """

    id: Annotated[str, Field(pattern=r"^[a-z]+\.[a-z_]+$")]
    name: Text
    value: Annotated[int, Field(gt=0, le=_MOST)]
    unit: Text
    description: Text
    problem: Text
    remedy: Text

    @field_validator("problem")
    @classmethod
    def _known_places(cls, text: str) -> str:
        unknown = set(re.findall(r"\{([^}]*)\}", text)) - _PLACES
        if unknown or text.count("{") != text.count("}"):
            raise ValueError("花括号里只能写 found 或 limit")
        return text


LIMITS = entries_of(LIMITS_FILE, LimitEntry)


def load_limits() -> Mapping[str, LimitEntry]:
    """Return every limit by its id, with the office's own numbers where it has set them.

    Read anew when the environment variable or the file it names has changed. Raises ``RegistryError`` for
    a file that is missing, for unknown ids, and for what is no positive whole number.
    """
    named = environment.LIMITS.value()
    if not named:
        return _packaged()
    try:
        state = Path(named).stat()
    except OSError as error:
        problem = f"环境变量 {environment.LIMITS} 所指的文件 {named} 读不出来（{error.strerror}）"
        raise RegistryError(f"{problem}；请核对路径，或取消这个环境变量") from error
    return _overridden(named, state.st_mtime_ns, state.st_size)


def limit(limit_id: str) -> int:
    """Return the number of a limit; raises ``RegistryError`` for an id the table does not have."""
    return _entry(limit_id).value


def limit_bytes(limit_id: str) -> int:
    """Return a limit counted in MB or KB as bytes; raises as ``limit``, and for another unit."""
    entry = _entry(limit_id)
    factors = {"MB": MEGABYTE, "KB": 1_000}
    if entry.unit not in factors:
        raise RegistryError(f"{LIMITS_FILE}，条目 {limit_id}：单位是“{entry.unit}”，不是 MB 或 KB")
    return entry.value * factors[entry.unit]


def from_table(limit_id: str) -> Any:
    """Return a dataclass field whose default is the limit when an object is made (MB and KB as bytes)."""
    sized = limit_id.endswith(("_mb", "_kb"))
    return field(default_factory=lambda: limit_bytes(limit_id) if sized else limit(limit_id))


def exceeded(
    limit_id: str,
    file: str,
    found: float | None = None,
    *,
    most: float | None = None,
    sheet: str | None = None,
    row: int | None = None,
    column: str | None = None,
) -> Fault:
    """Return the fault of a file beyond a limit, in the table's own words.

    ``found`` is what the file has, in the limit's unit; ``most`` stands in for the table's number where the
    caller was given another. Raises as ``limit``.
    """
    entry = _entry(limit_id)
    number = entry.value if most is None else most
    bound = _written(int(number) if float(number).is_integer() else number)
    problem = entry.problem.format(
        found=f"不止 {bound}" if found is None else _written(found, above=bound), limit=bound
    )
    # 有 不止 200 个: the space is for digits.
    return Fault(file, sheet, row, column, problem.replace(" 不止", "不止"), entry.remedy)


def _written(number: float, *, above: str = "") -> str:
    """Return a number as people read it: counts whole, sizes with a decimal where it tells something."""
    whole = f"{number:,.0f}"
    if isinstance(number, int) or (number >= 100 and whole != above):
        return whole
    return f"{number:,.1f}"


def _entry(limit_id: str) -> LimitEntry:
    entries = load_limits()
    if limit_id not in entries:
        raise RegistryError(f"{LIMITS_FILE} 里没有上限“{limit_id}”")
    return entries[limit_id]


@lru_cache(maxsize=1)
def _packaged() -> Mapping[str, LimitEntry]:
    return MappingProxyType({entry.id: entry for entry in LIMITS.load()})


@lru_cache(maxsize=4)
def _overridden(named: str, _modified: int, _size: int) -> Mapping[str, LimitEntry]:
    """Return the packaged limits under the numbers of the file ``named``."""
    path = Path(named)
    given = read_yaml(path)
    if given is None:
        given = {}
    if not isinstance(given, dict):
        raise RegistryError(f"{path.name}：应为“编号: 整数”的映射，如 table.rows: 500000")
    entries = dict(_packaged())
    faults = []
    for key, value in given.items():
        if key not in entries:
            faults.append(f"{path.name}，条目 {key}：没有这个上限，编号见 docs/methods/limits.md")
        elif isinstance(value, bool) or not isinstance(value, int):
            faults.append(f"{path.name}，条目 {key}：应为整数（现为 {value!r:.60}）")
        elif not 0 < value <= _MOST:
            faults.append(f"{path.name}，条目 {key}：应大于 0、不超过 {_MOST:,}（现为 {value:,}）")
        else:
            entries[key] = entries[key].model_copy(update={"value": value})
    if faults:
        raise RegistryError("\n".join(faults))
    return MappingProxyType(entries)
