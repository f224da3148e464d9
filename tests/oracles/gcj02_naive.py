"""GCJ-02 and BD-09 once more, one point at a time with ``math``, the inverse by Newton's method.

Written from the published description of the formula (degrees from 105°E 35°N, Krasovsky axis), without the
product's vectorisation and without its fixed-point inverse.
"""

import math

A = 6378245.0
EE = 0.00669342162296594323
X_PI = math.pi * 3000.0 / 180.0


def outside(lon: float, lat: float) -> bool:
    return not (72.004 <= lon <= 137.8347 and 0.8293 <= lat <= 55.8271)


def _east(x: float, y: float) -> float:
    total = 300.0 + x + 2.0 * y + 0.1 * x**2 + 0.1 * x * y + 0.1 * math.sqrt(abs(x))
    for amplitude, frequency in ((20, 6), (20, 2), (20, 1), (40, 1 / 3), (150, 1 / 12), (300, 1 / 30)):
        total += amplitude * math.sin(frequency * x * math.pi) * 2 / 3
    return total


def _north(x: float, y: float) -> float:
    total = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y**2 + 0.1 * x * y + 0.2 * math.sqrt(abs(x))
    for amplitude, frequency in ((20, 6), (20, 2)):
        total += amplitude * math.sin(frequency * x * math.pi) * 2 / 3
    for amplitude, frequency in ((20, 1), (40, 1 / 3), (160, 1 / 12), (320, 1 / 30)):
        total += amplitude * math.sin(frequency * y * math.pi) * 2 / 3
    return total


def gcj02_from_wgs84(lon: float, lat: float) -> tuple[float, float]:
    if outside(lon, lat):
        return lon, lat
    east, north = _east(lon - 105, lat - 35), _north(lon - 105, lat - 35)
    phi = lat / 180 * math.pi
    magic = 1 - EE * math.sin(phi) ** 2
    d_lat = north * 180 / ((A * (1 - EE)) / (magic * math.sqrt(magic)) * math.pi)
    d_lon = east * 180 / (A / math.sqrt(magic) * math.cos(phi) * math.pi)
    return lon + d_lon, lat + d_lat


def bd09_from_gcj02(lon: float, lat: float) -> tuple[float, float]:
    z = math.sqrt(lon * lon + lat * lat) + 0.00002 * math.sin(lat * X_PI)
    theta = math.atan2(lat, lon) + 0.000003 * math.cos(lon * X_PI)
    return z * math.cos(theta) + 0.0065, z * math.sin(theta) + 0.006


def bd09_from_wgs84(lon: float, lat: float) -> tuple[float, float]:
    return bd09_from_gcj02(*gcj02_from_wgs84(lon, lat))


def newton_inverse(forward, lon: float, lat: float) -> tuple[float, float]:
    """Solve forward(x, y) = (lon, lat) with a numerical Jacobian."""
    x, y, step = lon, lat, 1e-6
    for _ in range(20):
        fx, fy = forward(x, y)
        rx, ry = lon - fx, lat - fy
        if abs(rx) + abs(ry) < 1e-13:
            break
        ax, ay = forward(x + step, y)
        bx, by = forward(x, y + step)
        j11, j21, j12, j22 = (ax - fx) / step, (ay - fy) / step, (bx - fx) / step, (by - fy) / step
        det = j11 * j22 - j12 * j21
        x += (rx * j22 - ry * j12) / det
        y += (ry * j11 - rx * j21) / det
    return x, y
