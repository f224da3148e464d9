"""Where tests find real data: small files, whose sources and licences `tests/real/README.md` names."""

from pathlib import Path

REAL = Path(__file__).resolve().parent / "real"


def real_path(relative: str) -> Path:
    """Return the path of a file of `tests/real`; nothing outside the repository is ever looked at."""
    path = REAL / relative
    if not path.is_file():
        raise FileNotFoundError(f"tests/real/{relative} is missing from this checkout")
    return path
