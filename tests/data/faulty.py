"""Writes indicator files that are wrong, one way each, and says what an import must answer.

Every case names the row, the column and a piece of problem and remedy. ``None`` for row or column means that
the fault has no such place.
"""

import csv
import datetime as dt
import gzip
import io
import random
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl

HEADER = ("行政区划代码", "指标", "年份", "数值", "来源", "备注")
GOOD = (
    ("320102", "常住人口", "2021", "540000", "某局统计公报 2021", ""),
    ("320104", "常住人口", "2021", "730000", "某局统计公报 2021", ""),
    ("320105", "城镇化率", "2021", "98.5", "某局统计公报 2021", "初步"),
)
DEFINITION_HEADER = ("指标名称", "单位", "方向", "口径", "小数位", "最小值", "最大值", "适用层级", "指标标识")
BEDS = (
    "每千人床位数",
    "张/千人",
    "正向",
    "医疗卫生机构床位数除以常住人口",
    "2",
    "0",
    "30",
    "设区市",
    "beds_per_1000",
)


@dataclass(frozen=True)
class Expected:
    """One fault that must be reported."""

    row: int | None
    column: str | None
    problem: str
    remedy: str


@dataclass(frozen=True)
class FaultyFile:
    """A way to be wrong: ``write(folder)`` makes the file, ``expected`` must all be among the faults."""

    name: str
    write: Callable[[Path], Path]
    expected: tuple[Expected, ...]
    only: bool = True
    """Whether the expected faults are all there are."""


def csv_text(rows: Sequence[Sequence[str]], header: Sequence[str] = HEADER, delimiter: str = ",") -> str:
    """Return rows as CSV text."""
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows([header, *rows])
    return out.getvalue()


def changed(row: int, column: str, text: str) -> list[list[str]]:
    """Return the good rows with one cell changed; ``row`` counts as a person counts."""
    rows = [list(cells) for cells in GOOD]
    rows[row - 2][HEADER.index(column)] = text
    return rows


def _csv(text: str | bytes, name: str = "表.csv") -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def _cell(row: int, column: str, text: str) -> Callable[[Path], Path]:
    return _csv(csv_text(changed(row, column, text)))


def _book(edit: Callable[[Any, Any], object] | None = None, name: str = "表.xlsx") -> Callable[[Path], Path]:
    """Return a writer of a good workbook (sheet 填报) that ``edit(book, sheet)`` then spoils."""

    def write(folder: Path) -> Path:
        book = openpyxl.Workbook()
        sheet = book.active
        sheet.title = "填报"
        for cells in (HEADER, *GOOD):
            sheet.append(list(cells))
        if edit is not None:
            edit(book, sheet)
        path = folder / name
        book.save(path)
        return path

    return write


def _set(address: str, value: object, number_format: str | None = None) -> Callable[[Any, Any], None]:
    def edit(_book: Any, sheet: Any) -> None:
        sheet[address] = value
        if number_format is not None:
            sheet[address].number_format = number_format

    return edit


def _definitions(
    *rows: Sequence[str], header: Sequence[str] = DEFINITION_HEADER
) -> Callable[[Any, Any], None]:
    def edit(book: Any, sheet: Any) -> None:
        extra = book.create_sheet("指标定义")
        for cells in (header, *rows):
            extra.append(list(cells))
        sheet.append(["320100", "每千人床位数", "2021", "7.5", "某局统计公报 2021", ""])

    return edit


def _after(write: Callable[[Path], Path], change: Callable[[Path], Path | None]) -> Callable[[Path], Path]:
    def spoilt(folder: Path) -> Path:
        path = write(folder)
        return change(path) or path

    return spoilt


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _rename(name: str) -> Callable[[Path], Path]:
    return lambda path: path.rename(path.with_name(name))


def _add_part(name: str, content: bytes) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, content)

    return change


def _replace_part(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def rewrite(path: Path) -> None:
        with zipfile.ZipFile(path) as archive:
            parts = {part: archive.read(part) for part in archive.namelist()}
        parts[name] = change(parts[name])
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for part, content in parts.items():
                archive.writestr(part, content)

    return rewrite


def _plain_zip(path: Path) -> Path:
    target = path.with_name("表.xlsx")
    with zipfile.ZipFile(target, "w") as archive:
        archive.write(path, "a.txt")
    return target


def _bomb(path: Path) -> None:
    """Add a part of 310 MB of zeros, which packs to little."""
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("xl/media/big.bin", "w") as part,
    ):
        block = bytes(1 << 20)
        for _ in range(310):
            part.write(block)


