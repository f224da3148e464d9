"""县域对比: one to six counties side by side."""

from __future__ import annotations

from pages.compare import page as compare


def page() -> None:
    """Draw the page."""
    compare.draw("county", "县域对比")
