"""Targets in sentences: a series against its line, and what the plans' standards find lacking."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from layers.model import format_number

MET, NOT_MET = "met", "not_met"
REACHED, EARLY, MISSED = "已达到", "已提前达到", "到期未达到"
ABLE, EXACT, UNABLE = "照此速度可达", "照此速度正好达到", "照此速度达不到"
AGAINST, STILL, ONE_YEAR, UNDECIDED = "方向相反", "没有变化", "看不出速度", "不作判断"
VERDICTS = (REACHED, EARLY, ABLE, EXACT, UNABLE, STILL, AGAINST, MISSED, ONE_YEAR, UNDECIDED)
"""Where a path stands; `analysis.tracking.verdict` decides which."""


@dataclass(frozen=True)
class Path:
    """A series from its first to its last observed year, and a target; years ascending.

    ``state`` of the target (met, not_met, undefined) with its ``reason``; ``decimals`` for values;
    ``verdict`` is one of `VERDICTS`.
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
    verdict: str = UNDECIDED

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


def verdicts_sentence(what: str, paths: Sequence[Path]) -> str:
    """Return how many targets there are with an observed series, and where they stand."""
    if not paths:
        return f"{what}中没有可与实测数列对照的。"
    counts = Counter(path.verdict for path in paths)
    told = "、".join(f"{word} {counts[word]} 项" for word in VERDICTS if counts[word])
    return f"{what}中有实测数列可对照的 {len(paths)} 项：{told}。"


def path_words(path: Path) -> str:
    """Return where the series stands against the target, and whether it has gone fast enough."""
    now = f"{path.name} {path.last_year} 年为 {amount(path, path.last)}"
    goal = f"{path.target_year} 年目标（{path.target_text}）"
    found = path.verdict
    if found == UNDECIDED:
        return f"{now}；{goal}能否达到不作判断：{path.reason or '原因不明'}。"
    if found in {REACHED, EARLY}:
        return f"{now}，{'达到' if found == REACHED else '已提前达到'} {goal}。"
    left = difference(path, abs(path.target - path.last))
    if found == MISSED:
        return f"{now}，没有达到 {goal}，差 {left}。"
    return f"{now}，距 {goal}还差 {left}；{pace_words(path)}。"


def pace_words(path: Path) -> str:
    """Return the pace so far beside the pace that would be needed; by the figures as printed."""
    needed, pace, found = path.needed, path.pace, path.verdict
    assert needed is not None  # noqa: S101 - the caller has looked
    must = f"此后每年需{change_words(path, needed)}"
    if found == ONE_YEAR or pace is None:
        return f"{must}（只有一年的数值，看不出已有的速度）"
    span = f"{path.first_year}–{path.last_year} 年"
    if found == STILL:
        return f"{must}，而{span}没有变化"
    went = f"{span}平均每年{change_words(path, pace)}"
    if found == AGAINST:
        return f"{must}，而{went}，方向相反"
    word = {EXACT: "保持这一速度正好达到", ABLE: "保持这一速度可以达到", UNABLE: "照此速度达不到"}[found]
    return f"{must}，{went}，{word}"


def change_words(path: Path, change: float) -> str:
    """Return a change per year in words, with one more decimal than the values."""
    digits = path.decimals + 1
    if round(change, digits) == 0:
        return f"变动不到 {difference(path, 10.0**-digits, digits)}"
    return f"{'提高' if change > 0 else '降低'} {difference(path, abs(change), digits)}"


def amount(path: Path, value: float) -> str:
    """Return a value of the path with its unit."""
    number = format_number(value, path.decimals)
    return f"{number}{path.unit}" if path.unit == "%" else f"{number} {path.unit}".rstrip()


def difference(path: Path, value: float, digits: int | None = None) -> str:
    """Return a difference with its unit, of percentages in 个百分点; ``digits`` None: those of the values."""
    unit = "个百分点" if path.unit == "%" else path.unit
    return f"{format_number(value, path.decimals if digits is None else digits)} {unit}".rstrip()


