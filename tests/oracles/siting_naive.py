"""Siting by trying every set of sites, over dictionaries of minutes."""

import itertools


def covered(minutes, demand, threshold, done, sites):
    """Return the people that the sites cover and that were not covered before."""
    total = 0.0
    for cell, people in enumerate(demand):
        if not done[cell] and any(minutes[site].get(cell, 1e9) <= threshold for site in sites):
            total += people
    return total


def saved(minutes, demand, cap, now, sites):
    """Return the minutes × people that the sites save, nothing counting as farther than the cap."""
    total = 0.0
    for cell, people in enumerate(demand):
        before = min(now[cell], cap)
        after = min([before, *(minutes[site].get(cell, 1e9) for site in sites)])
        total += people * (before - after)
    return total


def best_of_all(value, sites, add):
    """Return the largest value of any set of ``add`` of so many sites."""
    return max(value(chosen) for chosen in itertools.combinations(range(sites), add))
