"""Without the folder of sources there is nothing to test here, and that is an error, not a skip."""

import pytest

from tests.sources.shared import SHARED


def pytest_configure() -> None:
    """Refuse to start when the folder is not there."""
    if not (SHARED / "seeds").is_dir():
        raise pytest.UsageError(
            f"no source documents in {SHARED}: set SUTU_SHARED to their folder, or put it beside the checkout"
        )
