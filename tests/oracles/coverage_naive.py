"""Coverage the slow way: plain loops over cells, a flood fill, sums by ``math.fsum``."""

import math
from collections import defaultdict


def ancestors(regions):
    """Return {adcode: {level: adcode}} by walking the parents of a region frame (column adcode)."""
    rows = {row.adcode: row for row in regions.itertuples()}
    table = {}
    for adcode in rows:
        found, at = {}, adcode
        while isinstance(at, str) and at in rows:
            found[rows[at].level] = at
            at = rows[at].parent
        table[adcode] = found
    return table


def coverage(cells, minutes, regions, *, threshold, level, group):
    """Return {adcode: figures} from plain lists; ``minutes`` None where unreachable."""
    belongs = ancestors(regions)
    held = defaultdict(list)
    for cell, time in zip(cells.to_dict("records"), minutes, strict=True):
        held[belongs[cell["adcode"]].get(level)].append((time, cell[group], cell["area_km2"]))
    table = {}
    for region in regions.itertuples():
        if region.level != level:
            continue
        own = held[region.adcode]
        people = math.fsum(p for _, p, _ in own)
        area = math.fsum(a for _, _, a in own)
        covered = math.fsum(p for t, p, _ in own if t is not None and t <= threshold)
        covered_area = math.fsum(a for t, _, a in own if t is not None and t <= threshold)
        reached = [(t, p) for t, p, _ in own if t is not None]
        reached_people = math.fsum(p for _, p in reached)
        table[region.adcode] = {
            "cells": len(own),
            "population": people,
            "covered_population": covered,
            "population_coverage": covered / people if people else math.nan,
            "area_coverage": covered_area / area if area else math.nan,
            "mean_minutes": math.fsum(t * p for t, p in reached) / reached_people
            if reached_people
            else math.nan,
            "median_minutes": _median(reached, reached_people),
            "unreachable_population": people - reached_people,
        }
    return table


def _median(reached, people):
    """Return the first minutes by which half of the people have arrived."""
    running = 0.0
    for time, count in sorted(reached):
        running += count
        if people and running >= people / 2:
            return time
    return math.nan


def clusters(places, people, connectivity):
    """Return sets of cell numbers that touch, most people first; ``places`` are (column, line) pairs."""
    at = defaultdict(list)
    for number, place in enumerate(places):
        at[place].append(number)
    steps = [(1, 0), (-1, 0), (0, 1), (0, -1)]
    if connectivity == 8:
        steps += [(1, 1), (1, -1), (-1, 1), (-1, -1)]
    seen, parts = set(), []
    for place in at:
        if place in seen:
            continue
        seen.add(place)
        heap, part = [place], set()
        while heap:
            column, line = heap.pop()
            part.update(at[column, line])
            for dx, dy in steps:
                step = (column + dx, line + dy)
                if step in at and step not in seen:
                    seen.add(step)
                    heap.append(step)
        parts.append(part)
    return sorted(parts, key=lambda part: -sum(people[number] for number in part))
