"""Which column and which region a person means: by name, alias and code, every doubt a fault."""

import difflib
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from openpyxl.utils import get_column_letter

from data.ingest.cells import CellProblem, Hints, half_width, match_key, shown
from data.ingest.reading import FaultList, fatal
from data.ingest.tabular import RawTable
from data.regions.boundaries import load_region_codes
from geo.region_tree import PROVINCE_DIGITS, county_of_place, in_province, prefecture_of

_LOOKALIKE = 0.75


@dataclass(frozen=True)
class Column:
    """A column a table may have: its ``key`` in code, its ``header`` in our forms, and other headers."""

    key: str
    header: str
    aliases: tuple[str, ...] = ()
    required: bool = False

    def headers(self) -> set[str]:
        """Return the comparison forms of every accepted header."""
        return {match_key(text) for text in (self.header, self.key, *self.aliases)}


@dataclass(frozen=True)
class Matched:
    """A table under known columns.

    ``frame`` has one column of text per key, empty where the table has none, and the table's row numbers as
    index. ``headers`` is how each key's column is headed (for faults). ``missing`` are the required keys that
    the table lacks, ``notes`` Chinese remarks on columns left out.
    """

    frame: pd.DataFrame
    headers: dict[str, str]
    missing: tuple[str, ...]
    notes: tuple[str, ...]


def match_columns(table: RawTable, columns: Sequence[Column], faults: FaultList, *, form: str) -> Matched:
    """Return the table's cells under the keys of ``columns``.

    A missing required column and a header that looks like a known one are added to ``faults``; other unknown
    columns are named in the notes. ``form`` names the command that writes the form, for the remedies.
    Raises ``FaultReport`` when the header stands below other rows.
    """
    found, unknown = _positions(table, columns, faults)
    missing = [column for column in columns if column.required and column.key not in found]
    _report_missing(table, columns, missing, faults, form)
    notes = _report_unknown(table, columns, found, unknown, faults)
    frame = pd.DataFrame(
        {column.key: table.cells[found[column.key]] if column.key in found else "" for column in columns},
        index=table.cells.index,
        dtype="str",
    )
    headers = {
        column.key: table.header[found[column.key]] if column.key in found else column.header
        for column in columns
    }
    return Matched(frame, headers, tuple(column.key for column in missing), tuple(notes))


def _known(columns: Sequence[Column]) -> dict[str, str]:
    return {header: column.key for column in columns for header in column.headers()}


def _positions(
    table: RawTable, columns: Sequence[Column], faults: FaultList
) -> tuple[dict[str, int], list[int]]:
    """Return the position of each known column, and the positions of the others."""
    known = _known(columns)
    found: dict[str, int] = {}
    unknown: list[int] = []
    for position, text in enumerate(table.header):
        key = known.get(match_key(text))
        if key is None:
            unknown.append(position)
        elif key not in found:
            found[key] = position
        elif match_key(text) != match_key(table.header[found[key]]):
            # A header that stands twice word for word is reported when the table is read.
            problem = f"“{shown(text)}”和“{shown(table.header[found[key]])}”是同一内容的两列"
            faults.add(table.header_row, get_column_letter(position + 1), problem, "只保留一列")
    return found, unknown


def _report_missing(
    table: RawTable, columns: Sequence[Column], missing: list[Column], faults: FaultList, form: str
) -> None:
    """Report required columns that the table lacks, with the likeliest reason."""
    if not missing:
        return
    row = _later_header(table, columns, len(missing))
    if row is not None:
        # Under another header every row would be read wrongly: nothing else found means anything.
        problem, remedy = (
            f"表头在第 {row} 行，它上面还有别的内容",
            "删去表头上面的标题、说明行，让表头成为第一行",
        )
        raise fatal(table.file, problem, remedy, sheet=table.sheet, row=row)
    if len(table.header) == 1 and "，" in table.header[0]:
        faults.add(table.header_row, None, "各列之间用的是全角逗号“，”", "把列之间的逗号改为英文逗号“,”")
    else:
        for column in missing:
            remedy = f"第一行写上表头“{column.header}”，或用 {form} 生成的表填写"
            faults.add(table.header_row, column.header, f"缺少“{column.header}”列", remedy)


