"""Text as it is: nothing in it is markup."""

from __future__ import annotations

import re

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~$:&])")


def plain(text: object) -> str:
    """Return a text escaped, so that Streamlit's Markdown shows it letter by letter on one line."""
    return _MARKDOWN.sub(r"\\\1", " ".join(str(text).split()))
