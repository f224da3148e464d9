"""Carry published figures into the project's own fact tables (``data/facts/*.csv``).

Run it once when a source changes: ``python -m scripts.carry_facts FOLDER``, where FOLDER holds ``plans/``
and ``statistics/``. The plan tables are carried byte for byte; the statistics keep the columns that the
project uses, under its own names, cell by cell. The output is committed, for a build to need nothing else.

The heading row of the 2010 table is broken across lines in three sectors, so that they begin with words of
their neighbour; the order is that of GB/T 4754-2002 (transport, information, wholesale and retail).
See docs/methods/census.md for how that was established.
"""

import argparse
import csv
import shutil
from pathlib import Path

AGES = ("0", *(f"{low}_{low + 4 if low != 1 else 4}" for low in (1, *range(5, 85, 5))), "85_plus")

_AGE_HEADINGS_2010 = (
    "0岁", "1-4岁", *(f"{low}-{low + 4}岁" for low in range(5, 85, 5)), "85岁及以上",
)  # fmt: skip
_AGE_HEADINGS_2020 = ("0岁", "1到4岁", *(f"{low}到{low + 4}岁" for low in range(5, 85, 5)), "85岁以上")

DECIMAL_COLUMNS = frozenset({"rooms_per_household", "housing_area_per_head_m2"})

_EDUCATION_2010 = {
    "未上过学": "no_schooling",
    "小学": "primary_school",
    "初中": "junior_secondary",
    "高中": "senior_secondary",
    "大学专科": "college",
    "大学本科及以上": "university",
}
_EDUCATION_2020 = {
    "未上过学": "no_schooling",
    "学前教育": "preschool",
    "小学": "primary_school",
    "初中": "junior_secondary",
    "高中": "senior_secondary",
    "大学专科": "college",
    "本科及以上": "university",
}


def _age_columns_2010() -> dict[str, str]:
    columns = {}
    for heading, age in zip(_AGE_HEADINGS_2010, AGES, strict=True):
        columns[f"{heading}（男）"] = f"age_{age}_male"
        closing = ")" if age == "45_49" else "）"  # one half-width bracket in the source
        columns[f"{heading}（女{closing}"] = f"age_{age}_female"
    return columns


def _age_columns_2020() -> dict[str, str]:
    columns = {}
    for heading, age in zip(_AGE_HEADINGS_2020, AGES, strict=True):
        columns[f"男_{heading}"] = f"age_{age}_male"
        columns[f"女_{heading}"] = f"age_{age}_female"
    return columns


def _education_columns(levels: dict[str, str], separator: str) -> dict[str, str]:
    return {
        f"{heading}{separator}{sex}": f"{level}_{own}"
        for heading, level in levels.items()
        for sex, own in (("男", "male"), ("女", "female"))
    }


COLUMNS_2010 = {
    "合计": "population",
    "男": "male",
    "女": "female",
    "城镇人口": "urban",
    "乡村人口": "rural",
    "户数": "households",
    "人口数": "household_population",
    "一人户": "one_person_households",
    "一代户": "one_generation_households",
    "二代户": "two_generation_households",
    "三代户": "three_generation_households",
    "四代以上户": "four_generation_households",
    **_age_columns_2010(),
    "有65岁及以上老年人口的户数（户）-合计": "elderly_households",
    "有65岁及以上老年人口的户数（户）-有一个老人": "elderly_households_one",
    "有65岁及以上老年人口的户数（户）-有二个老人": "elderly_households_two",
    "有65岁及以上老年人口的户数（户）-有三个\n及以上老人": "elderly_households_three",
    "迁入人口（人）-本县（市）/\n本市市区": "migrants_same_county",
    "迁入人口（人）-本省其他县\n（市）、市区": "migrants_same_province",
    "迁入人口（人）-外省": "migrants_other_province",
    **_education_columns(_EDUCATION_2010, "-"),
    "15岁及以上文盲人口-合计": "illiterate",
    "各种职业人口\n总计": "occupation_sample",
    "国家机关、党群组织、企业、事业单位负责人": "occupation_managers",
    "专业技术人员": "occupation_professionals",
    "办事人员和\n有关人员": "occupation_clerks",
    "商业、服务业\n人员": "occupation_services",
    "农、林、牧、\n渔、水利业\n生产人员": "occupation_farmers",
    "生产、运输\n设备操作人员\n及有关人员": "occupation_production",
    "不便分类的\n其他从业人员": "occupation_other",
    "各种行业人口\n总计": "employed_sample",
    "农林牧渔业": "sector_agriculture",
    "采矿业": "sector_mining",
    "制造业": "sector_manufacturing",
    "电力、燃气\n及水的生产\n和供应业": "sector_utilities",
    "建筑业": "sector_construction",
    "仓储和邮政业": "sector_transport",
    "交通运输、\n计算机服务\n和软件业": "sector_information",
    "信息传输、\n批发和零售业": "sector_wholesale_retail",
    "住宿和餐饮业": "sector_accommodation",
    "金融业": "sector_finance",
    "房地产业": "sector_real_estate",
    "租赁和\n商务服务业": "sector_business_services",
    "科学研究、\n技术服务和\n地质勘察业": "sector_science",
    "水利、环境\n和公共设施\n管理业": "sector_environment",
    "居民服务和\n其他服务业": "sector_resident_services",
    "教育": "sector_education",
    "卫生、社会\n保障和社会\n福利业": "sector_health_social",
    "文化、体育\n和娱乐业": "sector_culture",
    "公共管理和\n社会组织": "sector_public_administration",
    "国际组织": "sector_international",
    "15岁及以上人口-合计": "population_15_plus_sample",
    "全部数据-家庭户": "housing_households",
    "平均每户\n住房间数\n（间/户）": "rooms_per_household",
    "人均住房\n建筑面积\n（平方米/人）": "housing_area_per_head_m2",
    "长表数据-家庭户": "housing_sample",
    "住房内有无管道自来水-有": "tap_water",
    "住房内有无厨房-有": "kitchen",
    "住房内有无厕所-有": "toilet",
    "住房内有无洗澡设施-有": "bath",
    "住房来源-租赁": "tenure_rented",
    "住房来源-自建": "tenure_self_built",
    "住房来源-购买": "tenure_purchased",
    "住房来源-其他": "tenure_other",
}

