"""Classes of a choropleth: the usual schemes, made robust for few distinct values, and their limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jenkspy import jenks_breaks
from numpy.typing import NDArray

from geo.errors import SutuError

SCHEMES = {
    "quantiles": "分位数",
    "natural_breaks": "自然断点",
    "equal_interval": "等间距",
    "std_mean": "标准差",
    "pretty": "整齐断点",
    "manual": "自定断点",
}
MIN_CLASSES, MAX_CLASSES = 2, 9
# How far from the mean the limits lie, in standard deviations, by number of classes.
_STEPS = {
    2: (0.0,),
    3: (-0.5, 0.5),
    4: (-1.0, 0.0, 1.0),
    5: (-1.5, -0.5, 0.5, 1.5),
    6: (-2.0, -1.0, 0.0, 1.0, 2.0),
    7: (-2.5, -1.5, -0.5, 0.5, 1.5, 2.5),
    8: (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0),
    9: (-3.5, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5),
}


class ClassificationError(SutuError, ValueError):
    """A scheme is unknown, the number of classes is out of range, or manual limits are unusable."""


@dataclass(frozen=True)
class Classes:
    """Classes of values: ``breaks`` are inclusive upper limits, ascending; ``index`` is -1 for NaN.

    ``index`` (int64) is aligned to the values that were given; ``lowest`` is the smallest value.
    """

    breaks: tuple[float, ...]
    index: NDArray[np.int64]
    lowest: float

    @property
    def k(self) -> int:
        """The number of classes; 0 when no value was defined."""
        return len(self.breaks)

    def counts(self) -> list[int]:
        """Return how many values each class holds."""
        return [int((self.index == number).sum()) for number in range(self.k)]


def classify(
    values: NDArray[np.float64],
    scheme: str,
    k: int,
    *,
    decimals: int,
    limits: Sequence[float] | None = None,
    split_at_zero: bool = False,
) -> Classes:
    """Return the classes of ``values`` (float64, NaN undefined) by ``scheme``, at most ``k`` of them.

    Values and limits are first rounded to ``decimals``, so that the limits people read are those applied: a
    value lies in the class whose limit is the first not below it. Fewer distinct values than classes give
    one class each; limits that coincide, and classes outside the values' range, are dropped. ``manual`` takes
    the inner limits from ``limits``. With ``split_at_zero`` the limit nearest to zero moves to zero when the
    values have both signs. Schemes: `SCHEMES`; natural breaks (Fisher–Jenks) come from jenkspy; pretty breaks
    are multiples of 1, 2 or 5 times a power of ten; std_mean puts limits symmetrically about the mean in
    steps of one standard deviation. Raises `ClassificationError`.
    """
    if scheme not in SCHEMES:
        raise ClassificationError(f"没有“{scheme}”这种分级方法；可用：{'、'.join(SCHEMES.values())}")
    if not MIN_CLASSES <= k <= MAX_CLASSES:
        raise ClassificationError(f"分级数应为 {MIN_CLASSES} 至 {MAX_CLASSES}，现为 {k}")
    rounded = np.round(np.asarray(values, dtype="float64"), decimals) + 0.0
    if np.isinf(rounded).any():
        raise ClassificationError("数值中有无穷大，无法分级；请检查来源数据")
    distinct = np.unique(rounded[~np.isnan(rounded)])
    if distinct.size == 0:
        return Classes((), np.full(rounded.shape, -1, dtype="int64"), float("nan"))
    if scheme == "manual":
        inner = _manual(limits, decimals)
    elif distinct.size <= k:
        inner = distinct[:-1]
    else:
        defined = rounded[~np.isnan(rounded)]
        inner = np.round(_METHODS[scheme](defined, k), decimals) + 0.0
        if split_at_zero:
            inner = _with_zero(inner, distinct)
    inside = np.unique(inner[(inner >= distinct[0]) & (inner < distinct[-1])])
    breaks = np.append(inside, distinct[-1])
    index = np.searchsorted(breaks, rounded, side="left").astype("int64")
    index[np.isnan(rounded)] = -1
    return Classes(tuple(float(limit) for limit in breaks), index, float(distinct[0]))


def assign(values: NDArray[np.float64], like: Classes, *, decimals: int) -> Classes:
    """Return ``values`` in the classes of others (such as of several years pooled), empty ones kept.

    Raises `ClassificationError` when a value lies above the highest limit.
    """
    rounded = np.round(np.asarray(values, dtype="float64"), decimals) + 0.0
    defined = rounded[~np.isnan(rounded)]
    if defined.size and (not like.breaks or defined.max() > like.breaks[-1]):
        raise ClassificationError("有数值超出了给定的分级范围")
    index = np.searchsorted(np.asarray(like.breaks), rounded, side="left").astype("int64")
    index[np.isnan(rounded)] = -1
    return Classes(like.breaks, index, like.lowest)


def _manual(limits: Sequence[float] | None, decimals: int) -> NDArray[np.float64]:
    if not limits:
        raise ClassificationError("自定断点不能为空：请给出由小到大的数字，用逗号分开")
    inner = np.asarray(limits, dtype="float64")
    if not np.isfinite(inner).all() or (np.diff(inner) <= 0).any():
        raise ClassificationError("自定断点应由小到大，互不相同")
    if inner.size >= MAX_CLASSES:
        raise ClassificationError(f"自定断点最多 {MAX_CLASSES - 1} 个，现为 {inner.size} 个")
    return np.round(inner, decimals) + 0.0


def _with_zero(inner: NDArray[np.float64], distinct: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move the limit nearest to zero onto it, when there are values on both sides."""
    if inner.size == 0 or distinct[0] >= 0 or distinct[-1] <= 0:
        return inner
    moved = inner.copy()
    moved[np.abs(moved).argmin()] = 0.0
    return moved


def _quantiles(values: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    return np.quantile(values, np.arange(1, k) / k)


def _natural_breaks(values: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    return np.asarray(jenks_breaks(values, k)[1:-1])


def _equal_interval(values: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    return np.linspace(values.min(), values.max(), k + 1)[1:-1]


def _pretty(values: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    low, high = values.min(), values.max()
    extent = _next_pretty(high - low)
    step = _nearest_pretty(extent / (k - 1))
    lowest, highest = np.floor(low / step) * step, np.ceil(high / step) * step
    return np.arange(lowest, highest + 0.5 * step, step)[1:-1][: MAX_CLASSES - 1]


def _next_pretty(number: float) -> float:
    """Return the first of 1, 2, 5, 10 times a power of ten that is not below ``number``."""
    power = float(10 ** np.floor(np.log10(number)))
    return next((factor for factor in (1.0, 2.0, 5.0) if number / power <= factor), 10.0) * power


def _nearest_pretty(number: float) -> float:
    """Return the one of 1, 2, 5, 10 times a power of ten that ``number`` is rounded to."""
    power = float(10 ** np.floor(np.log10(number)))
    rounded = ((1.5, 1.0), (3.0, 2.0), (7.0, 5.0))
    return next((factor for below, factor in rounded if number / power < below), 10.0) * power


def _std_mean(values: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    found: NDArray[np.float64] = values.mean() + values.std(ddof=1) * np.asarray(_STEPS[k])
    return found


_METHODS: dict[str, Callable[[NDArray[np.float64], int], NDArray[np.float64]]] = {
    "quantiles": _quantiles,
    "natural_breaks": _natural_breaks,
    "equal_interval": _equal_interval,
    "std_mean": _std_mean,
    "pretty": _pretty,
}
