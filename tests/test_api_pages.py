"""`make docs`: pages of signatures and docstrings that load nothing from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_pages_hold_signatures_and_docstrings_and_load_nothing(tmp_path: Path) -> None:
    line = [
        sys.executable,
        "-m",
        "pdoc",
        "--no-show-source",
        "--output-directory",
        str(tmp_path),
        "geo.disparity",
    ]
    subprocess.run(line, cwd=ROOT, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    page = (tmp_path / "geo" / "disparity.html").read_text(encoding="utf-8")
    assert 'id="gini"' in page and "Raises" in page
    loaded = re.findall(r"<(?:script|img|link|iframe)[^>]*(?:src|href)=[\"']([^\"']*)", page)
    assert [address for address in loaded if address.startswith(("http:", "https:", "//"))] == []
    assert "@import" not in page and not re.search(r"url\(.?https?:", page)
