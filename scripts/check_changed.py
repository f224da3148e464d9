"""Run the tests nearest to what changed since the last commit on the main line, without those in a browser.

``python -m scripts.check_changed [BASE]``: changed are files that differ from BASE (default: the last commit)
or are new. Ends with pytest's exit code.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from scripts.nearest_tests import ROOT, nearest

_BROWSER = Path("tests", "browser")
_SOURCES = Path("tests", "sources")
_MOST = 12
"""More test files than this take longer than a minute: `make test` is for them."""


def changed(base: str) -> list[Path]:
    """Return the files that differ from ``base``, and the new ones."""
    differ = _git("diff", "--name-only", "--diff-filter=d", base)
    new = _git("ls-files", "--others", "--exclude-standard")
    return sorted({Path(line) for line in [*differ, *new]})


def _git(*arguments: str) -> list[str]:
    done = subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


def main(arguments: list[str]) -> int:
    """Run the tests and say which were left out."""
    files = changed(arguments[0] if arguments else "HEAD")
    by_file = {path: nearest(path) for path in files}
    # Tests of few files first: they are the nearest.
    wanted = dict.fromkeys(test for tests in sorted(by_file.values(), key=len) for test in tests)
    inside = [test for test in wanted if _BROWSER not in test.parents and _SOURCES not in test.parents]
    chosen, left = inside[:_MOST], len(inside) - _MOST
    print(f"{len(files)} files changed; {len(chosen)} test files run", end="")
    print(f", {left} more and tests in a browser are left to `make test`" if left > 0 else "")
    if not chosen:
        return 0
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", *map(str, chosen)], cwd=ROOT, check=False
    ).returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