COLUMNS_2020 = {
    "人口数_合计": "population",
    "人口数_男": "male",
    "人口数_女": "female",
    "城镇人口": "urban",
    "乡村人口": "rural",
    "家庭户数": "households",
    "家庭户人口数": "household_population",
    "一人户数": "one_person_households",
    "一代户数": "one_generation_households",
    "二代户数": "two_generation_households",
    "三代户数": "three_generation_households",
    "四代以上户数": "four_generation_households",
    **_age_columns_2020(),
    "有65岁及以上老年人口的户数": "elderly_households",
    "有一个老人": "elderly_households_one",
    "有二个老人": "elderly_households_two",
    "有三个及以上老人": "elderly_households_three",
    "户口登记地在外乡镇街道人口_本县": "migrants_same_county",
    "户口登记地在外乡镇街道人口_本省其他县": "migrants_same_province",
    "户口登记地在外乡镇街道人口_省外": "migrants_other_province",
    **_education_columns(_EDUCATION_2020, "_"),
    "15岁及以上文盲人口": "illiterate",
    "各种职业人口总计": "occupation_sample",
    "党的机关国家机关群众团体和社会组织企事业单位负责人": "occupation_managers",
    "专业技术人员": "occupation_professionals",
    "办事人员和有关人员": "occupation_clerks",
    "社会生产服务和生活服务人员": "occupation_services",
    "农林牧渔业生产及辅助人员": "occupation_farmers",
    "生产制造及有关人员": "occupation_production",
    "不便分类其他的从业人员": "occupation_other",
    "各种行业人口总计": "employed_sample",
    "农林牧渔业": "sector_agriculture",
    "采矿业": "sector_mining",
    "制造业": "sector_manufacturing",
    "电力热力燃气及水生产和供应业": "sector_utilities",
    "建筑业": "sector_construction",
    "交通运输仓储和邮政业": "sector_transport",
    "信息传输软件和信息技术服务业": "sector_information",
    "批发和零售业": "sector_wholesale_retail",
    "住宿和餐饮业": "sector_accommodation",
    "金融业": "sector_finance",
    "房地产业": "sector_real_estate",
    "租赁和商务服务业": "sector_business_services",
    "科学研究和技术服务业": "sector_science",
    "水利环境和公共设施管理业": "sector_environment",
    "居民服务修理和其服务业": "sector_resident_services",
    "教育": "sector_education",
    "卫生和社会工作": "sector_health_social",
    "文化体育和娱乐业": "sector_culture",
    "公共管理社会保障和社会组织": "sector_public_administration",
    "国际组织": "sector_international",
    "十五岁以上人口": "population_15_plus_sample",
    "家庭户户数": "housing_households",
    "平均每户住房间数": "rooms_per_household",
    "人均住房建筑面积": "housing_area_per_head_m2",
    "家庭户户数_长表": "housing_sample",
    "住房內有管道自来水": "tap_water",
    "住房內有厨房": "kitchen",
    "住房內有厕所": "toilet",
    "住房内有洗澡设施": "bath",
    "住房所在建筑有电梯": "lift",
    "拥有家用汽车": "car",
    "住房来源_租赁": "tenure_rented",
    "住房来源_自建": "tenure_self_built",
    "住房来源_购买": "tenure_purchased",
    "住房来源_继承或赠予": "tenure_inherited",
    "住房来源_其他": "tenure_other",
}

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
