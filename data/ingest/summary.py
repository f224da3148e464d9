"""What an import did, in a form that the command line prints and a page shows."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ImportSummary:
    """The outcome of one import that went through.

    ``rows`` were read; of them ``added`` are new, ``updated`` replace an earlier import, ``unchanged`` were
    there already. ``files`` are the names written below ``imports/``. ``notes`` are Chinese sentences on
    everything the importer did on its own account or wants a person to look at.
    """

    kind: str
    file: str
    rows: int
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether anything was written."""
        return bool(self.files)

    def lines(self) -> list[str]:
        """Return the summary as Chinese lines."""
        if not self.changed:
            first = f"{self.file}：{self.rows} 行，与已导入的内容相同，没有改动。"
        else:
            counts = f"新增 {self.added}，更新 {self.updated}，未变 {self.unchanged}"
            first = f"{self.file}：读入 {self.rows} 行，{counts}。"
        return [first, *self.notes]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "kind": self.kind,
            "file": self.file,
            "rows": self.rows,
            "added": self.added,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "files": list(self.files),
            "notes": list(self.notes),
            "details": self.details,
        }
