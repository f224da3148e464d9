"""Where the source documents and the whole transcriptions lie: beside the checkout, never in it."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("SUTU_SHARED") or ROOT.parent / "shared")


def shared_path(relative: str) -> Path:
    """Return the path of a file of the sources; a missing one fails loudly."""
    path = SHARED / relative
    if not path.exists():
        raise FileNotFoundError(f"{relative} is missing in {SHARED}; SUTU_SHARED names the folder of sources")
    return path


def document(number: str) -> list[str]:
    """Return the lines of a source document by its number, as in ``001:1056`` (document, line)."""
    [path] = shared_path("seeds").glob(f"{number}_*")
    return path.read_text(encoding="utf-8").splitlines()
