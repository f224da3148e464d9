"""Run one page as the entry script does, without a browser and without the other pages."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

SCRIPT = (
    "from pages.shared import choices\nfrom {module} import page\nchoices.begin()\npage()\nchoices.finish()\n"
)


def start(module: str, **address: str) -> AppTest:
    """Return the page ``module`` after its first run, opened with ``address`` as query parameters."""
    app = AppTest.from_string(SCRIPT.format(module=module), default_timeout=60)
    for name, text in address.items():
        app.query_params[name] = text
    app.run()
    assert_calm(app)
    return app


def assert_calm(app: AppTest) -> None:
    """Assert that the page drew without an exception or an error box."""
    assert [box.value for box in app.exception] == []
    assert [box.value for box in app.error] == []


def link(app: AppTest) -> dict[str, str]:
    """Return the address as the page has written it."""
    return {name: value[0] if isinstance(value, list) else value for name, value in app.query_params.items()}


def text_of(app: AppTest) -> str:
    """Return every text of the page, Markdown escapes removed."""
    parts = [*app.title, *app.subheader, *app.markdown, *app.caption]
    return "\n".join(str(part.value).replace("\\", "") for part in parts)
