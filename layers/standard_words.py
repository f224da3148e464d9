"""What the plans' standards find lacking, in sentences: every word and figure from the values given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from layers.model import format_number

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
