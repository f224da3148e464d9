"""The census indicators once more, from the published tables: plain csv, dicts and column positions.

Nothing of the project is used: no registry, no carried table, no data frame. Unions and zones are written out
by hand. A county that is not listed in ``UNITED_2010`` and keeps its code is itself; ``NOT_COMPARABLE`` lists
the counties whose figures of 2010 are undefined.
"""

from __future__ import annotations

import csv
from pathlib import Path

ECONOMIC_REGIONS = {
    "320S00": ["320100", "320200", "320400", "320500", "321100"],
    "320C00": ["320600", "321000", "321200"],
    "320N00": ["320300", "320700", "320800", "320900", "321300"],
}
ZONES_2020 = {
    "320305": ["320371"],
    "320506": ["320571"],
    "320613": ["320611", "320671"],
    "320812": ["320871"],
    "320902": ["320971"],
    "321003": ["321071"],
    "321203": ["321271"],
    "321311": ["321371"],
}
UNITED_2010 = {
    "320104": ["320103", "320104"],
    "320106": ["320106", "320107"],
    "320117": ["320124"],
    "320118": ["320125"],
    "320213": ["320202", "320203", "320204"],
    "320413": ["320482"],
    "320509": ["320584"],
    "320613": ["320602", "320611"],
    "320614": ["320684"],
    "320685": ["320621"],
    "320707": ["320721"],
    "320813": ["320829"],
    "320904": ["320982"],
    "321012": ["321088"],
    "321204": ["321284"],
}
NOT_COMPARABLE = {
    "320211",
    "320214",
    "320302",
    "320303",
    "320305",
    "320311",
    "320312",
    "320402",
    "320404",
    "320411",
    "320412",
    "320506",
    "320508",
    "320703",
    "320706",
    "320803",
    "320812",
    "321002",
    "321003",
    "321102",
    "321111",
    "321202",
    "321203",
    "321302",
    "321311",
}
UNALLOCATED = {"3207UN": "320700", "3211UN": "321100"}

# Positions in the published tables, counted from 0: 2010, 2020.
_CODE = {2010: 1, 2020: 0}
_FIRST_AGE = {2010: 19, 2020: 20}
_PLAIN = {
    "population": (2, 4),
    "male": (3, 5),
    "female": (4, 6),
    "urban": (9, 9),
    "households": (11, 12),
    "household_population": (12, 13),
    "one_person": (14, 15),
    "one_generation": (15, 16),
    "three_generations": (17, 18),
    "four_generations": (18, 19),
    "elderly_households": (61, 62),
    "one_elder": (62, 63),
    "illiterate": (86, 86),
    "within_county": (68, 66),
    "within_province": (69, 67),
    "other_province": (70, 68),
    "occupations": (93, 92),
    "professionals": (95, 94),
    "employed": (112, 100),
    "agriculture": (113, 101),
    "mining": (114, 102),
    "manufacturing": (115, 103),
    "utilities": (116, 104),
    "construction": (117, 105),
    "wholesale_retail": (120, 106),
    "information": (119, 109),
    "science": (125, 113),
    "education": (128, 116),
    "health": (129, 117),
    "housing_households": (153, 138),
    "rooms_each": (154, 139),
    "area_each": (155, 140),
    "sample_households": (156, 141),
    "tap_water": (157, 142),
    "kitchen": (159, 143),
    "toilet": (161, 144),
    "bath": (163, 145),
    "rented": (165, 148),
    "self_built": (166, 149),
    "purchased": (167, 150),
    "lift": (None, 146),
    "car": (None, 147),
}
# First column of the levels, men then women: no schooling, primary, junior, senior, college, university.
_LEVELS = {2010: (71, 73, 75, 77, 79, 81), 2020: (69, 73, 75, 77, 79, 81)}
_PRESCHOOL_2020 = (71, 72)
_YEARS_OF_LEVEL = (0, 6, 9, 12, 16, 16)


