"""A target's path in sentences: where the series stands, how fast it went, how fast it would have to go."""

from __future__ import annotations

from dataclasses import dataclass

from layers.model import format_number

MET, NOT_MET = "met", "not_met"


@dataclass(frozen=True)
class Path:
    """A series from its first to its last observed year, and a target; years ascending.

    ``state`` of the target (met, not_met, undefined) with its ``reason``; ``decimals`` for values.
    """

    name: str
    unit: str
    decimals: int
    first_year: int
    first: float
    last_year: int
    last: float
    target_year: int
    target: float
    target_text: str
    state: str
    reason: str | None = None

    @property
    def pace(self) -> float | None:
        """The mean change per year observed; None with one observation."""
        years = self.last_year - self.first_year
        return (self.last - self.first) / years if years > 0 else None

    @property
    def needed(self) -> float | None:
        """The change per year that would reach the target; None when its year is not ahead."""
        years = self.target_year - self.last_year
        return (self.target - self.last) / years if years > 0 else None


def path_words(path: Path) -> str:
    """Return where the series stands against the target, and whether it has gone fast enough."""
    now = f"{path.name} {path.last_year} 年为 {_amount(path, path.last)}"
    goal = f"{path.target_year} 年目标（{path.target_text}）"
    if path.state not in {MET, NOT_MET}:
        return f"{now}；{goal}能否达到不作判断：{path.reason or '原因不明'}。"
    if path.state == MET:
        when = "达到" if path.last_year >= path.target_year else "已提前达到"
        return f"{now}，{when} {goal}。"
    text = f"{now}，距 {goal}还差 {_difference(path, abs(path.target - path.last))}"
    if path.needed is None:
        return f"{now}，没有达到 {goal}，差 {_difference(path, abs(path.target - path.last))}。"
    return f"{text}；{pace_words(path)}。"


def pace_words(path: Path) -> str:
    """Return the pace so far beside the pace that would be needed; by the figures as printed."""
    needed = path.needed
    assert needed is not None  # noqa: S101 - the caller has looked
    digits = path.decimals + 1
    must = f"此后每年需{'提高' if needed > 0 else '降低'} {_difference(path, abs(needed), digits)}"
    pace = path.pace
    if pace is None:
        return f"{must}（只有一年的数值，看不出已有的速度）"
    span = f"{path.first_year}–{path.last_year} 年"
    one, other = round(pace, digits), round(needed, digits)
    if one == 0:
        return f"{must}，而{span}没有变化"
    went = f"{span}平均每年{'提高' if one > 0 else '降低'} {_difference(path, abs(pace), digits)}"
    if one * other <= 0:
        return f"{must}，而{went}，方向相反"
    if one == other:
        return f"{must}，{went}，保持这一速度正好达到"
    word = "保持这一速度可以达到" if abs(one) > abs(other) else "照此速度达不到"
    return f"{must}，{went}，{word}"


def _amount(path: Path, value: float) -> str:
    number = format_number(value, path.decimals)
    return f"{number}{path.unit}" if path.unit == "%" else f"{number} {path.unit}".rstrip()


def _difference(path: Path, value: float, digits: int | None = None) -> str:
    unit = "个百分点" if path.unit == "%" else path.unit
    return f"{format_number(value, path.decimals if digits is None else digits)} {unit}".rstrip()