def _later_header(table: RawTable, columns: Sequence[Column], missing: int) -> int | None:
    """Return the row, among the first few, that reads like the header better than the header does."""
    known = _known(columns)
    present = len({known.get(match_key(text)) for text in table.header} - {None})
    for row, cells in table.head:
        hits = {known.get(match_key(cell)) for cell in cells} - {None}
        if len(hits) > present and len(hits) >= missing:
            return row
    return None


def _report_unknown(
    table: RawTable,
    columns: Sequence[Column],
    found: dict[str, int],
    unknown: list[int],
    faults: FaultList,
) -> list[str]:
    """Report headers that look like a misspelt column the table lacks; return notes on the others."""
    lacking = {header: column for column in columns if column.key not in found for header in column.headers()}
    notes = []
    for position in unknown:
        text = table.header[position]
        near = difflib.get_close_matches(match_key(text), lacking, n=1, cutoff=_LOOKALIKE) if text else []
        if near:
            header = lacking[near[0]].header
            problem = f"不认识表头“{shown(text)}”，可能是“{header}”"
            letter = get_column_letter(position + 1)
            faults.add(table.header_row, letter, problem, f"改为“{header}”，或删去该列")
        elif text:
            notes.append(f"“{shown(text)}”列不属于本表，未导入")
    return notes


