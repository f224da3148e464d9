"""The rows of one worksheet, parsed as a stream: nothing is held but the row at hand."""

import datetime as dt
import re
from collections.abc import Iterator
from typing import IO, Any
from xml.parsers import expat

from openpyxl.styles.numbers import BUILTIN_FORMATS
from openpyxl.utils import column_index_from_string, get_column_letter
from openpyxl.utils.datetime import from_excel, from_ISO8601

from data.faults import FaultReport
from data.ingest.cells import number_text, percent_text, shown
from data.ingest.reading import MAX_FAULTS, CellFault, Limits, fatal
from data.registry.limit_models import exceeded

_BLOCK_BYTES = 1 << 16
_LAST_ROW, _LAST_COLUMN = 1_048_576, 16_384
_FIRST_OWN_FORMAT = 164
_LETTERS = re.compile(r"[A-Z]{1,3}")
_DIGITS = "0123456789"
_PASTE_VALUES = "复制该区域后“选择性粘贴—数值”，再保存"
_SAVE_AGAIN = "用 Excel 打开核对，另存为“Excel 工作簿（.xlsx）”；打不开就重新取得该文件"


class SheetRows:
    """Rows of a worksheet as text; what is wrong with cells goes to ``faults``.

    ``book`` is the workbook with its styles, ``strings`` its shared strings.
    """

    def __init__(
        self, place: tuple[str, str], book: Any, strings: list[str], limits: Limits, faults: list[CellFault]
    ) -> None:
        """Prepare to read the sheet ``place`` (file and sheet name)."""
        self.file, self.sheet = place
        self.faults = faults
        self._limits, self._strings = limits, strings
        self._styles = _Styles(book)
        self._ready: list[tuple[int, list[str]]] = []
        self._row = self._column = self._room = 0
        self._texts: list[str] = []
        self._in_row = self._in_cell = self._done = False
        self._kind, self._style, self._at = "n", 0, 0
        self._into: list[str] | None = None
        self._value: list[str] = []
        self._formula: list[str] | None = None
        self._phonetic = 0
        self._columns: dict[str, int] = {}
        self._row_digits = ""
        self._starts = {
            "c": self._open_cell,
            "v": self._open_value,
            "t": self._open_text,
            "f": self._open_formula,
            "row": self._open_row,
            "rPh": self._open_phonetic,
            "sheetData": self._open_data,
        }
        self._ends = {
            "c": self._close_cell,
            "v": self._close_text,
            "t": self._close_text,
            "f": self._close_text,
            "row": self._close_row,
            "rPh": self._close_phonetic,
            "sheetData": self._close_data,
        }

    def read(self, source: IO[bytes]) -> Iterator[tuple[int, list[str]]]:
        """Yield row number and texts of each row with content; rows after too many faults are not read.

        Raises ``FaultReport`` for addresses out of order or out of bounds, and whatever a damaged part
        raises.
        """
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        while not self._done:
            block = source.read(_BLOCK_BYTES)
            parser.Parse(block, not block)
            yield from self._ready
            self._ready.clear()
            if not block:
                return
            if len(self.faults) >= MAX_FAULTS:
                problem = f"前 {self._row} 行已有 {len(self.faults)} 处问题，其后的行没有再检查"
                self.faults.append(CellFault(None, None, problem, "先改正已列出的问题，再导入一次"))
                return

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        known = self._starts.get(name)
        if known is not None:
            known(attributes)
        elif ":" in name and (known := self._starts.get(name.rpartition(":")[2])) is not None:
            # A prefix of the main namespace: learnt once.
            self._starts[name] = known
            self._ends[name] = self._ends[name.rpartition(":")[2]]
            known(attributes)

    def _end(self, name: str) -> None:
        known = self._ends.get(name)
        if known is not None:
            known()

    def _open_value(self, _: object) -> None:
        if self._in_cell:
            self._into = self._value

    def _open_text(self, _: object) -> None:
        if self._in_cell and not self._phonetic:
            self._into = self._value

    def _open_formula(self, _: object) -> None:
        if self._in_cell:
            self._into = self._formula = []

    def _open_phonetic(self, _: object) -> None:
        self._phonetic += 1

    def _close_phonetic(self) -> None:
        self._phonetic = max(0, self._phonetic - 1)

    def _close_text(self) -> None:
        self._into = None

    def _close_row(self) -> None:
        if self._in_row and any(self._texts):
            self._ready.append((self._row, self._texts))
        self._in_row = False

    def _open_data(self, _: object) -> None:
        """Nothing: only its end counts."""

    def _close_data(self) -> None:
        # What follows (formats, links, drawings) is no data.
        self._done = True

    def _characters(self, text: str) -> None:
        if self._into is not None:
            self._into.append(text)

    def _open_row(self, attributes: dict[str, str]) -> None:
        number = int(float(attributes["r"])) if "r" in attributes else self._row + 1
        if number <= self._row or number > _LAST_ROW:
            problem = f"行号 {number} 重复、倒退或超出工作表的范围"
            raise fatal(self.file, problem, _SAVE_AGAIN, sheet=self.sheet, row=self._row or None)
        self._row, self._column, self._texts, self._in_row = number, 0, [], True
        self._row_digits = str(number)

    def _open_cell(self, attributes: dict[str, str]) -> None:
        if not self._in_row:
            return
        address = attributes.get("r")
        self._at = self._column + 1 if address is None else self._place(address)
        self._column = self._at
        self._kind = attributes.get("t", "n")
        self._style = int(attributes.get("s", 0))
        self._value, self._formula, self._in_cell = [], None, True

    def _place(self, address: str) -> int:
        """Return the column of an address; it must stand in this row, to the right of the last cell."""
        letters = address.rstrip(_DIGITS)
        column = self._columns.get(letters, 0)
        if not column and _LETTERS.fullmatch(letters):
            column = self._columns[letters] = column_index_from_string(letters)
        if address != letters + self._row_digits or not self._column < column <= _LAST_COLUMN:
            problem = f"单元格地址“{shown(address)}”重复、倒退或超出工作表的范围"
            raise fatal(self.file, problem, _SAVE_AGAIN, sheet=self.sheet, row=self._row)
        return column

    def _close_cell(self) -> None:
        if not self._in_cell:
            return
        self._in_cell, self._into, self._phonetic = False, None, 0
        if not self._value and self._formula is None:
            return
        text = self._text("".join(self._value))
        if not text:
            return
        if self._at > self._limits.columns:
            fault = exceeded(
                "table.columns",
                self.file,
                self._at,
                most=self._limits.columns,
                sheet=self.sheet,
                row=self._row,
            )
            raise FaultReport([fault])
        self._room += self._at - len(self._texts)
        if self._room > self._limits.cells + self._limits.columns:
            raise FaultReport([exceeded("table.cells", self.file, most=self._limits.cells, sheet=self.sheet)])
        self._texts += [""] * (self._at - 1 - len(self._texts))
        self._texts.append(text)

    def _text(self, raw: str) -> str:
        """Return what the cell holds as text; a formula or an error value becomes a fault and empty text."""
        if self._formula is not None:
            self._refuse(f"是公式 {shown('=' + ''.join(self._formula))}", _PASTE_VALUES)
            return ""
        match self._kind if raw else "":
            case "s":
                text = self._strings[int(raw)]
            case "n":
                text = self._number(raw)
            case "b":
                text = str(bool(int(raw)))
            case "d":
                text = _moment(from_ISO8601(raw))
            case "e":
                self._refuse_value(raw)
                text = ""
            case _:
                text = raw
        return text

    def _number(self, raw: str) -> str:
        value = float(raw) if any(sign in raw for sign in ".eE") else int(raw)
        if self._style in self._styles.dates:
            try:
                return _moment(self._styles.moment(value, self._style))
            except (OverflowError, ValueError):
                self._refuse_value("#VALUE!")
                return ""
        return percent_text(value) if self._styles.is_percent(self._style) else number_text(value)

    def _refuse_value(self, value: str) -> None:
        remedy = "改正后填写数值；没有数值时留空并在“备注”列写明原因"
        self._refuse(f"是错误值 {shown(value)}", remedy)

    def _refuse(self, what: str, remedy: str) -> None:
        address = f"{get_column_letter(self._at)}{self._row}"
        self.faults.append(CellFault(self._row, self._at - 1, f"单元格 {address} {what}", remedy))


class _Styles:
    """How the cells of a workbook are shown: which styles are dates, which per cent."""

    def __init__(self, book: Any) -> None:
        self.dates: set[int] = book._date_formats
        self._spans: set[int] = book._timedelta_formats
        self._book = book
        self._percent: dict[int, bool] = {}

    def moment(self, value: float, style: int) -> Any:
        """Return the date, time or span that a serial number stands for."""
        return from_excel(value, self._book.epoch, timedelta=style in self._spans)

    def is_percent(self, style: int) -> bool:
        """Whether a style shows numbers as per cent."""
        if style not in self._percent:
            number = self._book._cell_styles[style].numFmtId
            own = number >= _FIRST_OWN_FORMAT
            code = (
                self._book._number_formats[number - _FIRST_OWN_FORMAT]
                if own
                else BUILTIN_FORMATS.get(number, "")
            )
            self._percent[style] = "%" in code
        return self._percent[style]


def _moment(value: Any) -> str:
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return value.date().isoformat()
    return str(value)
