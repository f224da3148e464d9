"""The rows of a facility table, checked with every fault kept; and where each was first taken from."""

import datetime as dt
import difflib
import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from data.ingest.cells import CellProblem, half_width, match_key, parse_number, shown
from data.ingest.matching import Column, RegionMatcher
from data.ingest.reading import FaultList
from data.registry.facility_models import FacilityType

FACILITY_FORM_COLUMNS: Final = (
    Column("name", "名称", ("设施名称", "机构名称", "单位名称", "标题"), required=True),
    Column("type", "类型", ("设施类型", "机构类型", "类别")),
    Column("level", "等级", ("级别", "医院等级")),
    Column("capacity", "规模", ("床位数", "床位", "学位数", "容量", "建筑面积", "编制床位")),
    Column("capacity_unit", "规模单位", ("cap_unit",)),
    Column("lon", "经度", ("lng", "longitude", "x", "经度x"), required=True),
    Column("lat", "纬度", ("latitude", "y", "纬度y"), required=True),
    Column("adcode", "行政区划代码", ("区划代码", "代码", "county_code", "县区代码")),
    Column("region", "地区", ("所在地区", "县区", "区县", "所属区县", "county")),
    Column("address", "地址", ("详细地址", "addr")),
    Column("as_of", "数据日期", ("截至日期", "日期", "date")),
    Column("note", "备注", ("remark",)),
    Column("key", "编号", ("id", "机构代码", "序号")),
)

FACILITY_FORM: Final = "sutu template facilities"

LON_RANGE: Final = (115.0, 123.0)
LAT_RANGE: Final = (29.0, 37.0)
"""Jiangsu and what lies around it; the ranges do not overlap, so swapped coordinates show."""

_CHINA: Final = (73.0, 136.0, 3.0, 54.0)
_MAX_NAME = 200
_MAX_CAPACITY = 1e7
MOST_WRONG: Final = 5_000
"""So many different texts of a column that are faults are told apart; as many faults are kept of a file."""

_MOST_HINTS: Final = 500
# What somebody may have meant is looked for by comparing with every word: a millisecond each time.
_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?", re.ASCII)


