"""The forms people fill in: workbooks whose data sheet goes straight into the import."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pandas as pd
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.styles.numbers import FORMAT_TEXT
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from data.ingest.facility_rows import FACILITY_FORM_COLUMNS
from data.ingest.indicator_definitions import DEFINITION_COLUMNS, DIRECTIONS, KINDS
from data.ingest.indicator_rows import FACT_COLUMNS
from data.ingest.matching import Column
from data.ingest.reading import DEFINITION_SHEET, FORM_SHEET
from data.regions.boundaries import load_region_codes
from data.registry import Registry, load_registry
from data.registry.facility_models import FacilityType, load_facility_types
from data.registry.import_models import load_import_checks
from geo.errors import DataFaultError
from geo.region_tree import LEVEL_NAMES, LEVEL_OF_WORD
from geo.small_workbook import new_workbook, put, set_width, solid, workbook_bytes

CODE_SHEET: Final = "行政区划代码"
INDICATOR_SHEET: Final = "指标清单"
TYPE_SHEET: Final = "设施类型"
HELP_SHEET: Final = "说明"
_FORM_ROWS = 5_000
_BOLD = Font(name="Calibri", size=11, bold=True, family=2, scheme="minor")
_OPTIONAL, _REQUIRED = solid("DBE9F6"), solid("FBE3CF")
_FRAME = Border(*(Side(style="thin") for _ in range(4)))
_WRAPPED = Alignment(wrap_text=True, vertical="top")

_PROMPTS: Final = {
    "adcode": "六位代码，见“行政区划代码”表；必填",
    "region": "可不填；填了会与代码核对",
    "indicator": "从“指标清单”选名称；新指标先在“指标定义”表登记",
    "year": "四位年份，如 2023",
    "value": "只写数字；确实没有数值的留空，并在备注写明原因",
    "source": "资料名称，如《××市统计年鉴 2023》；必填",
    "note": "可不填",
}

_INDICATOR_HELP: Final = (
    "一、只填“填报”表，每行一个数值：一个地区、一个指标、一个年份、一个来源。第一行表头不要改。",
    "二、行政区划代码为六位文本，见“行政区划代码”表；不收乡镇（街道）代码，也不收已撤销的旧代码。",
    "三、指标写名称或标识，见“指标清单”表。清单里没有的指标，先在“指标定义”表登记名称、单位、方向和口径。",
    "四、数值只写数字，单位与指标清单一致；单位为 % 的指标写 85 或 85%，不写 0.85。",
    "五、没有数值的留空，并在备注写明原因：地图上显示为“无数据”并附这条原因，不会当作零。",
    "六、不要用公式、合并单元格、隐藏工作表；从别处复制时用“选择性粘贴—数值”。",
    "七、来源写资料名称。同一来源再次导入时，同地区同指标同年份的数值以新的为准，其余保留。",
    "八、填好后运行：sutu import indicators 文件名.xlsx。有任何问题都会逐条列出，且不写入任何内容。",
)


class Form:
    """A workbook under construction: text only, never a formula or a link, whatever the text begins with."""

    def __init__(self, path: Path) -> None:
        """Begin the workbook that ``save`` writes to ``path``."""
        self.path = path
        self.book = new_workbook()

    def fill_in(self, name: str, columns: Sequence[Column], prompts: dict[str, str]) -> Worksheet:
        """Add a sheet to be filled: a frozen header, every column text, a prompt for each."""
        sheet = self.book.create_sheet(name)
        sheet.freeze_panes = "A2"
        for position, column in enumerate(columns, start=1):
            _text_column(sheet, position, 22 if column.key in {"source", "note"} else 15)
            _head(sheet, position, column.header, _REQUIRED if column.required else _OPTIONAL)
            if column.key in prompts:
                rule = DataValidation(
                    allow_blank=True,
                    showErrorMessage=True,
                    showInputMessage=True,
                    promptTitle=column.header,
                    prompt=prompts[column.key],
                )
                rule.add(f"{get_column_letter(position)}1")
                sheet.add_data_validation(rule)
        return sheet

    def choices(self, sheet: Worksheet, position: int, source: str | Sequence[str], message: str) -> None:
        """Offer a list in a column (counted from 0): a range, or the words themselves.

        Another entry is warned of, not refused, because the import decides.
        """
        rule = DataValidation(
            type="list",
            formula1=source if isinstance(source, str) else f'"{",".join(source)}"',
            allow_blank=True,
            showErrorMessage=True,
            showInputMessage=True,
            errorStyle="warning",
            errorTitle="不在清单里",
            error=message,
        )
        letter = get_column_letter(position + 1)
        rule.add(f"{letter}2:{letter}{_FORM_ROWS + 1}")
        sheet.add_data_validation(rule)

    def reference(
        self, name: str, headers: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int]
    ) -> str:
        """Add a sheet to look things up in; return the range of its first column, for lists."""
        sheet = self.book.create_sheet(name)
        sheet.freeze_panes = "A2"
        for position, header in enumerate(headers, start=1):
            _text_column(sheet, position, widths[position - 1])
            _head(sheet, position, header, _OPTIONAL)
        for number, row in enumerate(rows, start=2):
            for position, text in enumerate(row, start=1):
                put(sheet, number, position, text).number_format = FORMAT_TEXT
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(headers))}{max(len(rows), 1) + 1}"
        return f"'{name}'!$A$2:$A${len(rows) + 1}"

    def help(self, lines: Sequence[str]) -> None:
        """Add the sheet of instructions."""
        sheet = self.book.create_sheet(HELP_SHEET)
        set_width(sheet, 1, 100)
        sheet.column_dimensions["A"].alignment = _WRAPPED
        for number, line in enumerate(lines, start=1):
            put(sheet, number, 1, line).alignment = _WRAPPED

    def save(self) -> None:
        """Write the workbook; ``DataFaultError`` when the place cannot be written."""
        try:
            self.path.write_bytes(workbook_bytes(self.book))
        except OSError as error:
            raise DataFaultError(
                f"无法写入 {self.path}：请确认文件夹存在、可写，且该文件没有在别处打开。"
            ) from error


def _text_column(sheet: Worksheet, position: int, characters: int) -> None:
    set_width(sheet, position, characters)
    sheet.column_dimensions[get_column_letter(position)].number_format = FORMAT_TEXT


def _head(sheet: Worksheet, position: int, text: str, fill: PatternFill) -> None:
    cell = put(sheet, 1, position, text)
    cell.font, cell.fill, cell.border = _BOLD, fill, _FRAME
    cell.alignment, cell.number_format = Alignment(wrap_text=True), FORMAT_TEXT


def region_rows(regions: pd.DataFrame) -> list[tuple[str, str, str, str]]:
    """Return adcode, name, level and parent's name of every region that data can be given for, by code."""
    table = regions.reset_index() if regions.index.name == "adcode" else regions
    table = table[table["level"] != "unallocated"].sort_values("adcode")
    names = dict(zip(table["adcode"], table["name"], strict=True))
    return [
        (str(code), str(name), LEVEL_NAMES[str(level)], str(names.get(parent, "")))
        for code, name, level, parent in zip(
            table["adcode"], table["name"], table["level"], table["parent"], strict=True
        )
    ]


