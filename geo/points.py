"""Points in the measuring CRS: checked at the door, and the nearest of them without chance in the ties."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from geo.errors import CrsError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# What the measuring CRS gives for China with a wide margin; degrees and swapped axes fall outside.
X_RANGE_M = (-4_500_000.0, 2_500_000.0)
Y_RANGE_M = (1_000_000.0, 7_500_000.0)
_SHOWN = 5


def metric_points(xy: ArrayLike, what: str) -> FloatArray:
    """Return ``xy`` as a contiguous float64 array of shape (n, 2), in metres of ``geo.crs.ALBERS``.

    Raises ``CrsError`` that names the first offending rows: NaN or infinite coordinates, and coordinates that
    cannot be metres in China (degrees, swapped longitude and latitude). ``what`` names the points in Chinese.
    """
    points = np.ascontiguousarray(xy, dtype=np.float64)
    if points.ndim == 1 and points.size == 0:
        points = points.reshape(0, 2)
    if points.ndim != 2 or points.shape[1] != 2:
        raise CrsError(f"{what}坐标应为两列（x, y），收到的形状是 {points.shape}。")
    missing: NDArray[np.bool_] = ~np.asarray(np.isfinite(points).all(axis=1))
    if missing.any():
        raise CrsError(
            f"{what}有 {int(missing.sum())} 个点缺少坐标（第 {_rows(missing)} 行）。请补全或删除后再算。"
        )
    x, y = points[:, 0], points[:, 1]
    outside = (x < X_RANGE_M[0]) | (x > X_RANGE_M[1]) | (y < Y_RANGE_M[0]) | (y > Y_RANGE_M[1])
    if outside.any():
        row = int(np.flatnonzero(outside)[0])
        degrees = bool((np.abs(points[outside]) <= 180.0).all())
        cause = (
            "看起来是经纬度，请先投影到江苏 Albers 等积坐标系"
            if degrees
            else "不在中国范围内，请检查经度与纬度是否颠倒、坐标系是否声明正确"
        )
        raise CrsError(
            f"{what}有 {int(outside.sum())} 个点的坐标不对（第 {_rows(outside)} 行，"
            f"如 x={x[row]:.6g}，y={y[row]:.6g}）：{cause}。"
        )
    return points


def _rows(mask: NDArray[np.bool_]) -> str:
    """Return the first few row numbers, counted from 1, of a mask."""
    rows = np.flatnonzero(mask)
    shown = "、".join(str(row + 1) for row in rows[:_SHOWN])
    return shown + (" 等" if len(rows) > _SHOWN else "")


def build_tree(points: FloatArray) -> cKDTree:
    """Return a KD-tree of points, built for speed (sliding midpoint) rather than for balance."""
    return cKDTree(points, balanced_tree=False, compact_nodes=False)


def nearest_points(
    tree: cKDTree, points: FloatArray, queries: FloatArray, *, limit_m: float = np.inf
) -> tuple[FloatArray, IntArray]:
    """Return (distance in metres, index) of the nearest point to each query; (inf, -1) beyond ``limit_m``.

    Of equally near points the lowest index wins, whatever the shape of the tree: a tree of fewer points that
    keeps their order and the nearest of them gives the same answer, which partitions rely on.
    """
    if len(points) == 0 or len(queries) == 0:
        return np.full(len(queries), np.inf), np.full(len(queries), -1, dtype=np.int64)
    # The bound of a KD-tree query is exclusive; nextafter makes it inclusive.
    bound = np.nextafter(limit_m, np.inf)
    neighbours = min(2, len(points))
    distance, index = tree.query(
        queries, k=[*range(1, neighbours + 1)], distance_upper_bound=bound, workers=-1
    )
    nearest = distance[:, 0].copy()
    chosen = np.where(np.isfinite(nearest), index[:, 0], -1).astype(np.int64)
    if neighbours == 2:
        tied = np.isfinite(distance[:, 1]) & (distance[:, 1] <= nearest * (1.0 + 1e-9))
        rows = np.flatnonzero(tied)
        if len(rows):
            chosen[rows] = _lowest_of_tied(tree, queries[rows], nearest[rows])
    return nearest, chosen


def _lowest_of_tied(tree: cKDTree, queries: FloatArray, nearest: FloatArray) -> IntArray:
    """Return the lowest index among the points that are as near as the nearest, per query."""
    within = tree.query_ball_point(queries, nearest * (1.0 + 1e-9), workers=-1)
    return np.fromiter((min(indices) for indices in within), dtype=np.int64, count=len(queries))