def read_rows(path: Path, year: int) -> dict[str, list[str]]:
    """Return the rows of a published census table by code."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))[1:]
    return {row[_CODE[year]]: row for row in rows}


def base_quantities(row: list[str], year: int) -> dict[str, float]:
    """Return the additive quantities of one row; an empty cell of these columns can only mean nobody."""

    def at(position: int) -> float:
        return float(row[position]) if row[position].strip() else 0.0

    found = {
        name: at(p[0 if year == 2010 else 1]) for name, p in _PLAIN.items() if p[0 if year == 2010 else 1]
    }
    first = _FIRST_AGE[year]
    for number in range(19):
        found[f"age{number}"] = at(first + 2 * number) + at(first + 2 * number + 1)
    levels = [at(p) + at(p + 1) for p in _LEVELS[year]]
    if row[_CODE[year]] == "320826" and year == 2010:
        levels[1] -= 1_000_000  # the transcription has one digit too many; the neighbours prove it
    found["people_6_plus"] = sum(levels) + (sum(at(p) for p in _PRESCHOOL_2020) if year == 2020 else 0.0)
    found["school_years"] = sum(a * b for a, b in zip(levels, _YEARS_OF_LEVEL, strict=True))
    found["upper_secondary"], found["tertiary"] = sum(levels[3:]), sum(levels[4:])
    found["area"] = found["area_each"] * found["household_population"]
    found["rooms"] = found["rooms_each"] * found["housing_households"]
    return found


def _ages(base: dict[str, float], first: int, last: int = 18) -> float:
    return sum(base[f"age{number}"] for number in range(first, last + 1))


def indicators(base: dict[str, float], area_km2: float | None, year: int) -> dict[str, float]:
    """Return every census indicator of one year from the quantities of a region (changes excepted)."""
    b, n = base, base["population"]
    groups = {
        "0_2": b["age0"] + b["age1"] / 2,
        "3_5": b["age1"] / 2 + b["age2"] / 5,
        "6_14": b["age2"] * 4 / 5 + b["age3"],
        "0_14": _ages(b, 0, 3),
        "15_59": _ages(b, 4, 12),
        "60_plus": _ages(b, 13),
        "65_plus": _ages(b, 14),
        "80_plus": _ages(b, 17),
    }
    adults, work, homes, jobs = _ages(b, 4), _ages(b, 4, 13), b["households"], b["employed"]
    sample = b["sample_households"]
    inside = b["within_county"] + b["within_province"]
    secondary = b["mining"] + b["manufacturing"] + b["utilities"] + b["construction"]
    found = {
        "population": n,
        "urban_population": b["urban"],
        "rural_population": n - b["urban"],
        "urbanisation_rate": b["urban"] / n * 100,
        "sex_ratio": b["male"] / b["female"] * 100,
        **{f"population_{name}": value for name, value in groups.items()},
        **{f"population_{name}_share": value / n * 100 for name, value in groups.items()},
        "child_dependency_ratio": groups["0_14"] / work * 100,
        "old_dependency_ratio": groups["65_plus"] / work * 100,
        "ageing_index": groups["65_plus"] / groups["0_14"] * 100,
        "household_count": homes,
        "household_size": b["household_population"] / homes,
        "one_person_households": b["one_person"],
        "one_person_household_share": b["one_person"] / homes * 100,
        "one_generation_households": b["one_generation"],
        "one_generation_household_share": b["one_generation"] / homes * 100,
        "three_generation_household_share": (b["three_generations"] + b["four_generations"]) / homes * 100,
        "elderly_households": b["elderly_households"],
        "elderly_household_share": b["elderly_households"] / homes * 100,
        "one_elder_household_share": b["one_elder"] / b["elderly_households"] * 100,
        "mean_years_schooling": b["school_years"] / b["people_6_plus"],
        "illiterate_population": b["illiterate"],
        "illiteracy_rate": b["illiterate"] / adults * 100,
        "tertiary_population": b["tertiary"],
        "tertiary_share": b["tertiary"] / b["people_6_plus"] * 100,
        "tertiary_per_100k": b["tertiary"] / n * 100_000,
        "upper_secondary_share": b["upper_secondary"] / b["people_6_plus"] * 100,
        "migrant_population": inside + b["other_province"],
        "migrant_share": (inside + b["other_province"]) / n * 100,
        "migrants_within_province": inside,
        "migrants_within_province_share": inside / n * 100,
        "migrants_other_province": b["other_province"],
        "migrants_other_province_share": b["other_province"] / n * 100,
        "employed_population": jobs * 10,
        "primary_employment_share": b["agriculture"] / jobs * 100,
        "secondary_employment_share": secondary / jobs * 100,
        "tertiary_employment_share": (jobs - secondary - b["agriculture"]) / jobs * 100,
        **{
            f"{name}_employment_share": b[name] / jobs * 100
            for name in ("manufacturing", "construction", "wholesale_retail", "information", "science")
        },
        "professional_share": b["professionals"] / b["occupations"] * 100,
        "health_workers": b["health"] * 10,
        "health_workers_per_1000": b["health"] * 10 / n * 1000,
        "education_workers": b["education"] * 10,
        "education_workers_per_1000": b["education"] * 10 / n * 1000,
        "housing_area_per_head": b["area"] / b["household_population"],
        "rooms_per_household": b["rooms"] / b["housing_households"],
        **{
            f"{name}_share": b[name] / sample * 100
            for name in ("tap_water", "kitchen", "toilet", "bath", "rented", "self_built", "purchased")
        },
    }
    if year == 2020:
        found |= {"lift_share": b["lift"] / sample * 100, "car_share": b["car"] / sample * 100}
    if area_km2 is not None:
        found["population_density"] = n / area_km2
    return found


def _added(parts: list[dict[str, float]]) -> dict[str, float]:
    return {name: sum(part[name] for part in parts) for name in parts[0]}


def naive_indicators(
    path: Path, year: int, counties: list[str], area_km2: dict[str, float]
) -> dict[tuple[str, str], float]:
    """Return (adcode, indicator) → value for every region with defined figures in a census year."""
    rows = {code: base_quantities(row, year) for code, row in read_rows(path, year).items()}
    prefectures = [code for codes in ECONOMIC_REGIONS.values() for code in codes]
    bases = {code: rows[code] for code in prefectures}
    for county in counties:
        if year == 2020:
            bases[county] = _added([rows[code] for code in [county, *ZONES_2020.get(county, [])]])
        elif county not in NOT_COMPARABLE:
            bases[county] = _added([rows[code] for code in UNITED_2010.get(county, [county])])
    for code, members in ECONOMIC_REGIONS.items():
        bases[code] = _added([rows[member] for member in members])
    bases["320000"] = _added([rows[member] for member in prefectures])
    return {
        (code, name): value
        for code, base in bases.items()
        for name, value in indicators(base, area_km2.get(code), year).items()
    }