_MOST_NAMED = 3
IMPLIED, IMPORTED, MIXED, UNKNOWN = "推定", "导入", "导入和推定", "无数据"
"""What is there rests on: points set by the standards, facilities imported, both, nothing."""


@dataclass(frozen=True)
class Judged:
    """One standard that can be judged: what it asks of a region, what is there, what is lacking."""

    name: str
    unit: str
    required: float
    provided: float
    shortfall: float
    basis: str

    @property
    def lack(self) -> float:
        """The part of what is required that is lacking, 0 to 1; 0 where nothing is required."""
        return self.shortfall / self.required if self.required > 0 else 0.0


def gravest(found: Sequence[Judged]) -> list[Judged]:
    """Return the standards with a lack, the largest part lacking first; of equal parts the larger lack, then
    the order given."""
    return sorted((one for one in found if one.shortfall > 0), key=lambda one: (-one.lack, -one.shortfall))


def shortfall_sentence(region: str, found: Sequence[Judged], among: int) -> str:
    """Return how many of the ``among`` standards that bind a region can be judged, and the gravest lacks."""
    if among == 0:
        return f"各规划的配置标准没有适用于{region}的。"
    what = f"适用于{region}的规划配置标准 {among} 条"
    if not found:
        return f"{what}，都不能判断。"
    lacking = gravest(found)
    if not lacking:
        return f"{what}，能判断的 {len(found)} 条都没有缺口。"
    told = "；".join(_lack(one) for one in lacking[:_MOST_NAMED])
    order = "缺口占应配比例最大的是" if len(lacking) > 1 else "是"
    return f"{what}，能判断 {len(found)} 条，其中 {len(lacking)} 条有缺口，{order}：{told}。"


def _lack(one: Judged) -> str:
    required, provided, short = (
        f"{format_number(value, 0)} {one.unit}" for value in (one.required, one.provided, one.shortfall)
    )
    return f"{one.name}，应配 {required}、已配 {provided}，缺 {short}（{format_number(one.lack * 100, 1)}%）"


def unjudged_sentence(reasons: Mapping[str, int], missing: Sequence[str]) -> str:
    """Return why standards cannot be judged: how many by reason, and what facilities would have to be known.

    ``missing``: the names of the facility types that the store has none of. Empty when all can be judged.
    """
    if not reasons:
        return ""
    told = "；".join(f"{reason} {count} 条" for reason, count in reasons.items())
    text = f"不能判断的 {sum(reasons.values())} 条只算应配，已配未知，不当作零：{told}。"
    if missing:
        more = f"等 {len(missing)} 类" if len(missing) > 4 else ""
        text += f"导入{'、'.join(missing[:4])}{more}设施后可再判断。"
    return text


def basis_sentence(found: Sequence[Judged]) -> str:
    """Return what the judgement is worth: implied points were set by these standards. Empty when none."""
    if not found:
        return ""
    implied = sum(one.basis == IMPLIED for one in found)
    mixed = sum(one.basis == MIXED for one in found)
    nothing = (
        "是按这些标准放置（或以驻地代替）的推定点位，不是实测：用它们核对标准证明不了什么，"
        "“缺口”多半只是未能定位的乡镇（街道）"
    )
    if implied == len(found):
        return f"已配全部{nothing}；导入真实设施后重新生成。"
    parts = []
    if implied:
        parts.append(f"{implied} 条的已配{nothing}")
    if mixed:
        parts.append(f"{mixed} 条的已配兼有导入的设施和推定点位")
    real = len(found) - implied - mixed
    if real:
        parts.append(f"{real} 条的已配为导入的设施")
    return f"{'；'.join(parts)}。"


def absent_sentence(absent: Mapping[str, Sequence[str]]) -> str:
    """Return where a standard's imported facilities have no point at all, by standard: perhaps no data."""
    told = [f"“{name}”在{'、'.join(places)}" for name, places in absent.items()]
    if not told:
        return ""
    more = f"等 {len(told)} 条" if len(told) > _MOST_NAMED else ""
    return f"{'；'.join(told[:_MOST_NAMED])}{more}没有一处导入的设施，那里的缺口可能只是缺少数据。"
