"""The population grid once more, slowly: polygons cut cell by cell, Hamilton in fractions."""

import math
from collections import defaultdict
from fractions import Fraction

import shapely


def land_by_cell(shape: shapely.Geometry, resolution: float) -> dict[tuple[int, int], float]:
    """Area of a shape in every cell (column, row), by intersection with the cell's square."""
    west, south, east, north = shape.bounds
    found = {}
    for column in range(math.floor(west / resolution), math.floor(east / resolution) + 1):
        for row in range(math.floor(south / resolution), math.floor(north / resolution) + 1):
            square = shapely.box(
                column * resolution, row * resolution, (column + 1) * resolution, (row + 1) * resolution
            )
            area = shape.intersection(square).area
            if area > 0:
                found[column, row] = area
    return found


def cells(
    counties: list[tuple[str, shapely.Geometry]], water: shapely.Geometry, resolution: float
) -> dict[tuple[int, int], tuple[str, float]]:
    """Owner and land area of every cell: the lowest code that covers the centre; strays to the nearest own
    cell.
    """
    land = {code: land_by_cell(shape.difference(water), resolution) for code, shape in counties}
    owned: dict[tuple[int, int], str] = {}
    for code, pieces in land.items():
        for cell in pieces:
            centre = shapely.Point((cell[0] + 0.5) * resolution, (cell[1] + 0.5) * resolution)
            owner = min((c for c, shape in counties if shape.covers(centre)), default=None)
            if owner == code:
                owned[cell] = code
    area: dict[tuple[int, int], float] = defaultdict(float)
    for code, pieces in land.items():
        mine = [cell for cell, owner in owned.items() if owner == code]
        if not mine:
            # A county without a cell of its own: there is nowhere to put its land, and no answer.
            continue
        for cell, piece in pieces.items():
            target = cell if owned.get(cell) == code else min(mine, key=lambda other: math.dist(other, cell))
            area[target] += piece
    return {cell: (code, area[cell]) for cell, code in owned.items()}


def hamilton_counts(total: int, weights: list[int]) -> tuple[list[int], set[int]]:
    """Whole parts of the exact quotas, and who may get one more: everybody whose remainder is not below the
    cut.
    """
    quotas = [Fraction(total * weight, sum(weights)) for weight in weights]
    whole = [math.floor(quota) for quota in quotas]
    left = total - sum(whole)
    remainders = [quota - part for quota, part in zip(quotas, whole, strict=True)]
    cut = sorted(remainders, reverse=True)[left - 1] if left else None
    return whole, {n for n, remainder in enumerate(remainders) if cut is not None and remainder >= cut}
