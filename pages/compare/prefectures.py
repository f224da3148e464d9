"""设区市对比: one to six prefectures side by side."""

from __future__ import annotations

from pages.compare import page as compare


def page() -> None:
    """Draw the page."""
    compare.draw("prefecture", "设区市对比")
