"""What is wrong with a person's file: each fault with its place and its remedy, all of them reported
together; and why a disk refuses, in words.
"""

import errno
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from geo.errors import DataFaultError

SHOWN_FAULTS = 50
"""How many faults the text of a report lists; the report itself keeps every one."""

FAULT_COLUMNS = ("文件", "工作表", "行", "列", "问题", "处理办法")


DISK_WORDS: Final = {
    errno.ENOSPC: "磁盘已满",
    errno.EDQUOT: "磁盘配额已用完",
    errno.EFBIG: "文件超过系统允许的大小",
    errno.EACCES: "没有权限",
    errno.EPERM: "系统不允许这样做",
    errno.EROFS: "磁盘是只读的",
    errno.EIO: "磁盘读写出错，可能已损坏",
    errno.ENOENT: "文件或目录不存在",
    errno.ENOTDIR: "路径中有一段是文件，不是文件夹",
    errno.EEXIST: "同名的文件挡住了文件夹",
    errno.EISDIR: "那是文件夹，不是文件",
    errno.ELOOP: "符号链接绕成了圈",
    errno.ENAMETOOLONG: "文件名太长",
    errno.ENOTEMPTY: "文件夹不是空的",
    errno.EMFILE: "打开的文件太多",
    errno.ENFILE: "打开的文件太多",
    errno.ESTALE: "网络磁盘已断开",
    errno.EBUSY: "文件正被占用",
    errno.ENOLCK: "这个磁盘不支持文件锁",
}
"""What is said when the system refuses, by its number; `data.store.files.in_words` looks here."""


@dataclass(frozen=True)
class Fault:
    """One thing wrong with a file.

    ``row`` counts as the person counts, the header line included (so data starts in row 2); ``column`` is
    the header text, or the letter of the column when the header itself is at fault. ``None`` means the
    fault has no such place. ``more`` closes a long list: it says for how many faults, not listed one by
    one, this one stands.
    """

    file: str
    sheet: str | None
    row: int | None
    column: str | None
    problem: str
    remedy: str
    more: int = 0

    def place(self) -> str:
        """Return where the fault is, in Chinese, leaving out the parts it does not have."""
        parts = [self.file]
        if self.sheet:
            parts.append(f"工作表“{self.sheet}”")
        if self.row is not None:
            parts.append(f"第 {self.row} 行")
        if self.column:
            parts.append(f"“{self.column}”列")
        return "，".join(parts)

    def __str__(self) -> str:
        """Return place, problem and remedy on one line."""
        return f"{self.place()}：{self.problem}。处理办法：{self.remedy}。"


def faults_not_listed(file: str, sheet: str | None, count: int) -> Fault:
    """Return the fault that closes a list in which ``count`` further faults of ``file`` were not kept."""
    problem = f"另有 {count} 处问题未逐条列出"
    return Fault(file, sheet, None, None, problem, "先改正已列出的问题，再导入一次", more=count)


class FaultReport(DataFaultError):  # noqa: N818 - a report of many faults, not one error
    """Every fault of a file, raised once.

    ``faults`` is the list in the order found; where the file has more than are kept, its last entry says how
    many (``Fault.more``), and ``total`` counts them too. ``str()`` is a Chinese list of the first
    ``SHOWN_FAULTS``, headed by the full count and ended by how many more there are.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        """Keep the faults; a report without any is a programming error (``ValueError``)."""
        self.faults: list[Fault] = list(faults)
        if not self.faults:
            raise ValueError("a fault report needs at least one fault")
        super().__init__(self._text())

    @property
    def total(self) -> int:
        """Return how many faults were found, those not listed one by one included."""
        return sum(fault.more or 1 for fault in self.faults)

    def _text(self) -> str:
        total = self.total
        lines = [f"数据有 {total} 处问题，未写入任何内容："]
        listed = [fault for fault in self.faults[: SHOWN_FAULTS + 1] if not fault.more][:SHOWN_FAULTS]
        lines += [f"{n}. {fault}" for n, fault in enumerate(listed, start=1)]
        if total > len(listed):
            lines.append(f"……另有 {total - len(listed)} 处未列出。")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[type["FaultReport"], tuple[list[Fault]]]:
        """Pickle by the faults, so that a report crosses a process border whole."""
        return (type(self), (self.faults,))

    def as_rows(self) -> list[dict[str, str]]:
        """Return every fault as a row of text under ``FAULT_COLUMNS``; a missing place is an empty string."""
        return [
            dict(
                zip(
                    FAULT_COLUMNS,
                    (
                        fault.file,
                        fault.sheet or "",
                        "" if fault.row is None else str(fault.row),
                        fault.column or "",
                        fault.problem,
                        fault.remedy,
                    ),
                    strict=True,
                )
            )
            for fault in self.faults
        ]


def raise_if_any(faults: Iterable[Fault]) -> None:
    """Raise ``FaultReport`` when there is at least one fault; return otherwise."""
    found = list(faults)
    if found:
        raise FaultReport(found)