class FacilityColumns:
    """Checks the cells of one table, column by column; what is wrong goes to ``faults`` with its row.

    ``frame`` is text under the keys of ``FACILITY_FORM_COLUMNS``, its index row numbers; ``headers`` how each
    column is headed. Each method returns an array or list aligned to the rows.
    """

    def __init__(self, frame: pd.DataFrame, headers: dict[str, str], faults: FaultList) -> None:
        """Start on a table."""
        self.frame, self.headers, self.faults = frame, headers, faults
        self.notes: list[str] = []
        self._hints = 0

    def mapped(self, key: str, read: Callable[[str], Any]) -> np.ndarray:
        """Return ``read`` of every cell of a column, once per different text; None where it is a fault.

        After ``MOST_WRONG`` different texts that are faults the rest is not read: that is one more fault.
        """
        codes, texts = pd.factorize(self.frame[key])
        values = np.full(len(texts), None, dtype=object)
        problems: dict[int, CellProblem] = {}
        for code, text in enumerate(texts.tolist()):
            try:
                values[code] = read(text)
            except CellProblem as problem:
                problems[code] = problem
                if len(problems) == MOST_WRONG:
                    break
        self._add(self.headers[key], codes, problems)
        if len(problems) == MOST_WRONG:
            self._stopped(self.headers[key], MOST_WRONG)
        return values[codes]

    def texts(self, key: str) -> np.ndarray:
        """Return the texts of a column as they are, None where there is none."""
        return text_array(self.frame[key])

    def _add(self, column: str, codes: np.ndarray, problems: Mapping[int, CellProblem]) -> None:
        """Add the fault of every row whose text (by its code) is one of ``problems``."""
        if not problems:
            return
        wrong = np.zeros(int(codes.max()) + 1, dtype=bool)
        wrong[list(problems)] = True
        at = np.flatnonzero(wrong[codes])
        for row, code in zip(self.frame.index[at].tolist(), codes[at].tolist(), strict=True):
            self.faults.add(row, column, problems[code].problem, problems[code].remedy)

    def _stopped(self, column: str, wrong: int) -> None:
        """Add the fault that the rest of a column was not checked."""
        problem = f"“{column}”列已有 {wrong} 种写法不对，其余没有再核对"
        self.faults.add(None, column, problem, "先改正已列出的问题，再导入一次")

    def names(self) -> np.ndarray:
        """Return the names; an empty one is a fault."""

        def read(text: str) -> str:
            """Return a name of allowed length."""
            if not text:
                raise CellProblem("没有名称", "填写设施名称")
            if len(text) > _MAX_NAME:
                raise CellProblem(f"名称有 {len(text)} 字，超过 {_MAX_NAME} 字", "只写名称，说明写到别的列")
            return text

        return self.mapped("name", read)

    def types(self, types: Mapping[str, FacilityType], default: str | None) -> np.ndarray:
        """Return the type ids, by id, name or alias; ``default`` where the table says nothing we know."""
        words = {
            match_key(word): entry.id
            for entry in types.values()
            for word in (entry.id, entry.name, *entry.aliases)
        }

        def read(text: str) -> str:
            """Return the id of a type."""
            found = words.get(match_key(text)) if text else None
            if found is not None:
                return found
            if default is not None:
                return default
            if not text:
                raise CellProblem("没有写类型", "填写设施类型，或导入时用 --type 指定")
            near = self._near(text, words)
            hint = f"可能是“{types[words[near[0]]].name}”；" if near else ""
            remedy = f"{hint}从 {FACILITY_FORM} 所附的“设施类型”表中选，或导入时用 --type 指定"
            raise CellProblem(f"没有“{shown(text)}”这种设施类型", remedy)

        values = self.mapped("type", read)
        foreign = set()
        if default is not None:
            foreign = {text for text in self.frame["type"].unique() if text and match_key(text) not in words}
        if foreign:
            rows = int(self.frame["type"].isin(foreign).sum())
            named = "、".join(shown(text) for text in sorted(foreign)[:3])
            word = types[str(default)].name
            self.notes.append(f"{rows} 行的类型（{named}…）不在类型表里，已按“{word}”导入")
        return values

    def _near(self, text: str, words: Mapping[str, str]) -> list[str]:
        """Return the word that a text may have meant; nothing once ``_MOST_HINTS`` were looked for."""
        self._hints += 1
        if self._hints > _MOST_HINTS:
            return []
        return difflib.get_close_matches(match_key(text)[:_MAX_NAME], words, n=1, cutoff=0.5)

    def capacities(self) -> np.ndarray:
        """Return the capacities, NaN where the cell is empty."""

        def read(text: str) -> float:
            """Return a capacity within bounds, NaN for an empty cell."""
            if not text:
                return np.nan
            number = parse_number(text)
            if not 0 <= number <= _MAX_CAPACITY:
                raise CellProblem(f"规模 {number:g} 不在 0—{_MAX_CAPACITY:g} 之间", "核对数值；不清楚的留空")
            return number

        return self.mapped("capacity", read).astype(np.float64)

    def dates(self, last: dt.date) -> np.ndarray:
        """Return the dates as ISO text of the precision given (``2023``, ``2023-06``), None where empty."""

        def read(text: str) -> str | None:
            """Return a date as ISO text of the precision given."""
            if not text:
                return None
            plain = half_width(text).translate(str.maketrans("/.年月", "----")).strip("-日")
            found = _DATE.fullmatch(plain)
            if found is None:
                raise CellProblem(f"“{shown(text)}”不是日期", "写成 2023、2023-06 或 2023-06-30")
            year, month, day = (int(part) if part else None for part in found.groups())
            try:
                first = dt.date(year or 0, month or 1, day or 1)
            except ValueError as error:
                raise CellProblem(f"没有“{shown(text)}”这一天", "核对日期") from error
            if first > last:
                raise CellProblem(f"日期“{shown(text)}”在将来", "核对日期")
            return "-".join(
                part.zfill(2) if place else part for place, part in enumerate(found.groups()) if part
            )

        return self.mapped("as_of", read)

    def stated(self, matcher: RegionMatcher) -> np.ndarray:
        """Return the adcodes that the rows state by code or name, None where they state nothing."""
        (by_code, codes), (by_name, names) = (pd.factorize(self.frame[key]) for key in ("adcode", "region"))
        pairs, first = pd.factorize(by_code * len(names) + by_name)
        values = np.full(len(first), None, dtype=object)
        problems: tuple[dict[int, CellProblem], dict[int, CellProblem]] = ({}, {})
        for at, pair in enumerate(first.tolist()):
            code, name = codes[pair // len(names)], names[pair % len(names)]
            try:
                values[at] = matcher.match(code, name) if code or name else None
            except CellProblem as problem:
                problems[0 if code else 1][at] = problem
                if len(problems[0]) + len(problems[1]) == _MOST_HINTS:
                    break
        for key, found in zip(("adcode", "region"), problems, strict=True):
            self._add(self.headers[key], pairs, found)
        if len(problems[0]) + len(problems[1]) == _MOST_HINTS:
            self._stopped(self.headers["adcode" if problems[0] else "region"], _MOST_HINTS)
        return values[pairs]

    def coordinates(self) -> tuple[np.ndarray, np.ndarray]:
        """Return longitude and latitude as given (degrees), NaN where they are a fault.

        Swapped columns, metres instead of degrees and zeros are named as what they are.
        """
        lon, lat = self._degrees("lon"), self._degrees("lat")
        swapped = _within(lat, LON_RANGE) & _within(lon, LAT_RANGE)
        given = np.isfinite(lon) & np.isfinite(lat)
        rows = self.frame.index.to_numpy(dtype=np.int64)
        if swapped.sum() > given.sum() / 2:
            problem = f"经度和纬度两列对调了（{int(swapped.sum())} 行）"
            remedy = "交换两列的表头：江苏的经度约 116—122，纬度约 30—36"
            self.faults.add(None, self.headers["lon"], problem, remedy)
        else:
            for row in rows[swapped].tolist():
                self.faults.add(row, self.headers["lon"], "经度和纬度对调了", "交换这一行的两个数")
        west, east, south, north = _CHINA
        abroad = given & ~swapped & ~((lon >= west) & (lon <= east) & (lat >= south) & (lat <= north))
        for row, x, y in zip(rows[abroad], lon[abroad], lat[abroad], strict=True):
            problem, remedy = f"坐标（{x:g}，{y:g}）不在中国范围内", "核对经纬度，单位为度"
            if abs(x) > 180 or abs(y) > 90:
                problem, remedy = (
                    f"坐标（{x:g}，{y:g}）不是经纬度，像是投影坐标（米）",
                    "先换算成经纬度（度）",
                )
            elif x == 0 or y == 0:
                problem, remedy = f"坐标（{x:g}，{y:g}）是零，多半没有定位成功", "补上坐标，或删去该行"
            self.faults.add(int(row), self.headers["lon"], problem, remedy)
        wrong = abroad | swapped
        return np.where(wrong, np.nan, lon), np.where(wrong, np.nan, lat)

    def _degrees(self, key: str) -> np.ndarray:
        """Return a column of coordinates; an empty or unreadable cell is a fault and NaN."""
        texts = self.frame[key]
        numbers = pd.to_numeric(texts, errors="coerce").to_numpy(dtype=np.float64, copy=True)
        header = self.headers[key]
        rows = texts.index.to_numpy(dtype=np.int64)
        unread = np.flatnonzero(~np.isfinite(numbers))
        numbers[unread] = np.nan
        for at, row, text in zip(
            unread.tolist(), rows[unread].tolist(), texts.iloc[unread].tolist(), strict=True
        ):
            if not text:
                self.faults.add(row, header, f"没有{header}", "补上坐标，或删去该行")
                continue
            try:
                numbers[at] = parse_number(text)
            except CellProblem as problem:
                remedy = "写成十进制度，如 118.7969"
                if any(sign in text for sign in "°度′分'\""):
                    self.faults.add(row, header, f"“{shown(text)}”是度分秒", "换算成十进制度，如 118.7969")
                else:
                    self.faults.add(row, header, problem.problem, remedy)
        return numbers


def text_array(texts: pd.Series) -> np.ndarray:
    """Return a column of text as an array of str, None for an empty one; equal texts share their memory."""
    codes, found = pd.factorize(texts)
    values = np.array([text or None for text in found.tolist()], dtype=object)
    return values[codes] if len(values) else np.empty(0, dtype=object)


def _within(values: np.ndarray, bounds: tuple[float, float]) -> np.ndarray:
    return (values >= bounds[0]) & (values <= bounds[1])


_NUMBERED: Final = re.compile(r"[0-9a-f]{12}(-\d+)?")


def origins(matched: pd.DataFrame, title: str, *, exported: bool) -> dict[str, np.ndarray]:
    """Return ``origin_id``, ``origin_source`` and ``own_id`` of each row of a table of facilities.

    ``matched`` is text under the keys of the form and, where ``exported``, of ``EXPORTED_COLUMNS``. The
    number in a person's list is the origin. A row that the program exported keeps the origin it states, else
    its id and source are its origin, unless it comes back into the list called ``title`` that it was
    exported from: there it has its id already (``own_id``). None where there is nothing.
    """
    key = matched["key"]
    if not exported:
        nothing = np.full(len(key), None, dtype=object)
        return {"origin_id": text_array(key), "origin_source": nothing, "own_id": nothing}
    stated, source = matched["origin_source"], matched["source_title"]
    source = source.where(source != "", matched["source"])
    named = {text: match_key(text) == match_key(title) for text in source.unique()}
    same = source.map(named).astype(bool)
    number = matched["origin_id"]
    return {
        "origin_id": text_array(number.where((number != "") | same, key)),
        "origin_source": text_array(stated.where((stated != "") | same, source)),
        "own_id": text_array(key.where(same, "")),
    }


def facility_ids(rows: pd.DataFrame, prefix: str) -> list[str]:
    """Return an id per facility, beginning with ``prefix``, that stays the same in another order.

    ``rows``: ``own_id``, ``key``, ``name``, ``type``, ``given_lon``, ``given_lat``. A row keeps its own id.
    Any other rests on the list's own number where there is one, else on name, type and position; the same
    again gets a running number.
    """
    columns = (rows[name].tolist() for name in ("own_id", "key", "name", "type", "given_lon", "given_lat"))
    taken = {own for own in (_own(text, prefix) for text in rows["own_id"].unique()) if own}
    given: set[str] = set()
    # The last running number of an id: a thousand rows alike are not counted from the start each time.
    running: dict[str, int] = {}
    ids = []
    for stated, key, name, kind, lon, lat in zip(*columns, strict=True):
        own = _own(stated, prefix) if stated else None
        if own and own not in given:
            one = own
        else:
            text = f"key\0{key}" if key else f"{name}\0{kind}\0{lon:.6f}\0{lat:.6f}"
            first = one = f"{prefix}{hashlib.sha256(text.encode()).hexdigest()[:12]}"
            while one in taken:
                running[first] = running.get(first, 1) + 1
                one = f"{first}-{running[first]}"
        if own:
            given.add(one)
        taken.add(one)
        ids.append(one)
    return ids


def _own(text: str | None, prefix: str) -> str | None:
    """Return the id that a row says it has, None where it is none of this list."""
    if text and text.startswith(prefix) and _NUMBERED.fullmatch(text.removeprefix(prefix)):
        return text
    return None