class RegionMatcher:
    """Matches codes and names to the regions of the store, and says in Chinese why it cannot.

    ``regions`` is the region table (``adcode`` as column or index, ``name``, ``short_name``, ``level``);
    unallocated residuals are nobody's to report and do not match. Former codes are recognised to be
    explained, never translated: whether figures of a former county fit the present one is not decided here.
    """

    def __init__(self, regions: pd.DataFrame, zones: Mapping[str, tuple[str, str]] | None = None) -> None:
        """Index the regions; ``zones`` maps the code of a zone that is no county to its name and county."""
        table = regions.reset_index() if regions.index.name == "adcode" else regions
        table = table[table["level"] != "unallocated"]
        self.names: dict[str, str] = dict(zip(table["adcode"], table["name"], strict=True))
        self.levels: dict[str, str] = dict(zip(table["adcode"], table["level"], strict=True))
        self._short: dict[str, str] = dict(zip(table["adcode"], table["short_name"], strict=True))
        self._zones = dict(zones or {})
        self._by_name: dict[str, list[str]] = defaultdict(list)
        for adcode, name in self.names.items():
            for key in {match_key(name), match_key(self._short[adcode])}:
                self._by_name[key].append(adcode)
        self._hints = Hints(cutoff=0.5)
        codes = load_region_codes()
        self._successors: dict[str, list[str]] = defaultdict(list)
        for adcode, former in zip(codes["adcode"], codes["predecessors"], strict=True):
            for code in re.findall(r"[0-9]{6}", former or ""):
                self._successors[code].append(adcode)
        gone = codes[codes["valid_to"].notna()]
        self._former: dict[str, tuple[str, str]] = {
            str(adcode): (str(name), str(until))
            for adcode, name, until in zip(gone["adcode"], gone["name"], gone["valid_to"], strict=True)
            if adcode not in self.names
        }

    def match(self, code: str, name: str) -> str:
        """Return the adcode that ``code`` (or, where it is empty, ``name``) means; ``CellProblem`` otherwise.

        A code is taken only when it is six digits of a present region, and only together with a name that is
        that region's (full or short), if a name is given at all.
        """
        if not code and not name:
            raise CellProblem("没有行政区划代码", "填写六位行政区划代码")
        if not code:
            return self.match_name(name)
        adcode = self.match_code(code, name)
        if name and adcode not in self._by_name.get(match_key(name), []):
            problem = f"代码 {adcode} 是{self.names[adcode]}，名称却写着“{shown(name)}”"
            raise CellProblem(problem, f"核对代码和名称{self._name_hint(name)}")
        return adcode

    def match_code(self, code: str, name: str = "") -> str:
        """Return ``code`` as the adcode of a present region; ``CellProblem`` says what it is instead."""
        plain = half_width(code)
        if plain.upper() in self.names:
            return plain.upper()
        if re.fullmatch(r"[0-9]{6}\.0+", plain):
            problem = f"代码“{shown(code)}”带小数，被当成了数字"
            raise CellProblem(problem, f"把该列设为“文本”格式，填写 {plain[:6]}")
        if re.fullmatch(r"[0-9](\.[0-9]+)?[eE][+-]?[0-9]+", plain):
            problem = f"代码“{shown(code)}”是科学计数法，被当成了数字"
            raise CellProblem(problem, "把该列设为“文本”格式，重新填写六位代码")
        if re.fullmatch(r"[0-9]{9}|[0-9]{12}", plain):
            problem = f"“{shown(code)}”是乡镇（街道）或村的代码，本表收到县级为止"
            raise CellProblem(problem, f"汇总到县（市、区）后填写 {county_of_place(plain)}")
        if not re.fullmatch(r"[0-9]{6}", plain):
            problem = f"代码“{shown(code)}”不是六位数字"
            raise CellProblem(problem, f"填写六位行政区划代码{self._name_hint(name)}")
        if plain in self._zones:
            zone, county = self._zones[plain]
            problem = f"{plain}（{zone}）是开发区，不是县（市、区）"
            raise CellProblem(problem, f"并入所在的县（市、区）{self._described(county)} 再填写")
        if plain in self._former:
            raise CellProblem(*self._former_problem(plain))
        if not in_province(plain):
            raise CellProblem(f"代码 {plain} 不在江苏省（{PROVINCE_DIGITS} 开头）", "删去该行，或改正代码")
        raise CellProblem(f"没有代码为 {plain} 的地区", f"核对代码{self._code_hint(plain, name)}")

    def match_name(self, name: str) -> str:
        """Return the adcode of the only region called ``name``; ``CellProblem`` when none or several are."""
        found = self._by_name.get(match_key(name), [])
        if len(found) == 1:
            return found[0]
        if found:
            candidates = "、".join(self._described(adcode) for adcode in sorted(found))
            raise CellProblem(f"“{shown(name)}”有 {len(found)} 个地区同名", f"填写代码：{candidates}")
        raise CellProblem(f"没有名为“{shown(name)}”的地区", f"填写六位行政区划代码{self._name_hint(name)}")

    def _former_problem(self, code: str) -> tuple[str, str]:
        name, until = self._former[code]
        successors = [c for c in self._successors.get(code, []) if c in self.names]
        problem = f"{code}（{name}）已于 {until} 撤销或改码"
        if not successors:
            return problem, "核对该地区现在的代码"
        return problem, f"按现行区划填写：{'、'.join(self._described(c) for c in successors)}"

    def _described(self, adcode: str) -> str:
        """Return code, name and, for a county, its prefecture: names alone stand twice (鼓楼区)."""
        prefecture = self.names.get(prefecture_of(adcode), "") if self.levels[adcode] == "county" else ""
        return f"{adcode} {prefecture}{self.names[adcode]}"

    def _name_hint(self, name: str) -> str:
        if not name:
            return ""
        near = self._hints.nearest(name, self._by_name)
        if not near:
            return ""
        return "，可能是 " + "、".join(self._described(adcode) for adcode in sorted(self._by_name[near]))

    def _code_hint(self, code: str, name: str) -> str:
        hint = self._name_hint(name)
        if hint:
            return hint
        siblings = [one for one in self.names if prefecture_of(one) == prefecture_of(code) and one.isdigit()]
        near = sorted(siblings, key=lambda adcode: abs(int(adcode) - int(code)))[:3]
        return "，相近的有 " + "、".join(self._described(adcode) for adcode in near) if near else ""
