"""What a standard requires of one region, said once more in plain words."""

import math


def required(entry, unit):
    """Return (required, upper end) of a region; ``unit``: code, kind, rural, people, townships by ending."""
    elsewhere = entry.within != "320000" and not unit["code"].startswith(entry.within.removesuffix("00"))
    other_kind = entry.kinds == "county_city" and unit["kind"] not in {"县", "县级市"}
    if elsewhere or other_kind or (entry.kinds == "rural" and not unit["rural"]):
        return 0, 0
    people = unit["people"]
    if entry.rule == "per_region_above":
        enough = people > entry.threshold_people if entry.above_only else people >= entry.threshold_people
        return (entry.quantity, entry.quantity) if enough else (0, 0)
    if entry.rule in {"per_township", "per_region"}:
        count = sum(unit[ending] for ending in entry.endings) if entry.endings else 1
        asked = math.ceil(round(entry.quantity * count * (entry.share or 1), 9))
        return asked, asked
    least = entry.quantity * people / entry.per_people
    most = entry.quantity * people / (entry.per_people_most or entry.per_people)
    if entry.measure == "capacity":
        return least, most
    return math.ceil(round(least, 9)), math.ceil(round(most, 9))
