"""Life circles by loops over cells and services, in fractions: slow and plain."""

from fractions import Fraction


def naive_scores(cells, reaches):
    """Return the score of every cell as a fraction, None where nothing is measured or nobody lives."""
    scores = []
    for row in range(len(cells)):
        reached = possible = Fraction(0)
        for tier in ("urban", "rural"):
            people = Fraction(int(cells[tier][row]))
            for reach in reaches:
                if reach["tier"] != tier or reach["minutes"] is None:
                    continue
                weight = Fraction(reach["weight"])
                possible += weight * people
                minutes = reach["minutes"][row]
                if minutes is not None and minutes <= reach["threshold"]:
                    reached += weight * people
        scores.append(reached / possible if possible else None)
    return scores


def naive_missing(cells, reaches):
    """Return the services each cell lacks in the order of the rules, None where there is nothing to say."""
    order = list(dict.fromkeys(reach["service"] for reach in reaches))
    answers = []
    for row in range(len(cells)):
        asked, lacking = False, set()
        for reach in reaches:
            if reach["minutes"] is None or cells[reach["tier"]][row] == 0:
                continue
            asked = True
            minutes = reach["minutes"][row]
            if minutes is None or minutes > reach["threshold"]:
                lacking.add(reach["service"])
        answers.append(tuple(one for one in order if one in lacking) if asked else None)
    return answers


def naive_region(cells, reaches, counties):
    """Return score, complete people and people lacking each service, of the cells of some counties."""
    reached = possible = complete = Fraction(0)
    lacking = {}
    for row in range(len(cells)):
        if cells["adcode"][row] not in counties:
            continue
        for tier in ("urban", "rural"):
            people = int(cells[tier][row])
            own = [reach for reach in reaches if reach["tier"] == tier and reach["minutes"] is not None]
            everything = bool(own)
            for reach in own:
                minutes = reach["minutes"][row]
                met = minutes is not None and minutes <= reach["threshold"]
                possible += Fraction(reach["weight"]) * people
                lacking.setdefault(reach["service"], 0)
                if met:
                    reached += Fraction(reach["weight"]) * people
                else:
                    lacking[reach["service"]] += people
                    everything = False
            if everything:
                complete += people
    return (reached / possible if possible else None), complete, lacking