def write_indicator_template(path: Path, registry: Registry, regions: pd.DataFrame) -> None:
    """Write the form for indicators to ``path`` (XLSX): 填报, 指标定义, 指标清单, 行政区划代码, 说明.

    ``regions`` is the region table. An existing file is replaced. Raises ``DataFaultError`` when the place
    cannot be written.
    """
    form = Form(path)
    data = form.fill_in(FORM_SHEET, FACT_COLUMNS, _PROMPTS)
    definitions = form.fill_in(DEFINITION_SHEET, DEFINITION_COLUMNS, {})
    indicators = [
        (entry.name, entry.id, entry.unit, entry.domain, entry.definition) for entry in registry.indicators
    ]
    names = form.reference(
        INDICATOR_SHEET, ("指标", "标识", "单位", "领域", "口径"), indicators, (28, 30, 14, 18, 80)
    )
    codes = form.reference(
        CODE_SHEET, ("行政区划代码", "地区", "层级", "上级"), region_rows(regions), (14, 16, 14, 14)
    )
    at = {column.key: position for position, column in enumerate(FACT_COLUMNS)}
    form.choices(data, at["adcode"], codes, "请从“行政区划代码”表查找六位代码。")
    form.choices(data, at["indicator"], names, "新指标请先在“指标定义”表登记。")
    at = {column.key: position for position, column in enumerate(DEFINITION_COLUMNS)}
    for key, words in (("direction", DIRECTIONS), ("kind", KINDS), ("levels", LEVEL_OF_WORD)):
        form.choices(definitions, at[key], list(words), f"可选：{'、'.join(words)}。")
    form.help(_INDICATOR_HELP)
    form.save()


