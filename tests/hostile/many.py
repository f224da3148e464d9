"""Read many files at one door in one process and say what came of each: ``many DOOR STORE LIST ANSWERS``.

``LIST`` has a line of JSON for each file (id, path, and whether it is read apart); ``ANSWERS`` gets one for
each that was read. A command of its own for each file would take the time of as many starts.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from tests.fuzz.verdict import verdict


def main(door: str, store: Path, files: Path, answers: Path) -> None:
    """Read every file of the list and write what came of it, one line each as soon as it is known."""
    with answers.open("w", encoding="utf-8") as out:
        for line in files.read_text(encoding="utf-8").splitlines():
            given = json.loads(line)
            found = verdict(door, Path(given["path"]), store, apart=given["apart"])
            out.write(json.dumps({"id": given["id"], **asdict(found)}, ensure_ascii=False) + "\n")
            out.flush()


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:]))
