"""Where the tests find the real data that lies beside the checkout and is never committed."""

import os
from pathlib import Path

_DEFAULT = Path(__file__).resolve().parents[2] / "shared"


def shared_path(relative: str) -> Path:
    """Return the path of a shared file; a missing one fails loudly, so that no test is skipped in silence."""
    path = Path(os.environ.get("SUTU_SHARED", _DEFAULT)) / relative
    if not path.exists():
        raise FileNotFoundError(f"{relative} is missing; set SUTU_SHARED to the folder of shared data")
    return path