def _endless_row(content: bytes) -> bytes:
    """Put nine megabytes of empty cells into the first row."""
    return content.replace(b"</row>", b"<c/>" * 2_250_000 + b"</row>", 1)


def _entity(content: bytes) -> bytes:
    head, _, rest = content.partition(b"?>") if content.startswith(b"<?xml") else (b"", b"", content)
    dtd = b'<!DOCTYPE x [<!ENTITY leak SYSTEM "file:///etc/hostname">]>'
    return (head + b"?>" if head else b"") + dtd + rest


def ole(encrypted: bool) -> bytes:
    """Return the first bytes of an OLE file; an encrypted workbook names its stream in the directory."""
    stream = ("EncryptedPackage" if encrypted else "Workbook").encode("utf-16-le")
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + stream + bytes(512)


def rubbish(path: Path, size: int = 100_000_000) -> Path:
    """Write ``size`` bytes of seeded random rubbish without NUL in its first block."""
    block = random.Random(7).randbytes(1 << 20).replace(b"\0", b"\1")
    with path.open("wb") as handle:
        for _ in range(-(-size // len(block))):
            handle.write(block[: min(len(block), size - handle.tell())])
    return path


def _folder(folder: Path) -> Path:
    path = folder / "表.csv"
    path.mkdir()
    return path


def _mixed(encoding: str, other: str) -> bytes:
    rows = [list(cells) for cells in GOOD]
    lines = [csv_text(rows[:k], HEADER).splitlines(keepends=True)[-1] for k in range(1, len(rows) + 1)]
    header = csv_text([], HEADER)
    return (
        header.encode(encoding)
        + lines[0].encode(encoding)
        + lines[1].encode(other)
        + lines[2].encode(encoding)
    )


def one(
    name: str, write: Callable[[Path], Path], *expected: tuple[int | None, str | None, str, str]
) -> FaultyFile:
    """Return a case whose faults are exactly ``expected``."""
    return FaultyFile(name, write, tuple(Expected(*item) for item in expected))


CODE, IND, YEAR, VALUE, SOURCE, NOTE = HEADER
_TWICE = [*GOOD, GOOD[1]]

CASES: tuple[FaultyFile, ...] = (
    # The file itself.
    one("missing_file", lambda folder: folder / "没有.csv", (None, None, "找不到", "核对路径")),
    one("directory", _folder, (None, None, "文件夹", "选择其中的")),
    one("empty_file", _csv(b""), (None, None, "0 字节", "重新保存")),
    one("unsupported_type", _csv("x", "表.docx"), (None, None, "不接收", "另存为")),
    one("no_extension", _csv("x", "表"), (None, None, "无扩展名", "另存为")),
    one("old_xls", _csv(ole(False), "表.xls"), (None, None, ".xls", ".xlsx")),
    one("macro_workbook", _after(_book(), _rename("表.xlsm")), (None, None, "带宏", "不带宏")),
    one("hidden_macro", _after(_book(), _add_part("xl/vbaProject.bin", b"x")), (None, None, "宏", "不带宏")),
    one("password", _csv(ole(True), "表.xlsx"), (None, None, "打开密码", "取消打开密码")),
    one("xls_called_xlsx", _csv(ole(False), "表.xlsx"), (None, None, "旧版 .xls", "另存为")),
    one("csv_called_xlsx", _csv(csv_text(GOOD), "表.xlsx"), (None, None, "不是 XLSX", "打开核对")),
    one("xlsx_called_csv", _after(_book(), _rename("表.csv")), (None, None, "工作簿或压缩包", "扩展名")),
    one("truncated_xlsx", _after(_book(), _truncate), (None, None, "损坏", "重新取得")),
    one(
        "damaged_sheet",
        _after(_book(), _replace_part("xl/worksheets/sheet1.xml", lambda text: text[: len(text) // 2])),
        (None, None, "损坏", "重新取得"),
    ),
    one("zip_bomb", _after(_book(), _bomb), (None, None, "解压后", "新工作簿")),
    one(
        "endless_row",
        _after(_book(), _replace_part("xl/worksheets/sheet1.xml", _endless_row)),
        (None, None, "异常地长", "新工作簿"),
    ),
    one(
        "external_entity",
        _after(_book(), _replace_part("xl/worksheets/sheet1.xml", _entity)),
        (None, None, "外部实体", "可信"),
    ),
    one("plain_zip", _after(_csv("x", "a.txt"), _plain_zip), (None, None, "压缩包", "XLSX")),
    one("rubbish_100_mb", lambda folder: rubbish(folder / "表.csv"), (None, None, "100 MB", "拆成")),
    one("binary_as_csv", _csv(bytes(range(256)) * 40), (None, None, "二进制", "CSV")),
    one("gzip_as_csv", _csv(gzip.compress(b"a,b\n", mtime=0)), (None, None, "gzip", "CSV")),
    one("web_page_as_csv", _csv("<html><table></table></html>"), (None, None, "网页", "另存为")),
    one("utf16", _csv(csv_text(GOOD).encode("utf-16")), (None, None, "UTF-16", "CSV UTF-8")),
    one(
        "unknown_encoding",
        _csv(csv_text(GOOD).encode() + b"320102,\xff\xfe,,\xff,\n" * 40),
        (5, None, "GB18030", "UTF-8"),
    ),
    one("mixed_utf8_first", _csv(_mixed("utf-8", "gbk")), (3, None, "编码", "CSV UTF-8")),
    one("mixed_gbk_first", _csv(_mixed("gbk", "utf-8")), (3, None, "编码", "CSV UTF-8")),
    # The table.
    one(
        "empty_sheet",
        _book(lambda _, sheet: sheet.delete_rows(1, 9)),
        (None, None, "没有任何内容", "填写表头"),
    ),
    one("blank_csv", _csv("\n\n , ,\n"), (None, None, "没有任何内容", "填写表头")),
    one("header_only", _csv(csv_text([])), (None, None, "没有数据", "逐行填写")),
    one("title_above_header", _csv("某市主要指标\n" + csv_text(GOOD)), (2, None, "表头在第 2 行", "第一行")),
    one(
        "wrong_header",
        _csv(csv_text(GOOD, ("行政区划代码", "指标", "时间", "数值", "来源", "备注"))),
        (1, YEAR, "缺少“年份”列", "第一行写上表头"),
    ),
    one(
        "misspelt_header",
        _csv(csv_text(GOOD, ("行政区划代玛", "指标", "年份", "数值", "来源", "备注"))),
        (1, CODE, "缺少", "第一行写上表头"),
        (1, "A", "可能是“行政区划代码”", "改为"),
    ),
    one(
        "duplicated_header",
        _csv(csv_text([(*row, "1") for row in GOOD], (*HEADER, "数值"))),
        (1, "G", "重复（D 列和 G 列）", "只保留一列"),
    ),
    one(
        "same_column_twice",
        _csv(csv_text([(*row, "320102") for row in GOOD], (*HEADER, "adcode"))),
        (1, "G", "同一内容", "只保留一列"),
    ),
    one(
        "data_without_header",
        _csv(csv_text([(*row, "x", "y") for row in GOOD], (*HEADER, "", "其他"))),
        (1, "G", "没有表头", "补上表头"),
    ),
    one(
        "wide_table",
        _csv(csv_text([], ("地区", *(str(1000 + k) for k in range(600))))),
        (None, None, "601 列", "长表"),
    ),
    one("full_width_commas", _csv(csv_text(GOOD).replace(",", "，")), (1, None, "全角逗号", "英文逗号")),
    one(
        "unclosed_quote",
        _csv(csv_text(GOOD) + '320106,"常住人口,2021,1,甲,\n'),
        (5, None, "引号", "写成两个"),
    ),
    one(
        "text_after_quote",
        _csv(csv_text(GOOD) + '320106,"常住"人口,2021,1,甲,\n'),
        (5, None, "引号", "写成两个"),
    ),
    one(
        "unquoted_thousands",
        _csv(csv_text(GOOD).replace("540000", "540,000")),
        (2, None, "7 格", "千分位"),
    ),
    one(
        "two_filled_sheets",
        _book(lambda book, sheet: (setattr(sheet, "title", "甲"), book.create_sheet("乙").append(["x"]))),
        (None, None, "甲、乙", "填报"),
    ),
    one(
        "data_in_hidden_sheet",
        _book(
            lambda book, sheet: (
                setattr(sheet, "title", "数据"),
                setattr(sheet, "sheet_state", "hidden"),
                book.create_sheet("封面"),
                setattr(book, "active", 1),
            )
        ),
        (None, None, "隐藏", "填写表头"),
    ),
    one(
        "merged_cells",
        _book(lambda _, sheet: sheet.merge_cells("E2:E3")),
        (2, SOURCE, "E2:E3", "取消合并"),
        (3, SOURCE, "没有写来源", "资料名称"),
    ),
    one("formula", _book(_set("D3", "=D2*2")), (3, VALUE, "单元格 D3 是公式", "数值")),
    one("formula_in_csv", _cell(3, VALUE, "=1+1"), (3, VALUE, "公式", "选择性粘贴")),
    one("error_value", _book(_set("D4", "#DIV/0!")), (4, VALUE, "错误值", "备注")),
    # The cells.
    one("unknown_code", _cell(2, CODE, "320199"), (2, CODE, "没有代码为 320199", "相近的有")),
    one("code_as_float", _cell(2, CODE, "320102.0"), (2, CODE, "被当成了数字", "填写 320102")),
    one("code_in_scientific_notation", _cell(2, CODE, "3.20E+05"), (2, CODE, "科学计数法", "文本")),
    one("code_too_short", _cell(2, CODE, "3201"), (2, CODE, "不是六位", "六位")),
    one("former_code", _cell(2, CODE, "320503"), (2, CODE, "2012-08 撤销", "姑苏区")),
    one("zone_code", _cell(2, CODE, "320571"), (2, CODE, "开发区", "吴中区")),
    one("other_province", _cell(2, CODE, "310101"), (2, CODE, "不在江苏省", "改正代码")),
    one("township_code", _cell(2, CODE, "320102002000"), (2, CODE, "乡镇", "320102")),
    one("no_code", _cell(2, CODE, ""), (2, CODE, "没有行政区划代码", "六位")),
    one("unseen_character", _cell(3, CODE, "320104\u200b"), (3, CODE, "U+200B", "重新键入")),
    one("control_character", _cell(3, SOURCE, "公报\x07"), (3, SOURCE, "U+0007", "重新键入")),
    one("unknown_indicator", _cell(4, IND, "城镇化律"), (4, IND, "没有名为", "可能是“城镇化率”")),
    one("no_indicator", _cell(4, IND, ""), (4, IND, "没有写指标", "填写指标")),
    one("year_out_of_range", _cell(2, YEAR, "1900"), (2, YEAR, "1900 超出", "核对")),
    one("year_in_future", _cell(2, YEAR, "2035"), (2, YEAR, "2035 超出", "核对")),
    one("year_as_date", _book(_set("C2", dt.date(2021, 1, 1))), (2, YEAR, "是日期", "四位年份")),
    one("year_of_two_digits", _cell(2, YEAR, "21"), (2, YEAR, "不是四位年份", "2020")),
    one("text_in_number", _cell(3, VALUE, "约73万"), (3, VALUE, "不是数字", "只写数字")),
    one("unit_in_number", _cell(3, VALUE, "73万人"), (3, VALUE, "不是数字", "单位")),
    one("nan", _cell(3, VALUE, "NaN"), (3, VALUE, "不是数", "备注")),
    one("infinity", _cell(3, VALUE, "inf"), (3, VALUE, "不是数", "备注")),
    one("scientific_value", _cell(3, VALUE, "7.3E+05"), (3, VALUE, "科学计数法", "数值")),
    one("broken_thousands", _cell(3, VALUE, "73,00,00"), (3, VALUE, "千分位", "去掉逗号")),
    one(
        "decimal_comma",
        _csv(csv_text(changed(4, VALUE, "98,500"), delimiter=";")),
        (4, VALUE, "千分位", "小数点"),
    ),
    one("percent_sign", _cell(2, VALUE, "54%"), (2, VALUE, "百分号", "换算")),
    one("huge_number", _cell(2, VALUE, "9" * 20), (2, VALUE, "太大", "核对")),
    one("negative", _cell(2, VALUE, "-540000"), (2, VALUE, "不能是负数", "正负号")),
    one("share_over_100", _cell(4, VALUE, "985"), (4, VALUE, "大于 100", "核对")),
    one("no_value", _cell(2, VALUE, ""), (2, VALUE, "没有数值", "备注")),
    one("no_source", _cell(2, SOURCE, ""), (2, SOURCE, "没有写来源", "资料名称")),
    one("builtin_source", _cell(2, SOURCE, "census_2020"), (2, SOURCE, "内置来源", "换一个")),
    one("long_source", _cell(2, SOURCE, "长" * 200), (2, SOURCE, "200 字", "备注")),
    one("duplicate_row", _csv(csv_text(_TWICE)), (5, None, "与第 3 行重复", "只留一行")),
    one(
        "contradicting_rows",
        _csv(csv_text([*GOOD, (*GOOD[1][:3], "1", *GOOD[1][4:])])),
        (5, None, "数值不同", "只留一行"),
    ),
    one(
        "code_and_name_differ",
        _csv(csv_text([("鼓楼区", *GOOD[0])], ("地区", *HEADER))),
        (2, CODE, "320102 是玄武区", "320106 南京市鼓楼区"),
    ),
    one(
        "ambiguous_name",
        _csv(csv_text([("鼓楼区", "", *GOOD[0][1:])], ("地区", *HEADER))),
        (2, CODE, "2 个地区同名", "320302 徐州市鼓楼区"),
    ),
    one(
        "unit_differs",
        _csv(csv_text([(*GOOD[0], "万人")], (*HEADER, "单位"))),
        (2, "单位", "“常住人口”的单位是“人”", "换算"),
    ),
    # Definitions.
    one(
        "definition_incomplete",
        _csv(csv_text([("320102", "床位数", "2021", "5", "甲", "", "张")], (*HEADER, "单位"))),
        (2, "方向", "缺少方向", "填写方向"),
        (2, "口径", "缺少口径", "填写口径"),
        (2, IND, "没有名为“床位数”", "指标定义"),
    ),
    one(
        "definition_with_unknown_direction",
        _book(_definitions((BEDS[0], BEDS[1], "向上", *BEDS[3:]))),
        (2, "方向", "“向上”不是可选", "正向"),
        (5, IND, "没有名为", "指标定义"),
    ),
    one(
        "definition_twice",
        _book(_definitions(BEDS, (BEDS[0], "张", *BEDS[2:]))),
        (3, "指标名称", "与第 2 行的定义不一致", "只定义一次"),
    ),
    one(
        "definition_of_known_indicator",
        _book(_definitions(BEDS, ("常住人口", "万人", "中性", "年末常住人口", *BEDS[4:8], ""))),
        (3, "单位", "已有的指标", "另起名称"),
    ),
    one(
        "definition_with_bad_id",
        _book(_definitions((*BEDS[:8], "床位-1"))),
        (2, "指标标识", "不合规", "小写字母"),
        (5, IND, "没有名为", "指标定义"),
    ),
    one(
        "level_mismatch",
        _book(lambda book, sheet: (_definitions(BEDS)(book, sheet), _set("A5", "320102")(book, sheet))),
        (5, CODE, "只用于设区市", "适用层级"),
    ),
    one(
        "above_defined_maximum",
        _book(lambda book, sheet: (_definitions(BEDS)(book, sheet), _set("D5", 75)(book, sheet))),
        (5, VALUE, "大于 30", "核对"),
    ),
    # Everything at once.
    one(
        "many_faults",
        _csv(
            csv_text(
                [("320199", "无此指标", "19", "x", "", ""), GOOD[1], ("", "常住人口", "2021", "-1", "甲", "")]
            )
        ),
        (2, CODE, "没有代码为", "核对代码"),
        (2, IND, "没有名为", "指标定义"),
        (2, YEAR, "不是四位年份", "四位"),
        (2, VALUE, "不是数字", "只写数字"),
        (2, SOURCE, "没有写来源", "资料名称"),
        (4, CODE, "没有行政区划代码", "六位"),
        (4, VALUE, "不能是负数", "核对"),
    ),
)
