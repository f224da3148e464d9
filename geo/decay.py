"""How the pull of a facility fades with the minutes to it: the weights of floating catchment areas."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from geo.errors import CatchmentError
from geo.modes import quantise_minutes

FloatArray = NDArray[np.float64]
DecayKind = Literal["none", "step", "gaussian", "exponential"]

DECAY_NAMES: dict[DecayKind, str] = {
    "none": "不衰减",
    "step": "分级衰减",
    "gaussian": "高斯衰减",
    "exponential": "指数衰减",
}
MAX_STEPS = 12
_WIDTHS = 3.0


@dataclass(frozen=True)
class Decay:
    """A weight for every travel time up to ``minutes``; beyond it nothing counts.

    ``steps``: (upper limit in minutes, weight) of the zones, ascending, for ``none`` and ``step``.
    ``width``: σ of ``gaussian`` (exp(-t² / 2σ²)), the mean of ``exponential`` (exp(-t / width)); minutes.
    Made by `make_decay`, which checks.
    """

    kind: DecayKind
    minutes: float
    steps: tuple[tuple[float, float], ...] = ()
    width: float = float("nan")

    @property
    def stepwise(self) -> bool:
        """Whether the weight is constant within zones."""
        return self.kind in {"none", "step"}

    @property
    def text(self) -> str:
        """The decay in words (Chinese)."""
        name = DECAY_NAMES[self.kind]
        if self.kind == "none":
            return f"{self.minutes:g} 分钟内权重相同"
        if self.kind == "step":
            zones = "、".join(f"≤{limit:g} 分钟 {weight:g}" for limit, weight in self.steps)
            return f"{name}（{zones}）"
        symbol = "σ" if self.kind == "gaussian" else "均值"
        return f"{name}（{symbol} {self.width:g} 分钟，止于 {self.minutes:g} 分钟）"

    def weight(self, minutes: FloatArray) -> FloatArray:
        """Return the weight (0 … 1) of travel times in minutes; 0 beyond the catchment, for NaN and inf."""
        within = np.asarray(minutes <= quantise_minutes(self.minutes))
        if self.stepwise:
            limits = quantise_minutes([limit for limit, _ in self.steps])
            weights = np.append([weight for _, weight in self.steps], 0.0)
            return np.where(within, weights[np.searchsorted(limits, minutes, side="left")], 0.0)
        ratio = np.where(within, minutes, 0.0) / -self.width
        return np.exp(ratio * ratio / -2.0 if self.kind == "gaussian" else ratio) * within


def make_decay(
    kind: DecayKind,
    minutes: float,
    *,
    steps: tuple[tuple[float, float], ...] | None = None,
    width: float | None = None,
) -> Decay:
    """Return a checked decay for a catchment of ``minutes``.

    ``steps`` are the zones of ``step``, which has no others (see `equal_zones`); ``width`` is by default a
    third of the catchment. Raises ``CatchmentError`` that says what is wrong: an unknown kind, a catchment or
    width that is not positive, no zones, zones that do not ascend or end at ``minutes``, weights outside
    (0, 1] or growing outwards.
    """
    if kind not in DECAY_NAMES:
        raise CatchmentError(f"没有“{kind}”这种衰减；可选：{'、'.join(DECAY_NAMES)}。")
    if not (np.isfinite(minutes) and minutes > 0.0):
        raise CatchmentError(f"服务范围应为正数（分钟），收到 {minutes:g}。")
    if kind == "none":
        return Decay(kind, float(minutes), ((float(minutes), 1.0),))
    if kind == "step":
        _require_steps(steps or (), minutes)
        zones = tuple((float(limit), float(weight)) for limit, weight in steps or ())
        return Decay(kind, float(minutes), zones)
    wide = minutes / _WIDTHS if width is None else width
    if not (np.isfinite(wide) and wide > 0.0):
        raise CatchmentError(f"衰减宽度应为正数（分钟），收到 {wide:g}。")
    return Decay(kind, float(minutes), (), float(wide))


def equal_zones(minutes: float, weights: Sequence[float]) -> tuple[tuple[float, float], ...]:
    """Return equally wide zones of a catchment with their weights, the nearest first (Luo & Qi 2009)."""
    count = len(weights)
    # The share comes first: 14.8 × 3 ÷ 3 is not 14.8, and the last zone ends where the catchment does.
    return tuple((minutes * ((number + 1) / count), weight) for number, weight in enumerate(weights))


def _require_steps(steps: tuple[tuple[float, float], ...], minutes: float) -> None:
    limits, weights = [limit for limit, _ in steps], [weight for _, weight in steps]
    faults = []
    if not steps:
        faults.append("没有写明各级的分钟数和权重")
    if len(steps) > MAX_STEPS:
        faults.append(f"最多 {MAX_STEPS} 级，收到 {len(steps)} 级")
    if not all(0.0 < low < high for low, high in zip([1e-9, *limits], limits, strict=False)):
        faults.append("各级的分钟数应为正数并依次增大")
    if not all(0.0 < weight <= 1.0 for weight in weights):
        faults.append("权重应大于 0、不超过 1")
    if any(later > sooner for sooner, later in itertools.pairwise(weights)):
        faults.append("权重应由近到远不增")
    if limits and limits[-1] != minutes:
        faults.append(f"最后一级应止于服务范围 {minutes:g} 分钟，收到 {limits[-1]:g}")
    if faults:
        raise CatchmentError("分级衰减有误：" + "；".join(faults) + "。")
