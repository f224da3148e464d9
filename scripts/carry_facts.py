"""Carry published figures into the project's own fact tables (``data/facts/*.csv``).

Run it once when a source changes: ``python -m scripts.carry_facts FOLDER``, where FOLDER holds ``plans/``
and ``statistics/``. The plan tables are carried byte for byte; the statistics keep the columns that the
project uses, under its own names, cell by cell. The output is committed, for a build to need nothing else.
"""

import argparse
import csv
import shutil
from pathlib import Path

from scripts.census_columns import COLUMNS_2010, COLUMNS_2020, DECIMAL_COLUMNS

FACTS = Path(__file__).resolve().parents[1] / "data" / "facts"

PLAN_TABLES = {
    "plan_indicators.csv": "plans/indicators.csv",
    "plan_documents.csv": "plans/documents.csv",
    "spatial_structures.csv": "plans/spatial_structures.csv",
    "rail_corridor_nodes.csv": "plans/rail_corridor_nodes.csv",
    "culture_tourism_nodes.csv": "plans/culture_tourism_nodes.csv",
}
ECONOMY_TABLES = {
    "prefecture_gdp.csv": (
        "statistics/prefecture_gdp_2000_2023.csv",
        {
            "adcode": "adcode",
            "name": "name",
            "year": "year",
            "gdp_100m_yuan": "gdp_100m_yuan",
            "primary_100m_yuan": "gdp_primary_100m_yuan",
            "secondary_100m_yuan": "gdp_secondary_100m_yuan",
            "tertiary_100m_yuan": "gdp_tertiary_100m_yuan",
        },
    ),
    "prefecture_population.csv": (
        "statistics/prefecture_population_2005_2024.csv",
        {
            "adcode": "adcode",
            "name": "name",
            "year": "year",
            "resident_population_10k": "resident_population_10k",
        },
    ),
}


def carry_plans(source: Path, target: Path) -> None:
    """Copy the plan tables unchanged: every row and column is evidence."""
    for name, origin in PLAN_TABLES.items():
        shutil.copyfile(source / origin, target / name)


def plain_number(cell: str, column: str) -> str:
    """Return a cell as it is, but a count without the ``.0`` that a spreadsheet left behind it.

    Raises ``ValueError`` for text in a number column, or a fraction of a person.
    """
    text = cell.strip()
    if not text or column in DECIMAL_COLUMNS:
        return str(float(text)) if text else ""
    value = float(text)
    if value != int(value):
        raise ValueError(f"{column}: {cell!r} is no whole number")
    return str(int(value))


def carry_census(origin: Path, target: Path, columns: dict[str, str], name_column: str) -> None:
    """Write the named columns of a census table (source heading → own name), one row per census unit."""
    with origin.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    with target.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["code", "name", *columns.values()])
        for row in rows:
            cells = [plain_number(row[heading], own) for heading, own in columns.items()]
            writer.writerow([row["区划代码"], row[name_column].strip(), *cells])


def carry_economy(origin: Path, target: Path, columns: dict[str, str]) -> None:
    """Write the named columns of a yearly table, sorted by code and year, every cell as printed."""
    with origin.open(encoding="utf-8", newline="") as stream:
        rows = sorted(csv.DictReader(stream), key=lambda row: (row["adcode"], row["year"]))
    with target.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns.values())
        writer.writerows([row[heading].strip() for heading in columns] for row in rows)


def carry_all(source: Path, target: Path) -> None:
    """Write every fact table of the project from the published tables under ``source``."""
    carry_plans(source, target)
    statistics = source / "statistics"
    carry_census(statistics / "census_2010.csv", target / "census_2010.csv", COLUMNS_2010, "地区")
    carry_census(statistics / "census_2020.csv", target / "census_2020.csv", COLUMNS_2020, "区县")
    for name, (origin, columns) in ECONOMY_TABLES.items():
        carry_economy(source / origin, target / name, columns)


def main() -> None:
    """Carry the tables from the folder named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="folder that holds plans/ and statistics/")
    parser.add_argument("--target", type=Path, default=FACTS, help="folder to write to")
    arguments = parser.parse_args()
    carry_all(arguments.source, arguments.target)


if __name__ == "__main__":
    main()
