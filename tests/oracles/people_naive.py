"""People of points on cells once more, slowly: point by point, every county and every cell looked at."""

import math

import shapely


def placed(
    points: list[tuple[float, float, float]],
    counties: list[tuple[str, shapely.Geometry]],
    cells: list[tuple[int, float, float, str]],
    resolution: float,
) -> tuple[dict[int, float], dict[str, float]]:
    """People by cell and the sums ``own``, ``moved`` and ``outside``.

    Points are x, y and people; cells are id, centre and county. The lowest code that covers the point, else
    the one that has the cell it lies in, has its people: on that cell when it is its own, else on the nearest
    of its cells.
    """
    people = dict.fromkeys((cell[0] for cell in cells), 0.0)
    sums = {"own": 0.0, "moved": 0.0, "outside": 0.0}
    for x, y, count in points:
        on = [
            cell
            for cell in cells
            if math.floor(x / resolution) == math.floor(cell[1] / resolution)
            and math.floor(y / resolution) == math.floor(cell[2] / resolution)
        ]
        covering = [code for code, shape in counties if shape.covers(shapely.Point(x, y))]
        county = min(covering or [cell[3] for cell in on], default=None)
        if county is None:
            sums["outside"] += count
            continue
        here = [cell for cell in on if cell[3] == county]
        mine = [cell for cell in cells if cell[3] == county]
        [target] = here or [min(mine, key=lambda cell: math.dist(cell[1:3], (x, y)))]
        people[target[0]] += count
        sums["own" if here else "moved"] += count
    return people, sums