_FACILITY_PROMPTS: Final = {
    "name": "设施全称；必填",
    "type": "从下拉清单选；整份表同一类型时也可留空，导入时用 --type 指定",
    "level": "如 三级甲等、省级示范；可不填",
    "capacity": "床位、学位等，只写数字；可不填",
    "capacity_unit": "可不填，缺省见“设施类型”表",
    "lon": "十进制度，江苏约 116—122；必填",
    "lat": "十进制度，江苏约 30—36；必填",
    "adcode": "六位县（市、区）代码；可不填，填了会与坐标核对",
    "region": "可不填；填了会与代码、坐标核对",
    "as_of": "数据的日期，如 2023-06",
    "note": "可不填",
    "key": "原名录中的编号；填了便于以后更新时对应",
}

_FACILITY_HELP: Final = (
    "一、只填“填报”表，每行一个设施。第一行表头不要改。",
    "二、经度、纬度用十进制度（如 118.7969），不用度分秒，也不用投影坐标（米）。",
    "三、必须知道坐标基准：测绘成果多为 cgcs2000，手持 GPS 为 wgs84，"
    "高德、腾讯地图为 gcj02，百度地图为 bd09。"
    "同一地点在不同基准下相差约 500 米至 1 公里，不清楚的请向提供方问明，本系统不代为猜测。",
    "四、行政区划代码可不填：设施归哪个县（市、区）由坐标决定；填了会核对，不一致的比例在导入结果中报告。",
    "五、疑似重复的设施（同类、相距 {duplicate_m:g} 米以内、名称相近）会逐对列出，不会自动合并。",
    "六、同一来源（--source，缺省为文件名）再次导入时，整份替换此前的名单。",
    "七、填好后运行：sutu import facilities 文件名.xlsx --datum gcj02 --source 名单名称。",
)


def write_facility_template(path: Path, types: Mapping[str, FacilityType], regions: pd.DataFrame) -> None:
    """Write the form for facilities to ``path`` (XLSX): 填报, 设施类型, 行政区划代码, 说明.

    ``types`` are the facility types, ``regions`` the region table. An existing file is replaced. Raises
    ``DataFaultError`` when the place cannot be written.
    """
    form = Form(path)
    data = form.fill_in(FORM_SHEET, FACILITY_FORM_COLUMNS, _FACILITY_PROMPTS)
    rows = [
        (
            entry.name,
            entry.id,
            entry.domain,
            entry.capacity_unit,
            types[entry.broader].name if entry.broader else "",
            "、".join(entry.aliases),
        )
        for entry in types.values()
    ]
    headers = ("类型", "标识", "领域", "规模单位", "上级类型", "也可写作")
    names = form.reference(TYPE_SHEET, headers, rows, (22, 26, 14, 10, 16, 60))
    codes = form.reference(
        CODE_SHEET, ("行政区划代码", "地区", "层级", "上级"), region_rows(regions), (14, 16, 14, 14)
    )
    at = {column.key: position for position, column in enumerate(FACILITY_FORM_COLUMNS)}
    form.choices(data, at["type"], names, "不在类型表里的类型，导入时须用 --type 指定。")
    form.choices(data, at["adcode"], codes, "请从“行政区划代码”表查找六位代码。")
    near = load_import_checks().duplicate_m
    form.help([line.format(duplicate_m=near) for line in _FACILITY_HELP])
    form.save()


def facility_template(path: Path) -> None:
    """Write the form for facilities with the types and the region codes of today."""
    write_facility_template(path, load_facility_types(), _current_regions())


def indicator_template(path: Path) -> None:
    """Write the form for indicators with those of the registry and the region codes of today."""
    write_indicator_template(path, load_registry(), _current_regions())


def _current_regions() -> pd.DataFrame:
    codes = load_region_codes()
    return codes[codes["valid_to"].isna()]
